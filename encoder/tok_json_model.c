/*
 * tok_json_model.c - the "model" of tokenizer.json: see tok_json.h. The vocabulary and
 * the merges, a million strings at most, are read where they stand.
 */
#include "encoder/tok_json.h"

#include <string.h>

#include "base/alloc.h"

enum { VOCAB, MERGES }; /* the large members */

enum err tok_json_vocab(struct tok_vocab *vocab, struct json_span span)
{
    struct json_reader r;
    struct buf token;
    enum err result;
    buf_init(&token, LIMIT_MODEL_VOCABULARY_BYTES);
    json_reader_init(&r, span.text, span.n);
    TRY_OUT(json_reader_open(&r, '{'));
    for (size_t i = 0;; i++) {
        bool more;
        size_t id;
        TRY_OUT(json_reader_more(&r, '}', i, &more));
        if (!more) {
            break;
        }
        TRY_OUT(json_reader_key(&r, &token));
        TRY_OUT(json_reader_size(&r, &id));
        TRY_OUT(tok_vocab_add(vocab, token.data, token.size, id));
    }
    TRY_OUT(json_reader_end(&r));
    result = tok_vocab_seal(vocab);
out:
    buf_release(&token);
    return result;
}

/* BPE. */

enum err tok_bpe_add_merge_line(struct tok_bpe *bpe, const char *line, size_t n)
{
    const char *space = memchr(line, ' ', n);
    if (n >= 8 && memcmp(line, "#version", 8) == 0) {
        return ERR_OK;
    }
    FAIL_IF(
        space == NULL || memchr(space + 1, ' ', n - (size_t)(space + 1 - line)) != NULL,
        ERR_MODEL, "\"%.*s\" is no merge of two tokens", n < 40 ? (int)n : 40, line);
    size_t n_left = (size_t)(space - line);
    return tok_bpe_add_merge(bpe, line, n_left, space + 1, n - n_left - 1);
}

/* A merge is "a b", in older files, or ["a", "b"]. */
static enum err read_merge(struct tok_bpe *bpe, struct json_reader *r, struct buf *a,
                           struct buf *b)
{
    if (json_reader_peek(r) == '"') {
        TRY(json_reader_string(r, a));
        return tok_bpe_add_merge_line(bpe, a->data, a->size);
    }
    bool more = false, third = true;
    TRY(json_reader_open(r, '['));
    TRY(json_reader_string(r, a));
    TRY(json_reader_more(r, ']', 1, &more));
    if (more) {
        TRY(json_reader_string(r, b));
        TRY(json_reader_more(r, ']', 2, &third));
    }
    FAIL_IF(third, ERR_MODEL, "a merge that is not of two tokens");
    return tok_bpe_add_merge(bpe, a->data, a->size, b->data, b->size);
}

static enum err read_merges(struct tok_bpe *bpe, struct json_span span)
{
    struct json_reader r;
    struct buf a, b;
    enum err result;
    buf_init(&a, LIMIT_MODEL_VOCABULARY_BYTES);
    buf_init(&b, LIMIT_MODEL_VOCABULARY_BYTES);
    json_reader_init(&r, span.text, span.n);
    TRY_OUT(json_reader_open(&r, '['));
    for (size_t i = 0;; i++) {
        bool more;
        TRY_OUT(json_reader_more(&r, ']', i, &more));
        if (!more) {
            break;
        }
        TRY_OUT(read_merge(bpe, &r, &a, &b));
    }
    TRY_OUT(json_reader_end(&r));
    result = tok_bpe_seal(bpe);
out:
    buf_release(&a);
    buf_release(&b);
    return result;
}

/* A string that may be null or missing; then NULL. One with a NUL in it is refused. */
static enum err optional_string(struct json_object *object, const char *key,
                                const char **out)
{
    size_t n;
    *out = NULL;
    if (json_get(object, key) == NULL) {
        return ERR_OK;
    }
    TRY(tok_json_text(object, key, out, &n));
    FAIL_IF(strlen(*out) != n, ERR_MODEL, "\"%s\" holds a NUL", key);
    return ERR_OK;
}

static enum err read_bpe_options(struct json_object *model, struct tok_bpe_options *o)
{
    struct json_object *dropout = json_get(model, "dropout");
    FAIL_IF(dropout != NULL && json_object_get_double(dropout) != 0, ERR_UNSUPPORTED,
            "BPE with dropout is not supported");
    TRY(optional_string(model, "unk_token", &o->unknown));
    TRY(optional_string(model, "continuing_subword_prefix", &o->prefix));
    TRY(optional_string(model, "end_of_word_suffix", &o->suffix));
    o->prefix = o->prefix == NULL ? "" : o->prefix;
    o->suffix = o->suffix == NULL ? "" : o->suffix;
    TRY(tok_json_flag(model, "fuse_unk", false, &o->fuse_unknown));
    TRY(tok_json_flag(model, "byte_fallback", false, &o->byte_fallback));
    return tok_json_flag(model, "ignore_merges", false, &o->ignore_merges);
}

static enum err read_bpe(struct tok *tok, const struct tok_members *model)
{
    struct tok_bpe_options options;
    struct tok_vocab vocab;
    FAIL_IF(model->large[MERGES].text == NULL, ERR_MODEL,
            "the model has no \"merges\"");
    TRY(read_bpe_options(model->small, &options));
    tok_vocab_init(&vocab);
    enum err result = tok_json_vocab(&vocab, model->large[VOCAB]);
    if (result != ERR_OK) {
        tok_vocab_release(&vocab);
        return result;
    }
    TRY(tok_bpe_open(&tok->bpe, &vocab, &options));
    return read_merges(tok->bpe, model->large[MERGES]);
}

/* Unigram. */

struct scores {
    double *items; /* [n] */
    size_t n, capacity;
};

static enum err push_score(struct scores *scores, double score)
{
    double *items =
        alloc_grow(scores->items, &scores->capacity, scores->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    scores->items = items;
    scores->items[scores->n] = score;
    scores->n++;
    return ERR_OK;
}

/* ["token", score] */
static enum err read_scored(struct json_reader *r, struct buf *token, double *score)
{
    bool more = false, third = true;
    TRY(json_reader_open(r, '['));
    TRY(json_reader_string(r, token));
    TRY(json_reader_more(r, ']', 1, &more));
    if (more) {
        TRY(json_reader_double(r, score));
        TRY(json_reader_more(r, ']', 2, &third));
    }
    FAIL_IF(third, ERR_MODEL, "a vocabulary entry that is not a token and its score");
    return ERR_OK;
}

static enum err read_scored_vocab(struct tok_vocab *vocab, struct scores *scores,
                                  struct json_span span)
{
    struct json_reader r;
    struct buf token;
    enum err result;
    buf_init(&token, LIMIT_MODEL_VOCABULARY_BYTES);
    json_reader_init(&r, span.text, span.n);
    TRY_OUT(json_reader_open(&r, '['));
    for (size_t i = 0;; i++) {
        bool more;
        double score;
        TRY_OUT(json_reader_more(&r, ']', i, &more));
        if (!more) {
            break;
        }
        TRY_OUT(read_scored(&r, &token, &score));
        TRY_OUT(tok_vocab_add(vocab, token.data, token.size, i));
        TRY_OUT(push_score(scores, score));
    }
    TRY_OUT(json_reader_end(&r));
    result = tok_vocab_seal(vocab);
out:
    buf_release(&token);
    return result;
}

static enum err read_unigram(struct tok *tok, const struct tok_members *model)
{
    struct tok_vocab vocab;
    struct scores scores = {0};
    size_t unknown = 0;
    bool has_unknown = json_get(model->small, "unk_id") != NULL, byte_fallback;
    TRY(has_unknown ? json_get_size(model->small, "unk_id", &unknown) : ERR_OK);
    TRY(tok_json_flag(model->small, "byte_fallback", false, &byte_fallback));
    tok_vocab_init(&vocab);
    enum err result;
    TRY_OUT(read_scored_vocab(&vocab, &scores, model->large[VOCAB]));
    if (has_unknown && unknown >= vocab.n) {
        result = err_set(ERR_MODEL, "the id %zu of the unknown token is past the end",
                         unknown);
        goto out;
    }
    return tok_unigram_open(&tok->unigram, &vocab, &scores.items,
                            has_unknown ? (int32_t)unknown : TOK_NONE, byte_fallback);
out:
    tok_vocab_release(&vocab);
    alloc_free(scores.items);
    return result;
}

/* WordPiece. */

static enum err read_wordpiece(struct tok *tok, const struct tok_members *model,
                               bool lower_case)
{
    enum { WORD_CHARS_MAX = 100 };
    const char *unknown, *prefix;
    size_t n, word_chars;
    struct tok_vocab vocab;
    TRY(tok_json_text(model->small, "unk_token", &unknown, &n));
    TRY(tok_json_text(model->small, "continuing_subword_prefix", &prefix, &n));
    TRY(json_get_size(model->small, "max_input_chars_per_word", &word_chars));
    FAIL_IF(strcmp(prefix, "##") != 0, ERR_UNSUPPORTED,
            "WordPiece with the prefix \"%.40s\" is not supported", prefix);
    FAIL_IF(word_chars != WORD_CHARS_MAX, ERR_UNSUPPORTED,
            "WordPiece with words of %zu characters is not supported", word_chars);
    tok_vocab_init(&vocab);
    enum err result = tok_json_vocab(&vocab, model->large[VOCAB]);
    if (result != ERR_OK) {
        tok_vocab_release(&vocab);
        return result;
    }
    return tok_wordpiece_open(&tok->wordpiece, &vocab, unknown, lower_case);
}

/* Older files do not say their model's type; it is the first that fits. */
static const char *type_of(const struct tok_members *model)
{
    const char *type = NULL;
    if (json_get(model->small, "type") != NULL) {
        return json_get_string(model->small, "type", &type) == ERR_OK ? type : "";
    }
    if (model->large[MERGES].text != NULL) {
        return "BPE";
    }
    bool array = model->large[VOCAB].text != NULL && model->large[VOCAB].text[0] == '[';
    return array ? "Unigram" : "WordPiece";
}

static enum err read_model(struct tok *tok, const struct tok_members *model, bool bert,
                           bool lower_case)
{
    const char *type = type_of(model);
    bool wordpiece = strcmp(type, "WordPiece") == 0;
    FAIL_IF(model->large[VOCAB].text == NULL, ERR_MODEL, "the model has no \"vocab\"");
    FAIL_IF(
        wordpiece != bert, ERR_UNSUPPORTED,
        "the model %.40s with%s BertNormalizer and BertPreTokenizer is not supported",
        type, bert ? "" : "out");
    if (wordpiece) {
        return read_wordpiece(tok, model, lower_case);
    }
    if (strcmp(type, "BPE") == 0) {
        return read_bpe(tok, model);
    }
    FAIL_IF(strcmp(type, "Unigram") != 0, ERR_UNSUPPORTED,
            "the model \"%.40s\" is not supported", type);
    return read_unigram(tok, model);
}

enum err tok_json_model(struct tok *tok, struct json_span span, bool bert,
                        bool bert_lower_case)
{
    static const char *const large[2] = {"vocab", "merges"};
    struct tok_members model;
    TRY(tok_members_read(&model, span, large));
    enum err result = read_model(tok, &model, bert, bert_lower_case);
    json_object_put(model.small);
    return result;
}
