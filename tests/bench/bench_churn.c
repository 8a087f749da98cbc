/*
 * bench_churn.c - what ten rounds of full churn make of the files, and of recall.
 *
 *     bench_churn [N_POINTS [DIM [ROUNDS]]]      100000 of 256, 10, unless said otherwise
 *
 * The points are written once; then, in each round, all of them in a random order, in
 * batches of 1000: half of the batches are updated, half deleted and put back. After
 * each round the bytes of data.mdb and of the segments are told, beside what they were
 * when the points had been written once; old segments in their minute of grace count.
 * Vectors are random around n / 50 centres; recall is of 200 queries.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "db/duet.h"
#include "tests/index/vectors.h"

enum { BATCH = 1000, K = 10, N_QUERIES = 200 };

static size_t n_points = 100000;
static size_t dim = 256;
static size_t n_rounds = 10;
static float *base; /* [n_points, dim] */
static char folder[] = "/tmp/duet-bench-XXXXXX";
static uint64_t random_state = 7;

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_churn: %s\n", duet_error_detail());
        exit(1);
    }
}

static double now_s(void)
{
    return (double)clock_monotonic_ns() * 1e-9;
}

static void write_batch(struct duet *db, const struct duet_id *ids, size_t n)
{
    static struct duet_point_input points[BATCH];
    static struct duet_named_input inputs[BATCH];
    static const char payload[] = "{\"title\":\"a red bicycle\",\"price\":129.5}";
    for (size_t i = 0; i < n; i++) {
        inputs[i].input = (struct duet_input){
            .kind = DUET_INPUT_VECTOR, .vector = base + ids[i].number * dim, .n = dim};
        points[i] = (struct duet_point_input){.id = ids[i],
                                              .payload = payload,
                                              .n_payload = sizeof payload - 1,
                                              .vectors = &inputs[i],
                                              .n_vectors = 1};
    }
    check(duet_upsert(db, "c", points, n));
}

static void write_all(struct duet *db, const struct duet_id *ids, bool churn)
{
    for (size_t i = 0; i < n_points; i += BATCH) {
        size_t n = n_points - i < BATCH ? n_points - i : BATCH;
        if (churn && i / BATCH % 2 == 0) {
            check(duet_remove(db, "c", ids + i, n, NULL));
        }
        write_batch(db, ids + i, n);
    }
}

static void shuffle(struct duet_id *ids)
{
    for (size_t i = n_points - 1; i > 0; i--) {
        size_t j = vectors_random(&random_state) % (i + 1);
        struct duet_id kept = ids[i];
        ids[i] = ids[j];
        ids[j] = kept;
    }
}

/* ---- What is told ---- */

static double file_mb(const char *name)
{
    char path[600];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

static double segments_mb(void)
{
    char path[300];
    double sum = 0;
    snprintf(path, sizeof path, "%s/segments", folder);
    DIR *d = opendir(path);
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        snprintf(path, sizeof path, "segments/%.200s", e->d_name);
        sum += e->d_name[0] == '.' ? 0 : file_mb(path);
    }
    closedir(d);
    return sum;
}

static double recall(struct duet *db)
{
    float query[4096];
    size_t n_common = 0;
    for (size_t i = 0; i < N_QUERIES; i++) {
        struct duet_hits got, truth;
        struct duet_query q = DUET_QUERY_DEFAULT;
        vectors_near(base + vectors_random(&random_state) % n_points * dim, 0.5f, dim,
                     query, &random_state);
        q.input =
            (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = query, .n = dim};
        q.k = K;
        check(duet_search(db, "c", &q, &got));
        q.exact = true;
        check(duet_search(db, "c", &q, &truth));
        for (size_t a = 0; a < got.n * truth.n; a++) {
            n_common +=
                duet_id_compare(got.hits[a % got.n].id, truth.hits[a / got.n].id) == 0;
        }
        duet_hits_release(&got);
        duet_hits_release(&truth);
    }
    return (double)n_common / (N_QUERIES * K);
}

static void tell(struct duet *db, size_t round, double write_s, double wait_s)
{
    static double first;
    struct duet_stats stats;
    double data = file_mb("data.mdb");
    double segments = segments_mb();
    check(duet_stats(db, "c", &stats));
    first = round == 0 ? data + segments : first;
    printf("round %2zu: written in %5.1f s, then %5.1f s; data.mdb %7.1f MB, segments "
           "%6.1f MB (%zu): %.2f times; recall %.4f\n",
           round, write_s, wait_s, data, segments, stats.spaces[0].n_segments,
           (data + segments) / first, recall(db));
    fflush(stdout);
}

static struct duet *open_db(void)
{
    struct duet *db;
    check(duet_open(
        &db, &(struct duet_options){.path = folder, .write = true, .create = true}));
    return db;
}

int main(int argc, char **argv)
{
    struct duet_space space = {.name = "v", .distance = DUET_COSINE};
    n_points = argc > 1 ? strtoull(argv[1], NULL, 10) : n_points;
    dim = argc > 2 ? strtoull(argv[2], NULL, 10) : dim;
    n_rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : n_rounds;
    if (n_points == 0 || dim == 0 || dim > 4096 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "bench_churn: bad numbers, or no room in /tmp\n");
        return 1;
    }
    space.dim = dim;
    base = vectors_make(n_points, dim, 1);
    struct duet_id *ids = alloc_zero(n_points, sizeof *ids);
    for (size_t i = 0; i < n_points; i++) {
        ids[i].number = i;
    }
    printf("churn: %zu points of %zu numbers\n", n_points, dim);
    struct duet *db = open_db();
    check(duet_collection_create(db, "c", &space, 1));
    for (size_t round = 0; round <= n_rounds; round++) {
        double start = now_s();
        write_all(db, ids, round > 0);
        double written = now_s();
        check(duet_seal(db, "c"));
        tell(db, round, written - start, now_s() - written);
        shuffle(ids);
    }
    duet_close(db);
    db = open_db(); /* old segments go */
    check(duet_seal(db, "c"));
    tell(db, n_rounds + 1, 0, 0);
    duet_close(db);
    alloc_free(ids);
    alloc_free(base);
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}
