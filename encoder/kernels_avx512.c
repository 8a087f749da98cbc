/*
 * kernels_avx512.c - the kernels for AVX-512 (F, BW, DQ, VL): 16 floats a vector and 32
 * registers, 28 of which hold a tile's sums.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { V_LANES = 16, TILE_ROWS = 14, TILE_VECTORS = 2 };

/* kernels_simd.h says what these are for. */
#define FLATTEN static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

typedef __m512 vf;

#define v_set1 _mm512_set1_ps
#define v_add _mm512_add_ps
#define v_sub _mm512_sub_ps
#define v_mul _mm512_mul_ps
#define v_div _mm512_div_ps
#define v_fma _mm512_fmadd_ps /* a * b + c */
#define v_min _mm512_min_ps
#define v_max _mm512_max_ps
#define v_load _mm512_loadu_ps
#define v_store _mm512_storeu_ps
#define v_abs _mm512_abs_ps
#define v_scale2 _mm512_scalef_ps /* x * 2^n */
#define v_sum _mm512_reduce_add_ps
#define v_max_lane _mm512_reduce_max_ps

static inline __mmask16 first_lanes(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

/* The first `n` <= 16 lanes, 0 in the others; reads nothing behind them. */
static inline vf v_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}

static inline void v_store_n(float *p, vf x, size_t n)
{
    _mm512_mask_storeu_ps(p, first_lanes(n), x);
}

static inline vf v_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline vf v_load_bf16(const uint16_t *p)
{
    __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

static inline vf v_load_i8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* Turns the 16 x 16 block: lane i of vector j goes to lane j of vector i. */
FLATTEN void v_transpose(vf x[V_LANES])
{
    vf t[16], u[16];
    UNROLL for (int i = 0; i < 16; i += 2)
    { /* pairs of rows */
        t[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
    UNROLL for (int i = 0; i < 16; i += 4)
    { /* fours, within quarters */
        u[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++)
    { /* quarters, in pairs and then in fours */
        t[i] = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xdd);
    }
    UNROLL for (int i = 0; i < 4; i++)
    {
        x[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        x[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        x[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        x[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

#include "encoder/kernels_simd_depthwise.h"
#include "encoder/kernels_simd_linear.h"
#include "encoder/kernels_simd_rows.h"

const struct kn_ops kn_avx512 = {"avx512",  linear,     depthwise,
                                 attention, layer_norm, mean};
