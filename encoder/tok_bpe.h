/*
 * tok_bpe.h - byte-pair encoding: a piece of text is its characters, and of all pairs
 * of neighbours the one that was merged first in training is merged first.
 *
 * Bound by a heap: n log n for a piece of n characters. Read-only once open.
 */
#ifndef ENCODER_TOK_BPE_H
#define ENCODER_TOK_BPE_H

#include <stdbool.h>

#include "encoder/tok_out.h"
#include "encoder/tok_vocab.h"

struct tok_bpe;

struct tok_bpe_options {
    const char
        *unknown; /* the token for a character that has none; NULL: it is dropped */
    const char
        *prefix; /* before every character of a piece but the first; never NULL */
    const char *suffix; /* behind the last one; never NULL */
    bool fuse_unknown;  /* unknown characters side by side are one token */
    bool byte_fallback; /* an unknown character is "<0xE2>" and so on, if these exist */
    bool ignore_merges; /* a piece that is a token is that token */
};

/* Takes over `vocab`, sealed, also where it fails (it is empty afterwards). The options
 * are copied. ERR_LIMIT: prefix or suffix past LIMIT_TOKENIZER_AFFIX_BYTES. */
enum err tok_bpe_open(struct tok_bpe **out, struct tok_vocab *vocab,
                      const struct tok_bpe_options *options) ERR_CHECK;
void tok_bpe_close(struct tok_bpe *bpe);

/* The merge that comes next in rank. ERR_MODEL: a part or the whole is no token. */
enum err tok_bpe_add_merge(struct tok_bpe *bpe, const char *left, size_t n_left,
                           const char *right, size_t n_right) ERR_CHECK;

/* Ends the adding. Of a pair that is there twice, the later counts. */
enum err tok_bpe_seal(struct tok_bpe *bpe) ERR_CHECK;

const struct tok_vocab *tok_bpe_vocab(const struct tok_bpe *bpe);

/* What a thread needs while encoding; zeroed at first, released at the end. */
struct tok_bpe_work {
    struct bpe_symbol *symbols; /* [n] */
    size_t n, capacity;
    struct bpe_merge *heap; /* [n_heap] */
    size_t n_heap, heap_capacity;
};
void tok_bpe_work_release(struct tok_bpe_work *work);

/* Appends the ids of text[n]. ERR_MODEL: an unknown character, and the unknown token
 * is not in the vocabulary. */
enum err tok_bpe_encode(const struct tok_bpe *bpe, const char *text, size_t n,
                        struct tok_bpe_work *work, struct tok_out *out) ERR_CHECK;

#endif
