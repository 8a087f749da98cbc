/*
 * payload_edit_test.c - db/payload_edit.h: what paths mean, case by case.
 */
#include "tests/test.h"

#include <string.h>

#include "db/payload_edit.h"

static struct arena arena;

static struct json_object *parse(const char *text)
{
    struct json_object *object;
    assert_ok(json_parse(&object, text, strlen(text)));
    return object;
}

static void check(struct json_object *object, const char *expected)
{
    struct json_object *wanted = parse(expected);
    if (!json_object_equal(object, wanted)) {
        print_error("%s is not %s\n", json_text(object), expected);
        fail();
    }
    json_object_put(wanted);
    json_object_put(object);
}

static void check_set(const char *before, const char *path, const char *values,
                      const char *after)
{
    struct payload_path parsed;
    struct json_object *object = parse(before);
    struct json_object *given = parse(values);
    assert_ok(payload_path_parse(&parsed, &arena, path));
    assert_ok(payload_set(object, &parsed, given));
    check(object, after);
    json_object_put(given);
}

static void check_delete(const char *before, const char *path, const char *after)
{
    struct payload_path parsed;
    struct json_object *object = parse(before);
    assert_ok(payload_path_parse(&parsed, &arena, path));
    payload_delete(object, &parsed);
    check(object, after);
}

static void test_merging_adds_replaces_and_removes(void **state)
{
    (void)state;
    struct json_object *object = parse("{\"a\":{\"x\":1},\"b\":2,\"c\":3}");
    struct json_object *values = parse("{\"a\":{\"y\":1},\"b\":null,\"d\":[1]}");
    assert_ok(payload_merge(object, values));
    check(object, "{\"a\":{\"y\":1},\"c\":3,\"d\":[1]}");
    json_object_put(values);
}

/* A copy that were shared would change in two places at once. */
static void test_what_is_set_in_two_places_is_two_copies(void **state)
{
    (void)state;
    struct payload_path all, first;
    struct json_object *object = parse("{\"a\":[1,2]}");
    struct json_object *values = parse("{\"x\":{\"y\":1}}");
    struct json_object *more = parse("{\"z\":2}");
    assert_ok(payload_path_parse(&all, &arena, "a[]"));
    assert_ok(payload_path_parse(&first, &arena, "a[0].x"));
    assert_ok(payload_set(object, &all, values));
    assert_ok(payload_set(object, &first, more));
    check(object, "{\"a\":[{\"x\":{\"y\":1,\"z\":2}},{\"x\":{\"y\":1}}]}");
    json_object_put(values);
    json_object_put(more);
}

static void test_setting_at_paths(void **state)
{
    (void)state;
    check_set("{}", "a", "{\"x\":1}", "{\"a\":{\"x\":1}}");
    check_set("{}", "a.b.c", "{\"x\":1}", "{\"a\":{\"b\":{\"c\":{\"x\":1}}}}");
    check_set("{\"a\":{\"x\":0,\"y\":0}}", "a", "{\"x\":1}",
              "{\"a\":{\"x\":1,\"y\":0}}");
    check_set("{\"a\":5}", "a", "{\"x\":null}", "{\"a\":{}}");
    check_set("{\"a\":5}", "a.b", "{\"x\":1}", "{\"a\":{\"b\":{\"x\":1}}}");
    check_set("{\"a\":[1,{\"y\":2}]}", "a[1]", "{\"x\":1}",
              "{\"a\":[1,{\"y\":2,\"x\":1}]}");
    check_set("{\"a\":[1]}", "a[7]", "{\"x\":1}", "{\"a\":[1]}");
    check_set("{\"a\":[1,2]}", "a[].b", "{\"x\":1}",
              "{\"a\":[{\"b\":{\"x\":1}},{\"b\":{\"x\":1}}]}");
    check_set("{\"a\":5}", "a[0]", "{\"x\":1}", "{\"a\":[]}");
    check_set("{}", "a[].b", "{\"x\":1}", "{\"a\":[]}");
    check_set("{}", "\"a.b[]\".图", "{\"x\":1}", "{\"a.b[]\":{\"图\":{\"x\":1}}}");
}

static void test_deleting_at_paths(void **state)
{
    (void)state;
    check_delete("{\"a\":1,\"b\":2}", "a", "{\"b\":2}");
    check_delete("{\"a\":null,\"b\":2}", "a", "{\"b\":2}");
    check_delete("{\"b\":2}", "a", "{\"b\":2}");
    check_delete("{\"a\":{\"b\":1,\"c\":2}}", "a.b", "{\"a\":{\"c\":2}}");
    check_delete("{\"a\":5}", "a.b", "{\"a\":5}");
    check_delete("{\"a\":[{\"b\":1},{\"b\":2,\"c\":3},4]}", "a[].b",
                 "{\"a\":[{},{\"c\":3},4]}");
    check_delete("{\"a\":[{\"b\":1},{\"b\":2}]}", "a[1].b", "{\"a\":[{\"b\":1},{}]}");
    check_delete("{\"a\":[1,2]}", "a[]", "{\"a\":[]}");
    check_delete("{\"a\":[]}", "a[]", "{\"a\":[]}");
    check_delete("{\"a\":[1,2]}", "a[0]", "{\"a\":[1,2]}"); /* the dialect's choice */
    check_delete("{\"a b\":1,\"a\":2}", "\"a b\"", "{\"a\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging_adds_replaces_and_removes),
        cmocka_unit_test(test_what_is_set_in_two_places_is_two_copies),
        cmocka_unit_test(test_setting_at_paths),
        cmocka_unit_test(test_deleting_at_paths),
    };
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return n_failed;
}
