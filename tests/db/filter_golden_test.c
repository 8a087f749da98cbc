/*
 * filter_golden_test.c - thousands of random filters on random payloads, as another
 * implementation answered them: tests/golden/filters, made by tests/compat/filters.py.
 */
#include "tests/golden_lines.h"

#include "db/filter.h"
#include "tests/db/golden_filters.h"

static size_t n_cases, n_matches;

static struct record_collection collection = {
    .n_spaces = 2, .spaces = {{.name = "u", .number = 3}, {.name = "v", .number = 9}}};

static const char *id_text(struct json_object *id, struct duet_id *out)
{
    const char *text = json_object_get_string(id); /* of a number too */
    assert_ok(duet_id_parse(out, text));
    return text;
}

static bool ask(const struct filter *filter, struct json_object *point)
{
    struct record_point record = {.n_vectors = 0};
    struct json_object *has = json_get(point, "has");
    const char *payload = json_text(json_get(point, "payload"));
    bool matches;
    record.payload = (struct bytes){payload, strlen(payload)};
    for (size_t i = 0; i < collection.n_spaces; i++) {
        if (golden_lists(has, collection.spaces[i].name)) {
            record.vectors[record.n_vectors++] =
                (struct record_vector){collection.spaces[i].number, 1};
        }
    }
    struct filter_point asked = {.collection = &collection, .record = &record};
    id_text(json_get(point, "id"), &asked.id);
    assert_ok(filter_matches(filter, &asked, &matches));
    return matches;
}

static void check_case(struct json_object *points, struct json_object *golden)
{
    struct filter *filter;
    const char *text = json_text(json_get(golden, "filter"));
    assert_ok(filter_parse(&filter, text));
    for (size_t i = 0; i < json_object_array_length(points); i++) {
        struct json_object *point = json_object_array_get_idx(points, i);
        struct duet_id id;
        bool wanted =
            golden_lists(json_get(golden, "ids"), id_text(json_get(point, "id"), &id));
        if (ask(filter, point) != wanted) {
            print_error("%s\n  %s match\n  %s\n", text,
                        wanted ? "should" : "should not", json_text(point));
            fail();
        }
        n_matches += wanted ? 1 : 0;
    }
    filter_free(filter);
    n_cases++;
}

static void check_set(struct json_object *set)
{
    struct json_object *cases = json_get(set, "cases");
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        check_case(json_get(set, "points"), json_object_array_get_idx(cases, i));
    }
}

static void test_filters_find_what_another_implementation_found(void **state)
{
    (void)state;
    golden_each_line(GOLDEN_FILTERS, check_set);
    assert_true(n_cases >= 2000 && n_matches >= n_cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_find_what_another_implementation_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
