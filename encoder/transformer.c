/*
 * transformer.c - see transformer.h.
 */
#include "encoder/transformer.h"

#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "encoder/tower.h"
#include "encoder/weights_table.h"

struct layer {
    struct kn_layer_norm attention_norm;
    struct kn_linear query, key, value, attended;
    struct kn_layer_norm mlp_norm;
    struct kn_linear fc1, fc2;
};

struct transformer {
    struct transformer_config config;
    struct layer *layers; /* [config.layers] */
};

/* The weights. */

enum { WIDTH, ATTENTION, MLP, N_SIZES };

static const struct wt_param hugging_face_params[] = {
    WT_NORM("encoder.layers.#.layer_norm1", struct layer, attention_norm, WIDTH),
    WT_LAYER("encoder.layers.#.self_attn.q_proj", struct layer, query, ATTENTION,
             WIDTH),
    WT_LAYER("encoder.layers.#.self_attn.k_proj", struct layer, key, ATTENTION, WIDTH),
    WT_LAYER("encoder.layers.#.self_attn.v_proj", struct layer, value, ATTENTION,
             WIDTH),
    WT_LAYER("encoder.layers.#.self_attn.out_proj", struct layer, attended, WIDTH,
             ATTENTION),
    WT_NORM("encoder.layers.#.layer_norm2", struct layer, mlp_norm, WIDTH),
    WT_LAYER("encoder.layers.#.mlp.fc1", struct layer, fc1, MLP, WIDTH),
    WT_LAYER("encoder.layers.#.mlp.fc2", struct layer, fc2, WIDTH, MLP),
};

static const struct wt_param open_clip_params[] = {
    WT_NORM("transformer.resblocks.#.ln_1", struct layer, attention_norm, WIDTH),
    WT_LAYER_OF_THREE("transformer.resblocks.#.attn.in_proj_", 0, struct layer, query,
                      ATTENTION, WIDTH),
    WT_LAYER_OF_THREE("transformer.resblocks.#.attn.in_proj_", 1, struct layer, key,
                      ATTENTION, WIDTH),
    WT_LAYER_OF_THREE("transformer.resblocks.#.attn.in_proj_", 2, struct layer, value,
                      ATTENTION, WIDTH),
    WT_LAYER("transformer.resblocks.#.attn.out_proj", struct layer, attended, WIDTH,
             ATTENTION),
    WT_NORM("transformer.resblocks.#.ln_2", struct layer, mlp_norm, WIDTH),
    WT_LAYER("transformer.resblocks.#.mlp.c_fc", struct layer, fc1, MLP, WIDTH),
    WT_LAYER("transformer.resblocks.#.mlp.c_proj", struct layer, fc2, WIDTH, MLP),
};

static const struct names {
    const struct wt_param *params; /* [n_params] of a layer */
    size_t n_params;
} names_of[] = {
    [TRANSFORMER_HUGGING_FACE] = {hugging_face_params, WT_COUNT(hugging_face_params)},
    [TRANSFORMER_OPEN_CLIP] = {open_clip_params, WT_COUNT(open_clip_params)},
};

static size_t attention_width(const struct transformer_config *c)
{
    return c->attention != 0 ? c->attention : c->width;
}

static enum err check_config(const struct transformer_config *c)
{
    FAIL_IF(c->layers < 1 || c->layers > TRANSFORMER_LAYERS_MAX, ERR_MODEL,
            "a tower of %zu layers", c->layers);
    FAIL_IF(c->width < 1 || c->width > KN_COLS_MAX || c->mlp < 1 ||
                c->mlp > KN_COLS_MAX,
            ERR_MODEL, "a tower %zu and %zu wide", c->width, c->mlp);
    FAIL_IF(c->attention > c->width, ERR_MODEL,
            "attention %zu wide over a width of %zu", c->attention, c->width);
    return tower_check_heads(attention_width(c), c->heads);
}

static enum err load_layer(struct layer *layer, const struct transformer_config *c,
                           struct wt_file *file, struct wt_target *target)
{
    const struct kn_layer_norm norm = {.width = c->width, .epsilon = c->epsilon};
    layer->attention_norm = norm;
    layer->mlp_norm = norm;
    layer->attended.accumulate = true;
    layer->fc1.activation = c->activation;
    layer->fc2.accumulate = true;
    target->base = layer;
    const struct names *names = &names_of[c->names];
    return wt_load(file, names->params, names->n_params, target);
}

enum err transformer_open(struct transformer **out,
                          const struct transformer_config *config, struct wt_file *file,
                          const char *prefix)
{
    *out = NULL;
    TRY(check_config(config));
    struct transformer *body = alloc_zero(1, sizeof *body);
    if (body == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_NOMEM;
    const size_t sizes[N_SIZES] = {[WIDTH] = config->width,
                                   [ATTENTION] = attention_width(config),
                                   [MLP] = config->mlp};
    struct wt_target target = {.sizes = sizes, .prefix = prefix};
    body->config = *config;
    body->layers = alloc_zero(config->layers, sizeof *body->layers);
    if (body->layers == NULL) {
        goto out;
    }
    for (size_t i = 0; i < config->layers; i++) {
        target.number = i;
        TRY_OUT(load_layer(&body->layers[i], config, file, &target));
    }
    *out = body;
    return ERR_OK;
out:
    transformer_close(body);
    return result;
}

enum err transformer_mark(const struct transformer_config *config, struct wt_file *file,
                          const char *prefix, uint64_t *mark)
{
    const struct names *names = &names_of[config->names];
    const size_t sizes[N_SIZES] = {[WIDTH] = config->width,
                                   [ATTENTION] = attention_width(config),
                                   [MLP] = config->mlp};
    struct wt_target target = {.sizes = sizes, .prefix = prefix};
    const uint64_t unseen[2] = {config->heads, config->activation}; /* in any tensor */
    TRY(check_config(config));
    *mark = XXH3_64bits_withSeed(unseen, sizeof unseen, *mark);
    for (size_t i = 0; i < config->layers; i++) {
        target.number = i;
        TRY(wt_mark(file, names->params, names->n_params, &target, mark));
    }
    return ERR_OK;
}

void transformer_close(struct transformer *body)
{
    if (body == NULL) {
        return;
    }
    alloc_free(body->layers);
    alloc_free(body);
}

/* The work. */

/* The memory of one call, cut from one allocation. */
struct work {
    const struct transformer *body;
    const struct kn_ops *ops;
    const size_t *lengths; /* [n_sequences] */
    size_t n_sequences;
    size_t n;      /* rows of all sequences */
    float *x;      /* [n, width]: what the layers pass on; the caller's */
    float *normed; /* [n, width] */
    float *qkv[3]; /* each [n, width] */
    float *middle; /* [n, mlp], or [n, width] attended */
    float *panel;  /* [KN_PANEL_FLOATS] */
};

static const float *norm(struct work *w, const struct kn_layer_norm *norm)
{
    memcpy(w->normed, w->x, w->n * norm->width * sizeof *w->x);
    w->ops->layer_norm(norm, w->normed, w->n);
    return w->normed;
}

static void attend(struct work *w)
{
    const struct transformer_config *c = &w->body->config;
    struct kn_attention a = {
        .width = attention_width(c), .heads = c->heads, .causal = c->causal};
    size_t at = 0;
    for (size_t i = 0; i < w->n_sequences; i++) {
        const float *const qkv[3] = {w->qkv[0] + at, w->qkv[1] + at, w->qkv[2] + at};
        a.n = w->lengths[i];
        w->ops->attention(&a, qkv, w->middle + at, w->panel);
        at += a.n * a.width;
    }
}

static void run_layer(struct work *w, const struct layer *layer)
{
    const struct kn_ops *ops = w->ops;
    const float *normed = norm(w, &layer->attention_norm);
    ops->linear(&layer->query, normed, w->n, w->qkv[0], w->panel);
    ops->linear(&layer->key, normed, w->n, w->qkv[1], w->panel);
    ops->linear(&layer->value, normed, w->n, w->qkv[2], w->panel);
    attend(w);
    ops->linear(&layer->attended, w->middle, w->n, w->x, w->panel);
    normed = norm(w, &layer->mlp_norm);
    ops->linear(&layer->fc1, normed, w->n, w->middle, w->panel);
    ops->linear(&layer->fc2, w->middle, w->n, w->x, w->panel);
}

enum err transformer_run(const struct transformer *body, const size_t *lengths,
                         size_t n, float *x)
{
    const struct transformer_config *c = &body->config;
    struct work w = {
        .body = body, .ops = kn_ops(), .lengths = lengths, .n_sequences = n, .x = x};
    for (size_t i = 0; i < n; i++) {
        w.n += lengths[i];
    }
    size_t part = w.n * c->width;
    size_t middle = w.n * (c->mlp > c->width ? c->mlp : c->width);
    float *memory =
        alloc_aligned((KN_PANEL_FLOATS + 4 * part + middle) * sizeof *memory);
    if (memory == NULL) {
        return ERR_NOMEM;
    }
    w.panel = memory;
    w.normed = w.panel + KN_PANEL_FLOATS;
    for (size_t i = 0; i < 3; i++) {
        w.qkv[i] = w.normed + (i + 1) * part;
    }
    w.middle = w.normed + 4 * part;
    for (size_t i = 0; i < c->layers; i++) {
        run_layer(&w, &body->layers[i]);
    }
    alloc_free(memory);
    return ERR_OK;
}
