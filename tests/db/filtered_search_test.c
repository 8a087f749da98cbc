/*
 * filtered_search_test.c - duet_search under a filter against brute force, from all
 * points allowed to one in ten thousand; with the proof of which way was gone: through
 * the codes of a segment, or through the allowed vectors alone.
 *
 * TEST_POINTS=250000 makes the segment one of lists (IVF), which may miss some of such
 * noise; the test then tells how many. That takes minutes.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

enum { DIM = 32, K = 10, POINTS = 20000, BATCH = 5000, QUERIES = 4 };

/* Payloads have three numbers from 0 to n - 1, each point another: "by_chance",
 * "near" (n - 1 for what is most like the axis that queries lie about) and "far". */
struct world {
    struct test_db t;
    size_t n;
    float (*vectors)[DIM];
    uint32_t *by_chance, *near;
};

static struct world world;

static int compare_along_axis(const void *a, const void *b)
{
    float x = world.vectors[*(const uint32_t *)a][0];
    float y = world.vectors[*(const uint32_t *)b][0];
    return (x > y) - (x < y);
}

static void draw(struct test_random *r)
{
    uint32_t *order = calloc(world.n, sizeof *order);
    world.vectors = calloc(world.n, sizeof *world.vectors);
    world.by_chance = calloc(world.n, sizeof *world.by_chance);
    world.near = calloc(world.n, sizeof *world.near);
    for (uint32_t i = 0; i < world.n; i++) {
        size_t j = test_random_below(r, i + 1);
        test_random_unit(r, world.vectors[i], DIM);
        world.by_chance[i] = world.by_chance[j];
        world.by_chance[j] = i;
        order[i] = i;
    }
    qsort(order, world.n, sizeof *order, compare_along_axis);
    for (uint32_t rank = 0; rank < world.n; rank++) {
        world.near[order[rank]] = rank;
    }
    free(order);
}

static void write_batch(size_t first)
{
    static struct db_write writes[BATCH];
    static char payloads[BATCH][96];
    memset(writes, 0, sizeof writes);
    size_t n = world.n - first < BATCH ? world.n - first : BATCH;
    for (size_t i = 0; i < n; i++) {
        size_t id = first + i;
        writes[i].n_payload = (size_t)snprintf(
            payloads[i], sizeof payloads[i],
            "{\"by_chance\":%u,\"near\":%u,\"far\":%zu}", world.by_chance[id],
            world.near[id], world.n - 1 - world.near[id]);
        writes[i].id = test_id(id);
        writes[i].payload = payloads[i];
        writes[i].vectors[0] = world.vectors[id];
    }
    assert_ok(db_write_points(world.t.db, "c", writes, n));
}

static int set_up(void **state)
{
    (void)state;
    const char *given = getenv("TEST_POINTS");
    struct test_random r = test_random_seeded("filtered search");
    world.n = given != NULL ? strtoul(given, NULL, 10) : POINTS;
    draw(&r);
    test_folder_make(world.t.folder);
    struct duet_options o = test_db_options(&world.t);
    o.seal_at = world.n - 64; /* whole chunks are sealed, the rest is not */
    assert_ok(duet_open(&world.t.db, &o));
    test_collection_make(world.t.db, "c", DIM, DUET_COSINE);
    for (size_t first = 0; first < world.n; first += BATCH) {
        write_batch(first);
    }
    assert_ok(duet_seal(world.t.db, "c"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_db_remove(&world.t);
    free(world.vectors);
    free(world.by_chance);
    free(world.near);
    return 0;
}

/* ---- Brute force ---- */

static bool is_allowed(const char *key, size_t i, size_t n_allowed)
{
    size_t value = strcmp(key, "by_chance") == 0 ? world.by_chance[i]
                   : strcmp(key, "near") == 0    ? world.near[i]
                                                 : world.n - 1 - world.near[i];
    return value >= world.n - n_allowed;
}

static double score_of(const float *query, size_t i)
{
    double sum = 0;
    for (size_t d = 0; d < DIM; d++) {
        sum += (double)query[d] * world.vectors[i][d];
    }
    return sum;
}

/* The K best of those allowed, best first; returns how many there are. */
static size_t brute_force(const float *query, const char *key, size_t n_allowed,
                          uint64_t best[K])
{
    double scores[K];
    size_t n = 0;
    for (size_t i = 0; i < world.n; i++) {
        double score = is_allowed(key, i, n_allowed) ? score_of(query, i) : -2;
        if (score < -1.5 || (n == K && score <= scores[K - 1])) {
            continue;
        }
        size_t at = n < K ? n++ : K - 1;
        for (; at > 0 && scores[at - 1] < score; at--) {
            scores[at] = scores[at - 1];
            best[at] = best[at - 1];
        }
        scores[at] = score;
        best[at] = i;
    }
    return n;
}

/* ---- The searches ---- */

/* Queries lie about the first axis, so that "near" filters go with them and "far"
 * ones against. */
static void draw_query(struct test_random *r, float query[DIM])
{
    test_random_unit(r, query, DIM);
    query[0] += 1;
}

static void search(const float *query, const char *key, size_t n_allowed, bool exact,
                   struct duet_hits *got)
{
    char filter[96];
    struct duet_query q = test_query(query, DIM, K);
    snprintf(filter, sizeof filter,
             "{\"must\":{\"key\":\"%s\",\"range\":{\"gte\":%zu}}}", key,
             world.n - n_allowed);
    q.filter = filter;
    q.exact = exact;
    assert_ok(duet_search(world.t.db, "c", &q, got));
}

/* How many of the true best a search missed; it may not be short or wrong. */
static size_t count_missed(const float *query, const char *key, size_t n_allowed,
                           const struct duet_hits *got)
{
    uint64_t best[K];
    size_t n = brute_force(query, key, n_allowed, best), n_missed = 0;
    assert_int_equal(got->n, n);
    for (size_t i = 0; i < got->n; i++) {
        assert_true(is_allowed(key, got->hits[i].id.number, n_allowed));
        assert_true(i == 0 || got->hits[i].score <= got->hits[i - 1].score);
    }
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t h = 0; h < got->n; h++) {
            found = found || got->hits[h].id.number == best[i];
        }
        n_missed += found ? 0 : 1;
    }
    return n_missed;
}

static const struct {
    double share;
    bool by_codes; /* so many are allowed that a segment is asked */
} selectivities[] = {
    {1, true},     {0.5, true},    {0.1, false},
    {0.01, false}, {0.001, false}, {0.0001, false},
};

static void check_filters(const char *key)
{
    struct test_random r = test_random_seeded(key);
    for (size_t s = 0; s < sizeof selectivities / sizeof selectivities[0]; s++) {
        size_t n_allowed = (size_t)(selectivities[s].share * (double)world.n);
        size_t n_missed = 0;
        for (size_t i = 0; i < QUERIES; i++) {
            float query[DIM];
            struct duet_hits got;
            draw_query(&r, query);
            search(query, key, n_allowed, true, &got);
            assert_int_equal(count_missed(query, key, n_allowed, &got), 0);
            assert_int_equal(got.n_compared, n_allowed);
            duet_hits_release(&got);
            search(query, key, n_allowed, false, &got);
            n_missed += count_missed(query, key, n_allowed, &got);
            if (world.n == POINTS) {
                /* What lies far is scanned where a segment names too few of it. */
                bool asked = got.n_candidates > 0;
                assert_true(asked == selectivities[s].by_codes ||
                            (!asked && strcmp(key, "far") == 0));
            }
            assert_true(got.n_compared <= n_allowed);
            duet_hits_release(&got);
        }
        print_message("%s, %g %%: %zu of %d missed\n", key,
                      100 * selectivities[s].share, n_missed, QUERIES * K);
        assert_true(n_missed == 0 || (world.n > POINTS && selectivities[s].by_codes));
    }
}

static void test_filters_independent_of_the_query(void **state)
{
    (void)state;
    check_filters("by_chance");
}

static void test_filters_that_go_with_the_query(void **state)
{
    (void)state;
    check_filters("near");
}

static void test_filters_against_the_query(void **state)
{
    (void)state;
    check_filters("far");
}

static void test_fewer_matches_than_asked_for_are_all_found(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("few");
    for (size_t n_allowed = 0; n_allowed <= K + 1; n_allowed++) {
        float query[DIM];
        struct duet_hits got;
        draw_query(&r, query);
        search(query, "by_chance", n_allowed, false, &got);
        assert_int_equal(count_missed(query, "by_chance", n_allowed, &got), 0);
        duet_hits_release(&got);
    }
}

/* Even where a segment is asked for hardly more than what is wanted. */
static void test_few_candidates_never_let_a_refused_point_in(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("narrow");
    for (size_t i = 0; i < QUERIES; i++) {
        float query[DIM];
        struct duet_hits got;
        struct duet_query q;
        draw_query(&r, query);
        q = test_query(query, DIM, K);
        q.filter = "{\"must_not\":{\"key\":\"near\",\"range\":{\"gte\":6000}}}";
        q.oversampling = 1;
        q.offset = 5;
        assert_ok(duet_search(world.t.db, "c", &q, &got));
        assert_int_equal(got.n, K);
        for (size_t h = 0; h < got.n; h++) {
            assert_true(world.near[got.hits[h].id.number] < 6000);
        }
        duet_hits_release(&got);
    }
}

/* Where the planner would compare the few that are allowed, and has nothing to lose. */
static void test_the_index_can_be_forced_where_a_scan_is_cheaper(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("forced");
    const size_t n_allowed[] = {world.n / 100, 7};
    for (size_t i = 0; i < sizeof n_allowed / sizeof n_allowed[0]; i++) {
        float query[DIM];
        char filter[96];
        struct duet_hits got;
        struct duet_query q;
        draw_query(&r, query);
        search(query, "far", n_allowed[i], false, &got);
        assert_int_equal(got.n_candidates, 0);
        duet_hits_release(&got);
        snprintf(filter, sizeof filter,
                 "{\"must\":{\"key\":\"far\",\"range\":{\"gte\":%zu}}}",
                 world.n - n_allowed[i]);
        q = test_query(query, DIM, K);
        q.filter = filter;
        q.force_index = true;
        assert_ok(duet_search(world.t.db, "c", &q, &got));
        assert_true(got.n_candidates > 0);
        assert_int_equal(count_missed(query, "far", n_allowed[i], &got), 0);
        duet_hits_release(&got);
    }
}

static void test_a_point_is_not_its_own_neighbour_under_a_filter(void **state)
{
    (void)state;
    struct duet_hits got;
    struct duet_query q = DUET_QUERY_DEFAULT;
    q.input = (struct duet_input){.kind = DUET_INPUT_POINT, .id = test_id(5)};
    q.filter = "{\"must\":{\"has_id\":[5,6,7,9999999]}}";
    assert_ok(duet_search(world.t.db, "c", &q, &got));
    assert_int_equal(got.n, 2);
    assert_int_equal(got.n_compared, 3);
    duet_hits_release(&got);
}

/* The last: it changes the world. Rewritten points leave dead slots in the segment and
 * live ones behind it; a quarter of all is removed, whom no filter below allows. */
static void test_filters_hold_after_rewrites_and_removals(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("churn");
    const size_t n_allowed[] = {world.n * 3 / 4, world.n / 2, world.n / 10, 7};
    char filter[96];
    size_t n_removed;
    write_batch(0);
    snprintf(filter, sizeof filter,
             "{\"must\":{\"key\":\"by_chance\",\"range\":{\"lt\":%zu}}}", world.n / 4);
    assert_ok(duet_remove_where(world.t.db, "c", filter, &n_removed));
    assert_int_equal(n_removed, world.n / 4);
    for (size_t i = 0; i < sizeof n_allowed / sizeof n_allowed[0]; i++) {
        float query[DIM];
        struct duet_hits got;
        draw_query(&r, query);
        search(query, "by_chance", n_allowed[i], false, &got);
        assert_int_equal(count_missed(query, "by_chance", n_allowed[i], &got), 0);
        duet_hits_release(&got);
    }
}

/* Two spaces fused by rank: each has slots of its own to be allowed. */
static void test_a_filter_holds_in_all_spaces_at_once(void **state)
{
    (void)state;
    static const float v[3][2] = {{1, 0}, {0.8f, 0.6f}, {0, 1}};
    const struct duet_space spaces[] = {{"a", 2, DUET_COSINE, DUET_FLOAT32},
                                        {"b", 2, DUET_COSINE, DUET_FLOAT32}};
    struct duet_hits got;
    assert_ok(duet_collection_create(world.t.db, "two", spaces, 2));
    for (size_t i = 0; i < 6; i++) { /* even ones in a, the last in both */
        struct db_write w = {.id = test_id(i), .payload = "{}", .n_payload = 2};
        w.vectors[0] = i % 2 == 0 || i == 5 ? v[i % 3] : NULL;
        w.vectors[1] = i % 2 == 1 ? v[i % 3] : NULL;
        assert_ok(db_write_points(world.t.db, "two", &w, 1));
    }
    struct duet_query q = test_query(v[0], 2, 10);
    q.in = "any";
    q.filter = "{\"must_not\":{\"has_id\":[0,1]}}";
    assert_ok(duet_search(world.t.db, "two", &q, &got));
    assert_int_equal(got.n, 4);
    for (size_t i = 0; i < got.n; i++) {
        assert_true(got.hits[i].id.number >= 2);
    }
    duet_hits_release(&got);
    q.filter = "{\"must\":[{\"has_vector\":\"a\"},{\"has_vector\":\"b\"}]}";
    assert_ok(duet_search(world.t.db, "two", &q, &got));
    assert_int_equal(got.n, 1);
    assert_int_equal(got.hits[0].id.number, 5);
    duet_hits_release(&got);
}

static void test_a_wrong_filter_is_told(void **state)
{
    (void)state;
    float query[DIM] = {1};
    struct duet_hits got;
    struct duet_query q = test_query(query, DIM, K);
    q.filter = "{\"must\":[{\"key\":\"near\",\"range\":{\"gte\":[]}}]}";
    assert_err(duet_search(world.t.db, "c", &q, &got), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "filter.must[0].range.gte: must be a number"));
    assert_null(got.hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_independent_of_the_query),
        cmocka_unit_test(test_filters_that_go_with_the_query),
        cmocka_unit_test(test_filters_against_the_query),
        cmocka_unit_test(test_fewer_matches_than_asked_for_are_all_found),
        cmocka_unit_test(test_few_candidates_never_let_a_refused_point_in),
        cmocka_unit_test(test_the_index_can_be_forced_where_a_scan_is_cheaper),
        cmocka_unit_test(test_a_point_is_not_its_own_neighbour_under_a_filter),
        cmocka_unit_test(test_a_filter_holds_in_all_spaces_at_once),
        cmocka_unit_test(test_a_wrong_filter_is_told),
        cmocka_unit_test(test_filters_hold_after_rewrites_and_removals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
