/*
 * tok_normalize.h - the "normalizer" of tokenizer.json: steps that rewrite a text.
 *
 * Read-only once built; each thread brings its own texts and clock.
 */
#ifndef ENCODER_TOK_NORMALIZE_H
#define ENCODER_TOK_NORMALIZE_H

#include <stdbool.h>

#include "encoder/tok_charsmap.h"
#include "encoder/tok_regex.h"
#include "encoder/tok_text.h"

enum tok_normalizer_kind {
    TOK_NFC,
    TOK_NFD,
    TOK_NFKC,
    TOK_NFKD,
    TOK_LOWERCASE,
    TOK_STRIP_ACCENTS,
    TOK_NMT,
    TOK_BYTES,   /* every byte becomes a printable character, see tok_byte_char */
    TOK_STRIP,   /* white space at the ends, by `left` and `right` */
    TOK_PREPEND, /* `content` before a text that is not empty */
    TOK_REPLACE, /* what `regex` or `literal` matches, by `content` */
    TOK_CHARSMAP
};

struct tok_normalizer {
    enum tok_normalizer_kind kind;
    bool left, right;
    char *content; /* [n_content], owned */
    size_t n_content;
    char *literal; /* [n_literal], owned; NULL: the regex */
    size_t n_literal;
    struct tok_regex *regex;
    struct tok_charsmap *charsmap;
};

/* Frees what one step owns. */
void tok_normalizer_release(struct tok_normalizer *step);

/*
 * Runs steps[n] over `text`, which begins at byte `shift` of the original; `other` is
 * scratch. ERR_MODEL: a regex passes its limits. ERR_LIMIT: the text grows past
 * LIMIT_TOKENIZER_TEXT_BYTES.
 */
enum err tok_normalize(const struct tok_normalizer *steps, size_t n,
                       struct tok_text *text, struct tok_text *other, uint32_t shift,
                       struct tok_clock *clock) ERR_CHECK;

/* GPT-2's printable character for a byte: itself, or one of U+0100 to U+0143. */
int32_t tok_byte_char(unsigned char byte);

#endif
