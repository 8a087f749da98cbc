/*
 * clip_text.c - see clip_text.h. Of the embeddings only the rows of a text's tokens are
 * ever read. CLIP's texts are not padded: what follows the end token cannot be seen
 * from it.
 */
#include "encoder/clip_text.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/tower.h"
#include "encoder/weights_table.h"

_Static_assert(LIMIT_TEXT_TOKENS <= KN_TOKENS_MAX, "attention takes every text");

struct clip_text {
    struct clip_text_config config;
    struct wt_file *file;
    struct wt_matrix tokens, positions;
    struct transformer *body;
    struct kn_layer_norm last_norm;
    struct kn_linear projection;
};

/* The weights. */

enum { WIDTH, VOCAB, POSITIONS, DIM, N_SIZES };

static const struct wt_param clip_params[] = {
    WT_PARAM_MATRIX("text_model.embeddings.token_embedding.weight", struct clip_text,
                    tokens, VOCAB, WIDTH),
    WT_PARAM_MATRIX("text_model.embeddings.position_embedding.weight", struct clip_text,
                    positions, POSITIONS, WIDTH),
    WT_NORM("text_model.final_layer_norm", struct clip_text, last_norm, WIDTH),
    WT_PARAM_MATRIX("text_projection.weight", struct clip_text, projection.weight, DIM,
                    WIDTH),
};

static const struct wt_param open_clip_params[] = {
    WT_PARAM_MATRIX("token_embedding.weight", struct clip_text, tokens, VOCAB, WIDTH),
    WT_PARAM_MATRIX("positional_embedding", struct clip_text, positions, POSITIONS,
                    WIDTH),
    WT_NORM("ln_final", struct clip_text, last_norm, WIDTH),
    WT_PARAM_TRANSPOSED("text_projection", struct clip_text, projection.weight, DIM,
                        WIDTH),
};

static const struct wt_param siglip_params[] = {
    WT_PARAM_MATRIX("text_model.embeddings.token_embedding.weight", struct clip_text,
                    tokens, VOCAB, WIDTH),
    WT_PARAM_MATRIX("text_model.embeddings.position_embedding.weight", struct clip_text,
                    positions, POSITIONS, WIDTH),
    WT_NORM("text_model.final_layer_norm", struct clip_text, last_norm, WIDTH),
    WT_LAYER("text_model.head", struct clip_text, projection, DIM, WIDTH),
};

static const struct family {
    const struct wt_param *params; /* [n_params] */
    size_t n_params;
    const char *prefix;      /* of the table's names */
    const char *body_prefix; /* of the layers' */
    enum transformer_names body_names;
    bool causal;
} families[] = {
    [CLIP_TEXT_CLIP] = {clip_params, WT_COUNT(clip_params), "", "text_model.",
                        TRANSFORMER_HUGGING_FACE, true},
    [CLIP_TEXT_OPEN_CLIP] = {open_clip_params, WT_COUNT(open_clip_params), "", "",
                             TRANSFORMER_OPEN_CLIP, true},
    [CLIP_TEXT_OPEN_CLIP_CUSTOM] = {open_clip_params, WT_COUNT(open_clip_params),
                                    "text.", "text.", TRANSFORMER_OPEN_CLIP, true},
    [CLIP_TEXT_SIGLIP] = {siglip_params, WT_COUNT(siglip_params), "", "text_model.",
                          TRANSFORMER_HUGGING_FACE, false},
};

static void fill_sizes(const struct clip_text_config *c, size_t sizes[N_SIZES])
{
    sizes[WIDTH] = c->body.width;
    sizes[VOCAB] = c->vocab;
    sizes[POSITIONS] = c->max_tokens;
    sizes[DIM] = c->dim;
}

static struct transformer_config body_of(const struct clip_text_config *c)
{
    struct transformer_config body = c->body;
    body.names = families[c->family].body_names;
    body.causal = families[c->family].causal;
    return body;
}

static enum err load_weights(struct clip_text *tower)
{
    const struct clip_text_config *c = &tower->config;
    const struct family *family = &families[c->family];
    const struct transformer_config body = body_of(c);
    size_t sizes[N_SIZES];
    fill_sizes(c, sizes);
    tower->last_norm =
        (struct kn_layer_norm){.width = c->body.width, .epsilon = c->body.epsilon};
    TRY(wt_load(
        tower->file, family->params, family->n_params,
        &(struct wt_target){.base = tower, .sizes = sizes, .prefix = family->prefix}));
    return transformer_open(&tower->body, &body, tower->file, family->body_prefix);
}

static enum err check_config(const struct clip_text_config *c)
{
    FAIL_IF(c->max_tokens < 1 || c->max_tokens > LIMIT_TEXT_TOKENS, ERR_MODEL,
            "a text tower for %zu tokens", c->max_tokens);
    FAIL_IF(c->family == CLIP_TEXT_SIGLIP &&
                (c->padding < 0 || (size_t)c->padding >= c->vocab),
            ERR_MODEL, "padding %d is outside the vocabulary of %zu", (int)c->padding,
            c->vocab);
    return ERR_OK;
}

enum err clip_text_mark(const struct clip_text_config *config, struct wt_file *file,
                        uint64_t *mark)
{
    const struct family *family = &families[config->family];
    const struct transformer_config body = body_of(config);
    size_t sizes[N_SIZES];
    fill_sizes(config, sizes);
    TRY(wt_mark(file, family->params, family->n_params,
                &(struct wt_target){.sizes = sizes, .prefix = family->prefix}, mark));
    return transformer_mark(&body, file, family->body_prefix, mark);
}

enum err clip_text_open(struct clip_text **out, const struct clip_text_config *config,
                        const char *const *paths, size_t n_paths)
{
    *out = NULL;
    TRY(check_config(config));
    struct clip_text *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    tower->config = *config;
    TRY_OUT(wt_open(&tower->file, paths, n_paths));
    TRY_OUT(load_weights(tower));
    *out = tower;
    return ERR_OK;
out:
    clip_text_close(tower);
    return result;
}

void clip_text_close(struct clip_text *tower)
{
    if (tower == NULL) {
        return;
    }
    transformer_close(tower->body);
    wt_close(tower->file);
    alloc_free(tower);
}

/* The work on a few texts. */

/* How many rows the tower works through for a text of `length` ids. */
static size_t rows_of(const struct clip_text_config *c, size_t length)
{
    return c->family == CLIP_TEXT_SIGLIP ? c->max_tokens : length;
}

/* The row that becomes the vector. */
static size_t vector_row(const struct clip_text_config *c, const int32_t *ids,
                         size_t length)
{
    size_t greatest = 0;
    if (c->family == CLIP_TEXT_SIGLIP) {
        return c->max_tokens - 1;
    }
    for (size_t i = 0; i < length; i++) {
        if (c->end_token >= 0 && ids[i] == c->end_token) {
            return i;
        }
        if (ids[i] > ids[greatest]) {
            greatest = i;
        }
    }
    return c->end_token < 0 ? greatest : length - 1; /* no end token: ends, at least */
}

/* One text's rows of x; `row` is scratch for one. */
static void embed_ids(const struct clip_text *tower, const int32_t *ids, size_t length,
                      float *row, float *x)
{
    const struct clip_text_config *c = &tower->config;
    size_t width = c->body.width, n = rows_of(c, length);
    for (size_t i = 0; i < n; i++, x += width) {
        int32_t id = i < length ? ids[i] : c->padding;
        wt_row(&tower->tokens, (size_t)id, 0, width, x);
        wt_row(&tower->positions, i, 0, width, row);
        for (size_t j = 0; j < width; j++) {
            x[j] += row[j];
        }
    }
}

/* The memory of one call, cut from one allocation. */
struct work {
    const struct clip_text *tower;
    const int32_t *ids;    /* of the texts to come */
    const size_t *lengths; /* [n], ids of a text */
    size_t *rows;          /* [n], rows of a text */
    size_t n;              /* texts at once */
    float *x;              /* [sum of rows, width] */
    float *picked; /* [n, width]: the row of each text that becomes its vector */
    float *panel;  /* [KN_PANEL_FLOATS] */
};

static enum err embed_few(struct work *w, float *vectors)
{
    const struct clip_text *tower = w->tower;
    const struct kn_ops *ops = kn_ops();
    size_t width = tower->config.body.width, at = 0;
    const int32_t *ids = w->ids;
    for (size_t i = 0; i < w->n; i++) {
        embed_ids(tower, ids, w->lengths[i], w->panel, w->x + at * width);
        ids += w->lengths[i];
        at += w->rows[i];
    }
    TRY(transformer_run(tower->body, w->rows, w->n, w->x));
    at = 0;
    for (size_t i = 0; i < w->n; i++) {
        size_t row = at + vector_row(&tower->config, w->ids, w->lengths[i]);
        memcpy(w->picked + i * width, w->x + row * width, width * sizeof *w->x);
        w->ids += w->lengths[i];
        at += w->rows[i];
    }
    ops->layer_norm(&tower->last_norm, w->picked, w->n);
    ops->linear(&tower->projection, w->picked, w->n, vectors, w->panel);
    return ERR_OK;
}

/* Sets w->n and w->rows to the texts that go together: all of `n` that fit, at least
 * one. Returns their rows. */
static size_t plan_batch(struct work *w, size_t n)
{
    size_t sum = 0;
    for (w->n = 0; w->n < n; w->n++) {
        size_t rows = rows_of(&w->tower->config, w->lengths[w->n]);
        if (w->n > 0 && sum + rows > TRANSFORMER_ROWS_AT_ONCE) {
            break;
        }
        w->rows[w->n] = rows;
        sum += rows;
    }
    return sum;
}

enum err clip_text_embed(const struct clip_text *tower, const int32_t *ids,
                         const size_t *lengths, size_t n, float *vectors)
{
    const struct clip_text_config *c = &tower->config;
    size_t rows[TRANSFORMER_ROWS_AT_ONCE];
    struct work w = {.tower = tower, .ids = ids, .lengths = lengths, .rows = rows};
    size_t n_ids;
    TRY(tower_check_texts(&(struct tower_texts){ids, lengths, n}, c->max_tokens,
                          c->vocab, &n_ids));
    enum err result = ERR_OK;
    for (size_t i = 0; result == ERR_OK && i < n; i += w.n) {
        w.lengths = lengths + i;
        size_t sum = plan_batch(&w, n - i);
        float *memory = alloc_aligned((KN_PANEL_FLOATS + (sum + w.n) * c->body.width) *
                                      sizeof *memory);
        if (memory == NULL) {
            return ERR_NOMEM;
        }
        w.panel = memory;
        w.picked = memory + KN_PANEL_FLOATS;
        w.x = w.picked + w.n * c->body.width;
        result = embed_few(&w, vectors + i * c->dim);
        alloc_free(memory);
    }
    return result;
}
