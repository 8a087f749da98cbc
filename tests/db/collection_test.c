/*
 * collection_test.c - making, listing and dropping collections: db/collection.c.
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/db_internal.h"

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_db_make(t);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static enum err create(struct test_db *t, const char *name)
{
    struct duet_space space = {"v", 3, DUET_COSINE, DUET_FLOAT32};
    return duet_collection_create(t->db, name, &space, 1);
}

static void test_collections_are_listed_by_name(void **state)
{
    struct test_db *t = *state;
    struct duet_collections list;
    struct duet_space two[] = {{"a", 3, DUET_COSINE, DUET_FLOAT32},
                               {"b", 4, DUET_DOT, DUET_FLOAT32}};
    assert_ok(create(t, "beta"));
    assert_ok(duet_collection_create(t->db, "alpha", two, 2));
    assert_ok(duet_collections_list(t->db, NULL, &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].name, "alpha");
    assert_string_equal(list.items[1].name, "beta");
    assert_int_equal(list.items[0].n_spaces, 2);
    assert_string_equal(list.items[0].spaces[1].name, "b");
    assert_int_equal(list.items[0].spaces[1].dim, 4);
    assert_int_equal(list.items[0].spaces[1].distance, DUET_DOT);
    assert_string_equal(list.items[0].model, "");
    duet_collections_release(&list);
    assert_ok(duet_collections_list(t->db, "beta", &list));
    assert_int_equal(list.n, 1);
    duet_collections_release(&list);
    assert_err(duet_collections_list(t->db, "gamma", &list), ERR_NOT_FOUND);
}

static void test_bad_names_are_refused(void **state)
{
    struct test_db *t = *state;
    char name[LIMIT_NAME_BYTES + 2];
    memset(name, 'n', sizeof name);
    name[LIMIT_NAME_BYTES + 1] = '\0';
    assert_err(create(t, name), ERR_LIMIT);
    name[LIMIT_NAME_BYTES] = '\0';
    assert_ok(create(t, name));
    assert_err(create(t, name), ERR_EXISTS);
    assert_err(create(t, ""), ERR_INVALID);
    assert_err(create(t, "a/b"), ERR_INVALID);
    assert_err(create(t, "a\nb"), ERR_INVALID);
    assert_err(create(t, "a\xff"), ERR_INVALID);
    assert_ok(create(t, "图片"));
}

static void test_bad_spaces_are_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_space none = {"v", 0, DUET_COSINE, DUET_FLOAT32};
    struct duet_space large = {"v", LIMIT_DIM_MAX + 1, DUET_COSINE, DUET_FLOAT32};
    struct duet_space odd = {"v", 3, (enum duet_distance)9, DUET_FLOAT32};
    struct duet_space twice[] = {{"v", 3, DUET_COSINE, DUET_FLOAT32},
                                 {"v", 3, DUET_COSINE, DUET_FLOAT32}};
    struct duet_space many[LIMIT_SPACES_MAX + 1];
    struct duet_space unnamed = {"", 3, DUET_COSINE, DUET_FLOAT32};
    assert_err(duet_collection_create(t->db, "c", &none, 1), ERR_LIMIT);
    assert_err(duet_collection_create(t->db, "c", &large, 1), ERR_LIMIT);
    assert_err(duet_collection_create(t->db, "c", &odd, 1), ERR_UNSUPPORTED);
    assert_err(duet_collection_create(t->db, "c", twice, 2), ERR_INVALID);
    for (size_t i = 0; i <= LIMIT_SPACES_MAX; i++) {
        static char names[LIMIT_SPACES_MAX + 1][4];
        snprintf(names[i], sizeof names[i], "s%zu", i);
        many[i] = (struct duet_space){names[i], 3, DUET_COSINE, DUET_FLOAT32};
    }
    assert_err(duet_collection_create(t->db, "c", many, LIMIT_SPACES_MAX + 1),
               ERR_LIMIT);
    assert_ok(duet_collection_create(t->db, "c", many, LIMIT_SPACES_MAX));
    assert_ok(duet_collection_create(t->db, "d", &unnamed, 1)); /* the dialect's */
}

static void test_a_dropped_name_may_be_used_anew(void **state)
{
    struct test_db *t = *state;
    float v[] = {1, 0, 0};
    size_t n;
    assert_ok(create(t, "c"));
    for (uint64_t i = 0; i < 300; i++) {
        assert_ok(test_upsert(t->db, "c", test_id(i), v, 3, NULL));
    }
    assert_ok(duet_collection_drop(t->db, "c"));
    assert_err(duet_count(t->db, "c", &n), ERR_NOT_FOUND);
    assert_err(duet_collection_drop(t->db, "c"), ERR_NOT_FOUND);
    assert_ok(create(t, "c"));
    assert_ok(duet_count(t->db, "c", &n));
    assert_int_equal(n, 0);
    struct duet_hits got;
    struct duet_query q = test_query(v, 3, 10);
    assert_ok(duet_search(t->db, "c", &q, &got));
    assert_int_equal(got.n, 0);
    duet_hits_release(&got);
}

static enum err count_source(void *arg, struct duet_id id,
                             const struct db_source *source)
{
    (void)id;
    (void)source;
    ++*(size_t *)arg;
    return ERR_OK;
}

static void test_dropping_gives_the_pages_back(void **state)
{
    struct test_db *t = *state;
    static float v[4096][3];
    struct db_write *writes = calloc(4096, sizeof *writes);
    struct db_source source = {.path = "/a.jpg", .hash = {1}};
    struct duet_stats first;
    struct duet_stats last;
    for (uint64_t i = 0; i < 4096; i++) {
        v[i][i % 3] = 1;
        writes[i].id = test_id(i);
        writes[i].vectors[0] = v[i];
        writes[i].source = &source;
    }
    for (int round = 0; round < 6; round++) {
        assert_ok(create(t, "c"));
        assert_ok(db_write_points(t->db, "c", writes, 4096));
        assert_ok(duet_stats(t->db, "c", round == 0 ? &first : &last));
        size_t n_sources = 0;
        assert_ok(db_sources_walk(t->db, "c", "/", count_source, &n_sources));
        assert_int_equal(n_sources, 4096);
        assert_ok(duet_collection_drop(t->db, "c"));
        assert_ok(create(t, "other"));
        assert_ok(duet_seal(t->db, "other")); /* waits for the rows to be taken back */
        assert_ok(duet_collection_drop(t->db, "other"));
    }
    assert_true(last.store_bytes <= 2 * first.store_bytes);
    free(writes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_collections_are_listed_by_name),
        TEST(test_bad_names_are_refused),
        TEST(test_bad_spaces_are_refused),
        TEST(test_a_dropped_name_may_be_used_anew),
        TEST(test_dropping_gives_the_pages_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
