/*
 * tok_unicode.h - what the tokenizers of tokenizer.json know of each character.
 *
 * Each part of the reference carries a Unicode of its own: 9 in NFC, NFD, NFKC, NFKD and
 * StripAccents, 17 in upper and lower case, white space, numbers and grapheme clusters.
 * utf8proc has 15. The differences that can be seen in characters that Unicode 15 has
 * are in tables here; those assigned later are unknown, letters or not. Any thread.
 */
#ifndef ENCODER_TOK_UNICODE_H
#define ENCODER_TOK_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool tok_is_space(int32_t c);  /* White_Space */
bool tok_is_number(int32_t c); /* Nd, Nl, No */
bool tok_is_word(int32_t c);   /* \w of Rust's regex: letters, marks, digits, Pc */

/* Lower case of one character alone, so a final sigma is none; out[2], returns how
 * many. */
size_t tok_lower(int32_t c, int32_t *out);

/* Normalization as Unicode 9 had it: what came later decomposes into itself, has class 0
 * and is no mark. */
enum { TOK_DECOMPOSE_MAX = 32 };
size_t tok_decompose(int32_t c, bool compatible, int32_t *out);
int tok_combining_class(int32_t c);
bool tok_is_combining_mark(int32_t c);

/* The primary composite of two characters, or -1. */
int32_t tok_compose(int32_t a, int32_t b);

/* Extended grapheme clusters (UAX 29), by way of the break before each character. */
struct tok_grapheme {
    int32_t last;   /* the character before; -1 at the start of the text */
    int last_class; /* utf8proc's bound class of it */
    int flags;      /* what GB9c, GB11 and GB12 look back at */
};
void tok_grapheme_begin(struct tok_grapheme *g);

/* Whether a cluster ends before `c`; false for the first character. */
bool tok_grapheme_break(struct tok_grapheme *g, int32_t c);

#endif
