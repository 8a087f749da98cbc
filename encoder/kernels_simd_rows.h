/*
 * kernels_simd_rows.h - what works on whole rows: attention, layer norm, means.
 */
#ifndef ENCODER_KERNELS_SIMD_ROWS_H
#define ENCODER_KERNELS_SIMD_ROWS_H

#include "encoder/kernels_simd.h"

/* Attention. */

/* x[n] = softmax(x); x has room up to a whole vector. */
static void softmax(float *x, size_t n)
{
    size_t end = (n + V_LANES - 1) / V_LANES * V_LANES;
    for (size_t i = n; i < end; i++) {
        x[i] = -INFINITY;
    }
    vf max = v_load(x), sum = v_set1(0.0f);
    for (size_t i = V_LANES; i < end; i += V_LANES) {
        max = v_max(max, v_load(x + i));
    }
    max = v_set1(v_max_lane(max));
    for (size_t i = 0; i < end; i += V_LANES) {
        vf e = v_exp(v_sub(v_load(x + i), max));
        sum = v_add(sum, e);
        v_store(x + i, e);
    }
    vf scale = v_set1(1.0f / v_sum(sum));
    for (size_t i = 0; i < end; i += V_LANES) {
        v_store(x + i, v_mul(v_load(x + i), scale));
    }
}

/* The scores of the tokens that are seen. */
struct scores {
    const float *of; /* [n] */
    size_t n;
};

/* out[0 .. lanes) of one token: scores times as many columns of v. */
static inline void mix_values(struct scores scores, const float *v, size_t stride,
                              float *out, size_t lanes)
{
    vf sum = v_set1(0.0f);
    for (size_t j = 0; j < scores.n; j++) {
        sum = v_fma(v_set1(scores.of[j]), v_load_n(v + j * stride, lanes), sum);
    }
    v_store_n(out, sum, lanes);
}

/* One head: q, k and v are at its first column. The keys are turned first, [head_width]
 * [n], so that a vector holds the scores of neighbouring tokens. */
static void attend_head(const struct kn_attention *a, const float *const qkv[3],
                        float *out, float *panel)
{
    size_t head_width = a->width / a->heads;
    size_t stride = (a->n + V_LANES - 1) / V_LANES * V_LANES;
    float *keys = panel, *scores = panel + head_width * stride;
    float scale = 1.0f / sqrtf((float)head_width);
    memset(keys, 0, head_width * stride * sizeof *keys);
    for (size_t j = 0; j < a->n; j++) {
        for (size_t c = 0; c < head_width; c++) {
            keys[c * stride + j] = qkv[1][j * a->width + c] * scale;
        }
    }
    size_t n_queries = a->n_queries > 0 ? a->n_queries : a->n;
    for (size_t i = 0; i < n_queries; i++) {
        const float *q = qkv[0] + i * a->width;
        size_t n = a->causal ? i + 1 : a->n;
        for (size_t j = 0; j < n; j += V_LANES) {
            vf sum = v_set1(0.0f);
            for (size_t c = 0; c < head_width; c++) {
                sum = v_fma(v_set1(q[c]), v_load(keys + c * stride + j), sum);
            }
            v_store(scores + j, sum);
        }
        softmax(scores, n);
        for (size_t c = 0; c < head_width; c += V_LANES) {
            mix_values((struct scores){scores, n}, qkv[2] + c, a->width,
                       out + i * a->width + c, min_size(head_width - c, V_LANES));
        }
    }
}

static void attention(const struct kn_attention *a, const float *const qkv[3],
                      float *out, float *panel)
{
    for (size_t first = 0; first < a->width; first += a->width / a->heads) {
        const float *const head[3] = {qkv[0] + first, qkv[1] + first, qkv[2] + first};
        attend_head(a, head, out + first, panel);
    }
}

/* Rows. */

/* Sums of (x - shift) and of its squares, [0] and [1]; x[width]. */
static void sum_row(const float *x, size_t width, float shift, float sums[2])
{
    vf sum = v_set1(0.0f), squares = sum, less = v_set1(shift);
    size_t i = 0;
    for (; i + V_LANES <= width; i += V_LANES) {
        vf d = v_sub(v_load(x + i), less);
        sum = v_add(sum, d);
        squares = v_fma(d, d, squares);
    }
    sums[0] = v_sum(sum);
    sums[1] = v_sum(squares);
    for (; i < width; i++) {
        sums[0] += x[i] - shift;
        sums[1] += (x[i] - shift) * (x[i] - shift);
    }
}

static void layer_norm(const struct kn_layer_norm *norm, float *x, size_t n)
{
    size_t width = norm->width;
    for (size_t r = 0; r < n; r++, x += width) {
        float sums[2];
        sum_row(x, width, 0.0f, sums);
        float mean = sums[0] / (float)width;
        sum_row(x, width, mean, sums);
        vf scale = v_set1(1.0f / sqrtf(sums[1] / (float)width + norm->epsilon));
        for (size_t i = 0; i < width; i += V_LANES) {
            size_t lanes = min_size(width - i, V_LANES);
            vf z = v_mul(v_sub(v_load_n(x + i, lanes), v_set1(mean)), scale);
            z = v_fma(z, v_load_n(norm->weight + i, lanes),
                      v_load_n(norm->bias + i, lanes));
            v_store_n(x + i, z, lanes);
        }
    }
}

static void mean(const float *x, size_t n, size_t channels, float *out)
{
    vf scale = v_set1(1.0f / (float)n);
    for (size_t c = 0; c < channels; c += V_LANES) {
        size_t lanes = min_size(channels - c, V_LANES);
        vf sum = v_set1(0.0f);
        for (size_t r = 0; r < n; r++) {
            sum = v_add(sum, v_load_n(x + r * channels + c, lanes));
        }
        v_store_n(out + c, v_mul(sum, scale), lanes);
    }
}

#endif
