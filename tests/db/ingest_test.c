/*
 * ingest_test.c - duet_add: folders and lists of pictures into a database, again and
 * again.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "db/db_internal.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"
#include "tests/picture.h"

/* What every test has: a model, an empty database, a folder for pictures. */
static char model[64];
static struct test_db t;
static char folder[64];

/* What the callbacks of the last add were told. */
static size_t n_told;
static char told_path[512], told_reason[512];

static void open_database(void)
{
    struct duet_options options = test_db_options(&t);
    options.model = model;
    assert_ok(duet_open(&t.db, &options));
}

static int setup_model(void **state)
{
    (void)state;
    test_folder_make(model);
    tiny_model_write(model, 1);
    return 0;
}

static int teardown_model(void **state)
{
    (void)state;
    tiny_model_remove(model);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_folder_make(t.folder);
    open_database();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_db_remove(&t);
    test_folder_remove(folder);
    return 0;
}

/* The path of a file in the folder, in one of some static buffers. */
static const char *at(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put_text(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "wb"); /* not file_write, which syncs */
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void on_failed(void *arg, const char *path, enum err code, const char *reason)
{
    (void)arg;
    assert_int_not_equal(code, ERR_OK);
    snprintf(told_path, sizeof told_path, "%s", path);
    snprintf(told_reason, sizeof told_reason, "%s", reason);
    n_told++;
}

static struct duet_add_options options_of(const char *const *paths, size_t n)
{
    return (struct duet_add_options){.paths = paths, .n_paths = n, .failed = on_failed};
}

/* Adds the folder and hands back the counts. */
static struct duet_add_progress add_folder(bool prune)
{
    const char *paths[] = {folder};
    struct duet_add_progress done;
    struct duet_add_options options = options_of(paths, 1);
    options.prune = prune;
    n_told = 0;
    assert_ok(duet_add(t.db, "default", &options, &done));
    assert_int_equal(done.n_done, done.n_found);
    assert_int_equal(done.n_failed, n_told);
    return done;
}

static size_t count(void)
{
    size_t n;
    assert_ok(duet_count(t.db, "default", &n));
    return n;
}

/* The point of a file, with vectors; the caller releases it. */
static struct duet_hits get(const char *name)
{
    struct duet_id id;
    struct duet_hits hits;
    assert_ok(duet_id_of_file(t.db, at(name), &id));
    assert_ok(duet_get(t.db, "default", &id, 1, true, &hits));
    return hits;
}

static struct json_object *payload_of(const struct duet_hits *hits)
{
    struct json_object *payload;
    assert_int_equal(hits->n, 1);
    assert_ok(
        json_parse(&payload, hits->hits[0].payload, strlen(hits->hits[0].payload)));
    return payload;
}

/* The payload's member `key` must be this text; NULL: not there. */
static void assert_member(const char *name, const char *key, const char *text)
{
    struct duet_hits hits = get(name);
    struct json_object *payload = payload_of(&hits);
    struct json_object *value = json_get(payload, key);
    if (text == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(json_object_get_string(value), text);
    }
    json_object_put(payload);
    duet_hits_release(&hits);
}

static const struct duet_vector *vector_of(const struct duet_hits *hits,
                                           const char *space)
{
    for (size_t i = 0; hits->n == 1 && i < hits->hits[0].n_vectors; i++) {
        if (strcmp(hits->hits[0].vectors[i].space, space) == 0) {
            return &hits->hits[0].vectors[i];
        }
    }
    return NULL;
}

/* ---- What goes in ------------------------------------------------------------- */

static void test_a_picture_gets_payload_vectors_and_thumbnail(void **state)
{
    (void)state;
    void *jpeg;
    size_t n;
    picture_write(at("dog.ppm"), 1);
    put_text("dog.txt", "A red dog.\nzh_CN.utf8=红狗\n");
    assert_int_equal(add_folder(false).n_added, 1);
    assert_member("dog.ppm", "file", "dog.ppm");
    assert_member("dog.ppm", "path", at("dog.ppm"));
    assert_member("dog.ppm", "width", "48");
    assert_member("dog.ppm", "height", "40");
    assert_member("dog.ppm", "format", "pnm");
    assert_member("dog.ppm", "text", "A red dog.");
    assert_member("dog.ppm", "captions", "{ \"zh_CN\": \"红狗\" }");
    struct duet_hits hits = get("dog.ppm");
    assert_string_equal(hits.hits[0].source, at("dog.ppm"));
    assert_non_null(vector_of(&hits, "image"));
    assert_non_null(vector_of(&hits, "text"));
    assert_ok(duet_thumbnail(t.db, "default", hits.hits[0].id, &jpeg, &n));
    assert_memory_equal(jpeg, "\xff\xd8", 2);
    duet_free(jpeg);
    duet_hits_release(&hits);
}

/* What is handed out is what was added, or nothing: no other file by that name. */
static void test_the_original_is_the_file_as_it_was_added(void **state)
{
    (void)state;
    struct duet_picture picture;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    picture_write(at("dog.ppm"), 1);
    assert_ok(file_read(at("dog.ppm"), &bytes));
    add_folder(false);
    struct duet_hits hits = get("dog.ppm");
    assert_ok(duet_original(t.db, "default", hits.hits[0].id, &picture));
    assert_int_equal(picture.n, bytes.size);
    assert_memory_equal(picture.bytes, bytes.data, bytes.size);
    duet_free(picture.bytes);
    picture_write(at("dog.ppm"), 2);
    assert_err(duet_original(t.db, "default", hits.hits[0].id, &picture),
               ERR_NOT_FOUND);
    assert_null(picture.bytes);
    assert_int_equal(unlink(at("dog.ppm")), 0);
    assert_int_equal(symlink("/etc/hostname", at("dog.ppm")), 0);
    assert_err(duet_original(t.db, "default", hits.hits[0].id, &picture),
               ERR_NOT_FOUND);
    duet_hits_release(&hits);
    buf_release(&bytes);
}

static void test_a_picture_without_caption_has_no_text_vector(void **state)
{
    (void)state;
    picture_write(at("dog.ppm"), 1);
    add_folder(false);
    assert_member("dog.ppm", "text", NULL);
    struct duet_hits hits = get("dog.ppm");
    assert_non_null(vector_of(&hits, "image"));
    assert_null(vector_of(&hits, "text"));
    duet_hits_release(&hits);
}

static void test_the_picture_finds_itself_first(void **state)
{
    (void)state;
    char name[16];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        picture_write(at(name), i);
    }
    add_folder(false);
    struct duet_query query = DUET_QUERY_DEFAULT;
    struct duet_hits hits;
    query.input = duet_input_file(at("7.ppm"));
    query.k = 1;
    assert_ok(duet_search(t.db, "default", &query, &hits));
    assert_string_equal(hits.hits[0].source, at("7.ppm"));
    assert_float_equal(hits.hits[0].score, 1, 1e-5);
    duet_hits_release(&hits);
}

/* Many pictures: some groups are committed, and workers wait for the committer. */
static void test_any_number_of_threads_gives_the_same_points(void **state)
{
    (void)state;
    char name[16];
    enum { N = 600 };
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        picture_write(at(name), i);
    }
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    struct duet_add_progress done;
    options.n_threads = 7;
    assert_ok(duet_add(t.db, "many", &options, &done));
    assert_int_equal(done.n_added, N);
    options.n_threads = 1;
    assert_ok(duet_add(t.db, "one", &options, &done));
    assert_int_equal(done.n_added, N);
    struct duet_hits a, b;
    assert_ok(duet_scroll(t.db, "many", NULL, N + 1, &a));
    assert_ok(duet_scroll(t.db, "one", NULL, N + 1, &b));
    assert_int_equal(a.n, N);
    assert_int_equal(b.n, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(duet_id_compare(a.hits[i].id, b.hits[i].id), 0);
        assert_string_equal(a.hits[i].payload, b.hits[i].payload);
    }
    duet_hits_release(&a);
    duet_hits_release(&b);
}

/* Several workers, each with more captions than it gathers, and not one a picture. */
static void test_captions_end_at_their_pictures(void **state)
{
    (void)state;
    enum { N = 90 };
    static const char *const words[] = {"dog", "cats", "red", "blue", "car", "and"};
    static char captions[N][32];
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    struct duet_add_progress done;
    char name[16];
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        picture_write(at(name), i);
        if (i % 7 != 0) {
            snprintf(captions[i], sizeof captions[i], "%s %s", words[i % 6],
                     words[i / 6 % 6]);
            snprintf(name, sizeof name, "%u.txt", i);
            put_text(name, captions[i]);
        }
    }
    options.n_threads = 3;
    assert_ok(duet_add(t.db, "default", &options, &done));
    assert_int_equal(done.n_added, N);
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        struct duet_hits hits = get(name);
        const struct duet_vector *stored = vector_of(&hits, "text");
        assert_true((stored != NULL) == (i % 7 != 0));
        if (stored != NULL) {
            float *vector;
            size_t dim;
            struct duet_input caption = duet_input_text(captions[i]);
            assert_ok(duet_embed(t.db, &caption, &vector, &dim));
            assert_memory_equal(vector, stored->values, dim * sizeof *vector);
            duet_free(vector);
        }
        duet_hits_release(&hits);
    }
}

/* ---- Again --------------------------------------------------------------------- */

static void test_a_second_run_does_nothing(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    picture_write(at("b.ppm"), 2);
    put_text("b.txt", "A cat.");
    assert_int_equal(add_folder(false).n_added, 2);
    struct duet_add_progress done = add_folder(false);
    assert_int_equal(done.n_unchanged, 2);
    assert_int_equal(done.n_done, 2);
}

static void touch(const char *name, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
}

static void test_a_touched_file_is_unchanged_and_its_time_kept(void **state)
{
    (void)state;
    struct duet_id id;
    struct db_source source;
    struct buf path;
    buf_init(&path, 4096);
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "A dog.");
    add_folder(false);
    touch("a.ppm", 1234567890);
    assert_int_equal(add_folder(false).n_unchanged, 1);
    assert_ok(duet_id_of_file(t.db, at("a.ppm"), &id));
    assert_ok(db_source_get(t.db, "default", id, &path, &source));
    assert_true(source.mtime_ns == INT64_C(1234567890000000000));
    buf_release(&path);
    struct duet_hits hits = get("a.ppm");
    assert_int_equal(hits.hits[0].n_vectors, 2);
    duet_hits_release(&hits);
    assert_member("a.ppm", "text", "A dog.");
}

static void test_new_content_makes_everything_anew(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    add_folder(false);
    struct duet_hits before = get("a.ppm");
    picture_write(at("a.ppm"), 2);
    touch("a.ppm", 99);
    assert_int_equal(add_folder(false).n_updated, 1);
    struct duet_hits after = get("a.ppm");
    assert_memory_not_equal(vector_of(&before, "image")->values,
                            vector_of(&after, "image")->values,
                            TINY_DIM * sizeof(float));
    assert_int_equal(count(), 1);
    duet_hits_release(&before);
    duet_hits_release(&after);
}

static void test_a_new_caption_leaves_the_picture_alone(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "dog");
    add_folder(false);
    struct duet_hits before = get("a.ppm");
    put_text("a.txt", "cat");
    assert_int_equal(add_folder(false).n_updated, 1);
    assert_member("a.ppm", "text", "cat");
    assert_member("a.ppm", "width", "48");
    struct duet_hits after = get("a.ppm");
    assert_memory_equal(vector_of(&before, "image")->values,
                        vector_of(&after, "image")->values, TINY_DIM * sizeof(float));
    assert_memory_not_equal(vector_of(&before, "text")->values,
                            vector_of(&after, "text")->values,
                            TINY_DIM * sizeof(float));
    duet_hits_release(&before);
    duet_hits_release(&after);
}

static void test_a_caption_taken_away_is_gone(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "dog\nde.utf8=Hund\n");
    add_folder(false);
    assert_int_equal(unlink(at("a.txt")), 0);
    assert_int_equal(add_folder(false).n_updated, 1);
    assert_member("a.ppm", "text", NULL);
    assert_member("a.ppm", "captions", NULL);
    struct duet_hits hits = get("a.ppm");
    assert_null(vector_of(&hits, "text"));
    duet_hits_release(&hits);
    assert_int_equal(add_folder(false).n_unchanged, 1);
}

static void test_a_lost_thumbnail_is_made_again(void **state)
{
    (void)state;
    void *jpeg;
    size_t n;
    char command[256];
    picture_write(at("a.ppm"), 1);
    add_folder(false);
    snprintf(command, sizeof command, "rm -rf %s/media", t.folder);
    assert_int_equal(system(command), 0);
    struct duet_hits hits = get("a.ppm");
    assert_err(duet_thumbnail(t.db, "default", hits.hits[0].id, &jpeg, &n),
               ERR_NOT_FOUND);
    assert_int_equal(add_folder(false).n_unchanged, 1);
    assert_ok(duet_thumbnail(t.db, "default", hits.hits[0].id, &jpeg, &n));
    duet_free(jpeg);
    duet_hits_release(&hits);
}

/* ---- Moved, copied, gone --------------------------------------------------------- */

static void test_a_moved_file_keeps_its_payload(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("a.json", "{\"text\": \"dog\", \"payload\": {\"price\": 5}}");
    add_folder(false);
    struct duet_hits before = get("a.ppm");
    assert_int_equal(rename(at("a.ppm"), at("b.ppm")), 0);
    assert_int_equal(rename(at("a.json"), at("b.json")), 0);
    assert_int_equal(add_folder(false).n_moved, 1);
    assert_int_equal(count(), 1);
    assert_member("b.ppm", "file", "b.ppm");
    assert_member("b.ppm", "path", at("b.ppm"));
    assert_member("b.ppm", "price", "5");
    assert_member("b.ppm", "text", "dog");
    struct duet_hits after = get("b.ppm");
    assert_int_equal(after.hits[0].n_vectors, 2);
    assert_memory_equal(vector_of(&before, "text")->values,
                        vector_of(&after, "text")->values, TINY_DIM * sizeof(float));
    duet_hits_release(&before);
    duet_hits_release(&after);
    assert_int_equal(add_folder(false).n_unchanged, 1);
}

static void test_a_moved_file_without_its_caption_loses_it(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "dog");
    add_folder(false);
    assert_int_equal(rename(at("a.ppm"), at("b.ppm")), 0);
    assert_int_equal(add_folder(false).n_moved, 1);
    assert_member("b.ppm", "text", NULL);
    struct duet_hits hits = get("b.ppm");
    assert_int_equal(hits.hits[0].n_vectors, 1);
    duet_hits_release(&hits);
}

static void test_a_copy_is_a_point_of_its_own(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    add_folder(false);
    picture_write(at("b.ppm"), 1);
    struct duet_add_progress done = add_folder(false);
    assert_int_equal(done.n_added, 1);
    assert_int_equal(done.n_unchanged, 1);
    assert_int_equal(count(), 2);
}

static void test_prune_removes_what_is_gone_below_the_paths_alone(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    picture_write(at("b.ppm"), 2);
    assert_ok(file_make_folders(at("sub")));
    picture_write(at("sub/c.ppm"), 3);
    picture_write(at("sub/d.ppm"), 4);
    add_folder(false);
    assert_int_equal(unlink(at("a.ppm")), 0);
    assert_int_equal(unlink(at("sub/c.ppm")), 0);
    const char *paths[] = {at("sub")};
    struct duet_add_progress done;
    struct duet_add_options options = options_of(paths, 1);
    assert_int_equal(add_folder(false).n_pruned, 0);
    options.prune = true;
    assert_ok(duet_add(t.db, "default", &options, &done));
    assert_int_equal(done.n_pruned, 1);
    assert_int_equal(count(), 3);
    assert_int_equal(add_folder(true).n_pruned, 1);
    assert_int_equal(count(), 2);
}

static void test_an_empty_folder_prunes_nothing(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    picture_write(at("a.ppm"), 1);
    add_folder(false);
    assert_int_equal(unlink(at("a.ppm")), 0);
    options.prune = true;
    assert_err(duet_add(t.db, "default", &options, NULL), ERR_INVALID);
    assert_int_equal(count(), 1);
}

/* ---- Bad input --------------------------------------------------------------------
 */

static void test_bad_pictures_are_told_and_the_others_go_in(void **state)
{
    (void)state;
    static const char huge[] = "P6\n60000 60000\n255\n";
    static const struct {
        const char *name, *bytes;
    } bad[] = {
        {"empty.jpg", ""},
        {"words.png", "these are words"},
        {"cut.png", "\x89PNG\r\n\x1a\n"},
        {"huge.ppm", huge},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_text(bad[i].name, bad[i].bytes);
    }
    picture_write(at("a.ppm"), 1);
    picture_write(at("z.ppm"), 2);
    struct duet_add_progress done = add_folder(false);
    assert_int_equal(done.n_added, 2);
    assert_int_equal(done.n_failed, 4);
    assert_int_equal(add_folder(false).n_unchanged, 2);
}

static void test_a_failure_names_the_file_once_and_says_why(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "d\xf6g");
    assert_int_equal(add_folder(false).n_failed, 1);
    assert_string_equal(told_path, at("a.ppm"));
    assert_non_null(strstr(told_reason, "a.txt"));
    assert_non_null(strstr(told_reason, "UTF-8"));
    assert_null(strstr(told_reason, "a.ppm"));
}

static void test_no_pictures_at_all_is_an_error(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    put_text("notes.txt", "nothing to see");
    assert_err(duet_add(t.db, "default", &options, NULL), ERR_INVALID);
    assert_non_null(strstr(err_detail(), folder));
}

static void test_a_missing_path_is_an_error_before_anything_is_done(void **state)
{
    (void)state;
    const char *paths[] = {folder, at("gone")};
    struct duet_add_options options = options_of(paths, 2);
    struct duet_collections list;
    picture_write(at("a.ppm"), 1);
    assert_err(duet_add(t.db, "default", &options, NULL), ERR_NOT_FOUND);
    assert_err(duet_collections_list(t.db, "default", &list), ERR_NOT_FOUND);
}

static void test_a_collection_of_plain_vectors_is_refused(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    picture_write(at("a.ppm"), 1);
    test_collection_make(t.db, "plain", 4, DUET_COSINE);
    assert_err(duet_add(t.db, "plain", &options, NULL), ERR_UNSUPPORTED);
}

static void test_a_reader_cannot_add(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    picture_write(at("a.ppm"), 1);
    duet_close(t.db);
    assert_ok(duet_open(&t.db, &(struct duet_options){.path = t.folder}));
    assert_err(duet_add(t.db, "default", &options, NULL), ERR_INVALID);
}

/* ---- Lists ------------------------------------------------------------------------
 */

static struct duet_add_progress add_list(const char *const *paths, size_t n_paths)
{
    struct duet_add_progress done;
    struct duet_add_options options = options_of(paths, n_paths);
    options.jsonl = at("list.jsonl");
    n_told = 0;
    assert_ok(duet_add(t.db, "default", &options, &done));
    assert_int_equal(done.n_failed, n_told);
    return done;
}

static void test_a_list_gives_captions_payload_and_ids(void **state)
{
    (void)state;
    struct duet_hits hits;
    struct duet_id id = {.number = 18446744073709551615u};
    picture_write(at("a.ppm"), 1);
    picture_write(at("b.ppm"), 2);
    put_text("list.jsonl",
             "{\"path\": \"a.ppm\", \"text\": \"dog\", \"payload\": {\"price\": 5}}\n"
             "\n"
             "{\"image\": \"b.ppm\", \"id\": 18446744073709551615}");
    assert_int_equal(add_list(NULL, 0).n_added, 2);
    assert_member("a.ppm", "text", "dog");
    assert_member("a.ppm", "price", "5");
    assert_ok(duet_get(t.db, "default", &id, 1, false, &hits));
    assert_int_equal(hits.n, 1);
    assert_string_equal(hits.hits[0].source, at("b.ppm"));
    duet_hits_release(&hits);
    assert_int_equal(add_list(NULL, 0).n_unchanged, 2);
}

static void test_a_changed_line_is_an_update(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"payload\": {\"price\": 5}}\n");
    add_list(NULL, 0);
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"payload\": {\"price\": 6}}\n");
    assert_int_equal(add_list(NULL, 0).n_updated, 1);
    assert_member("a.ppm", "price", "6");
}

static void test_bad_lines_are_told_by_number_and_the_others_go_in(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("list.jsonl", "{\"path\": \"a.ppm\"}\n"
                           "{\"path\": \"gone.ppm\"}\n"
                           "no json\n"
                           "{\"text\": \"no path\"}\n"
                           "{\"path\": \"a.ppm\", \"id\": -1}\n"
                           "[\"a.ppm\"]\n"
                           "{\"path\": \"a.ppm\", \"text\": \"again\"}\n");
    struct duet_add_progress done = add_list(NULL, 0);
    assert_int_equal(done.n_added, 1);
    assert_int_equal(done.n_failed, 6);
    assert_string_equal(strrchr(told_path, '/'), "/list.jsonl:7");
    assert_non_null(strstr(told_reason, "line 1"));
}

static void test_one_photo_may_be_of_several_products(void **state)
{
    (void)state;
    picture_write(at("a.ppm"), 1);
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"id\": 1}\n"
                           "{\"path\": \"a.ppm\", \"id\": 2}\n");
    assert_int_equal(add_list(NULL, 0).n_added, 2);
    assert_int_equal(count(), 2);
}

static void test_a_line_says_more_than_the_folder(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    picture_write(at("a.ppm"), 1);
    put_text("a.txt", "from the sidecar");
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"text\": \"from the list\"}\n");
    assert_int_equal(add_list(paths, 1).n_added, 1);
    assert_member("a.ppm", "text", "from the list");
}

/* ---- Stopping -----------------------------------------------------------------------
 */

/* Stops at the first call with something done. */
static bool stop_when_begun(void *arg, const struct duet_add_progress *now)
{
    (void)arg;
    assert_int_equal(now->n_done, now->n_added);
    return now->n_done == 0;
}

static void test_a_stopped_add_goes_on_where_it_was(void **state)
{
    (void)state;
    char name[16];
    enum { N = 700 };
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        picture_write(at(name), i);
    }
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    struct duet_add_progress done, rest;
    options.progress = stop_when_begun;
    enum err result = duet_add(t.db, "default", &options, &done);
    assert_true(result == ERR_CANCELLED || done.n_added == N);
    assert_int_equal(count(), done.n_added);
    options.progress = NULL;
    assert_ok(duet_add(t.db, "default", &options, &rest));
    assert_int_equal(rest.n_unchanged, done.n_added);
    assert_int_equal(rest.n_added + done.n_added, N);
    assert_int_equal(count(), N);
}

static bool stop_at_once(void *arg, const struct duet_add_progress *now)
{
    (void)arg;
    (void)now;
    return false;
}

static void test_an_add_can_be_stopped_before_its_first_picture(void **state)
{
    (void)state;
    const char *paths[] = {folder};
    struct duet_add_options options = options_of(paths, 1);
    struct duet_add_progress done;
    picture_write(at("a.ppm"), 1);
    options.progress = stop_at_once;
    assert_err(duet_add(t.db, "default", &options, &done), ERR_CANCELLED);
    assert_true(done.n_added <= 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_picture_gets_payload_vectors_and_thumbnail),
        TEST(test_the_original_is_the_file_as_it_was_added),
        TEST(test_a_picture_without_caption_has_no_text_vector),
        TEST(test_the_picture_finds_itself_first),
        TEST(test_any_number_of_threads_gives_the_same_points),
        TEST(test_captions_end_at_their_pictures),
        TEST(test_a_second_run_does_nothing),
        TEST(test_a_touched_file_is_unchanged_and_its_time_kept),
        TEST(test_new_content_makes_everything_anew),
        TEST(test_a_new_caption_leaves_the_picture_alone),
        TEST(test_a_caption_taken_away_is_gone),
        TEST(test_a_lost_thumbnail_is_made_again),
        TEST(test_a_moved_file_keeps_its_payload),
        TEST(test_a_moved_file_without_its_caption_loses_it),
        TEST(test_a_copy_is_a_point_of_its_own),
        TEST(test_prune_removes_what_is_gone_below_the_paths_alone),
        TEST(test_an_empty_folder_prunes_nothing),
        TEST(test_bad_pictures_are_told_and_the_others_go_in),
        TEST(test_a_failure_names_the_file_once_and_says_why),
        TEST(test_no_pictures_at_all_is_an_error),
        TEST(test_a_missing_path_is_an_error_before_anything_is_done),
        TEST(test_a_collection_of_plain_vectors_is_refused),
        TEST(test_a_reader_cannot_add),
        TEST(test_a_list_gives_captions_payload_and_ids),
        TEST(test_a_changed_line_is_an_update),
        TEST(test_bad_lines_are_told_by_number_and_the_others_go_in),
        TEST(test_one_photo_may_be_of_several_products),
        TEST(test_a_line_says_more_than_the_folder),
        TEST(test_a_stopped_add_goes_on_where_it_was),
        TEST(test_an_add_can_be_stopped_before_its_first_picture),
    };
    return cmocka_run_group_tests(tests, setup_model, teardown_model);
}
