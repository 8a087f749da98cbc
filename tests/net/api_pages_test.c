/*
 * api_pages_test.c - net/api_pages.h: "duet": {"cursor": …} of a query.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define QUERY "/collections/things/points/query"

static void put_three(void)
{
    ask("PUT", "/collections/things/points",
        "{\"points\": [{\"id\": 5, \"vector\": {}, \"payload\": {\"n\": 5}}, "
        "{\"id\": 2, \"vector\": {}}, {\"id\": 9, \"vector\": {}}]}");
    assert_int_equal(answer.status, 200);
}

static void test_a_query_keeps_all_of_its_result_and_answers_a_page(void **state)
{
    (void)state;
    put_three();
    ask("POST", QUERY,
        "{\"query\": [1, 0], \"limit\": 1, \"offset\": 1, \"duet\": {\"cursor\": "
        "true}, "
        "\"with_payload\": true}");
    assert_answer(200, "{\"points\":[{\"id\":5,");
    assert_answer(200, "\"payload\":{\"n\":5}}],");
    assert_answer(200, "\"duet\":{\"cursor\":\"token-1\",\"total\":3,\"gone\":1,"
                       "\"next_offset\":2}}");
    assert_int_equal(fake.last_k, LIMIT_K_MAX);
}

static void test_the_next_page_needs_no_query(void **state)
{
    (void)state;
    put_three();
    fake.n_kept = 3;
    ask("POST", QUERY,
        "{\"duet\": {\"cursor\": \"token-1\"}, \"offset\": 2, \"limit\": 5, "
        "\"with_vector\": true}");
    assert_answer(200, "{\"points\":[{\"id\":9,");
    assert_answer(200,
                  "\"vector\":{\"image\":[0.6,0.8]}}],\"duet\":{\"cursor\":\"token-1\","
                  "\"total\":3,\"gone\":1,\"next_offset\":null}}");
    assert_int_equal(fake.n_searches, 0);
    ask("POST", QUERY, "{\"duet\": {\"cursor\": \"token-1\", \"details\": true}}");
    assert_answer(200, "\"duet\":{\"space\":\"image\",\"source\"");
}

static void test_without_a_cursor_nothing_is_kept_or_told(void **state)
{
    (void)state;
    put_three();
    fake.n_kept = 77;
    ask("POST", QUERY, "{\"query\": [1, 0], \"duet\": {\"cursor\": false}}");
    assert_int_equal(answer.status, 200);
    assert_null(strstr(answer.text, "cursor"));
    assert_int_equal(fake.n_kept, 77);
    assert_int_equal(fake.last_k, 10);
}

static void check_refused(int status, const char *body, const char *sentence)
{
    ask("POST", QUERY, body);
    assert_answer(status, sentence);
}

static void test_what_is_wrong_is_refused(void **state)
{
    (void)state;
    put_three();
    check_refused(400, "{\"duet\": {\"cursor\": 5}}", "duet.cursor: must be true, or");
    check_refused(404, "{\"duet\": {\"cursor\": \"other\"}}", "no such result");
    check_refused(
        404, "{\"duet\": {\"cursor\": \"0123456789012345678901234567890123456789\"}}",
        "duet.cursor: there is no such result");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\"}, \"query\": [1, 0]}",
                  "query: can't stand beside");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\"}, \"filter\": {}}",
                  "filter: can't stand beside");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\"}, \"limit\": 0}",
                  "limit: must be 1 or more");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\"}, \"limit\": 10001}",
                  "limit: is more than 10000");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\"}, \"offset\": 10001}",
                  "offset: is more than 10000");
    check_refused(400, "{\"duet\": {\"cursor\": \"token-1\", \"more\": 1}}",
                  "duet.more: is not known here");
    check_refused(400,
                  "{\"query\": [1, 0], \"duet\": {\"cursor\": true}, \"limit\": 0}",
                  "limit: must be 1 or more");
    fake.pages_full = true;
    check_refused(503, "{\"query\": [1, 0], \"duet\": {\"cursor\": true}}",
                  "256 results are kept");
}

static void test_only_a_query_takes_a_cursor(void **state)
{
    (void)state;
    ask("POST", "/collections/things/points/scroll", "{\"duet\": {\"cursor\": true}}");
    assert_answer(400, "duet.cursor: is not known here");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_query_keeps_all_of_its_result_and_answers_a_page),
        TEST(test_the_next_page_needs_no_query),
        TEST(test_without_a_cursor_nothing_is_kept_or_told),
        TEST(test_what_is_wrong_is_refused),
        TEST(test_only_a_query_takes_a_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
