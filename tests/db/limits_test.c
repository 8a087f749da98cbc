/*
 * limits_test.c - each limit of what a database holds is reached and then passed: what
 * is at it is taken, what is past it gets ERR_LIMIT and a sentence with the number.
 * (Limits of filters: filter_test.c; of facets and pages: facet_test.c, pages_test.c; of
 * HTTP: tests/net.)
 */
#include "tests/db/db_test.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"

#define assert_limit(expr, number)                                                     \
    do {                                                                               \
        assert_err(expr, ERR_LIMIT);                                                   \
        if (strstr(err_detail(), number) == NULL) {                                    \
            print_error("no %s in: %s\n", number, err_detail());                       \
            fail();                                                                    \
        }                                                                              \
    } while (0)

static char *text_of(char c, size_t n)
{
    char *text = alloc_array(n + 1, 1);
    memset(text, c, n);
    text[n] = '\0';
    return text;
}

/* ---- Names and shapes ---- */

static enum err create(struct duet *db, const char *name, size_t dim, size_t n_spaces)
{
    static char names[LIMIT_SPACES_MAX + 1][24];
    struct duet_space spaces[LIMIT_SPACES_MAX + 1];
    for (size_t i = 0; i < n_spaces; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        spaces[i] = (struct duet_space){names[i], dim, DUET_DOT, DUET_FLOAT32};
    }
    return duet_collection_create(db, name, spaces, n_spaces);
}

static void test_names(void **state)
{
    struct test_db *t = *state;
    char *name = text_of('n', LIMIT_NAME_BYTES + 1);
    assert_limit(create(t->db, name, 2, 1), "255");
    struct duet_alias_change change = {DUET_ALIAS_CREATE, name, "c"};
    assert_limit(duet_aliases_change(t->db, &change, 1), "255");
    struct duet_space space = {name, 2, DUET_DOT, DUET_FLOAT32};
    assert_limit(duet_collection_create(t->db, "d", &space, 1), "255");
    name[LIMIT_NAME_BYTES] = '\0';
    assert_ok(duet_collection_create(t->db, "d", &space, 1));
    assert_ok(create(t->db, name, 2, 1));
    name[LIMIT_NAME_BYTES - 1] = 'm';
    assert_ok(duet_aliases_change(t->db, &change, 1));
    alloc_free(name);
}

static void test_dims_and_spaces(void **state)
{
    struct test_db *t = *state;
    assert_limit(create(t->db, "a", LIMIT_DIM_MAX + 1, 1), "4096");
    assert_ok(create(t->db, "a", LIMIT_DIM_MAX, 1));
    assert_limit(create(t->db, "b", 2, LIMIT_SPACES_MAX + 1), "16");
    assert_ok(create(t->db, "b", 2, LIMIT_SPACES_MAX));
    struct duet_space one_more = {"one more", 2, DUET_DOT, DUET_FLOAT32};
    assert_limit(duet_space_add(t->db, "b", &one_more), "16");
    float vector[LIMIT_DIM_MAX] = {1};
    struct duet_hits hits;
    assert_ok(test_upsert(t->db, "a", test_id(1), vector, LIMIT_DIM_MAX, NULL));
    struct duet_query q = test_query(vector, LIMIT_DIM_MAX, 1);
    assert_ok(duet_search(t->db, "a", &q, &hits));
    assert_int_equal(hits.n, 1);
    duet_hits_release(&hits);
}

static enum err change_numbers(struct txn *txn, void *arg)
{
    struct record_collection c;
    struct record_space state;
    (void)arg;
    TRY(collection_get(txn, "c", &c));
    c.next_space = LIMIT_SPACES_EVER - 1;
    TRY(collection_put(txn, &c));
    TRY(collection_space_get(txn, c.number, c.spaces[0].number, &state));
    state.next_slot = LIMIT_SLOTS_MAX - 64;
    return collection_space_put(txn, c.number, c.spaces[0].number, &state);
}

/* As if that many vectors had been written, and that many spaces added and removed. */
static void test_slots_and_spaces_that_ever_were(void **state)
{
    struct test_db *t = *state;
    const float vector[] = {1, 0};
    struct duet_space space = {"x", 2, DUET_DOT, DUET_FLOAT32};
    struct duet_hits hits;
    test_c_put(t->db, 1, NULL);
    assert_ok(store_update(t->db->store, change_numbers, NULL));
    assert_ok(duet_space_add(t->db, "c", &space));
    assert_ok(duet_space_remove(t->db, "c", "x"));
    assert_limit(duet_space_add(t->db, "c", &space), "65535");
    for (uint64_t id = 2; id < 65; id++) {
        test_c_put(t->db, id, NULL);
    }
    assert_limit(test_upsert(t->db, "c", test_id(65), vector, 2, NULL), "2147483648");
    assert_ok(duet_scroll(t->db, "c", NULL, 100, &hits));
    assert_int_equal(hits.n, 64);
    duet_hits_release(&hits);
}

/* ---- How many collections and aliases ---- */

/* Rows that look like collections as far as a count goes. */
static enum err put_collections(struct txn *txn, void *arg)
{
    struct record_collection c;
    (void)arg;
    TRY(collection_get(txn, "c", &c));
    for (int i = 1; i < LIMIT_COLLECTIONS_MAX; i++) {
        snprintf(c.name, sizeof c.name, "made %06d", i);
        c.number = 1000 + (uint32_t)i;
        TRY(collection_put(txn, &c));
    }
    return ERR_OK;
}

static void test_collections(void **state)
{
    struct test_db *t = *state;
    struct duet_collections list;
    assert_ok(store_update(t->db->store, put_collections, NULL));
    assert_limit(create(t->db, "one more", 2, 1), "65536");
    assert_ok(duet_collection_drop(t->db, "made 000007"));
    assert_ok(create(t->db, "one more", 2, 1));
    assert_limit(create(t->db, "two more", 2, 1), "65536");
    assert_ok(duet_collections_list(t->db, NULL, &list));
    assert_int_equal(list.n, LIMIT_COLLECTIONS_MAX);
    duet_collections_release(&list);
}

static void test_aliases(void **state)
{
    struct test_db *t = *state;
    static char names[LIMIT_ALIASES_MAX + 1][16];
    static struct duet_alias_change changes[LIMIT_ALIASES_MAX + 1];
    for (size_t i = 0; i <= LIMIT_ALIASES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "alias %zu", i);
        changes[i] = (struct duet_alias_change){DUET_ALIAS_CREATE, names[i], "c"};
    }
    assert_limit(duet_aliases_change(t->db, changes, LIMIT_ALIASES_MAX + 1), "65536");
    assert_ok(duet_aliases_change(t->db, changes, LIMIT_ALIASES_MAX));
    assert_limit(duet_aliases_change(t->db, &changes[LIMIT_ALIASES_MAX], 1), "65536");
    struct duet_aliases list;
    assert_ok(duet_aliases_list(t->db, NULL, &list));
    assert_int_equal(list.n, LIMIT_ALIASES_MAX);
    duet_aliases_release(&list);
    test_collection_make(t->db, "d", 2, DUET_DOT);
    changes[5].to = "d"; /* one that is there may be switched */
    assert_ok(duet_aliases_change(t->db, &changes[5], 1));
}

/* ---- Payloads ---- */

static void test_payload_bytes_and_depth(void **state)
{
    struct test_db *t = *state;
    const float vector[] = {1, 0};
    enum { FRAME = 8 }; /* {"a":""} */
    char *payload = text_of('x', LIMIT_PAYLOAD_BYTES + 1);
    memcpy(payload, "{\"a\":\"", 6);
    memcpy(payload + LIMIT_PAYLOAD_BYTES - 1, "\"}", 2);
    assert_limit(test_upsert(t->db, "c", test_id(1), vector, 2, payload), "1048576");
    memcpy(payload + LIMIT_PAYLOAD_BYTES - 2, "\"}", 3);
    assert_ok(test_upsert(t->db, "c", test_id(1), vector, 2, payload));
    alloc_free(payload);
    char deep[2 * LIMIT_JSON_DEPTH + 2 * FRAME];
    for (size_t depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
        size_t n = (size_t)snprintf(deep, sizeof deep, "{\"a\":");
        memset(deep + n, '[', depth - 1);
        memset(deep + n + depth - 1, ']', depth - 1);
        memcpy(deep + n + 2 * (depth - 1), "}", 2);
        enum err result = test_upsert(t->db, "c", test_id(2), vector, 2, deep);
        assert_int_equal(result, depth == LIMIT_JSON_DEPTH ? ERR_OK : ERR_LIMIT);
    }
    assert_non_null(strstr(err_detail(), "more than 32 deep"));
}

static void test_metadata_bytes(void **state)
{
    struct test_db *t = *state;
    char *text = text_of(' ', LIMIT_PAYLOAD_BYTES + 1);
    text[0] = '{';
    text[LIMIT_PAYLOAD_BYTES - 1] = '}';
    assert_ok(duet_collection_set_metadata(t->db, "c", text, LIMIT_PAYLOAD_BYTES));
    assert_limit(
        duet_collection_set_metadata(t->db, "c", text, LIMIT_PAYLOAD_BYTES + 1),
        "1048576");
    alloc_free(text);
}

/* ---- Requests ---- */

static void test_k_and_offset(void **state)
{
    struct test_db *t = *state;
    const float vector[] = {1, 0};
    struct duet_hits hits;
    struct duet_query q = test_query(vector, 2, LIMIT_K_MAX + 1);
    test_c_put(t->db, 1, NULL);
    assert_limit(duet_search(t->db, "c", &q, &hits), "10000");
    q.k = LIMIT_K_MAX;
    assert_ok(duet_search(t->db, "c", &q, &hits));
    duet_hits_release(&hits);
    q.offset = 1;
    assert_limit(duet_search(t->db, "c", &q, &hits), "10000");
    assert_limit(duet_scroll(t->db, "c", NULL, LIMIT_K_MAX + 1, &hits), "10000");
    assert_ok(duet_scroll(t->db, "c", NULL, LIMIT_K_MAX, &hits));
    duet_hits_release(&hits);
}

static void test_points_and_operations_of_a_request(void **state)
{
    struct test_db *t = *state;
    static struct duet_point_input points[LIMIT_BATCH_POINTS + 1];
    static struct duet_id ids[LIMIT_BATCH_POINTS + 1];
    static struct duet_operation operations[LIMIT_OPERATIONS_MAX + 1];
    for (size_t i = 0; i <= LIMIT_BATCH_POINTS; i++) {
        ids[i] = test_id(i);
        points[i] = (struct duet_point_input){.id = ids[i]};
    }
    assert_limit(duet_upsert(t->db, "c", points, LIMIT_BATCH_POINTS + 1), "10000");
    assert_ok(duet_upsert(t->db, "c", points, LIMIT_BATCH_POINTS));
    assert_limit(duet_remove(t->db, "c", ids, LIMIT_BATCH_POINTS + 1, NULL), "10000");
    for (size_t i = 0; i <= LIMIT_OPERATIONS_MAX; i++) {
        operations[i] =
            (struct duet_operation){.kind = DUET_OP_DELETE, .ids = ids, .n_ids = 1};
    }
    assert_limit(duet_apply(t->db, "c", operations, LIMIT_OPERATIONS_MAX + 1), "1000");
    assert_ok(duet_apply(t->db, "c", operations, LIMIT_OPERATIONS_MAX));
}

static void test_points_that_one_filter_selects(void **state)
{
    struct test_db *t = *state;
    static struct duet_point_input points[LIMIT_BATCH_POINTS];
    const struct duet_operation clear = {.kind = DUET_OP_CLEAR_PAYLOAD,
                                         .filter = "{\"must\": []}"};
    size_t n = 0;
    while (n < LIMIT_SELECTED_POINTS) {
        for (size_t i = 0; i < LIMIT_BATCH_POINTS; i++) {
            points[i] = (struct duet_point_input){.id = test_id(n++)};
        }
        assert_ok(duet_upsert(t->db, "c", points, LIMIT_BATCH_POINTS));
    }
    assert_ok(duet_apply(t->db, "c", &clear, 1));
    test_c_put(t->db, n, NULL);
    assert_limit(duet_apply(t->db, "c", &clear, 1), "100000");
}

static void test_bytes_of_a_filter(void **state)
{
    struct test_db *t = *state;
    char *filter = text_of(' ', LIMIT_FILTER_BYTES + 1);
    size_t n;
    memcpy(filter, "{}", 2);
    assert_limit(duet_count_where(t->db, "c", filter, &n), "4194304");
    filter[LIMIT_FILTER_BYTES] = '\0';
    assert_ok(duet_count_where(t->db, "c", filter, &n));
    alloc_free(filter);
}

static void test_bytes_of_a_text(void **state)
{
    struct test_db *t = *state;
    char *text = text_of('a', LIMIT_TEXT_BYTES + 1);
    struct duet_hits hits;
    struct duet_query q = DUET_QUERY_DEFAULT;
    assert_ok(duet_collection_create(t->db, "pictures", NULL, 0));
    q.input = duet_input_text(text);
    assert_limit(duet_search(t->db, "pictures", &q, &hits), "65536");
    text[LIMIT_TEXT_BYTES] = '\0';
    q.input = duet_input_text(text);
    assert_ok(duet_search(t->db, "pictures", &q, &hits));
    duet_hits_release(&hits);
    alloc_free(text);
}

/* ---- Readers ---- */

static void test_readers_at_once(void **state)
{
    struct test_db *t = *state;
    static struct txn txns[LIMIT_READERS];
    struct txn one_more;
    size_t count;
    size_t n = 0;
    while (n < LIMIT_READERS && store_read(t->db->store, &txns[n]) == ERR_OK) {
        n++;
    }
    assert_int_equal(n, LIMIT_READERS);
    assert_err(store_read(t->db->store, &one_more), ERR_BUSY);
    assert_non_null(strstr(err_detail(), "1024 readers"));
    assert_err(duet_count(t->db, "c", &count), ERR_BUSY);
    store_end(&txns[500]);
    assert_ok(duet_count(t->db, "c", &count));
    while (n-- > 0) {
        store_end(&txns[n]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_c_make, test_c_remove)
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_dims_and_spaces),
        TEST(test_slots_and_spaces_that_ever_were),
        TEST(test_collections),
        TEST(test_aliases),
        TEST(test_payload_bytes_and_depth),
        TEST(test_metadata_bytes),
        TEST(test_k_and_offset),
        TEST(test_points_and_operations_of_a_request),
        TEST(test_points_that_one_filter_selects),
        TEST(test_bytes_of_a_filter),
        TEST(test_bytes_of_a_text),
        TEST(test_readers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
