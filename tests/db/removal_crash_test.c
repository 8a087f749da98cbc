/*
 * removal_crash_test.c - a process that dies right before or right after any change of
 * any file while it removes points by a filter, in several transactions: after the next
 * opening all of them are gone or none is, and nothing else.
 */
#include "tests/db/faults.h"
#include "tests/db/steps.h"

#include "base/log.h"
#include "db/database.h"
#include "db/pending.h"
#include "tests/db/process.h"

enum { N = 25000, N_MATCHING = 22000, BATCH_POINTS = 5000, DEATHS_MAX = 1000 };

static const char matching[] = "{\"must\":{\"key\":\"n\",\"range\":{\"lt\":22000}}}";

static struct {
    char made[64], folder[64];
    char database[96];
    long point;
    bool after;
} run;

static struct duet *open_database(void)
{
    struct duet *db;
    struct duet_options o = {
        .path = run.database, .write = true, .create = true, .n_threads = 1};
    assert_ok(duet_open(&db, &o));
    return db;
}

/* Point i has {"n": i}. */
static void put_points(struct duet *db)
{
    static float vectors[BATCH_POINTS][2];
    static char payloads[BATCH_POINTS][32];
    static struct duet_named_input inputs[BATCH_POINTS];
    static struct duet_point_input points[BATCH_POINTS];
    for (uint64_t first = 0; first < N; first += BATCH_POINTS) {
        for (size_t i = 0; i < BATCH_POINTS; i++) {
            vectors[i][0] = 1;
            vectors[i][1] = (float)i;
            snprintf(payloads[i], sizeof payloads[i], "{\"n\":%llu}",
                     (unsigned long long)(first + i));
            inputs[i] = (struct duet_named_input){
                NULL, {.kind = DUET_INPUT_VECTOR, .vector = vectors[i], .n = 2}};
            points[i] = (struct duet_point_input){.id = test_id(first + i),
                                                  .payload = payloads[i],
                                                  .n_payload = strlen(payloads[i]),
                                                  .vectors = &inputs[i],
                                                  .n_vectors = 1};
        }
        assert_ok(duet_upsert(db, "c", points, BATCH_POINTS));
    }
}

static void make_database(void)
{
    steps_folder_make(run.made);
    snprintf(run.database, sizeof run.database, "%s/a.db", run.made);
    struct duet *db = open_database();
    test_collection_make(db, "c", 2, DUET_COSINE);
    put_points(db);
    assert_ok(duet_seal(db, "c"));
    duet_close(db);
}

static void copy_database(void)
{
    steps_folder_make(run.folder);
    snprintf(run.database, sizeof run.database, "%s/a.db", run.folder);
    steps_folder_copy(run.made, run.folder);
}

static size_t count(struct duet *db, const char *filter)
{
    size_t n;
    assert_ok(duet_count_where(db, "c", filter, &n));
    return n;
}

static void work_and_die(void *arg)
{
    struct duet *db;
    struct duet_options o = {.path = run.database, .write = true, .n_threads = 1};
    size_t n;
    (void)arg;
    faults_watch(run.folder);
    faults_kill_at(run.point, run.after);
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_remove_where(db, "c", matching, &n) == ERR_OK);
    CHILD_CHECK(n == N_MATCHING);
    duet_close(db);
}

static size_t n_noted(struct duet *db)
{
    struct txn txn;
    struct pending p = {.number = 0};
    struct buf filter;
    size_t n = 0;
    buf_init(&filter, LIMIT_FILTER_BYTES);
    assert_ok(store_read(db->store, &txn));
    do {
        assert_ok(pending_next(&txn, p.number, &filter, &p));
        n += p.number != 0;
    } while (p.number != 0);
    store_end(&txn);
    buf_release(&filter);
    return n;
}

/* Returns whether the removal was done. */
static bool check(bool died)
{
    struct duet *db = open_database();
    size_t n = count(db, NULL);
    assert_true(n == N - N_MATCHING || (died && n == N));
    assert_int_equal(count(db, matching), n == N ? N_MATCHING : 0);
    assert_int_equal(n_noted(db), 0);
    check_sound(db, false);
    duet_close(db);
    return n != N;
}

static void test_a_removal_is_whole_wherever_it_is_cut_off(void **state)
{
    (void)state;
    size_t n_done = 0, n_undone = 0;
    for (int after = 0; after < 2; after++) {
        bool died = true;
        run.after = after == 1;
        for (run.point = 0; died && run.point < DEATHS_MAX; run.point += SPARSE) {
            copy_database();
            died = child_run_until_killed(work_and_die, NULL);
            *(check(died) ? &n_done : &n_undone) += 1;
            test_folder_remove(run.folder);
        }
        assert_false(died);
    }
    print_message("%zu deaths before it, %zu after its first transaction\n", n_undone,
                  n_done);
    assert_true(n_done > 4 / SPARSE && n_undone > 0);
}

/* ---- What is noted ---- */

static enum err note(struct txn *txn, void *arg)
{
    return pending_put(txn, arg);
}

/* Point 5 was written again behind the removal's back, which had come to 10,000. */
static void test_what_was_passed_already_is_left_alone(void **state)
{
    (void)state;
    struct pending p = {.collection = 1, .from = test_id(10000), .filter = matching};
    copy_database();
    struct duet *db = open_database();
    assert_ok(store_update(db->store, note, &p));
    assert_int_equal(p.number, 1);
    assert_int_equal(n_noted(db), 1);
    duet_close(db);
    db = open_database();
    assert_int_equal(n_noted(db), 0);
    assert_int_equal(count(db, NULL), 10000 + N - N_MATCHING);
    assert_int_equal(count(db, "{\"must\":{\"has_id\":[5,9999,10000,22000]}}"), 3);
    duet_close(db);
    test_folder_remove(run.folder);
}

static enum err note_nonsense(struct txn *txn, void *arg)
{
    struct bytes key = {"removal\0\0\0\1", 11};
    (void)arg;
    return store_put(txn, STORE_META, key, (struct bytes){"\x05", 1});
}

/* One that cannot be finished hinders neither the others nor the opening. */
static void test_what_cannot_be_finished_hinders_nothing(void **state)
{
    (void)state;
    struct pending broken = {.collection = 1, .from = test_id(0), .filter = "{\"a\":"};
    struct pending dropped = {.collection = 77, .from = test_id(0), .filter = matching};
    struct pending right = {.collection = 1, .from = test_id(0), .filter = matching};
    copy_database();
    struct duet *db = open_database();
    assert_ok(store_update(db->store, note_nonsense, NULL));
    assert_ok(store_update(db->store, note, &broken));
    assert_ok(store_update(db->store, note, &dropped));
    assert_ok(store_update(db->store, note, &right));
    assert_int_equal(right.number, 4);
    duet_close(db);
    db = open_database();
    assert_int_equal(count(db, NULL), N - N_MATCHING);
    duet_close(db);
    test_folder_remove(run.folder);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    make_database();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(run.made);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_removal_is_whole_wherever_it_is_cut_off),
        cmocka_unit_test(test_what_was_passed_already_is_left_alone),
        cmocka_unit_test(test_what_cannot_be_finished_hinders_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
