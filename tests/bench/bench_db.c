/*
 * bench_db.c - the database under finished vectors: writing, sealing, searching,
 * reopening, and what they cost on disk.
 *
 *     bench_db [N_POINTS [DIM]]      100000 and 384 unless said otherwise
 *
 * The vectors lie in made clusters, each point with a small payload. Recall is that of
 * the ten nearest against `exact`. Times of searches are CPU time of the one thread
 * that asks, so that other programs on the machine do not count; the others are wall
 * time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/duet.h"
#include "tests/bench/rig.h"
#include "tests/index/vectors.h"

enum { BATCH = 1000, K = 10, N_QUERIES = 200, N_EXACT = 20 };

static size_t n_points = 100000;
static size_t dim = 384;
static float *base;
static char folder[] = "/tmp/duet-bench-XXXXXX";

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_db: %s\n", duet_error_detail());
        exit(1);
    }
}

static double wall_s(void)
{
    return (double)clock_monotonic_ns() * 1e-9;
}

static double thread_s(void)
{
    return (double)clock_thread_cpu_ns() * 1e-9;
}

static struct duet *open_db(bool write)
{
    struct duet *db;
    check(duet_open(
        &db, &(struct duet_options){.path = folder, .write = write, .create = write}));
    return db;
}

/* ---- Writing ---- */

static void write_batch(struct duet *db, size_t first, size_t n)
{
    static struct duet_point_input points[BATCH];
    static struct duet_named_input inputs[BATCH];
    static const char payload[] = "{\"title\":\"a red bicycle\",\"price\":129.5}";
    for (size_t i = 0; i < n; i++) {
        inputs[i].input = (struct duet_input){
            .kind = DUET_INPUT_VECTOR, .vector = base + (first + i) * dim, .n = dim};
        points[i] = (struct duet_point_input){.id = {.number = first + i},
                                              .payload = payload,
                                              .n_payload = sizeof payload - 1,
                                              .vectors = &inputs[i],
                                              .n_vectors = 1};
    }
    check(duet_upsert(db, "c", points, n));
}

static void measure_writing(struct duet *db)
{
    double start = wall_s();
    for (size_t i = 0; i < n_points; i += BATCH) {
        write_batch(db, i, n_points - i < BATCH ? n_points - i : BATCH);
    }
    double s = wall_s() - start;
    printf("write, %d a commit:   %.1f s, %.0f points/s\n", BATCH, s,
           (double)n_points / s);
    start = wall_s();
    check(duet_seal(db, "c"));
    printf("seal the rest:          %.1f s\n", wall_s() - start);
}

static void measure_single_writes(struct duet *db)
{
    double start = wall_s();
    for (size_t i = 0; i < 50; i++) {
        write_batch(db, i, 1);
    }
    printf("write one by one:       %.2f ms each, durable\n",
           (wall_s() - start) / 50 * 1e3);
}

/* ---- Searching ---- */

static struct duet_hits search(struct duet *db, const float *query, bool exact)
{
    struct duet_hits hits;
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.input = (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = query, .n = dim};
    q.k = K;
    q.exact = exact;
    check(duet_search(db, "c", &q, &hits));
    return hits;
}

static size_t count_common(const struct duet_hits *a, const struct duet_hits *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            n += duet_id_compare(a->hits[i].id, b->hits[j].id) == 0 ? 1 : 0;
        }
    }
    return n;
}

/* A query near a point, as a vector from outside would be. */
static void draw_query(float *query, uint64_t *random)
{
    vectors_near(base + vectors_random(random) % n_points * dim, 0.5f, dim, query,
                 random);
}

static void measure_searching(struct duet *db)
{
    float query[4096];
    uint64_t random = 9;
    double exact_s = 0;
    double s = 0;
    size_t n_common = 0;
    size_t n_candidates = 0;
    for (size_t i = 0; i < N_QUERIES; i++) {
        draw_query(query, &random);
        double start = thread_s();
        struct duet_hits got = search(db, query, false);
        s += thread_s() - start;
        n_candidates += got.n_candidates;
        if (i < N_EXACT) {
            start = thread_s();
            struct duet_hits truth = search(db, query, true);
            exact_s += thread_s() - start;
            n_common += count_common(&truth, &got);
            duet_hits_release(&truth);
        }
        duet_hits_release(&got);
    }
    printf("exact search:           %.2f ms, %.1f GB/s\n", exact_s / N_EXACT * 1e3,
           (double)(n_points * dim * sizeof *base) / (exact_s / N_EXACT) / 1e9);
    printf("search:                 %.2f ms, recall %.3f, %zu candidates\n",
           s / N_QUERIES * 1e3, (double)n_common / (N_EXACT * K),
           n_candidates / N_QUERIES);
}

static void measure_opening(void)
{
    float query[4096];
    uint64_t random = 9;
    draw_query(query, &random);
    double start = wall_s();
    struct duet *db = open_db(false);
    double opened = wall_s();
    struct duet_hits hits = search(db, query, false);
    printf("open:                   %.1f ms; first search %.1f ms more\n",
           (opened - start) * 1e3, (wall_s() - opened) * 1e3);
    duet_hits_release(&hits);
    duet_close(db);
}

static void print_sizes(struct duet *db)
{
    struct duet_stats stats;
    check(duet_stats(db, "c", &stats));
    const struct duet_space_stats *s = &stats.spaces[0];
    printf("data.mdb:               %.0f B a point, of them %zu its vector\n",
           (double)stats.store_bytes / (double)n_points, dim * sizeof *base);
    printf("segments:               %zu of %s, %.0f B a vector\n", s->n_segments,
           s->index, (double)s->segment_bytes / (double)n_points);
}

int main(int argc, char **argv)
{
    struct duet_space space = {.name = "v", .distance = DUET_COSINE};
    n_points = argc > 1 ? strtoull(argv[1], NULL, 10) : n_points;
    dim = argc > 2 ? strtoull(argv[2], NULL, 10) : dim;
    if (n_points == 0 || dim == 0 || dim > 4096 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "bench_db: bad numbers, or no room in /tmp\n");
        return 1;
    }
    space.dim = dim;
    base = vectors_make(n_points, dim, 1);
    printf("db: %zu points, %zu floats\n", n_points, dim);
    struct duet *db = open_db(true);
    check(duet_collection_create(db, "c", &space, 1));
    measure_writing(db);
    measure_searching(db);
    print_sizes(db);
    measure_single_writes(db);
    duet_close(db);
    measure_opening();
    alloc_free(base);
    rig_remove_folder(folder);
    return 0;
}
