/*
 * query_test.c - query trees of the library against their definitions: db/query*.c and
 * db/search_groups.c. That whole trees come out as in the dialect's own client is tested
 * by tests/compat/queries.py and its goldens.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

enum { DIM = 16, N = 2000 };

struct fixture {
    struct test_db t;
    struct test_random random;
    float vectors[N][DIM];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    test_folder_make(f->t.folder);
    struct duet_options o = test_db_options(&f->t);
    o.seal_at = 1000;
    assert_ok(duet_open(&f->t.db, &o));
    f->random = test_random_seeded("query_test");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    free(f);
    return 0;
}

/* A collection "c" of `n` random unit vectors, in a segment but for the last hundred; the
 * payload says a group and a number. */
static void fill(struct fixture *f, size_t n, enum duet_distance distance)
{
    static struct db_write writes[N];
    static char payloads[N][64];
    test_collection_make(f->t.db, "c", DIM, distance);
    for (size_t i = 0; i < n; i++) {
        test_random_unit(&f->random, f->vectors[i], DIM);
        snprintf(payloads[i], sizeof payloads[i], "{\"g\":%zu,\"n\":%zu}", i % 3, i);
        writes[i] = (struct db_write){
            .id = test_id(i), .payload = payloads[i], .n_payload = strlen(payloads[i])};
        writes[i].vectors[0] = f->vectors[i];
    }
    size_t n_sealed = n > 200 ? n - 100 : 0;
    assert_ok(db_write_points(f->t.db, "c", writes, n_sealed));
    assert_ok(duet_seal(f->t.db, "c"));
    if (n_sealed > 1000 && distance != DUET_MANHATTAN) { /* it has none */
        struct duet_stats stats;
        assert_ok(duet_stats(f->t.db, "c", &stats));
        assert_true(stats.spaces[0].n_sealed > 0);
    }
    assert_ok(db_write_points(f->t.db, "c", writes + n_sealed, n - n_sealed));
}

/* Points 0, 1, ... of a few numbers, of which the only space "v" takes two each. */
static void fill_by_hand(struct fixture *f, const float (*v)[2], size_t n,
                         enum duet_distance distance)
{
    test_collection_make(f->t.db, "c", 2, distance);
    for (size_t i = 0; i < n; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"n\":%zu}", i);
        assert_ok(test_upsert(f->t.db, "c", test_id(i), v[i], 2, payload));
    }
}

static struct duet_input vector_input(const float *v, size_t n)
{
    return (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = v, .n = n};
}

static struct duet_input point_input(uint64_t number)
{
    return (struct duet_input){.kind = DUET_INPUT_POINT, .id = test_id(number)};
}

/* Searches, and the ids must be these. */
static void check_ids(struct fixture *f, const struct duet_query *q,
                      const uint64_t *ids, size_t n)
{
    struct duet_hits got;
    assert_ok(duet_search(f->t.db, "c", q, &got));
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got.hits[i].id.number, ids[i]);
    }
    duet_hits_release(&got);
}

#define CHECK_IDS(q, ...)                                                              \
    check_ids(f, q, (const uint64_t[]){__VA_ARGS__},                                   \
              sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void check_refused(struct fixture *f, const struct duet_query *q, enum err code,
                          const char *sentence)
{
    struct duet_hits got;
    assert_err(duet_search(f->t.db, "c", q, &got), code);
    assert_null(got.hits);
    if (strstr(err_detail(), sentence) == NULL) {
        print_error("%s\n  does not say: %s\n", err_detail(), sentence);
        fail();
    }
}

/* ---- Recommendations by their definition ---- */

enum { N_EXAMPLES = 4, K = 20 };

/* What one example counts, in doubles. */
static double nearness(enum duet_distance distance, const float *a, const float *b)
{
    double dot = 0, squares = 0, sum = 0;
    for (size_t d = 0; d < DIM; d++) {
        double away = (double)a[d] - b[d];
        dot += (double)a[d] * b[d];
        squares += away * away;
        sum += fabs(away);
    }
    return distance == DUET_EUCLID ? -squares : distance == DUET_MANHATTAN ? -sum : dot;
}

static double recommended(enum duet_strategy strategy, enum duet_distance distance,
                          const struct duet_example *examples, const float *v)
{
    double sum = 0, best[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        double x = nearness(distance, examples[i].input.vector, v);
        bool positive = examples[i].weight > 0;
        sum += positive ? x : -x;
        best[positive] = fmax(best[positive], x);
    }
    double x = fmax(best[0], best[1]);
    double squashed = 0.5 * (1 + x / (1 + fabs(x)));
    return strategy == DUET_SUM_SCORES ? sum : best[1] > best[0] ? squashed : -squashed;
}

static int compare_down(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void check_recommendation(struct fixture *f, const struct duet_query *q,
                                 enum duet_distance distance, bool filtered)
{
    static double scores[N];
    size_t n = 0;
    struct duet_hits got;
    for (size_t i = 0; i < N; i++) {
        if (!filtered || i % 3 == 1) {
            scores[n++] =
                recommended(q->strategy, distance, q->examples, f->vectors[i]);
        }
    }
    qsort(scores, n, sizeof scores[0], compare_down);
    assert_ok(duet_search(f->t.db, "c", q, &got));
    assert_int_equal(got.n, K);
    for (size_t i = 0; i < K; i++) {
        const float *v = f->vectors[got.hits[i].id.number];
        double own = recommended(q->strategy, distance, q->examples, v);
        assert_true(!filtered || got.hits[i].id.number % 3 == 1);
        assert_true(fabs(own - (double)got.hits[i].score) < 1e-4);
        assert_true(fabs(scores[i] - (double)got.hits[i].score) < 1e-4);
    }
    duet_hits_release(&got);
}

/* Of 1 to 4 positive examples among the four. */
static void check_strategy(struct fixture *f, enum duet_strategy strategy,
                           enum duet_distance distance)
{
    float vectors[N_EXAMPLES][DIM];
    struct duet_example examples[N_EXAMPLES];
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.kind = DUET_QUERY_RECOMMEND;
    q.examples = examples;
    q.n_examples = N_EXAMPLES;
    q.strategy = strategy;
    q.k = K;
    for (size_t n_positive = 0; n_positive <= N_EXAMPLES; n_positive++) {
        for (size_t i = 0; i < N_EXAMPLES; i++) {
            test_random_unit(&f->random, vectors[i], DIM);
            examples[i] = (struct duet_example){vector_input(vectors[i], DIM),
                                                i < n_positive ? 1 : -1};
        }
        for (int exact = 0; exact <= 1; exact++) {
            q.exact = exact == 1;
            q.filter = NULL;
            check_recommendation(f, &q, distance, false);
            q.filter = "{\"must\":{\"key\":\"g\",\"match\":{\"value\":1}}}";
            check_recommendation(f, &q, distance, true);
        }
    }
}

static void test_examples_score_by_their_definition(void **state)
{
    struct fixture *f = *state;
    for (int distance = DUET_COSINE; distance <= DUET_MANHATTAN; distance++) {
        fill(f, N, (enum duet_distance)distance);
        check_strategy(f, DUET_BEST_SCORE, (enum duet_distance)distance);
        check_strategy(f, DUET_SUM_SCORES, (enum duet_distance)distance);
        assert_ok(duet_collection_drop(f->t.db, "c"));
    }
}

static bool is_among(struct duet_id id, const struct duet_hits *hits)
{
    for (size_t i = 0; i < hits->n; i++) {
        if (duet_id_compare(hits->hits[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* How many of the exact K are found, and the proof that a segment was asked for them and
 * not all vectors compared. */
static size_t count_found(struct fixture *f, struct duet_query *q)
{
    struct duet_hits got, exact;
    size_t n = 0;
    q->exact = true;
    assert_ok(duet_search(f->t.db, "c", q, &exact));
    assert_int_equal(exact.n_candidates, 0);
    q->exact = false;
    assert_ok(duet_search(f->t.db, "c", q, &got));
    assert_int_equal(got.n, K);
    assert_true(got.n_candidates > 0 && got.n_compared < N / 2 * q->n_examples);
    for (size_t i = 0; i < K; i++) {
        n += is_among(exact.hits[i].id, &got);
    }
    duet_hits_release(&exact);
    duet_hits_release(&got);
    return n;
}

static void test_the_index_helps_with_examples(void **state)
{
    struct fixture *f = *state;
    size_t n_found = 0, n_queries = 0;
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill(f, N, DUET_COSINE);
    q.kind = DUET_QUERY_RECOMMEND;
    q.k = K;
    q.oversampling = 1; /* else so few vectors are all compared */
    for (size_t i = 0; i < 30; i++) {
        struct duet_example examples[] = {{point_input(i), 1},
                                          {point_input(50 + i), 1}};
        q.examples = examples;
        q.n_examples = 2;
        for (q.strategy = DUET_BEST_SCORE; q.strategy <= DUET_SUM_SCORES;
             q.strategy++) {
            n_found += count_found(f, &q);
            n_queries++;
        }
    }
    print_message("%zu of %zu found\n", n_found, n_queries * K);
    assert_true(n_found * 100 >= n_queries * K * 98);
}

/* Where a negative example is nearer to all candidates, others come before them. */
static void test_candidates_that_do_not_do_are_not_the_answer(void **state)
{
    struct fixture *f = *state;
    static float examples_at[2][DIM];
    struct duet_hits got, exact;
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill(f, N, DUET_COSINE);
    memcpy(examples_at[0], f->vectors[7], sizeof examples_at[0]);
    memcpy(examples_at[1], f->vectors[7], sizeof examples_at[1]);
    const struct duet_example examples[] = {{vector_input(examples_at[0], DIM), 1},
                                            {vector_input(examples_at[1], DIM), -1}};
    q.kind = DUET_QUERY_RECOMMEND;
    q.strategy = DUET_BEST_SCORE;
    q.examples = examples;
    q.n_examples = 2; /* the farthest are the best, by -s(x) */
    q.k = K;
    q.oversampling = 1;
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    q.exact = true;
    assert_ok(duet_search(f->t.db, "c", &q, &exact));
    for (size_t i = 0; i < K; i++) {
        assert_int_equal(got.hits[i].id.number, exact.hits[i].id.number);
        assert_true(got.hits[i].score < 0 && got.hits[i].score > -0.4f);
    }
    duet_hits_release(&got);
    duet_hits_release(&exact);
}

static void test_an_average_leans_away_from_the_negative(void **state)
{
    struct fixture *f = *state;
    static const float v[][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};
    const struct duet_example examples[] = {{point_input(0), 1}, {point_input(1), -1}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, v, 4, DUET_DOT);
    q.kind = DUET_QUERY_RECOMMEND;
    q.examples = examples;
    q.n_examples = 2; /* 2 * (1, 0) - (0, 1) = (2, -1) */
    struct duet_hits got;
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_int_equal(got.n, 2);
    assert_int_equal(got.hits[0].id.number, 3);
    assert_true(got.hits[0].score == 3);
    assert_true(got.hits[1].score == 1);
    duet_hits_release(&got);
}

/* ---- Mixes ---- */

static void test_a_mix_weighs_directions_not_lengths(void **state)
{
    struct fixture *f = *state;
    static const float v[][2] = {{1, 0}, {0, 1}, {1, 1}, {-1, 1}, {0.2f, 1}};
    static const float long_x[] = {1000, 0}, short_y[] = {0, 0.001f};
    const struct duet_example parts[] = {{vector_input(long_x, 2), 0.6f},
                                         {vector_input(short_y, 2), 0.8f}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_hits got;
    fill_by_hand(f, v, 5, DUET_DOT);
    q.kind = DUET_QUERY_MIX;
    q.examples = parts;
    q.n_examples = 2;
    assert_ok(duet_search(f->t.db, "c", &q, &got)); /* by (0.6, 0.8) */
    assert_int_equal(got.hits[0].id.number, 2);
    assert_true(fabsf(got.hits[0].score - 1.4f) < 1e-5f);
    assert_int_equal(got.hits[1].id.number, 4);
    assert_true(fabsf(got.hits[1].score - 0.92f) < 1e-5f);
    duet_hits_release(&got);
}

static void test_points_of_a_mix_are_left_out(void **state)
{
    struct fixture *f = *state;
    static const float v[][2] = {{1, 0}, {0, 1}, {1, 1}, {1, 0.9f}};
    const struct duet_example parts[] = {{point_input(2), 1}, {point_input(1), -0.1f}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, v, 4, DUET_COSINE);
    q.kind = DUET_QUERY_MIX;
    q.examples = parts;
    q.n_examples = 2;
    CHECK_IDS(&q, 3, 0);
}

static void test_a_mix_that_cancels_out_is_told(void **state)
{
    struct fixture *f = *state;
    static const float v[][2] = {{1, 0}};
    static const float a[] = {1, 1}, zero[] = {0, 0};
    struct duet_example parts[] = {{vector_input(a, 2), 1}, {vector_input(a, 2), -1}};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, v, 1, DUET_COSINE);
    q.kind = DUET_QUERY_MIX;
    q.examples = parts;
    q.n_examples = 2;
    check_refused(f, &q, ERR_INVALID, "cancel each other out");
    parts[1].input = vector_input(zero, 2);
    check_refused(f, &q, ERR_INVALID, "query.duet.mix[1]: ");
    parts[1].input = vector_input(a, 1);
    check_refused(f, &q, ERR_CONFLICT, "query.duet.mix[1]: the vector has 1 numbers");
}

/* ---- Prefetches ---- */

static const float line[][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}};

/* The nearest to `v` of `k`. */
static struct duet_query near(const float v[2], size_t k)
{
    struct duet_query q = test_query(v, 2, k);
    return q;
}

static void test_only_prefetched_points_are_ranked_anew(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0}, high[] = {9, 0};
    struct duet_query prefetch[] = {near(low, 3)};
    struct duet_query q = near(high, 2);
    fill_by_hand(f, line, 6, DUET_EUCLID);
    CHECK_IDS(&q, 5, 4);
    q.prefetch = prefetch;
    q.n_prefetch = 1;
    CHECK_IDS(&q, 2, 1);
    q.offset = 1;
    CHECK_IDS(&q, 1, 0);
}

static void test_a_filter_goes_down_into_prefetches(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0}, high[] = {9, 0};
    struct duet_query prefetch[] = {near(low, 2)};
    struct duet_query q = near(high, 2);
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.prefetch = prefetch;
    q.n_prefetch = 1;
    q.filter = "{\"must_not\":{\"has_id\":[0]}}";
    CHECK_IDS(&q, 2, 1); /* not 1 alone: the prefetch passes over 0 */
    /* What both say in "should" are alternatives, in the prefetch. */
    prefetch[0].k = 6;
    prefetch[0].filter = "{\"should\":{\"has_id\":[1]}}";
    q.k = 6;
    q.filter = "{\"should\":[{\"has_id\":[3]},{\"has_id\":[4]}]}";
    CHECK_IDS(&q, 4, 3);
    prefetch[0].filter = "{\"must\":{\"has_id\":[1,3]}}";
    CHECK_IDS(&q, 3);
    prefetch[0].filter =
        "{\"min_should\":{\"conditions\":[{\"has_id\":[3]},{\"has_id\":"
        "[3,4]}],\"min_count\":2}}";
    q.filter = "{\"min_should\":{\"conditions\":[{\"has_id\":[4]}],\"min_count\":1}}";
    CHECK_IDS(&q, 4); /* of three conditions two; above it, of one one */
}

static void test_a_point_asked_with_is_left_out_below(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0};
    struct duet_query prefetch[] = {near(low, 2)};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.input = point_input(1);
    q.prefetch = prefetch;
    q.n_prefetch = 1;
    CHECK_IDS(&q, 0, 2); /* and not 0 alone */
}

static void check_fused(struct fixture *f, const struct duet_query *q, size_t n,
                        const uint64_t *ids, const float *scores)
{
    struct duet_hits got;
    assert_ok(duet_search(f->t.db, "c", q, &got));
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got.hits[i].id.number, ids[i]);
        assert_true(fabsf(got.hits[i].score - scores[i]) < 1e-5f);
    }
    duet_hits_release(&got);
}

static void test_ranks_are_fused(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0}, high[] = {9, 0};
    static const float weights[] = {3, 1}, none[] = {0, 1};
    const struct duet_query prefetch[] = {near(low, 2), near(high, 5)};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.kind = DUET_QUERY_RRF;
    q.prefetch = prefetch; /* 0 1; 5 4 3 2 1 */
    q.n_prefetch = 2;
    check_fused(f, &q, 6, (uint64_t[]){0, 1, 5, 4, 3, 2},
                (float[]){0.5f, 1 / 3.0f + 1 / 6.0f, 0.5f, 1 / 3.0f, 0.25f, 0.2f});
    q.rrf_k = 1;
    q.k = 2;
    check_fused(f, &q, 2, (uint64_t[]){0, 5}, (float[]){1, 1});
    q.rrf_weights = weights;
    q.n_rrf_weights = 2;
    check_fused(f, &q, 2, (uint64_t[]){0, 1}, (float[]){3, 1.5f + 0.2f});
    q.rrf_weights = none;
    q.has_threshold = true;
    q.score_threshold = 0.5f;
    check_fused(f, &q, 2, (uint64_t[]){5, 4}, (float[]){1, 0.5f});
}

static void test_scores_are_fused(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0}, high[] = {9, 0};
    const struct duet_query prefetch[] = {near(low, 3), near(high, 1)};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.kind = DUET_QUERY_DBSF;
    q.prefetch = prefetch; /* distances 1 2 3: mean 2, deviation 1; one alone is 0.5 */
    q.n_prefetch = 2;
    check_fused(f, &q, 4, (uint64_t[]){0, 1, 5, 2},
                (float[]){4 / 6.0f, 0.5f, 0.5f, 2 / 6.0f});
}

static void test_all_points_come_by_id(void **state)
{
    struct fixture *f = *state;
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.kind = DUET_QUERY_ALL;
    q.k = 3;
    q.offset = 1;
    q.filter = "{\"must_not\":{\"has_id\":[2]}}";
    CHECK_IDS(&q, 1, 3, 4);
}

static void test_points_come_in_the_order_of_a_value(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0};
    struct duet_query prefetch[] = {near(low, 4)};
    struct duet_query q = DUET_QUERY_DEFAULT;
    struct duet_hits got;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.kind = DUET_QUERY_ORDER;
    q.order = (struct duet_order){.key = "n", .descending = true};
    q.k = 3;
    q.offset = 1;
    CHECK_IDS(&q, 4, 3, 2);
    assert_ok(duet_search(f->t.db, "c", &q, &got));
    assert_true(got.hits[0].order.kind == DUET_VALUE_INT);
    assert_true(got.hits[0].order.whole == 4);
    duet_hits_release(&got);
    q.prefetch = prefetch; /* 0 1 2 3 */
    q.n_prefetch = 1;
    q.filter = "{\"must_not\":{\"has_id\":[1]}}";
    CHECK_IDS(&q, 3, 2, 0);
    q.order.key = "n..";
    check_refused(f, &q, ERR_INVALID, "query.order_by: ");
    q.order.key = NULL;
    check_refused(f, &q, ERR_INVALID, "say by which value");
    prefetch[0] =
        (struct duet_query){.kind = DUET_QUERY_ORDER, .order = {.key = "n"}, .k = 2};
    q = near(low, 5);
    q.input = point_input(0);
    q.prefetch = prefetch;
    q.n_prefetch = 1;
    CHECK_IDS(&q, 1, 2); /* the first two but for the point asked with */
}

/* Each of the points that may be drawn is, equally often. */
static void test_a_sample_is_drawn_fairly(void **state)
{
    struct fixture *f = *state;
    size_t n_drawn[6] = {0}, n_first[6] = {0};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.kind = DUET_QUERY_SAMPLE;
    q.k = 2;
    q.filter = "{\"must_not\":{\"has_id\":[3]}}";
    for (size_t i = 0; i < 2000; i++) {
        struct duet_hits got;
        assert_ok(duet_search(f->t.db, "c", &q, &got));
        assert_int_equal(got.n, 2);
        assert_true(got.hits[0].id.number != got.hits[1].id.number);
        n_drawn[got.hits[0].id.number]++;
        n_drawn[got.hits[1].id.number]++;
        n_first[got.hits[0].id.number]++;
        duet_hits_release(&got);
    }
    for (size_t i = 0; i < 6; i++) { /* 800 and 400, by more than six deviations */
        assert_true(i == 3 ? n_drawn[i] == 0 : n_drawn[i] > 660 && n_drawn[i] < 940);
        assert_true(i == 3 ? n_first[i] == 0 : n_first[i] > 290 && n_first[i] < 510);
    }
}

static void test_vectors_are_looked_up_elsewhere(void **state)
{
    struct fixture *f = *state;
    static const float there[] = {5.1f, 0};
    struct duet_query q = DUET_QUERY_DEFAULT;
    fill_by_hand(f, line, 6, DUET_EUCLID);
    test_collection_make(f->t.db, "other", 2, DUET_EUCLID);
    assert_ok(test_upsert(f->t.db, "other", test_id(5), there, 2, NULL));
    q.input = point_input(5);
    q.k = 2;
    CHECK_IDS(&q, 4, 3);
    q.lookup_from = "other"; /* where 5 is another point: it may be found here */
    CHECK_IDS(&q, 5, 4);
    q.input = point_input(4);
    check_refused(f, &q, ERR_NOT_FOUND, "there is no point 4");
    q.lookup_from = "none";
    check_refused(f, &q, ERR_NOT_FOUND, "lookup_from: there is no collection");
}

/* ---- Many at once ---- */

static void test_many_are_answered_as_one_by_one(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0}, high[] = {9, 0};
    struct duet_query queries[] = {near(low, 3), near(high, 2), near(low, 1)};
    struct duet_hits got[3];
    fill_by_hand(f, line, 6, DUET_EUCLID);
    assert_ok(duet_search_many(f->t.db, "c", queries, 3, got));
    assert_int_equal(got[0].n, 3);
    assert_int_equal(got[1].hits[0].id.number, 5);
    assert_int_equal(got[2].hits[0].id.number, 0);
    for (size_t i = 0; i < 3; i++) {
        duet_hits_release(&got[i]);
    }
    assert_ok(duet_search_many(f->t.db, "c", queries, 0, got));
    queries[1].input = point_input(77);
    assert_err(duet_search_many(f->t.db, "c", queries, 3, got), ERR_NOT_FOUND);
    assert_string_equal(err_detail(), "searches[1].query: there is no point 77");
    assert_null(got[0].hits);
}

/* ---- Groups ---- */

struct expected_group {
    const char *value;
    size_t n;
    uint64_t first;
};

static void check_groups(struct fixture *f, const struct duet_query *q,
                         const struct duet_grouping *g,
                         const struct expected_group *expected, size_t n)
{
    struct duet_groups got;
    assert_ok(duet_search_groups(f->t.db, "c", q, g, &got));
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(got.items[i].value, expected[i].value);
        assert_int_equal(got.items[i].hits.n, expected[i].n);
        assert_int_equal(got.items[i].hits.hits[0].id.number, expected[i].first);
    }
    duet_groups_release(&got);
}

static void write_payloads(struct fixture *f, const char *const *payloads, size_t n)
{
    test_collection_make(f->t.db, "c", 2, DUET_EUCLID);
    for (size_t i = 0; i < n; i++) {
        const float v[] = {(float)i, 0};
        assert_ok(test_upsert(f->t.db, "c", test_id(i), v, 2, payloads[i]));
    }
}

static void test_points_fall_into_groups(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0};
    static const char *const payloads[] = {"{\"k\":\"a\"}",
                                           "{\"k\":[\"b\",\"a\",\"b\"]}",
                                           "{}",
                                           "{\"k\":[7,true]}",
                                           "{\"k\":7}",
                                           "{\"k\":\"7\"}",
                                           "{\"k\":[]}",
                                           "{\"k\":null}",
                                           "{\"k\":1.0}",
                                           "{\"k\":[\"a\",\"c\"]}"};
    const struct duet_query q = near(low, 10);
    struct duet_grouping g = {.path = "k", .size = 2};
    write_payloads(f, payloads, 10);
    check_groups(f, &q, &g,
                 (struct expected_group[]){{"\"a\"", 2, 0},
                                           {"\"b\"", 1, 1},
                                           {"7", 1, 4},
                                           {"\"7\"", 1, 5},
                                           {"\"c\"", 1, 9}},
                 5);
}

/* The second group is at the end of the list: it is read until it is found. */
static void test_a_group_far_down_is_found(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0};
    static const char *payloads[500];
    const struct duet_query q = near(low, 2);
    const struct duet_grouping g = {.path = "a.k[]", .size = 3};
    for (size_t i = 0; i < 500; i++) {
        payloads[i] = i < 498 ? "{\"a\":{\"k\":[1]}}" : "{\"a\":{\"k\":[2]}}";
    }
    write_payloads(f, payloads, 500);
    check_groups(f, &q, &g, (struct expected_group[]){{"1", 3, 0}, {"2", 2, 498}}, 2);
}

static void test_what_a_groups_value_names_is_looked_up(void **state)
{
    struct fixture *f = *state;
    static const float low[] = {-1, 0};
    static const char *const payloads[] = {"{\"k\":1}", "{\"k\":-1}", "{\"k\":\"1\"}"};
    const struct duet_query q = near(low, 5);
    struct duet_grouping g = {
        .path = "k", .size = 2, .lookup = "c", .lookup_payload = true};
    struct duet_groups got;
    write_payloads(f, payloads, 3);
    assert_ok(duet_search_groups(f->t.db, "c", &q, &g, &got));
    assert_int_equal(got.n, 3);
    assert_int_equal(got.items[0].lookup.n, 1);
    assert_string_equal(got.items[0].lookup.hits[0].payload, "{\"k\":-1}");
    assert_int_equal(got.items[1].lookup.n, 0);
    assert_int_equal(got.items[2].lookup.n, 0); /* a text is no number */
    duet_groups_release(&got);
    g.lookup = "none";
    assert_err(duet_search_groups(f->t.db, "c", &q, &g, &got), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "with_lookup: "));
    g = (struct duet_grouping){.path = "a..b", .size = 1};
    assert_err(duet_search_groups(f->t.db, "c", &q, &g, &got), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "group_by: "));
    g = (struct duet_grouping){.path = "k", .size = LIMIT_GROUPED_HITS};
    assert_err(duet_search_groups(f->t.db, "c", &q, &g, &got), ERR_LIMIT);
}

/* ---- What makes no sense ---- */

static void test_trees_that_make_no_sense_say_where(void **state)
{
    struct fixture *f = *state;
    static const float v[] = {1, 0};
    const struct duet_example negative[] = {{vector_input(v, 2), -1},
                                            {point_input(99), -1}};
    struct duet_query prefetch[] = {near(v, 1), near(v, 1)};
    struct duet_query q = near(v, 1);
    fill_by_hand(f, line, 6, DUET_EUCLID);
    q.prefetch = prefetch;
    q.n_prefetch = 2;
    prefetch[1].k = 0;
    check_refused(f, &q, ERR_INVALID, "prefetch[1]: k is 0");
    prefetch[1] = (struct duet_query){.kind = DUET_QUERY_RRF, .k = 1};
    check_refused(f, &q, ERR_INVALID, "prefetch[1]: a fusion needs prefetches");
    prefetch[1] = (struct duet_query){
        .kind = DUET_QUERY_RECOMMEND, .k = 1, .examples = negative, .n_examples = 2};
    check_refused(f, &q, ERR_INVALID, "prefetch[1]: an average vector needs");
    prefetch[1].strategy = DUET_BEST_SCORE;
    check_refused(f, &q, ERR_NOT_FOUND,
                  "prefetch[1].query.recommend.negative[1]: there is no point 99");
    prefetch[1] = near(v, 1);
    prefetch[1].in = "w";
    check_refused(f, &q, ERR_NOT_FOUND, "prefetch[1]: ");
    prefetch[1] = near(v, 1);
    prefetch[1].filter = "{\"must\":{}, \"x\":1}";
    check_refused(f, &q, ERR_INVALID, "prefetch[1].filter.x: ");
    q.kind = DUET_QUERY_ALL;
    check_refused(f, &q, ERR_INVALID, "prefetches without a query");
    q = (struct duet_query){.kind = (enum duet_query_kind)99, .k = 1};
    check_refused(f, &q, ERR_INVALID, "there is no query of kind 99");
}

static void test_trees_have_limits(void **state)
{
    struct fixture *f = *state;
    static const float v[] = {1, 0};
    struct duet_query many[LIMIT_QUERY_PREFETCHES + 1];
    struct duet_query deep[LIMIT_QUERY_DEPTH + 2];
    fill_by_hand(f, line, 6, DUET_EUCLID);
    for (size_t i = 0; i <= LIMIT_QUERY_PREFETCHES; i++) {
        many[i] = near(v, 1);
    }
    struct duet_query q = near(v, 1);
    q.prefetch = many;
    q.n_prefetch = LIMIT_QUERY_PREFETCHES;
    CHECK_IDS(&q, 1);
    q.n_prefetch++;
    check_refused(f, &q, ERR_LIMIT, "more than 64 prefetches");
    for (size_t i = 0; i < LIMIT_QUERY_DEPTH + 2; i++) {
        deep[i] = near(v, 1);
        deep[i].prefetch = &deep[i + 1];
        deep[i].n_prefetch = i < LIMIT_QUERY_DEPTH + 1;
    }
    CHECK_IDS(&deep[1], 1);
    check_refused(f, &deep[0], ERR_LIMIT, "in one another more than 8 deep");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_examples_score_by_their_definition),
        TEST(test_the_index_helps_with_examples),
        TEST(test_candidates_that_do_not_do_are_not_the_answer),
        TEST(test_an_average_leans_away_from_the_negative),
        TEST(test_a_mix_weighs_directions_not_lengths),
        TEST(test_points_of_a_mix_are_left_out),
        TEST(test_a_mix_that_cancels_out_is_told),
        TEST(test_only_prefetched_points_are_ranked_anew),
        TEST(test_a_filter_goes_down_into_prefetches),
        TEST(test_a_point_asked_with_is_left_out_below),
        TEST(test_ranks_are_fused),
        TEST(test_scores_are_fused),
        TEST(test_all_points_come_by_id),
        TEST(test_points_come_in_the_order_of_a_value),
        TEST(test_a_sample_is_drawn_fairly),
        TEST(test_vectors_are_looked_up_elsewhere),
        TEST(test_many_are_answered_as_one_by_one),
        TEST(test_points_fall_into_groups),
        TEST(test_a_group_far_down_is_found),
        TEST(test_what_a_groups_value_names_is_looked_up),
        TEST(test_trees_that_make_no_sense_say_where),
        TEST(test_trees_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
