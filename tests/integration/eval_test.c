/*
 * eval_test.c - eval and explain of the real program, on plain vectors whose neighbours
 * are known: point i lies at angle i of a circle.
 */
#include "tests/integration/program.h"

#include "base/file.h"

enum { N = 60 };

static void fill(void)
{
    struct duet *db;
    struct duet_options o = {.path = database, .write = true, .create = true};
    assert_ok(duet_open(&db, &o));
    test_collection_make(db, "default", 2, DUET_COSINE);
    for (uint64_t i = 0; i < N; i++) {
        char payload[64];
        const float v[] = {cosf((float)i / 40), sinf((float)i / 40)};
        snprintf(payload, sizeof payload, "{\"i\": %d, \"odd\": %s}", (int)i,
                 i % 2 == 1 ? "true" : "false");
        assert_ok(test_upsert(db, "default", test_id(i), v, 2, payload));
    }
    duet_close(db);
}

static double json_number(struct json_object *object, const char *key)
{
    assert_non_null(json_get(object, key));
    return json_object_get_double(json_get(object, key));
}

static void assert_number(struct json_object *object, const char *key, double value)
{
    if (fabs(json_number(object, key) - value) > 1e-5) {
        fail_msg("%s is %f, not %f", key, json_number(object, key), value);
    }
}

/* Asked at angle 0 the order is 0, 1, 2 ...; at the point 10 it is 10, 9 or 11, ... */
static void test_right_answers_are_scored(void **state)
{
    (void)state;
    fill();
    put_text("q.jsonl", "{\"vector\": [1, 0], \"relevant\": [0]}\n"
                        "{\"vector\": [1, 0], \"relevant\": [1, 2]}\n"
                        "\n"
                        "{\"vector\": [1, 0], \"relevant\": {\"59\": 3}}\n"
                        "{\"id\": 10}\n");
    RUN("eval", at("pictures/q.jsonl"), "--json");
    assert_status(0);
    assert_int_equal(n_lines(ran.out), 2);
    struct json_object *by_vector = json_line(0), *by_point = json_line(1);
    struct json_object *index = json_get(by_vector, "index");
    assert_string_equal(json_object_get_string(json_get(by_vector, "direction")),
                        "vector->default");
    assert_int_equal(json_long(by_vector, "queries"), 3);
    assert_number(index, "recall@1", 1.0 / 3);
    assert_number(index, "recall@5", 2.0 / 3);
    assert_number(index, "recall@10", 2.0 / 3);
    assert_number(index, "mrr", (1 + 0.5 + 0) / 3);
    assert_number(by_vector, "agreement", 1);
    assert_int_equal(json_long(by_point, "judged"), 0);
    assert_null(json_get(by_point, "index"));
    json_object_put(by_vector);
    json_object_put(by_point);
    RUN("eval", at("pictures/q.jsonl"));
    assert_status(0);
    assert_non_null(strstr(ran.out, "R@10"));
    assert_int_equal(n_lines(ran.out), 3);
}

static void test_a_bad_line_is_told_and_the_others_are_asked(void **state)
{
    (void)state;
    fill();
    put_text("q.jsonl", "{\"vector\": [1, 0]}\n"
                        "{\"vector\": [1, 0, 0]}\n"
                        "not JSON\n"
                        "{\"vector\": [1, 0], \"relevant\": {\"1\": 0}}\n"
                        "{\"vector\": [1, 0], \"filter\": {\"must\": 1}}\n"
                        "{\"nothing\": true}\n");
    RUN("eval", at("pictures/q.jsonl"), "--json");
    assert_status(4);
    assert_int_equal(n_lines(ran.out), 1);
    assert_int_equal(printed("queries"), 1);
    assert_int_equal(n_lines(ran.err), 5);
    assert_non_null(strstr(ran.err, "line 2: "));
    assert_non_null(strstr(ran.err, "line 6: a line needs"));
    put_text("q.jsonl", "\n");
    RUN("eval", at("pictures/q.jsonl"));
    assert_one_error(1, "no question");
    RUN("eval", at("pictures/none.jsonl"));
    assert_one_error(3, "none.jsonl");
    RUN("eval");
    assert_status(2);
}

static void test_a_point_is_explained(void **state)
{
    (void)state;
    fill();
    put_picture("a.png", 1);
    RUN("add", pictures, "--collection", "pictures", "-q");
    assert_status(0);
    RUN("ls", "--collection", "pictures", "--json");
    struct json_object *listed = json_line(0);
    const char *id = json_object_get_string(json_get(listed, "id"));
    RUN("explain", id, "words", "--collection", "pictures", "--json", "--filter",
        "{\"must\": [{\"key\": \"file\", \"match\": {\"value\": \"a.png\"}}], "
        "\"must_not\": {\"has_id\": [1]}}");
    assert_status(0);
    struct json_object *why = json_line(0);
    struct json_object *space = json_object_array_get_idx(json_get(why, "spaces"), 0);
    assert_true(json_object_get_boolean(json_get(why, "passes")));
    assert_string_equal(json_object_get_string(json_get(space, "space")), "image");
    assert_int_equal(json_long(space, "rank_exact"), 1);
    assert_int_equal(json_long(space, "rank_index"), 1);
    struct json_object *conditions = json_get(why, "conditions");
    assert_int_equal(json_object_array_length(conditions), 2);
    struct json_object *second = json_object_array_get_idx(conditions, 1);
    assert_string_equal(json_object_get_string(json_get(second, "path")),
                        "must_not[0]");
    assert_false(json_object_get_boolean(json_get(second, "matches")));
    json_object_put(why);
    RUN("explain", at("pictures/a.png"), "words", "--collection", "pictures");
    assert_status(0);
    assert_non_null(strstr(ran.out, "exact rank   1"));
    RUN("explain", at("pictures/a.png"), "words", "--collection", "pictures",
        "--filter",
        "{\"must_not\": {\"key\": \"file\", \"match\": {\"value\": "
        "\"a.png\"}}}");
    assert_status(0);
    assert_non_null(strstr(ran.out, "filtered out"));
    assert_non_null(strstr(ran.out, "does not pass"));
    json_object_put(listed);
}

static void test_what_cannot_be_explained_is_told(void **state)
{
    (void)state;
    fill();
    RUN("explain", "7");
    assert_one_error(2, "say what is searched for");
    RUN("explain", "7", "--image", "none.png", "words");
    assert_one_error(2, "say what is searched for");
    put_picture("a.png", 1);
    RUN("add", pictures, "--collection", "pictures", "-q");
    RUN("explain", "7", "words", "--collection", "pictures");
    assert_one_error(3, "no point 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right_answers_are_scored),
        TEST(test_a_bad_line_is_told_and_the_others_are_asked),
        TEST(test_a_point_is_explained),
        TEST(test_what_cannot_be_explained_is_told),
    };
    if (!find_program()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
