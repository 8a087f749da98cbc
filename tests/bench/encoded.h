/*
 * encoded.h - real encodings to measure with: the vectors of a database's pictures, and
 * texts encoded by its model. Errors end the program (rig.h).
 */
#ifndef TESTS_BENCH_ENCODED_H
#define TESTS_BENCH_ENCODED_H

#include <stddef.h>

#include "db/duet.h"

/* The points of the collection "default" that have a picture, numbered from 0 in the
 * order of their ids. */
struct encoded {
    size_t n, dim, capacity;
    float *images; /* [n, dim], owned */
    float *texts;  /* [n, dim], owned: of their captions; zeros where there is none */
};

void encoded_read(struct encoded *e, struct duet *db);
void encoded_release(struct encoded *e);

/* Encodes `n` lines of the file, spread evenly over it, into dst[n, dim]. */
void encoded_lines(struct duet *db, const char *path, size_t n, size_t dim, float *dst);

/* The i-th of n_used that are spread evenly over n_all. */
size_t encoded_spread(size_t i, size_t n_used, size_t n_all);

float encoded_dot(const float *a, const float *b, size_t dim);

#endif
