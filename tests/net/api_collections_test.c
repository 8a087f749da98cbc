/*
 * api_collections_test.c - collections made, described, listed and dropped.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

static void create(const char *body)
{
    ask("PUT", "/collections/new", body);
}

static void check_refused(int status, const char *body, const char *sentence)
{
    create(body);
    assert_answer(status, sentence);
}

static void test_an_empty_body_makes_a_cross_modal_collection(void **state)
{
    (void)state;
    create(NULL);
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.n_created_spaces, 0);
    create("{}");
    assert_answer(200, "\"result\":true");
    create("{\"model\": \"default\"}");
    assert_answer(200, "\"result\":true");
    create("{\"model\": \"tiny\"}");
    assert_answer(200, "\"result\":true");
    check_refused(400, "{\"model\": \"clip\"}", "model: this server has \\\"tiny\\\"");
}

static void test_vectors_make_plain_spaces(void **state)
{
    (void)state;
    create("{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}}");
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.n_created_spaces, 1);
    assert_string_equal(fake.created.name, "");
    assert_int_equal(fake.created.dim, 4);
    assert_int_equal(fake.created.distance, DUET_DOT);
    create("{\"vectors\": {\"a\": {\"size\": 2, \"distance\": \"Cosine\"}, "
           "\"size\": {\"size\": 3, \"distance\": \"Dot\"}}}");
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.n_created_spaces, 2);
    assert_string_equal(fake.created.name, "a");
}

static void test_settings_of_other_engines_are_taken_in_silence(void **state)
{
    (void)state;
    create("{\"vectors\": {\"size\": 4, \"distance\": \"Cosine\", \"on_disk\": true, "
           "\"hnsw_config\": {\"m\": 4}}, \"optimizers_config\": "
           "{\"default_segment_number\": 2}, \"shard_number\": 1, \"filter\": null}");
    assert_answer(200, "\"result\":true");
}

static void test_collections_that_are_wrong_say_where(void **state)
{
    (void)state;
    check_refused(400, "{\"vectors\": {}}", "vectors: is empty");
    check_refused(400, "{\"vectors\": 1}", "vectors: must be an object");
    check_refused(400, "{\"vectors\": {\"size\": 0, \"distance\": \"Dot\"}}",
                  "vectors.size: must be 1 to 4096");
    check_refused(400, "{\"vectors\": {\"size\": 4097, \"distance\": \"Dot\"}}",
                  "vectors.size: must be 1 to 4096");
    check_refused(400, "{\"vectors\": {\"size\": 4}}", "vectors.distance: is missing");
    check_refused(400, "{\"vectors\": {\"a\": {\"distance\": \"Dot\"}}}",
                  "vectors.a.size: is missing");
    check_refused(400, "{\"vectors\": {\"a\": null}}", "vectors.a: is missing");
    check_refused(400, "{\"vectors\": {\"size\": 4, \"distance\": \"dot\"}}",
                  "vectors.distance: must be");
    check_refused(400,
                  "{\"model\": \"tiny\", \"vectors\": {\"size\": 4, "
                  "\"distance\": \"Dot\"}}",
                  "model: can't stand beside");
    check_refused(400, "{\"vector\": {}}", "vector: is not known here");
}

static void test_what_is_not_done_yet_is_501(void **state)
{
    (void)state;
    check_refused(501, "{\"vectors\": {\"size\": 4, \"distance\": \"Euclid\"}}",
                  "vectors.distance: only Cosine and Dot");
    check_refused(501,
                  "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\", "
                  "\"datatype\": \"uint8\"}}",
                  "vectors.datatype: only");
    check_refused(501, "{\"sparse_vectors\": {\"a\": {}}}", "sparse_vectors: ");
    check_refused(501, "{\"replication_factor\": 2}", "replication_factor: must be 1");
}

static void test_a_name_in_use_is_409(void **state)
{
    (void)state;
    ask("PUT", "/collections/things", NULL);
    assert_answer(409, "it is there already");
}

static void test_dropping_says_whether_it_was_there(void **state)
{
    (void)state;
    ask("DELETE", "/collections/things", NULL);
    assert_answer(200, "\"result\":true");
    ask("DELETE", "/collections/nothing", NULL);
    assert_answer(200, "\"result\":false");
    fake.fail = ERR_IO;
    ask("DELETE", "/collections/things", NULL);
    assert_int_equal(answer.status, 500);
}

static void test_collections_are_listed_and_looked_up(void **state)
{
    (void)state;
    ask("GET", "/collections", NULL);
    assert_answer(200, "{\"collections\":[{\"name\":\"things\"}]}");
    ask("GET", "/collections/things/exists", NULL);
    assert_answer(200, "{\"exists\":true}");
    ask("GET", "/collections/nothing/exists", NULL);
    assert_answer(200, "{\"exists\":false}");
}

static void test_a_description_has_what_the_dialect_asks_for(void **state)
{
    (void)state;
    ask("GET", "/collections/things", NULL);
    assert_answer(200, "\"status\":\"green\",\"optimizer_status\":\"ok\"");
    assert_answer(200, "\"vectors\":{\"image\":{\"size\":2,\"distance\":\"Cosine\"}");
    assert_answer(200, "\"payload_schema\":{}}");
    ask("GET", "/collections/things?duet=true", NULL);
    assert_answer(200, "\"duet\":{\"uuid\":\"u\",\"model\":\"tiny\"");
    ask("GET", "/collections/nothing", NULL);
    assert_int_equal(answer.status, 404);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_body_makes_a_cross_modal_collection),
        TEST(test_vectors_make_plain_spaces),
        TEST(test_settings_of_other_engines_are_taken_in_silence),
        TEST(test_collections_that_are_wrong_say_where),
        TEST(test_what_is_not_done_yet_is_501),
        TEST(test_a_name_in_use_is_409),
        TEST(test_dropping_says_whether_it_was_there),
        TEST(test_collections_are_listed_and_looked_up),
        TEST(test_a_description_has_what_the_dialect_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
