/*
 * tok_nf.h - the normalizers that work on more than one character at a time: the four
 * normal forms, and SentencePiece's charsmap over grapheme clusters. Any thread.
 */
#ifndef ENCODER_TOK_NF_H
#define ENCODER_TOK_NF_H

#include "encoder/tok_normalize.h"

/* `kind` is one of TOK_NFC, TOK_NFD, TOK_NFKC and TOK_NFKD. */
enum err tok_nf(enum tok_normalizer_kind kind, const struct tok_text *old,
                struct tok_text *new, uint32_t shift) ERR_CHECK;

/* A cluster of under 6 bytes is looked up as a whole; of any other, and of one that is
 * not found, each character. */
enum err tok_nf_charsmap(const struct tok_charsmap *map, const struct tok_text *old,
                         struct tok_text *new, uint32_t shift) ERR_CHECK;

#endif
