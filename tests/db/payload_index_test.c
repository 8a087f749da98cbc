/*
 * payload_index_test.c - making, using and removing payload indexes; random filters on
 * thousands of points as a look at each point answers them; indexes that are made while
 * others write, and that a crash cut short.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/matches.h"
#include "db/payload_terms.h"

/* More points than the planner always takes from an index; under a sanitizer all takes
 * ten times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { N = 2000, FILTERS = 60, FILLINGS = 2 };
#else
enum { N = 4000, FILTERS = 240, FILLINGS = 10 };
#endif

enum { TEXT_MAX = 4096 };

static void make_collection(struct test_db *t)
{
    test_db_make(t);
    test_collection_make(t->db, "c", 2, DUET_COSINE);
}

static void write_payload(struct duet *db, struct duet_id id, const char *payload)
{
    struct duet_point_input point = {
        .id = id, .payload = payload, .n_payload = strlen(payload)};
    assert_ok(duet_upsert(db, "c", &point, 1));
}

static size_t count_where(struct duet *db, const char *filter)
{
    size_t n;
    assert_ok(duet_count_where(db, "c", filter, &n));
    return n;
}

static struct duet_index get_index(struct duet *db, const char *field)
{
    struct duet_indexes list;
    struct duet_index got = {.field = NULL};
    assert_ok(duet_indexes_list(db, "c", &list));
    for (size_t i = 0; i < list.n; i++) {
        if (strcmp(list.items[i].field, field) == 0) {
            got = list.items[i];
            got.field = field;
            got.params = list.items[i].params == NULL ? NULL : "some";
        }
    }
    duet_indexes_release(&list);
    return got;
}

static enum err count_body(struct txn *txn, void *arg)
{
    return store_count(txn, STORE_TERMS, (struct bytes){"", 0}, arg);
}

/* Of all indexes. */
static size_t count_rows(struct duet *db)
{
    size_t n;
    assert_ok(store_update(db->store, count_body, &n));
    return n;
}

/* ---- Definitions ---- */

static void test_indexes_are_made_listed_and_removed(void **state)
{
    (void)state;
    struct test_db t;
    struct duet_indexes list;
    make_collection(&t);
    write_payload(t.db, test_id(1), "{\"a\":\"x\",\"n\":[1,2,2.5]}");
    write_payload(t.db, test_id(2), "{\"a\":[\"x\",\"y\"],\"n\":2.5}");
    assert_ok(duet_index_create(t.db, "c", "a", "\"keyword\""));
    assert_ok(duet_index_create(
        t.db, "c", "n", "{\"type\":\"integer\",\"lookup\":true,\"range\":true}"));
    assert_ok(duet_index_create(t.db, "c", "a", "\"keyword\"")); /* there already */
    assert_int_equal(count_rows(t.db), 3 + 4);
    assert_ok(duet_indexes_list(t.db, "c", &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].field, "a");
    assert_int_equal(list.items[0].kind, DUET_INDEX_KEYWORD);
    assert_int_equal(list.items[0].n_points, 2);
    assert_true(list.items[0].ready && list.items[1].ready);
    assert_null(list.items[0].params);
    assert_non_null(strstr(list.items[1].params, "lookup"));
    assert_int_equal(list.items[1].n_points, 1); /* 2.5 is no integer */
    duet_indexes_release(&list);
    test_db_reopen(&t);
    assert_int_equal(get_index(t.db, "a").n_points, 2);
    assert_ok(duet_index_remove(t.db, "c", "a"));
    assert_ok(duet_index_remove(t.db, "c", "a"));
    assert_null(get_index(t.db, "a").field);
    assert_ok(duet_seal(t.db, "c"));
    assert_int_equal(count_rows(t.db), 4);
    test_check_sound(t.db);
    test_db_remove(&t);
}

static void test_another_index_on_the_field_replaces_it(void **state)
{
    (void)state;
    struct test_db t;
    make_collection(&t);
    write_payload(t.db, test_id(1), "{\"a\":\"Red car\"}");
    assert_ok(duet_index_create(t.db, "c", "a", "\"keyword\""));
    assert_ok(duet_index_create(t.db, "c", "\"a\"", "\"text\""));
    assert_null(get_index(t.db, "a").field);
    assert_int_equal(get_index(t.db, "\"a\"").kind, DUET_INDEX_TEXT);
    assert_ok(duet_seal(t.db, "c"));
    assert_int_equal(count_rows(t.db), 2);
    test_check_sound(t.db);
    assert_ok(duet_collection_drop(t.db, "c"));
    test_collection_make(t.db, "d", 2, DUET_COSINE);
    assert_ok(duet_seal(t.db, "d"));
    assert_int_equal(count_rows(t.db), 0);
    test_check_sound(t.db);
    test_db_remove(&t);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct test_db t;
    char field[16];
    make_collection(&t);
    assert_err(duet_index_create(t.db, "d", "a", "\"keyword\""), ERR_NOT_FOUND);
    assert_err(duet_index_create(t.db, "c", "", "\"keyword\""), ERR_INVALID);
    assert_err(duet_index_create(t.db, "c", "a[", "\"keyword\""), ERR_INVALID);
    assert_err(duet_index_create(t.db, "c", "a", "\"nothing\""), ERR_INVALID);
    assert_err(duet_index_create(t.db, "c", "a", "{"), ERR_INVALID);
    assert_err(duet_index_remove(t.db, "d", "a"), ERR_NOT_FOUND);
    assert_err(duet_index_remove(t.db, "c", "a["), ERR_INVALID);
    struct duet_indexes list;
    assert_err(duet_indexes_list(t.db, "d", &list), ERR_NOT_FOUND);
    for (int i = 0; i < LIMIT_INDEXES_MAX; i++) {
        snprintf(field, sizeof field, "f%d", i);
        assert_ok(duet_index_create(t.db, "c", field, "\"bool\""));
    }
    assert_err(duet_index_create(t.db, "c", "one_more", "\"bool\""), ERR_LIMIT);
    assert_ok(duet_index_create(t.db, "c", "f3", "\"text\""));
    duet_close(t.db);
    struct duet_options o = {.path = t.folder};
    assert_ok(duet_open(&t.db, &o));
    assert_err(duet_index_create(t.db, "c", "a", "\"keyword\""), ERR_INVALID);
    assert_err(duet_index_remove(t.db, "c", "f3"), ERR_INVALID);
    test_db_remove(&t);
}

/* ---- Texts ---- */

static size_t count_text(struct duet *db, const char *kind, const char *text)
{
    char filter[256];
    snprintf(filter, sizeof filter,
             "{\"must\":{\"key\":\"t\",\"match\":{\"%s\":\"%s\"}}}", kind, text);
    return count_where(db, filter);
}

static void test_the_tokenizer_of_an_index_says_what_a_word_is(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *kind, *text;
        size_t n;
    } cases[] = {
        {NULL, "text", "海滩", 0}, /* one word, 狗在海滩 */
        {NULL, "text", "red", 1},
        {"\"text\"", "text", "海滩", 2},
        {"\"text\"", "text", "海", 3},
        {"\"text\"", "text", "滩海", 0},
        {"\"text\"", "text", "狗 海滩", 1},
        {"\"text\"", "phrase", "在海滩", 1},
        {"\"text\"", "text_any", "海滩 red", 3},
        {"\"text\"", "text", "うみ", 1},
        {"\"text\"", "text", "RED", 1},
        {"\"text\"", "text", "re", 0},
        {"{\"type\":\"text\",\"tokenizer\":\"word\"}", "text", "海滩", 0},
        {"{\"type\":\"text\",\"tokenizer\":\"word\"}", "text", "狗在海滩", 1},
        {"{\"type\":\"text\",\"tokenizer\":\"whitespace\"}", "text", "red,", 1},
        {"{\"type\":\"text\",\"tokenizer\":\"whitespace\"}", "text", "red", 0},
        {"{\"type\":\"text\",\"tokenizer\":\"prefix\"}", "text", "re ca", 1},
        {"{\"type\":\"text\",\"tokenizer\":\"prefix\"}", "text", "ed", 0},
        {"{\"type\":\"text\",\"tokenizer\":\"prefix\",\"max_token_len\":2}", "text",
         "rexx", 1},
        {"{\"type\":\"text\",\"lowercase\":false}", "text", "red", 0},
        {"{\"type\":\"text\",\"lowercase\":false}", "text", "Red", 1},
        {"{\"type\":\"text\",\"min_token_len\":4}", "text", "red", 0},
        {"{\"type\":\"text\",\"min_token_len\":2}", "text", "a red", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_db t;
        make_collection(&t);
        write_payload(t.db, test_id(1), "{\"t\":\"狗在海滩\"}");
        write_payload(t.db, test_id(2), "{\"t\":[\"Red, cars\",\"うみ\"]}");
        write_payload(t.db, test_id(3), "{\"t\":\"海滩上\"}");
        write_payload(t.db, test_id(4), "{\"t\":\"海 滩\"}");
        if (cases[i].schema != NULL) {
            assert_ok(duet_index_create(t.db, "c", "t", cases[i].schema));
        }
        size_t n = count_text(t.db, cases[i].kind, cases[i].text);
        if (n != cases[i].n) {
            print_error("%s %s %s: %zu\n", cases[i].schema, cases[i].kind,
                        cases[i].text, n);
            fail();
        }
        test_check_sound(t.db);
        test_db_remove(&t);
    }
}

/* Also where the filter is asked of one point at a time: removals, conditional updates. */
static void test_writes_know_the_words_as_well(void **state)
{
    (void)state;
    struct test_db t;
    make_collection(&t);
    const char *filter = "{\"must\":{\"key\":\"t\",\"match\":{\"text\":\"海滩\"}}}";
    write_payload(t.db, test_id(1), "{\"t\":\"狗在海滩\"}");
    write_payload(t.db, test_id(2), "{\"t\":\"海 滩\"}");
    assert_ok(duet_index_create(t.db, "c", "t", "\"text\""));
    for (uint64_t i = 1; i <= 2; i++) {
        struct duet_point_input point = {.id = test_id(i),
                                         .payload = "{\"t\":\"海滩\",\"new\":true}"};
        point.n_payload = strlen(point.payload);
        struct duet_operation o = {.kind = DUET_OP_UPSERT,
                                   .points = &point,
                                   .n_points = 1,
                                   .update_filter = filter};
        assert_ok(duet_apply(t.db, "c", &o, 1));
    }
    assert_int_equal(
        count_where(t.db, "{\"must\":{\"key\":\"new\",\"match\":{\"value\":true}}}"),
        1);
    size_t n;
    assert_ok(duet_remove_where(t.db, "c", filter, &n));
    assert_int_equal(n, 1);
    test_check_sound(t.db);
    test_db_remove(&t);
}

/* ---- Random filters on many points ---- */

struct text {
    char bytes[TEXT_MAX];
    size_t n;
};

static void add(struct text *t, const char *fmt, ...) ERR_PRINTF(2, 3);

static void add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(t->bytes + t->n, sizeof t->bytes - t->n, fmt, args);
    va_end(args);
    assert_true(n >= 0 && t->n + (size_t)n < sizeof t->bytes);
    t->n += (size_t)n;
}

/* A number below `n`, small ones far more often. */
static size_t skewed(struct test_random *r, size_t n)
{
    return test_random_below(r, 1 + test_random_below(r, 1 + test_random_below(r, n)));
}

static const char *random_word(struct test_random *r)
{
    static const char *const words[] = {"red", "blue", "fast", "car", "海滩", "dog",
                                        "sun", "sea",  "Été",  "狗",  "boat", "tree"};
    return words[skewed(r, sizeof words / sizeof words[0])];
}

static void add_place(struct text *t, struct test_random *r)
{
    add(t, "{\"lat\":%.3f,\"lon\":%.3f}",
        (double)test_random_below(r, 180000) / 1000 - 90,
        (double)test_random_below(r, 360000) / 1000 - 180);
}

static void add_uuid(struct text *t, struct test_random *r)
{
    const char *upper = test_random_below(r, 4) == 0 ? "A" : "a";
    add(t, "\"%s50e8400-e29b-41d4-a716-4466554400%02zu\"", upper, skewed(r, 60));
}

static void add_time(struct text *t, struct test_random *r)
{
    add(t, "\"2024-%02zu-%02zuT%02zu:00:00Z\"", 1 + test_random_below(r, 12),
        1 + test_random_below(r, 28), test_random_below(r, 24));
}

/* Mostly of the kind that the field's index has; sometimes others. */
static void add_value(struct text *t, struct test_random *r, char field)
{
    static const char *const others[] = {"null",  "{}", "[]",  "[[1]]",
                                         "\"x\"", "7",  "2.5", "true"};
    if (test_random_below(r, 12) == 0) {
        add(t, "%s", others[test_random_below(r, 8)]);
        return;
    }
    switch (field) {
    case 'k':
        add(t, "\"%s\"", random_word(r));
        break;
    case 'i':
        add(t, "%zu", skewed(r, 3000));
        break;
    case 'f':
        add(t, "%.2f", (double)test_random_below(r, 10000) / 100);
        break;
    case 'b':
        add(t, "%s", test_random_below(r, 5) == 0 ? "true" : "false");
        break;
    case 'd':
        add_time(t, r);
        break;
    case 'u':
        add_uuid(t, r);
        break;
    case 'g':
        add_place(t, r);
        break;
    default:
        add(t, "\"%s %s %s\"", random_word(r), random_word(r), random_word(r));
        break;
    }
}

static const char fields[] = "kifbdugt";

static void add_payload(struct text *t, struct test_random *r)
{
    const char *comma = "";
    add(t, "{");
    for (const char *field = fields; *field != '\0'; field++) {
        size_t how = test_random_below(r, 10);
        if (how == 0) {
            continue;
        }
        add(t, "%s\"%c\":", comma, *field);
        comma = ",";
        if (how > 2) {
            add_value(t, r, *field);
            continue;
        }
        add(t, "[");
        add_value(t, r, *field);
        add(t, ",");
        add_value(t, r, *field);
        add(t, "]");
    }
    add(t, "%s\"l\":[{\"k\":\"%s\",\"i\":%zu},{\"k\":\"%s\",\"i\":%zu}]}", comma,
        random_word(r), skewed(r, 50), random_word(r), skewed(r, 50));
}

static void add_range(struct text *t, struct test_random *r, char field)
{
    static const char *const low[] = {"gt", "gte"}, *const high[] = {"lt", "lte"};
    size_t which = test_random_below(r, 3);
    add(t, "\"range\":{");
    if (which != 1) {
        add(t, "\"%s\":", low[test_random_below(r, 2)]);
        field == 'd' ? add_time(t, r) : add(t, "%.1f", (double)skewed(r, 3000) / 2);
    }
    if (which != 0) {
        add(t, "%s\"%s\":", which == 2 ? "," : "", high[test_random_below(r, 2)]);
        field == 'd' ? add_time(t, r) : add(t, "%zu", skewed(r, 3000));
    }
    add(t, "}");
}

static void add_area(struct text *t, struct test_random *r)
{
    switch (test_random_below(r, 3)) {
    case 0:
        add(t, "\"geo_bounding_box\":{\"top_left\":");
        add_place(t, r);
        add(t, ",\"bottom_right\":");
        add_place(t, r);
        add(t, "}");
        return;
    case 1:
        add(t, "\"geo_radius\":{\"center\":");
        add_place(t, r);
        add(t, ",\"radius\":%zu}", skewed(r, 20000) * 1000);
        return;
    default: {
        double lat = (double)test_random_below(r, 160) - 80;
        double lon = (double)test_random_below(r, 340) - 170;
        double size = 1 + (double)test_random_below(r, 9);
        add(t,
            "\"geo_polygon\":{\"exterior\":{\"points\":[{\"lat\":%f,\"lon\":%f},{"
            "\"lat\":"
            "%f,\"lon\":%f},{\"lat\":%f,\"lon\":%f},{\"lat\":%f,\"lon\":%f}]}}",
            lat, lon, lat + size, lon, lat, lon + size, lat, lon);
        return;
    }
    }
}

static void add_match(struct text *t, struct test_random *r, char field)
{
    static const char *const texts[] = {"text", "text_any", "phrase"};
    add(t, "\"match\":{");
    if (field == 't') {
        add(t, "\"%s\":\"%s %s\"", texts[test_random_below(r, 3)], random_word(r),
            test_random_below(r, 2) == 0 ? "" : random_word(r));
    } else if (field == 'k' && test_random_below(r, 4) == 0) {
        add(t, "\"prefix\":\"%.*s\"", (int)test_random_below(r, 3), "red");
    } else if (field == 'k' && test_random_below(r, 3) == 0) {
        add(t, "\"%s\":[\"%s\",\"%s\"]",
            test_random_below(r, 3) == 0 ? "except" : "any", random_word(r),
            random_word(r));
    } else if (field == 'u') {
        add(t, "\"value\":");
        add_uuid(t, r);
    } else if (field == 'b') {
        add(t, "\"value\":%s", test_random_below(r, 2) == 0 ? "true" : "false");
    } else if (field == 'k') {
        add(t, "\"value\":\"%s\"", random_word(r));
    } else {
        add(t, "\"any\":[%zu,%zu,%zu]", skewed(r, 3000), skewed(r, 30), skewed(r, 9));
    }
    add(t, "}");
}

static void add_filter(struct text *t, struct test_random *r, size_t depth);

static void add_condition(struct text *t, struct test_random *r, size_t depth)
{
    size_t which = test_random_below(r, 20);
    char field = fields[test_random_below(r, sizeof fields - 1)];
    if (which == 0) {
        add(t, "{\"has_id\":[%zu,%zu,%zu,%d]}", test_random_below(r, N),
            test_random_below(r, N), test_random_below(r, N), 10 * N);
    } else if (which == 1) {
        add(t, "{\"is_empty\":{\"key\":\"%c\"}}", field);
    } else if (which == 2) {
        add(t, "{\"key\":\"%c\",\"values_count\":{\"gt\":%zu}}", field,
            test_random_below(r, 2));
    } else if (which == 3) {
        add(t,
            "{\"nested\":{\"key\":\"l\",\"filter\":{\"must\":[{\"key\":\"k\",\"match\":"
            "{"
            "\"value\":\"%s\"}}],\"%s\":[{\"key\":\"i\",\"range\":{\"lt\":%zu}}]}}}",
            random_word(r), test_random_below(r, 2) == 0 ? "must_not" : "should",
            skewed(r, 50));
    } else if (which <= 6 && depth < 3) {
        add_filter(t, r, depth + 1);
    } else {
        add(t, "{\"key\":\"%c\",", field);
        if (field == 'g') {
            add_area(t, r);
        } else if (field == 'd' || field == 'f' ||
                   (field == 'i' && test_random_below(r, 2) == 0)) {
            add_range(t, r, field);
        } else {
            add_match(t, r, field);
        }
        add(t, "}");
    }
}

static void add_list(struct text *t, struct test_random *r, size_t depth,
                     const char *name, size_t n)
{
    add(t, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        add(t, "%s", i == 0 ? "" : ",");
        add_condition(t, r, depth);
    }
    add(t, "]");
}

static void add_filter(struct text *t, struct test_random *r, size_t depth)
{
    add(t, "{");
    add_list(t, r, depth, "must", test_random_below(r, 4));
    add(t, ",");
    add_list(t, r, depth, "should", test_random_below(r, 3));
    add(t, ",");
    add_list(t, r, depth, "must_not", test_random_below(r, 3) / 2);
    if (test_random_below(r, 8) == 0) {
        add(t, ",\"min_should\":{\"min_count\":%zu,", 1 + test_random_below(r, 2));
        add_list(t, r, depth, "conditions", 1 + test_random_below(r, 3));
        add(t, "}");
    }
    add(t, "}");
}

static void write_random_points(struct duet *db, struct test_random *r, size_t n)
{
    static struct text texts[500];
    struct duet_point_input inputs[500];
    for (size_t at = 0; at < n; at += 500) {
        for (size_t i = 0; i < 500; i++) {
            struct duet_id id = test_id(test_random_below(r, N));
            if (id.number % 7 == 0) {
                id = (struct duet_id){
                    .is_uuid = true,
                    .uuid = {1, (uint8_t)(id.number >> 8), (uint8_t)id.number}};
            }
            texts[i].n = 0;
            add_payload(&texts[i], r);
            inputs[i] = (struct duet_point_input){
                .id = id, .payload = texts[i].bytes, .n_payload = texts[i].n};
        }
        assert_ok(duet_upsert(db, "c", inputs, 500));
    }
}

static void make_random_indexes(struct duet *db, struct test_random *r)
{
    static const char *const schemas[] = {"\"keyword\"", "\"integer\"",  "\"float\"",
                                          "\"bool\"",    "\"datetime\"", "\"uuid\"",
                                          "\"geo\"",     "\"text\""};
    for (size_t i = 0; i < sizeof fields - 1; i++) {
        char field[2] = {fields[i]};
        const char *schema =
            schemas[test_random_below(r, 8) == 0 ? test_random_below(r, 8) : i];
        if (test_random_below(r, 6) > 0) {
            assert_ok(duet_index_create(db, "c", field, schema));
        }
    }
    assert_ok(duet_index_create(db, "c", "l[].k", "\"keyword\""));
    assert_ok(duet_index_create(db, "c", "l[].i", "\"integer\""));
}

struct asked {
    struct txn txn;
    struct record_collection c;
    size_t n_indexed, n_exact, n_scanned, n_found;
};

/* Every point is looked at, in the words that the definitions give. */
static void scan(struct asked *a, const struct filter *filter, struct id_set *out)
{
    struct payload_indexes indexes;
    struct filter_words words;
    struct matches all;
    assert_ok(payload_indexes_load(&indexes, &a->txn, a->c.number));
    assert_ok(filter_words_bind(&words, filter, &indexes));
    assert_ok(matches_open(&all, &a->txn, &a->c, NULL, NULL));
    for (assert_ok(matches_next(&all)); all.found; assert_ok(matches_next(&all))) {
        struct filter_point point = {all.id, &a->c, &all.record, &words};
        bool passes;
        assert_ok(filter_matches(filter, &point, &passes));
        if (passes) {
            assert_ok(id_set_add(out, all.id));
        }
    }
    matches_close(&all);
    filter_words_release(&words);
    payload_indexes_release(&indexes);
}

static void check_from(struct asked *a, const struct filter *filter, const char *text,
                       const struct id_set *wanted, size_t from, size_t n_wanted)
{
    struct matches m;
    struct duet_id start = {0};
    size_t n = id_set_size(wanted);
    if (from < n) {
        start = id_set_get(wanted, from);
    }
    assert_ok(matches_open_some(&m, &a->txn, &a->c, filter, from == 0 ? NULL : &start,
                                n_wanted));
    a->n_indexed += m.plan.indexed ? 1 : 0;
    a->n_exact += m.plan.indexed && m.plan.exact ? 1 : 0;
    a->n_scanned += m.plan.indexed ? 0 : 1;
    for (size_t i = from; i < n && i - from < n_wanted; i++) {
        assert_ok(matches_next(&m));
        if (!m.found || duet_id_compare(m.id, id_set_get(wanted, i)) != 0) {
            print_error("%s\n  match %zu of %zu is wrong\n", text, i, n);
            fail();
        }
    }
    if (n_wanted > n) {
        assert_ok(matches_next(&m));
        if (m.found) {
            print_error("%s\n  has more than %zu matches\n", text, n);
            fail();
        }
    }
    matches_close(&m);
}

static void check_filter(struct asked *a, const char *text, struct test_random *r)
{
    struct filter *filter;
    struct id_set wanted = ID_SET_EMPTY;
    struct matches m;
    size_t n_counted;
    assert_ok(filter_parse(&filter, text));
    scan(a, filter, &wanted);
    size_t n = id_set_size(&wanted);
    a->n_found += n;
    check_from(a, filter, text, &wanted, 0, FILTER_PLAN_ALL);
    check_from(a, filter, text, &wanted, 0, 1 + test_random_below(r, 20));
    check_from(a, filter, text, &wanted, n == 0 ? 0 : test_random_below(r, n),
               1 + test_random_below(r, 20));
    assert_ok(matches_open(&m, &a->txn, &a->c, filter, NULL));
    assert_ok(matches_count(&m, &n_counted));
    matches_close(&m);
    assert_int_equal(n_counted, n);
    id_set_release(&wanted);
    filter_free(filter);
}

static void test_random_filters_find_what_a_scan_finds(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("filters");
    struct test_db t;
    struct asked a = {.n_found = 0};
    make_collection(&t);
    write_random_points(t.db, &r, N);
    for (int round = 0; round < 3; round++) {
        make_random_indexes(t.db, &r);
        write_random_points(t.db, &r, N / 2);
        assert_ok(duet_remove_where(
            t.db, "c", "{\"must\":{\"key\":\"i\",\"range\":{\"lt\":3}}}", NULL));
        test_check_sound(t.db);
        assert_ok(store_read(t.db->store, &a.txn));
        assert_ok(collection_get(&a.txn, "c", &a.c));
        for (int i = 0; i < FILTERS / 3; i++) {
            struct text text = {.n = 0};
            add_filter(&text, &r, 0);
            check_filter(&a, text.bytes, &r);
        }
        store_end(&a.txn);
    }
    print_message("%zu by an index, %zu of them exactly, %zu by a scan, %zu found\n",
                  a.n_indexed, a.n_exact, a.n_scanned, a.n_found);
    assert_true(a.n_indexed > FILTERS / 2 && a.n_exact > FILTERS / 8 &&
                a.n_scanned > FILTERS / 8 && a.n_found > FILTERS);
    test_db_remove(&t);
}

/* ---- Rows in order ---- */

static void check_walk(struct asked *a, const struct payload_index *ix, bool descending,
                       struct bytes from)
{
    const struct index_walk_options o = {descending, from};
    struct index_walk walk;
    struct index_value before = {.kind = DUET_INDEX_INTEGER};
    struct duet_id before_id = {0};
    size_t n = 0;
    assert_ok(index_walk_open(&walk, &a->txn, a->c.number, ix, &o));
    for (assert_ok(index_walk_next(&walk)); walk.found;
         assert_ok(index_walk_next(&walk))) {
        struct index_value value = index_value_of(ix->kind, walk.value);
        int order = json_number_compare(before.number, value.number);
        int order_id = duet_id_compare(before_id, walk.id);
        if (n++ > 0) {
            assert_true(descending ? order >= 0 : order <= 0);
            assert_true(order != 0 || (descending ? order_id > 0 : order_id < 0));
        }
        if (from.n > 0) {
            int side = json_number_compare(value.number, term_number(from));
            assert_true(descending ? side <= 0 : side >= 0);
        }
        before = value;
        before_id = walk.id;
    }
    index_walk_close(&walk);
    assert_int_equal(n, from.n == 0 ? 300 : descending ? 204 : 99);
}

static void test_rows_come_in_the_order_of_values(void **state)
{
    (void)state;
    struct test_db t;
    struct asked a = {.n_found = 0};
    struct payload_indexes indexes;
    make_collection(&t);
    assert_ok(duet_index_create(t.db, "c", "a", "\"integer\""));
    assert_ok(duet_index_create(t.db, "c", "b", "\"integer\"")); /* neighbours */
    for (uint64_t i = 0; i < 300; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"a\":%d,\"b\":7}",
                 (int)(i * 7 % 100) - 50);
        write_payload(t.db, test_id(i), payload);
    }
    assert_ok(store_read(t.db->store, &a.txn));
    assert_ok(collection_get(&a.txn, "c", &a.c));
    assert_ok(payload_indexes_load(&indexes, &a.txn, a.c.number));
    const struct payload_index *ix = &indexes.items[0];
    struct term from = term_of_number((struct json_number){.whole = 17});
    struct bytes bytes = {from.data, from.n};
    check_walk(&a, ix, false, (struct bytes){NULL, 0});
    check_walk(&a, ix, true, (struct bytes){NULL, 0});
    check_walk(&a, ix, true, bytes);
    check_walk(&a, ix, false, bytes);
    payload_indexes_release(&indexes);
    store_end(&a.txn);
    test_db_remove(&t);
}

/* ---- Made while others write, and cut short ---- */

struct writer {
    struct duet *db;
    atomic_bool stop;
    atomic_size_t n_written;
    uint64_t seed;
};

static void *write_until_stopped(void *arg)
{
    struct writer *w = arg;
    struct test_random r = {w->seed};
    while (!atomic_load(&w->stop)) {
        struct text text = {.n = 0};
        struct duet_id id = test_id(test_random_below(&r, 40000));
        add_payload(&text, &r);
        struct duet_point_input point = {
            .id = id, .payload = text.bytes, .n_payload = text.n};
        enum err result = test_random_below(&r, 4) == 0
                              ? duet_remove(w->db, "c", &id, 1, NULL)
                              : duet_upsert(w->db, "c", &point, 1);
        if (result != ERR_OK) {
            break;
        }
        atomic_fetch_add(&w->n_written, 1);
    }
    return NULL;
}

static void *make_index(void *arg)
{
    return duet_index_create(arg, "c", "k", "\"keyword\"") == ERR_OK ? arg : NULL;
}

static void *make_another(void *arg)
{
    return duet_index_create(arg, "c", "t", "\"text\"") == ERR_OK ? arg : NULL;
}

static void test_an_index_is_made_while_others_write(void **state)
{
    (void)state;
    struct test_db t;
    struct test_random r = test_random_seeded("writers");
    pthread_t threads[5];
    struct writer writers[3];
    void *made;
    make_collection(&t);
    for (int i = 0; i < FILLINGS; i++) {
        write_random_points(t.db, &r, N / 2);
    }
    for (size_t i = 0; i < 3; i++) {
        writers[i] = (struct writer){.db = t.db, .seed = test_random_next(&r) | 1};
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_until_stopped, &writers[i]), 0);
    }
    assert_int_equal(pthread_create(&threads[3], NULL, make_index, t.db), 0);
    assert_int_equal(pthread_create(&threads[4], NULL, make_another, t.db), 0);
    for (size_t i = 3; i < 5; i++) {
        assert_int_equal(pthread_join(threads[i], &made), 0);
        assert_non_null(made);
    }
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&writers[i].stop, true);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(atomic_load(&writers[i].n_written) > 0);
    }
    assert_true(get_index(t.db, "k").ready && get_index(t.db, "t").ready);
    test_check_sound(t.db);
    test_db_remove(&t);
}

/* A definition that a build has brought to point 1000, as a crash leaves it. */
static enum err cut_short(struct txn *txn, void *arg)
{
    struct payload_indexes indexes;
    struct record_collection c;
    (void)arg;
    TRY(collection_get(txn, "c", &c));
    TRY(payload_indexes_load(&indexes, txn, c.number));
    struct payload_index *ix = &indexes.items[0];
    ix->ready = false;
    ix->next = test_id(1000);
    ix->n_points = 1000;
    for (uint64_t i = 1000; i < 1500; i++) {
        bool whole;
        struct duet_id id = test_id(i);
        struct term term = term_of_string((struct bytes){"x", 1}, &whole);
        struct index_row row =
            index_row_of(c.number, ix->number, (struct bytes){term.data, term.n}, &id);
        TRY(store_delete(txn, STORE_TERMS, (struct bytes){row.data, row.n}));
    }
    enum err result = payload_index_put(txn, c.number, ix);
    payload_indexes_release(&indexes);
    return result;
}

static void write_same(struct duet *db)
{
    struct duet_point_input points[500];
    for (uint64_t at = 0; at < 1500; at += 500) {
        for (uint64_t i = 0; i < 500; i++) {
            points[i] = (struct duet_point_input){
                .id = test_id(at + i), .payload = "{\"k\":\"x\"}", .n_payload = 9};
        }
        assert_ok(duet_upsert(db, "c", points, 500));
    }
}

static void test_an_index_that_was_cut_short_is_not_used_and_is_finished(void **state)
{
    (void)state;
    static const char filter[] =
        "{\"must\":{\"key\":\"k\",\"match\":{\"value\":\"x\"}}}";
    struct test_db t;
    make_collection(&t);
    write_same(t.db);
    assert_ok(duet_index_create(t.db, "c", "k", "\"keyword\""));
    assert_ok(store_update(t.db->store, cut_short, NULL));
    duet_close(t.db);
    struct duet_options o = {.path = t.folder};
    assert_ok(duet_open(&t.db, &o)); /* a reader cannot finish it */
    assert_false(get_index(t.db, "k").ready);
    assert_int_equal(count_where(t.db, filter), 1500);
    test_check_sound(t.db);
    test_db_reopen(&t);
    assert_ok(duet_seal(t.db, "c"));
    assert_true(get_index(t.db, "k").ready);
    assert_int_equal(get_index(t.db, "k").n_points, 1500);
    assert_int_equal(count_where(t.db, filter), 1500);
    assert_int_equal(count_rows(t.db), 1500);
    test_check_sound(t.db);
    test_db_remove(&t);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indexes_are_made_listed_and_removed),
        cmocka_unit_test(test_another_index_on_the_field_replaces_it),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_the_tokenizer_of_an_index_says_what_a_word_is),
        cmocka_unit_test(test_writes_know_the_words_as_well),
        cmocka_unit_test(test_random_filters_find_what_a_scan_finds),
        cmocka_unit_test(test_rows_come_in_the_order_of_values),
        cmocka_unit_test(test_an_index_is_made_while_others_write),
        cmocka_unit_test(test_an_index_that_was_cut_short_is_not_used_and_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
