/*
 * bench_index.c - speed and recall of index/: the exact scan, and each kind of segment.
 *
 *     bench_index [N_SLOTS [THREADS]]      200000 and 2 unless said otherwise
 *
 * Base vectors and queries are those of semi_real.h. Recall is that of the ten nearest
 * after rescoring k = 10 * over candidates.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "index/ann.h"
#include "index/scan.h"
#include "tests/bench/semi_real.h"
#include "tests/index/vectors.h"

enum { DIM = 512, K = 10, N_QUERIES = 200, OVER_MAX = 100, N_SIDES = 2 };

static const char *const side_names[N_SIDES] = {"picture", "text"};
static float *base; /* [n_base, DIM] */
static size_t n_base;
static float queries[N_SIDES][N_QUERIES][DIM];
static struct ann_hit truth[N_SIDES][N_QUERIES][K];

/* Processor time of this thread, on which searches run alone: other programs on the
 * machine do not count. */
static double thread_s(void)
{
    return (double)clock_thread_cpu_ns() * 1e-9;
}

/* ---- data ---------------------------------------------------------------------------
 */

static void make_data(void)
{
    struct semi_real source;
    semi_real_init(&source, DIM);
    printf("vectors: drawn around %s pictures; text queries %s\n",
           source.is_real ? "real" : "made", source.is_real ? "real" : "made");
    base = alloc_array(n_base * DIM, sizeof *base);
    for (size_t i = 0; i < n_base; i++) {
        semi_real_picture(&source, i, base + i * DIM);
    }
    for (size_t i = 0; i < N_QUERIES; i++) {
        semi_real_picture(&source, SEMI_REAL_QUERIES + i, queries[0][i]);
        semi_real_text(&source, i, N_QUERIES, queries[1][i]);
    }
    semi_real_release(&source);
}

/* ---- measuring ----------------------------------------------------------------------
 */

static void measure_scan(void)
{
    struct scan_rows rows = {base, DIM * sizeof *base, n_base, DIM, 0};
    double start = thread_s();
    for (size_t side = 0; side < N_SIDES; side++) {
        for (size_t i = 0; i < N_QUERIES; i++) {
            struct topk top;
            topk_init(&top, truth[side][i], K);
            scan_top(queries[side][i], &rows, NULL, &top);
            topk_sort(&top);
        }
    }
    double s = (thread_s() - start) / (N_SIDES * N_QUERIES);
    printf("exact scan (%s): %.2f ms a query, %.1f GB/s, one thread\n",
           scan_kernel_name(), s * 1e3,
           (double)(n_base * DIM * sizeof *base) / s / 1e9);
}

static size_t search_and_rescore(const struct ann *ann, const struct ann_query *q,
                                 const struct ann_hit *exact)
{
    struct ann_hit candidates[K * OVER_MAX];
    struct ann_hit found[K];
    struct topk top;
    size_t n;
    size_t n_common = 0;
    if (ann_search(ann, q, candidates, &n) != ERR_OK) {
        fprintf(stderr, "%s\n", err_detail());
        exit(1);
    }
    topk_init(&top, found, K);
    for (size_t i = 0; i < n; i++) {
        uint64_t slot = candidates[i].slot;
        topk_push(&top,
                  (struct ann_hit){slot, scan_dot(q->vector, base + slot * DIM, DIM)});
    }
    topk_sort(&top);
    for (size_t i = 0; i < K * K; i++) {
        n_common += found[i / K].slot == exact[i % K].slot;
    }
    return n_common;
}

static void measure_setting(const struct ann *ann, struct ann_query setting)
{
    printf("  over %3zu nprobe %4u ef %3u:", setting.k / K, setting.nprobe, setting.ef);
    for (size_t side = 0; side < N_SIDES; side++) {
        size_t n_common = 0;
        double start = thread_s();
        for (size_t i = 0; i < N_QUERIES; i++) {
            setting.vector = queries[side][i];
            n_common += search_and_rescore(ann, &setting, truth[side][i]);
        }
        double s = (thread_s() - start) / N_QUERIES;
        printf("  %s %.3f @ %5.0f/s", side_names[side],
               (double)n_common / (K * N_QUERIES), 1 / s);
    }
    printf("\n");
    fflush(stdout);
}

static void measure_kind(const char *name, enum ann_kind kind, unsigned n_threads)
{
    struct ann *ann;
    struct ann_info info;
    struct vectors_source source = {base, n_base, DIM};
    struct ann_build_options o = {.kind = kind, .dim = DIM, .n_threads = n_threads};
    double start = (double)clock_monotonic_ns() * 1e-9;
    double cpu_start = (double)clock_cpu_ns() * 1e-9;
    if (ann_build(&ann, &o, n_base, vectors_read, &source) != ERR_OK) {
        fprintf(stderr, "%s\n", err_detail());
        exit(1);
    }
    ann_info(ann, &info);
    printf("%s: built in %.1f s on %u threads (%.1f s of processor time), %.0f B a "
           "vector, "
           "%zu lists\n",
           name, (double)clock_monotonic_ns() * 1e-9 - start, n_threads,
           (double)clock_cpu_ns() * 1e-9 - cpu_start,
           (double)info.memory_bytes / (double)n_base, info.n_lists);
    static const size_t overs[] = {10, 40, 100};
    for (size_t i = 0; i < 3; i++) {
        unsigned share = kind == ANN_IVF_PQ_FASTSCAN ? 32u >> (i * 3 / 2) : 0;
        measure_setting(ann, (struct ann_query){
                                 .dim = DIM,
                                 .k = K * overs[i],
                                 .nprobe = share ? (unsigned)info.n_lists / share : 0,
                                 .ef = kind == ANN_HNSW ? 64u << i * 3 / 2 : 0,
                             });
    }
    ann_close(ann);
}

int main(int argc, char **argv)
{
    n_base = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    unsigned n_threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2;
    printf("index: %zu vectors of %d, recall@%d of %d queries a side\n", n_base, DIM, K,
           N_QUERIES);
    make_data();
    measure_scan();
    measure_kind("PQ flat", ANN_PQ_FASTSCAN, n_threads);
    measure_kind("PQ in lists", ANN_IVF_PQ_FASTSCAN, n_threads);
    if (n_base <= 50000) { /* the graph takes minutes beyond */
        measure_kind("HNSW", ANN_HNSW, n_threads);
    }
    alloc_free(base);
    return 0;
}
