/*
 * bert.c - see bert.h.
 *
 * Matrices are kept as they are stored (int8 with a scale a row, or float) and widened
 * by the kernels; of the embeddings, only the rows of the text's tokens are ever read.
 */
#include "encoder/bert.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/kernels.h"
#include "encoder/tower.h"
#include "encoder/weights_table.h"

_Static_assert(LIMIT_TEXT_TOKENS <= KN_TOKENS_MAX, "attention takes every text");
_Static_assert((int)BERT_WIDTH_MAX <= (int)KN_COLS_MAX, "a panel takes every layer");

struct layer {
    struct kn_linear query, key, value, attended;
    struct kn_layer_norm attention_norm;
    struct kn_linear intermediate, output;
    struct kn_layer_norm output_norm;
};

struct bert {
    struct bert_config config;
    struct wt_file *file;
    struct wt_matrix words, positions, types;
    struct kn_layer_norm embedding_norm;
    struct layer *layers;        /* [config.layers] */
    struct kn_linear projection; /* where config.dim is not 0 */
};

/* The weights. */

enum { HIDDEN, ATTENTION, INTERMEDIATE, VOCAB, POSITIONS, TYPES, DIM, N_SIZES };

/* Sentence A and sentence B; a lone text is all A. */
enum { N_TYPES = 2, TYPE_A = 0 };

static const struct wt_param embedding_params[] = {
    WT_PARAM_MATRIX("embeddings.word_embeddings.weight", struct bert, words, VOCAB,
                    HIDDEN),
    WT_PARAM_MATRIX("embeddings.position_embeddings.weight", struct bert, positions,
                    POSITIONS, HIDDEN),
    WT_PARAM_MATRIX("embeddings.token_type_embeddings.weight", struct bert, types,
                    TYPES, HIDDEN),
    WT_NORM("embeddings.LayerNorm", struct bert, embedding_norm, HIDDEN),
};

static const struct wt_param layer_params[] = {
    WT_LAYER("encoder.layer.#.attention.self.query", struct layer, query, ATTENTION,
             HIDDEN),
    WT_LAYER("encoder.layer.#.attention.self.key", struct layer, key, ATTENTION,
             HIDDEN),
    WT_LAYER("encoder.layer.#.attention.self.value", struct layer, value, ATTENTION,
             HIDDEN),
    WT_LAYER("encoder.layer.#.attention.output.dense", struct layer, attended, HIDDEN,
             ATTENTION),
    WT_NORM("encoder.layer.#.attention.output.LayerNorm", struct layer, attention_norm,
            HIDDEN),
    WT_LAYER("encoder.layer.#.intermediate.dense", struct layer, intermediate,
             INTERMEDIATE, HIDDEN),
    WT_LAYER("encoder.layer.#.output.dense", struct layer, output, HIDDEN,
             INTERMEDIATE),
    WT_NORM("encoder.layer.#.output.LayerNorm", struct layer, output_norm, HIDDEN),
};

/* Beside BERT, so without its prefix. */
static const struct wt_param projection_params[] = {
    WT_PARAM_MATRIX("text_projection.weight", struct bert, projection.weight, DIM,
                    HIDDEN),
};

static size_t attention_width(const struct bert_config *c)
{
    return c->attention != 0 ? c->attention : c->hidden;
}

static void fill_sizes(const struct bert_config *c, size_t sizes[N_SIZES])
{
    sizes[HIDDEN] = c->hidden;
    sizes[ATTENTION] = attention_width(c);
    sizes[INTERMEDIATE] = c->intermediate;
    sizes[VOCAB] = c->vocab;
    sizes[POSITIONS] = c->max_tokens;
    sizes[TYPES] = N_TYPES;
    sizes[DIM] = c->dim;
}

static enum err load_weights(struct bert *tower)
{
    const struct bert_config *c = &tower->config;
    size_t sizes[N_SIZES];
    fill_sizes(c, sizes);
    struct wt_target target = {.base = tower, .sizes = sizes, .prefix = c->prefix};
    TRY(wt_load(tower->file, embedding_params, WT_COUNT(embedding_params), &target));
    for (size_t i = 0; i < c->layers; i++) {
        target.base = &tower->layers[i];
        target.number = i;
        TRY(wt_load(tower->file, layer_params, WT_COUNT(layer_params), &target));
    }
    target = (struct wt_target){.base = tower, .sizes = sizes};
    return c->dim > 0 ? wt_load(tower->file, projection_params,
                                WT_COUNT(projection_params), &target)
                      : ERR_OK;
}

enum err bert_mark(const struct bert_config *config, struct wt_file *file,
                   uint64_t *mark)
{
    size_t sizes[N_SIZES];
    fill_sizes(config, sizes);
    struct wt_target target = {.sizes = sizes, .prefix = config->prefix};
    TRY(wt_mark(file, embedding_params, WT_COUNT(embedding_params), &target, mark));
    for (size_t i = 0; i < config->layers; i++) {
        target.number = i;
        TRY(wt_mark(file, layer_params, WT_COUNT(layer_params), &target, mark));
    }
    target.prefix = NULL;
    return config->dim > 0 ? wt_mark(file, projection_params,
                                     WT_COUNT(projection_params), &target, mark)
                           : ERR_OK;
}

static enum err check_config(const struct bert_config *c)
{
    FAIL_IF(c->layers < 1 || c->layers > BERT_LAYERS_MAX, ERR_MODEL,
            "a text tower of %zu layers", c->layers);
    FAIL_IF(c->hidden < 1 || c->hidden > BERT_WIDTH_MAX || c->intermediate < 1 ||
                c->intermediate > BERT_WIDTH_MAX,
            ERR_MODEL, "a text tower %zu and %zu wide", c->hidden, c->intermediate);
    FAIL_IF(c->max_tokens < 1 || c->max_tokens > LIMIT_TEXT_TOKENS, ERR_MODEL,
            "a text tower for %zu tokens", c->max_tokens);
    FAIL_IF(c->attention > c->hidden, ERR_MODEL,
            "attention %zu wide over a width of %zu", c->attention, c->hidden);
    return tower_check_heads(attention_width(c), c->heads);
}

size_t bert_width(const struct bert_config *config)
{
    return config->dim > 0 ? config->dim : config->hidden;
}

static struct kn_layer_norm norm_of(const struct bert_config *c)
{
    return (struct kn_layer_norm){.width = c->hidden, .epsilon = c->layer_norm_eps};
}

/* What the config alone says of the layers: the table then adds the weights. */
static enum err plan(struct bert *tower)
{
    const struct bert_config *c = &tower->config;
    tower->layers = alloc_zero(c->layers, sizeof *tower->layers);
    if (tower->layers == NULL) {
        return ERR_NOMEM;
    }
    tower->embedding_norm = norm_of(c);
    for (size_t i = 0; i < c->layers; i++) {
        struct layer *layer = &tower->layers[i];
        layer->attention_norm = norm_of(c);
        layer->output_norm = norm_of(c);
        layer->attended.accumulate = true;
        layer->intermediate.activation = KN_GELU;
        layer->output.accumulate = true;
    }
    return ERR_OK;
}

enum err bert_open(struct bert **out, const struct bert_config *config,
                   const char *const *paths, size_t n_paths)
{
    *out = NULL;
    TRY(check_config(config));
    struct bert *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    tower->config = *config;
    TRY_OUT(plan(tower));
    TRY_OUT(wt_open(&tower->file, paths, n_paths));
    TRY_OUT(load_weights(tower));
    *out = tower;
    return ERR_OK;
out:
    bert_close(tower);
    return result;
}

void bert_close(struct bert *tower)
{
    if (tower == NULL) {
        return;
    }
    wt_close(tower->file);
    alloc_free(tower->layers);
    alloc_free(tower);
}

/* The work on a batch: the rows of all texts are one matrix to whatever looks at a row
 * by itself, so that weights are widened once for all of them; attention and the mean
 * go text by text. */

/* The memory of one call, cut from one allocation. */
struct work {
    const struct bert *tower;
    const struct kn_ops *ops;
    const size_t *lengths; /* [n_texts] */
    size_t n_texts;
    size_t n;      /* tokens of all texts */
    float *x;      /* [n, hidden]: what the layers pass on */
    float *qkv;    /* [3, n, hidden] */
    float *middle; /* [n, hidden] attended, or [n, intermediate] */
    float *panel;  /* [KN_PANEL_FLOATS] */
};

/* One text's rows: x[length, hidden]. */
static void embed_text(struct work *w, const int32_t *ids, size_t length, float *x)
{
    const struct bert *tower = w->tower;
    size_t width = tower->config.hidden;
    float *part = w->middle;
    for (size_t i = 0; i < length; i++, x += width) {
        wt_row(&tower->words, (size_t)ids[i], 0, width, x);
        wt_row(&tower->positions, i, 0, width, part);
        for (size_t c = 0; c < width; c++) {
            x[c] += part[c];
        }
        wt_row(&tower->types, TYPE_A, 0, width, part);
        for (size_t c = 0; c < width; c++) {
            x[c] += part[c];
        }
    }
}

static void embed(struct work *w, const int32_t *ids)
{
    for (size_t i = 0, row = 0; i < w->n_texts; row += w->lengths[i++]) {
        embed_text(w, ids + row, w->lengths[i], w->x + row * w->tower->config.hidden);
    }
    w->ops->layer_norm(&w->tower->embedding_norm, w->x, w->n);
}

static void attend(struct work *w, const float *const qkv[3])
{
    const struct bert_config *c = &w->tower->config;
    size_t width = attention_width(c);
    for (size_t i = 0, at = 0; i < w->n_texts; at += w->lengths[i++] * width) {
        const struct kn_attention attention = {
            .n = w->lengths[i], .width = width, .heads = c->heads};
        const float *const text[3] = {qkv[0] + at, qkv[1] + at, qkv[2] + at};
        w->ops->attention(&attention, text, w->middle + at, w->panel);
    }
}

static void run_layer(struct work *w, const struct layer *layer)
{
    const struct kn_ops *ops = w->ops;
    size_t n = w->n, part = n * w->tower->config.hidden;
    float *q = w->qkv, *k = q + part, *v = k + part;
    const float *const qkv[3] = {q, k, v};
    ops->linear(&layer->query, w->x, n, q, w->panel);
    ops->linear(&layer->key, w->x, n, k, w->panel);
    ops->linear(&layer->value, w->x, n, v, w->panel);
    attend(w, qkv);
    ops->linear(&layer->attended, w->middle, n, w->x, w->panel);
    ops->layer_norm(&layer->attention_norm, w->x, n);
    ops->linear(&layer->intermediate, w->x, n, w->middle, w->panel);
    ops->linear(&layer->output, w->middle, n, w->x, w->panel);
    ops->layer_norm(&layer->output_norm, w->x, n);
}

/* One row a text, into pooled[n_texts, hidden]. */
static void pool(struct work *w, float *pooled)
{
    size_t width = w->tower->config.hidden;
    const float *x = w->x;
    for (size_t i = 0; i < w->n_texts; x += w->lengths[i++] * width) {
        if (w->tower->config.pool == BERT_POOL_MEAN) {
            w->ops->mean(x, w->lengths[i], width, pooled + i * width);
        } else {
            memcpy(pooled + i * width, x, width * sizeof *x);
        }
    }
}

static void make_features(struct work *w, float *features)
{
    const struct bert *tower = w->tower;
    if (tower->config.dim == 0) {
        pool(w, features);
    } else {
        pool(w, w->middle); /* has room: a text has at least one row */
        w->ops->linear(&tower->projection, w->middle, w->n_texts, features, w->panel);
    }
}

enum err bert_features(const struct bert *tower, const int32_t *ids,
                       const size_t *lengths, size_t n, float *features)
{
    const struct bert_config *c = &tower->config;
    struct work w = {.tower = tower, .ops = kn_ops(), .lengths = lengths, .n_texts = n};
    TRY(tower_check_texts(&(struct tower_texts){ids, lengths, n}, c->max_tokens,
                          c->vocab, &w.n));
    size_t rows = w.n * c->hidden;
    size_t middle = w.n * c->intermediate > rows ? w.n * c->intermediate : rows;
    float *memory =
        alloc_aligned((KN_PANEL_FLOATS + 4 * rows + middle) * sizeof *memory);
    if (memory == NULL) {
        return ERR_NOMEM;
    }
    w.panel = memory;
    w.x = w.panel + KN_PANEL_FLOATS;
    w.qkv = w.x + rows;
    w.middle = w.qkv + 3 * rows;
    embed(&w, ids);
    for (size_t i = 0; i < c->layers; i++) {
        run_layer(&w, &tower->layers[i]);
    }
    make_features(&w, features);
    alloc_free(memory);
    return ERR_OK;
}
