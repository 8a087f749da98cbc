/*
 * semi_real.h - any number of vectors that lie as real ones do, made as they are asked
 * for: each is told by its number alone, so a million need no memory.
 *
 * Base vectors and picture queries are drawn around 541 real CLIP ViT-B/32 picture
 * vectors ($DUET_VECTORS, by default ../shared/data/vectors): a point between two of
 * them, and a little beside it. Text queries are real encodings of class names by the
 * other tower; their distance from all pictures is what makes them hard. Where there are
 * no such files, or `dim` is not theirs, centres and texts are made, and texts are then
 * as near as pictures: semi_real.is_real says which.
 *
 * Threads: after semi_real_init it never changes.
 */
#ifndef TESTS_BENCH_SEMI_REAL_H
#define TESTS_BENCH_SEMI_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct semi_real {
    size_t dim;
    float *pictures; /* [n_pictures, dim], unit length, owned */
    size_t n_pictures;
    float *texts; /* [n_texts, dim], unit length, owned */
    size_t n_texts;
    bool is_real;
};

/* Where the numbers of picture queries begin: no base vector has one as large. */
#define SEMI_REAL_QUERIES (UINT64_C(1) << 40)

void semi_real_init(struct semi_real *s, size_t dim);
void semi_real_release(struct semi_real *s);

/* The base vector of `number`, of unit length, into dst[dim]. */
void semi_real_picture(const struct semi_real *s, uint64_t number, float *dst);

/* Query `i` of `n` spread over all texts, into dst[dim]. */
void semi_real_text(const struct semi_real *s, size_t i, size_t n, float *dst);

#endif
