/*
 * tokenizer.c - see tokenizer.h.
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
#include "encoder/tokenizer.h"

#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/model_file.h"
#include "encoder/tok_chars.h"

enum {
    WORD_CHARS_MAX = 100, /* a longer word is [UNK], as in the reference */
    CHAR_BYTES_MAX = 4,
    N_SPECIAL = 5,
    NO_TOKEN = -1
};

static const char *const special_tokens[N_SPECIAL] = {"[UNK]", "[CLS]", "[SEP]",
                                                      "[PAD]", "[MASK]"};
enum { UNK, CLS, SEP, N_REQUIRED }; /* places in special_tokens */

enum place { WORD_START, WORD_INSIDE }; /* also the seed of the hash */

struct token {
    const char *bytes; /* inside the map, without "##" and the line's end */
    uint32_t n;
    enum place place;
};

struct slot {
    uint32_t hash;
    int32_t id; /* NO_TOKEN: free */
};

struct tok {
    struct file_map map;
    struct token *tokens; /* [n_tokens] */
    size_t n_tokens;
    struct slot *slots; /* [mask + 1], at most half full */
    size_t mask;
    size_t token_bytes_max;
    int32_t special[N_SPECIAL]; /* ids; NO_TOKEN where the vocabulary has none */
    bool lower_case;
};

/* The vocabulary. */

/* The place in `slots` that holds the token, or the free one where it would go. */
static size_t find_slot(const struct tok *tok, const struct token *wanted,
                        uint32_t *hash)
{
    *hash = (uint32_t)XXH3_64bits_withSeed(wanted->bytes, wanted->n, wanted->place);
    size_t at = *hash & tok->mask;
    while (tok->slots[at].id != NO_TOKEN) {
        const struct token *token = &tok->tokens[tok->slots[at].id];
        if (tok->slots[at].hash == *hash && token->n == wanted->n &&
            token->place == wanted->place &&
            memcmp(token->bytes, wanted->bytes, wanted->n) == 0) {
            break;
        }
        at = (at + 1) & tok->mask;
    }
    return at;
}

static int32_t find_token(const struct tok *tok, const char *bytes, size_t n,
                          enum place place)
{
    uint32_t hash;
    struct token wanted = {bytes, (uint32_t)n, place};
    return tok->slots[find_slot(tok, &wanted, &hash)].id;
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
    struct token token = {begin, (uint32_t)(stop - begin), WORD_START};
    if (token.n > 2 && memcmp(begin, "##", 2) == 0) {
        token = (struct token){begin + 2, token.n - 2, WORD_INSIDE};
    }
    return token;
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

static enum err alloc_tables(struct tok *tok, size_t n_tokens)
{
    size_t n_slots = 64;
    while (n_slots < 2 * n_tokens) {
        n_slots *= 2;
    }
    tok->tokens = alloc_array(n_tokens, sizeof *tok->tokens);
    tok->slots = alloc_array(n_slots, sizeof *tok->slots);
    if (tok->tokens == NULL || tok->slots == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n_slots; i++) {
        tok->slots[i].id = NO_TOKEN;
    }
    tok->mask = n_slots - 1;
    return ERR_OK;
}

/* Of a token that is there twice, the later line counts, as in the reference. */
static enum err read_vocabulary(struct tok *tok)
{
    const char *text = (const char *)tok->map.data;
    const char *end = text + tok->map.size;
    TRY(alloc_tables(tok, count_lines(text, end)));
    while (text < end) {
        uint32_t hash;
        struct token *token = &tok->tokens[tok->n_tokens];
        *token = read_line(&text, end);
        size_t at = find_slot(tok, token, &hash);
        tok->slots[at] = (struct slot){hash, (int32_t)tok->n_tokens};
        tok->n_tokens++;
        if (token->n > tok->token_bytes_max) {
            tok->token_bytes_max = token->n;
        }
    }
    for (int i = 0; i < N_SPECIAL; i++) {
        const char *name = special_tokens[i];
        tok->special[i] = find_token(tok, name, strlen(name), WORD_START);
        FAIL_IF(i < N_REQUIRED && tok->special[i] == NO_TOKEN, ERR_MODEL,
                "the vocabulary has no %s", name);
    }
    return ERR_OK;
}

enum err tok_open(struct tok **out, const char *path, bool lower_case)
{
    *out = NULL;
    struct tok *tok = alloc_zero(1, sizeof *tok);
    if (tok == NULL) {
        return ERR_NOMEM;
    }
    tok->lower_case = lower_case;
    enum err result = ERR_OK;
    TRY_OUT(model_file_map(&tok->map, path));
    if (tok->map.size > LIMIT_MODEL_VOCABULARY_BYTES) {
        result =
            err_set(ERR_MODEL, "%s: a vocabulary of %zu bytes", path, tok->map.size);
        goto out;
    }
    result = read_vocabulary(tok);
    if (result != ERR_OK) {
        (void)err_prefix(result, "%s", path);
        goto out;
    }
    *out = tok;
    return ERR_OK;
out:
    tok_close(tok);
    return result;
}

void tok_close(struct tok *tok)
{
    if (tok != NULL) {
        alloc_free(tok->slots);
        alloc_free(tok->tokens);
        file_map_close(&tok->map);
        alloc_free(tok);
    }
}

size_t tok_vocabulary_size(const struct tok *tok)
{
    return tok->n_tokens;
}

/* Words into pieces. */

struct encoding {
    const struct tok *tok;
    int32_t *ids; /* [max] */
    size_t n, max;
    bool truncated;
    /* The word being collected. */
    char bytes[WORD_CHARS_MAX * CHAR_BYTES_MAX];
    size_t starts[WORD_CHARS_MAX + 1]; /* of its characters, and the end */
    size_t n_chars;                    /* WORD_CHARS_MAX + 1: too long */
};

static void emit(struct encoding *e, int32_t id)
{
    if (e->n + 1 < e->max) { /* the last place is [SEP]'s */
        e->ids[e->n] = id;
        e->n++;
    } else {
        e->truncated = true;
    }
}

/* The longest token that begins at character `first`; *next is the one behind it. */
static int32_t match_longest(const struct encoding *e, size_t first, size_t *next)
{
    enum place place = first == 0 ? WORD_START : WORD_INSIDE;
    for (size_t end = e->n_chars; end > first; end--) {
        size_t n = e->starts[end] - e->starts[first];
        if (n > e->tok->token_bytes_max) {
            continue;
        }
        int32_t id = find_token(e->tok, e->bytes + e->starts[first], n, place);
        if (id != NO_TOKEN) {
            *next = end;
            return id;
        }
    }
    return NO_TOKEN;
}

/* One [UNK] stands for the whole word, whichever part of it is unknown. */
static void end_word(struct encoding *e)
{
    int32_t pieces[WORD_CHARS_MAX];
    size_t n_pieces = 0;
    bool known = e->n_chars <= WORD_CHARS_MAX;
    for (size_t i = 0; known && i < e->n_chars; n_pieces++) {
        pieces[n_pieces] = match_longest(e, i, &i);
        known = pieces[n_pieces] != NO_TOKEN;
    }
    if (!known) {
        emit(e, e->tok->special[UNK]);
    }
    for (size_t i = 0; known && i < n_pieces; i++) {
        emit(e, pieces[i]);
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
    size_t n = e->tok->lower_case ? tok_char_fold(c, folded) : 1;
    if (class == TOK_CHINESE) { /* compatibility ideographs fold into plain ones */
        add_lone_char(e, folded[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!e->tok->lower_case || tok_char_class(folded[i]) != TOK_MARK) {
            add_folded(e, folded[i]);
        }
    }
}

/* The length of the special token written out at text[0], and its id; 0 if none. */
static size_t match_special(const struct tok *tok, const char *text, size_t n,
                            int32_t *id)
{
    for (int i = 0; i < N_SPECIAL && text[0] == '['; i++) {
        size_t length = strlen(special_tokens[i]);
        if (tok->special[i] != NO_TOKEN && length <= n &&
            memcmp(text, special_tokens[i], length) == 0) {
            *id = tok->special[i];
            return length;
        }
    }
    return 0;
}

static void add_text(struct encoding *e, const char *text, size_t n)
{
    for (size_t i = 0; i < n && !e->truncated;) {
        int32_t id, c;
        size_t step = match_special(e->tok, text + i, n - i, &id);
        if (step > 0) {
            end_word(e);
            emit(e, id);
        } else {
            step = utf8_next(text + i, n - i, &c);
            add_text_char(e, c);
        }
        i += step;
    }
    if (e->n_chars > 0) {
        end_word(e);
    }
}

enum err tok_encode(const struct tok *tok, const char *text, size_t n, int32_t *ids,
                    size_t max, size_t *n_ids, bool *truncated)
{
    FAIL_IF(max < 2, ERR_INVALID, "no room for [CLS] and [SEP]");
    FAIL_IF(!utf8_valid(text, n), ERR_INVALID, "the text is not UTF-8");
    struct encoding e = {.tok = tok, .ids = ids, .max = max};
    emit(&e, tok->special[CLS]);
    add_text(&e, text, n);
    ids[e.n] = tok->special[SEP];
    *n_ids = e.n + 1;
    *truncated = e.truncated;
    return ERR_OK;
}
