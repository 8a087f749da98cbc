/*
 * fault_test.c - each write, sync, rename, removal and making of a file fails once in
 * turn, as of a full or a broken disk: the operation says so or does without, leaks
 * nothing (the sanitizer's build), and the database is as before or as after it.
 */
#include "tests/db/faults.h"
#include "tests/db/steps.h"

#include "base/log.h"
#include "db/duet_snapshot.h"

enum { N_STEPS = 16, POINTS_OF_A_RUN_MAX = 2000 };

struct place {
    char folder[64];
    char database[96], backup[96], copy[96];
    struct duet *db; /* open for writing; NULL while an operation has it */
    size_t seal_at;
};

static struct duet_options options_of(const struct place *p)
{
    return (struct duet_options){.path = p->database,
                                 .write = true,
                                 .create = true,
                                 .n_threads = 1,
                                 .seal_at = p->seal_at};
}

/* Goes through the steps. */
static void fill_place(struct place *p)
{
    struct duet_options o = options_of(p);
    assert_ok(duet_open(&p->db, &o));
    test_collection_make(p->db, "c", DIM, DUET_COSINE);
    for (uint64_t step = 0; step < N_STEPS; step++) {
        assert_ok(do_step(p->db, step));
    }
    assert_ok(duet_seal(p->db, "c"));
}

/* A folder with nothing in it, or with a copy of what `model` has. */
static void make_place(struct place *p, const struct place *model)
{
    steps_folder_make(p->folder);
    snprintf(p->database, sizeof p->database, "%s/a.db", p->folder);
    snprintf(p->backup, sizeof p->backup, "%s/a.bak", p->folder);
    snprintf(p->copy, sizeof p->copy, "%s/b.db", p->folder);
    if (model == NULL) {
        fill_place(p);
        duet_close(p->db);
        p->db = NULL;
        return;
    }
    steps_folder_copy(model->folder, p->folder);
    struct duet_options o = options_of(p);
    assert_ok(duet_open(&p->db, &o));
    assert_ok(duet_seal(p->db, "c"));
    faults_watch(p->folder);
}

static void remove_place(struct place *p)
{
    faults_watch("");
    duet_close(p->db);
    test_folder_remove(p->folder);
}

/* ---- Operations: each may leave p->db open or closed ---- */

static enum err upsert(struct place *p)
{
    return do_step(p->db, N_STEPS);
}

static enum err reopen(struct place *p)
{
    struct duet_options o = options_of(p);
    duet_close(p->db);
    return duet_open(&p->db, &o);
}

static enum err create(struct place *p)
{
    struct duet *db;
    struct duet_options o = options_of(p);
    o.path = p->copy;
    enum err result = duet_open(&db, &o);
    if (result == ERR_OK) {
        struct duet_space space = {"v", DIM, DUET_COSINE, DUET_FLOAT32};
        result = duet_collection_create(db, "c", &space, 1);
    }
    duet_close(db);
    return result;
}

/* The place had none: the first segment, and waits for it. A build that fails is tried
 * again at the next wake. */
static enum err seal(struct place *p)
{
    p->seal_at = SEAL_AT;
    TRY(reopen(p));
    TRY(duet_seal(p->db, "c"));
    struct duet_stats stats;
    TRY(duet_stats(p->db, "c", &stats));
    assert_int_equal(stats.spaces[0].n_segments, 1);
    return ERR_OK;
}

static enum err back_up(struct place *p)
{
    struct duet_backup_result r;
    enum err result = duet_backup(p->db, p->backup, &r);
    assert_true(result == ERR_OK || access(p->backup, F_OK) != 0);
    unlink(p->backup);
    return result;
}

static enum err restore(struct place *p)
{
    struct duet_backup_result r;
    int fd = open(p->backup, O_RDONLY);
    assert_true(fd >= 0);
    enum err result = duet_restore_fd(fd, p->copy, &r);
    close(fd);
    return result;
}

static enum err snapshot(struct place *p)
{
    struct duet_snapshot s;
    return duet_snapshot_create(p->db, "c", &s);
}

static enum err recover(struct place *p)
{
    int fd = open(p->backup, O_RDONLY);
    assert_true(fd >= 0);
    enum err result = duet_snapshot_recover(p->db, "c", fd, NULL);
    close(fd);
    return result;
}

static enum err compact(struct place *p)
{
    struct duet_compact_result r;
    struct duet_options o = options_of(p);
    duet_close(p->db);
    p->db = NULL;
    return duet_compact(&o, &r);
}

static enum err repair(struct place *p)
{
    struct duet_check_result r;
    struct duet_repair_options o = {.path = p->database};
    duet_close(p->db);
    p->db = NULL;
    return duet_repair(&o, &r);
}

/* ---- All of them ---- */

/* With the faults over: opens anew, and looks. */
static void check_place(struct place *p)
{
    struct duet_options o = options_of(p);
    duet_close(p->db);
    assert_ok(duet_open(&p->db, &o));
    check_database(p->db, N_STEPS);
    assert_ok(duet_seal(p->db, "c"));
    check_sound(p->db, true);
    /* Beside it there is nothing, or a whole database. */
    o.path = p->copy;
    if (access(p->copy, F_OK) == 0) {
        struct duet *copy;
        assert_ok(duet_open(&copy, &o));
        check_sound(copy, false);
        duet_close(copy);
    }
}

static void fail_in_turn(enum err (*operation)(struct place *p), int errnum)
{
    if (SPARSE > 1 && errnum != ENOSPC) {
        skip(); /* one kind of failure has to do */
    }
    bool struck = true;
    long point = 0;
    size_t n_failed = 0;
    size_t seal_at = operation == seal ? SIZE_MAX : SEAL_AT;
    struct place model = {.seal_at = seal_at};
    make_place(&model, NULL);
    for (; struck && point < POINTS_OF_A_RUN_MAX; point++) {
        struct place p = {.seal_at = seal_at};
        struct duet_backup_result r;
        make_place(&p, &model);
        if (operation == restore || operation == recover) {
            assert_ok(duet_backup(p.db, p.backup, &r));
        }
        faults_fail_at(point, errnum);
        enum err result = operation(&p);
        if (result != ERR_OK) {
            n_failed++;
            assert_true(result == ERR_IO || result == ERR_FULL ||
                        result == ERR_CORRUPT);
            assert_true(err_detail()[0] != '\0');
        }
        struck = faults_struck();
        assert_true(struck || result == ERR_OK);
        faults_reset();
        check_place(&p);
        remove_place(&p);
    }
    remove_place(&model);
    assert_false(struck);
    assert_true(n_failed > 0);
    print_message("%ld points, %zu failures\n", point - 1, n_failed);
}

#define FAULT_TESTS(operation)                                                         \
    static void test_##operation##_on_a_full_disk(void **state)                        \
    {                                                                                  \
        (void)state;                                                                   \
        fail_in_turn(operation, ENOSPC);                                               \
    }                                                                                  \
    static void test_##operation##_on_a_broken_disk(void **state)                      \
    {                                                                                  \
        (void)state;                                                                   \
        fail_in_turn(operation, EIO);                                                  \
    }

FAULT_TESTS(upsert)
FAULT_TESTS(reopen)
FAULT_TESTS(create)
FAULT_TESTS(seal)
FAULT_TESTS(back_up)
FAULT_TESTS(restore)
FAULT_TESTS(snapshot)
FAULT_TESTS(recover)
FAULT_TESTS(compact)
FAULT_TESTS(repair)

#define BOTH(operation)                                                                \
    cmocka_unit_test(test_##operation##_on_a_full_disk),                               \
        cmocka_unit_test(test_##operation##_on_a_broken_disk)

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        BOTH(upsert),  BOTH(reopen),   BOTH(create),  BOTH(seal),    BOTH(back_up),
        BOTH(restore), BOTH(snapshot), BOTH(recover), BOTH(compact), BOTH(repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
