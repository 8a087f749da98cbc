/*
 * scan.c - see scan.h. A scan of more than the caches hold is bound by memory, so there
 * is one kernel besides the readable one: AVX-512 gained 12 % over AVX2 at 200 MB of
 * rows and 25 % at 40 MB, which did not pay for a third.
 */
#include "index/scan.h"

#include <math.h>
#include <stdbool.h>

#include "index/bitmap.h"
#include "index/scan_kernels.h"

/* libgcc asks the CPU once, before main: this only reads its answer. There is no CPU
 * with AVX2 that does not convert half floats (F16C), which clang 14 cannot ask for. */
static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static scan_sum_fn *best_sum(enum scan_sum what, enum scan_type type)
{
#if defined(__x86_64__)
    if (has_avx2()) {
        return scan_sum_avx2(what, type);
    }
#endif
    return scan_sum_reference(what, type);
}

const char *scan_kernel_name(void)
{
    return has_avx2() ? "avx2" : "reference";
}

typedef scan_sum_fn *choose_fn(enum scan_sum what, enum scan_type type);

static float score_by(choose_fn *choose, struct scan_kind kind, const float *query,
                      const void *row, size_t dim)
{
    if (kind.measure == SCAN_EUCLID) {
        return -sqrtf(choose(SCAN_SUM_DIFFERENCES_SQUARED, kind.type)(query, row, dim));
    }
    if (kind.measure == SCAN_MANHATTAN) {
        return -choose(SCAN_SUM_DIFFERENCES, kind.type)(query, row, dim);
    }
    float dot = choose(SCAN_SUM_PRODUCTS, kind.type)(query, row, dim);
    if (kind.measure == SCAN_DOT) {
        return dot;
    }
    float squares = choose(SCAN_SUM_SQUARES, kind.type)(query, row, dim);
    return squares > 0 ? dot / sqrtf(squares) : 0;
}

float scan_score(struct scan_kind kind, const float *query, const void *row, size_t dim)
{
    return score_by(best_sum, kind, query, row, dim);
}

float scan_score_reference(struct scan_kind kind, const float *query, const void *row,
                           size_t dim)
{
    return score_by(scan_sum_reference, kind, query, row, dim);
}

float scan_dot(const float *query, const void *row, size_t dim)
{
    return best_sum(SCAN_SUM_PRODUCTS, SCAN_FLOAT32)(query, row, dim);
}

float scan_dot_reference(const float *query, const void *row, size_t dim)
{
    return scan_sum_reference(SCAN_SUM_PRODUCTS, SCAN_FLOAT32)(query, row, dim);
}

void scan_top(const float *query, const struct scan_rows *rows, const uint64_t *allowed,
              struct topk *top)
{
    scan_sum_fn *dot = best_sum(SCAN_SUM_PRODUCTS, SCAN_FLOAT32);
    const char *row = rows->bytes;
    for (size_t i = 0; i < rows->n; i++, row += rows->stride) {
        uint64_t slot = rows->first_slot + i;
        if (allowed != NULL && !bitmap_get(allowed, slot)) {
            continue;
        }
        float score = dot(query, row, rows->dim);
        if (score >= topk_bar(top)) {
            topk_push(top, (struct ann_hit){slot, score});
        }
    }
}
