/*
 * tok_text.c - see tok_text.h.
 */
#include "encoder/tok_text.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/utf8.h"

void tok_text_release(struct tok_text *text)
{
    alloc_free(text->bytes);
    alloc_free(text->aligns);
    *text = (struct tok_text){0};
}

static enum err reserve(struct tok_text *text, size_t n)
{
    FAIL_IF(n > LIMIT_TOKENIZER_TEXT_BYTES - text->n, ERR_LIMIT,
            "the tokenizer makes more than %u bytes of the text",
            LIMIT_TOKENIZER_TEXT_BYTES);
    if (text->n + n <= text->capacity) {
        return ERR_OK;
    }
    size_t capacity = 2 * (text->n + n) + 64;
    char *bytes = alloc_resize(text->bytes, capacity, 1);
    if (bytes == NULL) {
        return ERR_NOMEM;
    }
    text->bytes = bytes;
    struct tok_align *aligns = alloc_resize(text->aligns, capacity, sizeof *aligns);
    if (aligns == NULL) {
        return ERR_NOMEM;
    }
    text->aligns = aligns;
    text->capacity = capacity;
    return ERR_OK;
}

enum err tok_text_append(struct tok_text *text, const char *bytes,
                         const struct tok_align *aligns, size_t n)
{
    TRY(reserve(text, n));
    if (n > 0) {
        memcpy(text->bytes + text->n, bytes, n);
        memcpy(text->aligns + text->n, aligns, n * sizeof *aligns);
    }
    text->n += n;
    return ERR_OK;
}

enum err tok_text_append_at(struct tok_text *text, const char *bytes, size_t n,
                            struct tok_align align)
{
    TRY(reserve(text, n));
    for (size_t i = 0; i < n; i++) {
        text->bytes[text->n + i] = bytes[i];
        text->aligns[text->n + i] = align;
    }
    text->n += n;
    return ERR_OK;
}

int32_t tok_text_char(const struct tok_text *text, size_t at, size_t *step)
{
    int32_t c = (unsigned char)text->bytes[at];
    *step = c < 0x80 ? 1 : utf8_next(text->bytes + at, text->n - at, &c);
    return c;
}

static void skip_char(struct tok_change *c)
{
    size_t step;
    if (c->at < c->old->n) {
        (void)tok_text_char(c->old, c->at, &step);
        c->at += step;
    }
}

enum err tok_change_begin(struct tok_change *c, const struct tok_text *old,
                          struct tok_text *new, uint32_t shift, size_t removed)
{
    *c = (struct tok_change){old, new, 0, shift};
    while (c->at < old->n && old->aligns[c->at].start == old->aligns[c->at].end) {
        c->at++;
    }
    new->n = 0;
    TRY(tok_text_append(new, old->bytes, old->aligns, c->at));
    for (size_t i = 0; i < removed; i++) {
        skip_char(c);
    }
    return ERR_OK;
}

enum err tok_change_put(struct tok_change *c, int32_t code_point, long change)
{
    char bytes[4];
    struct tok_align align = {c->shift, c->shift};
    if (c->old->n == 0) { /* nothing to rewrite */
        return ERR_OK;
    }
    if (change <= 0 && c->at < c->old->n) {
        align = c->old->aligns[c->at];
    } else if (c->at > 0) {
        align = c->old->aligns[c->at - 1];
    }
    for (long i = change; i <= 0; i++) {
        skip_char(c);
    }
    return tok_text_append_at(c->new, bytes, utf8_put(code_point, bytes), align);
}
