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

/* The dictionary, with a NUL behind it: what numpy.save writes has no spaces to spare,
 * and its keys in the order of the alphabet. */
static enum err read_dictionary(const char *text, size_t *n_rows, size_t *dim)
{
    const char *shape = strstr(text, "'shape': (");
    int end = 0;
    FAIL_IF(strstr(text, "'descr': '<f4'") == NULL, ERR_INVALID,
            "a NumPy file of something else than little-endian float32");
    FAIL_IF(strstr(text, "'fortran_order': False") == NULL, ERR_INVALID,
            "a NumPy file in Fortran's order");
    FAIL_IF(shape == NULL ||
                sscanf(shape, "'shape': (%zu, %zu)%n", n_rows, dim, &end) != 2 ||
                end == 0,
            ERR_INVALID, "a NumPy file that is no table of rows");
    return ERR_OK;
}

enum err npy_header_read(const char *bytes, size_t n, size_t *n_rows, size_t *dim,
                         size_t *offset)
{
    char text[NPY_HEADER_MAX];
    FAIL_IF(n < PREAMBLE_BYTES || memcmp(bytes, "\x93NUMPY\x01", 7) != 0, ERR_INVALID,
            "this is no NumPy file of version 1");
    size_t n_text = (size_t)(unsigned char)bytes[8] | (size_t)(unsigned char)bytes[9]
                                                          << 8;
    FAIL_IF(n_text >= sizeof text - PREAMBLE_BYTES || n_text > n - PREAMBLE_BYTES,
            ERR_INVALID, "the head of the NumPy file is too long");
    memcpy(text, bytes + PREAMBLE_BYTES, n_text);
    text[n_text] = '\0';
    *offset = PREAMBLE_BYTES + n_text;
    return read_dictionary(text, n_rows, dim);
}
