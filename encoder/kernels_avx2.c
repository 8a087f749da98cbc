/*
 * kernels_avx2.c - the kernels for AVX2 with FMA and F16C: 8 floats a vector and 16
 * registers, 12 of which hold a tile's sums.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { V_LANES = 8, TILE_ROWS = 6, TILE_VECTORS = 2 };

/* kernels_simd.h says what these are for. */
#define FLATTEN static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

typedef __m256 vf;

#define v_set1 _mm256_set1_ps
#define v_add _mm256_add_ps
#define v_sub _mm256_sub_ps
#define v_mul _mm256_mul_ps
#define v_div _mm256_div_ps
#define v_fma _mm256_fmadd_ps /* a * b + c */
#define v_min _mm256_min_ps
#define v_max _mm256_max_ps
#define v_load _mm256_loadu_ps
#define v_store _mm256_storeu_ps

/* All ones in the first `n` lanes. */
static inline __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* The first `n` lanes, 0 in the others; reads nothing behind them. */
static inline vf v_load_n(const float *p, size_t n)
{
    return n >= V_LANES ? v_load(p) : _mm256_maskload_ps(p, first_lanes(n));
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    if (n >= V_LANES) {
        v_store(p, x);
    } else {
        _mm256_maskstore_ps(p, first_lanes(n), x);
    }
}

static inline vf v_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline vf v_load_bf16(const uint16_t *p)
{
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

static inline vf v_load_i8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

static inline vf v_abs(vf x)
{
    return _mm256_andnot_ps(v_set1(-0.0f), x);
}

static inline vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x * 2^n; n is whole, and 2^n a normal number. */
static inline vf v_scale2(vf x, vf n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return v_mul(x, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

static inline float v_sum(vf x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float v_max_lane(vf x)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* Turns the 8 x 8 block: lane i of vector j goes to lane j of vector i. */
FLATTEN void v_transpose(vf x[V_LANES])
{
    vf t[8], u[8];
    UNROLL for (int i = 0; i < 8; i += 2)
    { /* pairs of rows */
        t[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4)
    { /* fours, within halves */
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++)
    { /* halves */
        x[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        x[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

#include "encoder/kernels_simd_depthwise.h"
#include "encoder/kernels_simd_linear.h"
#include "encoder/kernels_simd_rows.h"

const struct kn_ops kn_avx2 = {"avx2", linear, depthwise, attention, layer_norm, mean};
