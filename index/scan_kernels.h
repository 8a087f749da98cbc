/*
 * scan_kernels.h - the sums that scan.c chooses from at run time. Files are compiled
 * for one instruction set each; call none of these on a CPU without it.
 */
#ifndef INDEX_SCAN_KERNELS_H
#define INDEX_SCAN_KERNELS_H

#include <stddef.h>

#include "index/scan.h"

/* What is summed over the numbers q of a query and r of a row. */
enum scan_sum {
    SCAN_SUM_PRODUCTS,            /* q r */
    SCAN_SUM_SQUARES,             /* r r: the query is not looked at */
    SCAN_SUM_DIFFERENCES_SQUARED, /* (q - r)^2 */
    SCAN_SUM_DIFFERENCES,         /* |q - r| */
    SCAN_SUMS
};

/* Sums over query[dim] and the `dim` numbers at `row`, which need no alignment. */
typedef float scan_sum_fn(const float *query, const void *row, size_t dim);

#if defined(__x86_64__)
scan_sum_fn *scan_sum_avx2(enum scan_sum what, enum scan_type type);
#endif

/* The readable ones, summed in double: what tests compare with. */
scan_sum_fn *scan_sum_reference(enum scan_sum what, enum scan_type type);

#endif
