/*
 * faiss_bridge.h - the few things that FAISS 1.7.3 has no C API for: a search with
 * parameters of its own, and a look into an index read from a file.
 *
 * In the manner of that API: functions return 0, or a negative code when FAISS threw an
 * exception, whose text faiss_get_last_error() then has. No exception passes.
 */
#ifndef INDEX_FAISS_BRIDGE_H
#define INDEX_FAISS_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#include <faiss/c_api/Index_c.h>

#ifdef __cplusplus
extern "C" {
#endif

enum faiss_bridge_kind {
    FAISS_BRIDGE_OTHER,
    FAISS_BRIDGE_PQ_FASTSCAN,
    FAISS_BRIDGE_IVF_PQ_FASTSCAN,
    FAISS_BRIDGE_HNSW,
};

struct faiss_bridge_shape {
    enum faiss_bridge_kind kind;
    size_t dim;
    size_t n;            /* vectors */
    size_t n_lists;      /* IVF only, otherwise 0 */
    size_t n_codes;      /* of 4 bits a vector; 0 in a graph */
    size_t memory_bytes; /* what grows with n, and the codebooks */
    int euclid;          /* 1 if the metric is the distance, 0: the inner product */
    const char *problem; /* what is wrong with its insides, or NULL; a constant */
};

/* Describes `index` and checks everything that a search relies on (sizes of tables,
 * ranges of numbers used as indices), so that a search of an index without a problem
 * reads no memory but its own. Time grows with n, slowly. */
int faiss_bridge_inspect(const FaissIndex *index, struct faiss_bridge_shape *shape);

/* Makes room in a graph's search queue for queries of up to `ef_max`; call it once,
 * before the first search. Other kinds are left alone. */
void faiss_bridge_set_ef_max(FaissIndex *index, int ef_max);

/* Learns the centres of an IVF index's lists from x[n, dim], and nothing else; training
 * it afterwards learns its codes. Other kinds are left alone. */
int faiss_bridge_train_lists(FaissIndex *index, size_t n, const float *x);

struct faiss_bridge_query {
    const float *vector; /* [dim] */
    size_t k;            /* 1 to n */
    size_t n_probe;      /* IVF only, 1 to n_lists */
    int ef;              /* HNSW only, 1 to its maximum */
    const uint8_t
        *allowed; /* HNSW only: bit i % 8 of byte i / 8 for label i, or NULL */
    size_t allowed_bytes;
};

/* Fills scores[k] and labels[k]; where fewer were found the rest has label -1. Changes
 * nothing in `index`: any number of threads may search it at once. */
int faiss_bridge_search(const FaissIndex *index, const struct faiss_bridge_query *query,
                        float *scores, int64_t *labels);

#ifdef __cplusplus
}
#endif

#endif
