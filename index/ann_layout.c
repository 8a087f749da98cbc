/*
 * ann_layout.c - see ann_layout.h. Follows faiss/impl/index_read.cpp of FAISS 1.7.3 for
 * the three kinds we write, in the same order and with the same names. Counts are eight
 * bytes, and every count is held against the bytes that are left.
 */
#include "index/ann_layout.h"

#include <stdbool.h>
#include <string.h>

#define CENTROIDS 16 /* of a 4-bit code */

/* What is left to walk; `fits` turns false at the first thing amiss and stays so. */
struct cursor {
    const unsigned char *at;
    size_t left;
    bool fits;
    bool euclid; /* the metric all of it must have */
};

static void expect(struct cursor *c, bool holds)
{
    c->fits = c->fits && holds;
}

static void skip(struct cursor *c, size_t n)
{
    expect(c, n <= c->left);
    if (c->fits) {
        c->at += n;
        c->left -= n;
    }
}

/* The next number of `n` bytes, at most 8; 0 where nothing fits. */
static uint64_t number(struct cursor *c, size_t n)
{
    uint64_t x = 0;
    expect(c, n <= c->left);
    if (c->fits) {
        memcpy(&x, c->at, n);
        skip(c, n);
    }
    return x;
}

static void name(struct cursor *c, const char *four /* [4] */)
{
    expect(c, c->left >= 4 && memcmp(c->at, four, 4) == 0);
    skip(c, 4);
}

/* A vector of items of `size` bytes; returns their number. */
static uint64_t vector(struct cursor *c, size_t size)
{
    uint64_t n = number(c, 8);
    expect(c, n <= c->left / size);
    if (!c->fits) {
        return 0;
    }
    skip(c, n * size);
    return n;
}

/* read_index_header: trained, and compared by the inner product (0) or distance (1). */
static void index_header(struct cursor *c, size_t dim, uint64_t n)
{
    expect(c, number(c, 4) == dim);
    expect(c, number(c, 8) == n);
    skip(c, 16);
    expect(c, number(c, 1) == 1);
    expect(c, number(c, 4) == (c->euclid ? 1 : 0));
}

/* IndexFlatIP or IndexFlatL2. */
static void flat(struct cursor *c, size_t dim, uint64_t n)
{
    name(c, c->euclid ? "IxF2" : "IxFI");
    index_header(c, dim, n);
    expect(c, vector(c, 4) == n * dim);
}

/* read_ProductQuantizer. */
static void codebook(struct cursor *c, size_t dim)
{
    expect(c, number(c, 8) == dim);
    uint64_t n_codes = number(c, 8);
    expect(c, n_codes >= 1 && n_codes <= dim && dim % n_codes == 0);
    expect(c, number(c, 8) == 4);
    expect(c, vector(c, 4) == CENTROIDS * dim);
}

static void pq_fastscan(struct cursor *c, size_t dim, uint64_t n)
{
    name(c, "IPfs");
    index_header(c, dim, n);
    codebook(c, dim);
    skip(c, 4 + 4 + 4 + 8 + 8); /* implem, bbs, qbs, ntotal2, M2 */
    vector(c, 1);               /* codes */
}

/* BlockInvertedListsIOHook::read. */
static void lists(struct cursor *c, uint64_t n_lists)
{
    name(c, "ilbl");
    expect(c, number(c, 8) == n_lists);
    expect(c, number(c, 8) == UINT64_MAX); /* code_size, which blocks do not have */
    skip(c, 8 + 8);                        /* n_per_block, block_size */
    for (uint64_t i = 0; i < n_lists && c->fits; i++) {
        vector(c, 8); /* ids */
        vector(c, 1); /* codes */
    }
}

static void ivf_pq_fastscan(struct cursor *c, size_t dim, uint64_t n)
{
    name(c, "IwPf");
    index_header(c, dim, n);
    uint64_t n_lists = number(c, 8);
    expect(c, n_lists >= 1 && n_lists <= n);
    skip(c, 8); /* nprobe */
    flat(c, dim, n_lists);
    expect(c, number(c, 1) == 0); /* no direct map */
    expect(c, vector(c, 8) == 0);
    expect(c, number(c, 1) == 0); /* by_residual */
    skip(c, 8 + 4 + 8 + 4 + 8);   /* code_size, bbs, M2, implem, qbs2 */
    codebook(c, dim);
    lists(c, n_lists);
}

static void hnsw(struct cursor *c, size_t dim, uint64_t n)
{
    name(c, "IHNf");
    index_header(c, dim, n);
    vector(c, 8);   /* assign_probas */
    vector(c, 4);   /* cum_nneighbor_per_level */
    vector(c, 4);   /* levels */
    vector(c, 8);   /* offsets */
    vector(c, 4);   /* neighbors */
    skip(c, 5 * 4); /* entry_point, max_level, efConstruction, efSearch, upper_beam */
    flat(c, dim, n);
}

enum err ann_layout_check(const void *payload, size_t n_bytes,
                          const struct ann_info *expected)
{
    struct cursor c = {payload, n_bytes, true, expected->euclid};
    switch (expected->kind) {
    case ANN_PQ_FASTSCAN:
        pq_fastscan(&c, expected->dim, expected->n);
        break;
    case ANN_IVF_PQ_FASTSCAN:
        ivf_pq_fastscan(&c, expected->dim, expected->n);
        break;
    case ANN_HNSW:
        hnsw(&c, expected->dim, expected->n);
        break;
    default:
        return err_set(ERR_CORRUPT, "a segment of no known kind: %d",
                       (int)expected->kind);
    }
    FAIL_IF(!c.fits || c.left != 0, ERR_CORRUPT,
            "the index in it is not what its header tells of, %zu bytes before its end",
            c.left);
    return ERR_OK;
}
