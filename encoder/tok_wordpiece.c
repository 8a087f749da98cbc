/*
 * tok_wordpiece.c - see tok_wordpiece.h.
 *
 * One pass over the text, character by character: a word is collected until something
 * ends it, then cut into pieces and forgotten. Nothing is allocated. Canonical
 * reordering, the other half of NFD, is left out: it only moves combining marks, and
 * those are stripped but for a few of Balinese and of musical notation.
 *
 * The vocabulary stays mapped. A table in open addressing finds a token by its bytes;
 * "##ing" is kept as "ing" hashed with another seed, so no piece is ever copied to be
 * looked up.
 */
#include "encoder/tok_wordpiece.h"

#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/tok_chars.h"

enum {
    WORD_CHARS_MAX = 100, /* a longer word is unknown, as in the reference */
    CHAR_BYTES_MAX = 4
};

enum place { WORD_START, WORD_INSIDE }; /* also the seed of the hash */

struct token {
    const char *bytes; /* inside the map, without "##" and the line's end */
    uint32_t n;
    enum place place;
};

struct slot {
    uint32_t hash;
    int32_t id; /* TOK_NONE: free */
};

struct tok_wordpiece {
    struct file_map map;    /* holds the tokens' bytes, or */
    struct tok_vocab vocab; /* this does */
    struct token *tokens;   /* [n_tokens] */
    size_t n_tokens;
    struct slot *slots; /* [mask + 1], at most half full */
    size_t mask;
    size_t token_bytes_max;
    int32_t unknown;
    bool lower_case;
};

/* The vocabulary. */

/* The place in `slots` that holds the token, or the free one where it would go. */
static size_t find_slot(const struct tok_wordpiece *model, const struct token *wanted,
                        uint32_t *hash)
{
    *hash = (uint32_t)XXH3_64bits_withSeed(wanted->bytes, wanted->n, wanted->place);
    size_t at = *hash & model->mask;
    while (model->slots[at].id != TOK_NONE) {
        const struct token *token = &model->tokens[model->slots[at].id];
        if (model->slots[at].hash == *hash && token->n == wanted->n &&
            token->place == wanted->place &&
            memcmp(token->bytes, wanted->bytes, wanted->n) == 0) {
            break;
        }
        at = (at + 1) & model->mask;
    }
    return at;
}

static int32_t find_token(const struct tok_wordpiece *model, const char *bytes,
                          size_t n, enum place place)
{
    uint32_t hash;
    struct token wanted = {bytes, (uint32_t)n, place};
    return model->slots[find_slot(model, &wanted, &hash)].id;
}

/* A token written out, "##" before what stands inside a word. */
static struct token make_token(const char *bytes, size_t n)
{
    if (n > 2 && memcmp(bytes, "##", 2) == 0) {
        return (struct token){bytes + 2, (uint32_t)n - 2, WORD_INSIDE};
    }
    return (struct token){bytes, (uint32_t)n, WORD_START};
}

/* The next line's token; *text moves behind the line. */
static struct token read_line(const char **text, const char *end)
{
    const char *begin = *text;
    const char *stop = memchr(begin, '\n', (size_t)(end - begin));
    *text = stop == NULL ? end : stop + 1;
    stop = stop == NULL ? end : stop;
    if (stop > begin && stop[-1] == '\r') {
        stop--;
    }
    return make_token(begin, (size_t)(stop - begin));
}

static size_t count_lines(const char *text, const char *end)
{
    size_t n = 0;
    while (text < end) {
        (void)read_line(&text, end);
        n++;
    }
    return n;
}

static enum err alloc_tables(struct tok_wordpiece *model, size_t n_tokens)
{
    size_t n_slots = 64;
    while (n_slots < 2 * n_tokens) {
        n_slots *= 2;
    }
    model->tokens = alloc_array(n_tokens, sizeof *model->tokens);
    model->slots = alloc_array(n_slots, sizeof *model->slots);
    if (model->tokens == NULL || model->slots == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n_slots; i++) {
        model->slots[i].id = TOK_NONE;
    }
    model->mask = n_slots - 1;
    return ERR_OK;
}

static void add_token(struct tok_wordpiece *model, struct token token)
{
    uint32_t hash;
    model->tokens[model->n_tokens] = token;
    size_t at = find_slot(model, &token, &hash);
    model->slots[at] = (struct slot){hash, (int32_t)model->n_tokens};
    model->n_tokens++;
    if (token.n > model->token_bytes_max) {
        model->token_bytes_max = token.n;
    }
}

static enum err read_lines(struct tok_wordpiece *model)
{
    const char *text = (const char *)model->map.data;
    const char *end = text + model->map.size;
    TRY(alloc_tables(model, count_lines(text, end)));
    while (text < end) {
        add_token(model, read_line(&text, end));
    }
    return ERR_OK;
}

static enum err read_vocab(struct tok_wordpiece *model)
{
    TRY(alloc_tables(model, model->vocab.n));
    for (size_t id = 0; id < model->vocab.n; id++) {
        size_t n;
        const char *token = tok_vocab_token(&model->vocab, id, &n);
        add_token(model, make_token(token, n));
    }
    return ERR_OK;
}

static enum err find_unknown(struct tok_wordpiece *model, const char *unknown)
{
    model->unknown = tok_wordpiece_find(model, unknown, strlen(unknown));
    FAIL_IF(model->unknown == TOK_NONE, ERR_MODEL, "the vocabulary has no %s", unknown);
    return ERR_OK;
}

enum err tok_wordpiece_open_lines(struct tok_wordpiece **out, struct file_map *lines,
                                  const char *unknown, bool lower_case)
{
    *out = NULL;
    struct tok_wordpiece *model = alloc_zero(1, sizeof *model);
    if (model == NULL) {
        file_map_close(lines);
        return ERR_NOMEM;
    }
    model->map = *lines;
    *lines = (struct file_map){0};
    model->lower_case = lower_case;
    tok_vocab_init(&model->vocab);
    enum err result;
    TRY_OUT(read_lines(model));
    TRY_OUT(find_unknown(model, unknown));
    *out = model;
    return ERR_OK;
out:
    tok_wordpiece_close(model);
    return result;
}

enum err tok_wordpiece_open(struct tok_wordpiece **out, struct tok_vocab *vocab,
                            const char *unknown, bool lower_case)
{
    *out = NULL;
    struct tok_wordpiece *model = alloc_zero(1, sizeof *model);
    if (model == NULL) {
        tok_vocab_release(vocab);
        return ERR_NOMEM;
    }
    model->vocab = *vocab;
    tok_vocab_init(vocab);
    model->lower_case = lower_case;
    enum err result;
    TRY_OUT(read_vocab(model));
    TRY_OUT(find_unknown(model, unknown));
    *out = model;
    return ERR_OK;
out:
    tok_wordpiece_close(model);
    return result;
}

void tok_wordpiece_close(struct tok_wordpiece *model)
{
    if (model != NULL) {
        alloc_free(model->slots);
        alloc_free(model->tokens);
        file_map_close(&model->map);
        tok_vocab_release(&model->vocab);
        alloc_free(model);
    }
}

size_t tok_wordpiece_size(const struct tok_wordpiece *model)
{
    return model->n_tokens;
}

int32_t tok_wordpiece_find(const struct tok_wordpiece *model, const char *token,
                           size_t n)
{
    struct token wanted = make_token(token, n);
    return find_token(model, wanted.bytes, wanted.n, wanted.place);
}

/* Words into pieces. */

struct encoding {
    const struct tok_wordpiece *model;
    struct tok_out *out;
    /* The word being collected. */
    char bytes[WORD_CHARS_MAX * CHAR_BYTES_MAX];
    size_t starts[WORD_CHARS_MAX + 1]; /* of its characters, and the end */
    size_t n_chars;                    /* WORD_CHARS_MAX + 1: too long */
};

/* The longest token that begins at character `first`; *next is the one behind it. */
static int32_t match_longest(const struct encoding *e, size_t first, size_t *next)
{
    enum place place = first == 0 ? WORD_START : WORD_INSIDE;
    for (size_t end = e->n_chars; end > first; end--) {
        size_t n = e->starts[end] - e->starts[first];
        if (n > e->model->token_bytes_max) {
            continue;
        }
        int32_t id = find_token(e->model, e->bytes + e->starts[first], n, place);
        if (id != TOK_NONE) {
            *next = end;
            return id;
        }
    }
    return TOK_NONE;
}

/* One unknown token stands for the whole word, whichever part of it is unknown. */
static void end_word(struct encoding *e)
{
    int32_t pieces[WORD_CHARS_MAX];
    size_t n_pieces = 0;
    bool known = e->n_chars <= WORD_CHARS_MAX;
    for (size_t i = 0; known && i < e->n_chars; n_pieces++) {
        pieces[n_pieces] = match_longest(e, i, &i);
        known = pieces[n_pieces] != TOK_NONE;
    }
    if (!known) {
        tok_out_put(e->out, e->model->unknown);
    }
    for (size_t i = 0; known && i < n_pieces; i++) {
        tok_out_put(e->out, pieces[i]);
    }
    e->n_chars = 0;
}

static void add_char(struct encoding *e, int32_t c)
{
    if (e->n_chars >= WORD_CHARS_MAX) {
        e->n_chars = WORD_CHARS_MAX + 1;
        return;
    }
    size_t at = e->n_chars == 0 ? 0 : e->starts[e->n_chars];
    e->starts[e->n_chars] = at;
    e->starts[e->n_chars + 1] = at + utf8_put(c, e->bytes + at);
    e->n_chars++;
}

static void add_lone_char(struct encoding *e, int32_t c)
{
    end_word(e);
    add_char(e, c);
    end_word(e);
}

/* Text into words. */

/* A character of a word, folded already. */
static void add_folded(struct encoding *e, int32_t c)
{
    if (tok_char_class(c) == TOK_PUNCTUATION) {
        add_lone_char(e, c);
    } else {
        add_char(e, c);
    }
}

static void add_text_char(struct encoding *e, int32_t c)
{
    int32_t folded[TOK_FOLD_MAX] = {c};
    enum tok_class class = tok_char_class(c);
    if (class == TOK_SPACE) {
        end_word(e);
    }
    if (class == TOK_SPACE || class == TOK_DROPPED) {
        return;
    }
    size_t n = e->model->lower_case ? tok_char_fold(c, folded) : 1;
    if (class == TOK_CHINESE) { /* compatibility ideographs fold into plain ones */
        add_lone_char(e, folded[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!e->model->lower_case || tok_char_class(folded[i]) != TOK_MARK) {
            add_folded(e, folded[i]);
        }
    }
}

void tok_wordpiece_encode(const struct tok_wordpiece *model, const char *text, size_t n,
                          struct tok_out *out)
{
    struct encoding e = {.model = model, .out = out};
    for (size_t i = 0, step; i < n && !out->truncated; i += step) {
        int32_t c;
        step = utf8_next(text + i, n - i, &c);
        add_text_char(&e, c);
    }
    if (e.n_chars > 0) {
        end_word(&e);
    }
}
