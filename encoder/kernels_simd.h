/*
 * kernels_simd.h - the vector kernels, written once for any width of vector.
 *
 * kernels_avx2.c and kernels_avx512.c each define a vector `vf` of V_LANES floats with
 * its few operations (v_load, v_fma, v_transpose, ...) and the shape of their register
 * tile (TILE_ROWS x TILE_VECTORS), then include this. All in it is static: each of them
 * gets a copy of its own, compiled for its instructions.
 *
 * Linear layers, after Goto & van de Geijn 2008. The weights are cut into panels of
 * TILE_COLS outputs; a panel is widened to float and laid out [n_in][TILE_COLS], so
 * that the inner loop reads it in order; then all rows of x pass by. A tile of
 * TILE_ROWS x TILE_COLS sums stays in registers over the whole of n_in. (Cutting n_in
 * into chunks of a panel that stay in L1 was tried and gained nothing: L2 feeds this
 * loop well.)
 *
 * Depthwise layers go channels first (one vector of them), then down and along the map:
 * the rows that neighbouring outputs share are still in L1. A tile is up to
 * DEPTHWISE_TILE outputs of one row; each input vector is loaded once and used for
 * every output it touches.
 *
 * The constant arguments of the functions marked FLATTEN are known at every call; the
 * compiler unrolls their loops and keeps their arrays in registers. That is what makes
 * them fast, and why their calls are spelled out in a switch.
 */
#ifndef ENCODER_KERNELS_SIMD_H
#define ENCODER_KERNELS_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "encoder/kernels.h"

enum { TILE_COLS = TILE_VECTORS * V_LANES, DEPTHWISE_TILE = 8, CACHE_LINE = 64 };

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Elementary functions. */

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

/* Panels. */

static inline size_t item_size(enum wt_type type)
{
    return type == WT_F32 ? 4 : type == WT_I8 ? 1 : 2;
}

/* V_LANES weights of row `row` from column `col` on. */
FLATTEN vf widen(const enum wt_type type, const struct wt_matrix *w, size_t row,
                 size_t col)
{
    size_t at = row * w->n_cols + col;
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

/* Widens V_LANES rows of weights from `row` on into columns of the panel: dst[i][0 ..
 * V_LANES) = w[row ..][i], the rows of dst `stride` apart. Rows past the last repeat
 * it: their products are never stored. At least V_LANES columns; the last block reaches
 * back over columns already done. */
FLATTEN void pack_rows_of(const enum wt_type type, const struct wt_matrix *w,
                          size_t row, size_t stride, float *dst)
{
    for (size_t done = 0; done < w->n_cols; done += V_LANES) {
        size_t col = min_size(done, w->n_cols - V_LANES);
        vf block[V_LANES];
        UNROLL for (size_t r = 0; r < V_LANES; r++)
        {
            block[r] = widen(type, w, min_size(row + r, w->n_rows - 1), col);
        }
        v_transpose(block);
        UNROLL for (size_t c = 0; c < V_LANES; c++)
        {
            v_store(dst + (col + c) * stride, block[c]);
        }
    }
}

static void pack_rows(const struct wt_matrix *w, size_t row, size_t stride, float *dst)
{
    if (w->n_cols < V_LANES) {
        for (size_t r = 0; r < V_LANES; r++) {
            float narrow[V_LANES];
            wt_row(w, min_size(row + r, w->n_rows - 1), 0, w->n_cols, narrow);
            for (size_t c = 0; c < w->n_cols; c++) {
                dst[c * stride + r] = narrow[c];
            }
        }
        return;
    }
    switch (w->type) {
    case WT_F32:
        pack_rows_of(WT_F32, w, row, stride, dst);
        break;
    case WT_F16:
        pack_rows_of(WT_F16, w, row, stride, dst);
        break;
    case WT_BF16:
        pack_rows_of(WT_BF16, w, row, stride, dst);
        break;
    case WT_I8:
        pack_rows_of(WT_I8, w, row, stride, dst);
        break;
    }
}

/* How many vectors wide the panel of outputs is that begins at `col`. */
static inline size_t panel_vectors(const struct wt_matrix *w, size_t col)
{
    return min_size(TILE_VECTORS, (w->n_rows - col + V_LANES - 1) / V_LANES);
}

static void pack_panel(const struct wt_matrix *w, size_t col, float *panel)
{
    size_t vectors = panel_vectors(w, col);
    for (size_t v = 0; v < vectors; v++) {
        pack_rows(w, col + v * V_LANES, vectors * V_LANES, panel + v * V_LANES);
    }
}

/* Linear layers. */

/* One tile of outputs. */
struct tile {
    const struct kn_linear *layer;
    const float *x;     /* the first row of inputs */
    const float *panel; /* [n_in, vectors * V_LANES] */
    float *y;           /* the first row's first output of the tile */
    size_t col;         /* which output of the layer that is */
};

/* Vector `v` of a tile has fewer outputs than lanes where the layer ends. */
static inline size_t tile_lanes(const struct tile *t, size_t v)
{
    return min_size(t->layer->weight.n_rows - t->col - v * V_LANES, V_LANES);
}

/* The sums begin with the bias and the residual. */
FLATTEN void load_tile(const size_t rows, const size_t vectors, const struct tile *t,
                       vf acc[TILE_ROWS][TILE_VECTORS])
{
    const struct kn_linear *layer = t->layer;
    UNROLL for (size_t v = 0; v < vectors; v++)
    {
        size_t lanes = tile_lanes(t, v), at = v * V_LANES;
        vf bias = layer->bias != NULL ? v_load_n(layer->bias + t->col + at, lanes)
                                      : v_set1(0.0f);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            acc[r][v] = bias;
            if (layer->accumulate) {
                const float *y = t->y + r * layer->weight.n_rows + at;
                acc[r][v] = v_add(bias, v_load_n(y, lanes));
            }
        }
    }
}

FLATTEN void store_tile(const size_t rows, const size_t vectors, const struct tile *t,
                        vf acc[TILE_ROWS][TILE_VECTORS])
{
    const struct kn_linear *layer = t->layer;
    UNROLL for (size_t v = 0; v < vectors; v++)
    {
        size_t lanes = tile_lanes(t, v);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            vf sum = acc[r][v];
            if (layer->activation == KN_RELU6) {
                sum = v_min(v_max(sum, v_set1(0.0f)), v_set1(6.0f));
            }
            v_store_n(t->y + r * layer->weight.n_rows + v * V_LANES, sum, lanes);
        }
    }
}

FLATTEN void run_tile(const size_t rows, const size_t vectors, const struct tile *t)
{
    vf acc[TILE_ROWS][TILE_VECTORS];
    load_tile(rows, vectors, t, acc);
    size_t n_in = t->layer->weight.n_cols;
    const float *x = t->x, *panel = t->panel;
    for (size_t i = 0; i < n_in; i++, panel += vectors * V_LANES) {
        vf w[TILE_VECTORS];
        UNROLL for (size_t v = 0; v < vectors; v++)
        {
            w[v] = v_load(panel + v * V_LANES);
        }
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            vf a = v_set1(x[r * n_in + i]);
            UNROLL for (size_t v = 0; v < vectors; v++)
            {
                acc[r][v] = v_fma(a, w[v], acc[r][v]);
            }
        }
    }
    store_tile(rows, vectors, t, acc);
}

/* One line of the switch: a tile of `r` rows, its numbers known to the compiler. */
#define TILE_CASE(r)                                                                   \
    case r:                                                                            \
        if ((r) <= TILE_ROWS && vectors == TILE_VECTORS) {                             \
            run_tile((r) <= TILE_ROWS ? (r) : 1, TILE_VECTORS, t);                     \
        } else if ((r) <= TILE_ROWS) {                                                 \
            run_tile((r) <= TILE_ROWS ? (r) : 1, 1, t);                                \
        }                                                                              \
        break;

static void multiply_tile(size_t rows, size_t vectors, const struct tile *t)
{
    switch (rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
        TILE_CASE(13)
        TILE_CASE(14)
    }
}

/* Memory to be brought into L2 little by little. */
struct prefetch {
    const char *at;
    size_t lines; /* at each step */
};

static inline void prefetch_step(struct prefetch *p)
{
    for (size_t i = 0; i < p->lines; i++, p->at += CACHE_LINE) {
        __builtin_prefetch(p->at, 0, 2);
    }
}

/* What a panel is multiplied with, and where the result goes. */
struct product {
    const struct kn_linear *layer;
    const float *x; /* [n, n_in] */
    size_t n;
    float *y; /* [n, n_out] */
};

/* Packing would wait for weights from memory longer than all its work takes. So while
 * one panel is multiplied, the bytes of the next are fetched; behind the last, what
 * follows in the file, which most often is the next layer. (Fetching past the end of a
 * mapping is harmless: it never faults.) */
static struct prefetch plan_prefetch(const struct wt_matrix *w, size_t col,
                                     size_t n_steps)
{
    size_t row_bytes = w->n_cols * item_size(w->type);
    size_t lines = TILE_COLS * row_bytes / CACHE_LINE;
    return (struct prefetch){(const char *)w->data + (col + TILE_COLS) * row_bytes,
                             (lines + n_steps - 1) / n_steps};
}

/* The outputs of the packed panel that begins at column `col`. The rows are split
 * evenly: two tiles of 9 are faster than one of 14 and one of 4. */
static void multiply_panel(const struct product *p, size_t col, const float *panel)
{
    const struct wt_matrix *w = &p->layer->weight;
    size_t n_tiles = (p->n + TILE_ROWS - 1) / TILE_ROWS;
    struct tile t = {.layer = p->layer, .panel = panel, .col = col};
    struct prefetch next = plan_prefetch(w, col, n_tiles);
    for (size_t i = 0, row = 0, rows; i < n_tiles; i++, row += rows) {
        rows = p->n / n_tiles + (i < p->n % n_tiles);
        t.x = p->x + row * w->n_cols;
        t.y = p->y + row * w->n_rows + col;
        prefetch_step(&next);
        multiply_tile(rows, panel_vectors(w, col), &t);
    }
}

/* GELU is too long to be unrolled into every tile. */
static void gelu_panel(const struct product *p, size_t col)
{
    size_t n_out = p->layer->weight.n_rows, end = min_size(col + TILE_COLS, n_out);
    for (size_t r = 0; r < p->n; r++) {
        for (size_t i = col; i < end; i += V_LANES) {
            float *y = p->y + r * n_out + i;
            size_t lanes = min_size(end - i, V_LANES);
            v_store_n(y, v_gelu(v_load_n(y, lanes)), lanes);
        }
    }
}

static void linear(const struct kn_linear *layer, const float *x, size_t n, float *y,
                   float *panel)
{
    const struct product p = {layer, x, n, y};
    for (size_t col = 0; col < layer->weight.n_rows; col += TILE_COLS) {
        pack_panel(&layer->weight, col, panel);
        multiply_panel(&p, col, panel);
        if (layer->activation == KN_GELU) {
            gelu_panel(&p, col);
        }
    }
}

/* Depthwise layers. */

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
    vf acc[DEPTHWISE_TILE], w[KN_KERNEL_MAX];
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

#define RUN_CASES(kernel, stride)                                                      \
    switch (width) {                                                                   \
    case 1:                                                                            \
        convolve_run(kernel, stride, 1, run);                                          \
        break;                                                                         \
    case 2:                                                                            \
        convolve_run(kernel, stride, 2, run);                                          \
        break;                                                                         \
    case 3:                                                                            \
        convolve_run(kernel, stride, 3, run);                                          \
        break;                                                                         \
    case 4:                                                                            \
        convolve_run(kernel, stride, 4, run);                                          \
        break;                                                                         \
    case 5:                                                                            \
        convolve_run(kernel, stride, 5, run);                                          \
        break;                                                                         \
    case 6:                                                                            \
        convolve_run(kernel, stride, 6, run);                                          \
        break;                                                                         \
    case 7:                                                                            \
        convolve_run(kernel, stride, 7, run);                                          \
        break;                                                                         \
    case 8:                                                                            \
        convolve_run(kernel, stride, 8, run);                                          \
        break;                                                                         \
    }

typedef void run_fn(const struct run *run, size_t width);

static void convolve_3_1(const struct run *run, size_t width)
{
    RUN_CASES(3, 1)
}

static void convolve_3_2(const struct run *run, size_t width)
{
    RUN_CASES(3, 2)
}

static void convolve_5_1(const struct run *run, size_t width)
{
    RUN_CASES(5, 1)
}

static void convolve_5_2(const struct run *run, size_t width)
{
    RUN_CASES(5, 2)
}

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
    size_t n_runs = (side + DEPTHWISE_TILE - 1) / DEPTHWISE_TILE;
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
            v_store(dst + col, widen(type, w, row, col));
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

/* out[first ..] of one token: scores times the head's columns of v, `lanes` of them. */
static inline void mix_values(const struct kn_attention *a, const float *scores,
                              const float *v, float *out, size_t lanes)
{
    vf sum = v_set1(0.0f);
    for (size_t j = 0; j < a->n; j++) {
        sum = v_fma(v_set1(scores[j]), v_load_n(v + j * a->width, lanes), sum);
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
    for (size_t i = 0; i < a->n; i++) {
        const float *q = qkv[0] + i * a->width;
        for (size_t j = 0; j < stride; j += V_LANES) {
            vf sum = v_set1(0.0f);
            for (size_t c = 0; c < head_width; c++) {
                sum = v_fma(v_set1(q[c]), v_load(keys + c * stride + j), sum);
            }
            v_store(scores + j, sum);
        }
        softmax(scores, a->n);
        for (size_t c = 0; c < head_width; c += V_LANES) {
            mix_values(a, scores, qkv[2] + c, out + i * a->width + c,
                       min_size(head_width - c, V_LANES));
        }
    }
}

static void attention(const struct kn_attention *a, const float *qkv, float *out,
                      float *panel)
{
    size_t part = a->n * a->width;
    for (size_t first = 0; first < a->width; first += a->width / a->heads) {
        const float *const head[3] = {qkv + first, qkv + part + first,
                                      qkv + 2 * part + first};
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
