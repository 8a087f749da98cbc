/*
 * bitmap_test.c - index/bitmap.h.
 */
#include "tests/test.h"

#include "index/bitmap.h"

static void test_words_hold_the_bits(void **state)
{
    (void)state;
    assert_int_equal(bitmap_words(0), 0);
    assert_int_equal(bitmap_words(1), 1);
    assert_int_equal(bitmap_words(64), 1);
    assert_int_equal(bitmap_words(65), 2);
}

static void test_a_bit_that_is_set_is_that_one(void **state)
{
    (void)state;
    uint64_t words[3] = {0};
    bitmap_set(words, 63);
    bitmap_set(words, 64);
    assert_true(bitmap_get(words, 63));
    assert_true(bitmap_get(words, 64));
    assert_false(bitmap_get(words, 65));
    assert_false(bitmap_get(words, 62));
}

static void test_count_looks_at_the_first_bits_only(void **state)
{
    (void)state;
    uint64_t words[2] = {~UINT64_C(0), ~UINT64_C(0)};
    assert_int_equal(bitmap_count(words, 0), 0);
    assert_int_equal(bitmap_count(words, 5), 5);
    assert_int_equal(bitmap_count(words, 64), 64);
    assert_int_equal(bitmap_count(words, 100), 100);
    assert_int_equal(bitmap_count(words, 128), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_hold_the_bits),
        cmocka_unit_test(test_a_bit_that_is_set_is_that_one),
        cmocka_unit_test(test_count_looks_at_the_first_bits_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
