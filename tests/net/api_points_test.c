/*
 * api_points_test.c - points written, read, walked, counted and removed.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define POINTS "/collections/things/points"

static void upsert(const char *body)
{
    ask("PUT", POINTS, body);
}

static void check_refused(int status, const char *body, const char *sentence)
{
    upsert(body);
    assert_answer(status, sentence);
    assert_int_equal(fake.n_points, 0);
}

static void test_upsert_takes_what_may_stand_for_a_vector(void **state)
{
    (void)state;
    upsert("{\"points\": [{\"id\": 1, \"vector\": {\"text\": \"a dog\"}}]}");
    assert_answer(200, "\"result\":{\"status\":\"completed\"}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_TEXT);
    assert_string_equal(fake.last_in, "");
    upsert("{\"points\": [{\"id\": 1, \"vector\": {\"image\": \"Zm9v\"}}]}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_IMAGE);
    upsert("{\"points\": [{\"id\": 1, \"vector\": [1, 0]}]}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_VECTOR);
    upsert("{\"points\": [{\"id\": 1, \"vector\": {\"text\": [1, 0]}}]}");
    assert_int_equal(fake.last_input.kind, DUET_INPUT_VECTOR);
    assert_string_equal(fake.last_in, "text");
    upsert("{\"points\": [{\"id\": 1, \"vector\": {\"text\": {\"text\": \"a\"}, "
           "\"image\": {\"image\": \"Zg==\"}}}]}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(fake.last_in, "text");
}

static void test_payloads_are_kept_as_they_are(void **state)
{
    (void)state;
    upsert("{\"points\": [{\"id\": 1, \"vector\": [1, 0], "
           "\"payload\": {\"price\": 0.10, \"big\": 18446744073709551615}}]}");
    ask("GET", POINTS "/1", NULL);
    assert_answer(200, "\"payload\":{\"price\":0.10,\"big\":18446744073709551615}");
}

static void test_upserts_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "{}", "points: is missing");
    check_refused(400, "{\"points\": []}", "points: is empty");
    check_refused(400, "{\"points\": {}}", "points: must be an array");
    check_refused(400, "{\"points\": [1]}", "points[0]: must be an object");
    check_refused(400, "{\"points\": [{\"vector\": [1]}]}", "points[0].id: is missing");
    check_refused(400, "{\"points\": [{\"id\": \"x\", \"vector\": [1]}]}",
                  "points[0].id: must be a whole number or a UUID");
    check_refused(400, "{\"points\": [{\"id\": 1}]}", "points[0].vector: is missing");
    check_refused(400, "{\"points\": [{\"id\": 1, \"vector\": [1], \"payload\": []}]}",
                  "points[0].payload: must be an object");
    check_refused(400, "{\"points\": [{\"id\": 1, \"vector\": {\"image\": \"?\"}}]}",
                  "points[0].vector.image: not base64");
    check_refused(400, "{\"points\": [{\"id\": 1, \"vector\": {\"image\": 5}}]}",
                  "points[0].vector.image: must be an array");
    check_refused(400, "{\"points\": [{\"id\": 1, \"vector\": [1], \"pay\": 1}]}",
                  "points[0].pay: is not known here");
}

static void test_more_spaces_than_there_may_be_are_refused(void **state)
{
    (void)state;
    char body[2000];
    size_t n = (size_t)snprintf(body, sizeof body,
                                "{\"points\": [{\"id\": 1, \"vector\": {\"s0\": [1]");
    for (int i = 1; i <= LIMIT_SPACES_MAX; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, ", \"s%d\": [1]", i);
    }
    snprintf(body + n, sizeof body - n, "}}]}");
    check_refused(400, body, "points[0].vector: has more than 16 vectors");
}

static void put_three(void)
{
    upsert("{\"points\": [{\"id\": 5, \"vector\": {}, \"payload\": {\"n\": 5}}, "
           "{\"id\": 2, \"vector\": {}}, {\"id\": 9, \"vector\": {}}]}");
    assert_int_equal(answer.status, 200);
}

static void test_points_are_retrieved_by_ids(void **state)
{
    (void)state;
    put_three();
    ask("POST", POINTS, "{\"ids\": [9, 7, 5]}");
    assert_answer(
        200, "\"result\":[{\"id\":9,\"payload\":{}},{\"id\":5,\"payload\":{\"n\":5}}]");
    ask("POST", POINTS,
        "{\"ids\": [5], \"with_payload\": false, \"with_vector\": true}");
    assert_answer(200, "\"result\":[{\"id\":5,\"vector\":{\"image\":[0.6,0.8]}}]");
    ask("POST", POINTS, "{}");
    assert_answer(400, "ids: is missing");
    ask("POST", POINTS, "{\"ids\": [1, []]}");
    assert_answer(400, "ids[1]: must be");
}

static void test_one_point_is_found_by_its_path(void **state)
{
    (void)state;
    put_three();
    ask("GET", POINTS "/5", NULL);
    assert_answer(200, "\"result\":{\"id\":5,\"payload\":{\"n\":5},\"vector\":{");
    ask("GET", POINTS "/6", NULL);
    assert_answer(404, "there is no point 6 in \\\"things\\\"");
    ask("GET", POINTS "/six", NULL);
    assert_answer(400, "must be a whole number or a UUID");
}

static void test_a_walk_meets_every_point_once(void **state)
{
    (void)state;
    put_three();
    ask("POST", POINTS "/scroll", "{\"limit\": 2, \"with_payload\": false}");
    assert_answer(200, "{\"points\":[{\"id\":2},{\"id\":5}],\"next_page_offset\":9}");
    ask("POST", POINTS "/scroll", "{\"limit\": 2, \"offset\": 9}");
    assert_answer(200,
                  "{\"points\":[{\"id\":9,\"payload\":{}}],\"next_page_offset\":null}");
    ask("POST", POINTS "/scroll", "{\"limit\": 3, \"with_vector\": true}");
    assert_answer(200, "\"vector\":{\"image\":[0.6,0.8]}}],\"next_page_offset\":null}");
}

static void test_a_walk_ends_at_the_last_number(void **state)
{
    (void)state;
    upsert("{\"points\": [{\"id\": 18446744073709551615, \"vector\": {}}]}");
    ask("POST", POINTS "/scroll", "{\"limit\": 1}");
    assert_answer(200, "{\"id\":18446744073709551615,");
    assert_answer(200, "\"next_page_offset\":null}");
}

static void test_walks_that_are_wrong_are_refused(void **state)
{
    (void)state;
    ask("POST", POINTS "/scroll", "{\"limit\": 0}");
    assert_answer(400, "limit: must be 1 or more");
    ask("POST", POINTS "/scroll", "{\"limit\": 10001}");
    assert_answer(400, "limit: is more than 10000");
    ask("POST", POINTS "/scroll", "{\"offset\": \"x\"}");
    assert_answer(400, "offset: must be a whole number or a UUID");
    ask("POST", POINTS "/scroll", "{\"filter\": {\"wrong\": 1}}");
    assert_answer(400, "filter.wrong: is not known here");
}

static void test_a_scroll_may_be_in_the_order_of_a_value(void **state)
{
    (void)state;
    put_three();
    ask("POST", POINTS "/scroll", "{\"order_by\": \"price\", \"with_payload\": false}");
    assert_answer(200, "{\"points\":[{\"id\":2,\"order_value\":-2},"
                       "{\"id\":5,\"order_value\":-5},{\"id\":9,\"order_value\":-9}],"
                       "\"next_page_offset\":null}");
    assert_string_equal(fake.last_order, "price asc -");
    ask("POST", POINTS "/scroll",
        "{\"order_by\": {\"key\": \"a.b\", \"direction\": \"desc\", \"start_from\": "
        "1.5},"
        " \"limit\": 1, \"filter\": {\"must\": []}}");
    assert_answer(200, "[{\"id\":2,\"payload\":{},\"order_value\":-2}]");
    assert_string_equal(fake.last_order, "a.b desc 1.5");
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    ask("POST", POINTS "/scroll",
        "{\"order_by\": {\"key\": \"t\", \"start_from\": \"2024-01-01\"}}");
    assert_string_equal(fake.last_order, "t asc \"2024-01-01\"");
}

static void test_orders_that_are_wrong_are_refused(void **state)
{
    (void)state;
    ask("POST", POINTS "/scroll", "{\"order_by\": 5}");
    assert_answer(400, "order_by: must be a path or an object");
    ask("POST", POINTS "/scroll", "{\"order_by\": {}}");
    assert_answer(400, "order_by.key: is missing");
    ask("POST", POINTS "/scroll",
        "{\"order_by\": {\"key\": \"a\", \"direction\": \"up\"}}");
    assert_answer(400, "order_by.direction: must be");
    ask("POST", POINTS "/scroll", "{\"order_by\": {\"key\": \"a\", \"from\": 1}}");
    assert_answer(400, "order_by.from: is not known here");
    ask("POST", POINTS "/scroll", "{\"order_by\": \"a\", \"offset\": 5}");
    assert_answer(400, "offset: can't stand beside \\\"order_by\\\"");
}

static void test_a_facet_is_values_with_counts(void **state)
{
    (void)state;
    ask("POST", "/collections/things/facet",
        "{\"key\": \"a\", \"exact\": true, \"filter\": {\"must\": []}}");
    assert_answer(200, "\"result\":{\"hits\":[{\"value\":\"a\\u0000b\",\"count\":3},"
                       "{\"value\":18446744073709551615,\"count\":2},"
                       "{\"value\":true,\"count\":1}]}");
    assert_string_equal(fake.last_order, "a");
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    ask("POST", "/collections/things/facet", "{\"key\": \"a\", \"limit\": 1}");
    assert_answer(200, "\"count\":3}]}");
    ask("POST", "/collections/things/facet", "{\"key\": \"a\", \"limit\": 0}");
    assert_answer(400, "limit: must be 1 or more");
    ask("POST", "/collections/things/facet", "{}");
    assert_answer(400, "key: is missing");
    ask("POST", "/collections/none/facet", "{\"key\": \"a\"}");
    assert_answer(404, "there is no collection");
}

static void test_a_walk_passes_its_filter_on_to_each_page(void **state)
{
    (void)state;
    put_three();
    ask("POST", POINTS "/scroll", "{\"limit\": 1, \"filter\": {\"must\": []}}");
    assert_answer(200, "\"next_page_offset\":5}");
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    ask("POST", POINTS "/scroll", "{\"filter\": null}");
    assert_string_equal(fake.last_filter, "");
}

static void test_delete_is_by_ids_or_by_filter(void **state)
{
    (void)state;
    ask("POST", POINTS "/delete", "{\"points\": [1, 2]}");
    assert_answer(200, "\"result\":{\"status\":\"completed\"}");
    ask("POST", POINTS "/delete", "{\"filter\": {\"must\": []}}");
    assert_answer(200, "\"result\":{\"status\":\"completed\"}");
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    ask("POST", POINTS "/delete", "{\"filter\": {\"wrong\": 1}}");
    assert_answer(400, "filter.wrong: is not known here");
    ask("POST", POINTS "/delete", "{\"filter\": {}, \"points\": [1]}");
    assert_answer(400, "filter: can't stand beside \\\"points\\\"");
    ask("POST", POINTS "/delete", "{}");
    assert_answer(400, "points: is missing");
    ask("POST", POINTS "/delete", "{\"filter\": null}");
    assert_answer(400, "points: is missing");
}

static void test_a_count_takes_a_filter(void **state)
{
    (void)state;
    ask("POST", POINTS "/count", "{\"filter\": {\"must\": []}}");
    assert_answer(200, "\"count\":0");
    assert_string_equal(fake.last_filter, "{\"must\":[]}");
    ask("POST", POINTS "/count", "{\"exact\": false}");
    assert_answer(200, "\"count\":0");
    assert_string_equal(fake.last_filter, "");
    ask("POST", POINTS "/count", "{\"filter\": {\"wrong\": 1}}");
    assert_answer(400, "filter.wrong: is not known here");
}

static void test_a_thumbnail_is_a_jpeg_or_404(void **state)
{
    (void)state;
    ask("GET", POINTS "/1/image", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, "image/jpeg");
    assert_string_equal(answer.text, "JPEG");
    ask("GET", POINTS "/2/image", NULL);
    assert_answer(404, "no such picture");
    assert_string_equal(answer.type, "application/json");
}

static void test_an_original_is_asked_for_by_size(void **state)
{
    (void)state;
    ask("GET", POINTS "/1/image?size=original", NULL);
    assert_answer(200, "whole");
    assert_string_equal(answer.type, "image/png");
    assert_string_equal(answer.disposition, "inline");
    ask("GET", POINTS "/3/image?a=b&size=original", NULL);
    assert_answer(200, "whole");
    assert_string_equal(answer.type, "application/octet-stream");
    assert_string_equal(answer.disposition, "attachment");
    ask("GET", POINTS "/2/image?size=original", NULL);
    assert_answer(404, "the file is gone");
    assert_null(answer.disposition);
    ask("GET", POINTS "/1/image?size=originals", NULL);
    assert_answer(200, "JPEG");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_upsert_takes_what_may_stand_for_a_vector),
        TEST(test_payloads_are_kept_as_they_are),
        TEST(test_upserts_that_are_wrong_say_where),
        TEST(test_more_spaces_than_there_may_be_are_refused),
        TEST(test_points_are_retrieved_by_ids),
        TEST(test_one_point_is_found_by_its_path),
        TEST(test_a_walk_meets_every_point_once),
        TEST(test_a_walk_ends_at_the_last_number),
        TEST(test_walks_that_are_wrong_are_refused),
        TEST(test_a_scroll_may_be_in_the_order_of_a_value),
        TEST(test_orders_that_are_wrong_are_refused),
        TEST(test_a_facet_is_values_with_counts),
        TEST(test_a_walk_passes_its_filter_on_to_each_page),
        TEST(test_delete_is_by_ids_or_by_filter),
        TEST(test_a_count_takes_a_filter),
        TEST(test_a_thumbnail_is_a_jpeg_or_404),
        TEST(test_an_original_is_asked_for_by_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
