/*
 * apply_threads_test.c - batches of operations by several threads at once, beside
 * readers and beside a vector space that comes and goes: each batch is seen whole.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { POINTS = 20, WRITERS = 2, ROUNDS = 40 };

struct shared {
    struct duet *db;
    atomic_bool stop;
    atomic_size_t n_conflicts; /* batches made for spaces that changed meanwhile */
    atomic_size_t n_wrong;
};

struct writer {
    struct shared *shared;
    int number;
};

/* All points get the same payload and vector. */
static enum err write_all(struct duet *db, int number)
{
    float v[] = {(float)number, 1};
    char payload[32];
    struct duet_named_input input = {"v",
                                     {.kind = DUET_INPUT_VECTOR, .vector = v, .n = 2}};
    struct duet_point_input points[POINTS];
    struct duet_id ids[POINTS];
    snprintf(payload, sizeof payload, "{\"n\":%d}", number);
    for (size_t i = 0; i < POINTS; i++) {
        ids[i] = test_id(i);
        points[i] =
            (struct duet_point_input){.id = ids[i], .vectors = &input, .n_vectors = 1};
    }
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_UPSERT, .points = points, .n_points = POINTS},
        {.kind = DUET_OP_SET_PAYLOAD,
         .ids = ids,
         .n_ids = POINTS,
         .payload = payload,
         .n_payload = strlen(payload)},
    };
    return duet_apply(db, "c", batch, 2);
}

static void *write_often(void *arg)
{
    struct writer *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        enum err result = write_all(w->shared->db, w->number * ROUNDS + i);
        if (result == ERR_CONFLICT) {
            atomic_fetch_add(&w->shared->n_conflicts, 1);
        } else if (result != ERR_OK) {
            atomic_fetch_add(&w->shared->n_wrong, 1);
        }
    }
    return NULL;
}

/* Whether all points are those of one batch. */
static bool is_whole(struct duet *db)
{
    struct duet_hits all;
    const float v[] = {0, 1};
    struct duet_query q = test_query(v, 2, POINTS);
    q.in = "v";
    q.vectors = true;
    if (duet_search(db, "c", &q, &all) != ERR_OK) {
        return false;
    }
    bool whole = all.n == POINTS;
    for (size_t i = 0; whole && i < all.n; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "{\"n\":%d}",
                 (int)all.hits[0].vectors[0].values[0]);
        whole = strcmp(all.hits[i].payload, payload) == 0;
    }
    duet_hits_release(&all);
    return whole;
}

static void *read_often(void *arg)
{
    struct shared *s = arg;
    while (!atomic_load(&s->stop)) {
        if (!is_whole(s->db)) {
            atomic_fetch_add(&s->n_wrong, 1);
        }
    }
    return NULL;
}

static void *change_spaces(void *arg)
{
    struct shared *s = arg;
    const struct duet_space extra = {"extra", 3, DUET_MANHATTAN, DUET_FLOAT16};
    while (!atomic_load(&s->stop)) {
        if (duet_space_add(s->db, "c", &extra) != ERR_OK ||
            duet_space_remove(s->db, "c", "extra") != ERR_OK) {
            atomic_fetch_add(&s->n_wrong, 1);
        }
    }
    return NULL;
}

static void test_batches_are_seen_whole(void **state)
{
    (void)state;
    struct test_db t;
    struct shared s = {.stop = false};
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS + 2];
    struct duet_space space = {"v", 2, DUET_EUCLID, DUET_FLOAT32};
    test_db_make(&t);
    assert_ok(duet_collection_create(t.db, "c", &space, 1));
    assert_ok(write_all(t.db, 0));
    s.db = t.db;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){&s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &writers[i]),
                         0);
    }
    assert_int_equal(pthread_create(&threads[WRITERS], NULL, read_often, &s), 0);
    assert_int_equal(pthread_create(&threads[WRITERS + 1], NULL, change_spaces, &s), 0);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    atomic_store(&s.stop, true);
    assert_int_equal(pthread_join(threads[WRITERS], NULL), 0);
    assert_int_equal(pthread_join(threads[WRITERS + 1], NULL), 0);
    print_message("%zu of %d batches met another set of spaces\n",
                  atomic_load(&s.n_conflicts), WRITERS * ROUNDS);
    assert_int_equal(atomic_load(&s.n_wrong), 0);
    assert_true(is_whole(t.db));
    test_db_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_are_seen_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
