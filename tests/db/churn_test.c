/*
 * churn_test.c - what is updated and deleted for long: db/move.c empties what is mostly
 * dead, so files stay in proportion to what lives, the index finds as much as before,
 * searches beside it are right, and a crash at any change of a file leaves all sound.
 */
#include "tests/db/faults.h"

#include "tests/db/db_test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/log.h"
#include "db/db_internal.h"
#include "db/duet_keep.h"
#include "tests/db/process.h"

enum { BATCH = 64, K = 10 };

/* A sanitizer makes the learning of codes fifty times slower; there the files, which
 * are of a few pages then, are not what is looked at. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { DIM = 16, N = 2048, SEAL_AT = 512, ROUNDS = 3, TIMES_MAX = 8, SPARSE = 16 };
#else
enum { DIM = 256, N = 8192, SEAL_AT = 2048, ROUNDS = 10, TIMES_MAX = 2, SPARSE = 1 };
#endif

struct fixture {
    struct test_db t;
    struct test_random random;
    float vectors[N][DIM]; /* of the points as they are now */
};

static struct duet_options options_of(const char *folder)
{
    return (struct duet_options){.path = folder,
                                 .write = true,
                                 .create = true,
                                 .n_threads = 1,
                                 .seal_at = SEAL_AT};
}

static void open_db(struct fixture *f)
{
    struct duet_options o = options_of(f->t.folder);
    assert_ok(duet_open(&f->t.db, &o));
}

/* In memory where there is room: the syncs of a disk would take minutes. */
static void make_folder(char folder[64])
{
    strcpy(folder, "/dev/shm/duet-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        test_folder_make(folder);
    }
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    log_set_level(LOG_ERROR);
    f->random = test_random_seeded("churn");
    make_folder(f->t.folder);
    open_db(f);
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    free(f);
    return 0;
}

/* ---- Writing ---- */

/* Near one of 40 centres, which are told by their numbers. */
static void draw_vector(struct fixture *f, float *vector)
{
    struct test_random centre = {test_random_below(&f->random, 40) * 2 + 1};
    float noise[DIM];
    double sum = 0;
    test_random_next(&centre);
    test_random_unit(&centre, vector, DIM);
    test_random_unit(&f->random, noise, DIM);
    for (size_t d = 0; d < DIM; d++) {
        vector[d] += 0.6f * noise[d];
        sum += (double)vector[d] * vector[d];
    }
    for (size_t d = 0; d < DIM; d++) {
        vector[d] = (float)(vector[d] / sqrt(sum));
    }
}

/* Gives the points ids[n] new vectors. */
static void write_points(struct fixture *f, struct duet *db, const struct duet_id *ids,
                         size_t n)
{
    static const char payload[] = "{\"title\":\"a red bicycle\"}";
    struct db_write *writes = calloc(n, sizeof *writes);
    for (size_t i = 0; i < n; i++) {
        draw_vector(f, f->vectors[ids[i].number]);
        writes[i] = (struct db_write){
            .id = ids[i], .payload = payload, .n_payload = sizeof payload - 1};
        writes[i].vectors[0] = f->vectors[ids[i].number];
    }
    assert_ok(db_write_points(db, "c", writes, n));
    free(writes);
}

/* All ids in a random order. */
static void shuffle(struct fixture *f, struct duet_id ids[N])
{
    for (size_t i = 0; i < N; i++) {
        size_t j = test_random_below(&f->random, i + 1);
        ids[i] = ids[j];
        ids[j] = test_id(i);
    }
}

static void fill(struct fixture *f, struct duet *db)
{
    struct duet_id ids[BATCH];
    for (size_t i = 0; i < N; i += BATCH) {
        for (size_t j = 0; j < BATCH; j++) {
            ids[j] = test_id(i + j);
        }
        write_points(f, db, ids, BATCH);
    }
    assert_ok(duet_seal(db, "c"));
}

/* Every point once: half of the batches are updated, half deleted and put back. */
static void churn_once(struct fixture *f)
{
    static struct duet_id ids[N];
    shuffle(f, ids);
    for (size_t i = 0; i < N; i += BATCH) {
        if (i / BATCH % 2 == 0) {
            assert_ok(duet_remove(f->t.db, "c", ids + i, BATCH, NULL));
        }
        write_points(f, f->t.db, ids + i, BATCH);
    }
}

/* ---- Looking ---- */

static size_t size_of_file(const char *folder, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
}

/* Bytes of data.mdb and of all files in segments/. */
static size_t disk_use(const char *folder)
{
    char path[128];
    size_t n = size_of_file(folder, "data.mdb");
    snprintf(path, sizeof path, "%s/segments", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += size_of_file(path, e->d_name);
    }
    closedir(d);
    return n;
}

static struct duet_space_stats stats_of(struct duet *db)
{
    struct duet_stats stats;
    assert_ok(duet_stats(db, "c", &stats));
    return stats.spaces[0];
}

static void print_finding(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    print_error("verify: %s\n", finding->text);
}

static void assert_sound(struct duet *db)
{
    struct duet_check_options o = {.found = print_finding};
    struct duet_check_result r;
    assert_ok(duet_verify(db, &o, &r));
    assert_int_equal(r.n_damage, 0);
    assert_int_equal(r.n_derived, 0);
}

/* Share of the exact ten that the index finds, of 100 queries; it was asked each time.
 */
static double recall(struct fixture *f)
{
    size_t n_common = 0;
    for (size_t i = 0; i < 100; i++) {
        float query[DIM];
        struct duet_hits truth;
        struct duet_hits got;
        draw_vector(f, query);
        struct duet_query q = test_query(query, DIM, K);
        assert_ok(duet_search(f->t.db, "c", &q, &got));
        q.exact = true;
        assert_ok(duet_search(f->t.db, "c", &q, &truth));
        assert_int_equal(got.n, K);
        assert_true(got.n_candidates > 0);
        for (size_t a = 0; a < K * K; a++) {
            n_common += truth.hits[a / K].id.number == got.hits[a % K].id.number;
        }
        duet_hits_release(&truth);
        duet_hits_release(&got);
    }
    return (double)n_common / (100 * K);
}

/* Every point is there, with the vector it was given last. */
static void assert_all_there(struct fixture *f, size_t step)
{
    for (size_t i = 0; i < N; i += step) {
        struct duet_hits got;
        struct duet_id id = test_id(i);
        assert_ok(duet_get(f->t.db, "c", &id, 1, true, &got));
        assert_int_equal(got.n, 1);
        assert_memory_equal(got.hits[0].vectors[0].values, f->vectors[i],
                            sizeof f->vectors[i]);
        duet_hits_release(&got);
    }
}

/* ---- Tests ---- */

/* What the same points take in a database that was never churned. */
static size_t fresh_size(struct fixture *f)
{
    struct test_db fresh;
    make_folder(fresh.folder);
    struct duet_options o = options_of(fresh.folder);
    assert_ok(duet_open(&fresh.db, &o));
    test_collection_make(fresh.db, "c", DIM, DUET_COSINE);
    fill(f, fresh.db);
    duet_close(fresh.db);
    assert_ok(duet_open(&fresh.db, &o)); /* old segments go */
    assert_ok(duet_seal(fresh.db, "c"));
    size_t n = disk_use(fresh.folder);
    test_db_remove(&fresh);
    return n;
}

static void test_ten_rounds_of_churn_keep_files_and_recall(void **state)
{
    struct fixture *f = *state;
    size_t live = fresh_size(f);
    fill(f, f->t.db);
    double before = recall(f);
    for (size_t round = 0; round < ROUNDS; round++) {
        churn_once(f);
        assert_ok(duet_seal(f->t.db, "c"));
    }
    duet_close(f->t.db);
    open_db(f); /* what is in its grace goes at the opening */
    assert_ok(duet_seal(f->t.db, "c"));
    double after = recall(f);
    size_t n = disk_use(f->t.folder);
    print_message("live %zu bytes, after %d rounds %zu (%.2f times); recall %.3f, then "
                  "%.3f\n",
                  live, ROUNDS, n, (double)n / (double)live, before, after);
    assert_true(n <= TIMES_MAX * live);
    assert_true(before >= 0.98 && after >= before - 0.01);
    assert_int_equal(stats_of(f->t.db).n_vectors, N);
    assert_all_there(f, 1);
    assert_sound(f->t.db);
}

static void test_what_half_of_the_points_took_is_used_again(void **state)
{
    struct fixture *f = *state;
    static struct duet_id ids[N];
    fill(f, f->t.db);
    shuffle(f, ids);
    size_t before = size_of_file(f->t.folder, "data.mdb");
    for (size_t i = 0; i < N / 2; i += BATCH) {
        assert_ok(duet_remove(f->t.db, "c", ids + i, BATCH, NULL));
    }
    assert_ok(duet_seal(f->t.db, "c"));
    assert_int_equal(stats_of(f->t.db).n_vectors, N / 2);
    for (size_t i = 0; i < N / 2; i += BATCH) {
        write_points(f, f->t.db, ids + i, BATCH);
    }
    assert_ok(duet_seal(f->t.db, "c"));
    size_t after = size_of_file(f->t.folder, "data.mdb");
    print_message("data.mdb: %zu, then %zu\n", before, after);
    assert_true(after <= before + before / 2 || TIMES_MAX > 2);
    assert_all_there(f, 1);
    assert_sound(f->t.db);
}

/* Points that live among the dead are moved; nobody sees it. */
static void test_searches_beside_the_moving_miss_nothing(void **state)
{
    struct fixture *f = *state;
    struct duet_id ids[BATCH];
    fill(f, f->t.db);
    for (size_t i = 0; i < N; i += BATCH) {
        size_t n = 0;
        for (size_t j = i; j < i + BATCH; j++) {
            if (j % 8 != 0) { /* every eighth stays */
                ids[n++] = test_id(j);
            }
        }
        assert_ok(duet_remove(f->t.db, "c", ids, n, NULL));
        for (size_t j = 0; j < N; j += 256) {
            struct duet_hits got;
            struct duet_query q = test_query(f->vectors[j], DIM, 1);
            assert_ok(duet_search(f->t.db, "c", &q, &got));
            assert_int_equal(got.hits[0].id.number, j);
            duet_hits_release(&got);
        }
    }
    assert_ok(duet_seal(f->t.db, "c"));
    assert_all_there(f, 8);
    assert_int_equal(stats_of(f->t.db).n_vectors, N / 8);
    assert_sound(f->t.db);
}

/* ---- Dying while it is moved ---- */

enum { POINTS_MAX = 2000, N_SMALL = 2048 };

struct crash {
    char folder[64];
    long point;
};

static void small_vector(uint64_t number, float *vector)
{
    struct test_random r = {number * 2 + 1};
    test_random_next(&r);
    test_random_unit(&r, vector, DIM);
}

static void make_small(const char *folder)
{
    static float vectors[N_SMALL][DIM];
    static struct db_write writes[N_SMALL];
    struct duet *db;
    struct duet_options o = options_of(folder);
    assert_ok(duet_open(&db, &o));
    test_collection_make(db, "c", DIM, DUET_COSINE);
    memset(writes, 0, sizeof writes);
    for (size_t i = 0; i < N_SMALL; i++) {
        small_vector(i, vectors[i]);
        writes[i].id = test_id(i);
        writes[i].vectors[0] = vectors[i];
    }
    assert_ok(db_write_points(db, "c", writes, N_SMALL));
    assert_ok(duet_seal(db, "c"));
    duet_close(db);
}

/* Deletes three of four; the builder then moves the fourth out and seals it anew. */
static void delete_and_die(void *arg)
{
    struct crash *crash = arg;
    struct duet *db;
    static struct duet_id ids[N_SMALL];
    size_t n = 0;
    struct duet_options o = options_of(crash->folder);
    for (uint64_t i = 0; i < N_SMALL; i++) {
        if (i % 4 != 0) {
            ids[n++] = test_id(i);
        }
    }
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_seal(db, "c") == ERR_OK);
    faults_watch(crash->folder);
    faults_kill_at(crash->point, crash->point % 2 == 1);
    CHILD_CHECK(duet_remove(db, "c", ids, n, NULL) == ERR_OK);
    CHILD_CHECK(duet_seal(db, "c") == ERR_OK);
    duet_close(db);
}

static void check_small(const char *folder)
{
    struct duet *db;
    struct duet_options o = options_of(folder);
    size_t n;
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_seal(db, "c"));
    assert_sound(db);
    assert_ok(duet_count(db, "c", &n));
    assert_true(n == N_SMALL || n == N_SMALL / 4);
    assert_int_equal(stats_of(db).n_vectors, n);
    for (uint64_t i = 0; i < N_SMALL; i += 4) {
        float vector[DIM];
        struct duet_hits got;
        small_vector(i, vector);
        struct duet_query q = test_query(vector, DIM, 1);
        q.exact = true;
        assert_ok(duet_search(db, "c", &q, &got));
        assert_int_equal(got.hits[0].id.number, i);
        assert_true(got.hits[0].score > 0.9999f);
        duet_hits_release(&got);
    }
    duet_close(db);
}

static void test_dying_at_each_change_of_a_file_while_it_moves(void **state)
{
    (void)state;
    char model[64];
    char command[256];
    bool died = true;
    long point = 0;
    test_folder_make(model);
    make_small(model);
    for (; died && point < POINTS_MAX; point += SPARSE) {
        struct crash crash = {.point = point};
        make_folder(crash.folder);
        snprintf(command, sizeof command, "cp -r '%s/.' '%s'", model, crash.folder);
        assert_int_equal(system(command), 0);
        int status = child_run(delete_and_die, &crash);
        died = WIFSIGNALED(status);
        assert_true(died || WEXITSTATUS(status) == 0);
        check_small(crash.folder);
        test_folder_remove(crash.folder);
    }
    test_folder_remove(model);
    print_message("%ld changes of files\n", point - SPARSE);
    assert_false(died);
    assert_true(point > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dying_at_each_change_of_a_file_while_it_moves),
        cmocka_unit_test_setup_teardown(test_ten_rounds_of_churn_keep_files_and_recall,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_half_of_the_points_took_is_used_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_searches_beside_the_moving_miss_nothing,
                                        set_up, tear_down),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
