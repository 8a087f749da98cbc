/*
 * index_golden_test.c - payload indexes change no answer: the random filters that another
 * implementation answered (tests/golden/filters) find the same points in a database with
 * random indexes on the fields that they ask about, before and after points change.
 */
#include "tests/db/db_test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "db/allowed.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/matches.h"
#include "index/bitmap.h"
#include "tests/db/golden_filters.h"

enum { DIM = 2, ROUNDS = 1, POINTS_MAX = 64 };

static size_t n_cases, n_matches, n_indexed, n_exact;

/* ---- Points ---- */

static void fill_point(struct duet_point_input *input, struct json_object *point,
                       const char *payload, struct duet_named_input vectors[2])
{
    static const float vector[DIM] = {0.6f, 0.8f};
    static const char *const names[] = {"u", "v"};
    *input = (struct duet_point_input){
        .payload = payload, .n_payload = strlen(payload), .vectors = vectors};
    assert_ok(duet_id_parse(&input->id, json_object_get_string(json_get(point, "id"))));
    for (size_t i = 0; i < 2; i++) {
        if (golden_lists(json_get(point, "has"), names[i])) {
            vectors[input->n_vectors++] = (struct duet_named_input){
                names[i], {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = DIM}};
        }
    }
}

static void write_points(struct duet *db, struct json_object *points, bool swapped)
{
    static struct duet_point_input inputs[POINTS_MAX];
    static struct duet_named_input vectors[POINTS_MAX][2];
    size_t n = json_object_array_length(points);
    assert_true(n <= POINTS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct json_object *from =
            json_object_array_get_idx(points, swapped ? n - 1 - i : i);
        fill_point(&inputs[i], json_object_array_get_idx(points, i),
                   json_text(json_get(from, "payload")), vectors[i]);
    }
    assert_ok(duet_upsert(db, "c", inputs, n));
}

/* ---- Indexes ---- */

/* Words as without an index, so that no answer may change. */
static const char *const schemas[] = {
    "\"keyword\"",  "\"integer\"",
    "\"float\"",    "\"bool\"",
    "\"datetime\"", "\"uuid\"",
    "\"geo\"",      "{\"type\":\"text\",\"tokenizer\":\"word\"}",
};

/* The place in `schemas` of an index that may answer the condition. */
static int fitting_schema(struct json_object *condition)
{
    struct json_object *match = json_get(condition, "match");
    struct json_object *range = json_get(condition, "range");
    struct json_object *value = json_get(match, "value");
    if (match != NULL) {
        bool words = json_get(match, "text") != NULL ||
                     json_get(match, "text_any") != NULL ||
                     json_get(match, "phrase") != NULL;
        return words                                           ? 7
               : json_object_is_type(value, json_type_boolean) ? 3
               : json_object_is_type(value, json_type_int)     ? 1
                                                               : 0;
    }
    if (range != NULL) {
        return strchr(json_text(range), 'T') != NULL ? 4 : 2;
    }
    return 6;
}

/* The fields that filters ask about, those within nested filters from the root. */
static void find_fields(struct json_object *filter, const char *around,
                        struct json_object *fields)
{
    char field[512];
    if (json_object_is_type(filter, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(filter); i++) {
            find_fields(json_object_array_get_idx(filter, i), around, fields);
        }
    }
    if (!json_object_is_type(filter, json_type_object)) {
        return;
    }
    struct json_object *key = json_get(filter, "key");
    struct json_object *inner = json_get(filter, "filter");
    if (key != NULL && inner == NULL) {
        snprintf(field, sizeof field, "%s%s", around, json_object_get_string(key));
        json_object_object_add(fields, field,
                               json_object_new_int(fitting_schema(filter)));
    } else if (key != NULL) {
        size_t n = strlen(json_object_get_string(key));
        bool elements = n > 2 && json_object_get_string(key)[n - 1] == ']' &&
                        json_object_get_string(key)[n - 2] == '[';
        snprintf(field, sizeof field, "%s%s%s.", around, json_object_get_string(key),
                 elements ? "" : "[]");
        find_fields(inner, field, fields);
        return;
    }
    json_object_object_foreach(filter, name, value)
    {
        (void)name;
        find_fields(value, around, fields);
    }
}

static void make_indexes(struct duet *db, struct json_object *fields,
                         struct test_random *r)
{
    size_t n = 0;
    json_object_object_foreach(fields, field, value)
    {
        size_t i = test_random_below(r, 3) > 0
                       ? (size_t)json_object_get_int(value)
                       : test_random_below(r, sizeof schemas / sizeof schemas[0]);
        if (n < LIMIT_INDEXES_MAX && test_random_below(r, 8) > 0) {
            assert_ok(duet_index_create(db, "c", field, schemas[i]));
            n++;
        }
    }
}

/* ---- Asking ---- */

static void check_slots(struct txn *txn, const struct record_collection *c,
                        const struct filter *filter, size_t n_wanted[2])
{
    struct allowed allowed = {{NULL}};
    assert_ok(allowed_find(&allowed, txn, c, filter, 3));
    for (size_t i = 0; i < 2; i++) {
        struct record_space state;
        assert_ok(collection_space_get(txn, c->number, c->spaces[i].number, &state));
        assert_int_equal(bitmap_count(allowed.slots[i], state.next_slot), n_wanted[i]);
    }
    allowed_release(&allowed);
}

static void check_found(struct txn *txn, const struct record_collection *c,
                        const struct filter *filter, struct json_object *golden)
{
    struct matches m;
    struct duet_id last = {0};
    size_t n = 0, n_counted, n_slots[2] = {0};
    struct json_object *ids = json_get(golden, "ids");
    assert_ok(matches_open(&m, txn, c, filter, NULL));
    n_indexed += m.plan.indexed ? 1 : 0;
    n_exact += m.plan.indexed && m.plan.exact ? 1 : 0;
    for (assert_ok(matches_next(&m)); m.found; assert_ok(matches_next(&m))) {
        char text[DUET_ID_TEXT_MAX];
        duet_id_format(m.id, text);
        if (!golden_lists(ids, text)) {
            print_error("%s\n  should not match %s\n",
                        json_text(json_get(golden, "filter")), text);
            fail();
        }
        assert_true(n == 0 || duet_id_compare(last, m.id) < 0);
        last = m.id;
        n++;
        for (size_t i = 0; i < 2; i++) {
            uint32_t slot = record_point_slot(&m.record, c->spaces[i].number);
            n_slots[i] += slot == RECORD_NO_SLOT ? 0 : 1;
        }
    }
    matches_close(&m);
    if (n != json_object_array_length(ids)) {
        print_error("%s\n  finds %zu\n", json_text(golden), n);
        fail();
    }
    n_matches += n;
    assert_ok(matches_open(&m, txn, c, filter, NULL));
    assert_ok(matches_count(&m, &n_counted));
    matches_close(&m);
    assert_int_equal(n_counted, n);
    check_slots(txn, c, filter, n_slots);
}

static void check_cases(struct duet *db, struct json_object *cases)
{
    struct txn txn;
    struct record_collection c;
    assert_ok(store_read(db->store, &txn));
    assert_ok(collection_get(&txn, "c", &c));
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *golden = json_object_array_get_idx(cases, i);
        struct filter *filter;
        assert_ok(filter_parse(&filter, json_text(json_get(golden, "filter"))));
        check_found(&txn, &c, filter, golden);
        filter_free(filter);
        n_cases++;
    }
    store_end(&txn);
}

/* Indexes come before points, between changes of them, or last; points are written,
 * changed to others' payloads and back. */
static void check_round(struct json_object *set, struct json_object *fields,
                        struct test_random *r)
{
    struct test_db t;
    struct duet_space spaces[] = {{"u", DIM, DUET_COSINE, DUET_FLOAT32},
                                  {"v", DIM, DUET_COSINE, DUET_FLOAT32}};
    struct json_object *points = json_get(set, "points");
    size_t when = test_random_below(r, 3);
    test_db_make(&t);
    assert_ok(duet_collection_create(t.db, "c", spaces, 2));
    if (when == 0) {
        make_indexes(t.db, fields, r);
    }
    write_points(t.db, points, true);
    if (when == 1) {
        make_indexes(t.db, fields, r);
    }
    write_points(t.db, points, false);
    if (when == 2) {
        make_indexes(t.db, fields, r);
    }
    check_cases(t.db, json_get(set, "cases"));
    test_check_sound(t.db);
    test_db_remove(&t);
}

static void check_line(const char *line, size_t n, struct test_random *r)
{
    struct json_object *set;
    assert_ok(json_parse(&set, line, n));
    struct json_object *cases = json_get(set, "cases");
    struct json_object *fields = json_object_new_object();
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *golden = json_object_array_get_idx(cases, i);
        find_fields(json_get(golden, "filter"), "", fields);
    }
    check_round(set, fields, r);
    json_object_put(fields);
    json_object_put(set);
}

static void test_indexes_change_no_answer(void **state)
{
    (void)state;
    struct file_map map;
    struct test_random r = test_random_seeded("index sets");
    assert_ok(file_map_open(&map, GOLDEN_FILTERS, 1 << 24));
    for (int round = 0; round < ROUNDS; round++) {
        const char *line = (const char *)map.data, *end = line + map.size;
        while (line < end) {
            const char *newline = memchr(line, '\n', (size_t)(end - line));
            assert_non_null(newline);
            check_line(line, (size_t)(newline - line), &r);
            line = newline + 1;
        }
    }
    file_map_close(&map);
    print_message("%zu filters, %zu by an index, %zu of them exactly\n", n_cases,
                  n_indexed, n_exact);
    assert_true(n_cases >= 2000 * ROUNDS && n_matches >= n_cases);
    assert_true(n_indexed >= n_cases / 8 && n_exact >= n_cases / 10);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indexes_change_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
