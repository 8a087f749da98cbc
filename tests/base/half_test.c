/*
 * half_test.c - base/half.h, all 65,536 halves of it.
 */
#include "tests/test.h"

#include <math.h>

#include "base/half.h"

static void test_every_half_comes_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float value = half_to_float((uint16_t)h);
        if (isnan(value)) {
            assert_true((h & 0x7c00) == 0x7c00 && (h & 0x3ff) != 0);
            assert_true(isnan(half_to_float(half_from_float(value))));
        } else {
            assert_int_equal(half_from_float(value), h);
        }
    }
}

/* Between two neighbours the middle goes to the even one, the rest to the nearer. */
static void test_rounding_is_to_the_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        float low = half_to_float((uint16_t)h);
        float high = half_to_float((uint16_t)(h + 1));
        float middle = low / 2 + high / 2;
        uint32_t even = h % 2 == 0 ? h : h + 1;
        assert_int_equal(half_from_float(middle), even);
        assert_int_equal(half_from_float(nextafterf(middle, low)), h);
        assert_int_equal(half_from_float(nextafterf(middle, high)), h + 1);
        assert_int_equal(half_from_float(-middle), even | 0x8000);
    }
}

static void test_known_values(void **state)
{
    (void)state;
    assert_int_equal(half_from_float(1.0f), 0x3c00);
    assert_int_equal(half_from_float(-2.0f), 0xc000);
    assert_int_equal(half_from_float(HALF_MAX), 0x7bff);
    assert_int_equal(half_from_float(65519.99f), 0x7bff);
    assert_int_equal(half_from_float(65520.0f), 0x7c00);
    assert_int_equal(half_from_float(INFINITY), 0x7c00);
    assert_int_equal(half_from_float(1e-10f), 0);
    assert_true(half_to_float(0x3555) == 0.333251953125f);
    assert_true(half_to_float(0x0001) == 0x1p-24f);
    assert_true(half_to_float(0xfc00) == -INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_comes_back),
        cmocka_unit_test(test_rounding_is_to_the_nearest_even),
        cmocka_unit_test(test_known_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
