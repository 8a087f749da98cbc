/*
 * crash_threads_test.c - a process in which many threads write, killed at any moment:
 * what any of them was told is there, and no write is there by half.
 *
 * Each thread of the child writes its own pair of points in one call, again and again,
 * both with the number of the step, and tells each step once the call has returned.
 * Between them it asks for changes that fail after they have changed something. The
 * threads' writes share commits (db/commit.h), so a kill falls into groups.
 */
#include "tests/db/steps.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/log.h"
#include "tests/db/process.h"

enum { ROUNDS = 60, WRITERS = 12, MOMENT_US = 60000 };

struct told {
    uint64_t writer, step;
};

struct writer {
    struct duet *db;
    int told; /* the pipe */
    uint64_t number;
    uint64_t step; /* the next one */
};

/* The pair of a writer; the third point is never there. */
static struct duet_id id_of(uint64_t writer, uint64_t i)
{
    return test_id(writer * 3 + i);
}

/* Both points get the step; with `fails`, the write then goes on to a point that is not
 * there. */
static enum err write_pair(struct duet *db, uint64_t writer, uint64_t step, bool fails)
{
    float v[DIM] = {(float)step, 1};
    char payload[64];
    struct duet_named_input input = {
        "v", {.kind = DUET_INPUT_VECTOR, .vector = v, .n = DIM}};
    struct duet_point_input points[2];
    const struct duet_id ids[] = {id_of(writer, fails ? 2 : 0)};
    snprintf(payload, sizeof payload, "{\"step\":%llu}", (unsigned long long)step);
    for (uint64_t i = 0; i < 2; i++) {
        points[i] = (struct duet_point_input){id_of(writer, i), payload,
                                              strlen(payload), &input, 1};
    }
    const struct duet_operation batch[] = {
        {.kind = DUET_OP_UPSERT, .points = points, .n_points = 2},
        {.kind = DUET_OP_SET_PAYLOAD,
         .ids = ids,
         .n_ids = 1,
         .payload = payload,
         .n_payload = strlen(payload)},
    };
    return duet_apply(db, "c", batch, 2);
}

static void *write_for_ever(void *arg)
{
    struct writer *w = arg;
    for (;; w->step++) {
        struct told told = {w->number, w->step};
        if (w->step % 3 == 0) {
            CHILD_CHECK(write_pair(w->db, w->number, w->step + 1000000, true) ==
                        ERR_NOT_FOUND);
        }
        CHILD_CHECK(write_pair(w->db, w->number, w->step, false) == ERR_OK);
        CHILD_CHECK(write(w->told, &told, sizeof told) == sizeof told);
    }
    return NULL;
}

struct child {
    const char *folder;
    int told;
    const uint64_t *steps; /* [WRITERS], the next ones */
};

static void write_until_killed(void *arg)
{
    static struct writer writers[WRITERS];
    const struct child *child = arg;
    struct duet *db;
    pthread_t thread;
    struct duet_options o = {
        .path = child->folder, .write = true, .n_threads = 1, .seal_at = SEAL_AT};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){db, child->told, i, child->steps[i]};
        CHILD_CHECK(pthread_create(&thread, NULL, write_for_ever, &writers[i]) == 0);
    }
    for (;;) {
        pause();
    }
}

/* Lets the writers go on for a moment; steps[i] becomes the next that was not told. */
static void write_and_kill(const char *folder, uint64_t *steps, struct test_random *r)
{
    int ends[2];
    struct told told;
    size_t moment_us = test_random_below(r, MOMENT_US);
    assert_int_equal(pipe(ends), 0);
    struct child child = {folder, ends[1], steps};
    pid_t pid = child_start(write_until_killed, &child);
    close(ends[1]);
    assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
    steps[told.writer] = told.step + 1;
    nanosleep(&(struct timespec){.tv_nsec = (long)moment_us * 1000}, NULL);
    kill(pid, SIGKILL);
    assert_true(WIFSIGNALED(child_wait(pid)));
    while (read(ends[0], &told, sizeof told) == sizeof told) {
        steps[told.writer] = told.step + 1;
    }
    close(ends[0]);
}

/* The step that a point has; -1: it is not there. Its vector is that of its payload. */
static long long step_of(struct duet *db, struct duet_id id)
{
    struct duet_hits hits;
    unsigned long long step;
    assert_ok(duet_get(db, "c", &id, 1, true, &hits));
    if (hits.n == 0) {
        return -1;
    }
    assert_int_equal(sscanf(hits.hits[0].payload, "{\"step\":%llu}", &step), 1);
    assert_true(hits.hits[0].vectors[0].values[0] == (float)step);
    duet_hits_release(&hits);
    return (long long)step;
}

/* Each pair has the last step told or the one after it; that is the new count. */
static void check_pairs(struct duet *db, uint64_t *steps)
{
    for (uint64_t i = 0; i < WRITERS; i++) {
        long long step = step_of(db, id_of(i, 0));
        assert_true(step_of(db, id_of(i, 1)) == step);
        assert_true(step_of(db, id_of(i, 2)) == -1);
        assert_true(step == (long long)steps[i] - 1 || step == (long long)steps[i]);
        steps[i] = (uint64_t)(step + 1);
    }
}

static int n_rounds(void)
{
    const char *given = getenv("CRASH_ROUNDS");
    return given == NULL ? ROUNDS / SPARSE : (int)strtol(given, NULL, 10);
}

static void test_no_thread_of_a_killed_writer_loses_what_it_was_told(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("kills of threads");
    struct test_db t;
    uint64_t steps[WRITERS] = {0};
    uint64_t n_all = 0;
    test_db_make(&t);
    test_collection_make(t.db, "c", DIM, DUET_DOT);
    for (int round = 0; round < n_rounds(); round++) {
        duet_close(t.db);
        write_and_kill(t.folder, steps, &r);
        struct duet_options o = test_db_options(&t);
        o.seal_at = SEAL_AT;
        assert_ok(duet_open(&t.db, &o));
        check_pairs(t.db, steps);
        check_sound(t.db, false); /* segments are being built */
    }
    for (size_t i = 0; i < WRITERS; i++) {
        n_all += steps[i];
    }
    print_message("%d kills, %llu writes\n", n_rounds(), (unsigned long long)n_all);
    test_db_remove(&t);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_thread_of_a_killed_writer_loses_what_it_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
