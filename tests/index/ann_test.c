/*
 * ann_test.c - index/ann.h but for its files.
 */
#include "tests/test.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <string.h>

#include "index/ann.h"
#include "index/bitmap.h"
#include "index/scan.h"
#include "tests/index/vectors.h"

enum { N = 12000, DIM = 128, K = 10, N_QUERIES = 100 };

static const enum ann_kind kinds[] = {ANN_PQ_FASTSCAN, ANN_IVF_PQ_FASTSCAN, ANN_HNSW};
enum { N_KINDS = 3 };

static float *base;                   /* [N, DIM] */
static float queries[N_QUERIES][DIM]; /* near base vectors */
static struct ann *built[N_KINDS];    /* over `base` */

static enum err build(struct ann **out, enum ann_kind kind, const float *v, size_t n,
                      size_t dim)
{
    struct vectors_source source = {v, n, dim};
    struct ann_build_options o = {
        .kind = kind, .dim = dim, .generation = 42, .n_threads = 1, .seed = 1};
    return ann_build(out, &o, n, vectors_read, &source);
}

static int set_up(void **state)
{
    (void)state;
    uint64_t random = 99;
    base = vectors_make(N, DIM, 1);
    for (size_t i = 0; i < N_QUERIES; i++) {
        const float *near = base + vectors_random(&random) % N * DIM;
        vectors_near(near, 1.0f, DIM, queries[i], &random);
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        if (build(&built[i], kinds[i], base, N, DIM) != ERR_OK) {
            print_error("%s\n", err_detail());
            return 1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        ann_close(built[i]);
    }
    alloc_free(base);
    return 0;
}

/* ---- recall -------------------------------------------------------------------------
 */

static void exact_top(const float *query, const uint64_t *allowed, struct ann_hit *hits)
{
    struct topk top;
    struct scan_rows rows = {base, DIM * sizeof *base, N, DIM, 0};
    topk_init(&top, hits, K);
    scan_top(query, &rows, allowed, &top);
    assert_int_equal(topk_sort(&top), K);
}

/* Rescores `n` candidates and keeps the best K, as db/ does. */
static void rescore(const float *query, const struct ann_hit *candidates, size_t n,
                    struct ann_hit *hits)
{
    struct topk top;
    topk_init(&top, hits, K);
    for (size_t i = 0; i < n; i++) {
        uint64_t slot = candidates[i].slot;
        topk_push(&top,
                  (struct ann_hit){slot, scan_dot(query, base + slot * DIM, DIM)});
    }
    assert_int_equal(topk_sort(&top), K);
}

static size_t count_common(const struct ann_hit *a, const struct ann_hit *b)
{
    size_t n = 0;
    for (size_t i = 0; i < K; i++) {
        for (size_t j = 0; j < K; j++) {
            n += a[i].slot == b[j].slot;
        }
    }
    return n;
}

/* Recall@K after rescoring `over` candidates a result. Counts in *n_approximate the
 * candidates whose score is not the exact one: proof that codes were compared. */
static double recall(const struct ann *ann, size_t over, size_t *n_approximate)
{
    struct ann_hit candidates[K * 20];
    struct ann_hit found[K];
    struct ann_hit exact[K];
    size_t n_common = 0;
    *n_approximate = 0;
    for (size_t i = 0; i < N_QUERIES; i++) {
        size_t n;
        struct ann_query q = {.vector = queries[i], .dim = DIM, .k = K * over};
        assert_ok(ann_search(ann, &q, candidates, &n));
        assert_int_equal(n, K * over);
        rescore(queries[i], candidates, n, found);
        exact_top(queries[i], NULL, exact);
        n_common += count_common(found, exact);
        for (size_t j = 0; j < n; j++) {
            const float *v = base + candidates[j].slot * DIM;
            *n_approximate +=
                fabsf(candidates[j].score - scan_dot(queries[i], v, DIM)) > 1e-5f;
        }
    }
    return (double)n_common / (K * N_QUERIES);
}

static void test_recall_of_flat_codes(void **state)
{
    (void)state;
    size_t n_approximate;
    double r = recall(built[0], 5, &n_approximate);
    print_message("flat codes: recall@10 %.3f\n", r);
    assert_true(r >= 0.98);
    assert_true(n_approximate > 0);
}

static void test_recall_of_codes_in_lists(void **state)
{
    (void)state;
    size_t n_approximate;
    struct ann_info info;
    ann_info(built[1], &info);
    assert_true(info.n_lists > ANN_NPROBE_DEFAULT_SHARE);
    double r = recall(built[1], 5, &n_approximate);
    print_message("codes in %zu lists: recall@10 %.3f\n", info.n_lists, r);
    assert_true(r >= 0.80);
    assert_true(n_approximate > 0);
}

static void test_recall_of_a_graph(void **state)
{
    (void)state;
    size_t n_approximate;
    double r = recall(built[2], 4, &n_approximate);
    print_message("graph: recall@10 %.3f\n", r);
    assert_true(r >= 0.97);
}

static void test_more_lists_find_more(void **state)
{
    (void)state;
    size_t n_common[2] = {0, 0};
    for (size_t i = 0; i < N_QUERIES; i++) {
        struct ann_hit exact[K];
        exact_top(queries[i], NULL, exact);
        for (size_t j = 0; j < 2; j++) {
            size_t n;
            struct ann_hit candidates[100];
            struct ann_hit found[K];
            struct ann_query q = {.vector = queries[i],
                                  .dim = DIM,
                                  .k = 100,
                                  .nprobe = j == 0 ? 1 : 1000000};
            assert_ok(ann_search(built[1], &q, candidates, &n));
            rescore(queries[i], candidates, n, found);
            n_common[j] += count_common(found, exact);
        }
    }
    assert_true(n_common[1] > n_common[0]);
    assert_true(n_common[1] >= K * N_QUERIES * 97 / 100);
}

static void test_info_tells_what_was_built(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann_info info;
        ann_info(built[i], &info);
        assert_int_equal(info.kind, kinds[i]);
        assert_int_equal(info.dim, DIM);
        assert_int_equal(info.n, N);
        assert_int_equal(info.generation, 42);
        assert_int_equal(info.n_lists > 0, kinds[i] == ANN_IVF_PQ_FASTSCAN);
        size_t least = kinds[i] == ANN_HNSW ? N * DIM * 4 : N * DIM / 4;
        assert_true(info.memory_bytes >= least);
        assert_true(info.memory_bytes < 2 * least + 500000);
    }
}

/* ---- filters ------------------------------------------------------------------------
 */

/* Exactly `n_expected` different allowed slots, best first. */
static void check_hits(const struct ann_hit *hits, size_t n, size_t n_expected,
                       const uint64_t *allowed, size_t n_slots)
{
    uint64_t *seen = alloc_zero(bitmap_words(n_slots) + 1, sizeof *seen);
    assert_int_equal(n, n_expected);
    for (size_t i = 0; i < n; i++) {
        assert_true(hits[i].slot < n_slots);
        assert_true(allowed == NULL || bitmap_get(allowed, hits[i].slot));
        assert_false(bitmap_get(seen, hits[i].slot));
        bitmap_set(seen, hits[i].slot);
        assert_true(i == 0 || topk_better(hits[i - 1], hits[i]));
    }
    alloc_free(seen);
}

static void test_filtered_searches_find_all_they_can(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 10, 300};
    static const unsigned one_in[] = {2, 20, 500, N};
    uint64_t allowed[N / 64 + 1];
    struct ann_hit hits[300];
    uint64_t random = 5;
    for (size_t f = 0; f < 4; f++) {
        memset(allowed, 0, sizeof allowed);
        for (size_t slot = 0; slot < N; slot++) {
            if (vectors_random(&random) % one_in[f] == 0) {
                bitmap_set(allowed, slot);
            }
        }
        bitmap_set(allowed, 77);
        allowed[N / 64] |= ~UINT64_C(0) << (N % 64); /* past the end: not looked at */
        size_t n_allowed = bitmap_count(allowed, N);
        for (size_t i = 0; i < N_KINDS * 3 * 5; i++) {
            size_t n;
            size_t k = ks[i / N_KINDS % 3];
            struct ann_query q = {.vector = queries[i % N_QUERIES],
                                  .dim = DIM,
                                  .k = k,
                                  .nprobe = 1,
                                  .allowed = allowed};
            assert_ok(ann_search(built[i % N_KINDS], &q, hits, &n));
            check_hits(hits, n, k < n_allowed ? k : n_allowed, allowed, N);
        }
    }
}

static void test_filtered_recall_is_kept(void **state)
{
    (void)state;
    static const double least[N_KINDS] = {0.98, 0.72, 0.78};
    uint64_t allowed[N / 64 + 1] = {0};
    for (size_t slot = 0; slot < N; slot += 10) {
        bitmap_set(allowed, slot);
    }
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        size_t n_common = 0;
        for (size_t i = 0; i < N_QUERIES; i++) {
            size_t n;
            struct ann_hit candidates[100];
            struct ann_hit found[K];
            struct ann_hit exact[K];
            struct ann_query q = {
                .vector = queries[i], .dim = DIM, .k = 100, .allowed = allowed};
            assert_ok(ann_search(built[kind], &q, candidates, &n));
            rescore(queries[i], candidates, n, found);
            exact_top(queries[i], allowed, exact);
            n_common += count_common(found, exact);
        }
        double r = (double)n_common / (K * N_QUERIES);
        print_message("kind %d, one in ten allowed: recall@10 %.3f\n", kinds[kind], r);
        assert_true(r >= least[kind]);
    }
}

static void test_nothing_allowed_finds_nothing(void **state)
{
    (void)state;
    uint64_t allowed[N / 64 + 1] = {0};
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann_hit hit;
        size_t n = 1;
        struct ann_query q = {
            .vector = queries[0], .dim = DIM, .k = 1, .allowed = allowed};
        assert_ok(ann_search(built[i], &q, &hit, &n));
        assert_int_equal(n, 0);
    }
}

static void test_k_beyond_n_gives_every_slot(void **state)
{
    (void)state;
    struct ann_hit *hits = alloc_array(N + 5, sizeof *hits);
    for (size_t i = 0; i < N_KINDS; i++) {
        size_t n;
        struct ann_query q = {.vector = queries[i], .dim = DIM, .k = N + 5};
        assert_ok(ann_search(built[i], &q, hits, &n));
        check_hits(hits, n, N, NULL, N);
    }
    alloc_free(hits);
}

/* ---- bad input ----------------------------------------------------------------------
 */

static void test_bad_queries_are_refused(void **state)
{
    (void)state;
    float bad[DIM] = {0};
    struct ann_hit hits[K];
    for (size_t i = 0; i < N_KINDS; i++) {
        size_t n = 7;
        struct ann_query q = {.vector = bad, .dim = DIM, .k = K};
        bad[DIM - 1] = NAN;
        assert_err(ann_search(built[i], &q, hits, &n), ERR_INVALID);
        assert_int_equal(n, 0);
        bad[DIM - 1] = -INFINITY;
        assert_err(ann_search(built[i], &q, hits, &n), ERR_INVALID);
        bad[DIM - 1] = 1;
        q.k = 0;
        assert_err(ann_search(built[i], &q, hits, &n), ERR_INVALID);
        q.k = K;
        q.dim = DIM - 1;
        assert_err(ann_search(built[i], &q, hits, &n), ERR_INVALID);
    }
}

static void test_bad_builds_are_refused(void **state)
{
    (void)state;
    struct ann *ann;
    assert_err(build(&ann, ANN_AUTO, base, 10, 0), ERR_INVALID);
    assert_null(ann);
    assert_err(build(&ann, ANN_AUTO, base, 10, 5000), ERR_INVALID);
    assert_err(build(&ann, ANN_AUTO, base, 0, DIM), ERR_INVALID);
    assert_err(build(&ann, (enum ann_kind)9, base, 10, DIM), ERR_INVALID);
}

static void test_a_vector_that_is_not_finite_is_named(void **state)
{
    (void)state;
    float *v = vectors_make(2000, 8, 3);
    v[1234 * 8 + 3] = NAN;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct ann *ann;
        assert_err(build(&ann, kinds[i], v, 2000, 8), ERR_INVALID);
        assert_null(ann);
        assert_non_null(strstr(err_detail(), "1234"));
    }
    alloc_free(v);
}

struct failing_source {
    struct vectors_source source;
    size_t n_left;
};

static enum err read_until_cancelled(void *arg, size_t first, size_t n, float *dst)
{
    struct failing_source *s = arg;
    FAIL_IF(s->n_left-- == 0, ERR_CANCELLED, "enough");
    return vectors_read(&s->source, first, n, dst);
}

static void test_the_reader_can_stop_a_build(void **state)
{
    (void)state;
    for (size_t n_calls = 0; n_calls < 2; n_calls++) {
        struct ann *ann;
        struct failing_source s = {{base, 600, DIM}, n_calls};
        struct ann_build_options o = {.kind = ANN_PQ_FASTSCAN, .dim = DIM};
        assert_err(ann_build(&ann, &o, 600, read_until_cancelled, &s), ERR_CANCELLED);
        assert_null(ann);
    }
}

static void test_close_accepts_null(void **state)
{
    (void)state;
    ann_close(NULL);
}

/* ---- odd shapes ---------------------------------------------------------------------
 */

/* Builds one, asks for everything and for half of it, and gets exactly that. */
static void check_shape(enum ann_kind kind, const float *v, size_t n, size_t dim)
{
    struct ann *ann;
    struct ann_hit *hits = alloc_array(n, sizeof *hits);
    uint64_t *allowed = alloc_zero(bitmap_words(n), sizeof *allowed);
    size_t n_found;
    assert_ok(build(&ann, kind, v, n, dim));
    struct ann_query q = {.vector = v, .dim = dim, .k = n};
    assert_ok(ann_search(ann, &q, hits, &n_found));
    check_hits(hits, n_found, n, NULL, n);
    for (size_t i = 0; i < n; i += 2) {
        bitmap_set(allowed, i);
    }
    q.allowed = allowed;
    assert_ok(ann_search(ann, &q, hits, &n_found));
    check_hits(hits, n_found, (n + 1) / 2, allowed, n);
    ann_close(ann);
    alloc_free(allowed);
    alloc_free(hits);
}

/* Recall@K by distance, of vectors of unlike lengths, after rescoring. */
static double recall_by_distance(enum ann_kind kind, size_t probe_share)
{
    float *v = vectors_make(N, DIM, 5);
    uint64_t random = 6;
    struct ann *ann;
    struct ann_info info;
    struct scan_kind by = {SCAN_EUCLID, SCAN_FLOAT32};
    size_t n_common = 0;
    for (size_t i = 0; i < N; i++) {
        float length = 1 + (float)(vectors_random(&random) % 100) / 50;
        for (size_t d = 0; d < DIM; d++) {
            v[i * DIM + d] *= length;
        }
    }
    struct vectors_source source = {v, N, DIM};
    struct ann_build_options o = {
        .kind = kind, .euclid = true, .dim = DIM, .n_threads = 1, .seed = 1};
    assert_ok(ann_build(&ann, &o, N, vectors_read, &source));
    ann_info(ann, &info);
    assert_true(info.euclid);
    for (size_t i = 0; i < N_QUERIES; i++) {
        struct ann_hit candidates[K * 40], found[K], exact[K];
        struct topk top;
        size_t n;
        struct ann_query q = {.vector = queries[i],
                              .dim = DIM,
                              .k = K * 40,
                              .nprobe = (unsigned)(info.n_lists / probe_share)};
        assert_ok(ann_search(ann, &q, candidates, &n));
        topk_init(&top, found, K);
        for (size_t c = 0; c < n; c++) {
            const float *row = v + candidates[c].slot * DIM;
            assert_true(candidates[c].score <= 0);
            topk_push(&top, (struct ann_hit){candidates[c].slot,
                                             scan_score(by, queries[i], row, DIM)});
        }
        assert_int_equal(topk_sort(&top), K);
        topk_init(&top, exact, K);
        for (size_t s = 0; s < N; s++) {
            topk_push(&top, (struct ann_hit){
                                s, scan_score(by, queries[i], v + s * DIM, DIM)});
        }
        topk_sort(&top);
        n_common += count_common(found, exact);
    }
    double r = (double)n_common / (K * N_QUERIES);
    print_message("kind %d by distance, one list in %zu: recall@10 %.3f\n", (int)kind,
                  probe_share, r);
    ann_close(ann);
    alloc_free(v);
    return r;
}

static void test_recall_by_distance(void **state)
{
    (void)state;
    assert_true(recall_by_distance(ANN_PQ_FASTSCAN, 1) >= 0.98);
    assert_true(recall_by_distance(ANN_IVF_PQ_FASTSCAN, 1) >= 0.98);
    /* Where lengths differ, what is near is spread over more lists. */
    assert_true(recall_by_distance(ANN_IVF_PQ_FASTSCAN, 6) >= 0.70);
    assert_true(recall_by_distance(ANN_HNSW, 1) >= 0.97);
}

static void test_few_vectors_and_odd_dimensions(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        size_t dim;
    } shapes[] = {{1, 2}, {2, 77}, {17, 3}, {33, 1}, {64, 63}, {700, 66}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        float *v = vectors_make(shapes[i].n, shapes[i].dim, i);
        for (size_t kind = 0; kind < N_KINDS; kind++) {
            check_shape(kinds[kind], v, shapes[i].n, shapes[i].dim);
        }
        alloc_free(v);
    }
}

static void test_vectors_that_are_all_alike(void **state)
{
    (void)state;
    float v[200][8] = {{0}};
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        check_shape(kinds[kind], v[0], 200, 8);
    }
    for (size_t i = 0; i < 200; i++) {
        v[i][3] = 1;
    }
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        check_shape(kinds[kind], v[0], 200, 8);
    }
}

static void test_auto_takes_lists_for_many_slots_only(void **state)
{
    (void)state;
    struct ann *ann;
    struct ann_info info;
    float *v = vectors_make(ANN_IVF_MIN, 4, 8);
    assert_ok(build(&ann, ANN_AUTO, v, ANN_IVF_MIN, 4));
    ann_info(ann, &info);
    assert_int_equal(info.kind, ANN_IVF_PQ_FASTSCAN);
    assert_int_equal(info.n_lists, 1024);
    ann_close(ann);
    assert_ok(build(&ann, ANN_AUTO, v, 1000, 4));
    ann_info(ann, &info);
    assert_int_equal(info.kind, ANN_PQ_FASTSCAN);
    ann_close(ann);
    alloc_free(v);
}

/* ---- threads ------------------------------------------------------------------------
 */

enum { N_THREADS = 8, N_ROUNDS = 3 };

/* What one thread finds: of each kind, for each query, K hits. */
enum { N_HITS = N_KINDS * N_QUERIES * K };
static struct ann_hit alone[N_HITS];

static void search_all(struct ann_hit *hits /* [N_HITS] */)
{
    memset(hits, 0, N_HITS * sizeof *hits);
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        for (size_t i = 0; i < N_QUERIES; i++) {
            size_t n;
            struct ann_query q = {.vector = queries[i],
                                  .dim = DIM,
                                  .k = K,
                                  .nprobe = (unsigned)(1 + i % 7),
                                  .ef = (unsigned)(20 + i)};
            struct ann_hit *own = hits + (kind * N_QUERIES + i) * K;
            enum err result = ann_search(built[kind], &q, own, &n);
            own[0].slot += result != ERR_OK || n != K ? N : 0;
        }
    }
}

static bool same_as_alone(const struct ann_hit *hits)
{
    for (size_t i = 0; i < N_HITS; i++) {
        if (hits[i].slot != alone[i].slot || hits[i].score != alone[i].score) {
            return false;
        }
    }
    return true;
}

/* Returns NULL, or its argument where something differed. */
static void *search_thread(void *hits)
{
    for (size_t round = 0; round < N_ROUNDS; round++) {
        search_all(hits);
        if (!same_as_alone(hits)) {
            return hits;
        }
    }
    return NULL;
}

static void test_eight_threads_find_what_one_finds(void **state)
{
    (void)state;
    pthread_t threads[N_THREADS];
    void *rooms[N_THREADS];
    search_all(alone);
    for (size_t i = 0; i < N_THREADS; i++) {
        rooms[i] = alloc_array(N_HITS, sizeof *alone);
        assert_int_equal(pthread_create(&threads[i], NULL, search_thread, rooms[i]), 0);
    }
    bool all_same = true;
    for (size_t i = 0; i < N_THREADS; i++) {
        void *difference;
        pthread_join(threads[i], &difference);
        all_same &= difference == NULL;
        alloc_free(rooms[i]);
    }
    assert_true(all_same);
}

static void test_the_callers_openmp_threads_are_put_back(void **state)
{
    (void)state;
    struct ann *ann;
    struct ann_hit hits[K];
    size_t n;
    struct ann_query q = {.vector = queries[0], .dim = DIM, .k = K};
    int before = omp_get_max_threads();
    omp_set_num_threads(3);
    assert_ok(ann_search(built[0], &q, hits, &n));
    assert_int_equal(omp_get_max_threads(), 3);
    assert_ok(build(&ann, ANN_AUTO, base, 20, DIM));
    assert_int_equal(omp_get_max_threads(), 3);
    ann_close(ann);
    omp_set_num_threads(before);
}

/* ---- memory -------------------------------------------------------------------------
 */

static void test_a_search_short_of_memory_says_so(void **state)
{
    (void)state;
    uint64_t allowed[N / 64 + 1] = {0};
    bitmap_set(allowed, 5);
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        enum err result = ERR_NOMEM;
        for (long n_allocations = 0; result != ERR_OK; n_allocations++) {
            struct ann_hit hits[K];
            size_t n;
            struct ann_query q = {
                .vector = queries[0], .dim = DIM, .k = K, .allowed = allowed};
            alloc_fail_after(n_allocations);
            result = ann_search(built[kind], &q, hits, &n);
            alloc_fail_after(-1);
            assert_true(result == ERR_OK || result == ERR_NOMEM);
            assert_int_equal(n, result == ERR_OK ? 1 : 0);
        }
    }
}

static void test_a_build_short_of_memory_says_so(void **state)
{
    (void)state;
    enum err result = ERR_NOMEM;
    for (long n_allocations = 0; result != ERR_OK; n_allocations++) {
        struct ann *ann;
        alloc_fail_after(n_allocations);
        result = build(&ann, ANN_AUTO, base, 100, DIM);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
        assert_true((ann != NULL) == (result == ERR_OK));
        ann_close(ann);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall_of_flat_codes),
        cmocka_unit_test(test_recall_of_codes_in_lists),
        cmocka_unit_test(test_recall_of_a_graph),
        cmocka_unit_test(test_recall_by_distance),
        cmocka_unit_test(test_more_lists_find_more),
        cmocka_unit_test(test_info_tells_what_was_built),
        cmocka_unit_test(test_filtered_searches_find_all_they_can),
        cmocka_unit_test(test_filtered_recall_is_kept),
        cmocka_unit_test(test_nothing_allowed_finds_nothing),
        cmocka_unit_test(test_k_beyond_n_gives_every_slot),
        cmocka_unit_test(test_bad_queries_are_refused),
        cmocka_unit_test(test_bad_builds_are_refused),
        cmocka_unit_test(test_a_vector_that_is_not_finite_is_named),
        cmocka_unit_test(test_the_reader_can_stop_a_build),
        cmocka_unit_test(test_close_accepts_null),
        cmocka_unit_test(test_few_vectors_and_odd_dimensions),
        cmocka_unit_test(test_vectors_that_are_all_alike),
        cmocka_unit_test(test_auto_takes_lists_for_many_slots_only),
        cmocka_unit_test(test_eight_threads_find_what_one_finds),
        cmocka_unit_test(test_the_callers_openmp_threads_are_put_back),
        cmocka_unit_test(test_a_search_short_of_memory_says_so),
        cmocka_unit_test(test_a_build_short_of_memory_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
