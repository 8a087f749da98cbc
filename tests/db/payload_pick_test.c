/*
 * payload_pick_test.c - db/payload_pick.h.
 */
#include "tests/test.h"

#include <string.h>

#include "db/payload_pick.h"

/* Sorted. */
static const struct bytes names[] = {{"", 0}, {"a", 1}, {"ab", 2}, {"\u00e9", 2}};
static const struct payload_keys keys = {names, sizeof names / sizeof names[0]};

static void check(const char *payload, const char *picked)
{
    struct json_object *object;
    struct bytes text = {payload, strlen(payload)};
    assert_ok(payload_pick(&object, text, &keys));
    assert_string_equal(json_text(object), picked);
    json_object_put(object);
}

static void test_only_what_is_asked_for_is_picked(void **state)
{
    (void)state;
    check("{}", "{}");
    check(" { } ", "{}");
    check("{\"b\":1}", "{}");
    check("{\"a\":1}", "{\"a\":1}");
    check("{ \"a\" : 1 , \"b\" : 2 , \"ab\" : 3 }", "{\"a\":1,\"ab\":3}");
    check("{\"b\":{\"a\":[1,{\"a\":2}]},\"a\":null}", "{\"a\":null}");
    check("{\"a\":[1,{\"b\":\"]}\"}],\"c\":\"}\",\"\":true}",
          "{\"a\":[1,{\"b\":\"]}\"}],\"\":true}");
    check("{\"b\":\"\\\"a\\\":1,\",\"a\":\"\\\\\"}", "{\"a\":\"\\\\\"}");
    check("{\"\u00e9\":1.50}", "{\"\u00e9\":1.50}");
    check("{\"a\":1,\"a\":2}", "{\"a\":2}");
    check("{\"aa\":1,\"abc\":2,\"A\":3}", "{}");
}

static void test_a_key_with_escapes_is_read_as_what_it_means(void **state)
{
    (void)state;
    check("{\"b\":1,\"\\u0061\":2}", "{\"b\":1,\"a\":2}");
    check("{\"b\\\"\":1,\"a\":2}", "{\"b\\\"\":1,\"a\":2}");
}

static void test_what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "7",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1]",
        "{\"a\":1}}",
        "{\"a\":1} {}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":x}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"\\",
        "{\"a\":[}",
        "{\"\\u0061\":x}",
        "{\"b\":[1}",
        "{,}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct json_object *object;
        struct bytes text = {wrong[i], strlen(wrong[i])};
        if (payload_pick(&object, text, &keys) != ERR_INVALID || object != NULL) {
            print_error("%s was taken\n", wrong[i]);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_asked_for_is_picked),
        cmocka_unit_test(test_a_key_with_escapes_is_read_as_what_it_means),
        cmocka_unit_test(test_what_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
