/*
 * db_test.h - what the tests of db/ share: a database in a folder of its own that goes
 * away with it, and collections of plain vectors with points that are easily told
 * apart.
 */
#ifndef TESTS_DB_DB_TEST_H
#define TESTS_DB_DB_TEST_H

#include "tests/test.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/duet.h"
#include "db/duet_keep.h"

struct test_db {
    char folder[64]; /* "" where there is none */
    struct duet *db;
};

static inline int test_remove_entry(const char *path, const struct stat *st, int flag,
                                    struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static inline void test_folder_make(char folder[64])
{
    strcpy(folder, "/tmp/duet-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void test_folder_remove(const char *folder)
{
    assert_int_equal(nftw(folder, test_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct duet_options test_db_options(const struct test_db *t)
{
    return (struct duet_options){
        .path = t->folder, .write = true, .create = true, .n_threads = 1};
}

/* A new, empty database. */
static inline void test_db_make(struct test_db *t)
{
    test_folder_make(t->folder);
    struct duet_options o = test_db_options(t);
    assert_ok(duet_open(&t->db, &o));
}

static inline void test_db_remove(struct test_db *t)
{
    duet_close(t->db);
    t->db = NULL;
    test_folder_remove(t->folder);
}

static inline void test_db_reopen(struct test_db *t)
{
    struct duet_options o = test_db_options(t);
    duet_close(t->db);
    assert_ok(duet_open(&t->db, &o));
}

static inline void test_print_finding(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    print_error("verify: %s\n", finding->text);
}

/* Nothing is damaged, and nothing has to be made again. */
static inline void test_check_sound(struct duet *db)
{
    struct duet_check_options o = {.found = test_print_finding};
    struct duet_check_result r;
    assert_ok(duet_verify(db, &o, &r));
    assert_int_equal(r.n_damage + r.n_derived, 0);
}

/* A collection of one space of plain vectors, called "v". */
static inline void test_collection_make(struct duet *db, const char *name, size_t dim,
                                        enum duet_distance distance)
{
    struct duet_space space = {"v", dim, distance, DUET_FLOAT32};
    assert_ok(duet_collection_create(db, name, &space, 1));
}

static inline struct duet_id test_id(uint64_t number)
{
    return (struct duet_id){.number = number};
}

/* One point with one vector in the only space; `payload` may be NULL. */
static inline enum err test_upsert(struct duet *db, const char *collection,
                                   struct duet_id id, const float *vector, size_t dim,
                                   const char *payload)
{
    struct duet_named_input v = {
        NULL, {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = dim}};
    struct duet_point_input point = {
        .id = id, .payload = payload, .vectors = &v, .n_vectors = 1};
    point.n_payload = payload == NULL ? 0 : strlen(payload);
    return duet_upsert(db, collection, &point, 1);
}

/* A cmocka fixture: a database with one collection "c" of two numbers, in *state. */
static inline int test_c_make(void **state)
{
    static struct test_db t;
    test_db_make(&t);
    test_collection_make(t.db, "c", 2, DUET_DOT);
    *state = &t;
    return 0;
}

static inline int test_c_remove(void **state)
{
    test_db_remove(*state);
    return 0;
}

/* A point of that collection. */
static inline void test_c_put(struct duet *db, uint64_t id, const char *payload)
{
    static const float vector[] = {1, 0};
    assert_ok(test_upsert(db, "c", test_id(id), vector, 2, payload));
}

static inline struct duet_query test_query(const float *vector, size_t dim, size_t k)
{
    struct duet_query query = DUET_QUERY_DEFAULT;
    query.input =
        (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = vector, .n = dim};
    query.k = k;
    return query;
}

/* Random numbers whose seed is printed: xorshift64*, and normal by Box and Muller. */
struct test_random {
    uint64_t state;
};

static inline struct test_random test_random_seeded(const char *what)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given == NULL ? 20261123 : strtoull(given, NULL, 10);
    print_message("%s: TEST_SEED=%llu\n", what, (unsigned long long)seed);
    return (struct test_random){seed * 2 + 1};
}

static inline uint64_t test_random_next(struct test_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(2685821657736338717);
}

static inline size_t test_random_below(struct test_random *r, size_t n)
{
    return (size_t)(test_random_next(r) % n);
}

static inline float test_random_normal(struct test_random *r)
{
    double u = ((double)(test_random_next(r) >> 11) + 1) * 0x1p-53;
    double v = (double)(test_random_next(r) >> 11) * 0x1p-53;
    return (float)(sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

/* A random direction of unit length. */
static inline void test_random_unit(struct test_random *r, float *vector, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        vector[i] = test_random_normal(r);
        sum += (double)vector[i] * vector[i];
    }
    for (size_t i = 0; i < dim; i++) {
        vector[i] = (float)(vector[i] / sqrt(sum));
    }
}

#endif
