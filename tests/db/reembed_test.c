/*
 * reembed_test.c - duet_reembed: vectors made again by a model of another size, from
 * folders, uploads and texts; stopped, gone on with, given up, and refused.
 */
#include "tests/db/models_fixture.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/database.h"
#include "db/duet_encoder.h"
#include "db/duet_keep.h"
#include "db/store.h"

enum { MANY = 60 }; /* points of texts: several groups */

/* ---- What the callbacks are told ---- */

static struct {
    size_t n_calls, stop_at; /* of the progress, surveyed; 0: never stopped */
    size_t n_lost;
    char reason[256];
    void (*meanwhile)(void); /* called once, at the first call after the survey */
    bool at_last;            /* or at the first that tells of all as done */
} heard;

static bool on_progress(void *arg, const struct duet_reembed_progress *now)
{
    (void)arg;
    assert_true(now->n_done <= now->n_total);
    if (!now->surveyed) {
        return true;
    }
    if (heard.meanwhile != NULL && (!heard.at_last || now->n_done == now->n_total)) {
        void (*meanwhile)(void) = heard.meanwhile;
        heard.meanwhile = NULL;
        meanwhile();
    }
    heard.n_calls++;
    return heard.n_calls != heard.stop_at;
}

static void on_lost(void *arg, struct duet_id id, const char *space, const char *reason)
{
    (void)arg;
    (void)id;
    assert_true(strcmp(space, "image") == 0 || strcmp(space, "text") == 0);
    snprintf(heard.reason, sizeof heard.reason, "%s", reason);
    heard.n_lost++;
}

static struct duet_reembed_options options_to(const char *model)
{
    heard.n_calls = heard.n_lost = 0;
    return (struct duet_reembed_options){
        .model = model, .progress = on_progress, .lost = on_lost};
}

/* Has another model make all of it. */
static struct duet_reembed_progress reembed(void)
{
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.other);
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_int_equal(done.n_done + done.n_lost, done.n_total);
    return done;
}

/* ---- What there must be ---- */

static void print_finding(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    print_message("%s\n", finding->text);
}

static void assert_sound(void)
{
    struct duet_check_options o = {.found = print_finding};
    struct duet_check_result r;
    assert_ok(duet_seal(fix.t.db, "c"));
    assert_ok(duet_verify(fix.t.db, &o, &r));
    assert_int_equal(r.n_damage + r.n_derived + r.n_leftovers, 0);
}

static void assert_model(const char *space, size_t dim)
{
    struct duet_collections list;
    assert_ok(duet_collections_list(fix.t.db, "c", &list));
    assert_string_equal(list.items[0].model_space, space);
    assert_int_equal(list.items[0].n_spaces, 2);
    assert_string_equal(list.items[0].spaces[DB_IMAGE].name, "image");
    assert_string_equal(list.items[0].spaces[DB_TEXT].name, "text");
    assert_int_equal(list.items[0].spaces[DB_IMAGE].dim, dim);
    assert_int_equal(list.items[0].spaces[DB_TEXT].dim, dim);
    duet_collections_release(&list);
}

/* Whether the point's vector in the space is what the model in `folder` makes of the
 * input; of kind none: it has no vector there. */
static void assert_made_by(const char *folder, uint64_t number, const char *space,
                           struct duet_input input)
{
    struct duet_encoder *encoder;
    struct duet_hits got;
    struct duet_id id = test_id(number);
    float vector[LIMIT_DIM_MAX];
    bool has = false;
    assert_ok(duet_encoder_open(&encoder, folder));
    assert_ok(duet_get(fix.t.db, "c", &id, 1, true, &got));
    assert_int_equal(got.n, 1);
    for (size_t i = 0; i < got.hits[0].n_vectors; i++) {
        const struct duet_vector *v = &got.hits[0].vectors[i];
        if (strcmp(v->space, space) == 0) {
            has = true;
            assert_int_not_equal(input.kind, DUET_INPUT_NONE);
            assert_ok(duet_encode(encoder, &input, vector, NULL));
            assert_memory_equal(vector, v->values, v->dim * sizeof(float));
        }
    }
    assert_int_equal(has, input.kind != DUET_INPUT_NONE);
    duet_hits_release(&got);
    duet_encoder_close(encoder);
}

static const struct duet_input none = {.kind = DUET_INPUT_NONE};

static const char *text_of(uint64_t number)
{
    static char text[64];
    static const char *const words[] = {"dog", "cat", "car", "red", "blue"};
    snprintf(text, sizeof text, "%s and %s %s", words[number % 5],
             words[number / 5 % 5], words[number / 25 % 5]);
    return text;
}

/* Points 1 to MANY, each of a text. */
static void put_many(void)
{
    static char texts[MANY][64];
    struct duet_named_input inputs[MANY];
    struct duet_point_input points[MANY];
    for (size_t i = 0; i < MANY; i++) {
        strcpy(texts[i], text_of(i + 1));
        inputs[i] = (struct duet_named_input){"text", duet_input_text(texts[i])};
        points[i] = (struct duet_point_input){
            .id = test_id(i + 1), .vectors = &inputs[i], .n_vectors = 1};
    }
    assert_ok(duet_upsert(fix.t.db, "c", points, MANY));
}

static void assert_many(const char *folder)
{
    for (uint64_t i = 1; i <= MANY; i++) {
        assert_made_by(folder, i, "text", duet_input_text(text_of(i)));
    }
}

static enum err search_text(const char *text, struct duet_hits *out)
{
    struct duet_query query = DUET_QUERY_DEFAULT;
    query.input = duet_input_text(text);
    query.in = "text";
    return duet_search(fix.t.db, "c", &query, out);
}

/* ---- To its end ---- */

static void test_everything_is_made_by_the_other_model(void **state)
{
    (void)state;
    struct duet_input file = duet_input_file(fixture_file("a.ppm"));
    struct duet_id id;
    picture_write(fixture_file("a.ppm"), 9);
    fixture_write("a.txt", "a red dog\n");
    fixture_add();
    fixture_put(1, (struct fixture_inputs){fixture_picture(0), duet_input_text("cat")},
                false);
    fixture_put(2, (struct fixture_inputs){.text = fixture_picture(1)}, false);
    fixture_put(3, (struct fixture_inputs){.image = duet_input_text("blue car")},
                false);
    struct duet_reembed_progress done = reembed();
    assert_int_equal(done.n_made, 6);
    assert_int_equal(done.n_lost, 0);
    assert_model("tiny-2", OTHER_DIM);
    assert_made_by(fix.other, 1, "image", fixture_picture(0));
    assert_made_by(fix.other, 1, "text", duet_input_text("cat"));
    assert_made_by(fix.other, 2, "image", none);
    assert_made_by(fix.other, 2, "text", fixture_picture(1));
    assert_made_by(fix.other, 3, "image", duet_input_text("blue car"));
    assert_sound();
    assert_ok(duet_id_of_file(fix.t.db, fixture_file("a.ppm"), &id));
    fixture_reopen_with(fix.other);
    struct duet_query query = DUET_QUERY_DEFAULT;
    struct duet_hits hits;
    query.input = file;
    assert_ok(duet_search(fix.t.db, "c", &query, &hits));
    assert_int_equal(duet_id_compare(hits.hits[0].id, id), 0);
    assert_true(hits.hits[0].score > 0.9999f);
    duet_hits_release(&hits);
    /* The recorded name finds the model. */
    fixture_reopen_with(NULL);
    assert_ok(search_text("a red dog", &hits));
    assert_int_equal(duet_id_compare(hits.hits[0].id, id), 0);
    duet_hits_release(&hits);
    assert_sound();
}

static void test_who_has_the_old_model_open_is_told_after_the_switch(void **state)
{
    (void)state;
    struct duet_hits hits;
    put_many();
    assert_ok(search_text("dog", &hits)); /* opens the old model */
    duet_hits_release(&hits);
    reembed();
    assert_err(search_text("dog", &hits), ERR_CONFLICT);
    struct duet_named_input input = {NULL, duet_input_text("dog")};
    struct duet_point_input point = {
        .id = test_id(1), .vectors = &input, .n_vectors = 1};
    assert_err(duet_upsert(fix.t.db, "c", &point, 1), ERR_CONFLICT);
    picture_write(fixture_file("a.ppm"), 9);
    const char *paths[] = {fix.folder};
    struct duet_add_options o = {.paths = paths, .n_paths = 1};
    assert_err(duet_add(fix.t.db, "c", &o, NULL), ERR_CONFLICT);
    assert_many(fix.other);
    assert_sound();
}

static void test_a_vector_of_the_old_model_cannot_come_in_after_the_switch(void **state)
{
    (void)state;
    struct enc *enc;
    float vector[TINY_DIM] = {1};
    struct db_write write = {.id = test_id(7), .payload = "{}", .n_payload = 2};
    write.vectors[DB_TEXT] = vector;
    write.origins[DB_TEXT] = (struct db_origin){DB_OF_TEXT, "dog", 3};
    put_many();
    assert_ok(db_encoder(fix.t.db, &enc));
    assert_ok(db_write_points(fix.t.db, "c", &write, 1));
    reembed();
    assert_err(db_write_points(fix.t.db, "c", &write, 1), ERR_CONFLICT);
}

static void test_the_same_model_has_nothing_to_do(void **state)
{
    (void)state;
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.model);
    put_many();
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_int_equal(done.n_made, 0);
    assert_model("tiny-1", TINY_DIM);
    reembed();
    assert_int_equal(reembed().n_made, 0); /* as after a kill right behind the switch */
    assert_sound();
}

static void test_a_collection_without_points_only_changes_its_model(void **state)
{
    (void)state;
    assert_int_equal(reembed().n_made, 0);
    assert_model("tiny-2", OTHER_DIM);
    assert_sound();
}

static void test_there_and_back_again(void **state)
{
    (void)state;
    struct duet_reembed_options o;
    put_many();
    for (int i = 0; i < 3; i++) {
        reembed();
        o = options_to(fix.model);
        assert_ok(duet_reembed(fix.t.db, "c", &o, NULL));
        assert_sound();
    }
    assert_model("tiny-1", TINY_DIM);
    assert_many(fix.model);
}

/* The segments of the new spaces are there at the switch, not some time after it. */
static void test_the_new_spaces_are_sealed_before_the_switch(void **state)
{
    (void)state;
    static float vectors[600][TINY_DIM];
    static struct db_write writes[600];
    struct enc *enc;
    struct duet_stats stats;
    struct duet_options o = test_db_options(&fix.t);
    duet_close(fix.t.db);
    o.model = fix.model;
    o.seal_at = 256;
    assert_ok(duet_open(&fix.t.db, &o));
    assert_ok(db_encoder(fix.t.db, &enc));
    for (size_t i = 0; i < 600; i++) {
        vectors[i][i % TINY_DIM] = 1;
        writes[i] = (struct db_write){.id = test_id(i + 1)};
        writes[i].vectors[DB_TEXT] = vectors[i];
        writes[i].origins[DB_TEXT] = (struct db_origin){DB_OF_TEXT, "dog", 3};
    }
    assert_ok(db_write_points(fix.t.db, "c", writes, 600));
    assert_int_equal(reembed().n_made, 600);
    assert_ok(duet_seal(fix.t.db, "c"));
    assert_ok(duet_stats(fix.t.db, "c", &stats));
    assert_int_equal(stats.spaces[DB_TEXT].dim, OTHER_DIM);
    assert_true(stats.spaces[DB_TEXT].n_sealed >= 256);
    assert_sound();
}

/* ---- Stopped ---- */

/* Fills the shadows of some of put_many's points. */
static void reembed_halfway(void)
{
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.other);
    heard.stop_at = 1;
    assert_err(duet_reembed(fix.t.db, "c", &o, &done), ERR_CANCELLED);
    heard.stop_at = 0;
    assert_true(done.n_made > 0 && done.n_made < MANY);
}

static void test_a_stopped_run_is_gone_on_with(void **state)
{
    (void)state;
    struct duet_hits hits;
    put_many();
    reembed_halfway();
    assert_sound();
    assert_model("tiny-1", TINY_DIM);
    assert_many(fix.model);
    fixture_reopen_with(NULL);
    assert_sound();
    assert_ok(search_text(text_of(3), &hits));
    duet_hits_release(&hits);
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(NULL); /* the one under way */
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_true(done.n_made > 0 && done.n_made < MANY);
    assert_int_equal(done.n_done, MANY);
    assert_model("tiny-2", OTHER_DIM);
    assert_many(fix.other);
    assert_sound();
}

/* What a point has is changed between two runs: with vectors that have a shadow
 * already, and with those that do not. */
static void change_points(void)
{
    struct duet_id gone[] = {test_id(2), test_id(MANY - 1)};
    struct duet_operation o = {.kind = DUET_OP_SET_PAYLOAD,
                               .ids = &(struct duet_id){.number = 3},
                               .n_ids = 1,
                               .payload = "{\"a\":1}",
                               .n_payload = 7};
    fixture_put(1, (struct fixture_inputs){.text = duet_input_text("cats")}, false);
    fixture_put(MANY, (struct fixture_inputs){.text = duet_input_text("cats")}, false);
    assert_ok(duet_remove(fix.t.db, "c", gone, 2, NULL));
    fixture_put(4, (struct fixture_inputs){.image = fixture_picture(0)}, false);
    fixture_put(5, (struct fixture_inputs){.image = fixture_picture(1)}, true);
    fixture_put(MANY + 1, (struct fixture_inputs){.text = duet_input_text("dogs")},
                false);
    assert_ok(duet_apply(fix.t.db, "c", &o, 1));
}

static void assert_changed_points(const char *folder)
{
    size_t n;
    assert_ok(duet_count(fix.t.db, "c", &n));
    assert_int_equal(n, MANY - 1);
    assert_made_by(folder, 1, "text", duet_input_text("cats"));
    assert_made_by(folder, MANY, "text", duet_input_text("cats"));
    assert_made_by(folder, 3, "text", duet_input_text(text_of(3)));
    assert_made_by(folder, 4, "text", none);
    assert_made_by(folder, 4, "image", fixture_picture(0));
    assert_made_by(folder, 5, "text", duet_input_text(text_of(5)));
    assert_made_by(folder, 5, "image", fixture_picture(1));
    assert_made_by(folder, MANY + 1, "text", duet_input_text("dogs"));
}

static void test_what_is_written_between_two_runs_is_made_too(void **state)
{
    (void)state;
    put_many();
    reembed_halfway();
    fixture_reopen_with(NULL);
    change_points();
    assert_sound();
    assert_changed_points(fix.model);
    reembed();
    assert_changed_points(fix.other);
    assert_sound();
}

static void test_what_is_written_during_a_run_is_made_too(void **state)
{
    (void)state;
    put_many();
    heard.meanwhile = change_points;
    reembed();
    assert_null(heard.meanwhile);
    assert_changed_points(fix.other);
    assert_sound();
}

/* When all were made and nothing is left but the switch. */
static void test_what_is_written_at_the_last_moment_is_made_too(void **state)
{
    (void)state;
    put_many();
    heard.meanwhile = change_points;
    heard.at_last = true;
    reembed();
    heard.at_last = false;
    assert_null(heard.meanwhile);
    assert_changed_points(fix.other);
    assert_sound();
}

static void compact(void)
{
    struct duet_compact_result r;
    struct duet_options o = {.path = fix.t.folder, .n_threads = 1};
    duet_close(fix.t.db);
    fix.t.db = NULL;
    assert_ok(duet_compact(&o, &r));
    assert_true(r.n_moved > 0);
    fixture_open_with(NULL);
}

/* Vectors that were moved are still what their shadows were made with. */
static void test_a_compaction_between_two_runs_loses_nothing(void **state)
{
    (void)state;
    struct duet_reembed_progress done;
    put_many();
    for (uint64_t i = MANY + 1; i <= MANY + 40; i++) {
        fixture_put(i, (struct fixture_inputs){.text = duet_input_text("dog")}, false);
    }
    reembed_halfway();
    for (uint64_t i = MANY + 1; i <= MANY + 40; i++) {
        assert_ok(duet_remove(fix.t.db, "c", &(struct duet_id){.number = i}, 1, NULL));
    }
    for (uint64_t i = 20; i <= MANY; i++) {
        assert_ok(duet_remove(fix.t.db, "c", &(struct duet_id){.number = i}, 1, NULL));
    }
    compact();
    assert_sound();
    struct duet_reembed_options o = options_to(fix.other);
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_int_equal(done.n_made, 3); /* of 19, sixteen were made by the first run */
    for (uint64_t i = 1; i < 20; i++) {
        assert_made_by(fix.other, i, "text", duet_input_text(text_of(i)));
    }
    assert_sound();
}

static void test_a_run_can_be_given_up(void **state)
{
    (void)state;
    assert_err(duet_reembed_abort(fix.t.db, "c"), ERR_NOT_FOUND);
    assert_err(duet_reembed_abort(fix.t.db, "d"), ERR_NOT_FOUND);
    put_many();
    reembed_halfway();
    struct duet_reembed_options o = options_to(fix.model);
    assert_err(duet_reembed(fix.t.db, "c", &o, NULL), ERR_CONFLICT);
    assert_ok(duet_reembed_abort(fix.t.db, "c"));
    assert_sound();
    assert_many(fix.model);
    assert_ok(duet_reembed(fix.t.db, "c", &o, NULL)); /* nothing to do */
    assert_int_equal(reembed().n_made, MANY);
    assert_many(fix.other);
    assert_sound();
}

static void test_a_backup_of_half_a_run_is_gone_on_with(void **state)
{
    (void)state;
    struct duet_backup_result r;
    char folder[64], copy[96], file[96];
    test_folder_make(folder);
    snprintf(copy, sizeof copy, "%s/copy", folder);
    snprintf(file, sizeof file, "%s/bak", folder);
    put_many();
    reembed_halfway();
    assert_ok(duet_backup(fix.t.db, file, &r));
    duet_close(fix.t.db);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_ok(duet_restore_fd(fd, copy, &r));
    close(fd);
    struct duet_options o = {.path = copy, .write = true, .n_threads = 1};
    assert_ok(duet_open(&fix.t.db, &o));
    assert_sound();
    assert_true(reembed().n_made < MANY);
    assert_many(fix.other);
    assert_sound();
    duet_close(fix.t.db);
    fixture_open_with(NULL);
    test_folder_remove(folder);
}

/* ---- Lost ---- */

static const float numbers[TINY_DIM] = {1, 0, 0, 0, 0, 0, 0, 0};

/* Seven vectors, of which four cannot be made again. */
static void put_half_lost(void)
{
    picture_write(fixture_file("a.ppm"), 7);
    picture_write(fixture_file("b.ppm"), 8);
    picture_write(fixture_file("c.ppm"), 9);
    fixture_write("b.txt", "a red dog\n");
    fixture_add();
    assert_int_equal(unlink(fixture_file("a.ppm")), 0);
    picture_write(fixture_file("b.ppm"), 10); /* of the same size */
    fixture_put(1,
                (struct fixture_inputs){fixture_numbers(numbers, TINY_DIM),
                                        duet_input_text("dog")},
                false);
    fixture_put(2, (struct fixture_inputs){.text = fixture_numbers(numbers, TINY_DIM)},
                false);
}

static void test_what_is_lost_is_told_before_anything_is_changed(void **state)
{
    (void)state;
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.other);
    put_half_lost();
    assert_err(duet_reembed(fix.t.db, "c", &o, &done), ERR_CONFLICT);
    assert_non_null(strstr(err_detail(), "4 of 7 vectors"));
    assert_int_equal(done.n_lost, 4);
    assert_int_equal(heard.n_lost, 4);
    assert_false(done.surveyed);
    assert_err(duet_reembed_abort(fix.t.db, "c"), ERR_NOT_FOUND);
    assert_model("tiny-1", TINY_DIM);
    assert_sound();
}

static void test_points_lose_what_is_lost_if_that_is_wanted(void **state)
{
    (void)state;
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.other);
    size_t n;
    put_half_lost();
    o.drop_missing = true;
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_int_equal(done.n_lost, 4);
    assert_int_equal(heard.n_lost, 4);
    assert_int_equal(done.n_made, 3);
    assert_ok(duet_count(fix.t.db, "c", &n));
    assert_int_equal(n, 5); /* every point is still there */
    assert_made_by(fix.other, 1, "image", none);
    assert_made_by(fix.other, 1, "text", duet_input_text("dog"));
    assert_made_by(fix.other, 2, "text", none);
    assert_sound();
    fixture_reopen_with(fix.other);
    fixture_put(2, (struct fixture_inputs){.text = duet_input_text("cat")}, true);
    assert_made_by(fix.other, 2, "text", duet_input_text("cat"));
    assert_sound();
}

static void remove_file(void)
{
    assert_int_equal(unlink(fixture_file("z.ppm")), 0);
}

/* A disk that goes away meanwhile must not empty a collection. */
static void test_what_is_lost_during_a_run_keeps_it_from_switching(void **state)
{
    (void)state;
    struct duet_reembed_progress done;
    struct duet_reembed_options o = options_to(fix.other);
    o.drop_missing = true;
    char name[32];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        picture_write(fixture_file(name), i);
    }
    fixture_add();
    picture_write(fixture_file("z.ppm"), 99); /* its turn comes behind all others */
    fixture_add();
    fixture_put(1, (struct fixture_inputs){.text = fixture_numbers(numbers, TINY_DIM)},
                false);
    heard.meanwhile = remove_file;
    assert_err(duet_reembed(fix.t.db, "c", &o, &done), ERR_CONFLICT);
    assert_int_equal(done.n_lost, 2);
    assert_non_null(strstr(heard.reason, "z.ppm"));
    assert_model("tiny-1", TINY_DIM);
    assert_sound();
    o = options_to(fix.other);
    o.drop_missing = true;
    assert_ok(duet_reembed(fix.t.db, "c", &o, &done));
    assert_int_equal(done.n_lost, 2);
    assert_model("tiny-2", OTHER_DIM);
    assert_sound();
}

/* ---- Captions that no row is kept of, as before format 3 ---- */

static enum err forget_texts(struct txn *txn, void *arg)
{
    struct cursor cursor;
    (void)arg;
    TRY(cursor_open(txn, STORE_TEXTS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result = cursor_delete(&cursor);
    }
    cursor_close(&cursor);
    return result;
}

static void test_old_captions_are_read_where_they_came_from(void **state)
{
    (void)state;
    struct duet_reembed_options o = options_to(fix.other);
    picture_write(fixture_file("a.ppm"), 7);
    fixture_write("a.txt", "a red dog\n");
    fixture_add();
    assert_ok(store_update(fix.t.db->store, forget_texts, NULL));
    fixture_write("a.txt", "a blue cat\n");
    assert_err(duet_reembed(fix.t.db, "c", &o, NULL), ERR_CONFLICT);
    assert_int_equal(heard.n_lost, 1);
    assert_non_null(strstr(heard.reason, "caption"));
    fixture_write("a.txt", "a red dog\n");
    assert_int_equal(reembed().n_made, 2);
    struct duet_hits hits;
    fixture_reopen_with(NULL);
    assert_ok(search_text("a red dog", &hits));
    assert_int_equal(hits.n, 1);
    assert_true(hits.hits[0].score > 0.9999f);
    duet_hits_release(&hits);
    assert_sound();
}

/* ---- Short memory ---- */

/* After so many allocations there is no memory left, for ever more of them: each run
 * fails as that, and leaves what the next goes on with. */
static void test_short_memory_leaves_a_collection_whole(void **state)
{
    (void)state;
    struct duet_reembed_options o = {.model = fix.other, .n_threads = 1};
    long n = 0;
    enum err result = ERR_NOMEM;
    for (uint64_t i = 1; i <= 5; i++) {
        fixture_put(i,
                    (struct fixture_inputs){fixture_picture(0), duet_input_text("dog")},
                    false);
    }
    assert_ok(duet_seal(fix.t.db, "c"));
    for (; n < 5000 && result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = duet_reembed(fix.t.db, "c", &o, NULL);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
        assert_true(result == ERR_OK || err_detail()[0] != '\0');
    }
    assert_int_equal(result, ERR_OK);
    print_message("%ld allocations\n", n);
    assert_true(n > 100);
    assert_model("tiny-2", OTHER_DIM);
    assert_made_by(fix.other, 5, "image", fixture_picture(0));
    assert_sound();
}

/* ---- Refused ---- */

static void test_what_cannot_be_reembedded_is_refused(void **state)
{
    (void)state;
    struct duet_reembed_options o = options_to(fix.other);
    test_collection_make(fix.t.db, "plain", 4, DUET_COSINE);
    assert_err(duet_reembed(fix.t.db, "plain", &o, NULL), ERR_UNSUPPORTED);
    assert_err(duet_reembed(fix.t.db, "nobody", &o, NULL), ERR_NOT_FOUND);
    o.model = "/tmp/no-such-model";
    assert_err(duet_reembed(fix.t.db, "c", &o, NULL), ERR_MODEL);
    struct duet_options reading = {.path = fix.t.folder};
    duet_close(fix.t.db);
    assert_ok(duet_open(&fix.t.db, &reading));
    assert_err(duet_reembed(fix.t.db, "c", &o, NULL), ERR_INVALID);
    assert_err(duet_reembed_abort(fix.t.db, "c"), ERR_INVALID);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_everything_is_made_by_the_other_model),
        TEST(test_who_has_the_old_model_open_is_told_after_the_switch),
        TEST(test_a_vector_of_the_old_model_cannot_come_in_after_the_switch),
        TEST(test_the_same_model_has_nothing_to_do),
        TEST(test_a_collection_without_points_only_changes_its_model),
        TEST(test_there_and_back_again),
        TEST(test_the_new_spaces_are_sealed_before_the_switch),
        TEST(test_a_stopped_run_is_gone_on_with),
        TEST(test_what_is_written_between_two_runs_is_made_too),
        TEST(test_what_is_written_during_a_run_is_made_too),
        TEST(test_what_is_written_at_the_last_moment_is_made_too),
        TEST(test_a_compaction_between_two_runs_loses_nothing),
        TEST(test_a_run_can_be_given_up),
        TEST(test_a_backup_of_half_a_run_is_gone_on_with),
        TEST(test_what_is_lost_is_told_before_anything_is_changed),
        TEST(test_points_lose_what_is_lost_if_that_is_wanted),
        TEST(test_what_is_lost_during_a_run_keeps_it_from_switching),
        TEST(test_old_captions_are_read_where_they_came_from),
        TEST(test_short_memory_leaves_a_collection_whole),
        TEST(test_what_cannot_be_reembedded_is_refused),
    };
#undef TEST
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
