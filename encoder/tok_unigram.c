/*
 * tok_unigram.c - see tok_unigram.h.
 *
 * The best path to each byte is known once everything before it is; of equal sums, the
 * path found first stays, so tokens that begin further left win. A character that is no
 * token by itself may be unknown, at the lowest score of the vocabulary less 10, and
 * unknown ones side by side are one token.
 */
#include "encoder/tok_unigram.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/tok_prefix.h"

enum { UNKNOWN_PENALTY = 10 };

struct tok_unigram {
    struct tok_vocab vocab;
    double *scores; /* [vocab.n] */
    struct tok_prefix prefixes;
    double unknown_score;
    int32_t unknown;       /* TOK_NONE: there is none */
    int32_t byte_ids[256]; /* TOK_NONE where there is none */
    bool byte_fallback;
};

/* The best path that ends at a byte. On the way back `next` is made of `start`. */
struct unigram_node {
    double score;
    int32_t id;
    int32_t start; /* where its last token begins; -1: no path ends here */
    int32_t next;  /* where the token behind it ends */
};

static enum err open_tables(struct tok_unigram *model)
{
    double lowest = INFINITY;
    for (size_t id = 0; id < model->vocab.n; id++) {
        lowest = model->scores[id] < lowest ? model->scores[id] : lowest;
    }
    model->unknown_score = lowest - UNKNOWN_PENALTY;
    for (int i = 0; i < 256; i++) {
        char token[8];
        int n = snprintf(token, sizeof token, "<0x%02X>", i);
        model->byte_ids[i] = tok_vocab_find(&model->vocab, token, (size_t)n);
    }
    return tok_prefix_open(&model->prefixes, model->vocab.bytes.data,
                           model->vocab.spans, model->vocab.n);
}

enum err tok_unigram_open(struct tok_unigram **out, struct tok_vocab *vocab,
                          double **scores, int32_t unknown, bool byte_fallback)
{
    *out = NULL;
    struct tok_unigram *model = alloc_zero(1, sizeof *model);
    if (model == NULL) {
        tok_vocab_release(vocab);
        alloc_free(*scores);
        *scores = NULL;
        return ERR_NOMEM;
    }
    model->vocab = *vocab;
    model->scores = *scores;
    tok_vocab_init(vocab);
    *scores = NULL;
    model->unknown = unknown;
    model->byte_fallback = byte_fallback;
    enum err result = open_tables(model);
    if (result != ERR_OK) {
        tok_unigram_close(model);
        return result;
    }
    *out = model;
    return ERR_OK;
}

void tok_unigram_close(struct tok_unigram *model)
{
    if (model != NULL) {
        tok_prefix_close(&model->prefixes);
        tok_vocab_release(&model->vocab);
        alloc_free(model->scores);
        alloc_free(model);
    }
}

const struct tok_vocab *tok_unigram_vocab(const struct tok_unigram *model)
{
    return &model->vocab;
}

void tok_unigram_work_release(struct tok_unigram_work *work)
{
    alloc_free(work->nodes);
    *work = (struct tok_unigram_work){0};
}

static enum err reset_nodes(struct tok_unigram_work *work, size_t n)
{
    struct unigram_node *nodes =
        alloc_grow(work->nodes, &work->capacity, n, sizeof *nodes);
    if (nodes == NULL) {
        return ERR_NOMEM;
    }
    work->nodes = nodes;
    for (size_t i = 0; i < n; i++) {
        work->nodes[i] = (struct unigram_node){.start = -1};
    }
    return ERR_OK;
}

static void offer(struct unigram_node *nodes, size_t start, size_t end, int32_t id,
                  double score)
{
    double sum = score + nodes[start].score;
    if (nodes[end].start < 0 || sum > nodes[end].score) {
        nodes[end].score = sum;
        nodes[end].start = (int32_t)start;
        nodes[end].id = id;
    }
}

/* Every token that begins at `start`, and the unknown one where its first character is
 * none. */
static enum err offer_all(const struct tok_unigram *model, const char *text, size_t n,
                          size_t start, size_t char_end, struct unigram_node *nodes)
{
    bool has_char = false;
    struct tok_walk walk = tok_walk_begin(&model->prefixes);
    for (size_t i = start; i < n && tok_walk_step(&model->prefixes, &walk, text[i]);
         i++) {
        int32_t id = tok_walk_hit(&model->prefixes, &walk);
        if (id != TOK_NONE) {
            offer(nodes, start, i + 1, id, model->scores[id]);
            has_char = has_char || i + 1 == char_end;
        }
    }
    if (!has_char) {
        struct unigram_node *node = &nodes[char_end];
        double sum = model->unknown_score + nodes[start].score;
        FAIL_IF(
            model->unknown == TOK_NONE && (node->start < 0 || sum > node->score),
            ERR_MODEL,
            "the text has an unknown character, and the tokenizer no unknown token");
        offer(nodes, start, char_end, model->unknown, model->unknown_score);
    }
    return ERR_OK;
}

/* The ids of text that no token covers. */
static void put_unknown(const struct tok_unigram *model, const char *text, size_t n,
                        struct tok_out *out)
{
    bool spelled = model->byte_fallback;
    for (size_t i = 0; spelled && i < n; i++) {
        spelled = model->byte_ids[(unsigned char)text[i]] != TOK_NONE;
    }
    for (size_t i = 0; spelled && i < n; i++) {
        tok_out_put(out, model->byte_ids[(unsigned char)text[i]]);
    }
    if (!spelled) {
        tok_out_put(out, model->unknown);
    }
}

/* Unknown characters side by side, as one string, may be a token after all. */
static void put_fused(const struct tok_unigram *model, const char *text, size_t n,
                      struct tok_out *out)
{
    int32_t id = tok_vocab_find(&model->vocab, text, n);
    if (id != TOK_NONE) {
        tok_out_put(out, id);
    } else {
        put_unknown(model, text, n, out);
    }
}

/* Follows the links forward from the start of the text. */
static void put_path(const struct tok_unigram *model, const char *text, size_t n,
                     const struct unigram_node *nodes, struct tok_out *out)
{
    size_t begin = 0;
    while (begin < n && !out->truncated) {
        size_t end = (size_t)nodes[begin].next;
        if (nodes[end].id != model->unknown) {
            tok_out_put(out, nodes[end].id);
            begin = end;
            continue;
        }
        while (end < n && nodes[nodes[end].next].id == model->unknown) {
            end = (size_t)nodes[end].next;
        }
        put_fused(model, text + begin, end - begin, out);
        begin = end;
    }
}

enum err tok_unigram_encode(const struct tok_unigram *model, const char *text, size_t n,
                            struct tok_unigram_work *work, struct tok_out *out)
{
    TRY(reset_nodes(work, n + 1));
    for (size_t i = 0, step; i < n; i += step) {
        int32_t c;
        step = utf8_next(text + i, n - i, &c);
        TRY(offer_all(model, text, n, i, i + step, work->nodes));
    }
    for (size_t end = n; end > 0;) {
        size_t start = (size_t)work->nodes[end].start;
        work->nodes[start].next = (int32_t)end;
        end = start;
    }
    put_path(model, text, n, work->nodes, out);
    return ERR_OK;
}
