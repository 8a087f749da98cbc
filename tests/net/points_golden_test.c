/*
 * points_golden_test.c - replays tests/golden/points: requests that change and search
 * points.
 */
#include "tests/net/replay.h"

static void test_the_sequence_is_answered_as_before(void **state)
{
    (void)state;
    assert_true(replay_file("tests/golden/points/sequence.jsonl") > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sequence_is_answered_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
