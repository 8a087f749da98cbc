/*
 * arena_test.c - base/arena.h.
 */
#include "tests/test.h"

#include "base/alloc.h"
#include "base/arena.h"

static void test_blocks_are_zero_and_stay_until_the_release(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    uint64_t *blocks[100];
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = arena_array(&arena, i, sizeof **blocks);
        assert_non_null(blocks[i]);
        for (size_t j = 0; j < i; j++) {
            assert_true(blocks[i][j] == 0);
            blocks[i][j] = i;
        }
    }
    for (size_t i = 0; i < 100; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(blocks[i][j] == i);
        }
    }
    arena_release(&arena);
    assert_null(arena.last);
    arena_release(&arena);
}

static void test_what_cannot_be_had_leaves_the_arena_as_it_was(void **state)
{
    (void)state;
    struct arena arena = ARENA_EMPTY;
    assert_null(arena_array(&arena, SIZE_MAX, 2));
    assert_null(arena_array(&arena, SIZE_MAX, 1));
    alloc_fail_after(0);
    assert_null(arena_array(&arena, 1, 1));
    alloc_fail_after(-1);
    assert_null(arena.last);
    assert_non_null(arena_array(&arena, 1, 1));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_zero_and_stay_until_the_release),
        cmocka_unit_test(test_what_cannot_be_had_leaves_the_arena_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
