/*
 * kernels_simd_depthwise.h - depthwise convolutions.
 *
 * The work goes channels first (one vector of them), then down and along the map, so
 * that the rows that neighbouring outputs share are still in L1. A run is up to RUN_MAX
 * outputs of one row: each input is loaded once and used for every output it touches.
 */
#ifndef ENCODER_KERNELS_SIMD_DEPTHWISE_H
#define ENCODER_KERNELS_SIMD_DEPTHWISE_H

#include "encoder/kernels_simd.h"

enum { RUN_MAX = 8 };

/* A run of outputs of one row, V_LANES channels of each. */
struct run {
    const struct kn_depthwise *d;
    const float *weight; /* [kernel, kernel, channels], at the first channel */
    const float *bias;   /* at the first channel */
    const float *rows[KN_KERNEL_MAX]; /* the rows of input; NULL for padding */
    size_t first; /* input column under the first tap; may wrap below 0 */
    float *y;
};

FLATTEN void convolve_run(const size_t kernel, const size_t stride, const size_t width,
                          const struct run *run)
{
    size_t channels = run->d->channels, side = run->d->stencil.side;
    vf acc[RUN_MAX], w[KN_KERNEL_MAX];
    UNROLL for (size_t o = 0; o < width; o++)
    {
        acc[o] = v_load(run->bias);
    }
    for (size_t ky = 0; ky < kernel; ky++) {
        const float *row = run->rows[ky];
        if (row == NULL) {
            continue;
        }
        UNROLL for (size_t kx = 0; kx < kernel; kx++)
        {
            w[kx] = v_load(run->weight + (ky * kernel + kx) * channels);
        }
        UNROLL for (size_t i = 0; i < (width - 1) * stride + kernel; i++)
        {
            if (run->first + i >= side) {
                continue;
            }
            vf in = v_load(row + (run->first + i) * channels);
            UNROLL for (size_t o = 0; o < width; o++)
            {
                if (o * stride <= i && i - o * stride < kernel) {
                    acc[o] = v_fma(in, w[i - o * stride], acc[o]);
                }
            }
        }
    }
    UNROLL for (size_t o = 0; o < width; o++)
    {
        v_store(run->y + o * channels,
                v_min(v_max(acc[o], v_set1(0.0f)), v_set1(6.0f)));
    }
}

#define RUN_CASE(kernel, stride, n)                                                    \
    case n:                                                                            \
        convolve_run(kernel, stride, n, run);                                          \
        break;

/* One function a shape, its runs of every width known to the compiler. */
#define DEFINE_CONVOLVE(kernel, stride)                                                \
    static void convolve_##kernel##_##stride(const struct run *run, size_t width)      \
    {                                                                                  \
        switch (width) {                                                               \
            RUN_CASE(kernel, stride, 1)                                                \
            RUN_CASE(kernel, stride, 2)                                                \
            RUN_CASE(kernel, stride, 3)                                                \
            RUN_CASE(kernel, stride, 4)                                                \
            RUN_CASE(kernel, stride, 5)                                                \
            RUN_CASE(kernel, stride, 6)                                                \
            RUN_CASE(kernel, stride, 7)                                                \
            RUN_CASE(kernel, stride, 8)                                                \
        }                                                                              \
    }

DEFINE_CONVOLVE(3, 1)
DEFINE_CONVOLVE(3, 2)
DEFINE_CONVOLVE(5, 1)
DEFINE_CONVOLVE(5, 2)

typedef void run_fn(const struct run *run, size_t width);

/* NULL for a shape that has no fast kernel. */
static run_fn *choose_run(const struct kn_depthwise *d)
{
    static run_fn *const by_shape[2][2] = {{convolve_3_1, convolve_3_2},
                                           {convolve_5_1, convolve_5_2}};
    if ((d->stencil.kernel != 3 && d->stencil.kernel != 5) || d->stencil.stride < 1 ||
        d->stencil.stride > 2 || d->channels < V_LANES) {
        return NULL;
    }
    return by_shape[d->stencil.kernel == 5][d->stencil.stride - 1];
}

/* One row of output, V_LANES channels of it; `run` is set but for what changes. */
static void convolve_row(run_fn *convolve, struct run *run, float *y)
{
    const struct kn_depthwise *d = run->d;
    size_t side = kn_stencil_out(&d->stencil);
    size_t n_runs = (side + RUN_MAX - 1) / RUN_MAX;
    for (size_t i = 0, x = 0, width; i < n_runs; i++, x += width) {
        width = side / n_runs + (i < side % n_runs);
        run->first = x * d->stencil.stride - kn_stencil_pad(&d->stencil);
        run->y = y + x * d->channels;
        convolve(run, width);
    }
}

FLATTEN void widen_rows_of(const enum wt_type type, const struct wt_matrix *w,
                           float *dst)
{
    for (size_t row = 0; row < w->n_rows; row++, dst += w->n_cols) {
        for (size_t done = 0; done < w->n_cols; done += V_LANES) {
            size_t col = min_size(done, w->n_cols - V_LANES);
            v_store(dst + col, widen(type, w, row, row * w->n_cols + col));
        }
    }
}

/* The weights as floats, [kernel, kernel, channels]: in place, or in the panel. */
static const float *widen_depthwise(const struct kn_depthwise *d, float *panel)
{
    switch (d->weight.type) {
    case WT_F16:
        widen_rows_of(WT_F16, &d->weight, panel);
        return panel;
    case WT_BF16:
        widen_rows_of(WT_BF16, &d->weight, panel);
        return panel;
    case WT_I8:
        widen_rows_of(WT_I8, &d->weight, panel);
        return panel;
    case WT_F32:
        break;
    }
    return d->weight.data;
}

static void depthwise(const struct kn_depthwise *d, const struct kn_strip *strip,
                      const float *window, float *y, float *panel)
{
    run_fn *convolve = choose_run(d);
    if (convolve == NULL) {
        kn_reference.depthwise(d, strip, window, y, panel);
        return;
    }
    const float *weight = widen_depthwise(d, panel);
    size_t pad = kn_stencil_pad(&d->stencil),
           row_floats = d->stencil.side * d->channels;
    for (size_t done = 0; done < d->channels; done += V_LANES) {
        /* The last vector reaches back over channels already done. */
        size_t c = min_size(done, d->channels - V_LANES);
        struct run run = {.d = d, .weight = weight + c, .bias = d->bias + c};
        for (size_t oy = strip->out_first; oy < strip->out_end; oy++) {
            for (size_t ky = 0; ky < d->stencil.kernel; ky++) {
                size_t iy = oy * d->stencil.stride + ky - pad; /* wraps above the map */
                run.rows[ky] = iy < d->stencil.side
                                   ? window + (iy - strip->in_first) * row_floats + c
                                   : NULL;
            }
            convolve_row(convolve, &run,
                         y +
                             (oy - strip->out_first) * kn_stencil_out(&d->stencil) *
                                 d->channels +
                             c);
        }
    }
}

#endif
