/*
 * npy.h - the head of a NumPy file (version 1.0) of float32 rows, written and read;
 * behind it stand the rows, little-endian, nothing between. Any thread.
 */
#ifndef BASE_NPY_H
#define BASE_NPY_H

#include <stddef.h>

#include "base/error.h"

enum { NPY_HEADER_BYTES = 128 }; /* whatever the numbers: it can be written again */

/* The head of an array [n, dim]. */
void npy_header(char out[NPY_HEADER_BYTES], size_t n, size_t dim);

/* The most bytes of a head that npy_header_read takes. */
enum { NPY_HEADER_MAX = 10 + 4096 };

/*
 * Reads a head, of which `n` bytes are at hand (the file's first NPY_HEADER_MAX, or all
 * of a shorter one): an array [*n_rows, *dim] of little-endian float32 in C's order,
 * whose rows begin at *offset. ERR_INVALID says what else it is.
 */
enum err npy_header_read(const char *bytes, size_t n, size_t *n_rows, size_t *dim,
                         size_t *offset) ERR_CHECK;

#endif
