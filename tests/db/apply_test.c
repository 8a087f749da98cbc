/*
 * apply_test.c - db/apply.c: operations on points, each and in batches. The points are
 * 1 and 2 of a collection of the spaces "a" (3, Dot) and "b" (2, Euclid).
 */
#include "tests/db/db_test.h"

#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"

struct vectors {
    float a[3], b[2];
    struct duet_named_input named[2];
};

static struct duet_point_input point(uint64_t id, const char *payload, float x,
                                     struct vectors *v)
{
    *v = (struct vectors){.a = {x, 1, 0}, .b = {x, 2}};
    v->named[0] = (struct duet_named_input){
        "a", {.kind = DUET_INPUT_VECTOR, .vector = v->a, .n = 3}};
    v->named[1] = (struct duet_named_input){
        "b", {.kind = DUET_INPUT_VECTOR, .vector = v->b, .n = 2}};
    return (struct duet_point_input){.id = test_id(id),
                                     .payload = payload,
                                     .n_payload = payload == NULL ? 0 : strlen(payload),
                                     .vectors = v->named,
                                     .n_vectors = 2};
}

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    const struct duet_space spaces[] = {{"a", 3, DUET_DOT, DUET_FLOAT32},
                                        {"b", 2, DUET_EUCLID, DUET_FLOAT32}};
    struct vectors v[2];
    test_db_make(t);
    assert_ok(duet_collection_create(t->db, "c", spaces, 2));
    const struct duet_point_input points[] = {
        point(1, "{\"k\":{\"x\":1},\"l\":2}", 1, &v[0]), point(2, NULL, 2, &v[1])};
    assert_ok(duet_upsert(t->db, "c", points, 2));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

/* The payload of a point, and its first number in each space; NULL: no such point. */
static void check_point(struct test_db *t, uint64_t id, const char *payload, float a,
                        float b)
{
    struct duet_hits got;
    struct duet_id wanted = test_id(id);
    float found[2] = {NAN, NAN};
    assert_ok(duet_get(t->db, "c", &wanted, 1, true, &got));
    assert_int_equal(got.n, payload == NULL ? 0 : 1);
    if (got.n == 1) {
        assert_string_equal(got.hits[0].payload, payload);
        for (size_t i = 0; i < got.hits[0].n_vectors; i++) {
            found[got.hits[0].vectors[i].space[0] - 'a'] =
                got.hits[0].vectors[i].values[0];
        }
        assert_true(isnan(a) ? isnan(found[0]) : found[0] == a);
        assert_true(isnan(b) ? isnan(found[1]) : found[1] == b);
    }
    duet_hits_release(&got);
}

static const struct duet_id one[] = {{.number = 1}};
static const struct duet_id both[] = {{.number = 1}, {.number = 2}};
static const struct duet_id gone[] = {{.number = 1}, {.number = 3}};

static struct duet_operation set(const struct duet_id *ids, size_t n, const char *key,
                                 const char *payload)
{
    return (struct duet_operation){.kind = DUET_OP_SET_PAYLOAD,
                                   .ids = ids,
                                   .n_ids = n,
                                   .key = key,
                                   .payload = payload,
                                   .n_payload = strlen(payload)};
}

static uint32_t next_slot(struct test_db *t)
{
    struct txn txn;
    struct record_collection c;
    struct record_space space;
    assert_ok(store_read(t->db->store, &txn));
    assert_ok(collection_get(&txn, "c", &c));
    assert_ok(collection_space_get(&txn, c.number, c.spaces[0].number, &space));
    store_end(&txn);
    return space.next_slot;
}

static void test_payload_operations_leave_the_vectors(void **state)
{
    struct test_db *t = *state;
    static const char *const names[] = {"k.y", "l"};
    uint32_t slot = next_slot(t);
    struct duet_operation o = set(both, 2, NULL, "{\"m\":3}");
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2,\"m\":3}", 1, 1);
    check_point(t, 2, "{\"m\":3}", 2, 2);
    o = set(one, 1, "k", "{\"y\":4}");
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1,\"y\":4},\"l\":2,\"m\":3}", 1, 1);
    o = (struct duet_operation){.kind = DUET_OP_DELETE_PAYLOAD,
                                .ids = both,
                                .n_ids = 2,
                                .names = names,
                                .n_names = 2};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"m\":3}", 1, 1);
    o = set(one, 1, NULL, "{\"n\":null}");
    o.kind = DUET_OP_OVERWRITE_PAYLOAD;
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"n\":null}", 1, 1);
    o = (struct duet_operation){.kind = DUET_OP_CLEAR_PAYLOAD, .ids = both, .n_ids = 2};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{}", 1, 1);
    check_point(t, 2, "{}", 2, 2);
    assert_int_equal(next_slot(t), slot);
}

static void test_vectors_are_updated_and_deleted_by_space(void **state)
{
    struct test_db *t = *state;
    const char *names[] = {"a"};
    struct vectors v;
    struct duet_point_input p = point(1, NULL, 7, &v);
    p.n_vectors = 1;
    struct duet_operation o = {
        .kind = DUET_OP_UPDATE_VECTORS, .points = &p, .n_points = 1};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2}", 7, 1);
    o = (struct duet_operation){.kind = DUET_OP_DELETE_VECTORS,
                                .ids = both,
                                .n_ids = 2,
                                .names = names,
                                .n_names = 1};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2}", NAN, 1);
    check_point(t, 2, "{}", NAN, 2);
    assert_ok(duet_apply(t->db, "c", &o, 1)); /* once more is no error */
    names[0] = "z";
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_NOT_FOUND);
}

static void test_modes_choose_which_points_are_written(void **state)
{
    struct test_db *t = *state;
    struct vectors v[2];
    const struct duet_point_input points[] = {point(1, "{\"new\":1}", 8, &v[0]),
                                              point(3, "{\"new\":3}", 9, &v[1])};
    struct duet_operation o = {.kind = DUET_OP_UPSERT,
                               .points = points,
                               .n_points = 2,
                               .mode = DUET_INSERT_ONLY};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2}", 1, 1);
    check_point(t, 3, "{\"new\":3}", 9, 9);
    assert_ok(duet_remove(t->db, "c", &(struct duet_id){.number = 3}, 1, NULL));
    o.mode = DUET_UPDATE_ONLY;
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"new\":1}", 8, 8);
    check_point(t, 3, NULL, 0, 0);
}

static void test_filters_select_points(void **state)
{
    struct test_db *t = *state;
    static const char *const names[] = {"b"};
    struct vectors v[2];
    const struct duet_point_input points[] = {point(1, "{\"l\":3}", 8, &v[0]),
                                              point(2, "{\"l\":3}", 9, &v[1])};
    struct duet_operation o = set(NULL, 0, NULL, "{\"m\":1}");
    o.filter = "{\"must\":{\"key\":\"l\",\"match\":{\"value\":2}}}";
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2,\"m\":1}", 1, 1);
    check_point(t, 2, "{}", 2, 2);
    /* Written where they match, or are not there; the rest stays. */
    o = (struct duet_operation){.kind = DUET_OP_UPSERT,
                                .points = points,
                                .n_points = 2,
                                .update_filter =
                                    "{\"must\":{\"is_empty\":{\"key\":\"l\"}}}"};
    assert_ok(duet_apply(t->db, "c", &o, 1));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2,\"m\":1}", 1, 1);
    check_point(t, 2, "{\"l\":3}", 9, 9);
    /* Each operation sees what those before it have done. */
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_DELETE_VECTORS,
         .filter = "{\"must\":{\"has_id\":[2]}}",
         .names = names,
         .n_names = 1},
        {.kind = DUET_OP_DELETE, .filter = "{\"must_not\":{\"has_vector\":\"b\"}}"},
        {.kind = DUET_OP_CLEAR_PAYLOAD, .filter = "{}"},
    };
    assert_ok(duet_apply(t->db, "c", batch, 3));
    check_point(t, 2, NULL, 0, 0);
    check_point(t, 1, "{}", 1, 1);
}

static void test_a_batch_is_done_in_order(void **state)
{
    struct test_db *t = *state;
    struct vectors v;
    const struct duet_point_input p = point(3, "{\"a\":1}", 3, &v);
    static const struct duet_id three[] = {{.number = 3}};
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_UPSERT, .points = &p, .n_points = 1},
        set(three, 1, NULL, "{\"b\":2}"),
        {.kind = DUET_OP_DELETE, .ids = one, .n_ids = 1},
        set(three, 1, NULL, "{\"a\":null}"),
    };
    assert_ok(duet_apply(t->db, "c", batch, 4));
    check_point(t, 3, "{\"b\":2}", 3, 3);
    check_point(t, 1, NULL, 0, 0);
    test_db_reopen(t);
    check_point(t, 3, "{\"b\":2}", 3, 3);
}

static void test_a_batch_that_fails_changes_nothing(void **state)
{
    struct test_db *t = *state;
    struct vectors v[2];
    struct duet_point_input p = point(3, "{\"a\":1}", 3, &v[0]);
    struct duet_point_input wrong = point(4, NULL, NAN, &v[1]);
    const struct duet_operation first[] = {
        {.kind = DUET_OP_DELETE, .ids = both, .n_ids = 2},
        {.kind = DUET_OP_UPSERT, .points = &p, .n_points = 1},
        set(gone, 2, NULL, "{}"),
    };
    assert_err(duet_apply(t->db, "c", first, 3), ERR_NOT_FOUND);
    assert_string_equal(err_detail(), "operation 2: there is no point 1");
    const struct duet_operation second[] = {
        set(one, 1, NULL, "{\"z\":1}"),
        {.kind = DUET_OP_UPSERT, .points = &wrong, .n_points = 1},
    };
    assert_err(duet_apply(t->db, "c", second, 2), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "operation 1: point 0: "));
    check_point(t, 1, "{\"k\":{\"x\":1},\"l\":2}", 1, 1);
    check_point(t, 2, "{}", 2, 2);
    check_point(t, 3, NULL, 0, 0);
}

static void test_wrong_operations_are_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_operation o = set(gone, 2, NULL, "{}");
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_NOT_FOUND);
    assert_string_equal(err_detail(), "there is no point 3");
    o = set(one, 1, NULL, "[1]");
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_INVALID);
    o = set(one, 1, "a..b", "{}");
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_INVALID);
    o = set(one, 1, NULL, "{}");
    o.filter = "{\"musts\":1}";
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_INVALID);
    o = set(one, LIMIT_BATCH_POINTS + 1, NULL, "{}");
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_LIMIT);
    assert_err(duet_apply(t->db, "none", &o, 0), ERR_NOT_FOUND);
    assert_ok(duet_apply(t->db, "c", &o, 0));
}

/* Each payload is within the limits; both together are not. */
static void test_payloads_that_grow_too_large_are_refused(void **state)
{
    struct test_db *t = *state;
    static char text[LIMIT_PAYLOAD_BYTES - 100];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + sizeof text - 3, "\"}", 3);
    struct duet_operation o = set(one, 1, NULL, text);
    assert_ok(duet_apply(t->db, "c", &o, 1));
    text[2] = 'b';
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_LIMIT);
    char path[64] = "p";
    for (int i = 0; i < LIMIT_JSON_DEPTH - 1; i++) {
        strcat(path, ".p");
    }
    path[2 * LIMIT_JSON_DEPTH - 1] = '\0';
    o = set(both + 1, 1, path, "{\"x\":{\"y\":1}}");
    assert_err(duet_apply(t->db, "c", &o, 1), ERR_LIMIT);
    check_point(t, 2, "{}", 2, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_payload_operations_leave_the_vectors,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vectors_are_updated_and_deleted_by_space,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modes_choose_which_points_are_written,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filters_select_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_is_done_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_that_fails_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_operations_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_payloads_that_grow_too_large_are_refused,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
