/*
 * kernels.c - the reference kernels, and the choice among the tables.
 *
 * These are the definitions: the shortest code that says what an operation is, sums in
 * double, no blocking. They also run where there is neither AVX2 nor AVX-512.
 */
#include "encoder/kernels.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static float activate(enum kn_activation activation, float x)
{
    switch (activation) {
    case KN_RELU6:
        return fminf(fmaxf(x, 0.0f), 6.0f);
    case KN_GELU:
        return 0.5f * x * (1.0f + erff(x * (float)M_SQRT1_2));
    case KN_GELU_TANH:
        return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case KN_QUICK_GELU:
        return x / (1.0f + expf(-1.702f * x));
    case KN_NONE:
    case KN_N_ACTIVATIONS:
        break;
    }
    return x;
}

static void linear(const struct kn_linear *layer, const float *x, size_t n, float *y,
                   float *panel)
{
    const struct wt_matrix *w = &layer->weight;
    for (size_t j = 0; j < w->n_rows; j++) {
        wt_row(w, j, 0, w->n_cols, panel);
        for (size_t r = 0; r < n; r++) {
            double sum = layer->bias != NULL ? layer->bias[j] : 0.0;
            for (size_t i = 0; i < w->n_cols; i++) {
                sum += (double)x[r * w->n_cols + i] * panel[i];
            }
            float *out = &y[r * w->n_rows + j];
            *out = activate(layer->activation,
                            (float)sum + (layer->accumulate ? *out : 0.0f));
        }
    }
}

/* One number of a depthwise convolution; weight[k, k, channels]. */
static float convolve(const struct kn_depthwise *d, const float *weight,
                      size_t in_first, const float *window, const size_t at[3])
{
    size_t before = kn_stencil_pad(&d->stencil);
    size_t channel = at[2];
    double sum = d->bias[channel];
    for (size_t ky = 0; ky < d->stencil.kernel; ky++) {
        for (size_t kx = 0; kx < d->stencil.kernel; kx++) {
            /* Unsigned: what lies before the map wraps round and is past its end. */
            size_t iy = at[0] * d->stencil.stride + ky - before;
            size_t ix = at[1] * d->stencil.stride + kx - before;
            if (iy < d->stencil.side && ix < d->stencil.side) {
                sum +=
                    (double)
                        weight[(ky * d->stencil.kernel + kx) * d->channels + channel] *
                    window[((iy - in_first) * d->stencil.side + ix) * d->channels +
                           channel];
            }
        }
    }
    return activate(KN_RELU6, (float)sum);
}

static void depthwise(const struct kn_depthwise *d, const struct kn_strip *strip,
                      const float *window, float *y, float *panel)
{
    size_t out_side = kn_stencil_out(&d->stencil);
    for (size_t ky = 0; ky < d->stencil.kernel; ky++) {
        wt_row(&d->weight, ky, 0, d->weight.n_cols, panel + ky * d->weight.n_cols);
    }
    for (size_t oy = strip->out_first; oy < strip->out_end; oy++) {
        for (size_t ox = 0; ox < out_side; ox++) {
            for (size_t c = 0; c < d->channels; c++) {
                *y++ = convolve(d, panel, strip->in_first, window,
                                (const size_t[3]){oy, ox, c});
            }
        }
    }
}

static void softmax(float *x, size_t n)
{
    float max = -INFINITY;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        max = fmaxf(max, x[i]);
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = expf(x[i] - max);
        sum += x[i];
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(x[i] / sum);
    }
}

/* What token `i` sees through one head of the first `n` tokens: q, k and v are at the
 * head's first column. */
static void attend(const struct kn_attention *a, size_t i, size_t n,
                   const float *const qkv[3], float *out, float *scores)
{
    size_t head_width = a->width / a->heads;
    const float *q = qkv[0] + i * a->width;
    for (size_t j = 0; j < n; j++) {
        double dot = 0.0;
        for (size_t c = 0; c < head_width; c++) {
            dot += (double)q[c] * qkv[1][j * a->width + c];
        }
        scores[j] = (float)(dot / sqrt((double)head_width));
    }
    softmax(scores, n);
    for (size_t c = 0; c < head_width; c++) {
        double sum = 0.0;
        for (size_t j = 0; j < n; j++) {
            sum += (double)scores[j] * qkv[2][j * a->width + c];
        }
        out[i * a->width + c] = (float)sum;
    }
}

static void attention(const struct kn_attention *a, const float *const qkv[3],
                      float *out, float *panel)
{
    size_t n_queries = a->n_queries > 0 ? a->n_queries : a->n;
    for (size_t first = 0; first < a->width; first += a->width / a->heads) {
        const float *const head[3] = {qkv[0] + first, qkv[1] + first, qkv[2] + first};
        for (size_t i = 0; i < n_queries; i++) {
            attend(a, i, a->causal ? i + 1 : a->n, head, out + first, panel);
        }
    }
}

static void layer_norm(const struct kn_layer_norm *norm, float *x, size_t n)
{
    for (size_t r = 0; r < n; r++, x += norm->width) {
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < norm->width; i++) {
            sum += x[i];
        }
        double mean = sum / (double)norm->width;
        for (size_t i = 0; i < norm->width; i++) {
            squares += (x[i] - mean) * (x[i] - mean);
        }
        double scale = 1.0 / sqrt(squares / (double)norm->width + norm->epsilon);
        for (size_t i = 0; i < norm->width; i++) {
            x[i] = (float)((x[i] - mean) * scale) * norm->weight[i] + norm->bias[i];
        }
    }
}

static void mean(const float *x, size_t n, size_t channels, float *out)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0.0;
        for (size_t r = 0; r < n; r++) {
            sum += x[r * channels + c];
        }
        out[c] = (float)(sum / (double)n);
    }
}

const struct kn_ops kn_reference = {"reference", linear,     depthwise,
                                    attention,   layer_norm, mean};

/* The choice. */

const struct kn_ops *kn_ops_by_name(const char *name)
{
#if defined(__x86_64__)
    if (strcmp(name, kn_avx512.name) == 0 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        return &kn_avx512;
    }
    /* Every processor with AVX2 has F16C, which clang 14 cannot ask for. */
    if (strcmp(name, kn_avx2.name) == 0 && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma")) {
        return &kn_avx2;
    }
#endif
    return strcmp(name, kn_reference.name) == 0 ? &kn_reference : NULL;
}

static const struct kn_ops *chosen;
static _Thread_local const struct kn_ops *overriding; /* NULL: none */
static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    static const char *const best_first[] = {"avx512", "avx2", "reference"};
    const char *wanted = getenv("DUET_KERNELS");
    if (wanted != NULL) {
        chosen = kn_ops_by_name(wanted);
        if (chosen == NULL) {
            log_warn("DUET_KERNELS=%s is not for this processor and is ignored",
                     wanted);
        }
    }
    for (size_t i = 0; chosen == NULL; i++) {
        chosen = kn_ops_by_name(best_first[i]);
    }
}

const struct kn_ops *kn_ops(void)
{
    (void)pthread_once(&choose_once, choose);
    return overriding != NULL ? overriding : chosen;
}

void kn_override(const struct kn_ops *ops)
{
    overriding = ops;
}
