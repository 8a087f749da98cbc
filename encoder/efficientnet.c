/*
 * efficientnet.c - see efficientnet.h.
 *
 * What a depthwise convolution of an early block reads is far larger than a core's
 * cache (6.5 MB at 130 x 130 x 96). So a block runs in strips: some rows are made in a
 * window, by the stem or by the block's expansion, and are convolved and projected
 * before the next ones are touched; the few rows that two strips share stay in the
 * window. Blocks with small maps are one strip.
 */
#include "encoder/efficientnet.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/kernels.h"
#include "encoder/weights_table.h"

enum {
    COLOURS = 3,
    STEM_KERNEL = 3,
    STEM_ROWS = 4, /* of its output, made at a time */
    PATCH_FLOATS = STEM_KERNEL * STEM_KERNEL * COLOURS,
    STRIP_FLOATS = 192 * 1024 /* of a window: 768 KiB, to stay in the L2 of a core */
};

/* What the depthwise convolution of a block reads. */
enum source {
    SOURCE_STEM,   /* rows that the stem makes of pixels: the first block */
    SOURCE_EXPAND, /* rows that the block's expansion makes of its input */
    SOURCE_MAP     /* the input itself */
};

struct block {
    struct kn_linear expand, project;
    struct kn_depthwise depthwise;
    enum source source;
    size_t in, out;    /* channels */
    size_t strip_rows; /* rows of output made at a time */
};

struct efficientnet {
    struct efficientnet_config config;
    struct wt_file *file;
    struct kn_stencil stem_stencil;
    struct kn_linear stem; /* over patches of pixels */
    struct kn_linear top;
    struct block *blocks;         /* [config.n_blocks] */
    size_t top_in, top_positions; /* channels and area of the last block's map */
    size_t map_floats, window_floats, middle_floats; /* the most any step needs */
};

/* The weights. */

enum { STEM, PATCH, IN, MID, OUT, KERNEL, KERNEL_ROW, TOP_IN, TOP, N_SIZES };

static const struct wt_param tower_params[] = {
    WT_LAYER("stem", struct efficientnet, stem, STEM, PATCH),
    WT_LAYER("top", struct efficientnet, top, TOP, TOP_IN),
};

static const struct wt_param expand_params[] = {
    WT_LAYER("blocks.#.expand", struct block, expand, MID, IN),
};

static const struct wt_param block_params[] = {
    WT_PARAM_MATRIX("blocks.#.depthwise.weight", struct block, depthwise.weight, KERNEL,
                    KERNEL_ROW),
    WT_PARAM_VECTOR("blocks.#.depthwise.bias", struct block, depthwise.bias, MID),
    WT_LAYER("blocks.#.project", struct block, project, OUT, MID),
};

static enum err load_block(struct efficientnet *tower, size_t number)
{
    struct block *block = &tower->blocks[number];
    size_t kernel = block->depthwise.stencil.kernel, mid = block->depthwise.channels;
    const size_t sizes[N_SIZES] = {[IN] = block->in,
                                   [MID] = mid,
                                   [OUT] = block->out,
                                   [KERNEL] = kernel,
                                   [KERNEL_ROW] = kernel * mid};
    const struct wt_target target = {.base = block, .sizes = sizes, .number = number};
    if (block->source == SOURCE_EXPAND) {
        TRY(wt_load(tower->file, expand_params, WT_COUNT(expand_params), &target));
    }
    return wt_load(tower->file, block_params, WT_COUNT(block_params), &target);
}

static enum err load_weights(struct efficientnet *tower)
{
    const size_t sizes[N_SIZES] = {[STEM] = tower->config.stem,
                                   [PATCH] = PATCH_FLOATS,
                                   [TOP_IN] = tower->top_in,
                                   [TOP] = tower->config.features};
    const struct wt_target target = {.base = tower, .sizes = sizes};
    TRY(wt_load(tower->file, tower_params, WT_COUNT(tower_params), &target));
    for (size_t i = 0; i < tower->config.n_blocks; i++) {
        TRY(load_block(tower, i));
    }
    return ERR_OK;
}

/* The plan: shapes of all blocks, rows of a strip, sizes of the buffers. */

static enum err check_config(const struct efficientnet_config *c)
{
    FAIL_IF(c->size < 1 || c->size > EFFICIENTNET_SIZE_MAX, ERR_MODEL,
            "an image tower for pictures of %zu pixels a side", c->size);
    FAIL_IF(c->n_blocks < 1 || c->n_blocks > EFFICIENTNET_BLOCKS_MAX ||
                c->n_taps > EFFICIENTNET_BLOCKS_MAX,
            ERR_MODEL, "an image tower of %zu blocks and %zu taps", c->n_blocks,
            c->n_taps);
    FAIL_IF(c->stem < 1 || c->stem > KN_COLS_MAX || c->features < 1 ||
                c->features > KN_COLS_MAX,
            ERR_MODEL, "an image tower with %zu channels in and %zu out", c->stem,
            c->features);
    FAIL_IF(c->blocks[0].expand != 1, ERR_MODEL,
            "an image tower whose first block expands %zu times", c->blocks[0].expand);
    for (size_t i = 0; i < c->n_taps; i++) {
        FAIL_IF(c->taps[i] >= c->n_blocks, ERR_MODEL, "a tap of block %zu of %zu",
                c->taps[i], c->n_blocks);
    }
    return ERR_OK;
}

static enum err check_block(const struct efficientnet_block *b, size_t in)
{
    FAIL_IF(b->kernel % 2 == 0 || b->kernel > KN_KERNEL_MAX || b->stride < 1 ||
                b->stride > 2,
            ERR_MODEL, "a kernel of side %zu and stride %zu", b->kernel, b->stride);
    FAIL_IF(b->expand < 1 || b->expand > KN_COLS_MAX / in || b->out < 1 ||
                b->out > KN_COLS_MAX ||
                b->kernel * b->kernel * b->expand * in > KN_PANEL_FLOATS,
            ERR_MODEL, "a middle %zu times %zu channels wide, and %zu out", b->expand,
            in, b->out);
    return ERR_OK;
}

static void raise_to(size_t *most, size_t n)
{
    if (n > *most) {
        *most = n;
    }
}

/* The input rows that `rows` rows of output touch, at most. */
static size_t window_rows(const struct kn_stencil *s, size_t rows)
{
    size_t n = (rows - 1) * s->stride + s->kernel;
    return n < s->side ? n : s->side;
}

/* The most rows of output, at least one, whose window is within STRIP_FLOATS. */
static size_t choose_strip_rows(const struct kn_depthwise *d)
{
    size_t rows = kn_stencil_out(&d->stencil);
    size_t row_floats = d->stencil.side * d->channels;
    while (rows > 1 && window_rows(&d->stencil, rows) * row_floats > STRIP_FLOATS) {
        rows--;
    }
    return rows;
}

/* Plans block `i`, which gets a map of side x side x in. */
static enum err plan_block(struct efficientnet *tower, size_t i, size_t side, size_t in)
{
    const struct efficientnet_block *b = &tower->config.blocks[i];
    struct block *block = &tower->blocks[i];
    struct kn_depthwise *d = &block->depthwise;
    TRY(check_block(b, in));
    d->stencil = (struct kn_stencil){b->kernel, b->stride, side};
    d->channels = in * b->expand;
    block->in = in;
    block->out = b->out;
    block->source = i == 0 ? SOURCE_STEM : b->expand > 1 ? SOURCE_EXPAND : SOURCE_MAP;
    block->expand.activation = KN_RELU6;
    block->project.accumulate = b->stride == 1 && in == b->out;
    block->strip_rows = choose_strip_rows(d);

    size_t out_side = kn_stencil_out(&d->stencil);
    raise_to(&tower->map_floats, out_side * out_side * b->out);
    raise_to(&tower->window_floats,
             window_rows(&d->stencil, block->strip_rows) * side * d->channels);
    raise_to(&tower->middle_floats, block->strip_rows * out_side * d->channels);
    return ERR_OK;
}

static enum err plan(struct efficientnet *tower)
{
    const struct efficientnet_config *c = &tower->config;
    tower->stem_stencil = (struct kn_stencil){STEM_KERNEL, 2, c->size};
    tower->stem.activation = KN_RELU6;
    tower->top.activation = KN_RELU6;
    size_t side = kn_stencil_out(&tower->stem_stencil), in = c->stem;
    raise_to(&tower->middle_floats, STEM_ROWS * side * PATCH_FLOATS);
    for (size_t i = 0; i < c->n_blocks; i++) {
        TRY(plan_block(tower, i, side, in));
        side = kn_stencil_out(&tower->blocks[i].depthwise.stencil);
        in = tower->blocks[i].out;
    }
    tower->top_in = in;
    tower->top_positions = side * side;
    raise_to(&tower->middle_floats, tower->top_positions * c->features);
    return ERR_OK;
}

enum err efficientnet_open(struct efficientnet **out,
                           const struct efficientnet_config *config,
                           const char *weights_path)
{
    *out = NULL;
    enum err result = ERR_NOMEM;
    struct efficientnet *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    tower->config = *config;
    TRY_OUT(check_config(config));
    tower->blocks = alloc_zero(config->n_blocks, sizeof *tower->blocks);
    if (tower->blocks == NULL) {
        result = ERR_NOMEM;
        goto out;
    }
    TRY_OUT(plan(tower));
    TRY_OUT(wt_open(&tower->file, &weights_path, 1));
    TRY_OUT(load_weights(tower));
    *out = tower;
    return ERR_OK;
out:
    efficientnet_close(tower);
    return result;
}

void efficientnet_close(struct efficientnet *tower)
{
    if (tower == NULL) {
        return;
    }
    wt_close(tower->file);
    alloc_free(tower->blocks);
    alloc_free(tower);
}

/* The work on one picture. */

/* The picture and the memory of one call, cut from one allocation. */
struct work {
    const struct efficientnet *tower;
    const struct kn_ops *ops;
    const float *pixels; /* [size, size, COLOURS] */
    float *map;          /* what the last block made: [map_floats] */
    float *next;         /* what this one makes; the two change places */
    float *window;       /* rows to be convolved: [window_floats] */
    float *middle;       /* patches, convolved rows, top's map: [middle_floats] */
    float *panel;        /* [KN_PANEL_FLOATS] */
};

/* The pixels under the stem's kernel at one position, zeros past the picture's edge. */
static void copy_patch(const struct kn_stencil *s, const float *pixels,
                       const size_t at[2], float *patch)
{
    enum { ROW_FLOATS = STEM_KERNEL * COLOURS };
    size_t pad = kn_stencil_pad(s), x = at[1] * s->stride - pad;
    bool whole_rows = x < s->side && x + STEM_KERNEL <= s->side;
    for (size_t ky = 0; ky < STEM_KERNEL; ky++, patch += ROW_FLOATS) {
        /* Unsigned: what lies before the picture wraps round, past its end. */
        size_t y = at[0] * s->stride + ky - pad;
        const float *row = pixels + y * s->side * COLOURS;
        if (y < s->side && whole_rows) {
            memcpy(patch, row + x * COLOURS, ROW_FLOATS * sizeof *patch);
            continue;
        }
        memset(patch, 0, ROW_FLOATS * sizeof *patch);
        for (size_t kx = 0; y < s->side && kx < STEM_KERNEL; kx++) {
            if (x + kx < s->side) {
                memcpy(patch + kx * COLOURS, row + (x + kx) * COLOURS,
                       COLOURS * sizeof *patch);
            }
        }
    }
}

/* Rows [first, end) of a map. */
struct rows {
    size_t first, end;
};

/* A 3 x 3 convolution of all colours, as a linear layer over patches. */
static void run_stem(struct work *w, struct rows rows, float *dst)
{
    const struct efficientnet *tower = w->tower;
    size_t side = kn_stencil_out(&tower->stem_stencil);
    for (size_t y = rows.first, end; y < rows.end; y = end) {
        size_t first = y;
        end = y + STEM_ROWS < rows.end ? y + STEM_ROWS : rows.end;
        float *patch = w->middle;
        for (; y < end; y++) {
            for (size_t x = 0; x < side; x++, patch += PATCH_FLOATS) {
                copy_patch(&tower->stem_stencil, w->pixels, (const size_t[2]){y, x},
                           patch);
            }
        }
        w->ops->linear(&tower->stem, w->middle, (end - first) * side, dst, w->panel);
        dst += (end - first) * side * tower->config.stem;
    }
}

/* Makes rows of what the block's convolution reads, which is not the map. */
static void make_rows(struct work *w, const struct block *block, struct rows rows,
                      float *dst)
{
    size_t side = block->depthwise.stencil.side;
    if (block->source == SOURCE_STEM) {
        run_stem(w, rows, dst);
    } else {
        w->ops->linear(&block->expand, w->map + rows.first * side * block->in,
                       (rows.end - rows.first) * side, dst, w->panel);
    }
}

/* The rows that the strip's outputs read. */
static struct rows rows_under(const struct kn_stencil *s, const struct kn_strip *strip)
{
    size_t pad = kn_stencil_pad(s), top = strip->out_first * s->stride;
    size_t end = (strip->out_end - 1) * s->stride + s->kernel - pad;
    return (struct rows){top > pad ? top - pad : 0, end < s->side ? end : s->side};
}

/* Moves the window down to the strip and makes the rows that it did not hold yet.
 * Returns the first of its rows. */
static const float *move_window(struct work *w, const struct block *block,
                                struct rows *window, struct kn_strip *strip)
{
    const struct kn_stencil *s = &block->depthwise.stencil;
    struct rows rows = rows_under(s, strip);
    size_t row_floats = s->side * block->depthwise.channels;
    strip->in_first = rows.first;
    if (block->source == SOURCE_MAP) {
        return w->map + rows.first * row_floats;
    }
    size_t kept = window->end > rows.first ? window->end - rows.first : 0;
    if (kept > 0) {
        memmove(w->window, w->window + (rows.first - window->first) * row_floats,
                kept * row_floats * sizeof *w->window);
    }
    if (rows.first + kept < rows.end) { /* not so where padding ends the map */
        make_rows(w, block, (struct rows){rows.first + kept, rows.end},
                  w->window + kept * row_floats);
    }
    *window = rows;
    return w->window;
}

/* One strip of a block's output, into `out`; `rows` is the window. */
static void run_strip(struct work *w, const struct block *block,
                      const struct kn_strip *strip, const float *rows, float *out)
{
    size_t out_side = kn_stencil_out(&block->depthwise.stencil);
    size_t n = (strip->out_end - strip->out_first) * out_side;
    out += strip->out_first * out_side * block->out;
    if (block->project.accumulate && block->source != SOURCE_EXPAND) {
        memcpy(out, rows + (strip->out_first - strip->in_first) * out_side * block->out,
               n * block->out * sizeof *out);
    }
    w->ops->depthwise(&block->depthwise, strip, rows, w->middle, w->panel);
    w->ops->linear(&block->project, w->middle, n, out, w->panel);
}

/* Replaces the map by the block's output. A residual block with an expansion adds to
 * its input in place: the rows that a strip expands lie behind all that earlier strips
 * wrote.
 */
static void run_block(struct work *w, const struct block *block)
{
    bool in_place = block->project.accumulate && block->source == SOURCE_EXPAND;
    float *out = in_place ? w->map : w->next;
    size_t out_side = kn_stencil_out(&block->depthwise.stencil);
    struct rows window = {0, 0};
    struct kn_strip strip = {0, 0, 0};
    for (; strip.out_first < out_side; strip.out_first = strip.out_end) {
        strip.out_end = strip.out_first + block->strip_rows;
        strip.out_end = strip.out_end < out_side ? strip.out_end : out_side;
        const float *rows = move_window(w, block, &window, &strip);
        run_strip(w, block, &strip, rows, out);
    }
    if (!in_place) {
        w->next = w->map;
        w->map = out;
    }
}

/* The means of block `i`'s output, to wherever it is tapped. */
static void take_taps(const struct work *w, size_t i, float *features)
{
    const struct efficientnet_config *c = &w->tower->config;
    const struct block *block = &w->tower->blocks[i];
    size_t side = kn_stencil_out(&block->depthwise.stencil);
    features += c->features;
    for (size_t t = 0; t < c->n_taps; t++) {
        if (c->taps[t] == i) {
            w->ops->mean(w->map, side * side, block->out, features);
        }
        features += c->blocks[c->taps[t]].out;
    }
}

static void run_tower(struct work *w, float *features)
{
    const struct efficientnet *tower = w->tower;
    for (size_t i = 0; i < tower->config.n_blocks; i++) {
        run_block(w, &tower->blocks[i]);
        take_taps(w, i, features);
    }
    w->ops->linear(&tower->top, w->map, tower->top_positions, w->middle, w->panel);
    w->ops->mean(w->middle, tower->top_positions, tower->config.features, features);
}

size_t efficientnet_width(const struct efficientnet_config *config)
{
    size_t width = config->features;
    for (size_t t = 0; t < config->n_taps; t++) {
        width += config->blocks[config->taps[t]].out;
    }
    return width;
}

enum err efficientnet_features(const struct efficientnet *tower, const float *pixels,
                               size_t n, float *features)
{
    size_t total = 2 * tower->map_floats + tower->window_floats + tower->middle_floats +
                   KN_PANEL_FLOATS;
    float *memory = alloc_aligned(total * sizeof *memory);
    if (memory == NULL) {
        return ERR_NOMEM;
    }
    struct work w = {
        .tower = tower, .ops = kn_ops(), .pixels = pixels, .panel = memory};
    w.map = w.panel + KN_PANEL_FLOATS;
    w.next = w.map + tower->map_floats;
    w.window = w.next + tower->map_floats;
    w.middle = w.window + tower->window_floats;
    for (size_t i = 0; i < n; i++) {
        run_tower(&w, features);
        w.pixels += tower->config.size * tower->config.size * COLOURS;
        features += efficientnet_width(&tower->config);
    }
    alloc_free(memory);
    return ERR_OK;
}
