/*
 * field_test.c - net/field.h, and base/json_field.h under it.
 */
#include "tests/test.h"

#include <string.h>

#include "net/field.h"

static struct json_object *json;

static struct field parse(const char *text)
{
    json_object_put(json);
    assert_ok(json_parse(&json, text, strlen(text)));
    return field_root(json);
}

static int release(void **state)
{
    (void)state;
    json_object_put(json);
    json = NULL;
    return 0;
}

static void test_an_error_says_the_whole_path(void **state)
{
    (void)state;
    struct field root = parse("{\"points\": [1, {\"id\": true}]}");
    struct field points = field_get(&root, "points");
    struct field point = field_item(&points, 1);
    struct field id = field_get(&point, "id");
    struct duet_id out;
    assert_err(field_id(&id, &out), ERR_INVALID);
    assert_string_equal(err_detail(), "points[1].id: must be a whole number or a UUID");
    assert_err(field_fail(&root, ERR_INVALID, "must be an object"), ERR_INVALID);
    assert_string_equal(err_detail(), "the JSON body: must be an object");
}

static void test_a_path_without_end_is_cut_and_the_sentence_stays(void **state)
{
    (void)state;
    char text[1000] = "{\"";
    memset(text + 2, 'k', 700);
    strcpy(text + 702, "\": 1}");
    struct field root = parse(text);
    static const struct field_rule none[] = {{NULL, NULL}};
    assert_err(field_check(&root, none), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "kkk: is not known here"));
}

static void test_what_is_absent_leaves_the_default(void **state)
{
    (void)state;
    struct field root = parse("{\"limit\": null}");
    struct field limit = field_get(&root, "limit");
    struct field name = field_get(&root, "name");
    size_t n = 10;
    const char *text = "before";
    assert_ok(field_size(&limit, &n));
    assert_ok(field_string(&name, &text));
    assert_int_equal(n, 10);
    assert_string_equal(text, "before");
    assert_err(field_require(&name), ERR_INVALID);
    assert_string_equal(err_detail(), "name: is missing");
}

static void check_no_size(const char *text)
{
    struct field root = parse(text);
    struct field f = field_get(&root, "n");
    size_t n = 10;
    assert_err(field_size(&f, &n), ERR_INVALID);
    assert_int_equal(n, 10);
}

static void test_sizes_are_whole_numbers_from_0(void **state)
{
    (void)state;
    check_no_size("{\"n\": -1}");
    check_no_size("{\"n\": 1.5}");
    check_no_size("{\"n\": \"1\"}");
    check_no_size("{\"n\": true}");
    check_no_size("{\"n\": []}");
    struct field root = parse("{\"n\": 18446744073709551615}");
    struct field f = field_get(&root, "n");
    size_t n;
    assert_ok(field_size(&f, &n));
    assert_true(n == UINT64_MAX);
}

static void test_floats_must_fit(void **state)
{
    (void)state;
    struct field root = parse("{\"a\": 1e400, \"b\": 1e39, \"c\": -3, \"d\": \"1\"}");
    struct field a = field_get(&root, "a"), b = field_get(&root, "b");
    struct field c = field_get(&root, "c"), d = field_get(&root, "d");
    float value = 0;
    assert_err(field_float(&a, &value), ERR_INVALID);
    assert_err(field_float(&b, &value), ERR_INVALID);
    assert_err(field_float(&d, &value), ERR_INVALID);
    assert_ok(field_float(&c, &value));
    assert_true(value == -3);
}

static void test_a_string_holds_no_nul(void **state)
{
    (void)state;
    struct field root = parse("{\"s\": \"a\\u0000b\"}");
    struct field s = field_get(&root, "s");
    const char *text = NULL;
    assert_err(field_string(&s, &text), ERR_INVALID);
    assert_null(text);
}

static void test_any_value_is_text_again(void **state)
{
    (void)state;
    struct field root = parse("{\"f\": {\"a\": [1.50, \"x/y\"]}, \"n\": null}");
    struct field f = field_get(&root, "f"), n = field_get(&root, "n");
    const char *text;
    assert_ok(field_text(&f, &text));
    assert_string_equal(text, "{\"a\":[1.50,\"x/y\"]}");
    assert_ok(field_text(&n, &text));
    assert_null(text);
}

static void test_ids_are_numbers_and_uuids(void **state)
{
    (void)state;
    struct field root = parse("[18446744073709551615, "
                              "\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\", \"7\", -1, "
                              "1.0, null]");
    struct duet_id id;
    struct field number = field_item(&root, 0), uuid = field_item(&root, 1);
    assert_ok(field_id(&number, &id));
    assert_true(!id.is_uuid && id.number == UINT64_MAX);
    assert_ok(field_id(&uuid, &id));
    assert_true(id.is_uuid);
    assert_int_equal(id.uuid[0], 0x6f);
    for (size_t i = 2; i < 6; i++) {
        struct field bad = field_item(&root, i);
        assert_err(field_id(&bad, &id), ERR_INVALID);
    }
}

static void test_rules_refuse_what_is_unknown_or_not_done(void **state)
{
    (void)state;
    static const struct field_rule rules[] = {
        {"a", NULL}, {"filter", "filters are not supported yet"}, {NULL, NULL}};
    struct field good = parse("{\"a\": 1, \"filter\": null}");
    assert_ok(field_check(&good, rules));
    struct field unknown = parse("{\"b\": 1}");
    assert_err(field_check(&unknown, rules), ERR_INVALID);
    assert_string_equal(err_detail(), "b: is not known here");
    struct field refused = parse("{\"filter\": {}}");
    assert_err(field_check(&refused, rules), ERR_UNSUPPORTED);
    assert_string_equal(err_detail(), "filter: filters are not supported yet");
    struct field array = parse("[]");
    assert_err(field_check(&array, rules), ERR_INVALID);
}

static void test_arrays_have_a_maximum(void **state)
{
    (void)state;
    struct field root = parse("[1, 2, 3]");
    assert_ok(field_array(&root, 3));
    assert_err(field_array(&root, 2), ERR_LIMIT);
    assert_int_equal(field_length(&root), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_says_the_whole_path),
        cmocka_unit_test(test_a_path_without_end_is_cut_and_the_sentence_stays),
        cmocka_unit_test(test_what_is_absent_leaves_the_default),
        cmocka_unit_test(test_sizes_are_whole_numbers_from_0),
        cmocka_unit_test(test_floats_must_fit),
        cmocka_unit_test(test_a_string_holds_no_nul),
        cmocka_unit_test(test_any_value_is_text_again),
        cmocka_unit_test(test_ids_are_numbers_and_uuids),
        cmocka_unit_test(test_rules_refuse_what_is_unknown_or_not_done),
        cmocka_unit_test(test_arrays_have_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
