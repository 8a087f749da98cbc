/*
 * readers_test.c - readers in several threads of several processes, beside one writer and
 * one segment build: none waits for the build, and all find what must be found. The part
 * within this process runs under ThreadSanitizer by `make tsan`.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/db/process.h"

/* Enough of them that one thread builds for seconds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { N = 10000, DIM = 32 };
#else
enum { N = 40000, DIM = 96 };
#endif

enum {
    BATCH = LIMIT_BATCH_POINTS,
    PROCESSES = 2,
    THREADS = 2, /* of each process, and of this one */
    K = 10,
    PATIENCE_MS = 1000 /* of the shortest build that says anything */
};

/* What a reader tells. */
struct told {
    size_t n_queries;
    size_t n_wrong;
    double worst_ms;
};

struct reader {
    struct duet *db;
    uint64_t seed;
    atomic_bool *stop;
    struct told told;
};

/* K results, the best first. Half of the questions are under a filter, which every point
 * that is there from the beginning passes. */
static bool ask_once(struct duet *db, struct test_random *r)
{
    struct duet_hits got;
    float v[DIM];
    test_random_unit(r, v, DIM);
    struct duet_query q = test_query(v, DIM, K);
    q.payload = false;
    if (test_random_below(r, 2) == 0) {
        q.filter = "{\"must\": {\"has_id\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}}";
    }
    if (duet_search(db, "c", &q, &got) != ERR_OK) {
        return false;
    }
    bool sound = got.n == K;
    for (size_t i = 1; sound && i < got.n; i++) {
        sound = got.hits[i - 1].score >= got.hits[i].score;
    }
    duet_hits_release(&got);
    return sound;
}

static void *read_until_stopped(void *arg)
{
    struct reader *reader = arg;
    struct test_random r = {reader->seed * 2 + 1};
    while (!atomic_load(reader->stop)) {
        uint64_t start = clock_monotonic_ns();
        bool sound = ask_once(reader->db, &r);
        double ms = (double)(clock_monotonic_ns() - start) * 1e-6;
        reader->told.n_queries++;
        reader->told.n_wrong += sound ? 0 : 1;
        reader->told.worst_ms = ms > reader->told.worst_ms ? ms : reader->told.worst_ms;
    }
    return NULL;
}

/* THREADS readers of one process. */
struct crowd {
    struct reader readers[THREADS];
    pthread_t threads[THREADS];
    atomic_bool stop;
};

static bool crowd_start(struct crowd *crowd, struct duet *db, uint64_t seed)
{
    atomic_store(&crowd->stop, false);
    for (size_t i = 0; i < THREADS; i++) {
        crowd->readers[i] =
            (struct reader){.db = db, .seed = seed + i, .stop = &crowd->stop};
        if (pthread_create(&crowd->threads[i], NULL, read_until_stopped,
                           &crowd->readers[i]) != 0) {
            return false;
        }
    }
    return true;
}

static struct told crowd_stop(struct crowd *crowd)
{
    struct told all = {0};
    atomic_store(&crowd->stop, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(crowd->threads[i], NULL);
        const struct told *one = &crowd->readers[i].told;
        all.n_queries += one->n_queries;
        all.n_wrong += one->n_wrong;
        all.worst_ms = one->worst_ms > all.worst_ms ? one->worst_ms : all.worst_ms;
    }
    return all;
}

/* ---- Other processes ---- */

struct child {
    const char *folder;
    uint64_t seed;
    const int *begin, *stop, *told; /* pipes, [2] */
};

static void read_in_child(void *arg)
{
    const struct child *child = arg;
    static struct crowd crowd;
    struct duet *db;
    close(child->begin[1]); /* so that it ends with its parent, whatever happens */
    close(child->stop[1]);
    CHILD_CHECK(pipe_wait(child->begin[0]));
    CHILD_CHECK(duet_open(&db, &(struct duet_options){.path = child->folder,
                                                      .n_threads = 1}) == ERR_OK);
    CHILD_CHECK(crowd_start(&crowd, db, child->seed));
    CHILD_CHECK(pipe_wait(child->stop[0]));
    struct told told = crowd_stop(&crowd);
    CHILD_CHECK(write(child->told[1], &told, sizeof told) == sizeof told);
    duet_close(db);
}

/* ---- This one ---- */

static void put_all(struct duet *db, struct test_random *r)
{
    static float vectors[BATCH][DIM];
    static struct duet_named_input inputs[BATCH];
    static struct duet_point_input points[BATCH];
    for (size_t first = 1; first <= N; first += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            test_random_unit(r, vectors[i], DIM);
            inputs[i].input = (struct duet_input){
                .kind = DUET_INPUT_VECTOR, .vector = vectors[i], .n = DIM};
            points[i] = (struct duet_point_input){
                .id = test_id(first + i), .vectors = &inputs[i], .n_vectors = 1};
        }
        assert_ok(duet_upsert(db, "c", points, BATCH));
    }
}

/* A writer beside the build: puts points until it is stopped. */
struct writer {
    struct duet *db;
    atomic_bool stop;
    size_t n_writes, n_wrong;
};

static void *write_until_stopped(void *arg)
{
    struct writer *w = arg;
    struct test_random r = {99};
    for (; !atomic_load(&w->stop); w->n_writes++) {
        float v[DIM];
        test_random_unit(&r, v, DIM);
        w->n_wrong += test_upsert(w->db, "c", test_id(N + 1 + w->n_writes % 5000), v,
                                  DIM, NULL) != ERR_OK;
    }
    return NULL;
}

/* Reads and writes while all that is there is sealed. Returns how long that took. */
static double build_beside_others(struct test_db *t, struct told *told)
{
    static struct crowd crowd;
    static struct writer writer;
    pthread_t thread;
    struct duet_stats stats;
    struct duet_options o = test_db_options(t);
    o.seal_at = N / 2;
    uint64_t start = clock_monotonic_ns();
    assert_ok(duet_open(&t->db, &o)); /* the build begins */
    writer = (struct writer){.db = t->db};
    assert_true(crowd_start(&crowd, t->db, 1000));
    assert_int_equal(pthread_create(&thread, NULL, write_until_stopped, &writer), 0);
    assert_ok(duet_seal(t->db, "c"));
    double ms = (double)(clock_monotonic_ns() - start) * 1e-6;
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    *told = crowd_stop(&crowd);
    assert_ok(duet_stats(t->db, "c", &stats));
    assert_true(stats.spaces[0].n_sealed >= N - 64); /* whole chunks */
    assert_int_equal(writer.n_wrong, 0);
    print_message("the build took %.0f ms, beside %zu writes\n", ms, writer.n_writes);
    return ms;
}

/* A reader that waited for the build would have waited for most of it. */
static void check_told(const struct told *told, const char *who, double build_ms)
{
    print_message("%s: %zu queries, the slowest %.0f ms\n", who, told->n_queries,
                  told->worst_ms);
    assert_int_equal(told->n_wrong, 0);
    assert_true(told->n_queries > 0);
    if (build_ms >= PATIENCE_MS) {
        assert_true(told->worst_ms < build_ms / 2);
    }
}

static void test_no_reader_waits_for_a_build(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("readers");
    struct test_db t;
    struct told told;
    int begin[2], stop[2], tell[2];
    pid_t pids[PROCESSES];
    test_folder_make(t.folder);
    assert_true(pipe(begin) == 0 && pipe(stop) == 0 && pipe(tell) == 0);
    for (size_t i = 0; i < PROCESSES; i++) { /* before this one opens the database */
        struct child child = {t.folder, i * THREADS, begin, stop, tell};
        pids[i] = child_start(read_in_child, &child);
    }
    struct duet_options o = test_db_options(&t);
    o.seal_at = 10 * N;
    assert_ok(duet_open(&t.db, &o));
    test_collection_make(t.db, "c", DIM, DUET_COSINE);
    put_all(t.db, &r);
    duet_close(t.db);
    for (size_t i = 0; i < PROCESSES; i++) {
        pipe_signal(begin[1]);
    }
    double build_ms = build_beside_others(&t, &told);
    check_told(&told, "threads of the writer", build_ms);
    for (size_t i = 0; i < PROCESSES; i++) {
        pipe_signal(stop[1]);
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        assert_int_equal(read(tell[0], &told, sizeof told), sizeof told);
        check_told(&told, "another process", build_ms);
        assert_int_equal(child_wait(pids[i]), 0);
    }
    test_db_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_reader_waits_for_a_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
