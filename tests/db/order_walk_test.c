/*
 * order_walk_test.c - db/order_walk.h: an order by way of an index is that without one.
 */
#include "tests/db/db_test.h"

enum { POINTS = 400, QUESTIONS = 300 };

/* A value of the kind, as JSON; equal ones are frequent. */
static void draw_number(struct test_random *r, char text[64])
{
    static const char *const texts[] = {"2",
                                        "2.0",
                                        "-1",
                                        "-1.0",
                                        "0",
                                        "9007199254740993",
                                        "2.5",
                                        "18446744073709551615",
                                        "1e300",
                                        "-7",
                                        "9007199254740992.0"};
    snprintf(text, 64, "%s",
             texts[test_random_below(r, sizeof texts / sizeof texts[0])]);
}

static void draw_time(struct test_random *r, char text[64])
{
    static const char *const texts[] = {"\"2024-01-01T00:00:00Z\"",
                                        "\"2024-01-01T00:00:00.0000005Z\"",
                                        "\"2024-01-01T00:00:00.000001Z\"",
                                        "\"1969-12-31T23:59:59.9999995Z\"",
                                        "\"1969-12-31T23:59:59.999999Z\"",
                                        "\"2024-01-01T01:00:00+01:00\"",
                                        "\"1970-01-01\"",
                                        "\"2023-06-05T04:03:02.000000999Z\""};
    snprintf(text, 64, "%s",
             texts[test_random_below(r, sizeof texts / sizeof texts[0])]);
}

typedef void draw_fn(struct test_random *r, char text[64]);

static void put_points(struct duet *db, struct test_random *r, draw_fn *draw)
{
    for (uint64_t id = 1; id <= POINTS; id++) {
        char payload[512];
        size_t n = (size_t)snprintf(payload, sizeof payload, "{\"n\":[null");
        for (size_t i = test_random_below(r, 4); i > 0; i--) {
            char text[64];
            draw(r, text);
            n += (size_t)snprintf(payload + n, sizeof payload - n, ",%s", text);
        }
        snprintf(payload + n, sizeof payload - n, "]}");
        struct duet_point_input point = {
            .id = test_id(id), .payload = payload, .n_payload = strlen(payload)};
        assert_ok(duet_upsert(db, "c", &point, 1));
    }
}

struct question {
    struct duet_ordered what;
    char start[64];
    struct duet_hits hits; /* without an index */
};

static void draw_question(struct question *q, struct test_random *r, draw_fn *draw)
{
    *q = (struct question){.what = {.limit = 1 + test_random_below(r, 40)}};
    if (test_random_below(r, 8) == 0) {
        q->what.limit = 5000;
    }
    q->what.by.key = "n";
    q->what.by.descending = test_random_below(r, 2) == 0;
    if (test_random_below(r, 2) == 0) {
        draw(r, q->start);
        q->what.by.start_from = q->start;
    }
}

static void check_question(struct duet *db, struct question *q)
{
    struct duet_hits hits;
    q->what.by.start_from = q->start[0] == '\0' ? NULL : q->start;
    assert_ok(duet_scroll_ordered(db, "c", &q->what, &hits));
    bool same = hits.n == q->hits.n;
    for (size_t i = 0; same && i < hits.n; i++) {
        const struct duet_hit *a = &hits.hits[i], *b = &q->hits.hits[i];
        same = duet_id_compare(a->id, b->id) == 0;
        if (a->order.kind == b->order.kind) { /* 2 or 2.0, whichever came first */
            same = same && a->order.whole == b->order.whole &&
                   a->order.large == b->order.large && a->order.real == b->order.real;
        }
    }
    if (!same) {
        print_error("%s from %s, limit %zu: %zu, not %zu\n",
                    q->what.by.descending ? "desc" : "asc", q->start, q->what.limit,
                    hits.n, q->hits.n);
        fail();
    }
    duet_hits_release(&hits);
    duet_hits_release(&q->hits);
}

static void check_kind(void **state, const char *schema, draw_fn *draw)
{
    struct test_db *t = *state;
    static struct question questions[QUESTIONS];
    struct test_random r = test_random_seeded(schema);
    put_points(t->db, &r, draw);
    for (size_t i = 0; i < QUESTIONS; i++) {
        draw_question(&questions[i], &r, draw);
        assert_ok(
            duet_scroll_ordered(t->db, "c", &questions[i].what, &questions[i].hits));
    }
    assert_ok(duet_index_create(t->db, "c", "n", schema));
    for (size_t i = 0; i < QUESTIONS; i++) {
        check_question(t->db, &questions[i]);
    }
}

static void test_numbers(void **state)
{
    check_kind(state, "\"float\"", draw_number);
}

static void test_dates(void **state)
{
    check_kind(state, "\"datetime\"", draw_time);
}

/* With an index the values of its kind count, under a filter as well. */
static void test_only_values_of_the_index_s_kind_count(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = {.by = {.key = "n"}, .limit = 10};
    struct duet_hits hits;
    test_c_put(t->db, 1, "{\"n\":[1,\"2024-01-01\"]}");
    assert_ok(duet_index_create(t->db, "c", "n", "\"integer\""));
    for (int i = 0; i < 2; i++) {
        assert_ok(duet_scroll_ordered(t->db, "c", &what, &hits));
        assert_int_equal(hits.n, 1);
        assert_true(hits.hits[0].order.whole == 1);
        duet_hits_release(&hits);
        what.filter = "{\"must\":[]}";
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_c_make, test_c_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_numbers),
        TEST(test_dates),
        TEST(test_only_values_of_the_index_s_kind_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
