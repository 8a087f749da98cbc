/*
 * tok_vocab.h - the tokens of a vocabulary, by id and by their bytes.
 *
 * Built in any order of ids, then sealed: from then on it has every id from 0 to n - 1
 * exactly once, no token twice, and is read-only, so any number of threads may use it.
 */
#ifndef ENCODER_TOK_VOCAB_H
#define ENCODER_TOK_VOCAB_H

#include <stdint.h>

#include "base/buffer.h"

enum { TOK_NONE = -1 }; /* no token */

struct tok_span {
    uint32_t at, n; /* bytes of one token within tok_vocab's `bytes` */
};

struct tok_vocab {
    struct buf bytes;       /* the tokens one behind the other */
    struct tok_span *spans; /* [n], by id */
    size_t n, capacity;
    struct tok_slot *slots; /* [mask + 1], open addressing, at most half full */
    size_t mask;
};

void tok_vocab_init(struct tok_vocab *v);
void tok_vocab_release(struct tok_vocab *v);

/* Copies a token in. ERR_MODEL: the id is there already, or past LIMIT_MODEL_TOKENS,
 * or the token longer than LIMIT_TOKEN_BYTES. */
enum err tok_vocab_add(struct tok_vocab *v, const char *token, size_t n, size_t id)
    ERR_CHECK;

/* Ends the building. ERR_MODEL: an id is missing, or a token is there twice. */
enum err tok_vocab_seal(struct tok_vocab *v) ERR_CHECK;

/* The id of a token, or TOK_NONE. Only of a sealed one. */
int32_t tok_vocab_find(const struct tok_vocab *v, const char *token, size_t n);

/* The bytes of a token, borrowed; not ended by a NUL. */
const char *tok_vocab_token(const struct tok_vocab *v, size_t id, size_t *n);

#endif
