/*
 * scan_avx2.c - see scan_kernels.h. Four accumulators hide the latency of the fused
 * multiply-add (4 cycles, two begun in each).
 */
#include "index/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

static float sum_of_lanes(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The eight floats at `bytes`, aligned or not, times those at `query`, added to `sum`.
 */
static __m256 add_product(__m256 sum, const float *query, const char *bytes)
{
    __m256 row = _mm256_castsi256_ps(_mm256_loadu_si256((const void *)bytes));
    return _mm256_fmadd_ps(_mm256_loadu_ps(query), row, sum);
}

float scan_dot_avx2(const float *query, const void *row, size_t dim)
{
    const char *bytes = row;
    __m256 a = _mm256_setzero_ps();
    __m256 b = a;
    __m256 c = a;
    __m256 d = a;
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        a = add_product(a, query + i, bytes + 4 * i);
        b = add_product(b, query + i + 8, bytes + 4 * i + 32);
        c = add_product(c, query + i + 16, bytes + 4 * i + 64);
        d = add_product(d, query + i + 24, bytes + 4 * i + 96);
    }
    for (; i + 8 <= dim; i += 8) {
        a = add_product(a, query + i, bytes + 4 * i);
    }
    float total = sum_of_lanes(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
    for (; i < dim; i++) {
        float x;
        memcpy(&x, bytes + 4 * i, sizeof x);
        total += query[i] * x;
    }
    return total;
}

#endif
