/*
 * upsert_test.c - texts and pictures in place of vectors, uploads, and models that do
 * not match: db/upsert.c, db/encode.c, db/model.c, db/media.c.
 */
#include "tests/db/db_test.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "db/db_internal.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

struct fixture {
    char model[64];
    struct test_db t;
    struct buf pictures[3]; /* the bytes of three picture files */
};

static void open_with(struct fixture *f, const char *model)
{
    struct duet_options o = test_db_options(&f->t);
    o.model = model;
    o.n_threads = 3;
    assert_ok(duet_open(&f->t.db, &o));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[128];
    test_folder_make(f->model);
    tiny_model_write(f->model, 1);
    test_folder_make(f->t.folder);
    open_with(f, f->model);
    assert_ok(duet_collection_create(f->t.db, "c", NULL, 0));
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%u.ppm", f->t.folder, i);
        picture_write(path, i + 1);
        buf_init(&f->pictures[i], 1 << 20);
        assert_ok(file_read(path, &f->pictures[i]));
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    tiny_model_remove(f->model);
    for (size_t i = 0; i < 3; i++) {
        buf_release(&f->pictures[i]);
    }
    free(f);
    return 0;
}

static struct duet_input picture(const struct fixture *f, size_t i)
{
    return (struct duet_input){.kind = DUET_INPUT_IMAGE,
                               .bytes = f->pictures[i].data,
                               .n = f->pictures[i].size};
}

static enum err upsert_inputs(struct fixture *f, uint64_t number,
                              const struct duet_named_input *inputs, size_t n)
{
    struct duet_point_input point = {
        .id = test_id(number), .vectors = inputs, .n_vectors = n};
    return duet_upsert(f->t.db, "c", &point, 1);
}

static enum err upsert_picture(struct fixture *f, uint64_t number, size_t i)
{
    struct duet_named_input input = {NULL, picture(f, i)};
    return upsert_inputs(f, number, &input, 1);
}

static size_t count(struct fixture *f)
{
    size_t n;
    assert_ok(duet_count(f->t.db, "c", &n));
    return n;
}

/* ---- Encoding ---- */

static void test_a_cross_modal_collection_has_two_spaces(void **state)
{
    struct fixture *f = *state;
    struct duet_collections list;
    assert_ok(duet_collections_list(f->t.db, "c", &list));
    assert_int_equal(list.items[0].n_spaces, 2);
    assert_string_equal(list.items[0].spaces[DB_IMAGE].name, "image");
    assert_string_equal(list.items[0].spaces[DB_TEXT].name, "text");
    assert_int_equal(list.items[0].spaces[DB_TEXT].dim, TINY_DIM);
    assert_string_equal(list.items[0].model_space, "tiny-1");
    duet_collections_release(&list);
}

static void test_texts_and_pictures_go_into_their_spaces(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input both[] = {{NULL, picture(f, 0)},
                                      {NULL, duet_input_text("dog")}};
    struct duet_hits got;
    float *vector;
    size_t dim;
    assert_ok(upsert_inputs(f, 1, both, 2));
    assert_ok(duet_get(f->t.db, "c", &(struct duet_id){.number = 1}, 1, true, &got));
    assert_int_equal(got.hits[0].n_vectors, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(duet_embed(f->t.db, &both[i].input, &vector, &dim));
        assert_int_equal(dim, TINY_DIM);
        assert_memory_equal(vector, got.hits[0].vectors[i].values, dim * sizeof(float));
        duet_free(vector);
    }
    duet_hits_release(&got);
}

static void test_a_picture_finds_itself_and_a_text_its_text(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_named_input text = {NULL, duet_input_text("a cat and dogs")};
    for (uint64_t i = 0; i < 3; i++) {
        assert_ok(upsert_picture(f, i, i));
    }
    assert_ok(upsert_inputs(f, 9, &text, 1));
    q.input = picture(f, 1);
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_int_equal(got.n, 3);
    assert_int_equal(got.hits[0].id.number, 1);
    assert_true(got.hits[0].score > 0.9999f);
    assert_string_equal(got.hits[0].space, "image");
    duet_hits_release(&got);
    q.input = text.input;
    q.in = "text";
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_int_equal(got.n, 1);
    assert_int_equal(got.hits[0].id.number, 9);
    duet_hits_release(&got);
    q.in = "any";
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_int_equal(got.n, 4);
    duet_hits_release(&got);
}

static void test_an_overlong_text_says_so(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    char text[200] = "";
    for (size_t i = 0; i < 40; i++) {
        memcpy(text + 4 * i, "dog ", 5);
    }
    q.input = duet_input_text(text);
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_true(got.truncated);
    duet_hits_release(&got);
    q.input = duet_input_text("dog");
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_false(got.truncated);
    duet_hits_release(&got);
}

static void test_many_inputs_by_many_threads_end_where_they_belong(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input inputs[60];
    struct duet_point_input points[60];
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_hits got;
    for (size_t i = 0; i < 60; i++) {
        inputs[i] = (struct duet_named_input){NULL, picture(f, i % 3)};
        points[i] = (struct duet_point_input){
            .id = test_id(i), .vectors = &inputs[i], .n_vectors = 1};
    }
    assert_ok(duet_upsert(f->t.db, "c", points, 60));
    q.input = picture(f, 2);
    q.k = 20;
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(got.hits[i].id.number, 3 * i + 2);
    }
    duet_hits_release(&got);
}

/* A text for each number below 60, no two alike. */
static struct duet_input text(size_t i)
{
    static const char *const words[] = {"dog", "cats", "red", "blue", "car",
                                        "and", "狗",   "猫",  "车"};
    static char texts[60][32];
    snprintf(texts[i], sizeof texts[i], "%s %s", words[i % 8], words[(i / 8) + i % 2]);
    return duet_input_text(texts[i]);
}

static void test_many_texts_together_end_where_they_belong(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input inputs[60];
    struct duet_point_input points[60];
    struct duet_encode_stats stats;
    for (size_t i = 0; i < 60; i++) {
        inputs[i] =
            (struct duet_named_input){NULL, i % 10 == 3 ? picture(f, 0) : text(i)};
        points[i] = (struct duet_point_input){
            .id = test_id(i), .vectors = &inputs[i], .n_vectors = 1};
    }
    assert_ok(duet_upsert(f->t.db, "c", points, 60));
    for (size_t i = 0; i < 60; i++) {
        struct duet_hits got;
        float *vector;
        size_t dim;
        struct duet_id id = test_id(i);
        assert_ok(duet_get(f->t.db, "c", &id, 1, true, &got));
        assert_ok(duet_embed(f->t.db, &inputs[i].input, &vector, &dim));
        assert_int_equal(got.hits[0].n_vectors, 1);
        assert_memory_equal(vector, got.hits[0].vectors[0].values, dim * sizeof(float));
        duet_free(vector);
        duet_hits_release(&got);
    }
    duet_encode_stats(f->t.db, &stats);
    assert_int_equal(stats.texts.n_items, 54 + 54); /* of the upsert, and asked for */
    assert_int_equal(stats.images.n_items, 6 + 6);
    assert_in_range(stats.texts.n_batches, 54 + 1, 54 + 20);
    assert_int_equal(stats.images.n_batches, 6 + 6);
    assert_true(stats.texts.seconds > 0);
    assert_int_equal(stats.texts.n_waiting, 0);
}

static void test_the_first_bad_text_is_named_and_nothing_written(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input inputs[60];
    struct duet_point_input points[60];
    for (size_t i = 0; i < 60; i++) {
        inputs[i] = (struct duet_named_input){NULL, text(i)};
        inputs[i].input.n = i == 41 || i > 50 ? 0 : inputs[i].input.n;
        points[i] = (struct duet_point_input){
            .id = test_id(i), .vectors = &inputs[i], .n_vectors = 1};
    }
    enum err result = duet_upsert(f->t.db, "c", points, 60);
    assert_int_equal(result, ERR_INVALID);
    assert_string_equal(err_detail(), "point 41: the text is empty");
    assert_int_equal(count(f), 0);
}

static void test_the_first_bad_input_is_named_and_nothing_written(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input inputs[30];
    struct duet_point_input points[30];
    for (size_t i = 0; i < 30; i++) {
        inputs[i] = (struct duet_named_input){NULL, picture(f, 0)};
        inputs[i].input.n = i == 7 || i > 20 ? 100 : inputs[i].input.n;
        points[i] = (struct duet_point_input){
            .id = test_id(i), .vectors = &inputs[i], .n_vectors = 1};
    }
    enum err result = duet_upsert(f->t.db, "c", points, 30);
    assert_int_equal(result, ERR_INVALID);
    assert_non_null(strstr(err_detail(), "point 7: "));
    assert_int_equal(count(f), 0);
}

static void test_bad_inputs_are_refused(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input twice[] = {{NULL, duet_input_text("dog")},
                                       {"text", duet_input_text("cat")}};
    struct duet_named_input bad[] = {
        {NULL, duet_input_text("")},
        {NULL, duet_input_text("  \n")},
        {NULL, {.kind = DUET_INPUT_TEXT, .bytes = "\xff\xfe", .n = 2}},
        {NULL, {.kind = DUET_INPUT_IMAGE, .bytes = "not a picture", .n = 13}},
        {NULL, {.kind = DUET_INPUT_IMAGE, .bytes = "", .n = 0}},
        {"image", {.kind = DUET_INPUT_POINT}},
        {"image", {.kind = DUET_INPUT_NONE}},
    };
    assert_err(upsert_inputs(f, 1, twice, 2), ERR_INVALID);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum err result = upsert_inputs(f, 1, &bad[i], 1);
        assert_true(result == ERR_INVALID || result == ERR_UNSUPPORTED);
        assert_non_null(strstr(err_detail(), "point 0: "));
    }
    bad[0] = (struct duet_named_input){NULL, duet_input_file("/nowhere.jpg")};
    assert_err(upsert_inputs(f, 1, bad, 1), ERR_NOT_FOUND);
    bad[0] = (struct duet_named_input){"audio", duet_input_text("dog")};
    assert_err(upsert_inputs(f, 1, bad, 1), ERR_NOT_FOUND);
    assert_int_equal(count(f), 0);
}

/* ---- Uploads ---- */

static enum err thumbnail(struct fixture *f, uint64_t number)
{
    void *bytes;
    size_t n;
    enum err result = duet_thumbnail(f->t.db, "c", test_id(number), &bytes, &n);
    if (result == ERR_OK) {
        assert_memory_equal(bytes, "\xff\xd8", 2);
    } else {
        assert_null(bytes);
    }
    duet_free(bytes);
    return result;
}

static void test_an_upload_has_a_thumbnail_and_no_source(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    assert_ok(upsert_picture(f, 1, 0));
    assert_ok(thumbnail(f, 1));
    assert_ok(duet_get(f->t.db, "c", &(struct duet_id){.number = 1}, 1, false, &got));
    assert_null(got.hits[0].source);
    duet_hits_release(&got);
    assert_err(thumbnail(f, 2), ERR_NOT_FOUND);
}

static void test_a_picture_goes_with_the_last_of_its_points(void **state)
{
    struct fixture *f = *state;
    struct duet_stats stats;
    struct duet_id ids[] = {test_id(1), test_id(2)};
    assert_ok(upsert_picture(f, 1, 0));
    assert_ok(upsert_picture(f, 2, 0));
    assert_ok(duet_remove(f->t.db, "c", &ids[0], 1, NULL));
    assert_ok(thumbnail(f, 2));
    assert_ok(duet_stats(f->t.db, "c", &stats));
    assert_true(stats.media_bytes > 0);
    assert_ok(duet_remove(f->t.db, "c", &ids[1], 1, NULL));
    assert_ok(duet_stats(f->t.db, "c", &stats));
    assert_int_equal(stats.media_bytes, 0);
}

static void test_an_upsert_without_the_picture_lets_it_go(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input text = {NULL, duet_input_text("dog")};
    struct duet_stats stats;
    assert_ok(upsert_picture(f, 1, 0));
    assert_ok(upsert_inputs(f, 1, &text, 1));
    assert_err(thumbnail(f, 1), ERR_NOT_FOUND);
    assert_ok(duet_stats(f->t.db, "c", &stats));
    assert_int_equal(stats.media_bytes, 0);
}

/* The file in media/ of the upload that point 1 was made from. */
static void media_file(struct fixture *f, const char *ending, char file[256])
{
    struct db_source source;
    struct buf path;
    buf_init(&path, 4096);
    assert_ok(db_source_get(f->t.db, "c", test_id(1), &path, &source));
    assert_int_equal(source.size, f->pictures[0].size);
    int n = snprintf(file, 256, "%s/media/%02x/", f->t.folder, source.hash[0]);
    for (size_t i = 1; i < DB_HASH_BYTES; i++) {
        n += snprintf(file + n, 256 - (size_t)n, "%02x", source.hash[i]);
    }
    snprintf(file + n, 256 - (size_t)n, "%s", ending);
    buf_release(&path);
}

static void test_a_torn_thumbnail_counts_as_none(void **state)
{
    struct fixture *f = *state;
    char file[256];
    assert_ok(upsert_picture(f, 1, 0));
    media_file(f, ".jpg", file);
    assert_int_equal(truncate(file, 200), 0);
    assert_err(thumbnail(f, 1), ERR_NOT_FOUND);
}

/* ---- Originals ---- */

static enum err original(struct fixture *f, uint64_t number, size_t i)
{
    struct duet_picture picture;
    enum err result = duet_original(f->t.db, "c", test_id(number), &picture);
    if (result == ERR_OK) {
        assert_int_equal(picture.n, f->pictures[i].size);
        assert_memory_equal(picture.bytes, f->pictures[i].data, picture.n);
        assert_string_equal(picture.type, "application/octet-stream"); /* of a PPM */
    } else {
        assert_null(picture.bytes);
    }
    duet_free(picture.bytes);
    return result;
}

static void test_an_upload_is_kept_to_the_last_byte(void **state)
{
    struct fixture *f = *state;
    struct duet_named_input text = {NULL, duet_input_text("dog")};
    assert_ok(upsert_picture(f, 1, 0));
    assert_ok(original(f, 1, 0));
    assert_ok(upsert_picture(f, 1, 1));
    assert_ok(original(f, 1, 1));
    assert_err(original(f, 2, 0), ERR_NOT_FOUND);
    assert_ok(upsert_inputs(f, 1, &text, 1));
    assert_err(original(f, 1, 1), ERR_NOT_FOUND);
}

static void test_a_copy_that_changed_is_not_handed_out(void **state)
{
    struct fixture *f = *state;
    char file[256];
    assert_ok(upsert_picture(f, 1, 0));
    media_file(f, ".orig", file);
    FILE *copy = fopen(file, "r+b");
    assert_non_null(copy);
    assert_int_equal(fputc('Q', copy), 'Q');
    assert_int_equal(fclose(copy), 0);
    assert_err(original(f, 1, 0), ERR_NOT_FOUND);
    assert_int_equal(unlink(file), 0);
    assert_err(original(f, 1, 0), ERR_NOT_FOUND);
}

/* ---- Models ---- */

/* Changes the space in the model's config.json, which has a line for it. */
static void rename_space(struct fixture *f)
{
    char path[128];
    struct buf config;
    snprintf(path, sizeof path, "%s/config.json", f->model);
    buf_init(&config, 1 << 20);
    assert_ok(file_read(path, &config));
    char *name = strstr(config.data, "tiny-1");
    assert_non_null(name);
    name[5] = '2';
    assert_ok(file_write(path, config.data, config.size));
    buf_release(&config);
}

static void test_a_model_of_another_space_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    assert_ok(upsert_picture(f, 1, 0));
    duet_close(f->t.db);
    rename_space(f);
    open_with(f, f->model);
    assert_err(upsert_picture(f, 2, 1), ERR_CONFLICT);
    assert_non_null(strstr(err_detail(), "tiny-1"));
    assert_non_null(strstr(err_detail(), "tiny-2"));
    q.input = duet_input_text("dog");
    assert_err(duet_search(f->t.db, "c", &q, &got), ERR_CONFLICT);
    assert_int_equal(count(f), 1);
}

static void test_other_weights_of_the_same_space_still_work(void **state)
{
    struct fixture *f = *state;
    assert_ok(upsert_picture(f, 1, 0));
    duet_close(f->t.db);
    tiny_model_write(f->model, 2);
    log_set_level(LOG_ERROR); /* it is warned of */
    open_with(f, f->model);
    assert_ok(upsert_picture(f, 2, 1));
    log_set_level(LOG_WARN);
    assert_int_equal(count(f), 2);
}

static void test_a_database_knows_its_model_again(void **state)
{
    struct fixture *f = *state;
    struct duet_model_info info;
    assert_ok(upsert_picture(f, 1, 0));
    duet_close(f->t.db);
    open_with(f, NULL); /* not named: the collection's own */
    assert_ok(upsert_picture(f, 2, 1));
    assert_ok(duet_model(f->t.db, &info));
    assert_string_equal(info.name, "tiny");
    assert_int_equal(info.dim, TINY_DIM);
}

static void test_a_missing_model_is_an_error_and_points_stay_readable(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    assert_ok(upsert_picture(f, 1, 0));
    duet_close(f->t.db);
    open_with(f, "/nowhere/model");
    q.input = duet_input_text("dog");
    assert_err(duet_search(f->t.db, "c", &q, &got), ERR_MODEL);
    q.input = (struct duet_input){.kind = DUET_INPUT_POINT, .id = test_id(1)};
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    duet_hits_release(&got);
    assert_int_equal(count(f), 1);
}

static void test_a_point_searches_across_spaces(void **state)
{
    struct fixture *f = *state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_named_input text = {NULL, duet_input_text("dog")};
    assert_ok(upsert_inputs(f, 1, &text, 1)); /* it has no picture */
    assert_ok(upsert_picture(f, 2, 0));
    q.input = (struct duet_input){.kind = DUET_INPUT_POINT, .id = test_id(1)};
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_int_equal(got.n, 1);
    assert_int_equal(got.hits[0].id.number, 2);
    duet_hits_release(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_cross_modal_collection_has_two_spaces),
        TEST(test_texts_and_pictures_go_into_their_spaces),
        TEST(test_a_picture_finds_itself_and_a_text_its_text),
        TEST(test_an_overlong_text_says_so),
        TEST(test_many_inputs_by_many_threads_end_where_they_belong),
        TEST(test_many_texts_together_end_where_they_belong),
        TEST(test_the_first_bad_text_is_named_and_nothing_written),
        TEST(test_the_first_bad_input_is_named_and_nothing_written),
        TEST(test_bad_inputs_are_refused),
        TEST(test_an_upload_has_a_thumbnail_and_no_source),
        TEST(test_a_picture_goes_with_the_last_of_its_points),
        TEST(test_an_upsert_without_the_picture_lets_it_go),
        TEST(test_a_torn_thumbnail_counts_as_none),
        TEST(test_an_upload_is_kept_to_the_last_byte),
        TEST(test_a_copy_that_changed_is_not_handed_out),
        TEST(test_a_model_of_another_space_is_refused_by_name),
        TEST(test_other_weights_of_the_same_space_still_work),
        TEST(test_a_database_knows_its_model_again),
        TEST(test_a_missing_model_is_an_error_and_points_stay_readable),
        TEST(test_a_point_searches_across_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
