/*
 * tok_normalize.c - see tok_normalize.h. NFC and its kin are in tok_nf.c.
 */
#include "encoder/tok_normalize.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/tok_nf.h"
#include "encoder/tok_unicode.h"

/* What every step gets. */
struct step {
    const struct tok_normalizer *spec;
    const struct tok_text *old;
    struct tok_text *new;
    uint32_t shift;
    struct tok_clock *clock;
};

void tok_normalizer_release(struct tok_normalizer *step)
{
    alloc_free(step->content);
    alloc_free(step->literal);
    tok_regex_close(step->regex);
    tok_charsmap_close(step->charsmap);
    *step = (struct tok_normalizer){0};
}

static enum err lowercase(const struct step *s)
{
    struct tok_change change;
    TRY(tok_change_begin(&change, s->old, s->new, s->shift, 0));
    for (size_t i = 0, step; i < s->old->n; i += step) {
        int32_t lower[2];
        size_t n = tok_lower(tok_text_char(s->old, i, &step), lower);
        for (size_t k = 0; k < n; k++) {
            TRY(tok_change_put(&change, lower[k], k > 0));
        }
    }
    return ERR_OK;
}

/* Keeps the characters that `keep` accepts, and counts those dropped behind each. */
static enum err filter(const struct step *s, bool (*keep)(int32_t))
{
    struct tok_change change;
    const struct tok_text *old = s->old;
    size_t i = 0, step, n_removed = 0;
    for (; i < old->n && !keep(tok_text_char(old, i, &step)); i += step) {
        n_removed++;
    }
    TRY(tok_change_begin(&change, old, s->new, s->shift, i < old->n ? n_removed : 0));
    while (i < old->n) {
        int32_t kept = tok_text_char(old, i, &step);
        long dropped = 0;
        for (i += step; i < old->n && !keep(tok_text_char(old, i, &step)); i += step) {
            dropped++;
        }
        TRY(tok_change_put(&change, kept, -dropped));
    }
    return ERR_OK;
}

static bool is_no_mark(int32_t c)
{
    return !tok_is_combining_mark(c);
}

static bool is_kept_by_nmt(int32_t c)
{
    return !((c >= 0x1 && c <= 0x8) || c == 0xb || (c >= 0xe && c <= 0x1f) ||
             c == 0x7f || c == 0x8f || c == 0x9f);
}

static bool is_space_of_nmt(int32_t c)
{
    return c == 0x9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 ||
           (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xfeff || c == 0xfffd;
}

/* SentencePiece's oldest rules. The second half goes over the new text in place: each
 * space is shorter than what it replaces, so it moves the rest up. */
static enum err nmt(const struct step *s)
{
    TRY(filter(s, is_kept_by_nmt));
    struct tok_text *text = s->new;
    size_t n = 0;
    for (size_t i = 0, step; i < text->n; i += step) {
        bool space = is_space_of_nmt(tok_text_char(text, i, &step));
        for (size_t k = 0; k < (space ? 1 : step); k++, n++) {
            text->bytes[n] = space ? ' ' : text->bytes[i + k];
            text->aligns[n] = text->aligns[i + k];
        }
    }
    text->n = n;
    return ERR_OK;
}

int32_t tok_byte_char(unsigned char byte)
{
    if (byte <= ' ') {
        return 0x100 + byte;
    }
    if (byte >= 0x7f && byte <= 0xa0) {
        return 0x121 + (byte - 0x7f);
    }
    return byte == 0xad ? 0x143 : byte;
}

static enum err to_bytes(const struct step *s)
{
    struct tok_change change;
    TRY(tok_change_begin(&change, s->old, s->new, s->shift, 0));
    for (size_t i = 0; i < s->old->n; i++) {
        unsigned char byte = (unsigned char)s->old->bytes[i];
        TRY(tok_change_put(&change, tok_byte_char(byte), (byte & 0xc0) == 0x80));
    }
    return ERR_OK;
}

static enum err strip(const struct step *s)
{
    struct tok_change change;
    const struct tok_text *old = s->old;
    size_t begin = 0, end = 0, step, n_removed = 0;
    while (s->spec->left && begin < old->n &&
           tok_is_space(tok_text_char(old, begin, &step))) {
        begin += step;
        n_removed++;
    }
    for (size_t i = begin; i < old->n; i += step) {
        bool space = tok_is_space(tok_text_char(old, i, &step));
        end = space && s->spec->right ? end : i + step;
    }
    TRY(tok_change_begin(&change, old, s->new, s->shift, n_removed));
    for (size_t i = begin; i < end; i += step) {
        TRY(tok_change_put(&change, tok_text_char(old, i, &step), 0));
    }
    return ERR_OK;
}

static enum err prepend(const struct step *s)
{
    const struct tok_text *old = s->old;
    s->new->n = 0;
    if (old->n > 0) {
        TRY(tok_text_append_at(s->new, s->spec->content, s->spec->n_content,
                               old->aligns[0]));
    }
    return tok_text_append(s->new, old->bytes, old->aligns, old->n);
}

/* Puts what stands before the match at begin..end, and the content in its place. */
static enum err put_replacement(const struct step *s, size_t *done, size_t begin,
                                size_t end)
{
    struct tok_align align = {s->shift, s->shift};
    const struct tok_text *old = s->old;
    TRY(tok_text_append(s->new, old->bytes + *done, old->aligns + *done,
                        begin - *done));
    if (end > 0) {
        align = old->aligns[end - 1];
    }
    *done = end;
    return tok_text_append_at(s->new, s->spec->content, s->spec->n_content, align);
}

static enum err replace_literal(const struct step *s, size_t *done)
{
    const struct tok_normalizer *spec = s->spec;
    for (;;) {
        const char *from = s->old->bytes + *done;
        const char *hit =
            memmem(from, s->old->n - *done, spec->literal, spec->n_literal);
        if (hit == NULL) {
            return ERR_OK;
        }
        size_t begin = (size_t)(hit - s->old->bytes);
        TRY(put_replacement(s, done, begin, begin + spec->n_literal));
    }
}

static enum err replace_regex(const struct step *s, size_t *done)
{
    struct tok_search search;
    tok_search_begin(&search, s->spec->regex, s->clock, s->old->bytes, s->old->n);
    for (;;) {
        size_t begin, end;
        bool found;
        TRY(tok_search_next(&search, &found, &begin, &end));
        if (!found) {
            return ERR_OK;
        }
        TRY(put_replacement(s, done, begin, end));
    }
}

static enum err replace(const struct step *s)
{
    size_t done = 0;
    s->new->n = 0;
    if (s->old->n == 0) {
        return ERR_OK;
    }
    TRY(s->spec->literal != NULL ? replace_literal(s, &done) : replace_regex(s, &done));
    return tok_text_append(s->new, s->old->bytes + done, s->old->aligns + done,
                           s->old->n - done);
}

static enum err charsmap(const struct step *s)
{
    return tok_nf_charsmap(s->spec->charsmap, s->old, s->new, s->shift);
}

static enum err run_step(const struct step *s)
{
    switch (s->spec->kind) {
    case TOK_NFC:
    case TOK_NFD:
    case TOK_NFKC:
    case TOK_NFKD:
        return tok_nf(s->spec->kind, s->old, s->new, s->shift);
    case TOK_LOWERCASE:
        return lowercase(s);
    case TOK_STRIP_ACCENTS:
        return filter(s, is_no_mark);
    case TOK_NMT:
        return nmt(s);
    case TOK_BYTES:
        return to_bytes(s);
    case TOK_STRIP:
        return strip(s);
    case TOK_PREPEND:
        return prepend(s);
    case TOK_REPLACE:
        return replace(s);
    case TOK_CHARSMAP:
        return charsmap(s);
    }
    return ERR_INTERNAL;
}

enum err tok_normalize(const struct tok_normalizer *steps, size_t n,
                       struct tok_text *text, struct tok_text *other, uint32_t shift,
                       struct tok_clock *clock)
{
    for (size_t i = 0; i < n; i++) {
        struct step step = {&steps[i], text, other, shift, clock};
        TRY(run_step(&step));
        struct tok_text new = *other;
        *other = *text;
        *text = new;
    }
    return ERR_OK;
}
