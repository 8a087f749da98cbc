/*
 * scan_kernels.h - the inner products that scan.c chooses from at run time. Files are
 * compiled for one instruction set each; call none of these on a CPU without it.
 */
#ifndef INDEX_SCAN_KERNELS_H
#define INDEX_SCAN_KERNELS_H

#include <stddef.h>

/* The inner product of query[dim] and `dim` floats at `row`, which need no alignment.
 */
typedef float scan_dot_fn(const float *query, const void *row, size_t dim);

#if defined(__x86_64__)
float scan_dot_avx2(const float *query, const void *row, size_t dim);
#endif

#endif
