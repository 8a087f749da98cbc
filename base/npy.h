/*
 * npy.h - the head of a NumPy file (version 1.0) of float32 rows; behind it stand the
 * rows, little-endian, nothing between. Any thread.
 */
#ifndef BASE_NPY_H
#define BASE_NPY_H

#include <stddef.h>

enum { NPY_HEADER_BYTES = 128 }; /* whatever the numbers: it can be written again */

/* The head of an array [n, dim]. */
void npy_header(char out[NPY_HEADER_BYTES], size_t n, size_t dim);

#endif
