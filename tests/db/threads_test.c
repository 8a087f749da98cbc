/*
 * threads_test.c - searchers, a writer and the segment builder at once. Run under
 * ThreadSanitizer by `make tsan`.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "db/db_internal.h"

enum { DIM = 8, SEARCHERS = 4, BATCHES = 60, BATCH = 32, SEAL_AT = 256, K = 20 };

struct shared {
    struct duet *db;
    atomic_bool done;
    atomic_size_t n_written; /* points that are there for good */
    atomic_size_t n_searches;
    atomic_size_t n_wrong;
};

/* Best first, no point twice, no fewer than there were before the search began. */
static bool is_sound(const struct duet_hits *got, size_t n_before)
{
    if (got->n < (n_before < K ? n_before : K)) {
        return false;
    }
    for (size_t i = 1; i < got->n; i++) {
        const struct duet_hit *a = &got->hits[i - 1];
        const struct duet_hit *b = &got->hits[i];
        if (a->score < b->score ||
            (a->score == b->score && duet_id_compare(a->id, b->id) >= 0)) {
            return false;
        }
    }
    return true;
}

static void *search_until_done(void *arg)
{
    struct shared *s = arg;
    struct test_random r = {(uint64_t)(size_t)&r | 1};
    while (!atomic_load(&s->done)) {
        struct duet_hits got;
        float v[DIM];
        test_random_unit(&r, v, DIM);
        struct duet_query q = test_query(v, DIM, K);
        q.oversampling = 1; /* few candidates, so that segments are asked */
        size_t n_before = atomic_load(&s->n_written);
        if (duet_search(s->db, "c", &q, &got) != ERR_OK || !is_sound(&got, n_before)) {
            atomic_fetch_add(&s->n_wrong, 1);
        }
        atomic_fetch_add(&s->n_searches, 1);
        duet_hits_release(&got);
    }
    return NULL;
}

/* Writes batch after batch, and over half of each again, so that slots die. */
static void write_batches(struct shared *s, struct test_random *r)
{
    static float vectors[BATCH][DIM];
    for (size_t b = 0; b < BATCHES; b++) {
        struct db_write writes[BATCH];
        memset(writes, 0, sizeof writes);
        for (size_t i = 0; i < BATCH; i++) {
            test_random_unit(r, vectors[i], DIM);
            writes[i].id = test_id(b * BATCH / 2 + i);
            writes[i].vectors[0] = vectors[i];
        }
        assert_ok(db_write_points(s->db, "c", writes, BATCH));
        atomic_store(&s->n_written, b * BATCH / 2 + BATCH);
    }
}

static void test_searches_are_right_beside_writes_and_builds(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("threads");
    struct test_db t;
    struct shared s = {.db = NULL};
    struct duet_stats stats;
    pthread_t threads[SEARCHERS];
    test_folder_make(t.folder);
    struct duet_options o = test_db_options(&t);
    o.seal_at = SEAL_AT;
    assert_ok(duet_open(&t.db, &o));
    test_collection_make(t.db, "c", DIM, DUET_COSINE);
    s.db = t.db;
    for (size_t i = 0; i < SEARCHERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, search_until_done, &s), 0);
    }
    write_batches(&s, &r);
    assert_ok(duet_seal(t.db, "c"));
    atomic_store(&s.done, true);
    for (size_t i = 0; i < SEARCHERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_ok(duet_stats(t.db, "c", &stats));
    assert_int_equal(atomic_load(&s.n_wrong), 0);
    assert_true(atomic_load(&s.n_searches) > 0);
    assert_true(stats.spaces[0].n_sealed > 0);
    test_db_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches_are_right_beside_writes_and_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
