/*
 * steps.h - what the tests of crashes let a database go through: numbered steps, of
 * which each even one writes a batch of points and each odd one removes half of an
 * earlier batch, or where there is none yet makes or removes a payload index; and whether a database is as it must be after so many.
 */
#ifndef TESTS_DB_STEPS_H
#define TESTS_DB_STEPS_H

#include "tests/db/db_test.h"

#include "db/duet_keep.h"

enum { DIM = 16, BATCH = 32, LAG = 3, SEAL_AT = 128, POINTS_MAX = 10000 };

/* Under a sanitizer the map of each opening takes a tenth of a second and more: there
 * one in so many rounds has to do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SPARSE = 8 };
#else
enum { SPARSE = 1 };
#endif

/* A folder in memory where there is one: the disks of these tests are played, and a
 * real one's syncs would take minutes. */
static inline void steps_folder_make(char folder[64])
{
    strcpy(folder, "/dev/shm/duet-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        test_folder_make(folder);
    }
}

static inline void steps_folder_copy(const char *from, const char *to)
{
    char command[256];
    snprintf(command, sizeof command, "cp -r '%s/.' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

/* The vector of a point is told by its number. */
static inline void vector_of(uint64_t number, float *vector)
{
    struct test_random r = {number * 2 + 1};
    test_random_next(&r);
    test_random_unit(&r, vector, DIM);
}

static inline void payload_of(uint64_t number, char payload[64])
{
    snprintf(payload, 64, "{\"number\": %llu, \"text\": \"point %llu\"}",
             (unsigned long long)number, (unsigned long long)number % 8);
}

static inline enum err write_batch(struct duet *db, uint64_t batch)
{
    static float vectors[BATCH][DIM];
    static char payloads[BATCH][64];
    struct duet_named_input inputs[BATCH];
    struct duet_point_input points[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        uint64_t number = batch * BATCH + i;
        vector_of(number, vectors[i]);
        payload_of(number, payloads[i]);
        inputs[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = vectors[i], .n = DIM}};
        points[i] = (struct duet_point_input){test_id(number), payloads[i],
                                              strlen(payloads[i]), &inputs[i], 1};
    }
    return duet_upsert(db, "c", points, BATCH);
}

static inline enum err remove_half(struct duet *db, uint64_t batch)
{
    struct duet_id ids[BATCH / 2];
    for (size_t i = 0; i < BATCH / 2; i++) {
        ids[i] = test_id(batch * BATCH + 2 * i + 1);
    }
    return duet_remove(db, "c", ids, BATCH / 2, NULL);
}

/* One index of which all points have the field, one that comes and goes. */
static inline enum err change_indexes(struct duet *db, uint64_t i)
{
    switch (i) {
    case 0:
        return duet_index_create(db, "c", "number", "\"integer\"");
    case 1:
        return duet_index_create(db, "c", "text", "\"text\"");
    default:
        return duet_index_remove(db, "c", "text");
    }
}

static inline enum err do_step(struct duet *db, uint64_t step)
{
    uint64_t batch = step / 2;
    if (step % 2 == 0) {
        return write_batch(db, batch);
    }
    return batch < LAG ? change_indexes(db, batch) : remove_half(db, batch - LAG);
}

/* Whether a point is there after steps [0, n_steps). */
static inline bool is_there(uint64_t number, uint64_t n_steps)
{
    uint64_t batch = number / BATCH;
    bool written = 2 * batch < n_steps;
    bool removed = number % 2 == 1 && 2 * (batch + LAG) + 1 < n_steps;
    return written && !removed;
}

/* ---- Looking ---- */

static inline void check_hit(const struct duet_hit *hit)
{
    char payload[64];
    float v[DIM];
    payload_of(hit->id.number, payload);
    vector_of(hit->id.number, v);
    assert_string_equal(hit->payload, payload);
    assert_int_equal(hit->n_vectors, 1);
    for (size_t i = 0; i < DIM; i++) {
        assert_true(fabsf(hit->vectors[0].values[i] - v[i]) < 1e-6f);
    }
}

/* Whether exactly the points of `n_steps` are there. */
static inline bool equals_steps(const struct duet_hits *all, uint64_t n_steps)
{
    size_t at = 0;
    for (uint64_t number = 0; number < (n_steps / 2 + 1) * BATCH; number++) {
        if (!is_there(number, n_steps)) {
            continue;
        }
        if (at == all->n || all->hits[at].id.number != number) {
            return false;
        }
        at++;
    }
    return at == all->n;
}

/* The count, the points, and what a search finds agree; every point is as written. */
static inline void check_agreement(struct duet *db, const struct duet_hits *all)
{
    struct duet_hits found;
    size_t n;
    float v[DIM];
    vector_of(0, v);
    struct duet_query q = test_query(v, DIM, POINTS_MAX);
    q.exact = q.vectors = true;
    assert_ok(duet_count(db, "c", &n));
    assert_int_equal(all->n, n);
    assert_ok(duet_search(db, "c", &q, &found));
    assert_int_equal(found.n, n);
    for (size_t i = 0; i < found.n; i++) {
        check_hit(&found.hits[i]);
    }
    duet_hits_release(&found);
    assert_ok(duet_count_where(
        db, "c", "{\"must\":{\"key\":\"number\",\"range\":{\"gte\":0}}}", &n));
    assert_int_equal(all->n, n);
}

/* Nothing is damaged; where `whole`, nothing has to be made again either. */
static inline void check_sound(struct duet *db, bool whole)
{
    struct duet_check_options o = {.found = NULL};
    struct duet_check_result r;
    assert_ok(duet_verify(db, &o, &r));
    if (r.n_damage > 0 || (whole && r.n_derived > 0)) {
        o.found = test_print_finding;
        assert_ok(duet_verify(db, &o, &r));
        fail();
    }
}

/* How many steps the database has made: those told and perhaps one more, never less
 * and nothing between. */
static inline uint64_t check_database(struct duet *db, uint64_t n_told)
{
    struct duet_hits all;
    assert_ok(duet_scroll(db, "c", NULL, POINTS_MAX, &all));
    check_agreement(db, &all);
    uint64_t n_steps = equals_steps(&all, n_told) ? n_told : n_told + 1;
    assert_true(equals_steps(&all, n_steps));
    duet_hits_release(&all);
    return n_steps;
}

#endif
