/*
 * kernels.h - the arithmetic of the towers, each operation once in plain C (kernels.c,
 * the reference) and once for AVX2 (kernels_avx2.c) and AVX-512 (kernels_avx512.c).
 *
 * kn_ops() chooses by the processor at hand (DUET_KERNELS=reference|avx2|avx512
 * overrides); tests hold each table against the reference. Tensors are channels last:
 * [y, x, channel]. No function allocates, fails or keeps anything: any thread.
 */
#ifndef ENCODER_KERNELS_H
#define ENCODER_KERNELS_H

#include <stddef.h>

#include "encoder/weights.h"

enum kn_activation { KN_NONE, KN_RELU6, KN_GELU };

/* What is done to each output of a product before it is stored, in this order. */
struct kn_epilogue {
    const float *bias;     /* [n_out], or NULL */
    const float *residual; /* [n, n_out] added, or NULL; may be the output itself */
    enum kn_activation activation; /* GELU is the exact one, by erf */
};

/* A k x k depthwise convolution, "SAME" padding as TensorFlow's: pad_total =
 * max((ceil(side/stride) - 1) * stride + k - side, 0), the smaller half before. */
struct kn_depthwise {
    const float *weight; /* [k, k, channels] */
    const float *bias;   /* [channels] */
    size_t kernel, stride, channels;
    size_t in_side; /* square maps: [in_side, in_side, channels] */
};

struct kn_ops {
    const char *name;
    /* y[n, w.n_rows] = epilogue(x[n, w.n_cols] * w^T). Weights are widened a panel at a
     * time into `panel`, KN_PANEL_FLOATS of scratch. */
    void (*linear)(const struct wt_matrix *w, const float *x, size_t n, float *y,
                   const struct kn_epilogue *epilogue, float *panel);
    /* y[out, out, channels] = relu6(depthwise(x)), out = ceil(in_side / stride). */
    void (*depthwise)(const struct kn_depthwise *d, const float *x, float *y);
    /* x[n, width] = layer_norm(x) * weight + bias, row by row. */
    void (*layer_norm)(float *x, size_t n, size_t width, const float *weight,
                       const float *bias, float epsilon);
    /* x[n] = softmax(x). */
    void (*softmax)(float *x, size_t n);
    /* out[channels] = mean over the n rows of x[n, channels]. */
    void (*mean)(const float *x, size_t n, size_t channels, float *out);
};

const struct kn_ops *kn_ops(void);

/* The plain C table, whatever the processor. */
extern const struct kn_ops kn_reference;

#endif
