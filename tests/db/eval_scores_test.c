/*
 * eval_scores_test.c - duet_eval_score and duet_eval_agreement of db/duet_eval.h, by
 * numbers worked out by hand.
 */
#include "tests/test.h"

#include <math.h>

#include "db/duet_eval.h"

enum { N = 12 };

/* A list of the ids 1, 2, 3 ..., each a tenth worse than the one before. */
static struct duet_hit found[N];

static int make_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        found[i] =
            (struct duet_hit){.id = {.number = i + 1}, .score = 1 - (float)i / 10};
    }
    return 0;
}

static struct duet_relevant right(uint64_t id, double grade)
{
    return (struct duet_relevant){.id = {.number = id}, .grade = grade};
}

static void assert_near(double a, double b)
{
    if (fabs(a - b) > 1e-9) {
        fail_msg("%.12f is not %.12f", a, b);
    }
}

static void one_right_answer_is_a_hit_or_none(void **state)
{
    (void)state;
    const struct duet_relevant third[] = {right(3, 1)};
    struct duet_eval_scores s = duet_eval_score(found, N, third, 1);
    assert_near(s.recall1, 0);
    assert_near(s.recall5, 1);
    assert_near(s.recall10, 1);
    assert_near(s.mrr, 1.0 / 3);
    assert_near(s.ndcg10, 1 / log2(4));
}

static void several_are_counted_as_far_as_they_fit(void **state)
{
    (void)state;
    const struct duet_relevant some[] = {right(1, 1), right(4, 1), right(99, 1)};
    struct duet_eval_scores s = duet_eval_score(found, N, some, 3);
    assert_near(s.recall1, 1); /* one fits, and is right */
    assert_near(s.recall5, 2.0 / 3);
    assert_near(s.mrr, 1);
    assert_near(s.ndcg10, (1 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4)));
}

static void grades_say_which_should_be_first(void **state)
{
    (void)state;
    const struct duet_relevant some[] = {right(1, 1), right(2, 3), right(3, 1)};
    double best = 7 / log2(2) + 1 / log2(3) + 1 / log2(4);
    struct duet_eval_scores s = duet_eval_score(found, N, some, 3);
    assert_near(s.ndcg10, (1 / log2(2) + 7 / log2(3) + 1 / log2(4)) / best);
    const struct duet_relevant in_order[] = {right(3, 1), right(1, 3), right(2, 2)};
    assert_near(duet_eval_score(found, N, in_order, 3).ndcg10, 1);
}

static void what_comes_too_late_or_never_is_nothing(void **state)
{
    (void)state;
    const struct duet_relevant late[] = {right(11, 1)}, never[] = {right(99, 2)};
    struct duet_eval_scores s = duet_eval_score(found, N, late, 1);
    assert_near(s.recall10, 0);
    assert_near(s.ndcg10, 0);
    assert_near(s.mrr, 1.0 / 11);
    s = duet_eval_score(found, N, never, 1);
    assert_near(s.mrr, 0);
    s = duet_eval_score(found, 0, never, 1);
    assert_near(s.recall10, 0);
}

static void agreement_is_by_score_where_points_are_as_good(void **state)
{
    (void)state;
    struct duet_hit other[N];
    for (size_t i = 0; i < N; i++) {
        other[i] = found[i];
    }
    assert_near(duet_eval_agreement(other, 10, found, 10), 1);
    other[9].id.number = 77; /* another point, as near */
    assert_near(duet_eval_agreement(other, 10, found, 10), 1);
    other[9].score -= 0.05f; /* a worse one */
    assert_near(duet_eval_agreement(other, 10, found, 10), 0.9);
    assert_near(duet_eval_agreement(other, 5, found, 10), 0.5); /* too few */
    assert_near(duet_eval_agreement(other, 0, found, 0), 1);
}

/* Distances: smaller is nearer. */
static void agreement_knows_distances(void **state)
{
    (void)state;
    struct duet_hit near[N], far[N];
    for (size_t i = 0; i < N; i++) {
        near[i] = far[i] = found[i];
        near[i].score = (float)i;
        far[i].score = (float)i + (i < 2 ? 0 : 3);
    }
    assert_near(duet_eval_agreement(near, 4, near, 4), 1);
    assert_near(duet_eval_agreement(far, 4, near, 4), 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_right_answer_is_a_hit_or_none),
        cmocka_unit_test(several_are_counted_as_far_as_they_fit),
        cmocka_unit_test(grades_say_which_should_be_first),
        cmocka_unit_test(what_comes_too_late_or_never_is_nothing),
        cmocka_unit_test(agreement_is_by_score_where_points_are_as_good),
        cmocka_unit_test(agreement_knows_distances),
    };
    return cmocka_run_group_tests(tests, make_list, NULL);
}
