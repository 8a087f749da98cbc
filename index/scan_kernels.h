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

/* Defines `choose`, which gives the kernel for a sum and a type, and these kernels: each
 * is `reduce`(query, row, dim, sum, type) with the last two constant. */
#define SCAN_KERNEL(reduce, name, what, type)                                          \
    static float name(const float *query, const void *row, size_t dim)                 \
    {                                                                                  \
        return reduce(query, row, dim, what, type);                                    \
    }

#define SCAN_KERNELS_OF_TYPE(reduce, suffix, type)                                     \
    SCAN_KERNEL(reduce, products_##suffix, SCAN_SUM_PRODUCTS, type)                    \
    SCAN_KERNEL(reduce, squares_##suffix, SCAN_SUM_SQUARES, type)                      \
    SCAN_KERNEL(reduce, apart_squared_##suffix, SCAN_SUM_DIFFERENCES_SQUARED, type)    \
    SCAN_KERNEL(reduce, apart_##suffix, SCAN_SUM_DIFFERENCES, type)

#define SCAN_KERNELS(reduce, choose)                                                   \
    SCAN_KERNELS_OF_TYPE(reduce, float32, SCAN_FLOAT32)                                \
    SCAN_KERNELS_OF_TYPE(reduce, float16, SCAN_FLOAT16)                                \
    SCAN_KERNELS_OF_TYPE(reduce, uint8, SCAN_UINT8)                                    \
    scan_sum_fn *choose(enum scan_sum what, enum scan_type type)                       \
    {                                                                                  \
        static scan_sum_fn *const kernels[SCAN_TYPES][SCAN_SUMS] = {                   \
            {products_float32, squares_float32, apart_squared_float32, apart_float32}, \
            {products_float16, squares_float16, apart_squared_float16, apart_float16}, \
            {products_uint8, squares_uint8, apart_squared_uint8, apart_uint8},         \
        };                                                                             \
        return kernels[type][what];                                                    \
    }

#if defined(__x86_64__)
scan_sum_fn *scan_sum_avx2(enum scan_sum what, enum scan_type type);
#endif

/* The readable ones, summed in double: what tests compare with. */
scan_sum_fn *scan_sum_reference(enum scan_sum what, enum scan_type type);

#endif
