/*
 * topk_test.c - index/topk.h.
 */
#include "tests/test.h"

#include <stdlib.h>

#include "index/topk.h"
#include "tests/index/vectors.h"

enum { N = 500, K = 37 };

/* Few different scores, so that most hits tie. */
static void make_hits(struct ann_hit *hits, uint64_t seed)
{
    for (size_t i = 0; i < N; i++) {
        hits[i].slot = i;
        hits[i].score = (float)(vectors_random(&seed) % 20);
    }
}

static int by_score_then_slot(const void *a, const void *b)
{
    const struct ann_hit *x = a;
    const struct ann_hit *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return x->slot > y->slot ? 1 : -1;
}

static void assert_same_hits(const struct ann_hit *a, const struct ann_hit *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].slot, b[i].slot);
        assert_true(a[i].score == b[i].score);
    }
}

static void test_the_best_k_come_out_as_a_full_sort_has_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct ann_hit all[N];
        struct ann_hit kept[K];
        struct topk top;
        make_hits(all, seed);
        topk_init(&top, kept, K);
        for (size_t i = 0; i < N; i++) {
            topk_push(&top, all[i]);
        }
        qsort(all, N, sizeof all[0], by_score_then_slot);
        assert_int_equal(topk_sort(&top), K);
        assert_same_hits(kept, all, K);
    }
}

static void test_the_order_of_pushes_does_not_matter(void **state)
{
    (void)state;
    struct ann_hit all[N];
    struct ann_hit forward[K];
    struct ann_hit backward[K];
    struct topk a;
    struct topk b;
    make_hits(all, 7);
    topk_init(&a, forward, K);
    topk_init(&b, backward, K);
    for (size_t i = 0; i < N; i++) {
        topk_push(&a, all[i]);
        topk_push(&b, all[N - 1 - i]);
    }
    assert_int_equal(topk_sort(&a), topk_sort(&b));
    assert_same_hits(forward, backward, K);
}

static void test_fewer_than_k_all_come_out(void **state)
{
    (void)state;
    struct ann_hit kept[K];
    struct topk top;
    topk_init(&top, kept, K);
    topk_push(&top, (struct ann_hit){5, 1.0f});
    topk_push(&top, (struct ann_hit){4, -INFINITY});
    topk_push(&top, (struct ann_hit){3, 2.0f});
    assert_int_equal(topk_sort(&top), 3);
    assert_int_equal(kept[0].slot, 3);
    assert_int_equal(kept[1].slot, 5);
    assert_int_equal(kept[2].slot, 4);
}

static void test_nan_never_enters(void **state)
{
    (void)state;
    struct ann_hit kept[2];
    struct topk top;
    topk_init(&top, kept, 2);
    topk_push(&top, (struct ann_hit){1, NAN});
    topk_push(&top, (struct ann_hit){2, 0.5f});
    topk_push(&top, (struct ann_hit){3, NAN});
    assert_int_equal(topk_sort(&top), 1);
    assert_int_equal(kept[0].slot, 2);
}

static void test_k_of_zero_keeps_nothing(void **state)
{
    (void)state;
    struct topk top;
    topk_init(&top, NULL, 0);
    topk_push(&top, (struct ann_hit){1, 1.0f});
    assert_int_equal(topk_sort(&top), 0);
}

static void test_the_bar_rises_once_k_are_kept(void **state)
{
    (void)state;
    struct ann_hit kept[2];
    struct topk top;
    topk_init(&top, kept, 2);
    topk_push(&top, (struct ann_hit){1, 5.0f});
    assert_true(topk_bar(&top) == -INFINITY);
    topk_push(&top, (struct ann_hit){2, 3.0f});
    assert_true(topk_bar(&top) == 3.0f);
    topk_push(&top, (struct ann_hit){3, 4.0f});
    assert_true(topk_bar(&top) == 4.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_k_come_out_as_a_full_sort_has_them),
        cmocka_unit_test(test_the_order_of_pushes_does_not_matter),
        cmocka_unit_test(test_fewer_than_k_all_come_out),
        cmocka_unit_test(test_nan_never_enters),
        cmocka_unit_test(test_k_of_zero_keeps_nothing),
        cmocka_unit_test(test_the_bar_rises_once_k_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
