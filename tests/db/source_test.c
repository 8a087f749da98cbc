/*
 * source_test.c - system records and content hashes: db/source.c, and their writing in
 * db/edit.c.
 */
#include "tests/db/db_test.h"

#include "base/alloc.h"
#include "db/db_internal.h"

struct fixture {
    struct test_db t;
    struct buf path;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    test_db_make(&f->t);
    test_collection_make(f->t.db, "c", 3, DUET_COSINE);
    test_collection_make(f->t.db, "d", 3, DUET_COSINE);
    buf_init(&f->path, 4096);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    buf_release(&f->path);
    free(f);
    return 0;
}

static void write_point(struct fixture *f, const char *collection, uint64_t number,
                        const char *path, uint8_t hash)
{
    struct db_source source = {.path = path, .hash = {hash}, .size = 7, .mtime_ns = -3};
    struct db_write write = {.id = test_id(number), .source = &source};
    assert_ok(db_write_points(f->t.db, collection, &write, 1));
}

static size_t count_hash(struct fixture *f, const char *collection, uint8_t hash)
{
    const uint8_t bytes[DB_HASH_BYTES] = {hash};
    struct duet_id *ids;
    size_t n;
    assert_ok(db_source_find_hash(f->t.db, collection, bytes, &ids, &n));
    alloc_free(ids);
    return n;
}

static enum err get(struct fixture *f, uint64_t number, struct db_source *source)
{
    return db_source_get(f->t.db, "c", test_id(number), &f->path, source);
}

static void test_a_source_comes_back_and_shows_in_hits(void **state)
{
    struct fixture *f = *state;
    struct db_source source;
    struct duet_hits hits;
    write_point(f, "c", 1, "/a/b.jpg", 9);
    assert_ok(get(f, 1, &source));
    assert_string_equal(source.path, "/a/b.jpg");
    assert_true(source.size == 7 && source.mtime_ns == -3 && source.hash[0] == 9);
    assert_err(get(f, 2, &source), ERR_NOT_FOUND);
    assert_ok(duet_get(f->t.db, "c", &(struct duet_id){.number = 1}, 1, false, &hits));
    assert_string_equal(hits.hits[0].source, "/a/b.jpg");
    duet_hits_release(&hits);
}

static void test_a_content_is_found_in_its_collection_by_id(void **state)
{
    struct fixture *f = *state;
    const uint8_t hash[DB_HASH_BYTES] = {9};
    struct duet_id *ids;
    size_t n;
    write_point(f, "c", 5, "/a", 9);
    write_point(f, "c", 2, "/b", 9);
    write_point(f, "c", 3, "/c", 8);
    write_point(f, "d", 4, "/d", 9);
    assert_ok(db_source_find_hash(f->t.db, "c", hash, &ids, &n));
    assert_int_equal(n, 2);
    assert_int_equal(ids[0].number, 2);
    assert_int_equal(ids[1].number, 5);
    alloc_free(ids);
    assert_int_equal(count_hash(f, "c", 7), 0);
}

static void test_a_changed_content_leaves_no_old_hash(void **state)
{
    struct fixture *f = *state;
    write_point(f, "c", 1, "/a", 9);
    write_point(f, "c", 1, "/a", 8);
    assert_int_equal(count_hash(f, "c", 9), 0);
    assert_int_equal(count_hash(f, "c", 8), 1);
    assert_ok(duet_remove(f->t.db, "c", &(struct duet_id){.number = 1}, 1, NULL));
    assert_int_equal(count_hash(f, "c", 8), 0);
}

static void test_a_moved_file_takes_its_payload_and_leaves_its_old_id(void **state)
{
    struct fixture *f = *state;
    struct db_source moved = {.path = "/new", .hash = {9}};
    struct duet_id old = test_id(1);
    struct db_write write = {
        .id = test_id(2), .source = &moved, .replaces = &old, .payload = "{}"};
    size_t n;
    write.n_payload = 2;
    write_point(f, "c", 1, "/old", 9);
    assert_ok(db_write_points(f->t.db, "c", &write, 1));
    assert_ok(duet_count(f->t.db, "c", &n));
    assert_int_equal(n, 1);
    assert_int_equal(count_hash(f, "c", 9), 1);
    struct db_source source;
    assert_err(get(f, 1, &source), ERR_NOT_FOUND);
    assert_ok(get(f, 2, &source));
}

static void test_a_write_keeps_or_drops_the_source_as_told(void **state)
{
    struct fixture *f = *state;
    struct db_source source;
    struct db_write write = {.id = test_id(1)};
    write_point(f, "c", 1, "/a", 9);
    assert_ok(db_write_points(f->t.db, "c", &write, 1));
    assert_ok(get(f, 1, &source));
    write.drop_source = true;
    assert_ok(db_write_points(f->t.db, "c", &write, 1));
    assert_err(get(f, 1, &source), ERR_NOT_FOUND);
    assert_int_equal(count_hash(f, "c", 9), 0);
}

/* A db_source_visit. */
static enum err count_three(void *arg, struct duet_id id,
                            const struct db_source *source)
{
    size_t *n = arg;
    (void)id;
    assert_true(strncmp(source->path, "/pictures/", 10) == 0);
    return ++*n == 3 ? err_set(ERR_CANCELLED, "enough") : ERR_OK;
}

static void test_a_walk_keeps_to_its_prefix_and_stops_when_told(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    write_point(f, "c", 1, "/pictures/a", 1);
    write_point(f, "c", 2, "/pictures2/a", 2);
    write_point(f, "c", 3, "/pictures/b", 3);
    write_point(f, "d", 4, "/pictures/c", 4);
    assert_ok(db_sources_walk(f->t.db, "c", "/pictures/", count_three, &n));
    assert_int_equal(n, 2);
    write_point(f, "c", 5, "/pictures/d", 5);
    write_point(f, "c", 6, "/pictures/e", 6);
    n = 0;
    assert_err(db_sources_walk(f->t.db, "c", "/pictures/", count_three, &n),
               ERR_CANCELLED);
    assert_int_equal(n, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_source_comes_back_and_shows_in_hits),
        TEST(test_a_content_is_found_in_its_collection_by_id),
        TEST(test_a_changed_content_leaves_no_old_hash),
        TEST(test_a_moved_file_takes_its_payload_and_leaves_its_old_id),
        TEST(test_a_write_keeps_or_drops_the_source_as_told),
        TEST(test_a_walk_keeps_to_its_prefix_and_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
