/*
 * tok_text.h - a text being rewritten, and where in the original each byte comes from.
 *
 * The ids of a text hardly depend on its origin, but Metaspace's scheme "first" asks
 * whether a piece begins where the text began, and the reference answers from these
 * alignments. So they are kept as it keeps them, surprises included (NormalizedString of
 * tokenizers 0.23): a rewriting is a run of new characters, each of which replaces one
 * old character, is added behind the last one, or replaces one and swallows more.
 *
 * One thread at a time.
 */
#ifndef ENCODER_TOK_TEXT_H
#define ENCODER_TOK_TEXT_H

#include <stdint.h>

#include "base/error.h"

struct tok_align {
    uint32_t start, end; /* bytes of the original text; equal: of none of them */
};

struct tok_text {
    char *bytes;              /* [n], UTF-8, not ended by a NUL */
    struct tok_align *aligns; /* [n] */
    size_t n, capacity;       /* at most LIMIT_TOKENIZER_TEXT_BYTES */
};

void tok_text_release(struct tok_text *text);

/* Appends bytes[n]; byte i has aligns[i]. ERR_LIMIT, ERR_NOMEM. */
enum err tok_text_append(struct tok_text *text, const char *bytes,
                         const struct tok_align *aligns, size_t n) ERR_CHECK;

/* Appends bytes[n] that all have one alignment. */
enum err tok_text_append_at(struct tok_text *text, const char *bytes, size_t n,
                            struct tok_align align) ERR_CHECK;

/* The code point at byte `at`, which is before the end; *step is its length. */
int32_t tok_text_char(const struct tok_text *text, size_t at, size_t *step);

/* A rewriting of the whole of `old` into `new`. */
struct tok_change {
    const struct tok_text *old;
    struct tok_text *new;
    size_t at;      /* the old character that is next */
    uint32_t shift; /* where in the original the old text begins */
};

/* Empties `new` and begins, with the first `removed` characters left out. What is
 * aligned to nothing at the front is out of a rewriting's reach and stays in front. */
enum err tok_change_begin(struct tok_change *c, const struct tok_text *old,
                          struct tok_text *new, uint32_t shift, size_t removed)
    ERR_CHECK;

/* Puts a character: `change` 0 in place of the next old one, 1 beside the last, and -n
 * in place of the next old one and the n behind it. */
enum err tok_change_put(struct tok_change *c, int32_t code_point, long change)
    ERR_CHECK;

#endif
