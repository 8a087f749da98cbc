/*
 * commit_test.c - db/commit.h: writes of several threads in one commit. Groups are made
 * on purpose: a first write is held until others wait behind it. Run under
 * ThreadSanitizer by `make tsan`.
 */
#include "tests/db/faults.h"

#include "tests/db/db_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/store_parts.h"

enum { WRITERS = 8, LARGE = LIMIT_COMMIT_BYTES / 4, ROUNDS = 300 };

/* What a write does: puts its rows, then fails or not. */
struct job {
    struct store *store;
    size_t number;
    size_t n_bytes; /* of its value; 0: a few */
    enum err fail;  /* what its body ends with */
    atomic_int n_runs;
    enum err result;
    char detail[ERR_DETAIL_MAX];
};

static atomic_bool held; /* the first write waits while this is set */

static struct bytes key_of(size_t number, char room[32])
{
    int n = snprintf(room, 32, "job %06zu", number);
    return (struct bytes){room, (size_t)n};
}

static enum err body(struct txn *txn, void *arg)
{
    struct job *job = arg;
    char room[32];
    size_t n = job->n_bytes == 0 ? 8 : job->n_bytes;
    atomic_fetch_add(&job->n_runs, 1);
    char *value = alloc_zero(n, 1);
    memcpy(value, &job->number, sizeof job->number);
    enum err result =
        store_put(txn, STORE_META, key_of(job->number, room), (struct bytes){value, n});
    alloc_free(value);
    TRY(result);
    FAIL_IF(job->fail != ERR_OK, job->fail, "job %zu was told to fail", job->number);
    return ERR_OK;
}

static enum err holding_body(struct txn *txn, void *arg)
{
    while (atomic_load(&held)) {
        usleep(1000);
    }
    return body(txn, arg);
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    job->result = store_update(job->store, job->number == 0 ? holding_body : body, job);
    snprintf(job->detail, sizeof job->detail, "%s", err_detail());
    return NULL;
}

/* How many writes wait, the one that runs included. */
static size_t n_queued(struct store *store)
{
    pthread_mutex_lock(&store->commits.mutex);
    size_t n = commits_waiting(&store->commits);
    pthread_mutex_unlock(&store->commits.mutex);
    return n;
}

/* Runs jobs[n], the first of which is held until all others wait, in their order. */
static void run_all(struct store *store, struct job *jobs, size_t n)
{
    pthread_t threads[WRITERS + 1];
    atomic_store(&held, true);
    for (size_t i = 0; i < n; i++) {
        jobs[i].store = store;
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
        while (n_queued(store) < i + 1) {
            usleep(100);
        }
    }
    atomic_store(&held, false);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static bool is_there(struct store *store, size_t number)
{
    struct txn txn;
    struct bytes value;
    char room[32];
    assert_ok(store_read(store, &txn));
    assert_ok(store_get(&txn, STORE_META, key_of(number, room), &value));
    bool there = value.data != NULL;
    if (there) {
        assert_memory_equal(value.data, &number, sizeof number);
    }
    store_end(&txn);
    return there;
}

struct fixture {
    char folder[64];
    struct store *store;
};

static void open_with(struct fixture *f, size_t map_bytes)
{
    struct store_options o = {
        .folder = f->folder, .write = true, .create = true, .map_bytes = map_bytes};
    assert_ok(store_open(&f->store, &o));
    f->store->commits.gather_ns = UINT64_MAX / 2; /* however slow the machine is */
}

static int set_up(void **state)
{
    static struct fixture f;
    test_folder_make(f.folder);
    open_with(&f, 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    test_folder_remove(f->folder);
    return 0;
}

static void number_jobs(struct job *jobs, size_t n)
{
    memset(jobs, 0, n * sizeof *jobs);
    for (size_t i = 0; i < n; i++) {
        jobs[i].number = i;
    }
}

static void test_who_waits_shares_one_commit(void **state)
{
    struct fixture *f = *state;
    struct job jobs[WRITERS + 1];
    number_jobs(jobs, WRITERS + 1);
    uint64_t n_before = f->store->commits.n_commits;
    run_all(f->store, jobs, WRITERS + 1);
    assert_int_equal(f->store->commits.n_commits - n_before, 1);
    for (size_t i = 0; i <= WRITERS; i++) {
        assert_int_equal(jobs[i].result, ERR_OK);
        assert_int_equal(atomic_load(&jobs[i].n_runs), 1);
        assert_true(is_there(f->store, i));
    }
}

static void test_a_body_that_fails_hurts_no_neighbour(void **state)
{
    struct fixture *f = *state;
    struct job jobs[WRITERS + 1];
    char sentence[64];
    number_jobs(jobs, WRITERS + 1);
    jobs[3].fail = ERR_EXISTS;
    jobs[4].fail = ERR_NOT_FOUND;
    jobs[8].fail = ERR_CONFLICT;
    uint64_t n_before = f->store->commits.n_commits;
    run_all(f->store, jobs, WRITERS + 1);
    assert_int_equal(f->store->commits.n_commits - n_before, 1);
    for (size_t i = 0; i <= WRITERS; i++) {
        assert_int_equal(jobs[i].result, jobs[i].fail);
        assert_int_equal(is_there(f->store, i), jobs[i].fail == ERR_OK);
        snprintf(sentence, sizeof sentence, "job %zu was told to fail", i);
        if (jobs[i].fail != ERR_OK) {
            assert_string_equal(jobs[i].detail, sentence);
        }
    }
    assert_ok(store_check(f->store));
}

static void test_a_leader_that_fails_leaves_the_lead_to_the_next(void **state)
{
    struct fixture *f = *state;
    struct job jobs[4];
    number_jobs(jobs, 4);
    jobs[0].fail = ERR_EXISTS;
    jobs[1].fail = ERR_EXISTS;
    run_all(f->store, jobs, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(jobs[i].result, i < 2 ? ERR_EXISTS : ERR_OK);
        assert_int_equal(is_there(f->store, i), i >= 2);
    }
}

/* Two of the large ones fit into a group of small ones, the others lead their own. */
static void test_large_writes_lead_a_group_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct job jobs[WRITERS + 1];
    number_jobs(jobs, WRITERS + 1);
    jobs[2].n_bytes = jobs[3].n_bytes = LARGE;
    jobs[5].n_bytes = 2 * LIMIT_COMMIT_BYTES;
    uint64_t n_before = f->store->commits.n_commits;
    run_all(f->store, jobs, WRITERS + 1);
    assert_int_equal(f->store->commits.n_commits - n_before, 3);
    for (size_t i = 0; i <= WRITERS; i++) {
        assert_int_equal(jobs[i].result, ERR_OK);
        assert_int_equal(atomic_load(&jobs[i].n_runs), i == 5 ? 2 : 1);
        assert_true(is_there(f->store, i));
    }
    assert_ok(store_check(f->store));
}

static void test_a_full_map_is_grown_for_whoever_fills_it(void **state)
{
    struct fixture *f = *state;
    struct job jobs[WRITERS + 1];
    store_close(f->store);
    open_with(f, 1 << 20); /* room for two of them */
    number_jobs(jobs, WRITERS + 1);
    for (size_t i = 1; i <= WRITERS; i++) {
        jobs[i].n_bytes = 300 << 10;
    }
    jobs[5].fail = ERR_EXISTS;
    run_all(f->store, jobs, WRITERS + 1);
    int n_runs = 0;
    for (size_t i = 0; i <= WRITERS; i++) {
        assert_int_equal(jobs[i].result, jobs[i].fail);
        assert_int_equal(is_there(f->store, i), jobs[i].fail == ERR_OK);
        n_runs += atomic_load(&jobs[i].n_runs);
    }
    assert_true(n_runs > WRITERS + 1); /* a map was full */
    assert_ok(store_check(f->store));
}

/* ---- A disk that fails ---- */

/* Lets the n-th change of a group of four writes fail; true while there was one. */
static bool fail_at(struct fixture *f, long n, size_t *n_failed)
{
    struct job jobs[4];
    faults_watch("");
    store_close(f->store);
    test_folder_remove(f->folder);
    test_folder_make(f->folder);
    open_with(f, 0);
    number_jobs(jobs, 4);
    jobs[2].fail = ERR_EXISTS;
    faults_watch(f->folder);
    faults_fail_at(n, EIO);
    run_all(f->store, jobs, 4);
    bool struck = faults_struck();
    faults_watch("");
    faults_reset();
    bool group_failed = jobs[1].result != ERR_OK;
    *n_failed += group_failed ? 1 : 0;
    assert_int_equal(jobs[0].result, jobs[1].result);
    assert_int_equal(jobs[2].result, group_failed ? jobs[1].result : ERR_EXISTS);
    assert_int_equal(jobs[3].result, jobs[1].result);
    store_close(f->store);
    open_with(f, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(is_there(f->store, i), jobs[i].result == ERR_OK);
    }
    assert_ok(store_check(f->store));
    return struck;
}

static void test_a_commit_that_fails_fails_all_of_its_group(void **state)
{
    struct fixture *f = *state;
    size_t n_failed = 0;
    long n = 0;
    while (fail_at(f, n, &n_failed)) {
        n++;
    }
    print_message("%ld changes of the disk, %zu of them failed a group\n", n, n_failed);
    assert_true(n_failed >= 2); /* its pages, its sync */
}

/* ---- Chance ---- */

struct crowd {
    struct store *store;
    size_t first; /* number of its first row */
    uint64_t seed;
    size_t n_wrong;
};

/* Some fail, some are large, and each sees what it wrote itself. */
static void *write_often(void *arg)
{
    struct crowd *c = arg;
    struct test_random r = {c->seed * 2 + 1};
    for (size_t i = 0; i < ROUNDS; i++) {
        struct job job = {.store = c->store, .number = c->first + i};
        job.fail = test_random_below(&r, 3) == 0 ? ERR_CONFLICT : ERR_OK;
        job.n_bytes = test_random_below(&r, 20) == 0 ? LARGE / 16 : 0;
        char sentence[64];
        snprintf(sentence, sizeof sentence, "job %zu was told to fail", job.number);
        enum err result = store_update(c->store, body, &job);
        c->n_wrong += result != job.fail;
        c->n_wrong += result != ERR_OK && strcmp(err_detail(), sentence) != 0;
        c->n_wrong += is_there(c->store, job.number) != (job.fail == ERR_OK);
    }
    return NULL;
}

static void test_many_threads_find_what_they_wrote_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct test_random r = test_random_seeded("commits");
    struct crowd crowds[WRITERS];
    pthread_t threads[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        crowds[i] = (struct crowd){f->store, i * ROUNDS + 1, test_random_next(&r), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &crowds[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].n_wrong, 0);
    }
    print_message("%llu writes in %llu commits\n",
                  (unsigned long long)f->store->commits.n_writes,
                  (unsigned long long)f->store->commits.n_commits);
    assert_true(f->store->commits.n_commits < f->store->commits.n_writes);
    assert_ok(store_check(f->store));
}

/* Each replaces its own row again and again, and some of the times fails. */
static void *replace_often(void *arg)
{
    struct crowd *c = arg;
    struct test_random r = {c->seed * 2 + 1};
    for (size_t i = 0; i < ROUNDS; i++) {
        struct job job = {.store = c->store, .number = c->first, .n_bytes = 64 << 10};
        job.fail = i > 0 && test_random_below(&r, 3) == 0 ? ERR_CONFLICT : ERR_OK;
        c->n_wrong += store_update(c->store, body, &job) != job.fail;
    }
    return NULL;
}

/* What is live is half a megabyte; pages that were lost would add up to hundreds. */
static void test_what_is_undone_leaves_no_pages_behind(void **state)
{
    struct fixture *f = *state;
    struct test_random r = test_random_seeded("churn");
    struct crowd crowds[WRITERS];
    pthread_t threads[WRITERS];
    size_t n_bytes;
    for (size_t i = 0; i < WRITERS; i++) {
        crowds[i] = (struct crowd){f->store, i + 1, test_random_next(&r), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, replace_often, &crowds[i]),
                         0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].n_wrong, 0);
        assert_true(is_there(f->store, i + 1));
    }
    assert_ok(store_size(f->store, &n_bytes));
    print_message("%zu KiB after %d times 64 KiB in %llu commits\n", n_bytes >> 10,
                  WRITERS * ROUNDS, (unsigned long long)f->store->commits.n_commits);
    assert_true(n_bytes < 16 << 20);
    assert_ok(store_check(f->store));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_who_waits_shares_one_commit),
        TEST(test_a_body_that_fails_hurts_no_neighbour),
        TEST(test_a_leader_that_fails_leaves_the_lead_to_the_next),
        TEST(test_large_writes_lead_a_group_of_their_own),
        TEST(test_a_full_map_is_grown_for_whoever_fills_it),
        TEST(test_a_commit_that_fails_fails_all_of_its_group),
        TEST(test_many_threads_find_what_they_wrote_and_nothing_else),
        TEST(test_what_is_undone_leaves_no_pages_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
