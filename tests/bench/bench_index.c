/*
 * bench_index.c - speed and recall of index/: the exact scan, and each kind of segment.
 *
 *     bench_index [N_SLOTS [THREADS]]      200000 and 2 unless said otherwise
 *
 * Base vectors are drawn around real CLIP picture vectors where they are to be had
 * ($DUET_VECTORS, by default ../shared/data/vectors) and around made ones elsewhere.
 * Queries of the picture side are drawn as the base is; those of the text side are real
 * encodings of class names, whose distance from the picture vectors is what makes them
 * hard. Recall is that of the ten nearest after rescoring k = 10 * over candidates.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "index/ann.h"
#include "index/scan.h"
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

/* The rows of a numpy 1.0 file of little-endian floats [*n, DIM]; NULL if there is
 * none. The header is 10 bytes, whose last two tell how many more follow. */
static float *read_npy(const char *name, size_t *n)
{
    char path[1000];
    struct file_map map;
    const char *folder = getenv("DUET_VECTORS");
    float *rows = NULL;
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "../shared/data/vectors",
             name);
    if (file_map_open(&map, path, SIZE_MAX) != ERR_OK) {
        return NULL;
    }
    if (map.size > 10) {
        size_t header = 10 + map.data[8] + 256u * map.data[9];
        *n = (map.size - header) / (DIM * sizeof *rows);
        rows = alloc_array(*n * DIM, sizeof *rows);
        memcpy(rows, map.data + header, *n * DIM * sizeof *rows);
    }
    file_map_close(&map);
    return rows;
}

/* A photo of our own between two real ones, and a little beside them. */
static void draw_picture(const float *photos, size_t n, float *dst, uint64_t *random)
{
    const float *a = photos + vectors_random(random) % n * DIM;
    const float *b = photos + vectors_random(random) % n * DIM;
    float between[DIM];
    float share = (float)(vectors_random(random) % 1000) / 2000;
    for (size_t i = 0; i < DIM; i++) {
        between[i] = (1 - share) * a[i] + share * b[i];
    }
    vectors_near(between, 0.3f, DIM, dst, random);
}

static void make_data(void)
{
    uint64_t random = 1;
    size_t n_photos = 541;
    size_t n_texts = 1203;
    float *photos = read_npy("image_unsplash.npy", &n_photos);
    float *texts = read_npy("text_lvis1203.npy", &n_texts);
    printf("vectors: drawn around %s pictures; text queries %s\n",
           photos ? "real" : "made", texts ? "real" : "made");
    photos = photos ? photos : vectors_make(n_photos, DIM, 2);
    texts = texts ? texts : vectors_make(n_texts, DIM, 3);
    base = alloc_array(n_base * DIM, sizeof *base);
    for (size_t i = 0; i < n_base; i++) {
        draw_picture(photos, n_photos, base + i * DIM, &random);
    }
    for (size_t i = 0; i < N_QUERIES; i++) {
        draw_picture(photos, n_photos, queries[0][i], &random);
        memcpy(queries[1][i], texts + i * (n_texts / N_QUERIES) * DIM,
               sizeof queries[1][i]);
        vectors_normalize(queries[1][i], DIM);
    }
    alloc_free(photos);
    alloc_free(texts);
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
