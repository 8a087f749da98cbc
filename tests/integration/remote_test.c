/*
 * remote_test.c - each command that takes --url, once on a server and once on a database
 * here; both say the same, on both streams, and end alike.
 *
 * The two databases are copies of one that was made empty, so that they have one UUID and
 * give a file the same id. What differs by nature is taken out: seconds, the bytes that a
 * database takes, and the path of the source, which a server does not have.
 */
#include "tests/test.h"

#include <signal.h>

#include "base/file.h"
#include "tests/integration/program.h"

static char url[64];
static pid_t server;

static void start_server(const char *key_file)
{
    const char *const args[] = {
        "serve",    "--db",        at("there.db"),
        "--listen", "127.0.0.1:0", key_file != NULL ? "--api-key-file" : NULL,
        key_file,   NULL};
    server = start(args, at("server.out"));
    for (int i = 0; i < 1000; i++) {
        read_text(at("stderr"), ran.err);
        const char *found = strstr(ran.err, "http://");
        if (found != NULL && strchr(found, ' ') != NULL) {
            snprintf(url, sizeof url, "%.*s", (int)strcspn(found, " "), found);
            assert_int_equal(rename(at("stderr"), at("server.err")), 0);
            return;
        }
        usleep(10 * 1000);
    }
    fail_msg("the server does not start: %s", ran.err);
}

static void stop_server(void)
{
    int status;
    kill(server, SIGTERM);
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_int_equal(status, 0);
}

/* Two empty databases with one UUID, and a server on one of them. */
static int set_up_both(void **state)
{
    char command[512];
    setup(state);
    put_picture("first.ppm", 99);
    RUN("--db", at("here.db"), "add", pictures);
    assert_status(0);
    RUN("--db", at("here.db"), "rm", "--filter", "{}");
    assert_status(0);
    unlink(at("pictures/first.ppm"));
    snprintf(command, sizeof command, "cp -r %s %s", at("here.db"), at("there.db"));
    assert_int_equal(system(command), 0);
    setenv("DUET_DB", at("here.db"), 1);
    start_server(NULL);
    return 0;
}

static int tear_down_both(void **state)
{
    stop_server();
    return teardown(state);
}

/* Cuts out what `begins` up to the end of `ends`, again and again. */
static void cut(char *text, const char *begins, const char *ends)
{
    for (char *at_ = strstr(text, begins); at_ != NULL; at_ = strstr(at_, begins)) {
        char *end = strstr(at_ + strlen(begins), ends);
        if (end == NULL) {
            return;
        }
        memmove(at_, end + strlen(ends), strlen(end + strlen(ends)) + 1);
    }
}

static void take_out_what_differs(char *text)
{
    cut(text, " in ", " s\n");
    cut(text, "\"seconds\":", ",");
    cut(text, "\"cpu_seconds\":", "}");
    cut(text, "\"source\":\"", "\",");
    cut(text, "\"store_bytes\":", ",");
    cut(text, "\"media_bytes\":", ",");
    cut(text, "store  ", "\n");
    cut(text, "thumbnails  ", "\n");
    cut(text, "database  ", "\n");
    cut(text, "server  ", "\n");
}

/* Runs the command both ways; the last run is the server's. */
static void both(int status, const char *const *args)
{
    static char out[OUTPUT_MAX], err[OUTPUT_MAX];
    const char *remote[ARGS_MAX] = {"--url", url};
    for (size_t i = 0; args[i] != NULL; i++) {
        remote[i + 2] = args[i];
    }
    run_args(args);
    assert_status(status);
    memcpy(out, ran.out, sizeof out);
    memcpy(err, ran.err, sizeof err);
    run_args(remote);
    assert_status(status);
    take_out_what_differs(out);
    take_out_what_differs(ran.out);
    assert_string_equal(ran.out, out);
    assert_string_equal(ran.err, err);
}

#define BOTH(status, ...) both(status, (const char *const[]){__VA_ARGS__, NULL})

static void add_three(void)
{
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    put_picture("c.ppm", 3);
    put_text("c.txt", "a red dog");
    put_text("b.json", "{\"text\": \"blue\", \"payload\": {\"price\": 7}}");
    BOTH(0, "add", pictures);
}

static void test_pictures_are_added_alike(void **state)
{
    (void)state;
    add_three();
    assert_string_equal(ran.out, "3 added");
    BOTH(0, "add", pictures);
    assert_string_equal(ran.out, "3 unchanged");
    put_picture("a.ppm", 11);
    put_text("c.txt", "a blue dog");
    put_picture("d.ppm", 4);
    BOTH(0, "add", pictures);
    assert_string_equal(ran.out, "1 added, 2 updated, 1 unchanged");
    BOTH(0, "add", pictures, "--json");
    BOTH(0, "ls", "--json");
    assert_non_null(strstr(ran.out, "a blue dog"));
    assert_int_equal(n_lines(ran.out), 4);
}

static void test_a_picture_that_is_none_is_told_alike(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_text("bad.png", "not a picture");
    BOTH(4, "add", pictures);
    assert_non_null(strstr(ran.err, "bad.png: "));
    unlink(at("pictures/bad.png")); /* one at a time: an add has threads */
    put_text("worse.jpg", "");
    BOTH(4, "add", pictures);
    BOTH(0, "ls", "--json");
    assert_int_equal(n_lines(ran.out), 1);
    BOTH(3, "add", at("nothing.txt"), "--quiet");
}

static void test_a_list_of_pictures_is_added_alike(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    put_picture("b.ppm", 2);
    put_text("list.jsonl", "{\"path\": \"a.ppm\", \"text\": \"a dog\", \"id\": 7}\n"
                           "{\"path\": \"b.ppm\", \"payload\": {\"price\": 3}}\n"
                           "{\"path\": \"missing.ppm\"}\n");
    BOTH(4, "add", "--jsonl", at("pictures/list.jsonl"));
    BOTH(0, "get", "7", "--json");
    BOTH(0, "ls", "--json");
}

static void test_members_that_came_otherwise_stay_alike(void **state)
{
    (void)state;
    char command[512];
    add_three();
    BOTH(0, "get", at("pictures/a.ppm"));
    snprintf(command, sizeof command,
             "curl -sf %s/collections/default/points/payload -d "
             "'{\"payload\": {\"mine\": 1}, \"filter\": {}}' >/dev/null",
             url);
    assert_int_equal(system(command), 0);
    put_picture("a.ppm", 12);
    RUN("--url", url, "add", pictures);
    assert_status(0);
    RUN("--url", url, "get", at("pictures/a.ppm"));
    assert_non_null(strstr(ran.out, "\"mine\": 1"));
}

static void test_questions_are_answered_alike(void **state)
{
    (void)state;
    add_three();
    BOTH(0, "search", "a dog");
    BOTH(0, "search", "a dog", "--json", "-k", "2");
    BOTH(0, "search", "dog", "--in", "any");
    BOTH(0, "search", "--image", at("pictures/b.ppm"), "--exact");
    BOTH(0, "search", "dog", "--filter",
         "{\"must\": {\"key\": \"price\", \"match\": {\"value\": 7}}}");
    BOTH(0, "ls", "-k", "2");
    BOTH(0, "ls", "--filter", "{\"must\": {\"is_empty\": {\"key\": \"text\"}}}");
    BOTH(0, "get", at("pictures/b.ppm"));
    BOTH(0, "get", at("pictures/b.ppm"), "77");
    BOTH(1, "get", "77");
    BOTH(0, "stats");
    BOTH(0, "stats", "--json", "--filter", "{\"must\": {\"has_vector\": \"text\"}}");
    BOTH(0, "describe", at("pictures/a.ppm"), "-k", "2");
}

static void test_points_are_removed_alike(void **state)
{
    (void)state;
    add_three();
    BOTH(0, "rm", at("pictures/a.ppm"), "77");
    BOTH(1, "rm", at("pictures/a.ppm"));
    BOTH(0, "rm", "--filter",
         "{\"must\": {\"key\": \"price\", \"range\": {\"gt\": 1}}}");
    BOTH(0, "ls", "--json");
    assert_int_equal(n_lines(ran.out), 1);
}

static void test_points_are_carried_out_and_in_alike(void **state)
{
    (void)state;
    add_three();
    BOTH(0, "export");
    assert_ok(file_write(at("points.jsonl"), ran.out, strlen(ran.out)));
    BOTH(0, "export", "--format", "csv", "--keys", "file,price");
    BOTH(0, "rm", "--filter", "{}");
    BOTH(0, "import", at("points.jsonl"));
    assert_string_equal(ran.out, "3 imported, 0 failed\n");
    BOTH(0, "--collection", "copy", "import", at("points.jsonl"), "--json");
    BOTH(0, "--collection", "copy", "search", "a dog", "--json");
    BOTH(0, "--collection", "copy", "stats");
    RUN("--url", url, "--collection", "copy", "export");
    char *first =
        strchr(ran.out, '\n'); /* the collection's name is in the first line */
    assert_non_null(first);
    static char lines[OUTPUT_MAX];
    strcpy(lines, first);
    RUN("--url", url, "export");
    assert_string_equal(strchr(ran.out, '\n'), lines); /* to the last bit */
}

static void test_plain_vectors_are_carried_alike(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"collection\":\"v\",\"model\":\"\",\"model_space\":\"\",\"spaces\":["
        "{\"name\":\"\",\"dim\":2,\"distance\":\"Euclid\",\"datatype\":\"float16\"}]}\n"
        "{\"id\":1,\"payload\":{\"a\":1},\"vectors\":{\"\":[0.5,2]}}\n"
        "{\"id\":2,\"vectors\":{}}\n";
    assert_ok(file_write(at("v.jsonl"), lines, strlen(lines)));
    BOTH(0, "--collection", "v", "import", at("v.jsonl"));
    BOTH(0, "--collection", "v", "export");
    BOTH(0, "--collection", "v", "stats", "--json");
    static const char bad[] = "{\"id\":3,\"vectors\":{\"\":[1]}}\n"
                              "{\"id\":4,\"vectors\":{\"\":[1,1]}}\nno\n";
    assert_ok(file_write(at("bad.jsonl"), bad, strlen(bad)));
    RUN("--url", url, "--collection", "v", "import", at("bad.jsonl"));
    assert_status(4);
    assert_string_equal(ran.out, "1 imported, 2 failed\n");
    assert_non_null(strstr(ran.err, "bad.jsonl:1: "));
    assert_non_null(strstr(ran.err, "bad.jsonl:3: "));
}

/* The names have their time in them. */
static void test_a_snapshot_is_recovered_alike(void **state)
{
    (void)state;
    char name[128], path[256], command[512];
    const char *const wheres[][2] = {{"--db", at("here.db")}, {"--url", url}};
    add_three();
    for (size_t i = 0; i < 2; i++) {
        const char *where = wheres[i][0];
        const char *place = wheres[i][1];
        RUN(where, place, "snapshot", "create", "--json");
        assert_status(0);
        struct json_object *told = json_line(0);
        const char *said = "";
        assert_ok(json_get_string(told, "name", &said));
        snprintf(name, sizeof name, "%s", said);
        json_object_put(told);
        RUN(where, place, "snapshot", "list");
        assert_status(0);
        assert_int_equal(strncmp(ran.out, name, strlen(name)), 0);
        RUN(where, place, "rm", "--filter", "{}");
        assert_status(0);
        RUN(where, place, "snapshot", "recover", name);
        assert_status(0);
        RUN(where, place, "ls");
        assert_int_equal(n_lines(ran.out), 3);
    }
    snprintf(path, sizeof path, "%s/snapshots/default/%s", at("there.db"), name);
    snprintf(command, sizeof command, "cp %s %s", path, at("old.snapshot"));
    assert_int_equal(system(command), 0);
    BOTH(0, "--collection", "other", "snapshot", "recover", at("old.snapshot"));
    BOTH(0, "--collection", "other", "ls", "--json");
    assert_int_equal(n_lines(ran.out), 3);
    BOTH(0, "--collection", "other", "snapshot", "list");
    assert_string_equal(ran.out, ""); /* what was sent is not kept */
    RUN("--url", url, "snapshot", "delete", name);
    assert_status(0);
    RUN("--url", url, "snapshot", "recover", name);
    assert_one_error(3, "there is no snapshot");
    BOTH(2, "snapshot", "restore");
}

static void test_mistakes_are_told_alike(void **state)
{
    (void)state;
    add_three();
    BOTH(2, "search", " ");
    BOTH(2, "rm");
    BOTH(2, "get");
    RUN("--url", url, "add", pictures, "--prune");
    assert_one_error(2, "--prune");
    RUN("--url", url, "search", "x", "--in", "nowhere");
    assert_one_error(3, "nowhere");
    RUN("--url", url, "--collection", "none", "search", "x");
    assert_one_error(3, "none");
}

static void test_a_collection_that_is_not_there_is_made(void **state)
{
    (void)state;
    put_picture("a.ppm", 1);
    BOTH(0, "--collection", "new", "add", pictures);
    BOTH(0, "--collection", "new", "ls", "--json");
}

static void test_a_key_is_asked_for_and_shown(void **state)
{
    (void)state;
    stop_server();
    assert_ok(file_write(at("key"), "secret\n", 7));
    start_server(at("key"));
    put_picture("a.ppm", 1);
    RUN("--url", url, "add", pictures);
    assert_one_error(2, "API key");
    RUN("--url", url, "--api-key-file", at("key"), "add", pictures);
    assert_status(0);
    setenv("DUET_API_KEY", "secret", 1);
    RUN("--url", url, "ls");
    unsetenv("DUET_API_KEY");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 1);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_pictures_are_added_alike),
        TEST(test_a_picture_that_is_none_is_told_alike),
        TEST(test_a_list_of_pictures_is_added_alike),
        TEST(test_members_that_came_otherwise_stay_alike),
        TEST(test_questions_are_answered_alike),
        TEST(test_points_are_removed_alike),
        TEST(test_points_are_carried_out_and_in_alike),
        TEST(test_plain_vectors_are_carried_alike),
        TEST(test_a_snapshot_is_recovered_alike),
        TEST(test_mistakes_are_told_alike),
        TEST(test_a_collection_that_is_not_there_is_made),
        TEST(test_a_key_is_asked_for_and_shown),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
