/*
 * scroll_walk_test.c - walks over many pages beside writers: a point that is there
 * throughout is met exactly once, one that comes or goes meanwhile at most once, by ids
 * and under a filter.
 */
#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    IDS = 3000, /* of which two thirds stay; between and beside them others come, go */
    PAGE = 13,
    FILTERED_PAGE = 5,
    WRITERS = 3,
    WALKS = 2
};

/* As many ids as there may be are numbers, the rest UUIDs; ascending in `i`. */
static struct duet_id id_of(size_t i)
{
    struct duet_id id = {.number = i * 1000};
    if (i >= IDS / 2) {
        id = (struct duet_id){.is_uuid = true};
        id.uuid[0] = (uint8_t)(i >> 8);
        id.uuid[1] = (uint8_t)i;
        id.uuid[6] = 0x40;
        id.uuid[8] = 0x80;
    }
    return id;
}

static bool stays(size_t i)
{
    return i % 3 != 0;
}

/* Of those that stay, one in four passes the filter, whatever else is written to it. */
static bool passes(size_t i)
{
    return i % 4 == 0;
}

static const char filter[] =
    "{\"must\": {\"key\": \"passes\", \"match\": {\"value\": true}}}";

static enum err put(struct duet *db, size_t i, size_t times)
{
    char payload[64];
    float v[] = {(float)times, 1};
    snprintf(payload, sizeof payload, "{\"passes\":%s,\"times\":%zu}",
             passes(i) ? "true" : "false", times);
    return test_upsert(db, "c", id_of(i), v, 2, payload);
}

/* All that stay, in a few calls. */
static void put_all(struct duet *db)
{
    static struct duet_point_input points[IDS];
    size_t n = 0;
    for (size_t i = 0; i < IDS; i++) {
        if (stays(i)) {
            const char *payload =
                passes(i) ? "{\"passes\":true}" : "{\"passes\":false}";
            points[n++] = (struct duet_point_input){
                .id = id_of(i), .payload = payload, .n_payload = strlen(payload)};
        }
    }
    assert_ok(duet_upsert(db, "c", points, n));
}

struct writer {
    struct duet *db;
    uint64_t seed;
    size_t n_wrong;
};

static atomic_bool stop;
static atomic_size_t n_writes; /* of all writers */

/* Updates what stays; puts and removes the others. */
static void *write_often(void *arg)
{
    struct writer *w = arg;
    struct test_random r = {w->seed * 2 + 1};
    while (!atomic_load(&stop)) {
        size_t i = test_random_below(&r, IDS);
        struct duet_id id = id_of(i);
        enum err result = stays(i) || test_random_below(&r, 2) == 0
                              ? put(w->db, i, atomic_load(&n_writes))
                              : duet_remove(w->db, "c", &id, 1, NULL);
        w->n_wrong += result != ERR_OK;
        atomic_fetch_add(&n_writes, 1);
    }
    return NULL;
}

/* One id behind, as a client goes on from a page by itself. */
static struct duet_id next_of(struct duet_id id)
{
    if (!id.is_uuid) {
        id.number++;
        return id;
    }
    for (size_t i = sizeof id.uuid; i-- > 0 && ++id.uuid[i] == 0;) {
    }
    return id;
}

/* Until something was written since the last page. */
static void wait_for_a_write(void)
{
    size_t n = atomic_load(&n_writes);
    while (atomic_load(&n_writes) == n) {
        usleep(50);
    }
}

/* A walk from the first page to the last. Returns the number of pages. */
static size_t walk(struct duet *db, const char *what, size_t limit, uint8_t *met)
{
    struct duet_id from = {.number = 0};
    size_t n_pages = 0;
    for (bool more = true; more; n_pages++) {
        struct duet_hits hits;
        assert_ok(duet_scroll_where(db, "c", what, &from, limit, &hits));
        for (size_t h = 0; h < hits.n; h++) {
            struct duet_id id = hits.hits[h].id;
            size_t i = id.is_uuid ? (size_t)id.uuid[0] << 8 | id.uuid[1]
                                  : (size_t)(id.number / 1000);
            assert_int_equal(duet_id_compare(id, id_of(i)), 0);
            assert_int_equal(met[i]++, 0); /* never twice */
            from = next_of(id);
        }
        more = hits.n == limit;
        duet_hits_release(&hits);
        wait_for_a_write();
    }
    return n_pages;
}

static void check_walk(struct duet *db, bool filtered)
{
    static uint8_t met[IDS];
    memset(met, 0, sizeof met);
    size_t n_pages =
        walk(db, filtered ? filter : NULL, filtered ? FILTERED_PAGE : PAGE, met);
    for (size_t i = 0; i < IDS; i++) {
        if (filtered && !passes(i)) {
            assert_int_equal(met[i], 0);
        } else if (stays(i)) {
            assert_int_equal(met[i], 1);
        }
    }
    assert_true(n_pages >= 100);
}

static void test_a_walk_meets_what_stays_exactly_once(void **state)
{
    struct test_db *t = *state;
    struct test_random r = test_random_seeded("walks");
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    put_all(t->db);
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){t->db, test_random_next(&r), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &writers[i]),
                         0);
    }
    for (int i = 0; i < WALKS; i++) {
        check_walk(t->db, false);
        check_walk(t->db, true);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].n_wrong, 0);
    }
    print_message("%zu writes beside %d walks\n", atomic_load(&n_writes), 2 * WALKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_walk_meets_what_stays_exactly_once,
                                        test_c_make, test_c_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
