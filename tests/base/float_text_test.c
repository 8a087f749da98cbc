/* float_text_test.c - see base/float_text.h. */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/float_text.h"

static void assert_text(float value, const char *expected)
{
    char text[FLOAT_TEXT_MAX];
    assert_int_equal(float_text(text, value), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_as_few_digits_as_give_it_back(void **state)
{
    (void)state;
    assert_text(0.0f, "0");
    assert_text(-0.0f, "-0");
    assert_text(1.0f, "1");
    assert_text(0.1f, "0.1");
    assert_text(-0.25f, "-0.25");
    assert_text(1.0f / 3, "0.33333334");
    assert_text(16777216.0f, "16777216");
    assert_text(1e-45f, "1e-45"); /* the least */
    assert_text(-1.17549435e-38f, "-1.1754944e-38");
    assert_text(3.40282347e+38f, "3.4028235e+38");
}

static void test_what_json_has_not_is_null(void **state)
{
    (void)state;
    assert_text(NAN, "null");
    assert_text(INFINITY, "null");
    assert_text(-INFINITY, "null");
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Some of all floats: each comes back, and no shorter print of it does. */
static void test_every_float_comes_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 400000; i++) {
        char text[FLOAT_TEXT_MAX], shorter[320];
        float value = float_of(i * 10737u + i % 7);
        if (!isfinite(value)) {
            continue;
        }
        float_text(text, value);
        float back = strtof(text, NULL);
        assert_memory_equal(&back, &value, sizeof value);
        int digits = 0;
        for (const char *c = text; *c != '\0' && *c != 'e'; c++) {
            digits += (*c >= '1' && *c <= '9') || (*c == '0' && digits > 0);
        }
        if (digits > 1) {
            snprintf(shorter, sizeof shorter, "%.*g", digits - 1, (double)value);
            assert_true(strtof(shorter, NULL) != value ||
                        text[strlen(text) - 1] == '0');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_few_digits_as_give_it_back),
        cmocka_unit_test(test_what_json_has_not_is_null),
        cmocka_unit_test(test_every_float_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
