/*
 * payload_terms_test.c - db/payload_terms.h: bytes sort as values do and become them
 * again, and a payload has the values that a condition would be asked of.
 */
#include "tests/db/db_test.h"

#include "db/payload_schema.h"
#include "db/payload_terms.h"

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int compare_terms(const struct term *a, const struct term *b)
{
    int order = memcmp(a->data, b->data, a->n < b->n ? a->n : b->n);
    return order != 0 ? sign(order) : (a->n > b->n) - (a->n < b->n);
}

static struct bytes bytes_of(const struct term *t)
{
    return (struct bytes){t->data, t->n};
}

/* ---- Numbers ---- */

static struct json_number whole(int64_t i)
{
    return i < 0 ? (struct json_number){.below = i}
                 : (struct json_number){.whole = (uint64_t)i};
}

static struct json_number real(double d)
{
    return (struct json_number){.is_real = true, .real = d};
}

static struct json_number random_number(struct test_random *r)
{
    static const double reals[] = {0,      -0.0,     0.5,       -0.5,    1e300,
                                   -1e300, 0x1p53,   0x1p63,    -0x1p63, 0x1p64,
                                   1e19,   INFINITY, -INFINITY, 5e-324};
    uint64_t bits = test_random_next(r);
    switch (test_random_below(r, 6)) {
    case 0:
        return whole((int64_t)bits);
    case 1:
        return (struct json_number){.whole = UINT64_MAX - test_random_below(r, 5000)};
    case 2:
        return whole((int64_t)(bits >> test_random_below(r, 64)));
    case 3:
        return whole(((int64_t)1 << 53) + (int64_t)test_random_below(r, 9) - 4);
    case 4:
        return real(reals[test_random_below(r, sizeof reals / sizeof reals[0])]);
    default:
        return real((double)(int64_t)bits);
    }
}

static void test_numbers_sort_and_come_back(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("numbers");
    for (int i = 0; i < 200000; i++) {
        struct json_number a = random_number(&r), b = random_number(&r);
        struct term ta = term_of_number(a), tb = term_of_number(b);
        struct term any_a = term_of_any_number(a), any_b = term_of_any_number(b);
        int order = sign(json_number_compare(a, b));
        assert_int_equal(compare_terms(&any_a, &any_b), order);
        if (order != 0) {
            assert_int_equal(compare_terms(&ta, &tb), order);
        }
        struct json_number back = term_number(bytes_of(&ta));
        assert_int_equal(back.is_real, a.is_real);
        assert_int_equal(json_number_compare(back, a), 0);
    }
}

static void test_times_and_places_sort_and_come_back(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("times");
    for (int i = 0; i < 20000; i++) {
        struct datetime a = {(int64_t)(test_random_next(&r) >> 20) - (1ll << 43),
                             (int32_t)test_random_below(&r, 1000000000)};
        struct datetime b = {a.seconds + (int64_t)test_random_below(&r, 3) - 1,
                             (int32_t)test_random_below(&r, 1000000000)};
        struct term ta = term_of_time(a), tb = term_of_time(b);
        assert_int_equal(compare_terms(&ta, &tb), sign(datetime_compare(a, b)));
        assert_int_equal(datetime_compare(term_time(bytes_of(&ta)), a), 0);
        struct geo_point p = {(double)test_random_below(&r, 36000) / 100 - 180,
                              (double)test_random_below(&r, 80000) / 100 - 400};
        struct term tp = term_of_place(p);
        struct geo_point back = term_place(bytes_of(&tp));
        assert_true(back.lat == p.lat && back.lon == p.lon);
        bool usual = fabs(p.lat) <= 90 && fabs(p.lon) <= 180;
        assert_true(usual || term_cell(p) == UINT64_MAX);
    }
}

/* ---- Strings ---- */

static struct bytes random_string(struct test_random *r, char *room)
{
    size_t n = test_random_below(r, 8);
    n = n == 7 ? TERM_STRING_BYTES - 2 + test_random_below(r, 5) : n;
    bool many = n > 8;
    for (size_t i = 0; i < n; i++) {
        room[i] = many && i + 4 < n ? 'a' : "\0\1\2a"[test_random_below(r, 4)];
    }
    return (struct bytes){room, n};
}

static void test_strings_sort_and_come_back(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("strings");
    for (int i = 0; i < 100000; i++) {
        char room_a[128], room_b[128];
        bool whole_a, whole_b;
        struct bytes a = random_string(&r, room_a), b = random_string(&r, room_b);
        struct term ta = term_of_string(a, &whole_a), tb = term_of_string(b, &whole_b);
        size_t n;
        if (whole_a && whole_b) {
            assert_int_equal(compare_terms(&ta, &tb),
                             sign(payload_key_compare(&a, &b)));
        }
        assert_int_equal(term_string_is_whole(bytes_of(&ta)), whole_a);
        ta.data[ta.n] = 0x77; /* what stands behind it does not matter */
        assert_ok(term_length(
            DUET_INDEX_KEYWORD,
            (struct bytes){ta.data, ta.n < TERM_VALUE_MAX ? ta.n + 1 : ta.n}, &n));
        assert_int_equal(n, ta.n);
        struct buf back;
        buf_init(&back, 4096);
        assert_ok(term_string(bytes_of(&ta), &back));
        assert_int_equal(back.size, whole_a ? a.n : TERM_STRING_BYTES);
        assert_memory_equal(back.data, a.data, back.size);
        buf_release(&back);
    }
}

/* All that begins with `b` has its prefix, as far as it goes. */
static void test_prefixes(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("prefixes");
    for (int i = 0; i < 50000; i++) {
        char room[128];
        bool whole;
        struct bytes a = random_string(&r, room);
        struct bytes b = {a.data, a.n == 0 ? 0 : test_random_below(&r, a.n + 1)};
        struct term ta = term_of_string(a, &whole), tb = term_of_prefix(b, &whole);
        assert_true(tb.n <= ta.n && memcmp(ta.data, tb.data, tb.n) == 0);
    }
}

static void test_damaged_values_are_told(void **state)
{
    (void)state;
    size_t n;
    assert_err(term_length(DUET_INDEX_KEYWORD, (struct bytes){"abc", 3}, &n),
               ERR_CORRUPT);
    assert_err(term_length(DUET_INDEX_TEXT, (struct bytes){"a\0\1", 3}, &n),
               ERR_CORRUPT);
    assert_err(term_length(DUET_INDEX_TEXT, (struct bytes){"a\0\2abc", 6}, &n),
               ERR_CORRUPT);
    assert_err(term_length(DUET_INDEX_INTEGER, (struct bytes){"abc", 3}, &n),
               ERR_CORRUPT);
    assert_err(term_length(DUET_INDEX_BOOL, (struct bytes){"", 0}, &n), ERR_CORRUPT);
}

static void test_uuids(void **state)
{
    (void)state;
    struct term a, b;
    assert_true(
        term_of_uuid((struct bytes){"550e8400-e29b-41d4-a716-446655440000", 36}, &a));
    assert_int_equal(a.data[16], 0);
    assert_true(
        term_of_uuid((struct bytes){"550E8400-E29B-41D4-A716-446655440000", 36}, &b));
    assert_int_equal(b.data[16], 1);
    assert_memory_equal(a.data, b.data, 16);
    assert_false(term_of_uuid((struct bytes){"7", 1}, &a));
    assert_false(term_of_uuid((struct bytes){"red", 3}, &a));
}

/* ---- Of payloads ---- */

static size_t count(const char *schema, const char *field, const char *payload,
                    bool *counts)
{
    struct payload_schema parsed;
    struct payload_index index = {.number = 0};
    struct arena arena = ARENA_EMPTY;
    struct json_object *json;
    struct terms terms;
    assert_ok(payload_schema_parse(&parsed, schema));
    index.kind = parsed.kind;
    index.how = parsed.how;
    payload_schema_release(&parsed);
    assert_ok(payload_path_parse(&index.path, &arena, field));
    assert_ok(json_parse(&json, payload, strlen(payload)));
    terms_init(&terms);
    assert_ok(terms_find(&terms, &index, json));
    size_t n = terms.n;
    *counts = terms.counts;
    for (size_t i = 1; i < n; i++) {
        struct bytes a = terms_get(&terms, i - 1), b = terms_get(&terms, i);
        assert_true(payload_key_compare(&a, &b) < 0);
    }
    terms_release(&terms);
    json_object_put(json);
    arena_release(&arena);
    return n;
}

static void test_values_of_payloads(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *field, *payload;
        size_t n;
        bool counts;
    } cases[] = {
        {"\"keyword\"", "a", "{\"a\":\"x\"}", 1, true},
        {"\"keyword\"", "a", "{\"a\":[\"x\",\"y\",\"x\",1,null,[\"z\"]]}", 2, true},
        {"\"keyword\"", "a", "{\"a\":1}", 0, false},
        {"\"keyword\"", "a", "{\"b\":\"x\"}", 0, false},
        {"\"keyword\"", "a", "{\"a\":[[\"x\"]]}", 0, false},
        {"\"keyword\"", "a[]", "{\"a\":[[\"x\"]]}", 1, true},
        {"\"keyword\"", "a.b[].c", "{\"a\":{\"b\":[{\"c\":\"x\"},{\"c\":[\"y\"]},3]}}",
         2, true},
        {"\"integer\"", "a", "{\"a\":[1,2.5,\"3\"]}", 2, true},
        {"\"integer\"", "a", "{\"a\":2.5}", 1, false}, /* a range asks for it */
        {"\"float\"", "a", "{\"a\":[1,2.5]}", 2, true},
        {"\"bool\"", "a", "{\"a\":[true,false,true,0]}", 2, true},
        {"\"datetime\"", "a", "{\"a\":[\"2024-01-01\",\"2024-01-01T00:00:00Z\",\"x\"]}",
         1, true},
        {"\"datetime\"", "a", "{\"a\":\"x\"}", 0, false},
        {"\"geo\"", "a", "{\"a\":{\"lat\":1,\"lon\":2}}", 1, true},
        {"\"geo\"", "a",
         "{\"a\":[{\"lat\":1,\"lon\":2},{\"lat\":1},{\"lat\":91,\"lon\":0}]}", 2, true},
        {"\"text\"", "a", "{\"a\":[\"Red car\",\"red bus\"]}", 3, true},
        {"\"text\"", "a", "{\"a\":\"!\"}", 0, true},
        {"\"uuid\"", "a", "{\"a\":[\"550e8400-e29b-41d4-a716-446655440000\",\"x\"]}", 1,
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool counts;
        size_t n = count(cases[i].schema, cases[i].field, cases[i].payload, &counts);
        if (n != cases[i].n || counts != cases[i].counts) {
            print_error("%s of %s: %zu, %d\n", cases[i].schema, cases[i].payload, n,
                        counts);
            fail();
        }
    }
}

/* ---- Schemas ---- */

static void test_schemas(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\"keyword\"",
        "{\"type\":\"keyword\",\"is_tenant\":true,\"on_disk\":false,\"prefix\":true}",
        "{\"type\":\"integer\",\"lookup\":false,\"range\":true,\"is_principal\":null}",
        "{\"type\":\"bool\",\"memory\":\"cold\",\"enable_hnsw\":true}",
        "{\"type\":\"text\",\"tokenizer\":\"prefix\",\"min_token_len\":2,"
        "\"max_token_len\":20,\"lowercase\":false,\"phrase_matching\":true,"
        "\"stemmer\":{\"type\":\"none\"},\"ascii_folding\":false,\"stopwords\":null}",
    };
    static const struct {
        const char *text;
        enum err code;
    } bad[] = {
        {"null", ERR_INVALID},
        {"7", ERR_INVALID},
        {"[]", ERR_INVALID},
        {"{}", ERR_INVALID},
        {"\"string\"", ERR_INVALID},
        {"{\"type\":\"keyword\"", ERR_INVALID},
        {"{\"type\":7}", ERR_INVALID},
        {"{\"type\":\"keyword\",\"tokenizer\":\"word\"}", ERR_INVALID},
        {"{\"type\":\"keyword\",\"is_tenant\":1}", ERR_INVALID},
        {"{\"type\":\"integer\",\"lookup\":false,\"range\":false}", ERR_INVALID},
        {"{\"type\":\"text\",\"tokenizer\":\"words\"}", ERR_INVALID},
        {"{\"type\":\"text\",\"min_token_len\":-1}", ERR_INVALID},
        {"{\"type\":\"text\",\"max_token_len\":0}", ERR_INVALID},
        {"{\"type\":\"text\",\"min_token_len\":3,\"max_token_len\":2}", ERR_INVALID},
        {"{\"type\":\"text\",\"stopwords\":\"english\"}", ERR_UNSUPPORTED},
        {"{\"type\":\"text\",\"ascii_folding\":true}", ERR_UNSUPPORTED},
        {"{\"type\":\"text\",\"stemmer\":{\"type\":\"snowball\",\"language\":"
         "\"english\"}}",
         ERR_UNSUPPORTED},
    };
    struct payload_schema schema;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(payload_schema_parse(&schema, good[i]));
        payload_schema_release(&schema);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(payload_schema_parse(&schema, bad[i].text), bad[i].code);
        assert_non_null(strstr(err_detail(), "field_schema"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_sort_and_come_back),
        cmocka_unit_test(test_times_and_places_sort_and_come_back),
        cmocka_unit_test(test_strings_sort_and_come_back),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_damaged_values_are_told),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_values_of_payloads),
        cmocka_unit_test(test_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
