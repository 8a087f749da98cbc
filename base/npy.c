/*
 * npy.c - see npy.h. The format is NEP 1: magic, version, length of the dictionary as
 * 16 bits, the dictionary padded by spaces to a multiple of 64 bytes, a newline.
 */
#include "base/npy.h"

#include <stdio.h>
#include <string.h>

enum { PREAMBLE_BYTES = 10 };

void npy_header(char out[NPY_HEADER_BYTES], size_t n, size_t dim)
{
    const size_t n_dictionary = NPY_HEADER_BYTES - PREAMBLE_BYTES;
    memset(out, ' ', NPY_HEADER_BYTES);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)n_dictionary;
    out[9] = 0;
    int used = snprintf(out + PREAMBLE_BYTES, n_dictionary,
                        "{'descr': '<f4', 'fortran_order': False, "
                        "'shape': (%zu, %zu), }",
                        n, dim);
    out[PREAMBLE_BYTES + used] = ' '; /* where snprintf put its NUL */
    out[NPY_HEADER_BYTES - 1] = '\n';
}
