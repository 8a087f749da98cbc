/*
 * api_operations_test.c - requests that change points, and what the library is asked.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define POINTS "/collections/things/points"
#define COMPLETED "\"result\":{\"status\":\"completed\"}"

/* Asks, and compares what the library was asked. */
static void check(const char *method, const char *path, const char *body,
                  const char *operation)
{
    ask(method, path, body);
    assert_answer(200, COMPLETED);
    assert_int_equal(fake.n_operations, 1);
    assert_string_equal(fake.operations[0], operation);
}

static void check_refused(const char *method, const char *path, const char *body,
                          int status, const char *sentence)
{
    fake.n_operations = 99;
    ask(method, path, body);
    assert_answer(status, sentence);
    assert_int_equal(fake.n_operations, 99); /* the library was not asked */
}

static void test_each_route_is_its_operation(void **state)
{
    (void)state;
    check("PUT", POINTS, "{\"points\": [{\"id\": 1, \"vector\": [1, 0]}]}",
          "kind 0 point 1 of 1");
    check("PUT", POINTS,
          "{\"points\": [{\"id\": 1, \"vector\": {}}], \"update_mode\": "
          "\"insert_only\"}",
          "kind 0 point 1 of 0 mode 1");
    check("POST", POINTS "/delete", "{\"points\": [4, 5]}", "kind 1 id 4 id 5");
    check("POST", POINTS "/payload",
          "{\"payload\": {\"a\": null}, \"points\": [4], \"key\": \"b[0]\"}",
          "kind 2 id 4 payload {\"a\":null} key b[0]");
    check("PUT", POINTS "/payload", "{\"payload\": {\"a\": 1}, \"points\": [4]}",
          "kind 3 id 4 payload {\"a\":1}");
    check("POST", POINTS "/payload/delete",
          "{\"keys\": [\"a\", \"b.c\"], \"points\": [4]}",
          "kind 4 id 4 name a name b.c");
    check("POST", POINTS "/payload/clear?wait=true", "{\"points\": [4]}",
          "kind 5 id 4");
    check("PUT", POINTS "/vectors",
          "{\"points\": [{\"id\": 4, \"vector\": {\"image\": [1, 0], \"text\": [0, "
          "1]}}]}",
          "kind 6 point 4 of 2");
    check("POST", POINTS "/vectors/delete",
          "{\"points\": [4], \"vector\": [\"image\"]}", "kind 7 id 4 name image");
}

static void test_an_upsert_may_come_in_columns(void **state)
{
    (void)state;
    check("PUT", POINTS,
          "{\"batch\": {\"ids\": [4, 5], \"vectors\": [[1, 0], [0, 1]], \"payloads\": "
          "[{\"a\": 1}, null]}}",
          "kind 0 point 4 of 1 point 5 of 1");
    assert_string_equal(fake.payloads[0], "{\"a\":1}");
    check("PUT", POINTS,
          "{\"batch\": {\"ids\": [6], \"vectors\": {\"image\": [[1, 0]], \"text\": "
          "[{\"text\": \"a dog\"}]}}, \"update_mode\": \"update_only\"}",
          "kind 0 point 6 of 2 mode 2");
    check_refused("PUT", POINTS, "{\"batch\": {\"ids\": [1], \"vectors\": []}}", 400,
                  "batch.vectors: has 0 items, but there are 1 ids");
    check_refused("PUT", POINTS,
                  "{\"batch\": {\"ids\": [1], \"vectors\": {\"image\": [[1], [2]]}}}",
                  400, "batch.vectors.image: has 2 items");
    check_refused("PUT", POINTS,
                  "{\"batch\": {\"ids\": [1], \"vectors\": [[1]], \"payloads\": [1]}}",
                  400, "batch.payloads[0]: must be an object");
    check_refused("PUT", POINTS, "{\"batch\": {\"ids\": [], \"vectors\": []}}", 400,
                  "batch.ids: is empty");
    check_refused("PUT", POINTS, "{\"batch\": {\"ids\": [1], \"vectors\": 1}}", 400,
                  "batch.vectors: must be an array");
    check_refused("PUT", POINTS, "{\"batch\": {}, \"points\": []}", 400,
                  "batch: can't stand beside");
}

static void test_a_batch_is_all_of_them_in_order(void **state)
{
    (void)state;
    ask("POST", POINTS "/batch",
        "{\"operations\": [{\"upsert\": {\"points\": [{\"id\": 1, \"vector\": [1, "
        "0]}]}}, {\"set_payload\": {\"payload\": {}, \"points\": [1]}}, "
        "{\"overwrite_payload\": {\"payload\": {}, \"points\": [1]}}, "
        "{\"delete_payload\": {\"keys\": [\"a\"], \"points\": [1]}}, "
        "{\"clear_payload\": {\"points\": [1]}}, {\"update_vectors\": {\"points\": "
        "[{\"id\": 1, \"vector\": {\"text\": \"a dog\"}}]}}, {\"delete_vectors\": "
        "{\"vector\": [\"text\"], \"points\": [1]}}, {\"delete\": {\"points\": "
        "[1]}}]}");
    assert_answer(200, "\"result\":[{\"status\":\"completed\"},{\"status\"");
    assert_int_equal(fake.n_operations, 8);
    static const char *const wanted[] = {
        "kind 0 point 1 of 1",
        "kind 2 id 1 payload {}",
        "kind 3 id 1 payload {}",
        "kind 4 id 1 name a",
        "kind 5 id 1",
        "kind 6 point 1 of 1",
        "kind 7 id 1 name text",
        "kind 1 id 1",
    };
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(fake.operations[i], wanted[i]);
    }
    ask("POST", POINTS "/batch", "{\"operations\": []}");
    assert_answer(200, "\"result\":[]");
}

static void test_wrong_requests_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body, *sentence;
    } wrong[] = {
        {"PUT", POINTS,
         "{\"points\": [{\"id\": 1, \"vector\": [1]}], \"update_mode\": 1}",
         "update_mode: must be a string"},
        {"PUT", POINTS,
         "{\"points\": [{\"id\": 1, \"vector\": [1]}], \"update_mode\": \"x\"}",
         "update_mode: must be \\\"upsert\\\""},
        {"POST", POINTS "/delete", "{\"points\": []}", "points: is empty"},
        {"POST", POINTS "/delete", "{}", "points: is missing"},
        {"POST", POINTS "/payload", "{\"points\": [1]}", "payload: is missing"},
        {"POST", POINTS "/payload", "{\"payload\": 1, \"points\": [1]}",
         "payload: must be an object"},
        {"POST", POINTS "/payload", "{\"payload\": {}, \"points\": [1, \"x\"]}",
         "points[1]: must be a whole number or a UUID"},
        {"POST", POINTS "/payload", "{\"payload\": {}, \"points\": [1], \"key\": 2}",
         "key: must be a string"},
        {"POST", POINTS "/payload/delete", "{\"points\": [1]}", "keys: is missing"},
        {"POST", POINTS "/payload/delete", "{\"keys\": [1], \"points\": [1]}",
         "keys[0]: must be a string"},
        {"PUT", POINTS "/vectors", "{\"points\": [{\"id\": 1}]}",
         "points[0].vector: is missing"},
        {"PUT", POINTS "/vectors",
         "{\"points\": [{\"id\": 1, \"vector\": [1], \"payload\": {}}]}",
         "points[0].payload: is not known here"},
        {"POST", POINTS "/vectors/delete", "{\"points\": [1], \"vector\": []}",
         "vector: is empty"},
        {"POST", POINTS "/batch", "{}", "operations: is missing"},
        {"POST", POINTS "/batch", "{\"operations\": [{}]}",
         "operations[0]: must have one member"},
        {"POST", POINTS "/batch", "{\"operations\": [{\"set\": {}}]}",
         "operations[0].set: is no operation"},
        {"POST", POINTS "/batch",
         "{\"operations\": [{\"delete\": {\"points\": [1]}}, {\"upsert\": {\"points\": "
         "[{\"id\": -1}]}}]}",
         "operations[1].upsert.points[0].id: must be"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_refused(wrong[i].method, wrong[i].path, wrong[i].body, 400,
                      wrong[i].sentence);
    }
}

static void test_filters_stand_in_place_of_ids(void **state)
{
    (void)state;
    check("POST", POINTS "/payload", "{\"payload\": {}, \"filter\": {\"must\": []}}",
          "kind 2 payload {} filter {\"must\":[]}");
    check("POST", POINTS "/payload/clear", "{\"filter\": {}}", "kind 5 filter {}");
    check("POST", POINTS "/vectors/delete", "{\"vector\": [\"a\"], \"filter\": {}}",
          "kind 7 name a filter {}");
    check("PUT", POINTS,
          "{\"points\": [{\"id\": 1, \"vector\": [1]}], \"update_filter\": {}}",
          "kind 0 point 1 of 1 update_filter {}");
    check("PUT", POINTS "/vectors",
          "{\"points\": [{\"id\": 1, \"vector\": [1]}], \"update_filter\": {}}",
          "kind 6 point 1 of 1 update_filter {}");
    check_refused("POST", POINTS "/payload/clear", "{\"filter\": {}, \"points\": [1]}",
                  400, "filter: can't stand beside");
}

static void test_the_librarys_errors_are_passed_on(void **state)
{
    (void)state;
    fake.fail = ERR_NOT_FOUND;
    ask("POST", POINTS "/payload/clear", "{\"points\": [1]}");
    assert_answer(404, "told to fail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_route_is_its_operation, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_an_upsert_may_come_in_columns, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_a_batch_is_all_of_them_in_order, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_wrong_requests_say_where, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_filters_stand_in_place_of_ids, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_the_librarys_errors_are_passed_on,
                                        ask_begin, ask_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
