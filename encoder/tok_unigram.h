/*
 * tok_unigram.h - SentencePiece's unigram model: of all ways to cut a piece into tokens,
 * the one with the greatest sum of scores (Viterbi). Read-only once open.
 */
#ifndef ENCODER_TOK_UNIGRAM_H
#define ENCODER_TOK_UNIGRAM_H

#include <stdbool.h>

#include "encoder/tok_out.h"
#include "encoder/tok_vocab.h"

struct tok_unigram;

/*
 * Takes over `vocab`, sealed, and `scores`[vocab->n], from alloc.h, also where it fails
 * (both are empty afterwards). `unknown` is an id of the vocabulary or TOK_NONE.
 * `byte_fallback`: what no token covers is spelled as "<0xE2>" and so on, if all these
 * exist.
 */
enum err tok_unigram_open(struct tok_unigram **out, struct tok_vocab *vocab,
                          double **scores, int32_t unknown, bool byte_fallback)
    ERR_CHECK;
void tok_unigram_close(struct tok_unigram *model);

const struct tok_vocab *tok_unigram_vocab(const struct tok_unigram *model);

/* What a thread needs while encoding; zeroed at first, released at the end. */
struct tok_unigram_work {
    struct unigram_node *nodes;
    size_t capacity;
};
void tok_unigram_work_release(struct tok_unigram_work *work);

/* Appends the ids of text[n]. ERR_MODEL: an unknown character, and no unknown token. */
enum err tok_unigram_encode(const struct tok_unigram *model, const char *text, size_t n,
                            struct tok_unigram_work *work, struct tok_out *out)
    ERR_CHECK;

#endif
