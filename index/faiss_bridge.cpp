/*
 * faiss_bridge.cpp - see faiss_bridge.h. The one C++ file of the tree.
 *
 * FAISS is used by its C API wherever that will do (ann.c). What is left:
 *
 * - nprobe is a field of an IVF index, and the fast-scan kinds refuse per-call
 *   parameters. Setting the field would race with other searches, a lock would line
 *   them up, a copy of the index per thread would multiply its memory. So each search
 *   makes a view: an index object of its own whose lists and coarse centroids are
 *   borrowed. What is really copied is the codebook, 64 bytes a dimension.
 * - HNSW takes a selector and a width per call only in C++.
 * - The two halves of training want different numbers of threads (ann.c).
 * - A file may pass FAISS's reader and still hold numbers that send a search astray;
 *   inspect checks them. It knows the 1.7.3 layout by heart: look here first when the
 *   version changes.
 */
#include "index/faiss_bridge.h"

#include <exception>
#include <new>

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/IndexPQFastScan.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/error_impl.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/invlists/BlockInvertedLists.h>

namespace
{

/* To be called in a catch block: keeps the exception for faiss_get_last_error(), and
 * tells FAISS's own complaints from the standard library's, which are about memory. */
int keep_exception() noexcept
{
    faiss_last_exception = std::current_exception();
    try {
        std::rethrow_exception(faiss_last_exception);
    } catch (const std::bad_alloc &) {
        return STD_EXCEPT;
    } catch (...) {
        return FAISS_EXCEPT;
    }
}

const faiss::Index *unwrap(const FaissIndex *index)
{
    return reinterpret_cast<const faiss::Index *>(index);
}

/* Codes come in blocks of 32, whose size the kernel knows. */
constexpr size_t BLOCK = 32;

size_t bytes_of_blocks(size_t n, size_t m2)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK * m2 / 2;
}

/* ---- inspection: each returns what is wrong, or nullptr ----------------------------
 */

const char *check_codebook(const faiss::ProductQuantizer &pq, size_t dim)
{
    bool sizes_fit = pq.d == dim && pq.nbits == 4 && pq.ksub == 16 && pq.M > 0 &&
                     pq.M * pq.dsub == dim && pq.centroids.size() == pq.ksub * dim;
    return sizes_fit ? nullptr : "the codebook has the wrong size";
}

const char *check_flat(const faiss::Index *index, const faiss::Index &whole, size_t n)
{
    size_t dim = size_t(whole.d);
    auto flat = dynamic_cast<const faiss::IndexFlat *>(index);
    bool sizes_fit = flat != nullptr && size_t(flat->ntotal) == n &&
                     size_t(flat->d) == dim && flat->codes.size() == n * dim * 4 &&
                     flat->metric_type == whole.metric_type;
    return sizes_fit ? nullptr : "the table of whole vectors has the wrong size";
}

const char *inspect_pq(const faiss::IndexPQFastScan &x, faiss_bridge_shape *shape)
{
    shape->kind = FAISS_BRIDGE_PQ_FASTSCAN;
    shape->n_codes = x.M;
    shape->memory_bytes = x.codes.size() + x.pq.centroids.size() * 4;
    size_t n = size_t(x.ntotal);
    if (x.bbs != int(BLOCK) || x.implem != 0 || x.qbs != 0 || x.M2 != x.M + x.M % 2) {
        return "the layout of its codes is unknown";
    }
    if (x.ntotal2 != (n + BLOCK - 1) / BLOCK * BLOCK ||
        x.codes.size() != bytes_of_blocks(n, x.M2)) {
        return "the table of codes has the wrong size";
    }
    return check_codebook(x.pq, size_t(x.d));
}

const char *check_lists(const faiss::IndexIVFPQFastScan &x, faiss_bridge_shape *shape)
{
    auto lists = dynamic_cast<const faiss::BlockInvertedLists *>(x.invlists);
    if (lists == nullptr || lists->nlist != x.nlist || lists->ids.size() != x.nlist ||
        lists->codes.size() != x.nlist) {
        return "the lists are missing";
    }
    size_t total = 0;
    for (size_t i = 0; i < x.nlist; i++) {
        size_t n = lists->ids[i].size();
        if (lists->codes[i].size() != bytes_of_blocks(n, x.M2)) {
            return "a list of codes has the wrong size";
        }
        for (int64_t id : lists->ids[i]) {
            if (id < 0 || id >= x.ntotal) {
                return "a list names a slot that is not there";
            }
        }
        total += n;
        shape->memory_bytes += n * sizeof(int64_t) + lists->codes[i].size();
    }
    return total == size_t(x.ntotal) ? nullptr : "the lists miss some slots";
}

const char *inspect_ivf(const faiss::IndexIVFPQFastScan &x, faiss_bridge_shape *shape)
{
    shape->kind = FAISS_BRIDGE_IVF_PQ_FASTSCAN;
    shape->n_lists = x.nlist;
    shape->n_codes = x.M;
    shape->memory_bytes = (x.nlist * size_t(x.d) + x.pq.centroids.size()) * 4;
    if (x.bbs != int(BLOCK) || x.implem != 0 || x.qbs != 0 || x.qbs2 != 0 ||
        x.by_residual || x.M2 != x.M + x.M % 2 || x.nlist == 0) {
        return "the layout of its codes is unknown";
    }
    const char *problem = check_flat(x.quantizer, x, x.nlist);
    if (problem == nullptr) {
        problem = check_codebook(x.pq, size_t(x.d));
    }
    return problem != nullptr ? problem : check_lists(x, shape);
}

/* The neighbours of node `v`: every one exists, and reaches up to the level it is
 * named on, or a walk would read beyond its row. */
bool neighbours_fit(const faiss::HNSW &g, size_t v)
{
    for (int level = 0; level < g.levels[v]; level++) {
        size_t begin = g.offsets[v] + size_t(g.cum_nneighbor_per_level[level]);
        size_t end = g.offsets[v] + size_t(g.cum_nneighbor_per_level[level + 1]);
        for (size_t i = begin; i < end; i++) {
            int u = g.neighbors[i];
            bool exists = u < int(g.levels.size()) && (u < 0 || g.levels[u] > level);
            if (!exists) {
                return false;
            }
        }
    }
    return true;
}

const char *check_graph(const faiss::HNSW &g, size_t n)
{
    const auto &cum = g.cum_nneighbor_per_level;
    const char *problem = "the graph's tables have the wrong size";
    if (g.levels.size() != n || g.offsets.size() != n + 1 || g.offsets[0] != 0 ||
        g.offsets[n] != g.neighbors.size() || cum.empty() || cum[0] != 0) {
        return problem;
    }
    for (size_t i = 1; i < cum.size(); i++) {
        if (cum[i] < cum[i - 1]) {
            return problem;
        }
    }
    for (size_t v = 0; v < n; v++) {
        if (g.levels[v] < 1 || size_t(g.levels[v]) >= cum.size() ||
            g.offsets[v + 1] != g.offsets[v] + size_t(cum[g.levels[v]]) ||
            g.offsets[v + 1] > g.neighbors.size()) {
            return problem;
        }
    }
    for (size_t v = 0; v < n; v++) {
        if (!neighbours_fit(g, v)) {
            return "the graph names a slot that is not there";
        }
    }
    bool enters = g.entry_point >= 0 && size_t(g.entry_point) < n && g.max_level >= 0 &&
                  g.max_level < g.levels[g.entry_point] && g.upper_beam == 1;
    return enters ? nullptr : "the graph has no way in";
}

const char *inspect_hnsw(const faiss::IndexHNSWFlat &x, faiss_bridge_shape *shape)
{
    shape->kind = FAISS_BRIDGE_HNSW;
    size_t n = size_t(x.ntotal);
    shape->memory_bytes = n * size_t(x.d) * 4 + x.hnsw.neighbors.size() * 4 +
                          n * (sizeof(size_t) + sizeof(int));
    const char *problem = check_flat(x.storage, x, n);
    return problem != nullptr ? problem : check_graph(x.hnsw, n);
}

const char *inspect_any(const faiss::Index *index, faiss_bridge_shape *shape)
{
    if (!index->is_trained || index->ntotal < 1 || index->d < 1) {
        return "it is not a finished index";
    }
    if (index->metric_type != faiss::METRIC_L2 &&
        index->metric_type != faiss::METRIC_INNER_PRODUCT) {
        return "it compares by a metric that we never use";
    }
    if (auto pq = dynamic_cast<const faiss::IndexPQFastScan *>(index)) {
        return inspect_pq(*pq, shape);
    }
    if (auto ivf = dynamic_cast<const faiss::IndexIVFPQFastScan *>(index)) {
        return inspect_ivf(*ivf, shape);
    }
    if (auto hnsw = dynamic_cast<const faiss::IndexHNSWFlat *>(index)) {
        return inspect_hnsw(*hnsw, shape);
    }
    return "it is of a kind that we never write";
}

/* ---- search -------------------------------------------------------------------------
 */

/* Borrows everything that is large from `x`, which must outlive it. */
struct ivf_view : faiss::IndexIVFPQFastScan {
    ivf_view(const faiss::IndexIVFPQFastScan &x, size_t n_probe)
    {
        d = x.d;
        ntotal = x.ntotal;
        metric_type = x.metric_type;
        is_trained = true;
        quantizer = x.quantizer;
        nlist = x.nlist;
        own_fields = false;
        invlists = x.invlists;
        own_invlists = false;
        code_size = x.code_size;
        bbs = x.bbs;
        M = x.M;
        nbits = x.nbits;
        ksub = x.ksub;
        M2 = x.M2;
        by_residual = false;
        pq = x.pq;
        nprobe = n_probe;
    }
};

void search_hnsw(const faiss::IndexHNSW &x, const faiss_bridge_query &q, float *scores,
                 int64_t *labels)
{
    faiss::IDSelectorBitmap selector(q.allowed_bytes, q.allowed);
    faiss::SearchParametersHNSW parameters;
    parameters.efSearch = q.ef;
    parameters.sel = q.allowed == nullptr ? nullptr : &selector;
    x.search(1, q.vector, faiss::Index::idx_t(q.k), scores, labels, &parameters);
}

} // namespace

int faiss_bridge_inspect(const FaissIndex *index, struct faiss_bridge_shape *shape)
{
    *shape = faiss_bridge_shape();
    try {
        const faiss::Index *x = unwrap(index);
        shape->dim = size_t(x->d);
        shape->n = size_t(x->ntotal);
        shape->euclid = x->metric_type == faiss::METRIC_L2;
        shape->problem = inspect_any(x, shape);
    } catch (...) {
        return keep_exception();
    }
    return 0;
}

void faiss_bridge_set_ef_max(FaissIndex *index, int ef_max)
{
    auto x = dynamic_cast<faiss::IndexHNSW *>(reinterpret_cast<faiss::Index *>(index));
    if (x != nullptr) {
        x->hnsw.efSearch = ef_max;
    }
}

int faiss_bridge_train_lists(FaissIndex *index, size_t n, const float *x)
{
    auto ivf = dynamic_cast<faiss::IndexIVF *>(reinterpret_cast<faiss::Index *>(index));
    if (ivf == nullptr) {
        return 0;
    }
    try {
        ivf->train_q1(n, x, false, ivf->metric_type);
    } catch (...) {
        return keep_exception();
    }
    return 0;
}

int faiss_bridge_search(const FaissIndex *index, const struct faiss_bridge_query *query,
                        float *scores, int64_t *labels)
{
    try {
        const faiss::Index *x = unwrap(index);
        if (auto ivf = dynamic_cast<const faiss::IndexIVFPQFastScan *>(x)) {
            ivf_view view(*ivf, query->n_probe);
            view.search(1, query->vector, faiss::Index::idx_t(query->k), scores,
                        labels);
        } else if (auto hnsw = dynamic_cast<const faiss::IndexHNSW *>(x)) {
            search_hnsw(*hnsw, *query, scores, labels);
        } else {
            x->search(1, query->vector, faiss::Index::idx_t(query->k), scores, labels);
        }
    } catch (...) {
        return keep_exception();
    }
    return 0;
}
