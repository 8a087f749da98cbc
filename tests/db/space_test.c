/*
 * space_test.c - vector spaces of each distance and datatype, and spaces that come and
 * go: db/vectors.c, db/collection.c, db/search.c.
 */
#include "tests/db/db_test.h"

#include "base/half.h"
#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/vectors.h"

enum { DIM = 9, N = 200, K = 20 };

struct space_test {
    struct test_db t;
    struct test_random random;
    float vectors[N][DIM]; /* as they were given */
};

static int set_up(void **state)
{
    struct space_test *s = calloc(1, sizeof *s);
    test_db_make(&s->t);
    s->random = test_random_seeded("space_test");
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct space_test *s = *state;
    test_db_remove(&s->t);
    free(s);
    return 0;
}

static void random_vector(struct space_test *s, enum duet_datatype type, float *v)
{
    for (size_t i = 0; i < DIM; i++) {
        v[i] = type == DUET_UINT8 ? (float)test_random_below(&s->random, 256)
                                  : test_random_normal(&s->random);
    }
}

static void fill(struct space_test *s, enum duet_distance distance,
                 enum duet_datatype type)
{
    struct duet_space space = {"v", DIM, distance, type};
    assert_ok(duet_collection_create(s->t.db, "c", &space, 1));
    for (size_t i = 0; i < N; i++) {
        random_vector(s, type, s->vectors[i]);
        assert_ok(test_upsert(s->t.db, "c", test_id(i), s->vectors[i], DIM, NULL));
    }
}

static double norm(const double *v)
{
    double sum = 0;
    for (size_t i = 0; i < DIM; i++) {
        sum += v[i] * v[i];
    }
    return sqrt(sum);
}

/* The score of the dialect's definition, of what is stored. */
static double expected_score(const float *query, const float *given,
                             enum duet_distance distance, enum duet_datatype type)
{
    double q[DIM], r[DIM], sum = 0;
    for (size_t i = 0; i < DIM; i++) {
        q[i] = query[i];
        r[i] = given[i];
    }
    double q_norm = norm(q), r_norm = norm(r);
    for (size_t i = 0; i < DIM; i++) {
        if (distance == DUET_COSINE) {
            q[i] /= q_norm;
            r[i] /= r_norm;
        }
        if (type == DUET_FLOAT16) {
            r[i] = half_to_float(half_from_float((float)r[i]));
        }
        double d = q[i] - r[i];
        sum += distance == DUET_EUCLID      ? d * d
               : distance == DUET_MANHATTAN ? fabs(d)
                                            : q[i] * r[i];
    }
    return distance == DUET_EUCLID ? sqrt(sum) : sum;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Searches must give the best K of all N by the definition, in order. */
static void check_search(struct space_test *s, enum duet_distance distance,
                         enum duet_datatype type)
{
    float query[DIM];
    double best[N];
    struct duet_hits hits;
    bool ascending = duet_distance_is_smaller_nearer(distance);
    random_vector(s, type, query);
    for (size_t i = 0; i < N; i++) {
        double score = expected_score(query, s->vectors[i], distance, type);
        best[i] = ascending ? score : -score;
    }
    qsort(best, N, sizeof best[0], compare_doubles);
    struct duet_query q = test_query(query, DIM, K);
    assert_ok(duet_search(s->t.db, "c", &q, &hits));
    assert_int_equal(hits.n, K);
    for (size_t i = 0; i < K; i++) {
        double score = ascending ? best[i] : -best[i];
        double own =
            expected_score(query, s->vectors[hits.hits[i].id.number], distance, type);
        double near = 1e-5 * fmax(1, fabs(score));
        assert_true(fabs((double)hits.hits[i].score - score) <= near);
        assert_true(fabs((double)hits.hits[i].score - own) <= near);
    }
    /* The threshold keeps what is nearer, and nothing as far. */
    q.has_threshold = true;
    q.score_threshold = hits.hits[K / 2].score;
    duet_hits_release(&hits);
    assert_ok(duet_search(s->t.db, "c", &q, &hits));
    assert_true(hits.n > 0 && hits.n <= K / 2);
    duet_hits_release(&hits);
}

static void test_each_distance_and_datatype_is_searched_right(void **state)
{
    struct space_test *s = *state;
    for (int d = DUET_COSINE; d <= DUET_MANHATTAN; d++) {
        for (int type = DUET_FLOAT32; type <= DUET_UINT8; type++) {
            fill(s, (enum duet_distance)d, (enum duet_datatype)type);
            for (int i = 0; i < 5; i++) {
                check_search(s, (enum duet_distance)d, (enum duet_datatype)type);
            }
            test_db_reopen(&s->t);
            check_search(s, (enum duet_distance)d, (enum duet_datatype)type);
            assert_ok(duet_collection_drop(s->t.db, "c"));
        }
    }
}

static void test_vectors_take_the_room_of_their_datatype(void **state)
{
    struct space_test *s = *state;
    static const size_t bytes[] = {4, 2, 1};
    for (int type = DUET_FLOAT32; type <= DUET_UINT8; type++) {
        fill(s, DUET_EUCLID, (enum duet_datatype)type);
        struct txn txn;
        struct record_collection c;
        struct bytes chunk;
        assert_ok(store_read(s->t.db->store, &txn));
        assert_ok(collection_get(&txn, "c", &c));
        assert_ok(vector_chunk_get(vector_space_of(&txn, &c, 0), 0, &chunk));
        assert_int_equal(chunk.n, RECORD_CHUNK_SLOTS * DIM * bytes[type]);
        store_end(&txn);
        assert_ok(duet_collection_drop(s->t.db, "c"));
    }
}

static void test_vectors_that_do_not_fit_are_refused(void **state)
{
    struct space_test *s = *state;
    struct duet *db = s->t.db;
    const struct duet_space half = {"v", 2, DUET_DOT, DUET_FLOAT16};
    const struct duet_space byte = {"v", 2, DUET_COSINE, DUET_UINT8};
    assert_ok(duet_collection_create(db, "h", &half, 1));
    assert_ok(duet_collection_create(db, "b", &byte, 1));
    const float large[] = {65520, 1}, fits[] = {65504, 1};
    const float over[] = {256, 1}, under[] = {-1, 1}, fraction[] = {255.5f, 1};
    const float none[] = {0.5f, 0.25f};
    assert_err(test_upsert(db, "h", test_id(1), large, 2, NULL), ERR_INVALID);
    assert_ok(test_upsert(db, "h", test_id(1), fits, 2, NULL));
    assert_err(test_upsert(db, "b", test_id(1), over, 2, NULL), ERR_INVALID);
    assert_err(test_upsert(db, "b", test_id(1), under, 2, NULL), ERR_INVALID);
    assert_err(test_upsert(db, "b", test_id(1), none, 2, NULL), ERR_INVALID);
    assert_ok(test_upsert(db, "b", test_id(1), fraction, 2, NULL));
    struct duet_hits got;
    assert_ok(duet_get(db, "b", &(struct duet_id){.number = 1}, 1, true, &got));
    assert_true(got.hits[0].vectors[0].values[0] == 255);
    duet_hits_release(&got);
    struct duet_query q = test_query(over, 2, 1);
    assert_err(duet_search(db, "b", &q, &got), ERR_INVALID);
}

static void add_named(struct duet *db, const char *space, uint64_t id, float x)
{
    const float v[] = {x, 1};
    struct duet_named_input named = {space,
                                     {.kind = DUET_INPUT_VECTOR, .vector = v, .n = 2}};
    struct duet_point_input p = {.id = test_id(id), .vectors = &named, .n_vectors = 1};
    struct duet_operation o = {
        .kind = DUET_OP_UPDATE_VECTORS, .points = &p, .n_points = 1};
    assert_ok(duet_apply(db, "c", &o, 1));
}

static size_t n_found(struct duet *db, const char *space)
{
    const float v[] = {1, 1};
    struct duet_hits hits;
    struct duet_query q = test_query(v, 2, 10);
    q.in = space;
    assert_ok(duet_search(db, "c", &q, &hits));
    size_t n = hits.n;
    duet_hits_release(&hits);
    return n;
}

static void test_spaces_come_and_go(void **state)
{
    struct space_test *s = *state;
    struct duet *db = s->t.db;
    struct duet_space a = {"a", 2, DUET_DOT, DUET_FLOAT32};
    struct duet_space b = {"b", 2, DUET_EUCLID, DUET_UINT8};
    struct duet_point_input p = {.id = test_id(1)};
    assert_ok(duet_collection_create(db, "c", &a, 1));
    assert_ok(duet_upsert(db, "c", &p, 1));
    add_named(db, "a", 1, 3);
    assert_err(duet_space_remove(db, "c", "a"), ERR_INVALID); /* the last */
    /* More often than there are places: numbers, not places, are used up. */
    for (int i = 0; i < LIMIT_SPACES_MAX + 4; i++) {
        assert_ok(duet_space_add(db, "c", &b));
        assert_ok(duet_space_add(db, "c", &b)); /* as it is: nothing to do */
        assert_int_equal(n_found(db, "b"), 0);  /* none of the one before */
        add_named(db, "b", 1, 7);
        assert_int_equal(n_found(db, "b"), 1);
        if (i % 2 == 0) { /* the later one moves up */
            assert_ok(duet_space_remove(db, "c", "a"));
            assert_int_equal(n_found(db, "b"), 1);
            assert_ok(duet_space_add(db, "c", &a));
            add_named(db, "a", 1, 3);
        }
        assert_ok(duet_space_remove(db, "c", "b"));
        assert_int_equal(n_found(db, "a"), 1);
    }
    assert_err(duet_space_remove(db, "c", "b"), ERR_NOT_FOUND);
    assert_ok(duet_space_add(db, "c", &b));
    b.dim = 3;
    assert_err(duet_space_add(db, "c", &b), ERR_EXISTS);
    test_db_reopen(&s->t);
    assert_int_equal(n_found(s->t.db, "a"), 1);
    assert_int_equal(n_found(s->t.db, "b"), 0);
}

static void test_rows_of_a_removed_space_are_taken_back(void **state)
{
    struct space_test *s = *state;
    struct duet_space extra = {"w", 2, DUET_DOT, DUET_FLOAT32};
    fill(s, DUET_DOT, DUET_FLOAT32);
    assert_ok(duet_space_add(s->t.db, "c", &extra));
    assert_ok(duet_space_remove(s->t.db, "c", "v"));
    assert_ok(duet_seal(s->t.db, "c")); /* waits for the builder, which reclaims */
    struct txn txn;
    struct record_collection c;
    static const enum store_table tables[] = {STORE_VECTORS, STORE_SLOTS, STORE_LIVE,
                                              STORE_SPACES, STORE_DROPPED};
    assert_ok(store_read(s->t.db->store, &txn));
    assert_ok(collection_get(&txn, "c", &c));
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct record_key key = record_key_collection(c.number);
        struct cursor cursor;
        assert_ok(cursor_open(&txn, tables[i], store_key(&key), &cursor));
        assert_null(cursor.key.data);
        cursor_close(&cursor);
    }
    store_end(&txn);
    size_t n;
    assert_ok(duet_count(s->t.db, "c", &n));
    assert_int_equal(n, N);
}

static void test_metadata_is_merged(void **state)
{
    struct space_test *s = *state;
    struct duet *db = s->t.db;
    struct duet_space space = {"v", 2, DUET_DOT, DUET_FLOAT32};
    struct duet_collection_options o = {.spaces = &space, .n_spaces = 1};
    struct duet_collections list;
    assert_ok(duet_collection_create_with(db, "plain", &o));
    o.metadata = "{\"a\":1,\"b\":2}";
    o.n_metadata = strlen(o.metadata);
    assert_ok(duet_collection_create_with(db, "c", &o));
    assert_ok(duet_collection_set_metadata(db, "c", "{\"a\":null,\"c\":3}", 16));
    test_db_reopen(&s->t);
    db = s->t.db;
    assert_ok(duet_collections_list(db, NULL, &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].metadata, "{\"b\":2,\"c\":3}");
    assert_null(list.items[1].metadata);
    duet_collections_release(&list);
    o.metadata = "[]";
    o.n_metadata = 2;
    assert_err(duet_collection_create_with(db, "d", &o), ERR_INVALID);
    assert_err(duet_collection_set_metadata(db, "c", "{", 1), ERR_INVALID);
    assert_err(duet_collection_set_metadata(db, "none", "{}", 2), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_each_distance_and_datatype_is_searched_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vectors_take_the_room_of_their_datatype,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vectors_that_do_not_fit_are_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spaces_come_and_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_of_a_removed_space_are_taken_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_metadata_is_merged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
