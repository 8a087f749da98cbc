/*
 * kernels_simd_linear.h - linear layers, after Goto & van de Geijn 2008.
 *
 * The weights are cut into panels of TILE_COLS outputs. A panel is widened to float and
 * laid out [n_in][TILE_COLS], so that the inner loop reads it in order; then all rows
 * of x pass by. A tile of TILE_ROWS x TILE_COLS sums stays in registers over the whole
 * of n_in. (Cutting n_in into chunks of a panel that stay in L1 was tried and gained
 * nothing: L2 feeds this loop well.)
 */
#ifndef ENCODER_KERNELS_SIMD_LINEAR_H
#define ENCODER_KERNELS_SIMD_LINEAR_H

#include "encoder/kernels_simd.h"

enum { TILE_COLS = TILE_VECTORS * V_LANES, CACHE_LINE = 64 };

_Static_assert(TILE_ROWS <= 14 && TILE_VECTORS == 2,
               "multiply_tile has a case for all");

/* Panels. */

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
            size_t from = min_size(row + r, w->n_rows - 1);
            block[r] = widen(type, w, from, from * w->n_cols + col);
        }
        v_transpose(block);
        UNROLL for (size_t c = 0; c < V_LANES; c++)
        {
            v_store(dst + (col + c) * stride, block[c]);
        }
    }
}

/* The same of a transposed matrix, which is stored as the panel wants it. */
FLATTEN void pack_columns_of(const enum wt_type type, const struct wt_matrix *w,
                             size_t row, size_t stride, float *dst)
{
    for (size_t col = 0; col < w->n_cols; col++) {
        v_store(dst + col * stride, widen(type, w, row, col * w->n_rows + row));
    }
}

static void pack_columns(const struct wt_matrix *w, size_t row, size_t stride,
                         float *dst)
{
    if (row + V_LANES > w->n_rows) { /* the last few: number by number */
        for (size_t r = 0; r < V_LANES; r++) {
            for (size_t col = 0; col < w->n_cols; col++) {
                wt_row(w, min_size(row + r, w->n_rows - 1), col, 1,
                       dst + col * stride + r);
            }
        }
    } else if (w->type == WT_F32) {
        pack_columns_of(WT_F32, w, row, stride, dst);
    } else if (w->type == WT_F16) {
        pack_columns_of(WT_F16, w, row, stride, dst);
    } else { /* int8 is never stored transposed */
        pack_columns_of(WT_BF16, w, row, stride, dst);
    }
}

static void pack_rows(const struct wt_matrix *w, size_t row, size_t stride, float *dst)
{
    if (w->transposed) {
        pack_columns(w, row, stride, dst);
        return;
    }
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

/* Tiles. */

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

/* Layers. */

static inline size_t item_size(enum wt_type type)
{
    return type == WT_F32 ? 4 : type == WT_I8 ? 1 : 2;
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

FLATTEN vf activate(const enum kn_activation activation, vf x)
{
    return activation == KN_GELU        ? v_gelu(x)
           : activation == KN_GELU_TANH ? v_gelu_tanh(x)
                                        : v_quick_gelu(x);
}

/* The GELUs are too long to be unrolled into every tile. */
FLATTEN void activate_panel_by(const enum kn_activation activation,
                               const struct product *p, size_t col)
{
    size_t n_out = p->layer->weight.n_rows, end = min_size(col + TILE_COLS, n_out);
    for (size_t r = 0; r < p->n; r++) {
        for (size_t i = col; i < end; i += V_LANES) {
            float *y = p->y + r * n_out + i;
            size_t lanes = min_size(end - i, V_LANES);
            v_store_n(y, activate(activation, v_load_n(y, lanes)), lanes);
        }
    }
}

static void activate_panel(const struct product *p, size_t col)
{
    switch (p->layer->activation) {
    case KN_GELU:
        activate_panel_by(KN_GELU, p, col);
        break;
    case KN_GELU_TANH:
        activate_panel_by(KN_GELU_TANH, p, col);
        break;
    case KN_QUICK_GELU:
        activate_panel_by(KN_QUICK_GELU, p, col);
        break;
    case KN_NONE:
    case KN_RELU6: /* done as the tiles were stored */
    case KN_N_ACTIVATIONS:
        break;
    }
}

static void linear(const struct kn_linear *layer, const float *x, size_t n, float *y,
                   float *panel)
{
    const struct product p = {layer, x, n, y};
    for (size_t col = 0; col < layer->weight.n_rows; col += TILE_COLS) {
        pack_panel(&layer->weight, col, panel);
        multiply_panel(&p, col, panel);
        activate_panel(&p, col);
    }
}

#endif
