/*
 * text_tower.c - see text_tower.h.
 */
#include "encoder/text_tower.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/head.h"
#include "encoder/tokenizer.h"
#include "encoder/unit.h"

struct text_tower {
    const struct model_text *config;
    size_t dim;
    struct tok *tok;
    struct bert *bert;      /* of MODEL_BERT */
    struct head *head;      /* beside a bert that does not project itself */
    struct clip_text *clip; /* of MODEL_CLIP_TEXT */
    size_t width;           /* numbers that the network makes of a text */
};

/* Opening. */

static enum err open_tokenizer(struct text_tower *tower)
{
    const struct model_tokenizer *t = &tower->config->tokenizer;
    switch (t->kind) {
    case MODEL_TOKENIZER_JSON:
        return tok_open_json(&tower->tok, t->path, t->lower_case);
    case MODEL_BPE:
        return tok_open_bpe(&tower->tok, t->path, t->merges);
    case MODEL_WORDPIECE:
        break;
    }
    return tok_open(&tower->tok, t->path, t->lower_case);
}

/* A tokenizer may have fewer tokens than the network has rows (some are padded to a
 * round number), never more. */
static enum err check_vocabulary(const struct text_tower *tower, size_t vocab)
{
    FAIL_IF(tok_vocabulary_size(tower->tok) > vocab, ERR_MODEL,
            "%s: has %zu tokens, the text tower %zu", tower->config->tokenizer.path,
            tok_vocabulary_size(tower->tok), vocab);
    FAIL_IF(tower->config->max_tokens <= tok_n_special(tower->tok), ERR_MODEL,
            "%s: %zu tokens leave no room for a text", tower->config->tokenizer.path,
            tower->config->max_tokens);
    return ERR_OK;
}

/* That texts end in the token whose place becomes the vector; -1: it is found without
 * knowing it. */
static enum err check_end_token(const struct text_tower *tower, int32_t end)
{
    int32_t ids[LIMIT_TEXT_TOKENS];
    size_t n = 0;
    bool truncated;
    if (end < 0) {
        return ERR_OK;
    }
    TRY(tok_encode(tower->tok, "a", 1, ids, tower->config->max_tokens, &n, &truncated));
    FAIL_IF(n == 0 || ids[n - 1] != end, ERR_MODEL,
            "%s: texts do not end in token %d, the config's \"eos_token_id\"",
            tower->config->tokenizer.path, (int)end);
    return ERR_OK;
}

static enum err open_bert(struct text_tower *tower)
{
    const struct model_text *config = tower->config;
    struct bert_config bert = config->bert;
    if (bert.vocab == 0) {
        bert.vocab = tok_vocabulary_size(tower->tok);
    }
    TRY(check_vocabulary(tower, bert.vocab));
    TRY(bert_open(&tower->bert, &bert, config->weights.paths, config->weights.n));
    tower->width = bert_width(&bert);
    if (config->head == NULL) {
        return ERR_OK;
    }
    TRY(head_open(&tower->head, config->head));
    return head_check(tower->head, tower->width, tower->dim);
}

static enum err open_clip(struct text_tower *tower)
{
    const struct model_text *config = tower->config;
    struct clip_text_config clip = config->clip;
    TRY(check_vocabulary(tower, clip.vocab));
    TRY(check_end_token(tower, clip.family == CLIP_TEXT_CLIP ? clip.end_token : -1));
    if (config->tokenizer.padding != NULL) {
        enum err result =
            tok_find(tower->tok, config->tokenizer.padding, &clip.padding);
        FAIL_IF(result != ERR_OK, ERR_MODEL, "%s: has no token \"%.64s\" for padding",
                config->tokenizer.path, config->tokenizer.padding);
    }
    tower->width = clip.dim;
    return clip_text_open(&tower->clip, &clip, config->weights.paths,
                          config->weights.n);
}

static enum err open_parts(struct text_tower *tower)
{
    TRY(open_tokenizer(tower));
    return tower->config->kind == MODEL_BERT ? open_bert(tower) : open_clip(tower);
}

enum err text_tower_open(struct text_tower **out, const struct model_text *config,
                         size_t dim)
{
    *out = NULL;
    struct text_tower *tower = alloc_zero(1, sizeof *tower);
    if (tower == NULL) {
        return ERR_NOMEM;
    }
    tower->config = config;
    tower->dim = dim;
    enum err result = open_parts(tower);
    if (result != ERR_OK) {
        text_tower_close(tower);
        return result;
    }
    *out = tower;
    return ERR_OK;
}

void text_tower_close(struct text_tower *tower)
{
    if (tower == NULL) {
        return;
    }
    clip_text_close(tower->clip);
    head_close(tower->head);
    bert_close(tower->bert);
    tok_close(tower->tok);
    alloc_free(tower);
}

/* Texts. */

enum err text_tower_tokenize(const struct text_tower *tower, const char *text, size_t n,
                             int32_t *ids, size_t *n_ids, bool *truncated)
{
    TRY(tok_encode(tower->tok, text, n, ids, tower->config->max_tokens, n_ids,
                   truncated));
    FAIL_IF(*n_ids <= tok_n_special(tower->tok), ERR_INVALID, "the text is empty");
    return ERR_OK;
}

static enum err run_net(const struct text_tower *tower, const int32_t *ids,
                        const size_t *lengths, size_t n, float *features)
{
    return tower->clip != NULL ? clip_text_embed(tower->clip, ids, lengths, n, features)
                               : bert_features(tower->bert, ids, lengths, n, features);
}

/* The network's features[n, width] into rows[n, dim] of unit length. */
static enum err finish(const struct text_tower *tower, const float *features, size_t n,
                       float *rows)
{
    if (tower->head != NULL) {
        return head_apply(tower->head, features, n, rows);
    }
    memcpy(rows, features, n * tower->dim * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        TRY(unit_normalise(rows + i * tower->dim, tower->dim));
    }
    return ERR_OK;
}

enum err text_tower_embed(const struct text_tower *tower, const int32_t *ids,
                          const size_t *lengths, size_t n, float *const *vectors)
{
    float *features = alloc_array(n * (tower->width + tower->dim), sizeof *features);
    if (features == NULL) {
        return ERR_NOMEM;
    }
    float *rows = features + n * tower->width;
    enum err result = run_net(tower, ids, lengths, n, features);
    if (result == ERR_OK) {
        result = finish(tower, features, n, rows);
    }
    for (size_t i = 0; result == ERR_OK && i < n; i++) {
        memcpy(vectors[i], rows + i * tower->dim, tower->dim * sizeof *rows);
    }
    alloc_free(features);
    return result;
}
