/*
 * store_test.c - opening, locking, several processes, full disks and small address
 * spaces: db/store.c, db/writer_lock.c, db/duet.c.
 */
#include "tests/db/db_test.h"

#include <lmdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "db/db_internal.h"
#include "db/store.h"
#include "tests/db/process.h"

static const float V[3] = {1, 0, 0};

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    test_folder_make(t->folder);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static void open_writer(struct test_db *t)
{
    struct duet_options o = test_db_options(t);
    assert_ok(duet_open(&t->db, &o));
}

/* ---- Opening ---- */

static void test_what_is_not_there_is_not_found(void **state)
{
    struct test_db *t = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/none", t->folder);
    assert_err(duet_open(&t->db, &(struct duet_options){.path = path}), ERR_NOT_FOUND);
    assert_err(duet_open(&t->db, &(struct duet_options){.path = path, .write = true}),
               ERR_NOT_FOUND);
    assert_err(duet_open(&t->db, &(struct duet_options){.path = t->folder}),
               ERR_NOT_FOUND);
    assert_null(t->db);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_bad_options_are_refused(void **state)
{
    struct test_db *t = *state;
    char path[128];
    char *huge = malloc(5000);
    memset(huge, 'x', 4999);
    huge[4999] = '\0';
    snprintf(path, sizeof path, "%s/file", t->folder);
    assert_ok(file_write(path, "hello", 5));
    assert_err(duet_open(&t->db, &(struct duet_options){.path = path}), ERR_INVALID);
    assert_err(duet_open(&t->db, &(struct duet_options){.path = ""}), ERR_INVALID);
    assert_err(duet_open(&t->db, &(struct duet_options){.path = NULL}), ERR_INVALID);
    assert_err(
        duet_open(&t->db, &(struct duet_options){.path = t->folder, .create = true}),
        ERR_INVALID);
    struct duet_options o = {.path = huge, .write = true, .create = true};
    assert_int_not_equal(duet_open(&t->db, &o), ERR_OK);
    free(huge);
}

static void test_a_new_database_keeps_its_uuid(void **state)
{
    struct test_db *t = *state;
    uint8_t first[DB_UUID_BYTES];
    uint8_t second[DB_UUID_BYTES];
    struct duet_id id;
    struct duet_id again;
    open_writer(t);
    db_uuid(t->db, first);
    assert_ok(db_id_of_name(t->db, "/a.jpg", &id));
    test_db_reopen(t);
    db_uuid(t->db, second);
    assert_ok(db_id_of_name(t->db, "/a.jpg", &again));
    assert_memory_equal(first, second, DB_UUID_BYTES);
    assert_int_equal(duet_id_compare(id, again), 0);
}

/* Makes the database one of format 1, which had no aliases, behind duet's back. */
static void make_format_1(const char *folder)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta, aliases;
    MDB_val key = {6, (void *)(uintptr_t) "format"}, value;
    char path[256];
    uint8_t record[256];
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    assert_int_equal(mdb_dbi_open(txn, "aliases", 0, &aliases), 0);
    assert_int_equal(mdb_drop(txn, aliases, 1), 0);
    assert_int_equal(mdb_get(txn, meta, &key, &value), 0);
    assert_in_range(value.mv_size, 8, sizeof record);
    memcpy(record, value.mv_data, value.mv_size);
    record[4] = 1;
    value.mv_data = record;
    assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void test_another_format_is_told_before_its_missing_tables(void **state)
{
    struct test_db *t = *state;
    open_writer(t);
    duet_close(t->db);
    t->db = NULL;
    make_format_1(t->folder);
    struct duet_options o = test_db_options(t);
    assert_err(duet_open(&t->db, &o), ERR_VERSION);
    assert_non_null(strstr(err_detail(), "format 1"));
}

static void test_the_file_stays_small_under_the_reserved_map(void **state)
{
    struct test_db *t = *state;
    char path[128];
    struct stat st;
    open_writer(t);
    snprintf(path, sizeof path, "%s/data.mdb", t->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 1 << 20);
}

static void test_an_interrupted_creation_is_no_database(void **state)
{
    struct test_db *t = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/new.mdb", t->folder);
    assert_ok(file_write(path, "half a databas", 14));
    open_writer(t);
    assert_int_not_equal(access(path, F_OK), 0);
    test_collection_make(t->db, "c", 3, DUET_COSINE);
}

/* ---- One writer, many readers ---- */

static void test_one_process_opens_a_database_once(void **state)
{
    struct test_db *t = *state;
    struct duet *second;
    open_writer(t);
    struct duet_options o = test_db_options(t);
    assert_err(duet_open(&second, &o), ERR_BUSY);
    o.write = o.create = false;
    assert_err(duet_open(&second, &o), ERR_BUSY);
    assert_null(second);
}

struct two_processes {
    const char *folder;
    int to_child[2];
    int to_parent[2];
};

static void make_pipes(struct two_processes *p, const struct test_db *t)
{
    p->folder = t->folder;
    assert_int_equal(pipe(p->to_child), 0);
    assert_int_equal(pipe(p->to_parent), 0);
}

/* Opens for writing, says so, and waits to be let go. */
static void hold_as_writer(void *arg)
{
    struct two_processes *p = arg;
    struct duet *db;
    struct duet_options o = {.path = p->folder, .write = true, .create = true};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_announce(db, "http://127.0.0.1:6333") == ERR_OK);
    pipe_signal(p->to_parent[1]);
    CHILD_CHECK(pipe_wait(p->to_child[0]));
    duet_close(db);
}

static void test_a_second_writer_is_told_who_and_where(void **state)
{
    struct test_db *t = *state;
    struct two_processes p;
    char pid_text[32];
    make_pipes(&p, t);
    pid_t pid = child_start(hold_as_writer, &p);
    assert_true(pipe_wait(p.to_parent[0]));
    struct duet_options o = test_db_options(t);
    assert_err(duet_open(&t->db, &o), ERR_BUSY);
    snprintf(pid_text, sizeof pid_text, "process %ld ", (long)pid);
    assert_non_null(strstr(err_detail(), pid_text));
    assert_non_null(strstr(err_detail(), "http://127.0.0.1:6333"));
    pipe_signal(p.to_child[1]);
    assert_int_equal(child_wait(pid), 0);
    open_writer(t);
}

static void test_a_killed_writer_leaves_no_lock(void **state)
{
    struct test_db *t = *state;
    struct two_processes p;
    make_pipes(&p, t);
    pid_t pid = child_start(hold_as_writer, &p);
    assert_true(pipe_wait(p.to_parent[0]));
    kill(pid, SIGKILL);
    assert_true(WIFSIGNALED(child_wait(pid)));
    open_writer(t);
}

/* Writes a point, says so, and writes another when asked. */
static void write_twice(void *arg)
{
    struct two_processes *p = arg;
    struct duet *db;
    struct duet_options o = {.path = p->folder, .write = true, .create = true};
    struct duet_space space = {"v", 3, DUET_COSINE, DUET_FLOAT32};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_collection_create(db, "c", &space, 1) == ERR_OK);
    for (uint64_t i = 0; i < 2; i++) {
        CHILD_CHECK(test_upsert(db, "c", test_id(i), V, 3, NULL) == ERR_OK);
        pipe_signal(p->to_parent[1]);
        CHILD_CHECK(pipe_wait(p->to_child[0]));
    }
    duet_close(db);
}

static void test_a_reader_sees_what_another_process_commits(void **state)
{
    struct test_db *t = *state;
    struct two_processes p;
    struct duet_hits got;
    struct duet_query q = test_query(V, 3, 10);
    make_pipes(&p, t);
    pid_t pid = child_start(write_twice, &p);
    for (size_t n = 1; n <= 2; n++) {
        assert_true(pipe_wait(p.to_parent[0]));
        if (n == 1) {
            assert_ok(duet_open(&t->db, &(struct duet_options){.path = t->folder}));
        }
        assert_ok(duet_search(t->db, "c", &q, &got));
        assert_int_equal(got.n, n);
        duet_hits_release(&got);
        pipe_signal(p.to_child[1]);
    }
    assert_int_equal(child_wait(pid), 0);
}

/* ---- Full ---- */

static enum err write_rows(struct txn *txn, void *arg)
{
    static const char row[4000];
    uint32_t from = *(uint32_t *)arg;
    for (uint32_t i = from; i < from + 500; i++) {
        struct record_key key = record_key_chunk(1, 0, i);
        TRY(store_put(txn, STORE_VECTORS, store_key(&key),
                      (struct bytes){row, sizeof row}));
    }
    return ERR_OK;
}

static size_t count_rows(struct store *store)
{
    struct txn txn;
    struct cursor cursor;
    size_t n = 0;
    assert_ok(store_read(store, &txn));
    assert_ok(cursor_open(&txn, STORE_VECTORS, (struct bytes){"", 0}, &cursor));
    while (cursor.key.data != NULL) {
        n++;
        assert_ok(cursor_next(&cursor));
    }
    cursor_close(&cursor);
    store_end(&txn);
    return n;
}

static void test_a_full_map_grows_and_loses_nothing(void **state)
{
    struct test_db *t = *state;
    struct store *store;
    struct store_options o = {
        .folder = t->folder, .write = true, .create = true, .map_bytes = 1 << 20};
    assert_ok(store_open(&store, &o));
    for (uint32_t from = 0; from < 5000; from += 500) {
        assert_ok(store_update(store, write_rows, &from));
        assert_int_equal(count_rows(store), from + 500);
    }
    store_close(store);
    assert_ok(store_open(&store, &o));
    assert_int_equal(count_rows(store), 5000);
    store_close(store);
}

/* Makes the address space `room` larger than it is now, no more. */
static void limit_address_space(size_t room)
{
    char line[256];
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHILD_CHECK(file != NULL && fgets(line, sizeof line, file) != NULL);
    fclose(file);
    CHILD_CHECK(sscanf(line, "%lu", &pages) == 1);
    struct rlimit limit = {.rlim_cur = pages * 4096 + room, .rlim_max = RLIM_INFINITY};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void use_in_little_address_space(void *arg)
{
    struct duet *db;
    struct duet_options o = {
        .path = arg, .write = true, .create = true, .n_threads = 1};
    struct duet_space space = {"v", 3, DUET_COSINE, DUET_FLOAT32};
    size_t n;
    limit_address_space((size_t)900 << 20);
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_collection_create(db, "c", &space, 1) == ERR_OK);
    CHILD_CHECK(test_upsert(db, "c", test_id(1), V, 3, NULL) == ERR_OK);
    CHILD_CHECK(duet_count(db, "c", &n) == ERR_OK && n == 1);
    duet_close(db);
}

static void use_with_hardly_any_address_space(void *arg)
{
    struct duet *db;
    struct duet_options o = {.path = arg, .write = true, .create = true};
    limit_address_space((size_t)64 << 20);
    CHILD_CHECK(duet_open(&db, &o) == ERR_NOMEM);
    CHILD_CHECK(err_detail()[0] != '\0' && db == NULL);
}

/* Sanitizers reserve address space themselves, terabytes of it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITED_SPACE_CAN_BE_TESTED 0
#else
#define LIMITED_SPACE_CAN_BE_TESTED 1
#endif

static void test_a_small_address_space_gets_a_smaller_map(void **state)
{
    struct test_db *t = *state;
    if (!LIMITED_SPACE_CAN_BE_TESTED) {
        skip();
    }
    assert_int_equal(child_run(use_in_little_address_space, t->folder), 0);
    open_writer(t);
    size_t n;
    assert_ok(duet_count(t->db, "c", &n));
    assert_int_equal(n, 1);
}

static void test_too_small_an_address_space_is_an_error(void **state)
{
    struct test_db *t = *state;
    if (!LIMITED_SPACE_CAN_BE_TESTED) {
        skip();
    }
    assert_int_equal(child_run(use_with_hardly_any_address_space, t->folder), 0);
}

static enum err upsert_large(struct duet *db, uint64_t i)
{
    static char payload[20000];
    memset(payload, 'x', sizeof payload - 1);
    memcpy(payload, "{\"a\":\"", 6);
    memcpy(payload + sizeof payload - 3, "\"}", 2);
    return test_upsert(db, "c", test_id(i), V, 3, payload);
}

/* Writes until the system refuses; then nothing that was acknowledged is lost, and with
 * room again all goes on. */
static void fill_the_disk(void *arg)
{
    struct duet *db;
    struct duet_options o = {
        .path = arg, .write = true, .create = true, .n_threads = 1};
    struct duet_space space = {"v", 3, DUET_COSINE, DUET_FLOAT32};
    struct rlimit limit;
    uint64_t n = 0;
    size_t count;
    signal(SIGXFSZ, SIG_IGN);
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_collection_create(db, "c", &space, 1) == ERR_OK);
    CHILD_CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 1 << 20;
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    enum err result = ERR_OK;
    while (result == ERR_OK && n < 1000) {
        result = upsert_large(db, n);
        n += result == ERR_OK ? 1 : 0;
    }
    CHILD_CHECK(result == ERR_FULL && n > 10);
    CHILD_CHECK(upsert_large(db, n) == ERR_FULL);
    CHILD_CHECK(duet_count(db, "c", &count) == ERR_OK && count == n);
    limit.rlim_cur = before;
    CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(upsert_large(db, n) == ERR_OK);
    duet_close(db);
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    CHILD_CHECK(duet_count(db, "c", &count) == ERR_OK && count == n + 1);
    duet_close(db);
}

static void test_a_full_disk_is_an_error_and_loses_nothing(void **state)
{
    struct test_db *t = *state;
    assert_int_equal(child_run(fill_the_disk, t->folder), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_there_is_not_found),
        TEST(test_bad_options_are_refused),
        TEST(test_a_new_database_keeps_its_uuid),
        TEST(test_another_format_is_told_before_its_missing_tables),
        TEST(test_the_file_stays_small_under_the_reserved_map),
        TEST(test_an_interrupted_creation_is_no_database),
        TEST(test_one_process_opens_a_database_once),
        TEST(test_a_second_writer_is_told_who_and_where),
        TEST(test_a_killed_writer_leaves_no_lock),
        TEST(test_a_reader_sees_what_another_process_commits),
        TEST(test_a_full_map_grows_and_loses_nothing),
        TEST(test_a_small_address_space_gets_a_smaller_map),
        TEST(test_too_small_an_address_space_is_an_error),
        TEST(test_a_full_disk_is_an_error_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
