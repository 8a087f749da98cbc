/*
 * torture_test.c - each allocation of an operation fails once in turn: the operation
 * fails cleanly and changes nothing, or does not need that memory.
 */
#include "tests/db/db_test.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/db_internal.h"
#include "db/duet_keep.h"
#include "db/duet_snapshot.h"

enum { DIM = 8, N = 300, STEPS_MAX = 2000 };

static void fill(struct duet *db)
{
    static float vectors[N][DIM];
    static struct duet_named_input inputs[N];
    static struct duet_point_input points[N];
    for (size_t i = 0; i < N; i++) {
        vectors[i][0] = 1;
        vectors[i][1] = (float)i;
        inputs[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = vectors[i], .n = DIM}};
        points[i] =
            (struct duet_point_input){test_id(i), "{\"a\":1}", 7, &inputs[i], 1};
    }
    assert_ok(duet_upsert(db, "c", points, N));
}

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    log_set_level(LOG_ERROR); /* the builder fails as well, and says so */
    test_folder_make(t->folder);
    struct duet_options o = test_db_options(t);
    o.seal_at = 256;
    assert_ok(duet_open(&t->db, &o));
    test_collection_make(t->db, "c", DIM, DUET_COSINE);
    fill(t->db);
    assert_ok(duet_seal(t->db, "c"));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

/* Runs `operation` with ever more allocations until it succeeds; `unchanged` looks at
 * the database after each failure. */
static void torture(struct test_db *t, enum err (*operation)(struct duet *db),
                    void (*unchanged)(struct duet *db))
{
    long n = 0;
    enum err result = ERR_NOMEM;
    for (; n < STEPS_MAX && result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = operation(t->db);
        alloc_fail_after(-1);
        if (result != ERR_OK) {
            assert_int_equal(result, ERR_NOMEM);
            assert_true(err_detail()[0] != '\0');
            unchanged(t->db);
        }
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 1); /* it did need memory */
}

static size_t count(struct duet *db)
{
    size_t n;
    assert_ok(duet_count(db, "c", &n));
    return n;
}

static void nothing_was_written(struct duet *db)
{
    struct duet_hits got;
    struct duet_id id = test_id(1000);
    assert_int_equal(count(db), N);
    assert_ok(duet_get(db, "c", &id, 1, false, &got));
    assert_int_equal(got.n, 0);
}

static void nothing_was_removed(struct duet *db)
{
    assert_int_equal(count(db), N);
}

static void no_matter(struct duet *db)
{
    (void)db;
}

/* ---- Operations ---- */

static enum err upsert_some(struct duet *db)
{
    float v[DIM] = {1, 2, 3};
    struct duet_named_input input = {
        "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = DIM}};
    struct duet_point_input points[100];
    for (uint64_t i = 0; i < 100; i++) {
        points[i] =
            (struct duet_point_input){test_id(1000 + i), "{\"b\":2}", 7, &input, 1};
    }
    return duet_upsert(db, "c", points, 100);
}

static enum err remove_one(struct duet *db)
{
    struct duet_id id = test_id(5);
    return duet_remove(db, "c", &id, 1, NULL);
}

static enum err search_with(struct duet *db, bool exact)
{
    float v[DIM] = {1, 20};
    struct duet_hits got;
    struct duet_query q = test_query(v, DIM, 5);
    q.exact = exact;
    q.vectors = true;
    q.oversampling = 20;
    enum err result = duet_search(db, "c", &q, &got);
    if (result == ERR_OK) {
        assert_int_equal(got.n, 5);
        assert_int_equal(got.hits[0].id.number, 20);
        duet_hits_release(&got);
    } else {
        assert_null(got.hits);
    }
    return result;
}

static enum err search_exactly(struct duet *db)
{
    return search_with(db, true);
}

static enum err search_segments(struct duet *db)
{
    return search_with(db, false);
}

static const char FILTER[] =
    "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":[1,2]}},{\"has_vector\":\"v\"}]}";

static enum err search_filtered(struct duet *db)
{
    float v[DIM] = {1, 20};
    struct duet_hits got;
    struct duet_query q = test_query(v, DIM, 5);
    q.filter = FILTER;
    enum err result = duet_search(db, "c", &q, &got);
    if (result == ERR_OK) {
        assert_int_equal(got.n, 5);
        duet_hits_release(&got);
    } else {
        assert_null(got.hits);
    }
    return result;
}

/* All kinds of queries in one tree. */
static enum err search_tree(struct duet *db)
{
    static const float v[DIM] = {1, 20};
    const struct duet_input input = {.kind = DUET_INPUT_VECTOR, .vector = v, .n = DIM};
    const struct duet_input point = {.kind = DUET_INPUT_POINT, .id = {.number = 3}};
    const struct duet_example examples[] = {{input, 1}, {point, -0.1f}};
    const struct duet_query sample[] = {{.kind = DUET_QUERY_SAMPLE, .k = N}};
    const struct duet_query prefetch[] = {
        {.kind = DUET_QUERY_MIX, .examples = examples, .n_examples = 2, .k = 9},
        {.kind = DUET_QUERY_RECOMMEND,
         .strategy = DUET_BEST_SCORE,
         .examples = examples,
         .n_examples = 2,
         .filter = FILTER,
         .k = 9,
         .prefetch = sample,
         .n_prefetch = 1},
        {.kind = DUET_QUERY_RECOMMEND,
         .strategy = DUET_SUM_SCORES,
         .examples = examples,
         .n_examples = 2,
         .k = 9}};
    const struct duet_query q = {.kind = DUET_QUERY_RRF,
                                 .filter = FILTER,
                                 .prefetch = prefetch,
                                 .n_prefetch = 3,
                                 .k = 5,
                                 .payload = true};
    struct duet_hits got[2];
    enum err result =
        duet_search_many(db, "c", (const struct duet_query[]){q, q}, 2, got);
    if (result != ERR_OK) {
        assert_null(got[0].hits);
        return result;
    }
    assert_int_equal(got[1].n, 5);
    duet_hits_release(&got[0]);
    duet_hits_release(&got[1]);
    return ERR_OK;
}

static enum err search_groups(struct duet *db)
{
    static const float v[DIM] = {1, 20};
    struct duet_query q = test_query(v, DIM, 2);
    const struct duet_grouping g = {.path = "a", .size = 3, .lookup = "c"};
    struct duet_groups got;
    enum err result = duet_search_groups(db, "c", &q, &g, &got);
    assert_true(result == ERR_OK ? got.n > 0 : got.items == NULL);
    duet_groups_release(&got);
    return result;
}

static enum err count_filtered(struct duet *db)
{
    size_t n;
    enum err result = duet_count_where(db, "c", FILTER, &n);
    assert_int_equal(n, result == ERR_OK ? N : 0);
    return result;
}

static enum err scroll_filtered(struct duet *db)
{
    struct duet_hits got;
    enum err result = duet_scroll_where(db, "c", FILTER, NULL, 20, &got);
    assert_int_equal(got.n, result == ERR_OK ? 20 : 0);
    duet_hits_release(&got);
    return result;
}

static enum err scroll_ordered(struct duet *db)
{
    struct duet_hits got;
    struct duet_ordered what = DUET_ORDERED_DEFAULT;
    what.by = (struct duet_order){.key = "a", .descending = true, .start_from = "5"};
    what.filter = FILTER;
    what.vectors = true;
    enum err result = duet_scroll_ordered(db, "c", &what, &got);
    assert_int_equal(got.n, result == ERR_OK ? 10 : 0);
    duet_hits_release(&got);
    return result;
}

static enum err count_values(struct duet *db)
{
    struct duet_facets facets;
    const struct duet_facet what = {"a", FILTER, 10};
    enum err result = duet_facet(db, "c", &what, &facets);
    assert_int_equal(facets.n, result == ERR_OK ? 1 : 0);
    duet_facets_release(&facets);
    return result;
}

static enum err keep_and_read(struct duet *db)
{
    struct duet_hits all, got = {0};
    struct duet_page_info info;
    char token[DUET_PAGES_TOKEN_MAX];
    struct duet_page page = {token, 1, 3, true, true};
    enum err result = duet_scroll(db, "c", NULL, 5, &all);
    if (result == ERR_OK) {
        result = duet_pages_open(db, "c", &all, token);
    }
    if (result == ERR_OK) {
        result = duet_pages_read(db, "c", &page, &got, &info);
        duet_pages_close(db, token);
    }
    assert_int_equal(got.n, result == ERR_OK ? 3 : 0);
    duet_hits_release(&got);
    duet_hits_release(&all);
    return result;
}

static const char RANGE[] = "{\"must\":[{\"key\":\"a\",\"range\":{\"lt\":2}},"
                            "{\"key\":\"t\",\"match\":{\"text\":\"x y\"}}]}";

static enum err count_by_index(struct duet *db)
{
    size_t n;
    enum err result = duet_count_where(db, "c", RANGE, &n);
    assert_int_equal(n, 0);
    return result;
}

static enum err create_index(struct duet *db)
{
    return duet_index_create(db, "c", "a", "{\"type\":\"integer\"}");
}

static enum err create_text_index(struct duet *db)
{
    return duet_index_create(db, "c", "t", "\"text\"");
}

static enum err remove_index(struct duet *db)
{
    return duet_index_remove(db, "c", "t");
}

static enum err list_indexes(struct duet *db)
{
    struct duet_indexes list;
    enum err result = duet_indexes_list(db, "c", &list);
    assert_int_equal(list.n, result == ERR_OK ? 2 : 0);
    duet_indexes_release(&list);
    return result;
}

static enum err remove_filtered(struct duet *db)
{
    return duet_remove_where(db, "c", "{\"must\":{\"has_id\":[5,6,7]}}", NULL);
}

static enum err get_one(struct duet *db)
{
    struct duet_hits got;
    struct duet_id id = test_id(5);
    enum err result = duet_get(db, "c", &id, 1, true, &got);
    duet_hits_release(&got);
    return result;
}

static enum err list_collections(struct duet *db)
{
    struct duet_collections list;
    enum err result = duet_collections_list(db, NULL, &list);
    duet_collections_release(&list);
    return result;
}

static enum err create_collection(struct duet *db)
{
    struct duet_space space = {"v", 3, DUET_COSINE, DUET_FLOAT32};
    return duet_collection_create(db, "d", &space, 1);
}

static void it_was_not_created(struct duet *db)
{
    struct duet_collections list;
    assert_int_equal(duet_collections_list(db, "d", &list), ERR_NOT_FOUND);
}

static void test_upsert_changes_nothing(void **state)
{
    torture(*state, upsert_some, nothing_was_written);
}

static void test_remove_changes_nothing(void **state)
{
    torture(*state, remove_one, nothing_was_removed);
}

static enum err apply_some(struct duet *db)
{
    static const char *const names[] = {"a", "b.c[]"};
    static const char *const spaces[] = {"v"};
    static const struct duet_id ids[] = {{.number = 5}, {.number = 6}};
    float v[DIM] = {1, 2, 3};
    struct duet_named_input input = {
        "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = DIM}};
    struct duet_point_input p = {
        .id = test_id(1000), .vectors = &input, .n_vectors = 1};
    struct duet_point_input old = {.id = test_id(7), .vectors = &input, .n_vectors = 1};
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_UPSERT, .points = &p, .n_points = 1},
        {.kind = DUET_OP_SET_PAYLOAD,
         .ids = ids,
         .n_ids = 2,
         .payload = "{\"x\":1}",
         .n_payload = 7,
         .key = "b.c"},
        {.kind = DUET_OP_DELETE_PAYLOAD,
         .ids = ids,
         .n_ids = 2,
         .names = names,
         .n_names = 2},
        {.kind = DUET_OP_UPDATE_VECTORS, .points = &old, .n_points = 1},
        {.kind = DUET_OP_DELETE_VECTORS,
         .ids = ids,
         .n_ids = 2,
         .names = spaces,
         .n_names = 1},
    };
    return duet_apply(db, "c", batch, 5);
}

static enum err list_aliases(struct duet *db)
{
    struct duet_aliases list;
    enum err result = duet_aliases_list(db, NULL, &list);
    duet_aliases_release(&list);
    return result;
}

static enum err add_space(struct duet *db)
{
    struct duet_space space = {"w", 3, DUET_EUCLID, DUET_UINT8};
    return duet_space_add(db, "c", &space);
}

static enum err remove_space(struct duet *db)
{
    return duet_space_remove(db, "c", "w");
}

static void test_batches_change_nothing(void **state)
{
    torture(*state, apply_some, nothing_was_written);
}

static void test_aliases_and_spaces(void **state)
{
    const struct duet_alias_change change = {DUET_ALIAS_CREATE, "one", "c"};
    assert_ok(duet_aliases_change(((struct test_db *)*state)->db, &change, 1));
    torture(*state, list_aliases, no_matter);
    torture(*state, add_space, no_matter);
    torture(*state, remove_space, no_matter);
}

static void test_exact_search(void **state)
{
    torture(*state, search_exactly, no_matter);
}

static void test_segment_search(void **state)
{
    torture(*state, search_segments, no_matter);
}

static void test_filters(void **state)
{
    torture(*state, search_filtered, no_matter);
    torture(*state, count_filtered, no_matter);
    torture(*state, scroll_filtered, no_matter);
    torture(*state, remove_filtered, nothing_was_removed);
}

static void test_query_trees(void **state)
{
    torture(*state, search_tree, no_matter);
    torture(*state, search_groups, no_matter);
}

static void test_orders_facets_and_pages(void **state)
{
    torture(*state, scroll_ordered, no_matter);
    torture(*state, count_values, no_matter);
    torture(*state, keep_and_read, no_matter);
}

/* An index that was begun is finished by the next try. */
static void test_indexes(void **state)
{
    struct test_db *t = *state;
    torture(t, create_index, no_matter);
    torture(t, create_text_index, no_matter);
    torture(t, list_indexes, no_matter);
    torture(t, search_filtered, no_matter);
    torture(t, count_filtered, no_matter);
    torture(t, count_by_index, no_matter);
    torture(t, upsert_some, nothing_was_written);
    torture(t, remove_index, no_matter);
    assert_ok(duet_seal(t->db, "c"));
    test_check_sound(t->db);
}

static void test_get(void **state)
{
    torture(*state, get_one, no_matter);
}

static void test_collections(void **state)
{
    torture(*state, list_collections, no_matter);
    torture(*state, create_collection, it_was_not_created);
}

/* ---- Keeping ---- */

static enum err verify(struct duet *db)
{
    struct duet_check_options o = {.found = NULL};
    struct duet_check_result r;
    enum err result = duet_verify(db, &o, &r);
    /* A segment that memory was short for counts as broken until the next opening. */
    assert_int_equal(r.n_damage, 0);
    return result;
}

/* A path that only this process uses. */
static const char *backup_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/duet-torture-%ld.bak", (long)getpid());
    return path;
}

static enum err back_up(struct duet *db)
{
    struct duet_backup_result r;
    const char *path = backup_path();
    enum err result = duet_backup(db, path, &r);
    assert_true((access(path, F_OK) == 0) == (result == ERR_OK));
    unlink(path);
    return result;
}

static enum err take_snapshot(struct duet *db)
{
    struct duet_snapshot s;
    struct duet_snapshots all;
    TRY(duet_snapshot_create(db, "c", &s));
    TRY(duet_snapshots_list(db, "c", &all));
    duet_snapshots_release(&all);
    return duet_snapshot_delete(db, "c", s.name);
}

/* What was made before the failure would make the next list longer. */
static void delete_snapshots(struct duet *db)
{
    struct duet_snapshots all;
    assert_ok(duet_snapshots_list(db, "c", &all));
    for (size_t i = 0; i < all.n; i++) {
        assert_ok(duet_snapshot_delete(db, "c", all.items[i].name));
    }
    duet_snapshots_release(&all);
}

static int snapshot_fd; /* of the database as it was filled */

static enum err recover(struct duet *db)
{
    return duet_snapshot_recover(db, "c", snapshot_fd, NULL);
}

static void test_snapshots(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    struct duet_snapshot_file file;
    torture(t, take_snapshot, delete_snapshots);
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    assert_ok(duet_snapshot_locate(t->db, "c", s.name, &file));
    snapshot_fd = file.fd;
    torture(t, recover, nothing_was_removed);
    close(file.fd);
}

static void test_verify(void **state)
{
    torture(*state, verify, no_matter);
}

static void test_backup(void **state)
{
    torture(*state, back_up, no_matter);
}

/* Runs `operation` on a database that nobody has open, with ever more allocations. */
static void torture_closed(struct test_db *t, enum err (*operation)(const char *folder))
{
    long n = 0;
    enum err result = ERR_NOMEM;
    duet_close(t->db);
    t->db = NULL;
    for (; n < STEPS_MAX && result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = operation(t->folder);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 1);
    struct duet_options o = test_db_options(t);
    assert_ok(duet_open(&t->db, &o));
    assert_int_equal(count(t->db), N);
    assert_ok(duet_seal(t->db, "c"));
    assert_ok(verify(t->db));
}

static enum err compact(const char *folder)
{
    struct duet_compact_result r;
    struct duet_options o = {.path = folder, .n_threads = 1, .seal_at = 256};
    return duet_compact(&o, &r);
}

static enum err repair(const char *folder)
{
    struct duet_check_result r;
    struct duet_repair_options o = {.path = folder};
    return duet_repair(&o, &r);
}

/* Of a backup made before, into a folder that is removed again. */
static enum err restore(const char *folder)
{
    struct duet_backup_result r;
    char copy[80];
    snprintf(copy, sizeof copy, "%s.copy", folder);
    int fd = open(backup_path(), O_RDONLY);
    assert_true(fd >= 0);
    enum err result = duet_restore_fd(fd, copy, &r);
    close(fd);
    assert_true((access(copy, F_OK) == 0) == (result == ERR_OK));
    if (result == ERR_OK) {
        test_folder_remove(copy);
    }
    return result;
}

static void test_compact(void **state)
{
    torture_closed(*state, compact);
}

static void test_repair(void **state)
{
    torture_closed(*state, repair);
}

static void test_restore(void **state)
{
    struct test_db *t = *state;
    struct duet_backup_result r;
    assert_ok(duet_backup(t->db, backup_path(), &r));
    torture_closed(t, restore);
    unlink(backup_path());
}

static void test_open(void **state)
{
    struct test_db *t = *state;
    long n = 0;
    duet_close(t->db);
    t->db = NULL;
    enum err result = ERR_NOMEM;
    for (; n < STEPS_MAX && result != ERR_OK; n++) {
        struct duet_options o = test_db_options(t);
        alloc_fail_after(n);
        result = duet_open(&t->db, &o);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && t->db == NULL));
    }
    assert_int_equal(result, ERR_OK);
    assert_true(n > 1);
    assert_int_equal(count(t->db), N);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_upsert_changes_nothing),
        TEST(test_remove_changes_nothing),
        TEST(test_batches_change_nothing),
        TEST(test_aliases_and_spaces),
        TEST(test_exact_search),
        TEST(test_segment_search),
        TEST(test_filters),
        TEST(test_query_trees),
        TEST(test_orders_facets_and_pages),
        TEST(test_indexes),
        TEST(test_get),
        TEST(test_collections),
        TEST(test_open),
        TEST(test_verify),
        TEST(test_backup),
        TEST(test_snapshots),
        TEST(test_compact),
        TEST(test_repair),
        TEST(test_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
