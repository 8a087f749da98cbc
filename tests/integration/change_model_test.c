/*
 * change_model_test.c - `duet reembed` of the real program: what it does and says, and
 * its exit codes.
 */
#include "tests/integration/program.h"

#include "base/file.h"

/* A second model beside the default one. */
static int setup_two_models(void **state)
{
    char model[128];
    setup_models(state);
    snprintf(model, sizeof model, "%s/other", models);
    assert_ok(file_make_folders(model));
    tiny_model_write_as(model, 77, (struct tiny_shape){12, "tiny-2"});
    return 0;
}

static void add_pictures(uint32_t n)
{
    char name[32];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%u.ppm", i);
        put_picture(name, i + 1);
    }
    put_text("0.txt", "a red dog");
    RUN("add", pictures);
    assert_status(0);
}

static void assert_model(const char *name)
{
    RUN("stats", "--json");
    assert_status(0);
    struct json_object *object = json_line(0);
    const char *model;
    assert_ok(json_get_string(object, "model", &model));
    assert_string_equal(model, name);
    json_object_put(object);
}

static void test_a_collection_gets_another_model(void **state)
{
    (void)state;
    add_pictures(3);
    RUN("reembed", "--model", "other");
    assert_status(0);
    assert_int_equal(strncmp(ran.out, "4 vectors made in ", 18), 0);
    assert_model("other");
    RUN("search", "--in", "text", "a red dog");
    assert_status(0);
    assert_non_null(strstr(ran.out, "1.000"));
    RUN("search", "--model", "default", "a red dog");
    assert_one_error(6, "duet reembed");
    RUN("reembed", "--model", "other", "default");
    assert_status(0);
    assert_string_equal(ran.out, "nothing to do\n");
    RUN("reembed", "--json"); /* to the default model */
    assert_status(0);
    assert_int_equal(printed("made"), 4);
    assert_int_equal(printed("lost"), 0);
    char path[128]; /* a folder called default may be another model tomorrow */
    snprintf(path, sizeof path, "%s/default", models);
    assert_model(path);
    RUN("verify");
    assert_status(0);
}

static void test_what_is_lost_is_told_and_dropped_only_if_wanted(void **state)
{
    (void)state;
    add_pictures(3);
    assert_int_equal(unlink(at("pictures/1.ppm")), 0);
    RUN("reembed", "--model", "other");
    assert_status(6);
    assert_string_equal(ran.out, "");
    assert_int_equal(n_lines(ran.err), 3);
    assert_non_null(strstr(ran.err, "1.ppm: the file is gone"));
    assert_non_null(strstr(ran.err, "1 of 4 vectors"));
    assert_non_null(strstr(ran.err, "--drop-missing"));
    RUN("reembed", "--abort");
    assert_one_error(3, "not being encoded anew");
    RUN("reembed", "--model", "other", "--drop-missing");
    assert_status(0);
    assert_int_equal(strncmp(ran.out, "3 vectors made, 1 dropped in ", 29), 0);
    assert_model("other");
    RUN("verify");
    assert_status(0);
}

static void test_wrong_command_lines_are_told(void **state)
{
    (void)state;
    add_pictures(1);
    RUN("reembed", "--url", "http://127.0.0.1:1");
    assert_one_error(2, "--url");
    RUN("reembed", "nobody");
    assert_one_error(3, "nobody");
    RUN("reembed", "--model", "no/such");
    assert_one_error(10, "no/such");
    RUN("reembed", "--db", at("nothing"));
    assert_one_error(3, "there is no database");
}

int main(void)
{
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_a_collection_gets_another_model),
        TEST(test_what_is_lost_is_told_and_dropped_only_if_wanted),
        TEST(test_wrong_command_lines_are_told),
    };
    return cmocka_run_group_tests(tests, setup_two_models, teardown_models);
}
