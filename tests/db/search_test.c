/*
 * search_test.c - db/search.c and db/nearest.c against a brute-force oracle.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

enum { DIM = 24, IDS = 600 };

/* What the database should hold: the vectors by number of the id. */
struct oracle {
    bool there[IDS];
    float vectors[IDS][DIM];
};

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_db_make(t);
    test_collection_make(t->db, "c", DIM, DUET_COSINE);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

/* ---- The oracle ---- */

static double oracle_score(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < DIM; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

/* One random write or removal, on both. */
static void change(struct test_db *t, struct oracle *o, struct test_random *r)
{
    size_t i = test_random_below(r, IDS);
    if (test_random_below(r, 4) == 0) {
        size_t n;
        struct duet_id id = test_id(i);
        assert_ok(duet_remove(t->db, "c", &id, 1, &n));
        assert_int_equal(n, o->there[i] ? 1 : 0);
        o->there[i] = false;
        return;
    }
    test_random_unit(r, o->vectors[i], DIM);
    o->there[i] = true;
    assert_ok(test_upsert(t->db, "c", test_id(i), o->vectors[i], DIM, NULL));
}

/* Fills both with all ids at once. */
static void fill(struct test_db *t, struct oracle *o, struct test_random *r)
{
    static struct db_write writes[IDS];
    memset(writes, 0, sizeof writes);
    for (size_t i = 0; i < IDS; i++) {
        test_random_unit(r, o->vectors[i], DIM);
        o->there[i] = true;
        writes[i].id = test_id(i);
        writes[i].vectors[0] = o->vectors[i];
    }
    assert_ok(db_write_points(t->db, "c", writes, IDS));
}

/* The result must be the oracle's k best: scores within rounding, and no point left out
 * that is better than the last one found. */
static void check_against(const struct oracle *o, const float *query, size_t k,
                          const struct duet_hits *got)
{
    size_t n_there = 0;
    bool found[IDS] = {false};
    for (size_t i = 0; i < IDS; i++) {
        n_there += o->there[i] ? 1 : 0;
    }
    assert_int_equal(got->n, k < n_there ? k : n_there);
    for (size_t h = 0; h < got->n; h++) {
        size_t i = got->hits[h].id.number;
        assert_true(i < IDS && o->there[i] && !found[i]);
        found[i] = true;
        assert_true(fabs(oracle_score(query, o->vectors[i]) - got->hits[h].score) <
                    1e-5);
        assert_true(h == 0 || got->hits[h].score <= got->hits[h - 1].score);
    }
    for (size_t i = 0; i < IDS && got->n > 0; i++) {
        if (o->there[i] && !found[i]) {
            double score = oracle_score(query, o->vectors[i]);
            assert_true(score <= got->hits[got->n - 1].score + 1e-5);
        }
    }
}

static void check_queries(struct test_db *t, const struct oracle *o,
                          struct test_random *r)
{
    static const size_t ks[] = {1, 10, IDS - 1, IDS, IDS + 1000};
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
        float query[DIM];
        struct duet_hits got;
        test_random_unit(r, query, DIM);
        struct duet_query q = test_query(query, DIM, ks[i]);
        assert_ok(duet_search(t->db, "c", &q, &got));
        check_against(o, query, ks[i], &got);
        duet_hits_release(&got);
        /* A filter that all pass changes nothing, whatever slots have died. */
        q.filter = "{\"must\":{\"has_vector\":\"v\"}}";
        assert_ok(duet_search(t->db, "c", &q, &got));
        check_against(o, query, ks[i], &got);
        duet_hits_release(&got);
    }
}

static void test_search_equals_brute_force_through_writes_and_removals(void **state)
{
    struct test_db *t = *state;
    struct test_random r = test_random_seeded("search");
    struct oracle *o = calloc(1, sizeof *o);
    check_queries(t, o, &r);
    for (size_t round = 0; round < 6; round++) {
        for (size_t i = 0; i < 40; i++) {
            change(t, o, &r);
        }
        check_queries(t, o, &r);
    }
    fill(t, o, &r);
    check_queries(t, o, &r);
    test_db_reopen(t);
    check_queries(t, o, &r);
    free(o);
}

static void test_chunks_that_died_are_gone_and_not_missed(void **state)
{
    struct test_db *t = *state;
    struct test_random r = test_random_seeded("dead chunks");
    struct oracle *o = calloc(1, sizeof *o);
    struct duet_stats stats;
    for (size_t round = 0; round < 5; round++) {
        fill(t, o, &r);
    }
    check_queries(t, o, &r);
    assert_ok(duet_stats(t->db, "c", &stats));
    assert_int_equal(stats.spaces[0].n_vectors, IDS);
    for (size_t i = 0; i < IDS; i++) {
        struct duet_id id = test_id(i);
        if (i % 3 != 0) {
            assert_ok(duet_remove(t->db, "c", &id, 1, NULL));
            o->there[i] = false;
        }
    }
    check_queries(t, o, &r);
    free(o);
}

/* ---- Ties ---- */

static void test_equal_scores_come_by_id_also_at_the_edge(void **state)
{
    struct test_db *t = *state;
    float same[DIM] = {1};
    struct duet_hits got;
    for (uint64_t i = 20; i > 0; i--) { /* so that slots run against ids */
        assert_ok(test_upsert(t->db, "c", test_id(i), same, DIM, NULL));
    }
    for (size_t k = 1; k <= 20; k += 3) {
        struct duet_query q = test_query(same, DIM, k);
        assert_ok(duet_search(t->db, "c", &q, &got));
        assert_int_equal(got.n, k);
        for (size_t i = 0; i < k; i++) {
            assert_int_equal(got.hits[i].id.number, i + 1);
        }
        duet_hits_release(&got);
    }
}

static void test_pages_by_offset_follow_one_another(void **state)
{
    struct test_db *t = *state;
    struct test_random r = test_random_seeded("offset");
    struct oracle *o = calloc(1, sizeof *o);
    struct duet_hits whole;
    struct duet_hits page;
    float query[DIM];
    fill(t, o, &r);
    test_random_unit(&r, query, DIM);
    struct duet_query q = test_query(query, DIM, 100);
    assert_ok(duet_search(t->db, "c", &q, &whole));
    q.k = 7;
    for (q.offset = 0; q.offset + q.k <= 100; q.offset += q.k) {
        assert_ok(duet_search(t->db, "c", &q, &page));
        for (size_t i = 0; i < q.k; i++) {
            assert_int_equal(page.hits[i].id.number,
                             whole.hits[q.offset + i].id.number);
        }
        duet_hits_release(&page);
    }
    q.offset = IDS;
    assert_ok(duet_search(t->db, "c", &q, &page));
    assert_int_equal(page.n, 0);
    duet_hits_release(&page);
    duet_hits_release(&whole);
    free(o);
}

static void test_a_threshold_cuts_the_list(void **state)
{
    struct test_db *t = *state;
    struct test_random r = test_random_seeded("threshold");
    struct oracle *o = calloc(1, sizeof *o);
    struct duet_hits got;
    float query[DIM];
    size_t n_above = 0;
    fill(t, o, &r);
    test_random_unit(&r, query, DIM);
    for (size_t i = 0; i < IDS; i++) {
        n_above += oracle_score(query, o->vectors[i]) >= 0.2 ? 1 : 0;
    }
    struct duet_query q = test_query(query, DIM, IDS);
    q.has_threshold = true;
    q.score_threshold = 0.2f;
    assert_ok(duet_search(t->db, "c", &q, &got));
    assert_int_equal(got.n, n_above);
    duet_hits_release(&got);
    free(o);
}

/* ---- What stands where a vector may stand ---- */

static void test_a_point_finds_its_neighbours_and_not_itself(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    float v[DIM] = {1};
    for (uint64_t i = 0; i < 10; i++) {
        v[1] = (float)i;
        assert_ok(test_upsert(t->db, "c", test_id(i), v, DIM, NULL));
    }
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.input = (struct duet_input){.kind = DUET_INPUT_POINT, .id = test_id(0)};
    assert_ok(duet_search(t->db, "c", &q, &got));
    assert_int_equal(got.n, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(got.hits[i].id.number, i + 1);
    }
    duet_hits_release(&got);
    q.input.id = test_id(77);
    assert_err(duet_search(t->db, "c", &q, &got), ERR_NOT_FOUND);
}

static void test_a_vector_of_any_length_is_taken_for_its_direction(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    float v[DIM] = {3e-30f, 4e-30f};
    assert_ok(test_upsert(t->db, "c", test_id(1), v, DIM, NULL));
    float query[DIM] = {3e30f, 4e30f};
    struct duet_query q = test_query(query, DIM, 1);
    assert_ok(duet_search(t->db, "c", &q, &got));
    assert_true(fabsf(got.hits[0].score - 1) < 1e-6f);
    assert_string_equal(got.hits[0].space, "v");
    duet_hits_release(&got);
}

static void test_bad_queries_are_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    float v[DIM] = {1};
    float nan[DIM] = {NAN};
    float zero[DIM] = {0};
    struct duet_query q = test_query(v, DIM, 0);
    assert_err(duet_search(t->db, "c", &q, &got), ERR_INVALID);
    q.k = LIMIT_K_MAX + 1;
    assert_err(duet_search(t->db, "c", &q, &got), ERR_LIMIT);
    q = test_query(v, DIM, LIMIT_K_MAX);
    q.offset = 1;
    assert_err(duet_search(t->db, "c", &q, &got), ERR_LIMIT);
    q.offset = SIZE_MAX;
    assert_err(duet_search(t->db, "c", &q, &got), ERR_LIMIT);
    q = test_query(v, DIM - 1, 1);
    assert_err(duet_search(t->db, "c", &q, &got), ERR_CONFLICT);
    q = test_query(nan, DIM, 1);
    assert_err(duet_search(t->db, "c", &q, &got), ERR_INVALID);
    q = test_query(zero, DIM, 1);
    assert_err(duet_search(t->db, "c", &q, &got), ERR_INVALID);
    q = test_query(v, DIM, 1);
    q.in = "image";
    assert_err(duet_search(t->db, "c", &q, &got), ERR_NOT_FOUND);
    assert_err(duet_search(t->db, "other", &q, &got), ERR_NOT_FOUND);
    q = (struct duet_query){.k = 1};
    assert_err(duet_search(t->db, "c", &q, &got), ERR_INVALID);
    q.input = duet_input_text("words");
    assert_err(duet_search(t->db, "c", &q, &got), ERR_UNSUPPORTED);
    assert_null(got.hits);
}

/* ---- Several spaces ---- */

static void test_any_fuses_spaces_by_rank(void **state)
{
    struct test_db *t = *state;
    struct duet_space spaces[] = {{"a", 2, DUET_DOT, DUET_FLOAT32},
                                  {"b", 2, DUET_DOT, DUET_FLOAT32}};
    assert_ok(duet_collection_create(t->db, "two", spaces, 2));
    const float near[] = {1, 0};
    const float middle[] = {0.5f, 0};
    const float far[] = {0.1f, 0};
    struct db_write writes[3] = {
        {.id = test_id(1)}, {.id = test_id(2)}, {.id = test_id(3)}};
    writes[0].vectors[0] = near; /* first in a, absent in b: 1/2 */
    writes[1].vectors[0] = middle;
    writes[1].vectors[1] = near; /* second in a, first in b: 1/3 + 1/2 */
    writes[2].vectors[0] = far;
    writes[2].vectors[1] = middle; /* third in a, second in b: 1/4 + 1/3 */
    assert_ok(db_write_points(t->db, "two", writes, 3));
    struct duet_hits got;
    struct duet_query q = test_query(near, 2, 10);
    assert_err(duet_search(t->db, "two", &q, &got), ERR_INVALID);
    q.in = "any";
    assert_ok(duet_search(t->db, "two", &q, &got));
    assert_int_equal(got.n, 3);
    assert_int_equal(got.hits[0].id.number, 2);
    assert_true(fabsf(got.hits[0].score - (1 / 3.0f + 1 / 2.0f)) < 1e-6f);
    assert_string_equal(got.hits[0].space, "b");
    assert_int_equal(got.hits[1].id.number, 3);
    assert_int_equal(got.hits[2].id.number, 1);
    duet_hits_release(&got);
    q.in = "b";
    assert_ok(duet_search(t->db, "two", &q, &got));
    assert_int_equal(got.n, 2);
    duet_hits_release(&got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_search_equals_brute_force_through_writes_and_removals),
        TEST(test_chunks_that_died_are_gone_and_not_missed),
        TEST(test_equal_scores_come_by_id_also_at_the_edge),
        TEST(test_pages_by_offset_follow_one_another),
        TEST(test_a_threshold_cuts_the_list),
        TEST(test_a_point_finds_its_neighbours_and_not_itself),
        TEST(test_a_vector_of_any_length_is_taken_for_its_direction),
        TEST(test_bad_queries_are_refused),
        TEST(test_any_fuses_spaces_by_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
