/*
 * scan_avx2.c - see scan_kernels.h. Four accumulators hide the latency of the fused
 * multiply-add (4 cycles, 2 a cycle); with more the scan waits for memory anyway.
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

float scan_dot_avx2(const float *query, const void *row, size_t dim)
{
    /* Only the address is a float's; every load below is an unaligned one. */
    const char *bytes = row;
    __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                     _mm256_setzero_ps()};
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        for (size_t j = 0; j < 4; j++) {
            __m256 q = _mm256_loadu_ps(query + i + 8 * j);
            __m256i r = _mm256_loadu_si256((const void *)(bytes + 4 * (i + 8 * j)));
            sum[j] = _mm256_fmadd_ps(q, _mm256_castsi256_ps(r), sum[j]);
        }
    }
    for (; i + 8 <= dim; i += 8) {
        __m256i r = _mm256_loadu_si256((const void *)(bytes + 4 * i));
        sum[0] =
            _mm256_fmadd_ps(_mm256_loadu_ps(query + i), _mm256_castsi256_ps(r), sum[0]);
    }
    float total = sum_of_lanes(
        _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3])));
    for (; i < dim; i++) {
        float x;
        memcpy(&x, bytes + 4 * i, sizeof x);
        total += query[i] * x;
    }
    return total;
}

#endif
