/*
 * json_number_test.c - base/json_number.h.
 */
#include "tests/test.h"

#include <string.h>

#include "base/json_number.h"

static bool get(const char *text, struct json_number *out)
{
    struct json_object *value;
    assert_ok(json_parse(&value, text, strlen(text)));
    bool is_number = json_number_get(value, out);
    json_object_put(value);
    return is_number;
}

/* In their order; those of one line are equal. */
static const char *const ascending[][3] = {
    {"-1e400"},
    {"-1e300"},
    {"-9223372036854775809.0e3"},
    {"-9223372036854775808", "-9223372036854775808.0"},
    {"-9223372036854775807"},
    {"-9007199254740993"},
    {"-9007199254740992", "-9007199254740992.0"},
    {"-2"},
    {"-1.5"},
    {"-1", "-1.0", "-1e0"},
    {"-0.5"},
    {"0", "0.0", "-0.0"},
    {"1e-300"},
    {"0.5"},
    {"1", "1.0"},
    {"1.5"},
    {"2"},
    {"9007199254740992", "9007199254740992.0"},
    {"9007199254740993"},
    {"9223372036854775807"},
    {"9223372036854775808", "9223372036854775808.0"},
    {"9223372036854775809"},
    {"18446744073709551615"},
    {"18446744073709551616.0"},
    {"1e300"},
    {"1e400"},
};

static void test_the_order_is_that_of_the_exact_values(void **state)
{
    (void)state;
    size_t n = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < n * 3; i++) {
        for (size_t j = 0; j < n * 3; j++) {
            struct json_number a, b;
            const char *x = ascending[i / 3][i % 3], *y = ascending[j / 3][j % 3];
            if (x == NULL || y == NULL) {
                continue;
            }
            assert_true(get(x, &a) && get(y, &b));
            int order = json_number_compare(a, b);
            if ((order > 0) - (order < 0) != (i / 3 > j / 3) - (i / 3 < j / 3)) {
                print_error("%s and %s: %d\n", x, y, order);
                fail();
            }
        }
    }
}

static void test_only_numbers_are_numbers(void **state)
{
    (void)state;
    static const char *const others[] = {"null", "true", "\"1\"", "[1]", "{}"};
    struct json_number number;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(get(others[i], &number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_is_that_of_the_exact_values),
        cmocka_unit_test(test_only_numbers_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
