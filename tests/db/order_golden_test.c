/*
 * order_golden_test.c - scrolls in the order of a value, and facets, as another
 * implementation answered them: tests/golden/orders, made by
 * tests/compat/facets_order.py.
 */
#include "tests/db/db_test.h"
#include "tests/golden_lines.h"

#include "base/json_number.h"

static const char path[] = "tests/golden/orders/cases.jsonl";

static size_t n_orders, n_facets, n_found;

static void put_point(struct duet *db, struct json_object *point)
{
    static const float vector[] = {1, 0.5f};
    struct json_object *has = json_get(point, "has");
    struct duet_named_input vectors[2];
    size_t n = json_object_array_length(has);
    for (size_t i = 0; i < n; i++) {
        vectors[i] = (struct duet_named_input){
            json_object_get_string(json_object_array_get_idx(has, i)),
            {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = 2}};
    }
    struct duet_point_input input = {.vectors = vectors, .n_vectors = n};
    input.payload = json_text(json_get(point, "payload"));
    input.n_payload = strlen(input.payload);
    assert_ok(duet_id_parse(&input.id, json_object_get_string(json_get(point, "id"))));
    assert_ok(duet_upsert(db, "c", &input, 1));
}

/* As numbers, exactly; or as the same string or truth value. */
static bool is_same(const struct duet_value *value, struct json_object *wanted)
{
    struct json_number number, got = {.is_real = value->kind == DUET_VALUE_REAL};
    switch (value->kind) {
    case DUET_VALUE_BOOL:
        return json_object_is_type(wanted, json_type_boolean) &&
               json_object_get_boolean(wanted) == value->flag;
    case DUET_VALUE_STRING:
        return json_object_is_type(wanted, json_type_string) &&
               (size_t)json_object_get_string_len(wanted) == value->n_text &&
               memcmp(json_object_get_string(wanted), value->text, value->n_text) == 0;
    case DUET_VALUE_REAL:
        got.real = value->real;
        break;
    case DUET_VALUE_LARGE:
        got.whole = value->large;
        break;
    default:
        got.below = value->whole < 0 ? value->whole : 0;
        got.whole = value->whole < 0 ? 0 : (uint64_t)value->whole;
    }
    return json_number_get(wanted, &number) && json_number_compare(number, got) == 0;
}

static void check_order(struct duet *db, struct json_object *golden, const char *filter,
                        size_t limit)
{
    struct json_object *by = json_get(golden, "order_by");
    struct json_object *found = json_get(golden, "found");
    struct json_object *start = json_get(by, "start_from");
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct duet_hits hits;
    what.by.key = json_object_get_string(json_get(by, "key"));
    what.by.descending =
        strcmp(json_object_get_string(json_get(by, "direction")), "desc") == 0;
    what.by.start_from = start == NULL ? NULL : json_text(start);
    what.filter = filter;
    what.limit = limit;
    assert_ok(duet_scroll_ordered(db, "c", &what, &hits));
    bool same = hits.n == json_object_array_length(found);
    for (size_t i = 0; same && i < hits.n; i++) {
        struct json_object *pair = json_object_array_get_idx(found, i);
        char id[DUET_ID_TEXT_MAX];
        duet_id_format(hits.hits[i].id, id);
        same = strcmp(id, json_object_get_string(json_object_array_get_idx(pair, 0))) ==
                   0 &&
               is_same(&hits.hits[i].order, json_object_array_get_idx(pair, 1));
    }
    if (!same) {
        print_error("%s\n", json_text(golden));
        fail();
    }
    n_orders++;
    n_found += hits.n;
    duet_hits_release(&hits);
}

static void check_facet(struct duet *db, struct json_object *golden, const char *filter,
                        size_t limit)
{
    struct json_object *found = json_get(golden, "found");
    struct duet_facet what = {json_object_get_string(json_get(golden, "facet")), filter,
                              limit};
    struct duet_facets facets;
    assert_ok(duet_facet(db, "c", &what, &facets));
    bool same = facets.n == json_object_array_length(found);
    for (size_t i = 0; same && i < facets.n; i++) {
        struct json_object *pair = json_object_array_get_idx(found, i);
        same = is_same(&facets.hits[i].value, json_object_array_get_idx(pair, 0)) &&
               facets.hits[i].n_points ==
                   json_object_get_uint64(json_object_array_get_idx(pair, 1));
    }
    if (!same) {
        print_error("%s\n", json_text(golden));
        fail();
    }
    n_facets++;
    n_found += facets.n;
    duet_facets_release(&facets);
}

static void check_case(struct duet *db, struct json_object *golden)
{
    struct json_object *filter_json = json_get(golden, "filter");
    const char *filter = filter_json == NULL ? NULL : json_text(filter_json);
    size_t limit;
    assert_ok(json_get_size(golden, "limit", &limit));
    if (json_get(golden, "facet") != NULL) {
        check_facet(db, golden, filter, limit);
    } else {
        check_order(db, golden, filter, limit);
    }
}

static void check_set(struct json_object *set)
{
    struct test_db t;
    struct duet_space spaces[] = {{"u", 2, DUET_COSINE, DUET_FLOAT32},
                                  {"v", 2, DUET_COSINE, DUET_FLOAT32}};
    test_db_make(&t);
    assert_ok(duet_collection_create(t.db, "c", spaces, 2));
    struct json_object *points = json_get(set, "points");
    struct json_object *cases = json_get(set, "cases");
    for (size_t i = 0; i < json_object_array_length(points); i++) {
        put_point(t.db, json_object_array_get_idx(points, i));
    }
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        check_case(t.db, json_object_array_get_idx(cases, i));
    }
    test_db_remove(&t);
}

static void test_orders_and_facets_are_those_of_another_implementation(void **state)
{
    (void)state;
    golden_each_line(path, check_set);
    assert_true(n_orders >= 200 && n_facets >= 60 && n_found >= 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_and_facets_are_those_of_another_implementation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
