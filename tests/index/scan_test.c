/*
 * scan_test.c - index/scan.h.
 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "index/bitmap.h"
#include "index/scan.h"
#include "tests/index/vectors.h"

/* One row of floats at an address that is `offset` past an aligned one. */
static const void *place(char *room, size_t offset, const float *row, size_t dim)
{
    return memcpy(room + offset, row, dim * sizeof *row);
}

static void test_the_kernel_agrees_with_the_reference(void **state)
{
    (void)state;
    print_message("kernel: %s\n", scan_kernel_name());
    uint64_t random = 1;
    float query[200];
    float row[200];
    for (size_t dim = 1; dim <= 200; dim++) {
        for (size_t i = 0; i < dim; i++) {
            query[i] = vectors_normal(&random);
            row[i] = vectors_normal(&random);
        }
        float fast = scan_dot(query, row, dim);
        float slow = scan_dot_reference(query, row, dim);
        /* Rounding of each term, which are about 1, and of their sum. */
        assert_true(fabsf(fast - slow) <= 2e-7f * (float)(dim + 8));
    }
}

/* A row of `type` that holds row[dim] as near as it can, and what it then holds. */
static void store_row(enum scan_type type, const float *row, size_t dim, void *stored)
{
    for (size_t i = 0; i < dim; i++) {
        uint16_t half = half_from_float(row[i]);
        uint8_t byte = (uint8_t)fminf(255, fabsf(row[i] * 60));
        size_t size = scan_type_bytes(type);
        const void *from = type == SCAN_FLOAT16 ? (const void *)&half
                           : type == SCAN_UINT8 ? (const void *)&byte
                                                : (const void *)&row[i];
        memcpy((char *)stored + i * size, from, size);
    }
}

static void test_each_measure_and_type_agrees_with_the_reference(void **state)
{
    (void)state;
    uint64_t random = 3;
    float query[100], row[100];
    char room[sizeof row + 1];
    for (size_t dim = 1; dim <= 100; dim++) {
        vectors_near(NULL, 1, dim, query, &random);
        vectors_near(NULL, 1, dim, row, &random);
        for (int type = SCAN_FLOAT32; type < SCAN_TYPES; type++) {
            store_row((enum scan_type)type, row, dim, room + 1);
            for (int measure = SCAN_DOT; measure <= SCAN_MANHATTAN; measure++) {
                struct scan_kind kind = {(enum scan_measure)measure,
                                         (enum scan_type)type};
                float fast = scan_score(kind, query, room + 1, dim);
                float slow = scan_score_reference(kind, query, room + 1, dim);
                float size = type == SCAN_UINT8 ? 255 : 1;
                /* Rounding of each term, as above. */
                assert_true(fabsf(fast - slow) <= 2e-7f * size * (float)(dim + 8));
            }
        }
    }
}

static void test_measures_are_what_they_are_called(void **state)
{
    (void)state;
    const float query[] = {1, 2};
    const float row[] = {4, 6};
    const uint8_t bytes[] = {3, 4};
    const uint8_t zeros[] = {0, 0};
    struct scan_kind euclid = {SCAN_EUCLID, SCAN_FLOAT32};
    struct scan_kind manhattan = {SCAN_MANHATTAN, SCAN_FLOAT32};
    struct scan_kind cosine = {SCAN_COSINE, SCAN_UINT8};
    assert_true(scan_score(euclid, query, row, 2) == -5);
    assert_true(scan_score(manhattan, query, row, 2) == -7);
    assert_true(fabsf(scan_score(cosine, query, bytes, 2) - 2.2f) < 1e-6f);
    assert_true(scan_score(cosine, query, zeros, 2) == 0);
}

static void test_alignment_does_not_change_a_bit_of_a_score(void **state)
{
    (void)state;
    uint64_t random = 2;
    float query[75];
    float row[75];
    char room[sizeof row + 64];
    vectors_near(NULL, 1, 75, query, &random);
    vectors_near(NULL, 1, 75, row, &random);
    float expected = scan_dot(query, row, 75);
    float reference = scan_dot_reference(query, row, 75);
    for (size_t offset = 0; offset < 64; offset++) {
        const void *p = place(room, offset, row, 75);
        assert_true(scan_dot(query, p, 75) == expected);
        assert_true(scan_dot_reference(query, p, 75) == reference);
    }
}

static void test_no_numbers_make_zero(void **state)
{
    (void)state;
    float query = 1;
    assert_true(scan_dot(&query, &query, 0) == 0);
}

/* Rows of 24 floats at an odd address, 7 bytes between them, slots from 1000 on. */
enum { N = 300, DIM = 24, STRIDE = 4 * DIM + 7, FIRST = 1000 };

static void make_rows(struct scan_rows *rows, char *room, float *v)
{
    for (size_t i = 0; i < N; i++) {
        memcpy(room + 1 + i * STRIDE, v + i * DIM, DIM * sizeof *v);
    }
    *rows = (struct scan_rows){room + 1, STRIDE, N, DIM, FIRST};
}

static void test_scan_gives_the_best_allowed_rows(void **state)
{
    (void)state;
    static char room[1 + N * STRIDE];
    struct scan_rows rows;
    struct ann_hit hits[10];
    struct topk top;
    uint64_t allowed[(FIRST + N) / 64 + 1] = {0};
    float *v = vectors_make(N, DIM, 3);
    make_rows(&rows, room, v);
    for (size_t i = 0; i < N; i += 3) {
        bitmap_set(allowed, FIRST + i);
    }
    topk_init(&top, hits, 10);
    scan_top(v, &rows, allowed, &top);
    assert_int_equal(topk_sort(&top), 10);
    assert_int_equal(hits[0].slot, FIRST);
    for (size_t i = 0; i < N; i += 3) { /* nobody outside is better than the last */
        struct ann_hit hit = {FIRST + i, scan_dot(v, v + i * DIM, DIM)};
        bool inside = false;
        for (size_t j = 0; j < 10; j++) {
            inside |= hits[j].slot == hit.slot && hits[j].score == hit.score;
        }
        assert_true(inside || topk_better(hits[9], hit));
    }
    for (size_t j = 0; j < 10; j++) {
        assert_true(bitmap_get(allowed, hits[j].slot));
    }
    alloc_free(v);
}

static void test_scan_of_two_pieces_equals_scan_of_the_whole(void **state)
{
    (void)state;
    static char room[1 + N * STRIDE];
    struct scan_rows rows;
    struct ann_hit whole[20];
    struct ann_hit pieces[20];
    struct topk top;
    float *v = vectors_make(N, DIM, 4);
    make_rows(&rows, room, v);
    topk_init(&top, whole, 20);
    scan_top(v, &rows, NULL, &top);
    topk_sort(&top);
    struct scan_rows second = {room + 1 + 100 * STRIDE, STRIDE, N - 100, DIM,
                               FIRST + 100};
    rows.n = 100;
    topk_init(&top, pieces, 20);
    scan_top(v, &second, NULL, &top);
    scan_top(v, &rows, NULL, &top);
    topk_sort(&top);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(whole[i].slot, pieces[i].slot);
        assert_true(whole[i].score == pieces[i].score);
    }
    alloc_free(v);
}

static void test_scan_of_nothing_or_with_nothing_allowed_finds_nothing(void **state)
{
    (void)state;
    float row[4] = {1, 0, 0, 0};
    struct ann_hit hits[5];
    struct topk top;
    uint64_t none = 0;
    struct scan_rows rows = {row, sizeof row, 1, 4, 0};
    topk_init(&top, hits, 5);
    scan_top(row, &rows, &none, &top);
    rows.n = 0;
    scan_top(row, &rows, NULL, &top);
    assert_int_equal(topk_sort(&top), 0);
}

static void test_a_row_of_nan_is_not_found(void **state)
{
    (void)state;
    float row[2][2] = {{NAN, 0}, {1, 0}};
    struct ann_hit hits[2];
    struct topk top;
    struct scan_rows rows = {row, sizeof row[0], 2, 2, 0};
    topk_init(&top, hits, 2);
    scan_top(row[1], &rows, NULL, &top);
    assert_int_equal(topk_sort(&top), 1);
    assert_int_equal(hits[0].slot, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_kernel_agrees_with_the_reference),
        cmocka_unit_test(test_each_measure_and_type_agrees_with_the_reference),
        cmocka_unit_test(test_measures_are_what_they_are_called),
        cmocka_unit_test(test_alignment_does_not_change_a_bit_of_a_score),
        cmocka_unit_test(test_no_numbers_make_zero),
        cmocka_unit_test(test_scan_gives_the_best_allowed_rows),
        cmocka_unit_test(test_scan_of_two_pieces_equals_scan_of_the_whole),
        cmocka_unit_test(test_scan_of_nothing_or_with_nothing_allowed_finds_nothing),
        cmocka_unit_test(test_a_row_of_nan_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
