/*
 * asked.h - vectors that were searched with lately, for learning from (learn.h): what
 * people ask for is the best guess at what they will ask for.
 *
 * Of each space and side up to 128 are kept, later ones taking the place of any of
 * them with a chance that falls to one in eight; of the 16 spaces and sides asked last.
 * That is 33 MB at the most, of vectors of 4096 numbers. They live in memory only.
 *
 * Threads: any. A note that would have to wait for another is not taken.
 */
#ifndef DB_ASKED_H
#define DB_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct asked;

/* Whose questions. */
struct asked_key {
    uint32_t collection;
    uint16_t space;   /* that was searched */
    bool cross_modal; /* by a vector of another side, or of an unknown one */
};

static inline bool asked_key_equal(struct asked_key a, struct asked_key b)
{
    return a.collection == b.collection && a.space == b.space &&
           a.cross_modal == b.cross_modal;
}

enum err asked_open(struct asked **out) ERR_CHECK;

/* Accepts NULL. */
void asked_close(struct asked *asked);

/* Takes vector[dim] into account; without memory for it, not. */
void asked_note(struct asked *asked, struct asked_key key, const float *vector,
                size_t dim);

/* Copies up to `n_max` of them, of this dim, to dst[n_max, dim]; returns how many. */
size_t asked_copy(struct asked *asked, struct asked_key key, size_t dim, float *dst,
                  size_t n_max);

#endif
