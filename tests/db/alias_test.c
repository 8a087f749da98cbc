/*
 * alias_test.c - db/alias.c.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

static const float v[] = {1, 0};

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_db_make(t);
    test_collection_make(t->db, "one", 2, DUET_DOT);
    test_collection_make(t->db, "two", 2, DUET_DOT);
    assert_ok(test_upsert(t->db, "two", test_id(2), v, 2, NULL));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static enum err change(struct test_db *t, enum duet_alias_change_kind kind,
                       const char *alias, const char *to)
{
    const struct duet_alias_change c = {kind, alias, to};
    return duet_aliases_change(t->db, &c, 1);
}

static size_t count(struct test_db *t, const char *name)
{
    size_t n;
    assert_ok(duet_count(t->db, name, &n));
    return n;
}

static void test_an_alias_is_good_wherever_a_name_is(void **state)
{
    struct test_db *t = *state;
    struct duet_collections list;
    struct duet_hits hits;
    struct duet_query q = test_query(v, 2, 3);
    assert_ok(change(t, DUET_ALIAS_CREATE, "now", "one"));
    assert_ok(test_upsert(t->db, "now", test_id(1), v, 2, "{}"));
    assert_int_equal(count(t, "one"), 1);
    assert_ok(duet_search(t->db, "now", &q, &hits));
    assert_int_equal(hits.n, 1);
    duet_hits_release(&hits);
    assert_ok(duet_collections_list(t->db, "now", &list));
    assert_string_equal(list.items[0].name, "one");
    duet_collections_release(&list);
    test_db_reopen(t);
    assert_ok(duet_remove(t->db, "now", &(struct duet_id){.number = 1}, 1, NULL));
    assert_int_equal(count(t, "one"), 0);
}

static void test_aliases_are_listed(void **state)
{
    struct test_db *t = *state;
    struct duet_aliases list;
    assert_ok(change(t, DUET_ALIAS_CREATE, "b", "one"));
    assert_ok(change(t, DUET_ALIAS_CREATE, "a", "two"));
    assert_ok(duet_aliases_list(t->db, NULL, &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].alias, "a");
    assert_string_equal(list.items[0].collection, "two");
    duet_aliases_release(&list);
    assert_ok(duet_aliases_list(t->db, "b", &list)); /* of what it is an alias of */
    assert_int_equal(list.n, 1);
    assert_string_equal(list.items[0].alias, "b");
    duet_aliases_release(&list);
    assert_err(duet_aliases_list(t->db, "none", &list), ERR_NOT_FOUND);
}

static void test_several_changes_are_made_in_order_or_not_at_all(void **state)
{
    struct test_db *t = *state;
    const struct duet_alias_change good[] = {{DUET_ALIAS_CREATE, "x", "one"},
                                             {DUET_ALIAS_RENAME, "x", "y"},
                                             {DUET_ALIAS_CREATE, "y", "two"},
                                             {DUET_ALIAS_DELETE, "none", NULL}};
    const struct duet_alias_change bad[] = {{DUET_ALIAS_DELETE, "y", NULL},
                                            {DUET_ALIAS_RENAME, "none", "z"}};
    size_t n;
    assert_ok(duet_aliases_change(t->db, good, 4));
    assert_int_equal(count(t, "y"), 1);
    assert_err(duet_count(t->db, "x", &n), ERR_NOT_FOUND);
    assert_err(duet_aliases_change(t->db, bad, 2), ERR_NOT_FOUND);
    assert_string_equal(err_detail(), "action 1: there is no alias 'none'");
    assert_int_equal(count(t, "y"), 1);
}

static void test_a_name_means_one_thing(void **state)
{
    struct test_db *t = *state;
    struct duet_space space = {"v", 2, DUET_DOT, DUET_FLOAT32};
    assert_ok(change(t, DUET_ALIAS_CREATE, "a", "one"));
    assert_err(change(t, DUET_ALIAS_CREATE, "two", "one"), ERR_EXISTS);
    assert_err(change(t, DUET_ALIAS_RENAME, "a", "two"), ERR_EXISTS);
    assert_err(change(t, DUET_ALIAS_CREATE, "b", "a"), ERR_NOT_FOUND); /* no chains */
    assert_err(change(t, DUET_ALIAS_CREATE, "", "one"), ERR_INVALID);
    assert_err(duet_collection_create(t->db, "a", &space, 1), ERR_EXISTS);
    assert_err(duet_collection_drop(t->db, "a"), ERR_NOT_FOUND);
}

static void test_a_dropped_collection_takes_its_aliases_along(void **state)
{
    struct test_db *t = *state;
    struct duet_aliases list;
    assert_ok(change(t, DUET_ALIAS_CREATE, "a", "one"));
    assert_ok(change(t, DUET_ALIAS_CREATE, "b", "two"));
    assert_ok(change(t, DUET_ALIAS_CREATE, "c", "one"));
    assert_ok(duet_collection_drop(t->db, "one"));
    assert_ok(duet_aliases_list(t->db, NULL, &list));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.items[0].alias, "b");
    duet_aliases_release(&list);
}

struct switching {
    struct test_db *t;
    atomic_bool stop;
    size_t n_wrong;
};

/* Whoever asks by the alias finds one collection or the other, never none. */
static void *ask(void *arg)
{
    struct switching *s = arg;
    while (!atomic_load(&s->stop)) {
        size_t n;
        s->n_wrong += duet_count(s->t->db, "now", &n) != ERR_OK || n > 1;
    }
    return NULL;
}

static void test_an_alias_is_switched_while_it_is_in_use(void **state)
{
    struct switching s = {.t = *state};
    pthread_t thread;
    assert_ok(change(s.t, DUET_ALIAS_CREATE, "now", "one"));
    assert_int_equal(pthread_create(&thread, NULL, ask, &s), 0);
    for (int i = 0; i < 50; i++) {
        const struct duet_alias_change changes[] = {
            {DUET_ALIAS_DELETE, "now", NULL},
            {DUET_ALIAS_CREATE, "now", i % 2 == 0 ? "two" : "one"}};
        assert_ok(duet_aliases_change(s.t->db, changes, 2));
    }
    atomic_store(&s.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_alias_is_good_wherever_a_name_is,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_aliases_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_several_changes_are_made_in_order_or_not_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_means_one_thing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_dropped_collection_takes_its_aliases_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_alias_is_switched_while_it_is_in_use,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
