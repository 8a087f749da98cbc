/*
 * crash_points_test.c - a process that dies right before or right after any change of
 * any file: its n-th write, sync, rename, removal or making of a file, for each n. What
 * was acknowledged is there, nothing is half done, and the database is sound.
 */
#include "tests/db/faults.h"
#include "tests/db/steps.h"

#include "base/log.h"
#include "tests/db/process.h"

enum { N_STEPS = 18, POINTS_OF_A_RUN_MAX = 5000 };

/* What a child does, and how far it has told to have come. */
struct run {
    char folder[64];
    char database[96], backup[96], copy[96];
    long point;
    bool after;
    int told; /* the pipe */
    enum err (*work)(struct run *run);
};

static struct duet_options options_of(const struct run *run)
{
    return (struct duet_options){.path = run->database,
                                 .write = true,
                                 .create = true,
                                 .n_threads = 1,
                                 .seal_at = SEAL_AT};
}

/* ---- What is done ---- */

static void tell(const struct run *run, uint64_t step)
{
    CHILD_CHECK(write(run->told, &step, sizeof step) == sizeof step);
}

static enum err make(const struct run *run, struct duet **db)
{
    struct duet_options o = options_of(run);
    struct duet_space space = {"v", DIM, DUET_COSINE, DUET_FLOAT32};
    TRY(duet_open(db, &o));
    return duet_collection_create(*db, "c", &space, 1);
}

/* Makes a database, goes through the steps, waits for the segments, closes. */
static enum err write_all(struct run *run)
{
    struct duet *db;
    TRY(make(run, &db));
    tell(run, 0);
    for (uint64_t step = 0; step < N_STEPS; step++) {
        TRY(do_step(db, step));
        tell(run, step + 1);
        if (step % 8 == 7) {
            TRY(duet_seal(db, "c"));
        }
    }
    duet_close(db);
    return ERR_OK;
}

static enum err compact(struct run *run)
{
    struct duet_compact_result r;
    struct duet_options o = options_of(run);
    return duet_compact(&o, &r);
}

static enum err back_up(struct run *run)
{
    struct duet_backup_result r;
    struct duet *db;
    struct duet_options o = {.path = run->database};
    TRY(duet_open(&db, &o));
    TRY(duet_backup(db, run->backup, &r));
    duet_close(db);
    return ERR_OK;
}

static enum err restore(struct run *run)
{
    struct duet_backup_result r;
    int fd = open(run->backup, O_RDONLY);
    TRY(duet_restore_fd(fd, run->copy, &r));
    close(fd);
    return ERR_OK;
}

/* ---- One run ---- */

static void work_and_die(void *arg)
{
    struct run *run = arg;
    faults_watch(run->folder);
    faults_kill_at(run->point, run->after);
    CHILD_CHECK(run->work(run) == ERR_OK);
}

/* Returns whether the child died; *n_told is how many steps it told (and one more: that
 * there is a collection). */
static bool run_and_die(struct run *run, uint64_t *n_told)
{
    int ends[2];
    uint64_t step;
    assert_int_equal(pipe(ends), 0);
    run->told = ends[1];
    pid_t pid = child_start(work_and_die, run);
    close(ends[1]);
    *n_told = 0;
    while (read(ends[0], &step, sizeof step) == sizeof step) {
        *n_told = step + 1;
    }
    close(ends[0]);
    int status = child_wait(pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

/* A database that a writer opens: as it was told, sound, and writable. */
static void check_folder(const char *folder, uint64_t n_steps)
{
    struct duet *db;
    struct duet_options o = {
        .path = folder, .write = true, .n_threads = 1, .seal_at = SEAL_AT};
    assert_ok(duet_open(&db, &o));
    n_steps = check_database(db, n_steps);
    assert_ok(duet_seal(db, "c"));
    check_sound(db, true);
    if (n_steps >= N_STEPS) { /* so segments were among what was cut off */
        struct duet_stats stats;
        assert_ok(duet_stats(db, "c", &stats));
        assert_true(stats.spaces[0].n_segments > 0);
    }
    assert_ok(do_step(db, n_steps));
    assert_int_equal(check_database(db, n_steps + 1), n_steps + 1);
    duet_close(db);
}

static void begin(struct run *run, enum err (*work)(struct run *run))
{
    steps_folder_make(run->folder);
    run->work = work;
    snprintf(run->database, sizeof run->database, "%s/a.db", run->folder);
    snprintf(run->backup, sizeof run->backup, "%s/a.bak", run->folder);
    snprintf(run->copy, sizeof run->copy, "%s/b.db", run->folder);
}

/* ---- Tests ---- */

static void check_written(const struct run *run, uint64_t n_told)
{
    struct duet *db;
    struct duet_collections list;
    struct duet_options o = options_of(run);
    if (n_told > 0) {
        check_folder(run->database, n_told - 1);
        return;
    }
    assert_ok(duet_open(&db, &o)); /* it died while making it: it can be made */
    enum err result = duet_collections_list(db, "c", &list);
    assert_true(result == ERR_OK || result == ERR_NOT_FOUND);
    duet_collections_release(&list);
    check_sound(db, true);
    duet_close(db);
}

static void test_dying_at_each_change_of_a_file(void **state)
{
    (void)state;
    long point = 0;
    for (int after = 0; after < 2; after++) {
        bool died = true;
        for (point = 0; died && point < POINTS_OF_A_RUN_MAX; point += SPARSE) {
            struct run run = {.point = point, .after = after == 1};
            uint64_t n_told;
            begin(&run, write_all);
            died = run_and_die(&run, &n_told);
            check_written(&run, n_told);
            test_folder_remove(run.folder);
        }
        assert_false(died);
    }
    print_message("%ld changes of files\n", point - SPARSE);
    assert_true(point > N_STEPS * 2);
}

/* Makes the database of N_STEPS steps without faults. */
static void prepare(struct run *run)
{
    struct duet *db;
    assert_ok(make(run, &db));
    for (uint64_t step = 0; step < N_STEPS; step++) {
        assert_ok(do_step(db, step));
    }
    assert_ok(duet_seal(db, "c"));
    duet_close(db);
}

/* Dies at each change of `work` over a database that is made anew each time; `check`
 * looks at what is beside the database. */
static void die_in(enum err (*work)(struct run *run),
                   void (*prepare_more)(struct run *run),
                   void (*check)(const struct run *run, bool died))
{
    bool died = true;
    long point = 0;
    struct run model = {.point = 0};
    begin(&model, work);
    prepare(&model);
    for (; died && point < POINTS_OF_A_RUN_MAX; point += SPARSE) {
        struct run run = {.point = point};
        uint64_t n_told;
        begin(&run, work);
        steps_folder_copy(model.folder, run.folder);
        if (prepare_more != NULL) {
            prepare_more(&run);
        }
        died = run_and_die(&run, &n_told);
        if (check != NULL) {
            check(&run, died);
        }
        check_folder(run.database, N_STEPS);
        test_folder_remove(run.folder);
    }
    test_folder_remove(model.folder);
    assert_false(died);
    print_message("%ld changes of files\n", point - SPARSE);
}

static void test_dying_while_compacting(void **state)
{
    (void)state;
    die_in(compact, NULL, NULL);
}

/* What has the backup's name is whole. */
static void check_backup(const struct run *run, bool died)
{
    struct duet_backup_result r;
    int fd = open(run->backup, O_RDONLY);
    assert_true(fd >= 0 || died);
    if (fd >= 0) {
        assert_ok(duet_restore_fd(fd, run->copy, &r));
        close(fd);
        check_folder(run->copy, N_STEPS);
    }
}

static void test_dying_while_backing_up(void **state)
{
    (void)state;
    die_in(back_up, NULL, check_backup);
}

static void make_backup(struct run *run)
{
    assert_ok(back_up(run));
}

/* What has the database's name is whole. */
static void check_restored(const struct run *run, bool died)
{
    bool there = access(run->copy, F_OK) == 0;
    assert_true(there || died);
    if (there) {
        check_folder(run->copy, N_STEPS);
    }
}

static void test_dying_while_restoring(void **state)
{
    (void)state;
    die_in(restore, make_backup, check_restored);
}

/* ---- A database of an earlier format, which its first writer upgrades ---- */

static enum err open_and_close(struct run *run)
{
    struct duet *db;
    struct duet_options o = {.path = run->database, .write = true, .n_threads = 1};
    TRY(duet_open(&db, &o));
    duet_close(db);
    return ERR_OK;
}

/* By a reader first, as the crash left it; then by a writer. */
static void check_upgraded(const struct run *run)
{
    struct duet_options o = {.path = run->database, .n_threads = 1};
    for (int writes = 0; writes < 2; writes++) {
        struct duet *db;
        size_t n;
        o.write = writes == 1;
        assert_ok(duet_open(&db, &o));
        assert_ok(duet_count(db, "numbers", &n));
        assert_int_equal(n, 360); /* fixture_test.c says what is in it */
        if (o.write) {
            assert_ok(duet_index_create(db, "numbers", "number", "\"integer\""));
        }
        check_sound(db, false);
        duet_close(db);
    }
}

static void test_dying_while_upgrading(void **state)
{
    (void)state;
    bool died = true;
    long point = 0;
    for (; died && point < POINTS_OF_A_RUN_MAX; point++) {
        struct run run = {.point = point};
        uint64_t n_told;
        begin(&run, open_and_close);
        assert_int_equal(mkdir(run.database, 0755), 0);
        steps_folder_copy("tests/fixtures/format-2", run.database);
        died = run_and_die(&run, &n_told);
        check_upgraded(&run);
        test_folder_remove(run.folder);
    }
    assert_false(died);
    print_message("%ld changes of files\n", point - 1);
    assert_true(point > 3);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dying_at_each_change_of_a_file),
        cmocka_unit_test(test_dying_while_compacting),
        cmocka_unit_test(test_dying_while_backing_up),
        cmocka_unit_test(test_dying_while_restoring),
        cmocka_unit_test(test_dying_while_upgrading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
