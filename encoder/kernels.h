/*
 * kernels.h - the arithmetic of the towers, each operation once in plain C (kernels.c,
 * the reference) and once with vectors (kernels_simd*.h, compiled for AVX2 and
 * AVX-512).
 *
 *     const struct kn_ops *ops = kn_ops();
 *     struct kn_linear layer = {weight, bias, KN_GELU, false};
 *     ops->linear(&layer, x, n, y, panel);
 *
 * kn_ops() chooses by the processor at hand (DUET_KERNELS=reference|avx2|avx512
 * overrides); tests hold each table against the reference. Maps are channels last:
 * [y, x, channel], and square.
 *
 * No function allocates, fails or keeps anything: any thread.
 */
#ifndef ENCODER_KERNELS_H
#define ENCODER_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "encoder/weights.h"

/* The numbers are part of the names of spaces (transformer_mark). */
enum kn_activation {
    KN_NONE,
    KN_RELU6,
    KN_GELU,       /* x/2 (1 + erf(x / sqrt 2)), the exact one */
    KN_GELU_TANH,  /* x/2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    KN_QUICK_GELU, /* x / (1 + e^(-1.702 x)) */
    KN_N_ACTIVATIONS
};

/* A kernel unpacks weights, a panel at a time, into scratch that the caller brings. */
enum {
    KN_COLS_MAX = 8192, /* n_cols of any matrix: a panel is at most this long */
    KN_PANEL_FLOATS = KN_COLS_MAX * 32,
    KN_KERNEL_MAX = 7,    /* side of a depthwise kernel */
    KN_TOKENS_MAX = 1025, /* 512 x 512 pixels in patches of 16, and one class token */
    KN_HEAD_MAX = 128     /* width of one head of attention */
};

/* y = activation(x * weight^T + bias). */
struct kn_linear {
    struct wt_matrix weight; /* [n_out, n_in]; n_in at most KN_COLS_MAX */
    const float *bias;       /* [n_out], or NULL */
    enum kn_activation activation;
    bool accumulate; /* what y holds is added before the activation: a residual */
};

/* How a square kernel slides over a square map, with TensorFlow's "SAME" padding:
 * max((ceil(side / stride) - 1) * stride + kernel - side, 0) zeros in all, the smaller
 * half before the map. */
struct kn_stencil {
    size_t kernel; /* its side */
    size_t stride;
    size_t side; /* of the input map */
};

/* The side of the map that comes out. */
static inline size_t kn_stencil_out(const struct kn_stencil *s)
{
    return (s->side + s->stride - 1) / s->stride;
}

/* The zeros before the map; those behind it may be one more. */
static inline size_t kn_stencil_pad(const struct kn_stencil *s)
{
    size_t reach = (kn_stencil_out(s) - 1) * s->stride + s->kernel;
    return reach > s->side ? (reach - s->side) / 2 : 0;
}

/* A convolution of each channel by itself, then ReLU6. */
struct kn_depthwise {
    struct kn_stencil stencil; /* kernel at most KN_KERNEL_MAX */
    size_t channels;
    struct wt_matrix weight; /* [kernel, kernel * channels], channels last */
    const float *bias;       /* [channels] */
};

/* A strip of a map: the rows of output to be made, from a window of input rows. */
struct kn_strip {
    size_t in_first;           /* the row of the map at which the window begins */
    size_t out_first, out_end; /* rows of output; what they read is in the window */
};

/* Attention over one text or picture. */
struct kn_attention {
    size_t n;     /* tokens that are seen; at most KN_TOKENS_MAX */
    size_t width; /* of a token's row: heads times at most KN_HEAD_MAX */
    size_t heads;
    size_t n_queries; /* tokens that see, if others than those seen; 0: the same n */
    bool causal;      /* token i sees tokens 0 to i only; with the same n */
};

struct kn_layer_norm {
    const float *weight, *bias; /* [width] */
    size_t width;
    float epsilon; /* added to the variance */
};

struct kn_ops {
    const char *name;
    /* y[n, n_out] from x[n, n_in], n >= 1; panel[KN_PANEL_FLOATS]. */
    void (*linear)(const struct kn_linear *layer, const float *x, size_t n, float *y,
                   float *panel);
    /* y[rows, out_side, channels] from window[rows, side, channels]; out_side =
     * ceil(side / stride). panel[KN_PANEL_FLOATS] holds kernel^2 * channels. */
    void (*depthwise)(const struct kn_depthwise *d, const struct kn_strip *strip,
                      const float *window, float *y, float *panel);
    /* out[n, width] = softmax(q k^T / sqrt(head_width)) v, head by head; qkv[0 .. 2]
     * are q, k and v, each [n, width]. */
    void (*attention)(const struct kn_attention *a, const float *const qkv[3],
                      float *out, float *panel);
    /* x[n, width] = layer_norm(x) * weight + bias, row by row. */
    void (*layer_norm)(const struct kn_layer_norm *norm, float *x, size_t n);
    /* out[channels] = mean over the n rows of x[n, channels]. */
    void (*mean)(const float *x, size_t n, size_t channels, float *out);
};

/* The table for this processor; the same in every call, but for kn_override. */
const struct kn_ops *kn_ops(void);

/* From now on kn_ops() gives this thread `ops`; NULL: the processor's own again. Since
 * encoding runs on the caller's thread alone, two tables can be compared in one
 * process, with the weights mapped once, while other threads work on. */
void kn_override(const struct kn_ops *ops);

/* The plain C table, whatever the processor. */
extern const struct kn_ops kn_reference;

#if defined(__x86_64__)
/* May be called only where the processor has the instructions. */
extern const struct kn_ops kn_avx2;
extern const struct kn_ops kn_avx512;
#endif

/* The table `name`, or NULL where there is none or this processor cannot run it. */
const struct kn_ops *kn_ops_by_name(const char *name);

#endif
