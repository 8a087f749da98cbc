/*
 * facet_test.c - db/facet.h and duet_facet.
 */
#include "tests/db/db_test.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "db/facet.h"

/* As in "red:2 5:1 true:1", strings without quotes; releases them. */
static const char *text_of(struct duet_facets *facets)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < facets->n; i++) {
        const struct duet_value *v = &facets->hits[i].value;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", i == 0 ? "" : " ");
        if (v->kind == DUET_VALUE_STRING) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", v->text);
        } else if (v->kind == DUET_VALUE_BOOL) {
            n +=
                (size_t)snprintf(text + n, sizeof text - n, v->flag ? "true" : "false");
        } else if (v->kind == DUET_VALUE_LARGE) {
            n += (size_t)snprintf(text + n, sizeof text - n, "%llu",
                                  (unsigned long long)v->large);
        } else {
            n += (size_t)snprintf(text + n, sizeof text - n, "%lld",
                                  (long long)v->whole);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, ":%zu",
                              facets->hits[i].n_points);
    }
    duet_facets_release(facets);
    return text;
}

static const char *ask(struct duet *db, const char *key, const char *filter,
                       size_t limit)
{
    struct duet_facets facets;
    assert_ok(duet_facet(db, "c", &(struct duet_facet){key, filter, limit}, &facets));
    return text_of(&facets);
}

static void test_the_most_frequent_come_first_then_by_value(void **state)
{
    struct test_db *t = *state;
    test_c_put(t->db, 1, "{\"a\": \"red\"}");
    test_c_put(t->db, 2, "{\"a\": \"blue\"}");
    test_c_put(t->db, 3, "{\"a\": \"red\"}");
    test_c_put(t->db, 4, "{\"a\": \"1\"}");
    test_c_put(t->db, 5, "{\"a\": 1}");
    test_c_put(t->db, 6, "{\"a\": true}");
    test_c_put(t->db, 7, "{\"a\": -3}");
    test_c_put(t->db, 8, "{\"a\": 18446744073709551615}");
    test_c_put(t->db, 9, "{\"a\": false}");
    test_c_put(t->db, 10, "{\"a\": 1.5}");
    test_c_put(t->db, 11, "{\"a\": {\"b\": 1}}");
    test_c_put(t->db, 12, "{\"b\": 1}");
    assert_string_equal(
        ask(t->db, "a", NULL, 100),
        "red:2 false:1 true:1 -3:1 1:1 18446744073709551615:1 1:1 blue:1");
    assert_string_equal(ask(t->db, "a", NULL, 2), "red:2 false:1");
    assert_string_equal(ask(t->db, "a.b", NULL, 2), "1:1");
    assert_string_equal(ask(t->db, "none", NULL, 2), "");
}

static void test_a_value_counts_once_for_each_point(void **state)
{
    struct test_db *t = *state;
    test_c_put(t->db, 1, "{\"a\": [\"x\", \"x\", \"y\"]}");
    test_c_put(t->db, 2, "{\"a\": [\"x\", [\"y\"]]}");
    test_c_put(t->db, 3, "{\"o\": [{\"a\": \"x\"}, {\"a\": \"x\"}]}");
    assert_string_equal(ask(t->db, "a", NULL, 9), "x:2 y:1");
    assert_string_equal(ask(t->db, "o[].a", NULL, 9), "x:1");
}

static void test_a_filter_says_whose_values_count(void **state)
{
    struct test_db *t = *state;
    test_c_put(t->db, 1, "{\"a\": \"x\"}");
    test_c_put(t->db, 2, "{\"a\": \"x\"}");
    test_c_put(t->db, 3, "{\"a\": \"y\"}");
    assert_string_equal(ask(t->db, "a", "{\"must\": {\"has_id\": [2, 3]}}", 9),
                        "x:1 y:1");
}

static void test_strings_may_hold_zeros_and_be_long(void **state)
{
    struct test_db *t = *state;
    struct duet_facets facets;
    test_c_put(t->db, 1, "{\"a\": \"z\\u0000a\"}");
    test_c_put(t->db, 2, "{\"a\": \"z\\u0000b\"}");
    assert_ok(duet_facet(t->db, "c", &(struct duet_facet){"a", NULL, 5}, &facets));
    assert_int_equal(facets.n, 2);
    assert_int_equal(facets.hits[0].value.n_text, 3);
    assert_memory_equal(facets.hits[1].value.text, "z\0b", 3);
    duet_facets_release(&facets);
}

static void test_what_is_wrong_is_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_facets facets;
    assert_err(duet_facet(t->db, "c", &(struct duet_facet){"a", NULL, 0}, &facets),
               ERR_INVALID);
    assert_err(duet_facet(t->db, "c", &(struct duet_facet){"a", NULL, LIMIT_K_MAX + 1},
                          &facets),
               ERR_LIMIT);
    assert_err(duet_facet(t->db, "c", &(struct duet_facet){"", NULL, 1}, &facets),
               ERR_INVALID);
    assert_err(duet_facet(t->db, "c", &(struct duet_facet){"a", "[]", 1}, &facets),
               ERR_INVALID);
    assert_err(duet_facet(t->db, "no", &(struct duet_facet){"a", NULL, 1}, &facets),
               ERR_NOT_FOUND);
    assert_int_equal(facets.n, 0);
}

/* One value of each kind and number there may be. */
static void test_more_different_values_than_fit_are_an_error(void **state)
{
    (void)state;
    struct facet facet;
    struct duet_facets facets;
    assert_ok(facet_init(&facet));
    for (int64_t i = 0; i < LIMIT_FACET_VALUES; i++) {
        struct json_object *value = json_object_new_int64(i - 5);
        assert_ok(facet_add(&facet, (size_t)i, value));
        json_object_put(value);
    }
    struct json_object *known = json_object_new_int64(77);
    struct json_object *one_more = json_object_new_string("x");
    assert_ok(facet_add(&facet, 1 << 20, known));
    assert_err(facet_add(&facet, 0, one_more), ERR_LIMIT);
    assert_non_null(strstr(err_detail(), "more than 262144 different values"));
    assert_ok(facet_take(&facet, 2, &facets));
    assert_int_equal(facets.n_values, LIMIT_FACET_VALUES);
    assert_string_equal(text_of(&facets), "77:2 -5:1");
    json_object_put(known);
    json_object_put(one_more);
}

static void test_more_bytes_of_strings_than_fit_are_an_error(void **state)
{
    (void)state;
    struct facet facet;
    enum { SIZE = 1 << 20 };
    char *text = alloc_array(SIZE, 1);
    assert_ok(facet_init(&facet));
    memset(text, 'a', SIZE);
    for (unsigned i = 0; i <= LIMIT_FACET_BYTES / SIZE; i++) {
        memcpy(text, &i, sizeof i);
        struct json_object *value = json_object_new_string_len(text, SIZE);
        enum err result = facet_add(&facet, i, value);
        assert_int_equal(result, i < LIMIT_FACET_BYTES / SIZE ? ERR_OK : ERR_LIMIT);
        json_object_put(value);
    }
    assert_non_null(strstr(err_detail(), "more than 67108864 bytes"));
    facet_release(&facet);
    alloc_free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_c_make, test_c_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_the_most_frequent_come_first_then_by_value),
        TEST(test_a_value_counts_once_for_each_point),
        TEST(test_a_filter_says_whose_values_count),
        TEST(test_strings_may_hold_zeros_and_be_long),
        TEST(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_more_different_values_than_fit_are_an_error),
        cmocka_unit_test(test_more_bytes_of_strings_than_fit_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
