/*
 * scan.h - exact search: one query compared with every allowed row.
 *
 *     struct topk top;
 *     topk_init(&top, hits, k);
 *     struct scan_rows rows = {.bytes = p, .stride = 4 * dim, .n = n, .dim = dim};
 *     scan_top(query, &rows, NULL, &top);
 *     n_found = topk_sort(&top);
 *
 * This is the ground truth of every other search, the way into the unsealed vectors,
 * and what rescores the candidates of a quantised segment. One row gives the same
 * score to the last bit wherever it lies and whichever function is asked, so scores of
 * a scan and of a rescoring may be compared and merged.
 *
 * Reads only; any number of threads at once.
 */
#ifndef INDEX_SCAN_H
#define INDEX_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "index/topk.h"

/* How the numbers of a row are stored. Queries are always floats. */
enum scan_type { SCAN_FLOAT32, SCAN_FLOAT16, SCAN_UINT8, SCAN_TYPES };

static inline size_t scan_type_bytes(enum scan_type type)
{
    return type == SCAN_UINT8 ? 1 : type == SCAN_FLOAT16 ? 2 : 4;
}

/* How near a row is; the score of each is larger for what is nearer. */
enum scan_measure {
    SCAN_DOT,      /* the inner product; of unit vectors the cosine */
    SCAN_COSINE,   /* the inner product over the length of the row, whose own is not 1;
                      0 for a row of zeros */
    SCAN_EUCLID,   /* the distance, times -1 */
    SCAN_MANHATTAN /* the sum of differences, times -1 */
};

struct scan_kind {
    enum scan_measure measure;
    enum scan_type type;
};

/* The score of the `dim` numbers at `row`, aligned or not. */
float scan_score(struct scan_kind kind, const float *query, const void *row,
                 size_t dim);

/* The same by the readable kernels: what tests compare with. */
float scan_score_reference(struct scan_kind kind, const float *query, const void *row,
                           size_t dim);

/* `n` rows of `dim` floats. They may lie at any address and distance: LMDB's values are
 * not aligned, and a record may have other fields between its vectors. */
struct scan_rows {
    const void *bytes;   /* the first row; borrowed for the call */
    size_t stride;       /* bytes from one row to the next */
    size_t n;            /* rows */
    size_t dim;          /* floats in a row */
    uint64_t first_slot; /* row i is slot first_slot + i */
};

/* Offers every row to `top`, scored by the inner product, whose slot is allowed. `allowed` has one bit a slot, that
 * is bits [first_slot, first_slot + n) are looked at; NULL allows all. */
void scan_top(const float *query /* [dim] */, const struct scan_rows *rows,
              const uint64_t *allowed, struct topk *top);

/* The inner product of `query` and the `dim` floats at `row`, aligned or not. */
float scan_dot(const float *query, const void *row, size_t dim);

/* The same by the readable kernel, summed in double: what tests compare with. */
float scan_dot_reference(const float *query, const void *row, size_t dim);

/* The name of the kernel this CPU gets: "avx2" or "reference". Never NULL. */
const char *scan_kernel_name(void);

#endif
