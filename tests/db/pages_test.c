/*
 * pages_test.c - db/pages.h: a ranked result that is kept gives the same pages whatever
 * is written meanwhile.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "db/database.h"

enum { POINTS = 1000, PAGE = 7 };

/* Points 1 to n, the first the nearest to {1, 0}. */
static void put_points(struct duet *db, size_t n)
{
    static float vectors[POINTS][2];
    static struct duet_named_input inputs[POINTS];
    static struct duet_point_input points[POINTS];
    for (size_t i = 0; i < n; i++) {
        vectors[i][0] = (float)(n - i - 1);
        vectors[i][1] = 1;
        inputs[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = vectors[i], .n = 2}};
        points[i] =
            (struct duet_point_input){test_id(i + 1), "{\"a\":1}", 7, &inputs[i], 1};
    }
    assert_ok(duet_upsert(db, "c", points, n));
}

static struct duet_hits search(struct duet *db, size_t k)
{
    static const float v[] = {1, 0};
    struct duet_hits hits;
    struct duet_query q = test_query(v, 2, k);
    q.payload = false;
    assert_ok(duet_search(db, "c", &q, &hits));
    return hits;
}

static void keep(struct duet *db, size_t k, char token[DUET_PAGES_TOKEN_MAX])
{
    struct duet_hits hits = search(db, k);
    assert_ok(duet_pages_open(db, "c", &hits, token));
    duet_hits_release(&hits);
}

static void test_pages_are_the_result_cut_up(void **state)
{
    struct test_db *t = *state;
    char token[DUET_PAGES_TOKEN_MAX];
    struct duet_page page = {.token = token, .limit = 4, .payload = true};
    struct duet_page_info info;
    struct duet_hits hits;
    put_points(t->db, 10);
    keep(t->db, 9, token);
    for (page.offset = 0; page.offset < 12; page.offset += 4) {
        assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
        assert_int_equal(info.n_list, 9);
        assert_int_equal(info.n_gone, 0);
        assert_int_equal(hits.n, page.offset == 8 ? 1 : 4);
        for (size_t i = 0; i < hits.n; i++) {
            assert_int_equal(hits.hits[i].id.number, page.offset + i + 1);
            assert_true(hits.hits[i].score == (float)(9 - page.offset - i));
            assert_string_equal(hits.hits[i].space, "v");
            assert_non_null(hits.hits[i].payload);
            assert_int_equal(hits.hits[i].n_vectors, 0);
        }
        duet_hits_release(&hits);
    }
    page = (struct duet_page){.token = token, .offset = SIZE_MAX, .limit = SIZE_MAX};
    assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
    assert_int_equal(hits.n, 0);
}

static void test_points_that_went_are_left_out_and_told(void **state)
{
    struct test_db *t = *state;
    char token[DUET_PAGES_TOKEN_MAX];
    struct duet_page page = {.token = token, .limit = 5, .payload = true};
    struct duet_page_info info;
    struct duet_hits hits;
    put_points(t->db, 10);
    keep(t->db, 10, token);
    const struct duet_id ids[] = {test_id(2), test_id(4)};
    assert_ok(duet_remove(t->db, "c", ids, 2, NULL));
    assert_ok(test_upsert(t->db, "c", test_id(3), (const float[]){-9, 0}, 2, "{}"));
    assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
    assert_int_equal(hits.n, 3);
    assert_int_equal(info.n_gone, 2);
    assert_int_equal(hits.hits[1].id.number, 3);
    assert_string_equal(hits.hits[1].payload, "{}"); /* of now */
    assert_true(hits.hits[1].score == 7);            /* of then */
    duet_hits_release(&hits);
    page.offset = 5;
    assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
    assert_int_equal(hits.hits[0].id.number, 6); /* nothing moved up */
    duet_hits_release(&hits);
}

static void test_uuids_and_hits_without_a_space_are_kept(void **state)
{
    struct test_db *t = *state;
    struct duet_hits hits;
    struct duet_page_info info;
    struct duet_hit hit = {.score = 0.5f};
    const struct duet_hits one = {.hits = &hit, .n = 1};
    char token[DUET_PAGES_TOKEN_MAX];
    assert_ok(duet_id_parse(&hit.id, "8c38d1a2-7f14-4a0e-9f0b-0123456789ab"));
    assert_ok(test_upsert(t->db, "c", hit.id, (const float[]){1, 0}, 2, NULL));
    assert_ok(duet_pages_open(t->db, "c", &one, token));
    struct duet_page page = {.token = token, .limit = 1, .vectors = true};
    assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
    assert_int_equal(duet_id_compare(hits.hits[0].id, hit.id), 0);
    assert_null(hits.hits[0].space);
    assert_int_equal(hits.hits[0].n_vectors, 1);
    duet_hits_release(&hits);
}

static enum err read_first(struct duet *db, const char *collection, const char *token)
{
    struct duet_page page = {.token = token, .limit = 1};
    struct duet_page_info info;
    struct duet_hits hits;
    enum err result = duet_pages_read(db, collection, &page, &hits, &info);
    duet_hits_release(&hits);
    return result;
}

static void test_what_is_not_kept_is_not_found(void **state)
{
    struct test_db *t = *state;
    char token[DUET_PAGES_TOKEN_MAX];
    struct duet_hits none = {.n = 0};
    put_points(t->db, 3);
    keep(t->db, 3, token);
    test_collection_make(t->db, "d", 2, DUET_DOT);
    assert_ok(read_first(t->db, "c", token));
    assert_err(read_first(t->db, "d", token), ERR_NOT_FOUND);
    assert_err(read_first(t->db, "none", token), ERR_NOT_FOUND);
    assert_err(read_first(t->db, "c", ""), ERR_NOT_FOUND);
    assert_err(read_first(t->db, "c", "7"), ERR_NOT_FOUND);
    assert_err(read_first(t->db, "c", "8c38d1a2-7f14-4a0e-9f0b-0123456789ab"),
               ERR_NOT_FOUND);
    assert_err(duet_pages_open(t->db, "none", &none, token), ERR_NOT_FOUND);
    assert_string_equal(token, "");
    none.n = LIMIT_K_MAX + 1;
    assert_err(duet_pages_open(t->db, "c", &none, token), ERR_LIMIT);
    assert_non_null(strstr(err_detail(), "more than 10000"));
}

static void test_a_collection_made_anew_has_not_the_old_one_s_pages(void **state)
{
    struct test_db *t = *state;
    char token[DUET_PAGES_TOKEN_MAX];
    put_points(t->db, 3);
    keep(t->db, 3, token);
    assert_ok(duet_collection_drop(t->db, "c"));
    test_collection_make(t->db, "c", 2, DUET_DOT);
    put_points(t->db, 3);
    assert_err(read_first(t->db, "c", token), ERR_NOT_FOUND);
}

static void test_a_list_closed_or_past_its_time_is_gone(void **state)
{
    struct test_db *t = *state;
    char a[DUET_PAGES_TOKEN_MAX], b[DUET_PAGES_TOKEN_MAX];
    put_points(t->db, 3);
    keep(t->db, 3, a);
    keep(t->db, 3, b);
    assert_string_not_equal(a, b);
    duet_pages_close(t->db, a);
    duet_pages_close(t->db, a);
    duet_pages_close(t->db, "nothing");
    assert_err(read_first(t->db, "c", a), ERR_NOT_FOUND);
    assert_ok(read_first(t->db, "c", b));
    t->db->pages.lifetime_ns = 1000000; /* one millisecond */
    usleep(3000);
    assert_err(read_first(t->db, "c", b), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(), "60 s"));
    assert_int_equal(t->db->pages.n_lists, 0); /* and freed */
}

static void test_a_list_lives_on_from_each_use(void **state)
{
    struct test_db *t = *state;
    char token[DUET_PAGES_TOKEN_MAX];
    put_points(t->db, 3);
    keep(t->db, 3, token);
    t->db->pages.lifetime_ns = 2000000000;
    for (int i = 0; i < 8; i++) { /* longer than its lifetime, all in all */
        usleep(300000);
        assert_ok(read_first(t->db, "c", token));
    }
}

static void test_more_lists_than_may_be_are_refused_until_one_goes(void **state)
{
    struct test_db *t = *state;
    char first[DUET_PAGES_TOKEN_MAX], token[DUET_PAGES_TOKEN_MAX];
    struct duet_hits none = {.n = 0};
    assert_ok(duet_pages_open(t->db, "c", &none, first));
    for (int i = 1; i < LIMIT_PAGES_OPEN; i++) {
        assert_ok(duet_pages_open(t->db, "c", &none, token));
    }
    assert_err(duet_pages_open(t->db, "c", &none, token), ERR_BUSY);
    assert_non_null(strstr(err_detail(), "256 results are kept"));
    assert_string_equal(token, "");
    duet_pages_close(t->db, first);
    assert_ok(duet_pages_open(t->db, "c", &none, token));
    assert_err(duet_pages_open(t->db, "c", &none, token), ERR_BUSY);
    t->db->pages.lifetime_ns = 1;
    usleep(1000);
    assert_ok(duet_pages_open(t->db, "c", &none, token));
}

/* ---- Beside writers ---- */

struct writer {
    struct duet *db;
    atomic_bool stop;
    size_t n_wrong;
};

/* Makes every search answer otherwise: points get other vectors, go, come. */
static void *write_often(void *arg)
{
    struct writer *w = arg;
    struct test_random r = {4711};
    while (!atomic_load(&w->stop)) {
        struct duet_id id = test_id(1 + test_random_below(&r, 2 * POINTS));
        float v[] = {(float)test_random_below(&r, 10000), 1};
        enum err result = test_random_below(&r, 3) == 0 && id.number % 2 == 0
                              ? duet_remove(w->db, "c", &id, 1, NULL)
                              : test_upsert(w->db, "c", id, v, 2, "{}");
        w->n_wrong += result != ERR_OK;
    }
    return NULL;
}

static void test_pages_never_repeat_or_skip_beside_a_writer(void **state)
{
    struct test_db *t = *state;
    struct writer w = {.db = t->db};
    pthread_t thread;
    char token[DUET_PAGES_TOKEN_MAX];
    put_points(t->db, POINTS);
    assert_int_equal(pthread_create(&thread, NULL, write_often, &w), 0);
    struct duet_hits all = search(t->db, LIMIT_K_MAX);
    assert_ok(duet_pages_open(t->db, "c", &all, token));
    size_t at = 0, n_pages = 0, n_gone = 0;
    for (size_t offset = 0; offset < all.n; offset += PAGE, n_pages++) {
        struct duet_page page = {.token = token, .offset = offset, .limit = PAGE};
        struct duet_page_info info;
        struct duet_hits hits;
        assert_ok(duet_pages_read(t->db, "c", &page, &hits, &info));
        for (size_t i = 0; i < hits.n; i++, at++) {
            while (duet_id_compare(all.hits[at].id, hits.hits[i].id) != 0) {
                assert_int_equal(all.hits[at].id.number % 2, 0); /* may be gone */
                assert_true(++at < all.n);
                n_gone++;
            }
            assert_true(all.hits[at].score == hits.hits[i].score);
        }
        duet_hits_release(&hits);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    print_message("%zu pages, %zu points gone meanwhile\n", n_pages, n_gone);
    assert_true(n_pages >= 100);
    assert_int_equal(w.n_wrong, 0);
    duet_hits_release(&all);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_c_make, test_c_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_pages_are_the_result_cut_up),
        TEST(test_points_that_went_are_left_out_and_told),
        TEST(test_uuids_and_hits_without_a_space_are_kept),
        TEST(test_what_is_not_kept_is_not_found),
        TEST(test_a_collection_made_anew_has_not_the_old_one_s_pages),
        TEST(test_a_list_closed_or_past_its_time_is_gone),
        TEST(test_a_list_lives_on_from_each_use),
        TEST(test_more_lists_than_may_be_are_refused_until_one_goes),
        TEST(test_pages_never_repeat_or_skip_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
