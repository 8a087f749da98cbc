/*
 * scan.c - see scan.h. A scan of more than the caches hold is bound by memory, so there
 * is one kernel besides the readable one: AVX-512 gained 12 % over AVX2 at 200 MB of
 * rows and 25 % at 40 MB, which did not pay for a third.
 */
#include "index/scan.h"

#include <string.h>

#include "index/bitmap.h"
#include "index/scan_kernels.h"

float scan_dot_reference(const float *query, const void *row, size_t dim)
{
    const char *bytes = row;
    double total = 0;
    for (size_t i = 0; i < dim; i++) {
        float x;
        memcpy(&x, bytes + i * sizeof x, sizeof x);
        total += (double)query[i] * (double)x;
    }
    return (float)total;
}

/* libgcc asks the CPU once, before main: this only reads its answer. */
static scan_dot_fn *best_kernel(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return scan_dot_avx2;
    }
#endif
    return scan_dot_reference;
}

const char *scan_kernel_name(void)
{
    return best_kernel() == scan_dot_reference ? "reference" : "avx2";
}

float scan_dot(const float *query, const void *row, size_t dim)
{
    return best_kernel()(query, row, dim);
}

void scan_top(const float *query, const struct scan_rows *rows, const uint64_t *allowed,
              struct topk *top)
{
    scan_dot_fn *dot = best_kernel();
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
