/*
 * payload_path_test.c - db/payload_path.h.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "db/payload_path.h"

static const char payload[] =
    "{\"a\":{\"b\":1,\"c\":null},\"l\":[{\"b\":2},{\"b\":[3,4]},5],\"a.b\":6,"
    "\"\":7,\"m\":[[8,9],[10]],\"名\":{\"é-1_\":11}}";

static char found[256];

static bool note(void *arg, struct json_object *value)
{
    (void)arg;
    size_t n = strlen(found);
    snprintf(found + n, sizeof found - n, "%s ", json_text(value));
    return false;
}

static const char *follow(const char *text)
{
    struct arena arena = ARENA_EMPTY;
    struct payload_path path;
    struct json_object *json;
    found[0] = '\0';
    assert_ok(json_parse(&json, payload, strlen(payload)));
    assert_ok(payload_path_parse(&path, &arena, text));
    assert_false(payload_path_any(&path, json, note, NULL));
    json_object_put(json);
    arena_release(&arena);
    return found;
}

static void test_paths_lead_to_values(void **state)
{
    (void)state;
    assert_string_equal(follow("a.b"), "1 ");
    assert_string_equal(follow("a.c"), "null ");
    assert_string_equal(follow("a.d"), "");
    assert_string_equal(follow("a.b.c"), "");
    assert_string_equal(follow("\"a.b\""), "6 ");
    assert_string_equal(follow("\"a\".\"b\""), "1 ");
    assert_string_equal(follow("\"\""), "7 ");
    assert_string_equal(follow("l[].b"), "2 [3,4] ");
    assert_string_equal(follow("l.b"), "");
    assert_string_equal(follow("l[0].b"), "2 ");
    assert_string_equal(follow("l[2]"), "5 ");
    assert_string_equal(follow("l[3]"), "");
    assert_string_equal(follow("l[18446744073709551615]"), "");
    assert_string_equal(follow("l[1].b[]"), "3 4 ");
    assert_string_equal(follow("m[][0]"), "8 10 ");
    assert_string_equal(follow("m[][]"), "8 9 10 ");
    assert_string_equal(follow("m[0][1]"), "9 ");
    assert_string_equal(follow("a[]"), "");
    assert_string_equal(follow("a[0]"), "");
    assert_string_equal(follow("名.é-1_"), "11 ");
}

static bool first(void *arg, struct json_object *value)
{
    (void)value;
    ++*(size_t *)arg;
    return true;
}

static void test_a_visit_that_is_content_ends_the_walk(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    struct payload_path path;
    struct json_object *json;
    size_t n = 0;
    assert_ok(json_parse(&json, payload, strlen(payload)));
    assert_ok(payload_path_parse(&path, &arena, "m[][]"));
    assert_true(payload_path_any(&path, json, first, &n));
    assert_int_equal(n, 1);
    json_object_put(json);
    arena_release(&arena);
}

static void test_what_is_no_path_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       ".",     "a.",
        ".a",     "a..b",  "a b",
        "a[",     "a[-1]", "a[x]",
        "a[0",    "a]",    "[0]",
        "a.[0]",  "\"a",   "\"a\"b",
        "a\"b\"", "a[]b",  "a[ 0]",
        "a[+1]",  "$.a",   "a[18446744073709551616]",
        "a/b",    "a[0]]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct arena arena = ARENA_EMPTY;
        struct payload_path path;
        if (payload_path_parse(&path, &arena, wrong[i]) != ERR_INVALID) {
            print_error("'%s' was taken\n", wrong[i]);
            fail();
        }
        arena_release(&arena);
    }
}

static void test_paths_have_limits(void **state)
{
    (void)state;
    char text[LIMIT_FILTER_KEY_BYTES + 2];
    struct arena arena = ARENA_EMPTY;
    struct payload_path path;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_err(payload_path_parse(&path, &arena, text), ERR_LIMIT);
    text[sizeof text - 2] = '\0';
    assert_ok(payload_path_parse(&path, &arena, text));
    for (size_t i = 0; i < LIMIT_FILTER_KEY_STEPS; i++) {
        memcpy(text + 2 * i, "a.", 2);
    }
    text[2 * LIMIT_FILTER_KEY_STEPS - 1] = '\0';
    assert_ok(payload_path_parse(&path, &arena, text));
    memcpy(text + 2 * LIMIT_FILTER_KEY_STEPS - 1, "[]", 3);
    assert_err(payload_path_parse(&path, &arena, text), ERR_LIMIT);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_lead_to_values),
        cmocka_unit_test(test_a_visit_that_is_content_ends_the_walk),
        cmocka_unit_test(test_what_is_no_path_is_refused),
        cmocka_unit_test(test_paths_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
