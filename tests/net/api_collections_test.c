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

static void test_no_sparse_vectors_are_none(void **state)
{
    (void)state;
    create(
        "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}, \"sparse_vectors\": {}}");
    assert_answer(200, "\"result\":true");
    check_refused(501,
                  "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}, "
                  "\"sparse_vectors\": {\"s\": {}}}",
                  "sparse_vectors: sparse vectors are not supported");
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

static void test_distances_datatypes_and_metadata_are_taken(void **state)
{
    (void)state;
    create("{\"vectors\": {\"size\": 4, \"distance\": \"Manhattan\", "
           "\"datatype\": \"uint8\"}, \"metadata\": {\"a\": 1}}");
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.created.distance, DUET_MANHATTAN);
    assert_int_equal(fake.created.datatype, DUET_UINT8);
    assert_string_equal(fake.metadata, "{\"a\":1}");
    check_refused(400,
                  "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\", "
                  "\"datatype\": \"int8\"}}",
                  "vectors.datatype: must be");
    check_refused(400,
                  "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}, "
                  "\"metadata\": []}",
                  "metadata: must be an object");
    ask("GET", "/collections/things", NULL);
    assert_answer(200, "\"metadata\":{\"a\":1}");
}

#define THINGS "/collections/things"

static void test_an_index_is_chosen_and_told(void **state)
{
    (void)state;
    create("{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}, "
           "\"duet\": {\"index\": \"hnsw\"}}");
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.index, DUET_INDEX_HNSW);
    create("{\"vectors\": {\"size\": 4, \"distance\": \"Dot\"}}");
    assert_int_equal(fake.index, DUET_INDEX_AUTO);
    check_refused(400, "{\"duet\": {\"index\": \"tree\"}}", "duet.index: must be");
    check_refused(400, "{\"duet\": {\"kind\": 1}}", "duet.kind: is not known here");
    check_refused(400, "{\"duet\": []}", "duet: must be an object");
    ask("PATCH", THINGS, "{\"duet\": {\"index\": \"ivf\"}}");
    assert_answer(200, "\"result\":true");
    assert_int_equal(fake.index, DUET_INDEX_IVF);
    ask("PATCH", THINGS, "{\"duet\": {\"index\": 3}}");
    assert_answer(400, "duet.index: must be");
    ask("GET", THINGS "?duet=true", NULL);
    assert_answer(200, "\"recall\":[{\"space\":\"image\",\"side\":\"cross_modal\","
                       "\"recall\":0.9375,\"checks\":3}]");
}

static void test_a_collection_is_updated(void **state)
{
    (void)state;
    ask("PATCH", THINGS,
        "{\"metadata\": {\"b\": null}, \"vectors\": {\"image\": {\"on_disk\": true}}, "
        "\"optimizers_config\": {\"indexing_threshold\": 1}}");
    assert_answer(200, "\"result\":true");
    assert_string_equal(fake.metadata, "{\"b\":null}");
    ask("PATCH", THINGS, "{\"vectors\": {\"none\": {}}}");
    assert_answer(400, "vectors.none: is no vector space");
    ask("PATCH", THINGS, "{\"vectors\": {\"image\": {\"size\": 3}}}");
    assert_answer(400, "vectors.image.size: is not known here");
    ask("PATCH", THINGS, "{\"params\": {\"replication_factor\": 2}}");
    assert_answer(501, "params.replication_factor: must be 1");
    ask("PATCH", "/collections/none", "{}");
    assert_answer(404, "there is no collection 'none'");
}

static void test_spaces_are_added_and_removed(void **state)
{
    (void)state;
    ask("PUT", THINGS "/vectors/new",
        "{\"dense\": {\"size\": 5, \"distance\": \"Euclid\"}}");
    assert_answer(200, "\"result\":{\"status\":\"completed\"}");
    assert_string_equal(fake.created.name, "new");
    assert_int_equal(fake.created.distance, DUET_EUCLID);
    ask("PUT", THINGS "/vectors/new", "{\"dense\": {\"size\": 5}}");
    assert_answer(400, "dense.distance: is missing");
    ask("PUT", THINGS "/vectors/new", "{\"sparse\": {}}");
    assert_answer(501, "sparse: sparse vectors are not supported");
    ask("DELETE", THINGS "/vectors/text", NULL);
    assert_answer(200, "\"status\":\"completed\"");
    assert_string_equal(fake.created_name, "text");
    ask("DELETE", THINGS "/vectors/none", NULL);
    assert_answer(200, "\"status\":\"completed\"");
    assert_string_equal(fake.created_name, "text"); /* it was not asked for */
}

static void test_aliases_are_changed_and_listed(void **state)
{
    (void)state;
    ask("POST", "/collections/aliases",
        "{\"actions\": [{\"create_alias\": {\"alias_name\": \"a\", "
        "\"collection_name\": \"c\"}}, {\"rename_alias\": {\"old_alias_name\": "
        "\"a\", \"new_alias_name\": \"b\"}}, {\"delete_alias\": {\"alias_name\": "
        "\"b\"}}]}");
    assert_answer(200, "\"result\":true");
    assert_string_equal(fake.aliases, "0 a c;2 a b;1 b -;");
    ask("POST", "/collections/aliases", "{\"actions\": [{}]}");
    assert_answer(400, "actions[0]: must have one of");
    ask("POST", "/collections/aliases",
        "{\"actions\": [{\"create_alias\": {\"alias_name\": \"a\"}}]}");
    assert_answer(400, "actions[0].create_alias.collection_name: is missing");
    ask("POST", "/collections/aliases",
        "{\"actions\": [{\"delete_alias\": {\"alias_name\": \"a\", \"x\": 1}}]}");
    assert_answer(400, "actions[0].delete_alias.x: is not known here");
    ask("GET", "/aliases", NULL);
    assert_answer(200, "\"result\":{\"aliases\":[{\"alias_name\":\"other\","
                       "\"collection_name\":\"things\"}]}");
    ask("GET", "/collections/none/aliases", NULL);
    assert_answer(404, "there is no collection 'none'");
}

static void test_payload_indexes_are_made_removed_and_told(void **state)
{
    (void)state;
    ask("PUT", THINGS "/index?wait=true",
        "{\"field_name\": \"price\", \"field_schema\": \"float\"}");
    assert_answer(200, "\"status\":\"completed\"");
    assert_string_equal(fake.payload_index, "price \"float\"");
    ask("PUT", THINGS "/index",
        "{\"field_name\": \"a.b[]\", \"field_schema\": {\"type\": \"text\", "
        "\"tokenizer\": \"word\"}}");
    assert_answer(200, "\"status\":\"completed\"");
    assert_string_equal(fake.payload_index,
                        "a.b[] {\"type\":\"text\",\"tokenizer\":\"word\"}");
    ask("DELETE", THINGS "/index/a.b%5B%5D?wait=true", NULL);
    assert_answer(200, "\"status\":\"completed\"");
    assert_string_equal(fake.payload_index, "a.b[]");
    ask("GET", THINGS, NULL);
    assert_answer(200, "\"payload_schema\":{\"price\":{\"data_type\":\"float\","
                       "\"points\":3},\"a.\\\"b\\\"\":{\"data_type\":\"text\","
                       "\"params\":{\"type\":\"text\"},\"points\":2}}");
}

static void test_payload_indexes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    ask("PUT", THINGS "/index", "{\"field_schema\": \"float\"}");
    assert_answer(400, "field_name: is missing");
    ask("PUT", THINGS "/index", "{\"field_name\": \"price\"}");
    assert_answer(400, "field_schema: is missing");
    ask("PUT", THINGS "/index", "{\"field_name\": 7, \"field_schema\": \"float\"}");
    assert_answer(400, "field_name: ");
    ask("PUT", THINGS "/index",
        "{\"field_name\": \"a\", \"field_schema\": \"float\", \"x\": 1}");
    assert_answer(400, "x: is not known here");
    ask("PUT", THINGS "/index", "");
    assert_answer(400, "field_name: is missing");
    ask("PUT", "/collections/none/index",
        "{\"field_name\": \"a\", \"field_schema\": \"float\"}");
    assert_answer(404, "there is no collection 'none'");
    ask("DELETE", "/collections/none/index/a", NULL);
    assert_answer(404, "there is no collection 'none'");
}

static void test_what_is_not_done_yet_is_501(void **state)
{
    (void)state;
    check_refused(501,
                  "{\"vectors\": {\"size\": 4, \"distance\": \"Dot\", "
                  "\"datatype\": \"turbo4\"}}",
                  "vectors.datatype: turbo4 is not supported");
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
    assert_answer(200, "\"payload_schema\":{\"price\":{\"data_type\":\"float\"");
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
        TEST(test_no_sparse_vectors_are_none),
        TEST(test_collections_that_are_wrong_say_where),
        TEST(test_distances_datatypes_and_metadata_are_taken),
        TEST(test_an_index_is_chosen_and_told),
        TEST(test_a_collection_is_updated),
        TEST(test_spaces_are_added_and_removed),
        TEST(test_aliases_are_changed_and_listed),
        TEST(test_payload_indexes_are_made_removed_and_told),
        TEST(test_payload_indexes_that_cannot_be_are_refused),
        TEST(test_what_is_not_done_yet_is_501),
        TEST(test_a_name_in_use_is_409),
        TEST(test_dropping_says_whether_it_was_there),
        TEST(test_collections_are_listed_and_looked_up),
        TEST(test_a_description_has_what_the_dialect_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
