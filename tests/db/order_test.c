/*
 * order_test.c - db/order.h and duet_scroll_ordered.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/order.h"

/* The ids of `hits`, as in "3 1 2"; releases them. */
static const char *ids_of(struct duet_hits *hits)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < hits->n; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu", i == 0 ? "" : " ",
                              (unsigned long long)hits->hits[i].id.number);
    }
    duet_hits_release(hits);
    return text;
}

static const char *ask(struct duet *db, const struct duet_ordered *what)
{
    struct duet_hits hits;
    assert_ok(duet_scroll_ordered(db, "c", what, &hits));
    return ids_of(&hits);
}

static void test_points_come_by_value_and_then_by_id(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    test_c_put(t->db, 1, "{\"n\": 2}");
    test_c_put(t->db, 2, "{\"n\": 1.5}");
    test_c_put(t->db, 3, "{\"n\": 2.0}");
    test_c_put(t->db, 4, "{\"n\": \"no number\"}");
    test_c_put(t->db, 5, "{\"n\": -7}");
    test_c_put(t->db, 6, "{\"n\": true}");
    test_c_put(t->db, 7, NULL);
    what.by.key = "n";
    assert_string_equal(ask(t->db, &what), "5 2 1 3");
    what.by.descending = true;
    assert_string_equal(ask(t->db, &what), "1 3 2 5");
}

static void test_limit_and_offset_cut_the_same_order(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct test_random r = test_random_seeded("order");
    char payload[64], whole[1024];
    for (uint64_t id = 1; id <= 60; id++) {
        snprintf(payload, sizeof payload, "{\"n\": %zu}", test_random_below(&r, 12));
        test_c_put(t->db, id, payload);
    }
    what.by = (struct duet_order){.key = "n", .descending = true};
    what.limit = 60;
    snprintf(whole, sizeof whole, "%s", ask(t->db, &what));
    size_t n = 0;
    what.limit = 7;
    for (what.offset = 0; what.offset < 60; what.offset += 7) {
        const char *page = ask(t->db, &what);
        assert_memory_equal(whole + n, page, strlen(page));
        n += strlen(page) + 1;
    }
    assert_int_equal(n, strlen(whole) + 1);
}

static void test_whole_numbers_are_not_rounded(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct duet_hits hits;
    test_c_put(t->db, 1, "{\"n\": 9007199254740993}");
    test_c_put(t->db, 2, "{\"n\": 9007199254740992}");
    test_c_put(t->db, 3, "{\"n\": 9007199254740992.0}");
    test_c_put(t->db, 4, "{\"n\": 18446744073709551615}");
    what.by.key = "n";
    assert_string_equal(ask(t->db, &what), "2 3 1 4");
    what.by.start_from = "9007199254740993";
    assert_ok(duet_scroll_ordered(t->db, "c", &what, &hits));
    assert_int_equal(hits.hits[0].order.kind, DUET_VALUE_INT);
    assert_true(hits.hits[0].order.whole == INT64_C(9007199254740993));
    assert_int_equal(hits.hits[1].order.kind, DUET_VALUE_LARGE);
    assert_true(hits.hits[1].order.large == UINT64_MAX);
    assert_string_equal(ids_of(&hits), "1 4");
}

static void test_a_point_comes_once_for_each_different_value(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    test_c_put(t->db, 1, "{\"n\": [3, 1, 3, 3.0, \"x\", null]}");
    test_c_put(t->db, 2, "{\"n\": 2}");
    what.by.key = "n";
    assert_string_equal(ask(t->db, &what), "1 2 1");
}

static void test_dates_are_in_the_order_of_time(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct duet_hits hits;
    test_c_put(t->db, 1, "{\"t\": \"2024-01-01T00:00:00+01:00\"}");
    test_c_put(t->db, 2, "{\"t\": \"2023-12-31T23:30:00Z\"}");
    test_c_put(t->db, 3, "{\"t\": \"1969-12-31T23:59:59.999999Z\"}");
    what.by.key = "t";
    assert_ok(duet_scroll_ordered(t->db, "c", &what, &hits));
    assert_true(hits.hits[0].order.whole == -1);
    assert_string_equal(ids_of(&hits), "3 1 2");
    what.by.start_from = "\"2023-12-31T23:00:00Z\"";
    assert_string_equal(ask(t->db, &what), "1 2");
    what.by.descending = true;
    assert_string_equal(ask(t->db, &what), "1 3");
}

static void test_a_filter_and_the_parts_asked_for_count(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct duet_hits hits;
    test_c_put(t->db, 1, "{\"n\": 2, \"a\": 1}");
    test_c_put(t->db, 2, "{\"n\": 1}");
    test_c_put(t->db, 3, "{\"n\": 1, \"a\": 1}");
    what.by.key = "n";
    what.filter = "{\"must\": {\"key\": \"a\", \"match\": {\"value\": 1}}}";
    what.vectors = true;
    assert_ok(duet_scroll_ordered(t->db, "c", &what, &hits));
    assert_string_equal(hits.hits[0].payload, "{\"n\": 1, \"a\": 1}");
    assert_int_equal(hits.hits[0].n_vectors, 1);
    assert_string_equal(ids_of(&hits), "3 1");
    what.payload = what.vectors = false;
    assert_ok(duet_scroll_ordered(t->db, "c", &what, &hits));
    assert_null(hits.hits[0].payload);
    assert_int_equal(hits.hits[0].n_vectors, 0);
    duet_hits_release(&hits);
}

static void check_refused(struct duet *db, const struct duet_ordered *what,
                          enum err code, const char *sentence)
{
    struct duet_hits hits;
    assert_err(duet_scroll_ordered(db, "c", what, &hits), code);
    assert_non_null(strstr(err_detail(), sentence));
    assert_int_equal(hits.n, 0);
}

static void test_what_is_wrong_is_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    struct duet_hits hits;
    what.by.key = "a..b";
    check_refused(t->db, &what, ERR_INVALID, "key: a key is missing");
    what.by.key = "n";
    what.by.start_from = "\"not a date\"";
    check_refused(t->db, &what, ERR_INVALID, "start_from: must be a number or a date");
    what.by.start_from = "{";
    check_refused(t->db, &what, ERR_INVALID, "start_from: ");
    what.by.start_from = NULL;
    what.offset = LIMIT_K_MAX - 9;
    check_refused(t->db, &what, ERR_LIMIT, "more than 10000");
    what.offset = 0;
    what.filter = "{\"wrong\": 1}";
    check_refused(t->db, &what, ERR_INVALID, "filter.wrong");
    what.filter = NULL;
    assert_err(duet_scroll_ordered(t->db, "none", &what, &hits), ERR_NOT_FOUND);
    what.limit = 0;
    assert_string_equal(ask(t->db, &what), "");
}

static void test_a_walk_in_order_may_end_early(void **state)
{
    (void)state;
    struct order order;
    struct order_list list;
    const struct duet_order by = {.key = "n", .descending = true, .start_from = "8"};
    assert_ok(order_open(&order, &by));
    assert_ok(order_list_init(&list, 2));
    struct json_number nine = {.whole = 9}, eight = {.whole = 8}, seven = {.whole = 7};
    assert_false(order_takes(&order, nine));
    assert_true(order_takes(&order, eight));
    order_add(&order, &list, (struct order_entry){eight, test_id(2)});
    assert_false(order_list_ends(&order, &list, seven));
    order_add(&order, &list, (struct order_entry){eight, test_id(9)});
    assert_false(order_list_ends(&order, &list, eight)); /* by its id it may enter */
    assert_true(order_list_ends(&order, &list, seven));
    order_add(&order, &list, (struct order_entry){eight, test_id(1)});
    order_list_sort(&order, &list);
    assert_int_equal(list.entries[0].id.number, 1);
    assert_int_equal(list.entries[1].id.number, 2);
    order_list_release(&list);
    order_close(&order);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_c_make, test_c_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_points_come_by_value_and_then_by_id),
        TEST(test_limit_and_offset_cut_the_same_order),
        TEST(test_whole_numbers_are_not_rounded),
        TEST(test_a_point_comes_once_for_each_different_value),
        TEST(test_dates_are_in_the_order_of_time),
        TEST(test_a_filter_and_the_parts_asked_for_count),
        TEST(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_a_walk_in_order_may_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
