/*
 * json_test.c - base/json.h: strict, limited, and exact about large ids.
 */
#include "tests/test.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"

static enum err parse(const char *text, struct json_object **out)
{
    return json_parse(out, text, strlen(text));
}

static void test_ids_up_to_2_64_survive(void **state)
{
    (void)state;
    struct json_object *value;
    assert_ok(parse("18446744073709551615", &value));
    assert_string_equal(json_text(value), "18446744073709551615");
    json_object_put(value);
}

static void test_numbers_that_would_change_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "18446744073709551616", "[1,99999999999999999999]",
        "-9223372036854775809", "NaN",
        "{\"a\":-Infinity}",    "[Infinity]"};
    static const char *const right[] = {"18446744073709551615",
                                        "-9223372036854775808",
                                        "99999999999999999999.0",
                                        "1e30",
                                        "-0.5e-3",
                                        "[0.123456789012345678901234567890,1e99]",
                                        "\"99999999999999999999 NaN \\\" Infinity\""};
    struct json_object *json;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_err(json_parse(&json, wrong[i], strlen(wrong[i])), ERR_INVALID);
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_ok(json_parse(&json, right[i], strlen(right[i])));
        json_object_put(json);
    }
}

static void test_what_is_not_exactly_one_value_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    " ",         "{",        "{\"a\":1,}", "[1 2]",      "1 2",
        "tru", "{\"a\" 1}", "\"\xff\"", "// c\n{}",   "{\"a\":1}x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_object *value;
        assert_err(parse(bad[i], &value), ERR_INVALID);
        assert_null(value);
    }
}

/* json-c reads no further than a NUL. */
static void test_nothing_hides_behind_a_nul(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}\0", "{}\0x", "{\0}", "\0{}", "[1,\0]"};
    static const size_t sizes[] = {3, 4, 3, 3, 5};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_object *value;
        assert_err(json_parse(&value, bad[i], sizes[i]), ERR_INVALID);
        assert_null(value);
    }
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    char deep[2 * LIMIT_JSON_DEPTH + 9];
    size_t n = LIMIT_JSON_DEPTH + 4;
    memset(deep, '[', n);
    memset(deep + n, ']', n);
    struct json_object *value;
    assert_err(json_parse(&value, deep, 2 * n), ERR_LIMIT);
    assert_non_null(strstr(err_detail(), "more than 32 deep"));
    assert_null(value);
}

static void test_members_of_the_wrong_type_are_named(void **state)
{
    (void)state;
    struct json_object *value;
    assert_ok(parse("{\"k\":-1,\"s\":5,\"x\":1.5,\"n\":null}", &value));
    size_t k = 7;
    const char *s = NULL;
    double x = 0;
    assert_err(json_get_size(value, "k", &k), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "\"k\""));
    assert_int_equal(k, 7);
    assert_err(json_get_string(value, "s", &s), ERR_INVALID);
    assert_err(json_get_string(value, "absent", &s), ERR_INVALID);
    assert_ok(json_get_double(value, "x", &x));
    assert_true(x == 1.5);
    assert_null(json_get(value, "n"));
    json_object_put(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_up_to_2_64_survive),
        cmocka_unit_test(test_numbers_that_would_change_are_refused),
        cmocka_unit_test(test_what_is_not_exactly_one_value_is_refused),
        cmocka_unit_test(test_nothing_hides_behind_a_nul),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_members_of_the_wrong_type_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
