/*
 * alloc_test.c - base/alloc.h.
 */
#include "tests/test.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

static void test_a_product_that_overflows_is_refused(void **state)
{
    (void)state;
    assert_null(alloc_array(SIZE_MAX / 2, 3));
    assert_null(alloc_zero(SIZE_MAX, SIZE_MAX));
    assert_null(alloc_aligned(SIZE_MAX - 8));
    assert_true(strstr(err_detail(), "out of memory") != NULL);
}

static void test_nothing_asked_for_still_gives_a_pointer(void **state)
{
    (void)state;
    void *a = alloc_array(0, 8);
    void *b = alloc_aligned(0);
    assert_non_null(a);
    assert_non_null(b);
    alloc_free(a);
    alloc_free(b);
}

static void test_aligned_memory_is_aligned(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n += 7) {
        void *p = alloc_aligned(n);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, n);
        alloc_free(p);
    }
}

static void test_growing_keeps_the_items_and_doubles_the_room(void **state)
{
    (void)state;
    size_t capacity = 0, moves = 0;
    int *items = NULL;
    for (int i = 0; i < 10000; i++) {
        int *grown = alloc_grow(items, &capacity, (size_t)i + 1, sizeof *items);
        assert_non_null(grown);
        moves += grown != items;
        items = grown;
        items[i] = i;
    }
    assert_true(capacity >= 10000);
    assert_true(moves < 20);
    assert_int_equal(items[0], 0);
    assert_int_equal(items[9999], 9999);
    size_t before = capacity;
    assert_null(alloc_grow(items, &capacity, SIZE_MAX / 2, sizeof *items));
    assert_int_equal(capacity, before);
    alloc_free(items);
}

static void test_the_nth_allocation_fails_when_told(void **state)
{
    (void)state;
    alloc_fail_after(1);
    char *first = alloc_dup("kept");
    char *second = alloc_dup("refused");
    char *grown = alloc_resize(first, 100, 1);
    alloc_fail_after(-1);
    assert_non_null(first);
    assert_null(second);
    assert_null(grown);
    assert_string_equal(first, "kept");
    alloc_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_product_that_overflows_is_refused),
        cmocka_unit_test(test_nothing_asked_for_still_gives_a_pointer),
        cmocka_unit_test(test_aligned_memory_is_aligned),
        cmocka_unit_test(test_growing_keeps_the_items_and_doubles_the_room),
        cmocka_unit_test(test_the_nth_allocation_fails_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
