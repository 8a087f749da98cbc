/*
 * tok_added.c - see tok_added.h.
 */
#include "encoder/tok_added.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/tok_unicode.h"

void tok_added_init(struct tok_added *added)
{
    *added = (struct tok_added){0};
    buf_init(&added->bytes, LIMIT_MODEL_VOCABULARY_BYTES);
}

void tok_added_release(struct tok_added *added)
{
    buf_release(&added->bytes);
    alloc_free(added->spans);
    alloc_free(added->items);
    tok_prefix_close(&added->set);
    tok_added_init(added);
}

static enum err grow(struct tok_added *added)
{
    size_t capacity = 2 * added->capacity + 16;
    struct tok_span *spans = alloc_resize(added->spans, capacity, sizeof *spans);
    if (spans == NULL) {
        return ERR_NOMEM;
    }
    added->spans = spans;
    struct tok_added_token *items = alloc_resize(added->items, capacity, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    added->items = items;
    added->capacity = capacity;
    return ERR_OK;
}

enum err tok_added_add(struct tok_added *added, const char *text, size_t n,
                       struct tok_added_token token)
{
    FAIL_IF(n == 0, ERR_MODEL, "the added token %d is empty once normalized", token.id);
    FAIL_IF(n > LIMIT_TOKEN_BYTES, ERR_MODEL, "the added token %d has %zu bytes",
            token.id, n);
    if (added->n == added->capacity) {
        TRY(grow(added));
    }
    added->spans[added->n] =
        (struct tok_span){(uint32_t)added->bytes.size, (uint32_t)n};
    added->items[added->n] = token;
    TRY(buf_append(&added->bytes, text, n));
    added->n++;
    return ERR_OK;
}

enum err tok_added_seal(struct tok_added *added)
{
    const char *bytes = added->bytes.data;
    TRY(tok_prefix_open(&added->set, bytes, added->spans, added->n));
    for (size_t i = 1; i < added->n; i++) {
        const struct tok_span *a = &added->spans[added->set.order[i - 1]];
        const struct tok_span *b = &added->spans[added->set.order[i]];
        FAIL_IF(a->n == b->n && memcmp(bytes + a->at, bytes + b->at, a->n) == 0,
                ERR_MODEL, "two added tokens look alike: \"%.*s\"",
                a->n < 40 ? (int)a->n : 40, bytes + a->at);
    }
    return ERR_OK;
}

/* The longest token at text[0], or TOK_NONE; *length is what it takes. */
static int32_t match(const struct tok_added *added, const char *text, size_t n,
                     size_t *length)
{
    int32_t found = TOK_NONE;
    struct tok_walk walk = tok_walk_begin(&added->set);
    for (size_t i = 0; i < n && tok_walk_step(&added->set, &walk, text[i]); i++) {
        int32_t hit = tok_walk_hit(&added->set, &walk);
        if (hit != TOK_NONE) {
            found = hit;
            *length = i + 1;
        }
    }
    return found;
}

/* The character that ends at `at`, which is past the start; *step is its length. */
static int32_t char_before(const struct tok_text *text, size_t at, size_t *step)
{
    size_t begin = at - 1, length;
    while (begin > 0 && ((unsigned char)text->bytes[begin] & 0xc0) == 0x80) {
        begin--;
    }
    *step = at - begin;
    return tok_text_char(text, begin, &length);
}

static bool stands_alone(const struct tok_text *text, size_t begin, size_t end)
{
    size_t step;
    return (begin == 0 || !tok_is_word(char_before(text, begin, &step))) &&
           (end == text->n || !tok_is_word(tok_text_char(text, end, &step)));
}

/* Where the white space from `at` on ends. A run is gone over once, however many tokens
 * are found within it. */
static size_t skip_spaces(const struct tok_text *text, size_t at,
                          struct tok_found *found)
{
    size_t step;
    if (at < found->spaces_end) {
        return found->spaces_end;
    }
    while (at < text->n && tok_is_space(tok_text_char(text, at, &step))) {
        at += step;
    }
    found->spaces_end = at;
    return at;
}

static size_t skip_spaces_back(const struct tok_text *text, size_t at, size_t least)
{
    size_t step;
    while (at > least && tok_is_space(char_before(text, at, &step))) {
        at -= step;
    }
    return at > least ? at : least;
}

bool tok_added_next(const struct tok_added *added, const struct tok_text *text,
                    struct tok_found *found)
{
    size_t n;
    for (size_t i = found->next; i < text->n && added->n > 0; i += n) {
        int32_t hit = match(added, text->bytes + i, text->n - i, &n);
        if (hit == TOK_NONE) {
            (void)tok_text_char(text, i, &n);
            continue;
        }
        const struct tok_added_token *token = &added->items[hit];
        if (token->single_word && !stands_alone(text, i, i + n)) {
            continue;
        }
        size_t done = found->end, end = i + n;
        end = token->rstrip ? skip_spaces(text, end, found) : end;
        found->begin = token->lstrip ? skip_spaces_back(text, i, done) : i;
        found->end = end > found->begin ? end : found->begin;
        found->next = i + n;
        found->id = token->id;
        return true;
    }
    return false;
}

/* Appends text[begin..end], whose bytes stand in `out` from `base` on. */
static enum err add_piece(struct tok_pieces *out, size_t base, size_t begin, size_t end,
                          int32_t id)
{
    struct tok_piece piece = {base + begin, base + end, 0, id};
    if (begin < end) {
        piece.shift = out->text.aligns[base + begin].start;
    }
    return tok_pieces_add(out, piece);
}

enum err tok_added_split(const struct tok_added *added, const struct tok_text *text,
                         struct tok_pieces *out)
{
    struct tok_found found = {0};
    size_t base = out->text.n, done = 0;
    TRY(tok_text_append(&out->text, text->bytes, text->aligns, text->n));
    while (tok_added_next(added, text, &found)) {
        if (done < found.begin) {
            TRY(add_piece(out, base, done, found.begin, TOK_NONE));
        }
        TRY(add_piece(out, base, found.begin, found.end, found.id));
        done = found.end;
    }
    return done < text->n ? add_piece(out, base, done, text->n, TOK_NONE) : ERR_OK;
}
