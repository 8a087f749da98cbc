/*
 * json_out_test.c - net/json_out.h.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/json_out.h"

static void test_commas_come_by_themselves(void **state)
{
    (void)state;
    struct json_out o;
    out_init(&o, 1000);
    out_begin(&o, '{');
    out_key(&o, "a");
    out_begin(&o, '[');
    out_size(&o, 1);
    out_bool(&o, true);
    out_begin(&o, '[');
    out_end(&o, ']');
    out_null(&o);
    out_end(&o, ']');
    out_key(&o, "b");
    out_json(&o, "{\"c\":2}", 7);
    out_end(&o, '}');
    assert_ok(o.failed);
    assert_string_equal(o.text.data, "{\"a\":[1,true,[],null],\"b\":{\"c\":2}}");
    out_release(&o);
}

static void test_strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    struct json_out o;
    out_init(&o, 1000);
    out_string(&o, "a\"\\\n\t\x01\x7f z \xe7\x8b\x97 \xff!");
    assert_string_equal(o.text.data, "\"a\\\"\\\\\\n\\t\\u0001\\u007f z \xe7\x8b\x97 "
                                     "\xef\xbf\xbd!\"");
    struct json_object *back;
    assert_ok(json_parse(&back, o.text.data, o.text.size));
    json_object_put(back);
    out_clear(&o);
    out_string(&o, NULL);
    assert_string_equal(o.text.data, "null");
    out_release(&o);
}

static void test_floats_read_back_as_they_were(void **state)
{
    (void)state;
    srand(7);
    print_message("seed 7\n");
    struct json_out o;
    out_init(&o, 1000);
    for (int i = 0; i < 10000; i++) {
        float value =
            (float)rand() / (float)RAND_MAX * powf(10, (float)(rand() % 60 - 30));
        out_clear(&o);
        out_float(&o, value);
        assert_true(strtof(o.text.data, NULL) == value);
    }
    out_clear(&o);
    out_float(&o, 0.5f);
    assert_string_equal(o.text.data, "0.5");
    out_clear(&o);
    out_float(&o, INFINITY);
    assert_string_equal(o.text.data, "null");
    out_release(&o);
}

static void check_real(double value, const char *wanted)
{
    struct json_out o;
    out_init(&o, 100);
    out_real(&o, value);
    assert_string_equal(o.text.data, wanted);
    out_release(&o);
}

static void test_doubles_read_back_and_are_never_whole(void **state)
{
    (void)state;
    check_real(0.1, "0.1");
    check_real(1, "1.0");
    check_real(-3e300, "-3e+300");
    check_real(0.1 + 0.2, "0.30000000000000004");
    check_real(0x1p53, "9007199254740992.0");
    check_real(NAN, "null");
}

static void test_texts_may_hold_zeros_and_numbers_a_sign(void **state)
{
    (void)state;
    struct json_out o;
    out_init(&o, 100);
    out_text(&o, "a\0b", 3);
    out_int(&o, INT64_MIN);
    assert_string_equal(o.text.data, "\"a\\u0000b\",-9223372036854775808");
    out_release(&o);
}

static void test_the_whole_range_of_ids_is_written(void **state)
{
    (void)state;
    struct json_out o;
    out_init(&o, 100);
    out_size(&o, UINT64_MAX);
    assert_string_equal(o.text.data, "18446744073709551615");
    out_release(&o);
}

static void test_the_first_failure_stays(void **state)
{
    (void)state;
    struct json_out o;
    out_init(&o, 8);
    out_string(&o, "123456789");
    out_size(&o, 1);
    assert_int_equal(o.failed, ERR_LIMIT);
    assert_true(o.text.size <= 8);
    out_clear(&o);
    out_size(&o, 1);
    assert_ok(o.failed);
    out_release(&o);
}

/* As printf and strtof have it: seven digits where they read back, else nine. */
static void assert_float_as_printf(float value)
{
    struct json_out o;
    char expected[32];
    snprintf(expected, sizeof expected, "%.7g", (double)value);
    if (strtof(expected, NULL) != value) {
        snprintf(expected, sizeof expected, "%.9g", (double)value);
    }
    out_init(&o, 64);
    out_float(&o, value);
    if (strcmp(o.text.data, expected) != 0) {
        fail_msg("%a: %s, not %s", (double)value, o.text.data, expected);
    }
    out_release(&o);
}

static void test_floats_are_as_printf_has_them(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int i = 0; i < 400000; i++) {
        random = random * 1664525u + 1013904223u;
        float value;
        memcpy(&value, &random, sizeof value); /* of any size */
        if (isfinite(value)) {
            assert_float_as_printf(value);
        }
        assert_float_as_printf((float)(random >> 8) / 16777216.0f);
        assert_float_as_printf(-(float)(random >> 12) / 1000.0f);
    }
    for (float power = 1e-10f; power < 1e10f; power *= 2) {
        const float near[] = {power, nextafterf(power, 0), nextafterf(power, INFINITY)};
        for (size_t i = 0; i < 3; i++) {
            assert_float_as_printf(near[i]);
        }
    }
    for (int e = -30; e < 30; e++) { /* steps change their length there */
        float power = ldexpf(1, e);
        assert_float_as_printf(power);
        assert_float_as_printf(nextafterf(power, 0));
        assert_float_as_printf(nextafterf(power, INFINITY));
    }
    for (float ten = 1e-6f; ten < 1e9f; ten *= 10) {
        assert_float_as_printf(ten);
        assert_float_as_printf(nextafterf(ten, 0));
        assert_float_as_printf(nextafterf(ten, INFINITY));
    }
    assert_float_as_printf(0.0f);
    assert_float_as_printf(-0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_are_as_printf_has_them),
        cmocka_unit_test(test_commas_come_by_themselves),
        cmocka_unit_test(test_strings_are_escaped_and_always_utf8),
        cmocka_unit_test(test_floats_read_back_as_they_were),
        cmocka_unit_test(test_doubles_read_back_and_are_never_whole),
        cmocka_unit_test(test_texts_may_hold_zeros_and_numbers_a_sign),
        cmocka_unit_test(test_the_whole_range_of_ids_is_written),
        cmocka_unit_test(test_the_first_failure_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
