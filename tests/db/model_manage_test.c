/*
 * model_manage_test.c - models listed, chosen, looked at and checked (duet_model.h), and
 * what becomes of databases when another model is chosen. The models are tiny ones with
 * random weights; the shipped one is stood in for by a folder "default" of its own.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "db/duet_model.h"
#include "db/model_manifest.h"
#include "tests/db/db_test.h"
#include "tests/encoder/tiny_model.h"

static char root[64];
static char home[96];    /* the user's models folder, first in $DUET_MODELS */
static char shipped[96]; /* the second: its "default" is there from the start */

static const char *at(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

/* One model is written by tiny_model_write, durably and so slowly; the others are copies
 * with a byte of their weights and their space changed. */
static char pattern[64];

static int setup_pattern(void **state)
{
    (void)state;
    test_folder_make(pattern);
    tiny_model_write(pattern, 1);
    return 0;
}

static int teardown_pattern(void **state)
{
    (void)state;
    tiny_model_remove(pattern);
    return 0;
}

static void make_model(const char *path, unsigned seed, const char *space)
{
    char name[600];
    const char *place = strstr(tiny_config, "tiny-1");
    assert_ok(file_make_folders(path));
    for (size_t i = 0; i < sizeof tiny_files / sizeof tiny_files[0]; i++) {
        struct buf bytes;
        buf_init(&bytes, 1 << 20);
        snprintf(name, sizeof name, "%s/%s", pattern, tiny_files[i]);
        assert_ok(file_read(name, &bytes));
        if (i == 0) {
            buf_clear(&bytes);
            assert_ok(buf_printf(&bytes, "%.*s%s%s", (int)(place - tiny_config),
                                 tiny_config, space, place + strlen("tiny-1")));
        } else if (i <= 6) {
            bytes.data[bytes.size - 3] ^= (char)seed; /* of the mantissa */
        }
        snprintf(name, sizeof name, "%s/%s", path, tiny_files[i]);
        assert_ok(file_write_unsynced(name, bytes.data, bytes.size));
        buf_release(&bytes);
    }
}

static int setup(void **state)
{
    (void)state;
    char list[256];
    test_folder_make(root);
    snprintf(home, sizeof home, "%s/home", root);
    snprintf(shipped, sizeof shipped, "%s/shipped", root);
    snprintf(list, sizeof list, "%s:%s", home, shipped);
    setenv("DUET_MODELS", list, 1);
    make_model(at("shipped/default"), 1, "first");
    make_model(at("home/other"), 2, "second");
    make_model(at("home/owner/third"), 3, "third");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_folder_remove(root);
    return 0;
}

/* ---- Listing ---------------------------------------------------------------------- */

static const struct duet_model_entry *entry(const struct duet_model_list *list,
                                            const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    print_error("no %s in the list\n", name);
    fail();
    return NULL;
}

static void test_models_of_all_folders_are_listed(void **state)
{
    (void)state;
    struct duet_model_list list;
    assert_ok(duet_model_list(&list));
    const struct duet_model_entry *e = entry(&list, "owner/third");
    assert_string_equal(e->folder, at("home/owner/third"));
    assert_string_equal(e->languages, "en,zh");
    assert_int_equal(e->dim, TINY_DIM);
    assert_true(e->bytes > 10000);
    assert_null(e->error);
    assert_false(e->is_default);
    assert_null(entry(&list, "other")->error);
    assert_true(entry(&list, "default")->is_default);
    duet_model_list_release(&list);
}

static void test_broken_models_are_listed_with_their_error(void **state)
{
    (void)state;
    struct duet_model_list list;
    assert_int_equal(truncate(at("home/other/image.safetensors"), 100), 0);
    assert_ok(file_make_folders(at("home/owner/empty/sub")));
    assert_ok(file_write(at("home/owner/empty/model.safetensors"), "x", 1));
    assert_ok(file_make_folders(at("home/nobody")));
    assert_ok(file_make_folders(at("home/.partial/owner--x@1")));
    assert_ok(file_write(at("home/.partial/owner--x@1/config.json"), "x", 1));
    assert_ok(duet_model_list(&list));
    assert_non_null(strstr(entry(&list, "other")->error, "image.safetensors"));
    assert_non_null(strstr(entry(&list, "owner/empty")->error, "config.json"));
    assert_null(entry(&list, "owner/third")->error);
    for (size_t i = 0; i < list.n; i++) {
        assert_null(strstr(list.items[i].folder, ".partial"));
        assert_string_not_equal(list.items[i].name, "nobody");
    }
    duet_model_list_release(&list);
}

static void test_a_name_found_earlier_shadows(void **state)
{
    (void)state;
    struct duet_model_list list;
    make_model(at("shipped/other"), 4, "fourth");
    assert_ok(duet_model_list(&list));
    size_t n_shadowed = 0;
    for (size_t i = 0; i < list.n; i++) {
        n_shadowed += list.items[i].is_shadowed;
    }
    assert_int_equal(n_shadowed, 1);
    assert_false(entry(&list, "other")->is_shadowed); /* the first of them */
    duet_model_list_release(&list);
}

static void test_a_default_that_leads_nowhere_is_listed(void **state)
{
    (void)state;
    struct duet_model_list list;
    assert_int_equal(symlink("gone", at("home/default")), 0);
    assert_ok(duet_model_list(&list));
    bool told = false;
    for (size_t i = 0; i < list.n; i++) {
        const struct duet_model_entry *e = &list.items[i];
        told |= e->is_default && e->error != NULL && strstr(e->error, "gone") != NULL;
    }
    assert_true(told);
    duet_model_list_release(&list);
}

/* ---- Choosing --------------------------------------------------------------------- */

/* The space of what "default" means. */
static void assert_default(const char *space)
{
    struct duet_model_details details;
    assert_ok(duet_model_look(NULL, false, &details));
    assert_string_equal(details.space, space);
    duet_model_details_release(&details);
}

static void use(const char *name)
{
    char chosen[DUET_MODEL_PATH_MAX];
    assert_ok(duet_model_use(name, chosen));
    assert_string_equal(chosen, name);
}

static void test_use_makes_another_model_the_default(void **state)
{
    (void)state;
    char target[64] = "";
    struct duet_model_list list;
    use("owner/third");
    assert_default("third");
    assert_true(readlink(at("home/default"), target, sizeof target - 1) > 0);
    assert_string_equal(target, "owner/third"); /* the folder may be moved whole */
    use("other");
    assert_default("second");
    assert_ok(duet_model_list(&list));
    assert_true(entry(&list, "other")->is_default);
    assert_false(entry(&list, "owner/third")->is_default);
    duet_model_list_release(&list);
}

static void test_use_takes_a_folder_anywhere(void **state)
{
    (void)state;
    char chosen[DUET_MODEL_PATH_MAX];
    struct duet_model_list list;
    make_model(at("far"), 5, "far");
    assert_ok(duet_model_use(at("far"), chosen));
    assert_string_equal(chosen, at("far"));
    assert_default("far");
    assert_ok(duet_model_list(&list));
    assert_true(entry(&list, at("far"))->is_default);
    duet_model_list_release(&list);
}

static void test_use_refuses_what_does_not_run(void **state)
{
    (void)state;
    char chosen[DUET_MODEL_PATH_MAX];
    use("other");
    assert_int_equal(unlink(at("home/owner/third/head-text-zh.safetensors")), 0);
    assert_err(duet_model_use("owner/third", chosen), ERR_MODEL);
    assert_err(duet_model_use("nowhere", chosen), ERR_NOT_FOUND);
    assert_string_equal(chosen, "");
    assert_default("second");
}

static void test_use_leaves_a_folder_called_default(void **state)
{
    (void)state;
    char chosen[DUET_MODEL_PATH_MAX];
    make_model(at("home/default"), 6, "mine");
    assert_err(duet_model_use("other", chosen), ERR_EXISTS);
    assert_default("mine");
}

/* ---- Databases keep their models ---------------------------------------------------- */

static struct duet *open_db(const char *name)
{
    struct duet *db;
    struct duet_options o = {
        .path = at(name), .write = true, .create = true, .n_threads = 1};
    assert_ok(duet_open(&db, &o));
    return db;
}

/* A database with one text in it; closed. */
static void make_db(const char *name)
{
    struct duet *db = open_db(name);
    struct duet_named_input vector = {"text", duet_input_text("dog")};
    struct duet_point_input point = {
        .id = {.number = 1}, .vectors = &vector, .n_vectors = 1};
    assert_ok(duet_collection_create(db, "c", NULL, 0));
    assert_ok(duet_upsert(db, "c", &point, 1));
    duet_close(db);
}

static void assert_model(const char *name, const char *model, const char *space)
{
    struct duet *db = open_db(name);
    struct duet_collections list;
    assert_ok(duet_collections_list(db, "c", &list));
    assert_string_equal(list.items[0].model, model);
    assert_string_equal(list.items[0].model_space, space);
    duet_collections_release(&list);
    duet_close(db);
}

/* It is searched by the model that made it: the same text is found with score 1. */
static void assert_answers(const char *name)
{
    struct duet *db = open_db(name);
    struct duet_query query = DUET_QUERY_DEFAULT;
    struct duet_hits hits;
    query.input = duet_input_text("dog");
    query.in = "text";
    assert_ok(duet_search(db, "c", &query, &hits));
    assert_int_equal(hits.n, 1);
    assert_true(hits.hits[0].score > 0.999f);
    duet_hits_release(&hits);
    duet_close(db);
}

static void test_databases_keep_the_model_that_made_them(void **state)
{
    (void)state;
    make_db("first.db"); /* by the folder called default */
    assert_model("first.db", at("shipped/default"), "first");
    use("other");
    make_db("old.db");
    assert_model("old.db", "other", "second");
    use("owner/third");
    assert_answers("old.db");
    assert_answers("first.db");
    make_db("new.db");
    assert_model("new.db", "owner/third", "third");
    assert_answers("new.db");
}

static void test_a_new_collection_is_of_the_databases_model(void **state)
{
    (void)state;
    struct duet_collections list;
    use("other");
    make_db("old.db");
    use("owner/third");
    struct duet *db = open_db("old.db");
    assert_ok(duet_collection_create(db, "second", NULL, 0));
    assert_ok(duet_collections_list(db, "second", &list));
    assert_string_equal(list.items[0].model, "other");
    duet_collections_release(&list);
    duet_close(db);
}

static void test_a_relative_folder_is_recorded_whole(void **state)
{
    (void)state;
    struct duet *db;
    char *before = getcwd(NULL, 0);
    make_model(at("far"), 5, "far");
    assert_int_equal(chdir(root), 0);
    struct duet_options o = {.path = at("far.db"),
                             .model = "./far",
                             .write = true,
                             .create = true,
                             .n_threads = 1};
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "c", NULL, 0));
    duet_close(db);
    assert_int_equal(chdir(before), 0);
    assert_model("far.db", at("far"), "far");
    free(before);
}

static void test_a_model_that_is_gone_is_stood_in_for_by_its_like(void **state)
{
    (void)state;
    struct duet_query query = DUET_QUERY_DEFAULT;
    struct duet_hits hits;
    query.input = duet_input_text("dog");
    query.in = "text";
    use("other");
    make_db("old.db");
    assert_int_equal(rename(at("home/other"), at("home/renamed")), 0);
    use("owner/third");
    struct duet *db = open_db("old.db"); /* no model of its space is found */
    assert_err(duet_search(db, "c", &query, &hits), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "other"));
    duet_close(db);
    use("renamed");
    assert_answers("old.db");
    make_model(at("home/other"), 2, "second"); /* there again, but broken */
    assert_int_equal(unlink(at("home/other/text-en.safetensors")), 0);
    db = open_db("old.db");
    assert_err(duet_search(db, "c", &query, &hits), ERR_MODEL);
    duet_close(db);
}

/* ---- Looking ------------------------------------------------------------------------ */

static void test_a_look_tells_all_of_a_model(void **state)
{
    (void)state;
    struct duet_model_details d;
    assert_ok(duet_model_look("owner/third", true, &d));
    assert_string_equal(d.name, "owner/third");
    assert_string_equal(d.title, "tiny");
    assert_string_equal(d.space, "third");
    assert_string_equal(d.tokenizer, "WordPiece");
    assert_string_equal(d.preprocessing, "squashed to 32 x 32, bicubic");
    assert_string_equal(d.repository, "");
    assert_int_equal(strlen(d.fingerprint), 32);
    assert_int_equal(d.dim, TINY_DIM);
    assert_true(d.images_per_second > 0 && d.texts_per_second > 0);
    assert_true(d.mapped_bytes > 0 && d.rss_bytes > d.mapped_bytes / 2);
    duet_model_details_release(&d);
    assert_err(duet_model_look("nowhere", false, &d), ERR_NOT_FOUND);
}

/* ---- Checking ----------------------------------------------------------------------- */

struct checks {
    enum duet_check_state state[5];
    char detail[5][ERR_DETAIL_MAX];
    double cosine[5];
    size_t n;
};

static const char *const steps[] = {"files", "towers", "kernels", "expected",
                                    "vectors"};

static void keep_check(void *arg, const struct duet_model_check *check)
{
    struct checks *checks = arg;
    assert_in_range(checks->n, 0, 4);
    assert_string_equal(check->step, steps[checks->n]);
    checks->state[checks->n] = check->state;
    checks->cosine[checks->n] = check->cosine;
    snprintf(checks->detail[checks->n], ERR_DETAIL_MAX, "%s", check->detail);
    checks->n++;
}

static enum err verify(const char *name, struct checks *checks)
{
    memset(checks, 0, sizeof *checks);
    enum err result = duet_model_verify(name, keep_check, checks);
    assert_int_equal(checks->n, 5);
    return result;
}

static void test_a_good_model_passes(void **state)
{
    (void)state;
    struct checks c;
    assert_ok(verify("other", &c));
    assert_int_equal(c.state[0], DUET_CHECK_SKIPPED); /* not pulled */
    assert_int_equal(c.state[1], DUET_CHECK_OK);
    assert_int_equal(c.state[2], DUET_CHECK_OK);
    assert_int_equal(c.state[3], DUET_CHECK_SKIPPED);
    assert_int_equal(c.state[4], DUET_CHECK_OK);
    assert_true(c.cosine[2] >= 0.9999 && c.cosine[2] <= 1.000001);
    assert_non_null(strstr(c.detail[2], "6 texts and 3 pictures"));
}

static void write_manifest(const char *folder, const char *name)
{
    char path[600], repository[] = "owner/third", none[] = "";
    struct manifest_file file = {.name = (char *)(size_t)name};
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &st), 0);
    file.size = (uint64_t)st.st_size;
    assert_ok(hash_file_hex(path, HASH_SHA256, NULL, NULL, file.sha256));
    struct manifest m = {.repository = repository,
                         .revision = none,
                         .licence = none,
                         .pulled = none,
                         .files = &file,
                         .n = 1};
    assert_ok(manifest_write(&m, folder));
}

/* Changes the last byte of a file. */
static void flip(const char *path)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 24);
    assert_ok(file_read(path, &bytes));
    bytes.data[bytes.size - 1] ^= 1;
    assert_ok(file_write(path, bytes.data, bytes.size));
    buf_release(&bytes);
}

static void test_a_changed_file_is_found(void **state)
{
    (void)state;
    struct checks c;
    const char *folder = at("home/owner/third");
    write_manifest(folder, "image.safetensors");
    assert_ok(verify("owner/third", &c));
    assert_int_equal(c.state[0], DUET_CHECK_OK);
    flip(at("home/owner/third/image.safetensors"));
    assert_err(verify("owner/third", &c), ERR_CORRUPT);
    assert_int_equal(c.state[0], DUET_CHECK_FAILED);
    assert_non_null(strstr(c.detail[0], "image.safetensors"));
    assert_int_equal(c.state[4], DUET_CHECK_OK); /* the others are tried as well */
    assert_int_equal(truncate(at("home/owner/third/image.safetensors"), 9), 0);
    assert_err(verify("owner/third", &c), ERR_CORRUPT);
    assert_int_equal(c.state[1], DUET_CHECK_FAILED);
    assert_int_equal(c.state[2], DUET_CHECK_SKIPPED);
    assert_int_equal(unlink(at("home/owner/third/image.safetensors")), 0);
    assert_err(verify("owner/third", &c), ERR_CORRUPT);
    assert_non_null(strstr(c.detail[0], "gone"));
    assert_ok(file_write(at("home/owner/third/duet.json"), "{", 1));
    assert_err(verify("owner/third", &c), ERR_CORRUPT);
}

static void test_weights_without_sense_are_found(void **state)
{
    (void)state;
    struct checks c;
    struct buf bytes;
    const uint32_t nan = 0x7fc00000;
    buf_init(&bytes, 1 << 20);
    assert_ok(file_read(at("home/other/head-image.safetensors"), &bytes));
    memcpy(bytes.data + bytes.size - 4, &nan, 4);
    assert_ok(
        file_write(at("home/other/head-image.safetensors"), bytes.data, bytes.size));
    buf_release(&bytes);
    assert_err(verify("other", &c), ERR_MODEL);
    assert_int_equal(c.state[1], DUET_CHECK_OK);
    assert_int_equal(c.state[2], DUET_CHECK_FAILED);
    assert_int_equal(c.state[4], DUET_CHECK_FAILED);
}

static void write_expected(const char *path, const char *row)
{
    char text[1024];
    int n =
        snprintf(text, sizeof text, "{\"made_by\":\"a test\",\"expected\":[%s]}", row);
    assert_ok(file_write(path, text, (size_t)n));
}

static void test_vectors_that_were_expected_are_compared(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"text\":\"dog\",\"vector\":[1,0,0,0,0,0,0,0]}",
        "{\"picture\":0,\"vector\":[0,0,0,0,0,0,0,0]}",
        "{\"text\":\"dog\",\"vector\":[1,0]}",
        "{\"picture\":9,\"vector\":[1,0,0,0,0,0,0,0]}",
        "{\"vector\":[1,0,0,0,0,0,0,0]}",
        "",
        "7",
    };
    struct checks c;
    const char *path = at("home/other/expected.json");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_expected(path, wrong[i]);
        assert_err(verify("other", &c), i < 2 ? ERR_MODEL : ERR_CORRUPT);
        assert_int_equal(c.state[3], DUET_CHECK_FAILED);
    }
    assert_ok(file_write(path, "[", 1));
    assert_err(verify("other", &c), ERR_CORRUPT);
}

static void test_the_shipped_model_gives_what_the_reference_gave(void **state)
{
    (void)state;
    struct checks c;
    assert_ok(verify("encoder/models/default", &c));
    assert_int_equal(c.state[3], DUET_CHECK_OK);
    assert_non_null(strstr(c.detail[3], "9 vectors made by the PyTorch reference"));
    assert_true(c.cosine[3] >= 0.9999);
}

/* ---- No memory ------------------------------------------------------------------------ */

/* All that is done without running the towers; what is got is released. */
static enum err do_all(void)
{
    struct duet_model_list list;
    struct duet_model_details details;
    struct manifest manifest;
    enum err result = duet_model_list(&list);
    if (result == ERR_OK) {
        duet_model_list_release(&list);
        result = duet_model_look("other", false, &details);
    }
    if (result == ERR_OK) {
        duet_model_details_release(&details);
        result = manifest_read(&manifest, at("home/owner/third"));
    }
    if (result == ERR_OK) {
        manifest_release(&manifest);
    }
    return result;
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    long n = 0;
    write_manifest(at("home/owner/third"), "image.safetensors");
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = do_all();
        alloc_fail_after(-1);
        if (result != ERR_OK && result != ERR_NOMEM) {
            fail_msg("allocation %ld failing gave %s: %s", n, err_name(result),
                     err_detail());
        }
    }
    assert_true(n > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_models_of_all_folders_are_listed),
        TEST(test_broken_models_are_listed_with_their_error),
        TEST(test_a_name_found_earlier_shadows),
        TEST(test_a_default_that_leads_nowhere_is_listed),
        TEST(test_use_makes_another_model_the_default),
        TEST(test_use_takes_a_folder_anywhere),
        TEST(test_use_refuses_what_does_not_run),
        TEST(test_use_leaves_a_folder_called_default),
        TEST(test_databases_keep_the_model_that_made_them),
        TEST(test_a_new_collection_is_of_the_databases_model),
        TEST(test_a_relative_folder_is_recorded_whole),
        TEST(test_a_model_that_is_gone_is_stood_in_for_by_its_like),
        TEST(test_a_look_tells_all_of_a_model),
        TEST(test_a_good_model_passes),
        TEST(test_a_changed_file_is_found),
        TEST(test_weights_without_sense_are_found),
        TEST(test_vectors_that_were_expected_are_compared),
        TEST(test_the_shipped_model_gives_what_the_reference_gave),
        TEST(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, setup_pattern, teardown_pattern);
}
