/*
 * origin_test.c - what vectors were made from is kept with them, and goes with them:
 * db/origin.c, through uploads, updates, folders of pictures and repairs.
 */
#include "tests/db/models_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "db/database.h"
#include "db/duet_keep.h"
#include "db/store.h"

/* The text is "" where it is not of one. */
static enum db_origin_kind origin(struct duet_id id, size_t space, char text[64])
{
    struct db_origin out;
    struct buf kept;
    buf_init(&kept, LIMIT_TEXT_BYTES);
    assert_ok(db_origin_get(fix.t.db, "c", id, space, &kept, &out));
    snprintf(text, 64, "%.*s", (int)out.n, out.n > 0 ? out.text : "");
    buf_release(&kept);
    return out.kind;
}

#define assert_origin(id_, space_, kind_, text_)                                       \
    do {                                                                               \
        char kept_[64];                                                                \
        assert_int_equal(origin(id_, space_, kept_), kind_);                           \
        assert_string_equal(kept_, text_);                                             \
    } while (0)

static size_t n_rows(void)
{
    struct txn txn;
    struct cursor cursor;
    size_t n = 0;
    assert_ok(store_read(fix.t.db->store, &txn));
    assert_ok(cursor_open(&txn, STORE_TEXTS, (struct bytes){"", 0}, &cursor));
    while (cursor.key.data != NULL) {
        n++;
        assert_ok(cursor_next(&cursor));
    }
    cursor_close(&cursor);
    store_end(&txn);
    return n;
}

static void print_finding(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    print_message("%s\n", finding->text);
}

static struct duet_check_result verify(void)
{
    struct duet_check_options o = {.found = print_finding};
    struct duet_check_result r;
    assert_ok(duet_verify(fix.t.db, &o, &r));
    return r;
}

static void assert_sound(void)
{
    struct duet_check_result r = verify();
    assert_int_equal(r.n_damage + r.n_derived + r.n_leftovers, 0);
}

static const float numbers[TINY_DIM] = {1, 0, 0, 0, 0, 0, 0, 0};

static struct duet_input some_numbers(void)
{
    return fixture_numbers(numbers, TINY_DIM);
}

/* ---- Requests ---- */

static void test_texts_are_kept_until_they_are_replaced(void **state)
{
    (void)state;
    struct duet_id id = test_id(1);
    fixture_put(1, (struct fixture_inputs){.text = duet_input_text("dog")}, false);
    assert_origin(id, DB_TEXT, DB_OF_TEXT, "dog");
    fixture_put(1, (struct fixture_inputs){.text = duet_input_text("red cat")}, true);
    assert_origin(id, DB_TEXT, DB_OF_TEXT, "red cat");
    assert_int_equal(n_rows(), 1);
    fixture_put(1, (struct fixture_inputs){.text = some_numbers()}, true);
    assert_origin(id, DB_TEXT, DB_OF_NUMBERS, "");
    assert_int_equal(n_rows(), 0);
    assert_sound();
}

static void test_a_text_goes_with_its_vector_or_point(void **state)
{
    (void)state;
    struct duet_id ids[] = {test_id(1), test_id(2), test_id(3)};
    for (uint64_t i = 1; i <= 3; i++) {
        fixture_put(i, (struct fixture_inputs){.text = duet_input_text("dog")}, false);
    }
    assert_int_equal(n_rows(), 3);
    assert_ok(duet_remove(fix.t.db, "c", &ids[0], 1, NULL));
    assert_int_equal(n_rows(), 2);
    const char *names[] = {"text"};
    struct duet_operation o = {.kind = DUET_OP_DELETE_VECTORS,
                               .ids = &ids[1],
                               .n_ids = 1,
                               .names = names,
                               .n_names = 1};
    assert_ok(duet_apply(fix.t.db, "c", &o, 1));
    assert_int_equal(n_rows(), 1);
    fixture_put(3, (struct fixture_inputs){.image = some_numbers()}, false);
    assert_int_equal(n_rows(), 0);
    assert_sound();
}

static void test_a_payload_leaves_texts_alone(void **state)
{
    (void)state;
    struct duet_id id = test_id(1);
    fixture_put(1, (struct fixture_inputs){.text = duet_input_text("dog")}, false);
    struct duet_operation o = {.kind = DUET_OP_SET_PAYLOAD,
                               .ids = &id,
                               .n_ids = 1,
                               .payload = "{\"a\":1}",
                               .n_payload = 7};
    assert_ok(duet_apply(fix.t.db, "c", &o, 1));
    assert_origin(id, DB_TEXT, DB_OF_TEXT, "dog");
    assert_ok(duet_collection_drop(fix.t.db, "c"));
    duet_close(fix.t.db);
    fix.t.db = NULL;
    fixture_open_with(fix.model);
    assert_int_equal(n_rows(), 0);
}

static void test_a_picture_needs_no_row_unless_it_is_no_more_the_vectors(void **state)
{
    (void)state;
    struct duet_id id = test_id(1);
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(0)}, false);
    assert_origin(id, DB_IMAGE, DB_OF_PICTURE, "");
    assert_int_equal(n_rows(), 0);
    fixture_put(1, (struct fixture_inputs){.image = some_numbers()}, true);
    assert_origin(id, DB_IMAGE, DB_OF_NUMBERS, ""); /* the picture is still there */
    assert_int_equal(n_rows(), 1);
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(1)}, true);
    assert_origin(id, DB_IMAGE, DB_OF_PICTURE, "");
    assert_int_equal(n_rows(), 0);
    fixture_put(1, (struct fixture_inputs){.image = duet_input_text("dog")}, true);
    assert_origin(id, DB_IMAGE, DB_OF_TEXT, "dog");
    assert_sound();
}

/* A picture given for the other space takes the place of the point's. */
static void test_a_vector_is_not_said_to_be_of_a_later_picture(void **state)
{
    (void)state;
    struct duet_id id = test_id(1);
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(0)}, false);
    fixture_put(1, (struct fixture_inputs){.text = fixture_picture(1)}, true);
    assert_origin(id, DB_IMAGE, DB_OF_NUMBERS, "");
    assert_origin(id, DB_TEXT, DB_OF_PICTURE, "");
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(2)}, true);
    assert_origin(id, DB_IMAGE, DB_OF_PICTURE, "");
    assert_origin(id, DB_TEXT, DB_OF_NUMBERS, "");
    assert_sound();
}

static void test_of_two_pictures_the_point_has_that_of_its_image(void **state)
{
    (void)state;
    struct duet_id id = test_id(1);
    struct duet_picture picture;
    fixture_put(1, (struct fixture_inputs){fixture_picture(0), fixture_picture(1)},
                false);
    assert_origin(id, DB_IMAGE, DB_OF_PICTURE, "");
    assert_origin(id, DB_TEXT, DB_OF_NUMBERS, "");
    assert_ok(duet_original(fix.t.db, "c", id, &picture));
    assert_int_equal(picture.n, fix.pictures[0].size);
    assert_memory_equal(picture.bytes, fix.pictures[0].data, picture.n);
    duet_free(picture.bytes);
    fixture_put(1, (struct fixture_inputs){fixture_picture(0), fixture_picture(0)},
                false);
    assert_origin(id, DB_TEXT, DB_OF_PICTURE, "");
    assert_sound();
    struct duet_stats stats; /* no file of the second picture is left over */
    assert_ok(duet_remove(fix.t.db, "c", &id, 1, NULL));
    assert_ok(duet_stats(fix.t.db, "c", &stats));
    assert_int_equal(stats.media_bytes, 0);
}

/* ---- Files ---- */

/* The path of a file in media/ of point 1; good until the next call. */
static const char *media_file(const char *ending)
{
    static char file[256];
    struct db_source source;
    struct buf path;
    buf_init(&path, 4096);
    assert_ok(db_source_get(fix.t.db, "c", test_id(1), &path, &source));
    int n = snprintf(file, 256, "%s/media/%02x/", fix.t.folder, source.hash[0]);
    for (size_t i = 1; i < DB_HASH_BYTES; i++) {
        n += snprintf(file + n, sizeof file - (size_t)n, "%02x", source.hash[i]);
    }
    snprintf(file + n, sizeof file - (size_t)n, "%s", ending);
    buf_release(&path);
    return file;
}

static struct duet_check_result repair(void)
{
    struct duet_check_result r;
    struct duet_repair_options o = {.path = fix.t.folder,
                                    .check = {.found = print_finding}};
    duet_close(fix.t.db);
    fix.t.db = NULL;
    assert_ok(duet_repair(&o, &r));
    fixture_open_with(fix.model);
    return r;
}

static void test_an_upload_gets_its_thumbnail_again_from_itself(void **state)
{
    (void)state;
    void *bytes;
    size_t n;
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(0)}, false);
    assert_int_equal(unlink(media_file(".jpg")), 0);
    assert_int_equal(verify().n_derived, 0); /* it may be on its way */
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, media_file(".orig"), old, 0), 0);
    assert_int_equal(verify().n_derived, 1);
    assert_int_equal(repair().n_derived, 1);
    assert_ok(duet_thumbnail(fix.t.db, "c", test_id(1), &bytes, &n));
    duet_free(bytes);
    assert_sound();
}

static void test_an_upload_that_is_gone_is_damage(void **state)
{
    (void)state;
    fixture_put(1, (struct fixture_inputs){.image = fixture_picture(0)}, false);
    assert_int_equal(unlink(media_file(".orig")), 0);
    struct duet_check_result r = verify();
    assert_int_equal(r.n_damage, 1);
    assert_int_equal(r.n_derived, 0);
}

/* ---- Folders ---- */

static struct duet_id id_of(const char *name)
{
    struct duet_id id;
    assert_ok(duet_id_of_file(fix.t.db, fixture_file(name), &id));
    return id;
}

static void test_captions_are_kept_and_move_with_their_pictures(void **state)
{
    (void)state;
    picture_write(fixture_file("a.ppm"), 1);
    fixture_write("a.txt", "a red dog\n");
    fixture_add();
    assert_origin(id_of("a.ppm"), DB_IMAGE, DB_OF_PICTURE, "");
    assert_origin(id_of("a.ppm"), DB_TEXT, DB_OF_TEXT, "a red dog");
    fixture_write("a.txt", "a blue cat\n");
    fixture_add();
    assert_origin(id_of("a.ppm"), DB_TEXT, DB_OF_TEXT, "a blue cat");
    assert_int_equal(rename(fixture_file("a.ppm"), fixture_file("b.ppm")), 0);
    assert_int_equal(rename(fixture_file("a.txt"), fixture_file("b.txt")), 0);
    fixture_add();
    assert_origin(id_of("b.ppm"), DB_TEXT, DB_OF_TEXT, "a blue cat");
    assert_origin(id_of("b.ppm"), DB_IMAGE, DB_OF_PICTURE, "");
    assert_int_equal(n_rows(), 1);
    assert_int_equal(unlink(fixture_file("b.txt")), 0);
    fixture_add();
    assert_int_equal(n_rows(), 0);
    assert_sound();
}

/* ---- Rows that went wrong ---- */

static enum err break_rows(struct txn *txn, void *arg)
{
    struct record_key right = record_key_text(1, test_id(1), DB_TEXT);
    struct record_key nobody = record_key_text(1, test_id(9), DB_TEXT);
    struct record_key no_space = record_key_text(1, test_id(1), 7);
    (void)arg;
    TRY(store_put(txn, STORE_TEXTS, store_key(&right), (struct bytes){"\x00\xff", 2}));
    TRY(store_put(txn, STORE_TEXTS, store_key(&nobody), (struct bytes){"\x02", 1}));
    return store_put(txn, STORE_TEXTS, store_key(&no_space), (struct bytes){"\x01", 1});
}

static void test_rows_that_make_no_sense_are_found_and_taken_out(void **state)
{
    (void)state;
    struct duet_check_result r;
    fixture_put(1, (struct fixture_inputs){.text = duet_input_text("dog")}, false);
    assert_ok(store_update(fix.t.db->store, break_rows, NULL));
    r = verify();
    assert_int_equal(r.n_damage, 1);
    assert_int_equal(r.n_derived, 2);
    repair();
    assert_origin(test_id(1), DB_TEXT, DB_OF_NUMBERS, "");
    assert_int_equal(n_rows(), 1);
    assert_sound();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_texts_are_kept_until_they_are_replaced),
        TEST(test_a_text_goes_with_its_vector_or_point),
        TEST(test_a_payload_leaves_texts_alone),
        TEST(test_a_picture_needs_no_row_unless_it_is_no_more_the_vectors),
        TEST(test_a_vector_is_not_said_to_be_of_a_later_picture),
        TEST(test_of_two_pictures_the_point_has_that_of_its_image),
        TEST(test_an_upload_gets_its_thumbnail_again_from_itself),
        TEST(test_an_upload_that_is_gone_is_damage),
        TEST(test_captions_are_kept_and_move_with_their_pictures),
        TEST(test_rows_that_make_no_sense_are_found_and_taken_out),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
