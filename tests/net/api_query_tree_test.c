/*
 * api_query_tree_test.c - the dialect's universal query: what becomes of each kind, of
 * prefetches, batches and groups, and of the older routes; and where mistakes are told.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define POINTS "/collections/things/points/"

static void check(const char *route, const char *body, const char *understood)
{
    char path[128];
    snprintf(path, sizeof path, POINTS "%s", route);
    ask("POST", path, body);
    if (answer.status != 200 || strcmp(fake.last_query, understood) != 0) {
        print_error("%s\n  status %d: %s\n  understood as: %s\n", body, answer.status,
                    answer.text, fake.last_query);
        fail();
    }
}

static void check_query(const char *body, const char *understood)
{
    check("query", body, understood);
}

static void check_refused(int status, const char *route, const char *body,
                          const char *sentence)
{
    char path[128];
    size_t n_before = fake.n_searches;
    snprintf(path, sizeof path, POINTS "%s", route);
    ask("POST", path, body);
    assert_answer(status, sentence);
    assert_int_equal(fake.n_searches, n_before);
}

/* ---- Kinds ---- */

static void test_no_query_means_all_points(void **state)
{
    (void)state;
    check_query("{}", "all k 10");
    check_query("{\"query\": null, \"limit\": 3}", "all k 3");
    check_query("{\"prefetch\": []}", "all k 10");
    check_refused(400, "query", "{\"score_threshold\": 1}",
                  "score_threshold: needs a query");
}

static void test_recommendations_have_examples_of_all_kinds(void **state)
{
    (void)state;
    check_query(
        "{\"query\": {\"recommend\": {\"positive\": [7, [1, 0], {\"text\": \"a\"}],"
        " \"negative\": [{\"image\": \"Zm9v\"}]}}}",
        "recommend 1*point 7 1*vector 2 1*text 'a' -1*image 3 by 0 k 10");
    check_query("{\"query\": {\"recommend\": {\"negative\": [7], \"strategy\": "
                "\"best_score\"}}}",
                "recommend -1*point 7 by 1 k 10");
    check_query(
        "{\"query\": {\"recommend\": {\"positive\": [7], \"strategy\": "
        "\"sum_scores\"}}, \"lookup_from\": {\"collection\": \"o\", \"vector\": "
        "\"v\"}}",
        "recommend 1*point 7 by 2 from o.v k 10");
}

static void test_recommendations_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query", "{\"query\": {\"recommend\": {}}}",
                  "query.recommend: needs examples");
    check_refused(400, "query", "{\"query\": {\"recommend\": {\"negative\": [1]}}}",
                  "query.recommend.positive: an average vector needs");
    check_refused(400, "query", "{\"query\": {\"recommend\": {\"positive\": 1}}}",
                  "query.recommend.positive: must be an array");
    check_refused(400, "query",
                  "{\"query\": {\"recommend\": {\"positive\": [1, null]}}}",
                  "query.recommend.positive[1]: is missing");
    check_refused(
        400, "query",
        "{\"query\": {\"recommend\": {\"positive\": [1], \"strategy\": \"s\"}}}",
        "query.recommend.strategy: must be \\\"average_vector\\\", "
        "\\\"best_score\\\" or \\\"sum_scores\\\"");
    check_refused(400, "query",
                  "{\"query\": {\"recommend\": {\"positive\": [1], \"liked\": [1]}}}",
                  "query.recommend.liked: is not known here");
}

static void test_a_mix_has_weighted_parts(void **state)
{
    (void)state;
    check_query(
        "{\"query\": {\"duet\": {\"mix\": [{\"text\": \"red shoes\"}, {\"image\": "
        "\"Zm9v\", \"weight\": 0.75}, {\"text\": \"blurry\", \"weight\": -0.5}, "
        "{\"id\": 3}, {\"vector\": [1, 0], \"weight\": 2}]}}}",
        "mix 1*text 'red shoes' 0.75*image 3 -0.5*text 'blurry' 1*point 3 "
        "2*vector 2 k 10");
}

static void test_mixes_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query", "{\"query\": {\"duet\": {}}}",
                  "query.duet.mix: is missing");
    check_refused(400, "query", "{\"query\": {\"duet\": {\"mix\": []}}}",
                  "query.duet.mix: is empty");
    check_refused(400, "query", "{\"query\": {\"duet\": {\"mix\": [7]}}}",
                  "query.duet.mix[0]: must be an object");
    check_refused(400, "query", "{\"query\": {\"duet\": {\"mix\": [{\"id\": 1}, {}]}}}",
                  "query.duet.mix[1]: must have one of");
    check_refused(400, "query",
                  "{\"query\": {\"duet\": {\"mix\": [{\"id\": 1, \"text\": \"a\"}]}}}",
                  "query.duet.mix[0]: must have one of");
    check_refused(400, "query",
                  "{\"query\": {\"duet\": {\"mix\": [{\"text\": \"a\", \"weight\": "
                  "\"much\"}]}}}",
                  "query.duet.mix[0].weight: must be a number");
    check_refused(400, "query", "{\"query\": {\"duet\": {\"blend\": []}}}",
                  "query.duet.blend: is not known here");
}

static void test_fusions_and_samples(void **state)
{
    (void)state;
    check_query("{\"query\": {\"fusion\": \"rrf\"}, \"prefetch\": {\"query\": [1, 0]}}",
                "rrf of (nearest vector 2 k 10) k 10");
    check_query("{\"query\": {\"fusion\": \"dbsf\"}, \"prefetch\": [{}], "
                "\"score_threshold\": 0.5}",
                "dbsf of (all k 10) past 0.5 k 10");
    check_query(
        "{\"query\": {\"rrf\": {\"k\": 60, \"weights\": [1, 0.5]}}, \"prefetch\": "
        "[{\"limit\": 5}, {}]}",
        "rrf 60 [1 0.5] of (all k 5, all k 10) k 10");
    check_query("{\"query\": {\"sample\": \"random\"}, \"limit\": 4}", "sample k 4");
    check_query("{\"query\": {\"order_by\": \"a.b\"}}", "order a.b k 10");
    check_query("{\"query\": {\"order_by\": {\"key\": \"a\", \"direction\": "
                "\"desc\"}}, \"limit\": 2}",
                "order a down k 2");
}

static void test_fusions_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query", "{\"query\": {\"fusion\": \"rrf\"}}",
                  "query: a fusion needs");
    check_refused(400, "query", "{\"query\": {\"fusion\": \"x\"}, \"prefetch\": {}}",
                  "query.fusion: must be \\\"rrf\\\" or \\\"dbsf\\\"");
    check_refused(
        400, "query",
        "{\"query\": {\"fusion\": \"rrf\"}, \"using\": \"text\", \"prefetch\": {}}",
        "using: can't stand beside a fusion");
    check_refused(400, "query", "{\"query\": {\"rrf\": {\"k\": 0}}, \"prefetch\": {}}",
                  "query.rrf.k: must be 1 or more");
    check_refused(400, "query",
                  "{\"query\": {\"rrf\": {\"weights\": [1]}}, \"prefetch\": [{}, {}]}",
                  "query.rrf.weights: must have as many items");
    check_refused(
        400, "query",
        "{\"query\": {\"fusion\": \"rrf\", \"nearest\": [1]}, \"prefetch\": {}}",
        "query.fusion: is not known here");
    check_refused(400, "query", "{\"query\": {\"order_by\": {\"direction\": \"up\"}}}",
                  "query.order_by");
    check_refused(400, "query",
                  "{\"query\": {\"order_by\": \"a\"}, \"score_threshold\": 1}",
                  "score_threshold: needs a query");
    check_refused(400, "query", "{\"query\": {\"sample\": \"all\"}}",
                  "query.sample: must be \\\"random\\\"");
}

/* ---- Prefetches ---- */

static void test_a_prefetch_is_a_query_of_its_own(void **state)
{
    (void)state;
    check_query(
        "{\"query\": [1, 0], \"limit\": 2, \"prefetch\": [{\"query\": {\"text\": "
        "\"a\"}, \"using\": \"text\", \"limit\": 50, \"score_threshold\": 0.25, "
        "\"params\": {\"exact\": true}, \"prefetch\": {\"query\": 7, \"limit\": 100, "
        "\"lookup_from\": {\"collection\": \"o\"}}}, {\"query\": [0, 1]}]}",
        "nearest vector 2 of (nearest text 'a' of (nearest point 7 from o k 100) "
        "in text past 0.25 exact k 50, nearest vector 2 k 10) k 2");
}

static void test_prefetches_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query", "{\"prefetch\": [{}]}", "query: is needed to merge");
    check_refused(400, "query", "{\"query\": [1], \"prefetch\": [{}, 7]}",
                  "prefetch[1]: must be an object");
    check_refused(400, "query", "{\"query\": [1], \"prefetch\": [{}, null]}",
                  "prefetch[1]: is missing");
    check_refused(400, "query", "{\"query\": [1], \"prefetch\": {\"offset\": 1}}",
                  "prefetch.offset: is not known here");
    check_refused(400, "query", "{\"query\": [1], \"prefetch\": {\"limit\": 0}}",
                  "prefetch.limit: must be 1 or more");
    check_refused(400, "query", "{\"query\": [1], \"prefetch\": [{\"prefetch\": {}}]}",
                  "prefetch[0].query: is needed to merge");
    check_refused(400, "query",
                  "{\"query\": [1], \"prefetch\": [{}, {\"query\": {\"recommend\": "
                  "{\"positive\": [true]}}}]}",
                  "prefetch[1].query.recommend.positive[0]: must be an array");
    check_refused(400, "query", "{\"query\": 1, \"lookup_from\": {}}",
                  "lookup_from.collection: is missing");
}

static void test_prefetches_have_limits(void **state)
{
    (void)state;
    char body[4096] = "{\"query\": [1], \"prefetch\": [{}";
    for (size_t i = 0; i < LIMIT_QUERY_PREFETCHES; i++) {
        strcat(body, ", {}");
    }
    strcat(body, "]}");
    check_refused(400, "query", body,
                  "prefetch: the query has more than 64 prefetches");
    strcpy(body, "{\"query\": [1]");
    for (size_t i = 0; i < LIMIT_QUERY_DEPTH + 1; i++) {
        strcat(body, ", \"prefetch\": {\"query\": [1]");
    }
    for (size_t i = 0; i < LIMIT_QUERY_DEPTH + 2; i++) {
        strcat(body, "}");
    }
    check_refused(400, "query", body,
                  "prefetches stand in one another more than 8 deep");
}

/* The count begins anew with each query of a batch. */
static void test_the_limit_is_of_each_query(void **state)
{
    (void)state;
    char one[1024] = "{\"query\": [1], \"prefetch\": [{}", body[4096] = "";
    for (size_t i = 1; i < LIMIT_QUERY_PREFETCHES; i++) {
        strcat(one, ", {}");
    }
    strcat(one, "]}");
    snprintf(body, sizeof body, "{\"searches\": [%s, %s]}", one, one);
    ask("POST", POINTS "query/batch", body);
    assert_int_equal(answer.status, 200);
}

static void test_examples_have_a_limit(void **state)
{
    (void)state;
    char body[4096] =
        "{\"query\": {\"recommend\": {\"positive\": [1], \"negative\": [1";
    for (size_t i = 1; i < LIMIT_QUERY_EXAMPLES; i++) {
        strcat(body, ",1");
    }
    strcat(body, "]}}}");
    check_refused(400, "query", body,
                  "query.recommend: has 257 examples, more than 256");
}

/* ---- Batches ---- */

static void test_a_batch_answers_each_query(void **state)
{
    (void)state;
    ask("POST", POINTS "query/batch",
        "{\"searches\": [{\"query\": [1, 0], \"limit\": 1, \"with_payload\": true}, "
        "{\"query\": [1, 0], \"limit\": 1, \"offset\": 1}]}");
    assert_answer(200, "\"result\":[{\"points\":[{\"id\":1,\"version\":0,\"score\":1,"
                       "\"payload\":{\"a\":1,\"b\":{\"c\":\"x\"}}}]},{\"points\":[{"
                       "\"id\":2,\"version\":0,"
                       "\"score\":0.5}]}]");
    ask("POST", POINTS "query/batch", "{\"searches\": []}");
    assert_answer(200, "\"result\":[]");
}

static void test_batches_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query/batch", "{}", "searches: is missing");
    check_refused(400, "query/batch", "{\"searches\": {}}",
                  "searches: must be an array");
    check_refused(400, "query/batch", "{\"searches\": [{\"query\": [1]}, null]}",
                  "searches[1]: is missing");
    check_refused(400, "query/batch", "{\"searches\": [{}, {\"limit\": 0}]}",
                  "searches[1].limit: must be 1 or more");
    check_refused(
        400, "query/batch",
        "{\"searches\": [{}, {\"query\": [1], \"prefetch\": [{\"query\": {}}]}]}",
        "searches[1].prefetch[0].query: must have one of");
}

/* ---- Groups ---- */

static void test_groups_hold_hits_and_what_their_value_names(void **state)
{
    (void)state;
    check("query/groups", "{\"query\": [1, 0], \"group_by\": \"a.b\", \"limit\": 2}",
          "nearest vector 2 k 2 by a.b 3");
    assert_answer(200, "{\"groups\":[{\"hits\":[{\"id\":1,\"version\":0,\"score\":1}],"
                       "\"id\":\"g0\"},{\"hits\":[{\"id\":2,");
    check("query/groups",
          "{\"query\": [1, 0], \"group_by\": \"a\", \"group_size\": 1, \"limit\": 2, "
          "\"with_lookup\": \"other\"}",
          "nearest vector 2 k 2 by a 1");
    assert_answer(200, "\"lookup\":{\"id\":1,\"payload\":{\"a\":1,");
    assert_answer(200, "\"id\":\"g1\",\"lookup\":null}");
    check("query/groups",
          "{\"query\": [1, 0], \"group_by\": \"a\", \"with_lookup\": {\"collection\": "
          "\"other\", \"with_payload\": false}}",
          "nearest vector 2 k 10 by a 3");
    assert_answer(200, "\"lookup\":{\"id\":1}");
}

static void test_groups_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "query/groups", "{\"query\": [1]}", "group_by: is missing");
    check_refused(400, "query/groups",
                  "{\"query\": [1], \"group_by\": \"a\", \"group_size\": 0}",
                  "group_size: must be 1 or more");
    check_refused(400, "query/groups",
                  "{\"query\": [1], \"group_by\": \"a\", \"offset\": 1}",
                  "offset: is not known here");
    check_refused(400, "query/groups",
                  "{\"query\": [1], \"group_by\": \"a\", \"with_lookup\": {}}",
                  "with_lookup.collection: is missing");
    check_refused(400, "query", "{\"query\": [1], \"group_by\": \"a\"}",
                  "group_by: is not known here");
}

/* ---- The older routes ---- */

static void test_older_routes_put_the_same_questions(void **state)
{
    (void)state;
    check("search", "{\"vector\": [1, 0], \"limit\": 2}", "nearest vector 2 k 2");
    assert_answer(200, "\"result\":[{\"id\":1,");
    check("search",
          "{\"vector\": {\"name\": \"text\", \"vector\": [1, 0]}, \"limit\": 2}",
          "nearest vector 2 in text k 2");
    check("recommend", "{\"positive\": [1], \"negative\": [2], \"using\": \"text\"}",
          "recommend 1*point 1 -1*point 2 by 0 in text k 10");
    check("search/groups", "{\"vector\": [1, 0], \"group_by\": \"a\"}",
          "nearest vector 2 k 10 by a 3");
    check("recommend/groups", "{\"positive\": [1], \"group_by\": \"a\"}",
          "recommend 1*point 1 by 0 k 10 by a 3");
    ask("POST", POINTS "search/batch",
        "{\"searches\": [{\"vector\": [1, 0], \"limit\": 1}]}");
    assert_answer(200, "\"result\":[[{\"id\":1,\"version\":0,\"score\":1}]]");
    ask("POST", POINTS "recommend/batch", "{\"searches\": [{\"positive\": [1]}]}");
    assert_answer(200, "\"result\":[[{\"id\":1,");
}

static void test_older_routes_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "search", "{\"limit\": 1}", "vector: is missing");
    check_refused(400, "search", "{\"query\": [1, 0]}", "query: is not known here");
    check_refused(400, "search", "{\"vector\": [1], \"prefetch\": {}}",
                  "prefetch: is not known here");
    check_refused(400, "recommend", "{\"negative\": [1]}", "positive: an average");
    check_refused(501, "search",
                  "{\"vector\": {\"name\": \"a\", \"vector\": {\"indices\": [], "
                  "\"values\": []}}}",
                  "vector.vector.indices: sparse");
}

static void test_what_is_not_done_is_501_and_not_404(void **state)
{
    (void)state;
    static const char *const routes[] = {
        "discover", "discover/batch", "search/matrix/pairs", "search/matrix/offsets"};
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        check_refused(501, routes[i], "{}", "is not supported yet");
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin_with_points, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_no_query_means_all_points),
        TEST(test_recommendations_have_examples_of_all_kinds),
        TEST(test_recommendations_that_are_wrong_say_where),
        TEST(test_a_mix_has_weighted_parts),
        TEST(test_mixes_that_are_wrong_say_where),
        TEST(test_fusions_and_samples),
        TEST(test_fusions_that_are_wrong_say_where),
        TEST(test_a_prefetch_is_a_query_of_its_own),
        TEST(test_prefetches_that_are_wrong_say_where),
        TEST(test_prefetches_have_limits),
        TEST(test_the_limit_is_of_each_query),
        TEST(test_examples_have_a_limit),
        TEST(test_a_batch_answers_each_query),
        TEST(test_batches_that_are_wrong_say_where),
        TEST(test_groups_hold_hits_and_what_their_value_names),
        TEST(test_groups_that_are_wrong_say_where),
        TEST(test_older_routes_put_the_same_questions),
        TEST(test_older_routes_that_are_wrong_say_where),
        TEST(test_what_is_not_done_is_501_and_not_404),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
