/*
 * rank_test.c - db/rank.h.
 */
#include "tests/db/db_test.h"

#include "base/alloc.h"
#include "db/rank.h"

static void push(struct rank *rank, float score, uint64_t number)
{
    rank_push(rank, (struct rank_hit){.score = score, .id = test_id(number)});
}

static void test_the_best_are_kept_best_first(void **state)
{
    (void)state;
    struct rank rank;
    assert_ok(rank_init(&rank, 3));
    for (uint64_t i = 0; i < 10; i++) {
        push(&rank, (float)(i * 7 % 10), i);
    }
    rank_sort(&rank);
    assert_int_equal(rank.n, 3);
    assert_int_equal(rank.hits[0].id.number, 7); /* 49 % 10 is 9 */
    assert_int_equal(rank.hits[1].id.number, 4);
    assert_int_equal(rank.hits[2].id.number, 1);
    rank_release(&rank);
}

static void test_of_equal_scores_the_lower_ids_stay_in_any_order(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("ties");
    for (int round = 0; round < 200; round++) {
        struct rank rank;
        uint64_t order[12];
        assert_ok(rank_init(&rank, 5));
        for (uint64_t i = 0; i < 12; i++) {
            size_t j = test_random_below(&r, i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (size_t i = 0; i < 12; i++) {
            push(&rank, 0.5f, order[i]);
        }
        rank_sort(&rank);
        for (uint64_t i = 0; i < 5; i++) {
            assert_int_equal(rank.hits[i].id.number, i);
        }
        rank_release(&rank);
    }
}

static void test_the_bar_is_the_worst_kept(void **state)
{
    (void)state;
    struct rank rank;
    assert_ok(rank_init(&rank, 2));
    assert_true(rank_bar(&rank) == -INFINITY);
    push(&rank, 3, 1);
    push(&rank, 1, 2);
    assert_true(rank_bar(&rank) == 1);
    push(&rank, 2, 3);
    assert_true(rank_bar(&rank) == 2);
    rank_release(&rank);
}

static void test_a_nan_never_enters(void **state)
{
    (void)state;
    struct rank rank;
    assert_ok(rank_init(&rank, 2));
    push(&rank, NAN, 1);
    assert_int_equal(rank.n, 0);
    rank_release(&rank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_are_kept_best_first),
        cmocka_unit_test(test_of_equal_scores_the_lower_ids_stay_in_any_order),
        cmocka_unit_test(test_the_bar_is_the_worst_kept),
        cmocka_unit_test(test_a_nan_never_enters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
