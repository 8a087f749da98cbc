/*
 * crash_test.c - a writer killed at any moment loses nothing that it acknowledged, and
 * leaves nothing half done.
 *
 * A child goes through the numbered steps of steps.h. It tells each step through a pipe
 * once the call has returned. The parent kills it at a random moment, opens the
 * database and looks: all steps told are there whole, and the one after them whole or
 * not at all. Small segments are built meanwhile, so that some kills fall into their
 * files. A second script does the same with batches of operations, aliases and vector
 * spaces.
 */
#include "tests/db/steps.h"

#include <signal.h>
#include <time.h>

#include "base/log.h"
#include "tests/db/process.h"

enum { ROUNDS = 300, STEPS = 4, MOMENT_US = 20000, STEPS_MAX = 200 };

/* How many kills: $CRASH_ROUNDS, which `make crash` sets. */
static int n_rounds(void)
{
    const char *given = getenv("CRASH_ROUNDS");
    return given == NULL ? ROUNDS / SPARSE : (int)strtol(given, NULL, 10);
}

/* ---- The child ---- */

typedef enum err step_fn(struct duet *db, uint64_t step);

struct writer {
    const char *folder;
    step_fn *step;
    int told; /* the pipe */
    uint64_t first_step;
};

static void write_until_killed(void *arg)
{
    const struct writer *w = arg;
    struct duet *db;
    struct duet_options o = {
        .path = w->folder, .write = true, .n_threads = 1, .seal_at = SEAL_AT};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    for (uint64_t step = w->first_step;; step++) {
        CHILD_CHECK(w->step(db, step) == ERR_OK);
        CHILD_CHECK(write(w->told, &step, sizeof step) == sizeof step);
    }
}

/* Takes one step number from the pipe, if there is one or will be. */
static bool next_told(int end, uint64_t *n_steps)
{
    uint64_t step;
    if (read(end, &step, sizeof step) != sizeof step) {
        return false;
    }
    assert_int_equal(step, *n_steps);
    ++*n_steps;
    return true;
}

/* Lets a child go on behind `n_steps`, waits for a few to be told and then a moment,
 * and kills it. Returns the number of steps told. */
static uint64_t write_and_kill(const char *folder, step_fn *step, uint64_t n_steps,
                               struct test_random *r)
{
    int ends[2];
    size_t n_more = test_random_below(r, STEPS);
    size_t moment_us = test_random_below(r, MOMENT_US);
    assert_int_equal(pipe(ends), 0);
    struct writer w = {folder, step, ends[1], n_steps};
    pid_t pid = child_start(write_until_killed, &w);
    close(ends[1]);
    for (size_t i = 0; i < n_more; i++) {
        assert_true(next_told(ends[0], &n_steps));
    }
    nanosleep(&(struct timespec){.tv_nsec = (long)moment_us * 1000}, NULL);
    kill(pid, SIGKILL);
    assert_true(WIFSIGNALED(child_wait(pid)));
    while (next_told(ends[0], &n_steps)) {
    }
    close(ends[0]);
    return n_steps;
}

static void begin_anew(struct test_db *t)
{
    test_db_make(t);
    test_collection_make(t->db, "c", DIM, DUET_COSINE);
}

static void test_a_killed_writer_loses_nothing_it_acknowledged(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("kills");
    struct test_db t;
    struct duet_stats stats;
    uint64_t n_steps = 0;
    uint64_t n_all = 0;
    begin_anew(&t);
    for (int round = 0; round < n_rounds(); round++) {
        if (n_steps > STEPS_MAX) { /* looking at ever more would take ever longer */
            test_db_remove(&t);
            begin_anew(&t);
            n_steps = 0;
        }
        uint64_t n_before = n_steps;
        duet_close(t.db);
        n_steps = write_and_kill(t.folder, do_step, n_steps, &r);
        struct duet_options o = test_db_options(&t);
        o.seal_at = SEAL_AT;
        assert_ok(duet_open(&t.db, &o));
        n_steps = check_database(t.db, n_steps);
        check_sound(t.db, false); /* segments are being built */
        n_all += n_steps - n_before;
    }
    assert_ok(duet_seal(t.db, "c"));
    check_sound(t.db, true);
    assert_ok(duet_stats(t.db, "c", &stats));
    print_message("%d kills, %llu steps, at last %zu points, %zu of them sealed\n",
                  n_rounds(), (unsigned long long)n_all, stats.n_points,
                  stats.spaces[0].n_sealed);
    test_db_remove(&t);
}

/* ---- Batches of operations, aliases, spaces ---- */

enum { POINTS = 40 };

/* All points get the step's number, in payload and vector; three operations, so that a
 * half would be seen. */
static enum err apply_step(struct duet *db, uint64_t step)
{
    static const char *const names[] = {"old"};
    float v[DIM] = {(float)(step % 250), 1};
    char payload[64];
    struct duet_named_input input = {
        "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = DIM}};
    struct duet_point_input points[POINTS];
    struct duet_id ids[POINTS];
    snprintf(payload, sizeof payload, "{\"step\":%llu}", (unsigned long long)step);
    for (size_t i = 0; i < POINTS; i++) {
        ids[i] = test_id(i);
        points[i] =
            (struct duet_point_input){.id = ids[i], .vectors = &input, .n_vectors = 1};
    }
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_UPDATE_VECTORS, .points = points, .n_points = POINTS},
        {.kind = DUET_OP_SET_PAYLOAD,
         .ids = ids,
         .n_ids = POINTS,
         .payload = payload,
         .n_payload = strlen(payload)},
        {.kind = DUET_OP_DELETE_PAYLOAD,
         .ids = ids,
         .n_ids = POINTS,
         .names = names,
         .n_names = 1},
    };
    return duet_apply(db, "c", batch, 3);
}

static const char *alias_target(uint64_t step)
{
    return step / 4 % 2 == 0 ? "c" : "other";
}

/* Of four steps two change points, one switches an alias, one adds or removes a space.
 */
static enum err do_mixed_step(struct duet *db, uint64_t step)
{
    const struct duet_space extra = {"extra", 2, DUET_MANHATTAN, DUET_FLOAT16};
    const struct duet_alias_change changes[] = {
        {DUET_ALIAS_DELETE, "now", NULL},
        {DUET_ALIAS_CREATE, "now", alias_target(step)}};
    switch (step % 4) {
    case 2:
        return duet_aliases_change(db, changes, 2);
    case 3:
        return step / 4 % 2 == 0 ? duet_space_add(db, "c", &extra)
                                 : duet_space_remove(db, "c", "extra");
    default:
        return apply_step(db, step);
    }
}

/* The last step before `n_steps` of the kind; n_steps is large enough. */
static uint64_t last_of_kind(uint64_t n_steps, bool (*is_kind)(uint64_t step))
{
    uint64_t step = n_steps - 1;
    while (!is_kind(step)) {
        step--;
    }
    return step;
}

static bool is_apply(uint64_t step)
{
    return step % 4 < 2;
}

static bool is_alias(uint64_t step)
{
    return step % 4 == 2;
}

static bool is_space(uint64_t step)
{
    return step % 4 == 3;
}

static bool points_equal_step(struct duet *db, uint64_t step)
{
    struct duet_hits all;
    char payload[64];
    bool equal = true;
    float v[DIM] = {(float)(step % 250), 1};
    struct duet_query q = test_query(v, DIM, POINTS);
    q.vectors = true;
    q.in = "v";
    snprintf(payload, sizeof payload, "{\"step\":%llu}", (unsigned long long)step);
    assert_ok(duet_search(db, "c", &q, &all));
    assert_int_equal(all.n, POINTS);
    for (size_t i = 0; i < POINTS; i++) {
        equal = equal && all.hits[i].score == 0 &&
                strcmp(all.hits[i].payload, payload) == 0 &&
                all.hits[i].vectors[0].values[0] == v[0];
    }
    duet_hits_release(&all);
    return equal;
}

static bool mixed_equals_steps(struct duet *db, uint64_t n_steps)
{
    struct duet_collections list;
    uint64_t alias = last_of_kind(n_steps, is_alias);
    uint64_t space = last_of_kind(n_steps, is_space);
    assert_ok(duet_collections_list(db, "now", &list));
    bool equal = strcmp(list.items[0].name, alias_target(alias)) == 0;
    duet_collections_release(&list);
    assert_ok(duet_collections_list(db, "c", &list));
    equal = equal && list.items[0].n_spaces == (space / 4 % 2 == 0 ? 2 : 1);
    duet_collections_release(&list);
    return equal && points_equal_step(db, last_of_kind(n_steps, is_apply));
}

static void make_mixed(struct test_db *t)
{
    struct duet_space space = {"v", DIM, DUET_EUCLID, DUET_UINT8};
    struct duet_point_input points[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        points[i] = (struct duet_point_input){
            .id = test_id(i), .payload = "{\"old\":1}", .n_payload = 9};
    }
    test_db_make(t);
    assert_ok(duet_collection_create(t->db, "c", &space, 1));
    test_collection_make(t->db, "other", DIM, DUET_DOT);
    assert_ok(duet_upsert(t->db, "c", points, POINTS));
    for (uint64_t step = 0; step < 4; step++) {
        assert_ok(do_mixed_step(t->db, step));
    }
}

static void test_a_killed_writer_leaves_no_half_of_a_batch(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("kills in batches");
    struct test_db t;
    uint64_t n_steps = 4;
    make_mixed(&t);
    for (int round = 0; round < ROUNDS; round++) {
        duet_close(t.db);
        n_steps = write_and_kill(t.folder, do_mixed_step, n_steps, &r);
        struct duet_options o = test_db_options(&t);
        o.seal_at = SEAL_AT;
        assert_ok(duet_open(&t.db, &o));
        n_steps += mixed_equals_steps(t.db, n_steps) ? 0 : 1;
        assert_true(mixed_equals_steps(t.db, n_steps));
    }
    print_message("%llu steps\n", (unsigned long long)n_steps);
    test_db_remove(&t);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_killed_writer_loses_nothing_it_acknowledged),
        cmocka_unit_test(test_a_killed_writer_leaves_no_half_of_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
