/*
 * point_where_test.c - db/point_where.c and db/matches.c: points walked, counted and
 * removed by filter.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

enum { N = 500 };

static const char EVEN[] = "{\"must\":{\"key\":\"even\",\"match\":{\"value\":true}}}";

/* Ids 0 … N - 1, and as many UUIDs behind them, without vectors. */
static struct duet_id id_of(size_t i)
{
    struct duet_id id = {.number = i};
    if (i >= N) {
        id = (struct duet_id){.is_uuid = true};
        id.uuid[0] = (uint8_t)(i >> 8);
        id.uuid[15] = (uint8_t)i;
    }
    return id;
}

static void fill(struct duet *db, size_t n, size_t per_batch)
{
    struct db_write *writes = calloc(per_batch, sizeof *writes);
    for (size_t i = 0; i < n; i++) {
        struct db_write *w = &writes[i % per_batch];
        w->id = n > 2 * N ? test_id(i) : id_of(i);
        w->payload = i % 2 == 0 ? "{\"even\":true}" : "{\"even\":false}";
        w->n_payload = strlen(w->payload);
        if (i % per_batch == per_batch - 1 || i == n - 1) {
            assert_ok(db_write_points(db, "c", writes, i % per_batch + 1));
        }
    }
    free(writes);
}

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_db_make(t);
    test_collection_make(t->db, "c", 2, DUET_COSINE);
    test_collection_make(t->db, "d", 2, DUET_COSINE); /* its rows lie behind c's */
    float v[2] = {1, 0};
    assert_ok(test_upsert(t->db, "d", test_id(3), v, 2, "{\"even\":true}"));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static size_t count(struct duet *db, const char *filter)
{
    size_t n;
    assert_ok(duet_count_where(db, "c", filter, &n));
    return n;
}

static void test_counts(void **state)
{
    struct test_db *t = *state;
    assert_int_equal(count(t->db, EVEN), 0);
    fill(t->db, 2 * N, 2 * N);
    assert_int_equal(count(t->db, EVEN), N);
    assert_int_equal(count(t->db, NULL), 2 * N);
    assert_int_equal(count(t->db, "{}"), 2 * N);
    assert_int_equal(count(t->db, "{\"must\":{\"has_vector\":\"v\"}}"), 0);
    assert_int_equal(count(t->db, "{\"must\":{\"has_id\":[0,1,499,500,7]}}"), 4);
    assert_int_equal(count(t->db, "{\"must\":[{\"has_id\":[0,1,499,500,7]},"
                                  "{\"key\":\"even\",\"match\":{\"value\":true}}]}"),
                     1);
}

/* Pages of `limit` meet each match once, in the order of ids. */
static void check_walk(struct duet *db, const char *filter, size_t limit, size_t n_all)
{
    struct duet_id next;
    const struct duet_id *from = NULL;
    size_t n = 0, n_page = limit;
    while (n_page == limit) {
        struct duet_hits page;
        assert_ok(duet_scroll_where(db, "c", filter, from, limit, &page));
        for (size_t i = 0; i < page.n; i++) {
            assert_true(n == 0 || duet_id_compare(page.hits[i].id, next) >= 0);
            assert_string_equal(page.hits[i].payload, "{\"even\":true}");
            next = page.hits[i].id;
            next.is_uuid ? next.uuid[15]++ : next.number++;
            from = &next;
            n++;
        }
        n_page = page.n;
        duet_hits_release(&page);
    }
    assert_int_equal(n, n_all);
}

static void test_walks(void **state)
{
    struct test_db *t = *state;
    fill(t->db, 2 * N, 2 * N);
    check_walk(t->db, EVEN, 7, N);
    check_walk(t->db, EVEN, 1000, N);
    check_walk(t->db, "{\"must\":{\"has_id\":[8,2,2,4,6,3000]}}", 1, 4);
    check_walk(t->db, "{\"must\":{\"has_id\":[8,2,2,4,6,3000]}}", 2, 4);
    check_walk(t->db, "{\"must\":{\"has_id\":[]}}", 2, 0);
}

static void test_removals_take_what_matches_and_nothing_else(void **state)
{
    struct test_db *t = *state;
    size_t n;
    fill(t->db, 2 * N, 2 * N);
    assert_ok(duet_remove_where(t->db, "c", "{\"must\":{\"has_id\":[1,2,77777]}}", &n));
    assert_int_equal(n, 2);
    assert_ok(duet_remove_where(t->db, "c", EVEN, &n));
    assert_int_equal(n, N - 1);
    assert_int_equal(count(t->db, EVEN), 0);
    assert_int_equal(count(t->db, NULL), N - 1);
    assert_ok(duet_remove_where(t->db, "c", EVEN, &n));
    assert_int_equal(n, 0);
    assert_ok(duet_remove_where(t->db, "c", "{}", NULL));
    assert_int_equal(count(t->db, NULL), 0);
    assert_ok(duet_count(t->db, "d", &n));
    assert_int_equal(n, 1);
}

/* More than one transaction's worth, and a number that is a multiple of it. */
static void test_large_removals_go_through(void **state)
{
    struct test_db *t = *state;
    size_t n;
    fill(t->db, 4 * LIMIT_BATCH_POINTS + 10, LIMIT_BATCH_POINTS);
    assert_ok(duet_remove_where(t->db, "c", EVEN, &n));
    assert_int_equal(n, 2 * LIMIT_BATCH_POINTS + 5);
    assert_int_equal(count(t->db, NULL), 2 * LIMIT_BATCH_POINTS + 5);
    assert_ok(
        duet_remove_where(t->db, "c", "{\"must_not\":{\"has_id\":[1,3,5,7,9]}}", &n));
    assert_int_equal(n, 2 * LIMIT_BATCH_POINTS);
    assert_int_equal(count(t->db, NULL), 5);
}

static void test_what_is_wrong_is_told_and_changes_nothing(void **state)
{
    struct test_db *t = *state;
    size_t n = 7;
    struct duet_hits page;
    fill(t->db, 10, 10);
    assert_err(duet_remove_where(t->db, "c", "{\"must\":7}", &n), ERR_INVALID);
    assert_int_equal(n, 0);
    assert_err(duet_remove_where(t->db, "c", NULL, &n), ERR_INVALID);
    assert_err(duet_remove_where(t->db, "x", "{}", &n), ERR_NOT_FOUND);
    assert_err(duet_count_where(t->db, "c", "[", &n), ERR_INVALID);
    assert_err(duet_count_where(t->db, "x", "{}", &n), ERR_NOT_FOUND);
    assert_err(duet_scroll_where(t->db, "c", "{\"x\":1}", NULL, 5, &page), ERR_INVALID);
    assert_null(page.hits);
    assert_err(duet_scroll_where(t->db, "x", "{}", NULL, 5, &page), ERR_NOT_FOUND);
    assert_err(duet_scroll_where(t->db, "c", "{}", NULL, LIMIT_K_MAX + 1, &page),
               ERR_LIMIT);
    assert_int_equal(count(t->db, NULL), 10);
    duet_close(t->db);
    struct duet_options o = test_db_options(t);
    o.write = o.create = false;
    assert_ok(duet_open(&t->db, &o));
    assert_int_equal(count(t->db, EVEN), 5);
    assert_err(duet_remove_where(t->db, "c", EVEN, &n), ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts),
        TEST(test_walks),
        TEST(test_removals_take_what_matches_and_nothing_else),
        TEST(test_large_removals_go_through),
        TEST(test_what_is_wrong_is_told_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
