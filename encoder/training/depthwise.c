/*
 * Backward pass of a depthwise convolution on bfloat16 NHWC tensors, for training on a CPU with AVX-512.
 *
 * The library's own takes ten to forty times as long as its forward pass, which made fine-tuning the image tower out of
 * reach. Built by depthwise.py; not a part of the program.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline __m512 widen(const uint16_t *p)
{
    __m512i v = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}

static inline void narrow(uint16_t *p, __m512 v)
{
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(v));
}

/* One picture, sixteen channels: acc += weight gradient, gx = input gradient. xb and gb are padded scratch planes. */
#define KERNEL(K)                                                                      \
    static void one_##K(const uint16_t *x, const uint16_t *g, const float *w,          \
                        float *acc, uint16_t *gx, long h, long wd, long c, long oh,    \
                        long ow, long s, long pad, float *xb, float *gb)               \
    {                                                                                  \
        long pw = (ow - 1) * s + K, ph = (oh - 1) * s + K;                             \
        if (pw < wd + pad)                                                             \
            pw = wd + pad;                                                             \
        if (ph < h + pad)                                                              \
            ph = h + pad;                                                              \
        memset(xb, 0, sizeof(float) * 16 * pw * ph);                                   \
        memset(gb, 0, sizeof(float) * 16 * pw * ph);                                   \
        for (long i = 0; i < h; i++)                                                   \
            for (long j = 0; j < wd; j++)                                              \
                _mm512_storeu_ps(xb + 16 * ((i + pad) * pw + j + pad),                 \
                                 widen(x + (i * wd + j) * c));                         \
        __m512 a[K * K];                                                               \
        for (int t = 0; t < K * K; t++)                                                \
            a[t] = _mm512_loadu_ps(acc + t * c);                                       \
        for (long i = 0; i < oh; i++)                                                  \
            for (long j = 0; j < ow; j++) {                                            \
                __m512 v = widen(g + (i * ow + j) * c);                                \
                const float *p = xb + 16 * (i * s * pw + j * s);                       \
                _Pragma("GCC unroll 25") for (int t = 0; t < K * K; t++) a[t] =        \
                    _mm512_fmadd_ps(                                                   \
                        v, _mm512_loadu_ps(p + 16 * ((t / K) * pw + t % K)), a[t]);    \
            }                                                                          \
        for (int t = 0; t < K * K; t++) {                                              \
            _mm512_storeu_ps(acc + t * c, a[t]);                                       \
            a[t] = _mm512_loadu_ps(w + t * c);                                         \
        }                                                                              \
        for (long i = 0; i < oh; i++)                                                  \
            for (long j = 0; j < ow; j++) {                                            \
                __m512 v = widen(g + (i * ow + j) * c);                                \
                float *p = gb + 16 * (i * s * pw + j * s);                             \
                _Pragma("GCC unroll 25") for (int t = 0; t < K * K; t++)               \
                {                                                                      \
                    float *q = p + 16 * ((t / K) * pw + t % K);                        \
                    _mm512_storeu_ps(q, _mm512_fmadd_ps(v, a[t], _mm512_loadu_ps(q))); \
                }                                                                      \
            }                                                                          \
        for (long i = 0; i < h; i++)                                                   \
            for (long j = 0; j < wd; j++)                                              \
                narrow(gx + (i * wd + j) * c,                                          \
                       _mm512_loadu_ps(gb + 16 * ((i + pad) * pw + j + pad)));         \
    }
KERNEL(3)
KERNEL(5)

/* x, gx [n,h,w,c] and g [n,oh,ow,c] bfloat16; w and gw [k*k,c] float; c a multiple of 16. */
void depthwise_backward(const uint16_t *x, const uint16_t *g, const float *w, float *gw,
                        uint16_t *gx, long n, long h, long wd, long c, long oh, long ow,
                        long k, long s, long pad)
{
    memset(gw, 0, sizeof(float) * (size_t)(k * k * c));
#pragma omp parallel
    {
        float *acc = calloc((size_t)(k * k * c), sizeof(float));
        size_t plane = sizeof(float) * 16 * (size_t)((h + k + s) * (wd + k + s));
        float *xb = aligned_alloc(64, plane), *gb = aligned_alloc(64, plane);
#pragma omp for schedule(static)
        for (long i = 0; i < n; i++)
            for (long b = 0; b < c; b += 16)
                (k == 3 ? one_3 : one_5)(
                    x + i * h * wd * c + b, g + i * oh * ow * c + b, w + b, acc + b,
                    gx + i * h * wd * c + b, h, wd, c, oh, ow, s, pad, xb, gb);
#pragma omp critical
        for (long t = 0; t < k * k * c; t++)
            gw[t] += acc[t];
        free(acc);
        free(xb);
        free(gb);
    }
}
