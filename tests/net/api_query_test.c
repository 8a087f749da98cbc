/*
 * api_query_test.c - POST …/points/query, and what may stand where a vector may stand.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

static void query(const char *body)
{
    ask("POST", "/collections/things/points/query", body);
}

static void check_refused(int status, const char *body, const char *sentence)
{
    size_t n_before = fake.n_searches;
    query(body);
    assert_answer(status, sentence);
    assert_int_equal(fake.n_searches, n_before);
}

/* ---- Inputs -----------------------------------------------------------------------
 */

static void test_words_are_a_query(void **state)
{
    (void)state;
    query("{\"query\": {\"text\": \"a dog\", \"model\": \"default\"}}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(fake.last_input.kind, DUET_INPUT_TEXT);
    assert_int_equal(fake.last_input.n, 5);
    assert_int_equal(fake.last_k, 10);
}

static void test_a_picture_is_a_query(void **state)
{
    (void)state;
    query("{\"query\": {\"image\": \"Zm9v\"}}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(fake.last_input.kind, DUET_INPUT_IMAGE);
    assert_int_equal(fake.last_input.n, 3);
    query("{\"query\": {\"image\": \"data:image/png;base64,Zm8=\"}}");
    assert_int_equal(fake.last_input.n, 2);
}

static void test_a_vector_and_a_point_are_queries(void **state)
{
    (void)state;
    query("{\"query\": [0.5, 1]}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_VECTOR);
    assert_int_equal(fake.last_input.n, 2);
    query("{\"query\": 7}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_POINT);
    assert_true(fake.last_input.id.number == 7);
    query("{\"query\": \"6f9619ff-8b86-d011-b42d-00cf4fc964ff\"}");
    assert_true(fake.last_input.id.is_uuid);
}

static void test_the_width_of_a_walk_is_passed_on(void **state)
{
    (void)state;
    query("{\"query\": [0.5, 1], \"params\": {\"hnsw_ef\": 200}}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(fake.last_ef, 200);
    query("{\"query\": [0.5, 1]}");
    assert_int_equal(fake.last_ef, 0);
    query("{\"query\": [0.5, 1], \"params\": {\"hnsw_ef\": -1}}");
    assert_int_equal(answer.status, 400);
}

static void test_nearest_is_the_long_form(void **state)
{
    (void)state;
    query("{\"query\": {\"nearest\": {\"text\": \"a dog\"}}}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_TEXT);
    query("{\"query\": {\"nearest\": [1, 0]}}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_VECTOR);
}

static void test_inputs_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "{\"query\": {\"nearest\": {}}}",
                  "query.nearest: must have one of");
    check_refused(400, "{\"query\": []}", "query: is empty");
    check_refused(400, "{\"query\": [1, \"x\"]}", "query[1]: must be a number");
    check_refused(400, "{\"query\": [1, null]}", "query[1]: is missing");
    check_refused(400, "{\"query\": \"a dog\"}",
                  "query: must be a whole number or a UUID");
    check_refused(400, "{\"query\": -1}", "query: must be a whole number or a UUID");
    check_refused(400, "{\"query\": true}", "query: must be an array of numbers");
    check_refused(400, "{\"query\": {}}", "query: must have one of");
    check_refused(400, "{\"query\": {\"text\": \"\"}}", "query.text: is empty");
    check_refused(400, "{\"query\": {\"text\": 1}}", "query.text: must be a string");
    check_refused(400, "{\"query\": {\"text\": \"a\", \"image\": \"Zg==\"}}",
                  "query: must have one of");
    check_refused(400, "{\"query\": {\"image\": \"not base64\"}}",
                  "query.image: not base64");
    check_refused(400, "{\"query\": {\"image\": \"/etc/passwd\"}}",
                  "query.image: not base64");
    check_refused(400, "{\"query\": {\"text\": \"a\", \"model\": \"clip\"}}",
                  "query.model: is not the collection's model");
    check_refused(400, "{\"query\": {\"words\": \"a\"}}", "query.words: is not known");
}

static void test_a_text_past_the_limit_is_refused(void **state)
{
    (void)state;
    size_t n = LIMIT_TEXT_BYTES + 100;
    char *body = malloc(n);
    memset(body, 'a', n);
    memcpy(body, "{\"query\":{\"text\":\"", 18);
    memcpy(body + n - 4, "\"}}", 4);
    check_refused(400, body, "query.text: has ");
    free(body);
}

static void test_a_query_takes_a_filter(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"filter\": {\"must\": []}}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    query("{\"query\": [1, 0]}");
    assert_string_equal(fake.last_filter, "");
    check_refused(400, "{\"query\": [1, 0], \"filter\": {\"wrong\": 1}}",
                  "filter.wrong: is not known here");
}

static void test_what_is_not_done_yet_is_501_never_silence(void **state)
{
    (void)state;
    check_refused(501, "{\"query\": {\"discover\": {}}}", "query.discover: this kind");
    check_refused(501, "{\"query\": {\"context\": []}}", "query.context: this kind");
    check_refused(501, "{\"query\": {\"formula\": {}}}", "query.formula: this kind");
    check_refused(501, "{\"query\": {\"relevance_feedback\": {}}}", "query.relevance_");
    check_refused(501, "{\"query\": {\"nearest\": 1, \"mmr\": {}}}", "query.mmr: ");
    check_refused(501, "{\"query\": {\"indices\": [1], \"values\": [1]}}", "sparse");
    check_refused(501, "{\"query\": [[1, 0]]}", "multi-vectors");
    check_refused(501, "{\"query\": {\"image\": \"http://a.example/b.jpg\"}}",
                  "query.image: pictures are not fetched from URLs");
    check_refused(501, "{\"query\": [1, 0], \"params\": {\"indexed_only\": true}}",
                  "params.indexed_only");
    check_refused(400, "{\"query\": [1, 0], \"top\": 5}", "top: is not known here");
}

/* ---- How many, and what of them
 * ------------------------------------------------------ */

static void test_limit_and_offset_have_bounds(void **state)
{
    (void)state;
    check_refused(400, "{\"query\": [1], \"limit\": 0}", "limit: must be 1 or more");
    check_refused(400, "{\"query\": [1], \"limit\": -1}", "limit: must be a whole");
    check_refused(400, "{\"query\": [1], \"limit\": 10001}",
                  "limit: is more than 10000");
    check_refused(400, "{\"query\": [1], \"limit\": 1e3}", "limit: must be a whole");
    check_refused(400, "{\"query\": [1], \"limit\": 18446744073709551615}",
                  "limit: is more than 10000");
    check_refused(400, "{\"query\": [1], \"limit\": 99999999999999999999}",
                  "a whole number of more than 64 bits");
    check_refused(400, "{\"query\": [1], \"limit\": 9000, \"offset\": 1001}",
                  "offset: reaches past the first 10000 results");
    query("{\"query\": [1], \"limit\": 2, \"offset\": 1}");
    assert_answer(200, "\"points\":[{\"id\":2,");
    assert_null(strstr(answer.text, "\"id\":1,"));
}

static void test_a_hit_has_id_version_and_score_and_no_more(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"limit\": 1}");
    assert_answer(200, "{\"points\":[{\"id\":1,\"version\":0,\"score\":1}]}");
}

static void test_payload_comes_whole_or_by_keys(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"limit\": 1, \"with_payload\": true}");
    assert_answer(200, "\"payload\":{\"a\":1,\"b\":{\"c\":\"x\"}}}");
    query("{\"query\": [1, 0], \"limit\": 1, \"with_payload\": [\"b\"]}");
    assert_answer(200, "\"payload\":{\"b\":{\"c\":\"x\"}}}");
    query(
        "{\"query\": [1, 0], \"limit\": 1, \"with_payload\": {\"include\": [\"a\"]}}");
    assert_answer(200, "\"payload\":{\"a\":1}}");
    query(
        "{\"query\": [1, 0], \"limit\": 1, \"with_payload\": {\"exclude\": [\"a\"]}}");
    assert_answer(200, "\"payload\":{\"b\":{\"c\":\"x\"}}}");
    query("{\"query\": [1, 0], \"limit\": 1, \"with_payload\": [\"b.c\"]}");
    assert_answer(200, "\"payload\":{\"b\":{\"c\":\"x\"}}}");
    query("{\"query\": [1, 0], \"limit\": 1, \"with_payload\": {\"exclude\": "
          "[\"b.c\"]}}");
    assert_answer(200, "\"payload\":{\"a\":1,\"b\":{}}}");
    check_refused(400, "{\"query\": [1, 0], \"with_payload\": [\"a\", \"b..c\"]}",
                  "with_payload[1]: ");
    check_refused(400, "{\"query\": [1, 0], \"with_payload\": \"all\"}",
                  "with_payload: must be true or false");
}

static void test_vectors_come_by_name(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"limit\": 1, \"with_vector\": true}");
    assert_answer(200, "\"vector\":{\"image\":[0.6,0.8]}}");
    query("{\"query\": [1, 0], \"limit\": 1, \"with_vector\": [\"text\"]}");
    assert_answer(200, "\"vector\":{}}");
}

static void test_details_come_where_they_are_asked_for(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"limit\": 1, \"duet\": {\"details\": true}}");
    assert_answer(200,
                  "\"duet\":{\"space\":\"image\",\"source\":\"/pictures/a.jpg\"}}");
}

static void test_a_cut_text_is_told(void **state)
{
    (void)state;
    fake.truncated = true;
    query("{\"query\": {\"text\": \"a long story\"}}");
    assert_answer(200, "],\"duet\":{\"truncated\":true}}");
}

static void test_using_names_the_space(void **state)
{
    (void)state;
    query("{\"query\": [1, 0], \"using\": \"text\"}");
    assert_string_equal(fake.last_in, "text");
    query("{\"query\": [1, 0], \"using\": null}");
    assert_string_equal(fake.last_in, "");
    check_refused(400, "{\"query\": [1, 0], \"using\": 1}", "using: must be a string");
}

static void test_a_collection_that_is_not_there_is_404(void **state)
{
    (void)state;
    ask("POST", "/collections/nothing/points/query", "{\"query\": [1, 0]}");
    assert_answer(404, "there is no collection 'nothing'");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin_with_points, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_words_are_a_query),
        TEST(test_a_picture_is_a_query),
        TEST(test_a_vector_and_a_point_are_queries),
        TEST(test_the_width_of_a_walk_is_passed_on),
        TEST(test_nearest_is_the_long_form),
        TEST(test_inputs_that_are_wrong_say_where),
        TEST(test_a_text_past_the_limit_is_refused),
        TEST(test_a_query_takes_a_filter),
        TEST(test_what_is_not_done_yet_is_501_never_silence),
        TEST(test_limit_and_offset_have_bounds),
        TEST(test_a_hit_has_id_version_and_score_and_no_more),
        TEST(test_payload_comes_whole_or_by_keys),
        TEST(test_vectors_come_by_name),
        TEST(test_details_come_where_they_are_asked_for),
        TEST(test_a_cut_text_is_told),
        TEST(test_using_names_the_space),
        TEST(test_a_collection_that_is_not_there_is_404),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
