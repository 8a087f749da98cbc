/*
 * query_golden_test.c - replays tests/golden/queries: query trees, groups and batches, and
 * those that must fail.
 */
#include "tests/net/replay.h"

static void test_the_queries_are_answered_as_by_the_other(void **state)
{
    (void)state;
    assert_true(replay_file("tests/golden/queries/queries.jsonl") > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_queries_are_answered_as_by_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
