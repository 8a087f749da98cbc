/*
 * tok_chars.h - what BERT's tokenizer sees in each character. Any thread.
 */
#ifndef ENCODER_TOK_CHARS_H
#define ENCODER_TOK_CHARS_H

#include <stddef.h>
#include <stdint.h>

enum tok_class {
    TOK_ORDINARY,    /* part of a word */
    TOK_SPACE,       /* ends a word */
    TOK_DROPPED,     /* as if it were not there: NUL, controls, U+FFFD */
    TOK_CHINESE,     /* an ideograph: a word of its own */
    TOK_PUNCTUATION, /* a word of its own */
    TOK_MARK         /* an accent: stripped with lower case, else part of a word */
};

/* The class of `code_point`, which must be a valid one. */
enum tok_class tok_char_class(int32_t code_point);

enum { TOK_FOLD_MAX = 8 }; /* no canonical decomposition is longer than four */

/* Lower case and canonical decomposition (NFD) of one character into
 * out[TOK_FOLD_MAX]; marks are still there. Returns how many. */
size_t tok_char_fold(int32_t code_point, int32_t *out);

#endif
