/*
 * crash_test.c - a writer killed at any moment loses nothing that it acknowledged, and
 * leaves nothing half done.
 *
 * A child goes through the numbered steps of steps.h. It tells each step through a pipe
 * once the call has returned. The parent kills it at a random moment, opens the
 * database and looks: all steps told are there whole, and the one after them whole or not at all. Small
 * segments are built meanwhile, so that some kills fall into their files.
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

struct writer {
    const char *folder;
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
        CHILD_CHECK(do_step(db, step) == ERR_OK);
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

/* Lets a child go on behind `n_steps`, waits for `n_more` to be told and then a moment,
 * and kills it. Returns the number of steps told. */
static uint64_t write_and_kill(const char *folder, uint64_t n_steps, size_t n_more,
                               size_t moment_us)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct writer w = {folder, ends[1], n_steps};
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
        n_steps = write_and_kill(t.folder, n_steps, test_random_below(&r, STEPS),
                                 test_random_below(&r, MOMENT_US));
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

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_killed_writer_loses_nothing_it_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
