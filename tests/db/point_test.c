/*
 * point_test.c - points by id: db/point.c, and under it db/edit.c and db/vectors.c.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_db_make(t);
    test_collection_make(t->db, "c", 3, DUET_COSINE);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static size_t count(struct test_db *t)
{
    size_t n;
    assert_ok(duet_count(t->db, "c", &n));
    return n;
}

static enum err upsert(struct test_db *t, struct duet_id id, float x,
                       const char *payload)
{
    const float v[] = {x, 1, 0};
    return test_upsert(t->db, "c", id, v, 3, payload);
}

static void test_what_was_written_is_read(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    assert_ok(upsert(t, test_id(7), 0, "{\"a\": 1}"));
    assert_ok(duet_get(t->db, "c", &(struct duet_id){.number = 7}, 1, true, &got));
    assert_int_equal(got.n, 1);
    assert_string_equal(got.hits[0].payload, "{\"a\": 1}");
    assert_null(got.hits[0].source);
    assert_int_equal(got.hits[0].n_vectors, 1);
    assert_string_equal(got.hits[0].vectors[0].space, "v");
    assert_true(got.hits[0].vectors[0].values[1] == 1.0f);
    duet_hits_release(&got);
}

static void test_an_upsert_replaces_the_whole_point(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    assert_ok(upsert(t, test_id(7), 0, "{\"a\": 1}"));
    assert_ok(upsert(t, test_id(7), 1, NULL));
    assert_int_equal(count(t), 1);
    assert_ok(duet_get(t->db, "c", &(struct duet_id){.number = 7}, 1, true, &got));
    assert_string_equal(got.hits[0].payload, "{}");
    assert_true(fabsf(got.hits[0].vectors[0].values[0] - sqrtf(0.5f)) < 1e-6f);
    duet_hits_release(&got);
}

static void test_a_point_without_vectors_is_kept_and_not_found_by_search(void **state)
{
    struct test_db *t = *state;
    struct duet_point_input bare = {.id = test_id(1)};
    struct duet_hits got;
    assert_ok(duet_upsert(t->db, "c", &bare, 1));
    assert_int_equal(count(t), 1);
    struct duet_query query = test_query((float[]){1, 0, 0}, 3, 10);
    assert_ok(duet_search(t->db, "c", &query, &got));
    assert_int_equal(got.n, 0);
    duet_hits_release(&got);
}

static void test_remove_counts_only_what_was_there(void **state)
{
    struct test_db *t = *state;
    struct duet_id ids[] = {test_id(1), test_id(2), test_id(1)};
    size_t n_removed;
    assert_ok(upsert(t, test_id(1), 0, NULL));
    assert_ok(upsert(t, test_id(3), 0, NULL));
    assert_ok(duet_remove(t->db, "c", ids, 3, &n_removed));
    assert_int_equal(n_removed, 1);
    assert_int_equal(count(t), 1);
    assert_ok(duet_remove(t->db, "c", ids, 3, NULL));
}

static void
test_get_keeps_the_order_asked_and_leaves_out_what_is_not_there(void **state)
{
    struct test_db *t = *state;
    struct duet_id ids[] = {test_id(9), test_id(5), test_id(2)};
    struct duet_hits got;
    assert_ok(upsert(t, test_id(2), 0, NULL));
    assert_ok(upsert(t, test_id(9), 0, NULL));
    assert_ok(duet_get(t->db, "c", ids, 3, false, &got));
    assert_int_equal(got.n, 2);
    assert_int_equal(got.hits[0].id.number, 9);
    assert_int_equal(got.hits[1].id.number, 2);
    assert_int_equal(got.hits[0].n_vectors, 0);
    duet_hits_release(&got);
}

static void test_one_bad_point_refuses_the_whole_batch(void **state)
{
    struct test_db *t = *state;
    const float good[] = {1, 0, 0};
    const float zero[] = {0, 0, 0};
    struct duet_named_input v[] = {
        {"v", {.kind = DUET_INPUT_VECTOR, .vector = good, .n = 3}},
        {"v", {.kind = DUET_INPUT_VECTOR, .vector = zero, .n = 3}},
    };
    struct duet_point_input points[] = {
        {.id = test_id(1), .vectors = &v[0], .n_vectors = 1},
        {.id = test_id(2), .vectors = &v[1], .n_vectors = 1},
    };
    assert_err(duet_upsert(t->db, "c", points, 2), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "point 1: "));
    assert_int_equal(count(t), 0);
}

static void test_a_batch_that_fails_inside_the_transaction_leaves_nothing(void **state)
{
    struct test_db *t = *state;
    const float good[] = {1, 0, 0};
    const float bad[] = {1, NAN, 0};
    struct db_write writes[200] = {{.payload = NULL}};
    for (size_t i = 0; i < 200; i++) {
        writes[i].id = test_id(i);
        writes[i].vectors[0] = i < 199 ? good : bad;
    }
    assert_err(db_write_points(t->db, "c", writes, 200), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "point 199: "));
    assert_int_equal(count(t), 0);
    assert_ok(db_write_points(t->db, "c", writes, 199));
    assert_int_equal(count(t), 199);
}

static void test_an_id_twice_in_a_batch_leaves_the_last(void **state)
{
    struct test_db *t = *state;
    const float one[] = {1, 0, 0};
    const float two[] = {0, 1, 0};
    struct db_write writes[2] = {{.id = test_id(4)}, {.id = test_id(4)}};
    writes[0].vectors[0] = one;
    writes[1].vectors[0] = two;
    assert_ok(db_write_points(t->db, "c", writes, 2));
    assert_int_equal(count(t), 1);
    struct duet_hits got;
    struct duet_query query = test_query(one, 3, 10);
    assert_ok(duet_search(t->db, "c", &query, &got));
    assert_int_equal(got.n, 1);
    assert_true(got.hits[0].score == 0.0f);
    duet_hits_release(&got);
}

static void test_bad_vectors_are_refused(void **state)
{
    struct test_db *t = *state;
    const float infinite[] = {INFINITY, 0, 0};
    const float four[] = {1, 2, 3, 4};
    assert_err(test_upsert(t->db, "c", test_id(1), infinite, 3, NULL), ERR_INVALID);
    assert_err(test_upsert(t->db, "c", test_id(1), four, 4, NULL), ERR_CONFLICT);
    assert_err(test_upsert(t->db, "c", test_id(1), four, 0, NULL), ERR_CONFLICT);
    assert_err(test_upsert(t->db, "no such", test_id(1), four, 3, NULL), ERR_NOT_FOUND);
    assert_int_equal(count(t), 0);
}

static void test_bad_payloads_are_refused(void **state)
{
    struct test_db *t = *state;
    static const char *const bad[] = {"",    "[]",       "1",        "{\"a\":}",
                                      "nul", "{} trail", "{\"a\":1", "{\"\xff\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(upsert(t, test_id(1), 0, bad[i]), ERR_INVALID);
    }
    char *huge = malloc(LIMIT_PAYLOAD_BYTES + 16);
    memset(huge, 'x', LIMIT_PAYLOAD_BYTES + 16);
    memcpy(huge, "{\"a\":\"", 6);
    strcpy(huge + LIMIT_PAYLOAD_BYTES + 8, "\"}");
    assert_err(upsert(t, test_id(1), 0, huge), ERR_LIMIT);
    free(huge);
    assert_int_equal(count(t), 0);
}

static void test_the_largest_payload_fits(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    char *large = malloc(LIMIT_PAYLOAD_BYTES + 1);
    memset(large, 'x', LIMIT_PAYLOAD_BYTES);
    memcpy(large, "{\"a\":\"", 6);
    strcpy(large + LIMIT_PAYLOAD_BYTES - 2, "\"}");
    assert_ok(upsert(t, test_id(1), 0, large));
    assert_ok(duet_get(t->db, "c", &(struct duet_id){.number = 1}, 1, false, &got));
    assert_string_equal(got.hits[0].payload, large);
    duet_hits_release(&got);
    free(large);
}

static void test_extreme_ids_sort_and_come_back(void **state)
{
    struct test_db *t = *state;
    struct duet_id ids[4];
    struct duet_hits got;
    assert_ok(duet_id_parse(&ids[0], "0"));
    assert_ok(duet_id_parse(&ids[1], "18446744073709551615"));
    assert_ok(duet_id_parse(&ids[2], "00000000-0000-0000-0000-000000000000"));
    assert_ok(duet_id_parse(&ids[3], "ffffffff-ffff-ffff-ffff-ffffffffffff"));
    for (size_t i = 4; i > 0; i--) {
        assert_ok(upsert(t, ids[i - 1], 0, NULL));
    }
    assert_ok(duet_scroll(t->db, "c", NULL, 10, &got));
    assert_int_equal(got.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(duet_id_compare(got.hits[i].id, ids[i]), 0);
    }
    duet_hits_release(&got);
}

static void test_scroll_walks_every_point_once(void **state)
{
    struct test_db *t = *state;
    bool seen[50] = {false};
    for (size_t i = 0; i < 50; i++) {
        assert_ok(upsert(t, test_id(i * 3), 0, NULL));
    }
    struct duet_id from = test_id(0);
    size_t n_seen = 0;
    for (;;) {
        struct duet_hits page;
        assert_ok(duet_scroll(t->db, "c", &from, 8, &page));
        size_t n = page.n;
        for (size_t i = 0; i < n && i < 7; i++) {
            assert_false(seen[page.hits[i].id.number / 3]);
            seen[page.hits[i].id.number / 3] = true;
            n_seen++;
        }
        if (n == 8) { /* the eighth is the first of the next page */
            from = page.hits[7].id;
        }
        duet_hits_release(&page);
        if (n < 8) {
            break;
        }
        /* What comes and goes between pages does not shift the others. */
        assert_ok(upsert(t, test_id(from.number - 1), 0, NULL));
    }
    assert_int_equal(n_seen, 50);
}

static void test_scroll_beyond_the_end_is_empty(void **state)
{
    struct test_db *t = *state;
    struct duet_hits page;
    assert_ok(upsert(t, test_id(1), 0, NULL));
    assert_ok(duet_scroll(t->db, "c", &(struct duet_id){.number = 2}, 8, &page));
    assert_int_equal(page.n, 0);
    assert_ok(duet_scroll(t->db, "c", NULL, 0, &page));
    assert_int_equal(page.n, 0);
    assert_err(duet_scroll(t->db, "c", NULL, LIMIT_K_MAX + 1, &page), ERR_LIMIT);
}

static void test_kept_parts_survive_a_partial_write(void **state)
{
    struct test_db *t = *state;
    struct duet_hits got;
    struct db_write write = {.id = test_id(1), .keep = 1};
    assert_ok(upsert(t, test_id(1), 0, "{\"a\":1}"));
    assert_ok(db_write_points(t->db, "c", &write, 1));
    assert_ok(duet_get(t->db, "c", &write.id, 1, true, &got));
    assert_string_equal(got.hits[0].payload, "{\"a\":1}");
    assert_int_equal(got.hits[0].n_vectors, 1);
    duet_hits_release(&got);
    write.keep = 0;
    write.payload = "{\"b\":2}";
    write.n_payload = 7;
    assert_ok(db_write_points(t->db, "c", &write, 1));
    assert_ok(duet_get(t->db, "c", &write.id, 1, true, &got));
    assert_string_equal(got.hits[0].payload, "{\"b\":2}");
    assert_int_equal(got.hits[0].n_vectors, 0);
    duet_hits_release(&got);
}

static void test_too_many_points_at_once_are_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_point_input *points = calloc(LIMIT_BATCH_POINTS + 1, sizeof *points);
    for (size_t i = 0; i <= LIMIT_BATCH_POINTS; i++) {
        points[i].id = test_id(i);
    }
    assert_err(duet_upsert(t->db, "c", points, LIMIT_BATCH_POINTS + 1), ERR_LIMIT);
    assert_ok(duet_upsert(t->db, "c", points, LIMIT_BATCH_POINTS));
    assert_int_equal(count(t), LIMIT_BATCH_POINTS);
    free(points);
}

static void test_reopening_gives_the_same_points(void **state)
{
    struct test_db *t = *state;
    struct duet_hits before;
    struct duet_hits after;
    for (size_t i = 0; i < 100; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "{\"i\":%zu}", i);
        assert_ok(upsert(t, test_id(i), (float)i, payload));
    }
    assert_ok(duet_scroll(t->db, "c", NULL, 1000, &before));
    test_db_reopen(t);
    assert_ok(duet_scroll(t->db, "c", NULL, 1000, &after));
    assert_int_equal(after.n, before.n);
    for (size_t i = 0; i < after.n; i++) {
        assert_string_equal(after.hits[i].payload, before.hits[i].payload);
    }
    duet_hits_release(&before);
    duet_hits_release(&after);
}

static void test_a_reader_may_not_write(void **state)
{
    struct test_db *t = *state;
    duet_close(t->db);
    assert_ok(duet_open(&t->db, &(struct duet_options){.path = t->folder}));
    assert_err(upsert(t, test_id(1), 0, NULL), ERR_INVALID);
    assert_err(duet_remove(t->db, "c", NULL, 0, NULL), ERR_INVALID);
    assert_err(duet_collection_drop(t->db, "c"), ERR_INVALID);
    assert_int_equal(count(t), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read),
        TEST(test_an_upsert_replaces_the_whole_point),
        TEST(test_a_point_without_vectors_is_kept_and_not_found_by_search),
        TEST(test_remove_counts_only_what_was_there),
        TEST(test_get_keeps_the_order_asked_and_leaves_out_what_is_not_there),
        TEST(test_one_bad_point_refuses_the_whole_batch),
        TEST(test_a_batch_that_fails_inside_the_transaction_leaves_nothing),
        TEST(test_an_id_twice_in_a_batch_leaves_the_last),
        TEST(test_bad_vectors_are_refused),
        TEST(test_bad_payloads_are_refused),
        TEST(test_the_largest_payload_fits),
        TEST(test_extreme_ids_sort_and_come_back),
        TEST(test_scroll_walks_every_point_once),
        TEST(test_scroll_beyond_the_end_is_empty),
        TEST(test_kept_parts_survive_a_partial_write),
        TEST(test_too_many_points_at_once_are_refused),
        TEST(test_reopening_gives_the_same_points),
        TEST(test_a_reader_may_not_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
