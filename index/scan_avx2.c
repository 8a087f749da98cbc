/*
 * scan_avx2.c - see scan_kernels.h. One loop, `reduce`, is compiled once for each pair
 * of what is summed and how numbers are stored: both are constants where it is inlined.
 * Four accumulators hide the latency of the fused multiply-add (4 cycles, two begun in
 * each).
 */
#include "index/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "base/half.h"

#define INLINE static inline __attribute__((always_inline))

INLINE float sum_of_lanes(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The eight numbers at `bytes`, aligned or not, as floats. */
INLINE __m256 load_eight(const char *bytes, enum scan_type type)
{
    if (type == SCAN_FLOAT16) {
        return _mm256_cvtph_ps(_mm_loadu_si128((const void *)bytes));
    }
    if (type == SCAN_UINT8) {
        return _mm256_cvtepi32_ps(
            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)bytes)));
    }
    return _mm256_castsi256_ps(_mm256_loadu_si256((const void *)bytes));
}

/* What a pair of numbers adds to `sum`. */
INLINE __m256 add_eight(__m256 sum, const float *query, __m256 row, enum scan_sum what)
{
    if (what == SCAN_SUM_SQUARES) {
        return _mm256_fmadd_ps(row, row, sum);
    }
    __m256 q = _mm256_loadu_ps(query);
    if (what == SCAN_SUM_PRODUCTS) {
        return _mm256_fmadd_ps(q, row, sum);
    }
    __m256 d = _mm256_sub_ps(q, row);
    if (what == SCAN_SUM_DIFFERENCES_SQUARED) {
        return _mm256_fmadd_ps(d, d, sum);
    }
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), d));
}

INLINE float reduce(const float *query, const void *row, size_t dim, enum scan_sum what,
                    enum scan_type type)
{
    const size_t size = scan_type_bytes(type);
    const char *bytes = row;
    __m256 a = _mm256_setzero_ps();
    __m256 b = a;
    __m256 c = a;
    __m256 d = a;
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        const char *p = bytes + i * size;
        a = add_eight(a, query + i, load_eight(p, type), what);
        b = add_eight(b, query + i + 8, load_eight(p + 8 * size, type), what);
        c = add_eight(c, query + i + 16, load_eight(p + 16 * size, type), what);
        d = add_eight(d, query + i + 24, load_eight(p + 24 * size, type), what);
    }
    for (; i + 8 <= dim; i += 8) {
        a = add_eight(a, query + i, load_eight(bytes + i * size, type), what);
    }
    float total = sum_of_lanes(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
    if (i < dim) { /* the rest, beside zeros, which add nothing */
        float q[8] = {0};
        char r[8 * sizeof(float)] = {0};
        memcpy(q, query + i, (dim - i) * sizeof *q);
        memcpy(r, bytes + i * size, (dim - i) * size);
        total +=
            sum_of_lanes(add_eight(_mm256_setzero_ps(), q, load_eight(r, type), what));
    }
    return total;
}

SCAN_KERNELS(reduce, scan_sum_avx2)

#endif
