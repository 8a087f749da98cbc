/*
 * api_labels_test.c - POST …/labels, in front of a library in which the i-th label is
 * likely as 1 / i.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

static void label(int status, const char *body, const char *words)
{
    ask("POST", "/collections/things/labels", body);
    assert_answer(status, words);
}

static void test_a_picture_of_the_request_gets_labels(void **state)
{
    (void)state;
    label(200,
          "{\"image\": \"QUJD\", \"labels\": [\"cat\", \"dog\", \"bird\"], "
          "\"limit\": 2}",
          "\"result\":{\"labels\":[{\"label\":\"cat\",\"score\":1},{\"label\":\"dog\","
          "\"score\":0.5}]}");
    assert_null(strstr(answer.text, "bird"));
    label(200, "{\"image\": \"QUJD\"}", "\"label\":\"person\"");
    label(200, "{\"image\": \"QUJD\", \"lang\": \"zh\", \"limit\": 1}",
          "[{\"label\":\"人\",\"score\":1}]");
    label(200, "{\"image\": \"QUJD\", \"labels\": [\"a\"], \"templates\": [\"{}\"]}",
          "\"label\":\"a\"");
}

static void test_points_get_labels_by_ids_and_by_filter(void **state)
{
    (void)state;
    ask("PUT", "/collections/things/points",
        "{\"points\": [{\"id\": 1, \"vector\": {}}, {\"id\": 2, \"vector\": {}}, "
        "{\"id\": 3, \"vector\": {}}]}");
    label(200, "{\"ids\": [3, 1, 99], \"labels\": [\"cat\"]}",
          "{\"points\":[{\"id\":3,\"labels\":[{\"label\":\"cat\",\"score\":1}]},"
          "{\"id\":1,\"labels\":");
    label(200, "{\"filter\": {}, \"labels\": [\"cat\"], \"page_size\": 2}",
          "\"next_page_offset\":3");
    label(200,
          "{\"filter\": {}, \"labels\": [\"cat\"], \"page_size\": 2, "
          "\"offset\": 3}",
          "{\"points\":[{\"id\":3,");
    assert_answer(200, "\"next_page_offset\":null");
    label(200, "{\"ids\": [1], \"labels\": [\"cat\"], \"using\": \"text\"}",
          "{\"id\":1,\"labels\":[]}"); /* it has no vector there */
}

static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    label(400, "{\"labels\": [\"a\"]}", "must have one of");
    label(400, "{\"image\": \"QUJD\", \"ids\": [1]}", "must have one of");
    label(400, "{\"image\": \"QUJD\", \"labels\": []}", "labels: is empty");
    label(400, "{\"image\": \"QUJD\", \"labels\": [1]}", "labels[0]: must be");
    label(400, "{\"image\": \"QUJD\", \"lang\": \"fr\"}", "lang: must be");
    label(400, "{\"image\": \"QUJD\", \"labels\": [\"a\"], \"lang\": \"zh\"}",
          "lang: ");
    label(400, "{\"image\": \"QUJD\", \"limit\": 0}", "limit: must be 1");
    label(400, "{\"filter\": {}, \"page_size\": 1001}", "page_size: must be 1 to 1000");
    label(400, "{\"filter\": {\"wrong\": 1}}", "filter.wrong: ");
    label(400, "{\"image\": \"!\"}", "image: not base64");
    label(400, "{\"image\": \"QUJD\", \"what\": 1}", "what: is not known");
    ask("POST", "/collections/none/labels", "{\"image\": \"QUJD\"}");
    assert_answer(404, "there is no collection");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_picture_of_the_request_gets_labels,
                                        ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_points_get_labels_by_ids_and_by_filter,
                                        ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_said, ask_begin, ask_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
