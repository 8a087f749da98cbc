/*
 * kernels_simd.h - the vector kernels, written once for any width of vector.
 *
 * kernels_avx2.c and kernels_avx512.c each define a vector `vf` of V_LANES floats with
 * its few operations (v_load, v_fma, v_transpose, ...) and the shape of their register
 * tile, TILE_ROWS x TILE_VECTORS; then they include the three parts, which stand on
 * this one: kernels_simd_linear.h, kernels_simd_depthwise.h and kernels_simd_rows.h.
 * All in them is static: each table gets a copy of its own, compiled for its
 * instructions.
 *
 * The arguments of FLATTEN functions that are marked const are known at every call; the
 * compiler unrolls the loops over them and keeps their arrays in registers. That is
 * what makes these functions fast, and why their calls are spelled out in a switch.
 */
#ifndef ENCODER_KERNELS_SIMD_H
#define ENCODER_KERNELS_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "encoder/kernels.h"

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* V_LANES neighbouring weights from the stored number `at` on, which is in row `row`. */
FLATTEN vf widen(const enum wt_type type, const struct wt_matrix *w, size_t row,
                 size_t at)
{
    switch (type) {
    case WT_F16:
        return v_load_f16((const uint16_t *)w->data + at);
    case WT_BF16:
        return v_load_bf16((const uint16_t *)w->data + at);
    case WT_I8:
        return v_mul(v_load_i8((const int8_t *)w->data + at), v_set1(w->scale[row]));
    case WT_F32:
        break;
    }
    return v_load((const float *)w->data + at);
}

/* e^x to 2 units in the last place for -87 <= x <= 88, clamped beyond. x is split into
 * n ln 2 + r with |r| <= ln(2) / 2 and e^r is a polynomial (the Cephes library's expf).
 */
static inline vf v_exp(vf x)
{
    x = v_max(v_min(x, v_set1(88.0f)), v_set1(-87.0f));
    vf n = v_round(v_mul(x, v_set1((float)M_LOG2E)));
    vf r = v_fma(n, v_set1(-0.693359375f), x); /* ln 2 in two parts */
    r = v_fma(n, v_set1(2.12194440e-4f), r);
    vf p = v_set1(1.9875691500e-4f);
    p = v_fma(p, r, v_set1(1.3981999507e-3f));
    p = v_fma(p, r, v_set1(8.3334519073e-3f));
    p = v_fma(p, r, v_set1(4.1665795894e-2f));
    p = v_fma(p, r, v_set1(1.6666665459e-1f));
    p = v_fma(p, r, v_set1(5.0000001201e-1f));
    p = v_add(v_fma(v_mul(p, r), r, r), v_set1(1.0f));
    return v_scale2(p, n);
}

/* x/2 (1 + erf(x / sqrt 2)), erf by Abramowitz & Stegun 7.1.26: off by at most 1.5e-7
 * of |x|. */
static inline vf v_gelu(vf x)
{
    vf z = v_mul(v_abs(x), v_set1((float)M_SQRT1_2));
    vf t = v_div(v_set1(1.0f), v_fma(z, v_set1(0.3275911f), v_set1(1.0f)));
    vf p = v_set1(1.061405429f);
    p = v_fma(p, t, v_set1(-1.453152027f));
    p = v_fma(p, t, v_set1(1.421413741f));
    p = v_fma(p, t, v_set1(-0.284496736f));
    p = v_fma(p, t, v_set1(0.254829592f));
    p = v_mul(v_mul(p, t), v_exp(v_sub(v_set1(0.0f), v_mul(z, z))));
    vf half_x = v_mul(x, v_set1(0.5f));
    vf half_abs = v_abs(half_x);
    return v_add(half_x, v_fma(half_abs, v_sub(v_set1(0.0f), p), half_abs));
}

/* x / (1 + e^-z) */
static inline vf v_times_sigmoid(vf x, vf z)
{
    vf one = v_set1(1.0f);
    return v_div(x, v_add(one, v_exp(v_sub(v_set1(0.0f), z))));
}

/* x/2 (1 + tanh(u)) = x / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3). */
static inline vf v_gelu_tanh(vf x)
{
    vf cubic = v_fma(v_mul(v_mul(x, x), x), v_set1(0.044715f), x);
    return v_times_sigmoid(x, v_mul(cubic, v_set1(2.0f * 0.79788456f)));
}

static inline vf v_quick_gelu(vf x)
{
    return v_times_sigmoid(x, v_mul(x, v_set1(1.702f)));
}

#endif
