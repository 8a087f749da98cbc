/*
 * snapshot_test.c - snapshots: what is recovered is what was, replaced at once for
 * readers; what is damaged, misnamed or elsewhere is refused and changes nothing.
 */
#include "tests/db/db_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/log.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/duet_snapshot.h"
#include "tests/db/process.h"

enum { DIM = 8, N = 600 };

static float vectors[N][DIM];

/* Points 0 to n - 1, each with {"version": …}, every tenth made from a picture. */
static void fill(struct duet *db, const char *name, size_t n, int version)
{
    struct db_write *writes = calloc(n, sizeof *writes);
    struct db_source *sources = calloc(n, sizeof *sources);
    static char payload[64];
    struct test_random r = {7};
    snprintf(payload, sizeof payload, "{\"version\":%d}", version);
    for (size_t i = 0; i < n; i++) {
        test_random_unit(&r, vectors[i], DIM);
        writes[i].id = test_id(i);
        writes[i].vectors[0] = vectors[i];
        writes[i].payload = payload;
        writes[i].n_payload = strlen(payload);
        sources[i] = (struct db_source){.path = "/nowhere/a.jpg", .size = i};
        memcpy(sources[i].hash, &i, sizeof i);
        writes[i].source = i % 10 == 0 ? &sources[i] : NULL;
    }
    assert_ok(db_write_points(db, name, writes, n));
    free(writes);
    free(sources);
}

static int set_up(void **state)
{
    struct test_db *t = calloc(1, sizeof *t);
    log_set_level(LOG_ERROR);
    test_folder_make(t->folder);
    struct duet_options o = test_db_options(t);
    o.seal_at = 256;
    assert_ok(duet_open(&t->db, &o));
    test_collection_make(t->db, "c", DIM, DUET_COSINE);
    test_collection_make(t->db, "other", DIM, DUET_DOT);
    fill(t->db, "c", N, 1);
    fill(t->db, "other", 50, 9);
    assert_ok(duet_seal(t->db, "c"));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    test_db_remove(*state);
    free(*state);
    return 0;
}

static size_t count(struct duet *db, const char *name)
{
    size_t n;
    assert_ok(duet_count(db, name, &n));
    return n;
}

static size_t count_version(struct duet *db, const char *name, int version)
{
    char filter[96];
    size_t n;
    snprintf(filter, sizeof filter,
             "{\"must\": [{\"key\": \"version\", \"match\": {\"value\": %d}}]}",
             version);
    assert_ok(duet_count_where(db, name, filter, &n));
    return n;
}

static void tell(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    if (finding->kind != DUET_LEFTOVER) {
        print_error("found: %s\n", finding->text);
    }
}

static void assert_sound(struct duet *db)
{
    struct duet_check_options o = {tell, NULL};
    struct duet_check_result found;
    assert_ok(duet_seal(db, "other")); /* dropped rows are taken back, too */
    assert_ok(duet_verify(db, &o, &found));
    assert_int_equal(found.n_damage + found.n_derived, 0);
}

static int open_snapshot(struct duet *db, const char *collection, const char *location)
{
    struct duet_snapshot_file file;
    assert_ok(duet_snapshot_locate(db, collection, location, &file));
    assert_true(file.size_bytes > 0);
    return file.fd;
}

static enum err recover(struct duet *db, const char *to, const char *name)
{
    int fd = open_snapshot(db, "c", name);
    enum err result = duet_snapshot_recover(db, to, fd, NULL);
    close(fd);
    return result;
}

static void test_a_snapshot_brings_back_what_was(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    struct duet_hits hits;
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    assert_int_equal(strlen(s.sha256), 64);
    struct duet_id gone[] = {test_id(3), test_id(4)};
    assert_ok(duet_remove(t->db, "c", gone, 2, NULL));
    fill(t->db, "c", 20, 2);
    struct duet_id extra = test_id(9999);
    assert_ok(test_upsert(t->db, "c", extra, vectors[0], DIM, NULL));
    assert_ok(recover(t->db, "c", s.name));
    assert_int_equal(count(t->db, "c"), N);
    assert_int_equal(count_version(t->db, "c", 1), N);
    assert_int_equal(count(t->db, "other"), 50);
    struct duet_query query = test_query(vectors[3], DIM, 1);
    assert_ok(duet_search(t->db, "c", &query, &hits));
    assert_int_equal(hits.hits[0].id.number, 3);
    duet_hits_release(&hits);
    assert_sound(t->db);
}

static void test_many_at_once_have_names_of_their_own(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshots list;
    struct duet_snapshot s;
    for (int i = 0; i < 20; i++) {
        assert_ok(duet_snapshot_create(t->db, "other", &s));
    }
    assert_ok(duet_snapshots_list(t->db, "other", &list));
    assert_int_equal(list.n, 20);
    duet_snapshots_release(&list);
}

static void test_it_may_become_another_collection(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    assert_ok(recover(t->db, "new", s.name));
    assert_ok(recover(t->db, "other", s.name));
    assert_int_equal(count(t->db, "new"), N);
    assert_int_equal(count(t->db, "other"), N);
    assert_int_equal(count(t->db, "c"), N);
    fill(t->db, "new", 30, 5); /* takes writes like any */
    assert_int_equal(count_version(t->db, "new", 5), 30);
    assert_int_equal(count_version(t->db, "c", 5), 0);
    assert_sound(t->db);
}

static void test_aliases_stay_and_are_no_names(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    struct duet_alias_change alias = {DUET_ALIAS_CREATE, "live", "c"};
    size_t n;
    assert_ok(duet_aliases_change(t->db, &alias, 1));
    assert_ok(duet_snapshot_create(t->db, "live", &s)); /* of c */
    assert_ok(recover(t->db, "c", s.name));
    assert_ok(duet_count(t->db, "live", &n));
    assert_int_equal(n, N);
    assert_err(recover(t->db, "live", s.name), ERR_EXISTS);
    assert_sound(t->db);
}

struct reader {
    struct test_db *t;
    atomic_bool stop;
    size_t n_reads, n_wrong;
};

/* Counts, and looks at both ends of the collection, in one page as of one moment. */
static void *read_always(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&r->stop)) {
        struct duet_hits hits;
        if (duet_scroll(r->t->db, "c", NULL, 2 * N, &hits) != ERR_OK) {
            r->n_wrong++;
            continue;
        }
        bool old = hits.n == 20 && strstr(hits.hits[0].payload, ":2") != NULL;
        bool new = hits.n == N &&strstr(hits.hits[0].payload, ":1") !=
                   NULL &&strstr(hits.hits[N - 1].payload, ":1") != NULL;
        r->n_wrong += !old && !new;
        r->n_reads++;
        duet_hits_release(&hits);
    }
    return NULL;
}

static void test_readers_see_the_old_or_the_new(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot big, small;
    struct reader r = {.t = t};
    pthread_t thread;
    assert_ok(duet_snapshot_create(t->db, "c", &big));
    assert_ok(duet_remove_where(t->db, "c", "{}", NULL));
    fill(t->db, "c", 20, 2);
    assert_ok(duet_snapshot_create(t->db, "c", &small));
    assert_int_equal(pthread_create(&thread, NULL, read_always, &r), 0);
    for (int i = 0; i < 5; i++) {
        assert_ok(recover(t->db, "c", big.name));
        assert_ok(recover(t->db, "c", small.name));
    }
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    assert_true(r.n_reads > 0);
    assert_int_equal(r.n_wrong, 0);
    assert_sound(t->db);
}

/* Writes points of DIM numbers, as long as the collection takes them. */
static void *write_always(void *arg)
{
    struct reader *r = arg;
    for (uint64_t i = 5000; !atomic_load(&r->stop); i++) {
        enum err result =
            test_upsert(r->t->db, "c", test_id(i), vectors[i % N], DIM, NULL);
        r->n_wrong += result != ERR_OK && result != ERR_CONFLICT;
        r->n_reads += result == ERR_OK;
    }
    return NULL;
}

/* The collection becomes one of other spaces and back, under whoever writes to it. */
static void test_writes_meanwhile_are_whole_or_refused(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot wide, narrow;
    struct reader r = {.t = t};
    pthread_t thread;
    float numbers[3] = {1, 2, 3};
    assert_ok(duet_snapshot_create(t->db, "c", &wide));
    test_collection_make(t->db, "narrow", 3, DUET_DOT);
    assert_ok(test_upsert(t->db, "narrow", test_id(1), numbers, 3, NULL));
    assert_ok(duet_snapshot_create(t->db, "narrow", &narrow));
    int from = open_snapshot(t->db, "narrow", narrow.name);
    assert_int_equal(pthread_create(&thread, NULL, write_always, &r), 0);
    for (int i = 0; i < 20; i++) {
        assert_ok(duet_snapshot_recover(t->db, "c", from, NULL));
        assert_ok(recover(t->db, "c", wide.name));
    }
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    close(from);
    assert_true(r.n_reads > 0);
    assert_int_equal(r.n_wrong, 0);
    assert_int_equal(count_version(t->db, "c", 1), N);
    assert_sound(t->db);
}

struct child {
    const char *folder;
    char big[DUET_SNAPSHOT_NAME_MAX], small[DUET_SNAPSHOT_NAME_MAX];
    int ready; /* the end of a pipe */
};

static void child_recover(struct duet *db, const char *name)
{
    struct duet_snapshot_file file;
    CHILD_CHECK(duet_snapshot_locate(db, "c", name, &file) == ERR_OK);
    CHILD_CHECK(duet_snapshot_recover(db, "c", file.fd, NULL) == ERR_OK);
    close(file.fd);
}

/* Recovers for ever, until it is killed. */
static void recover_always(void *arg)
{
    const struct child *child = arg;
    struct duet *db;
    struct duet_options o = {.path = child->folder, .write = true, .seal_at = 256};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    pipe_signal(child->ready);
    for (;;) {
        child_recover(db, child->big);
        child_recover(db, child->small);
    }
}

static void test_a_kill_leaves_the_old_or_the_new(void **state)
{
    struct test_db *t = *state;
    struct child child = {.folder = t->folder};
    struct duet_snapshot s;
    struct test_random r = test_random_seeded("kill");
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    memcpy(child.big, s.name, sizeof s.name);
    assert_ok(duet_remove_where(t->db, "c", "{}", NULL));
    fill(t->db, "c", 20, 2);
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    memcpy(child.small, s.name, sizeof s.name);
    for (int i = 0; i < 20; i++) {
        int ready[2];
        char byte;
        duet_close(t->db);
        t->db = NULL;
        assert_int_equal(pipe(ready), 0);
        child.ready = ready[1];
        pid_t pid = child_start(recover_always, &child);
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        usleep((useconds_t)test_random_below(&r, 60000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(WIFSIGNALED(child_wait(pid)));
        struct duet_options o = test_db_options(t);
        assert_ok(duet_open(&t->db, &o));
        size_t n = count(t->db, "c");
        assert_true(n == N || n == 20);
        assert_int_equal(count_version(t->db, "c", n == N ? 1 : 2), n);
        assert_sound(t->db);
    }
}

static void test_damage_is_seen_and_changes_nothing(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    int whole = open_snapshot(t->db, "c", s.name);
    for (uint64_t at = 0; at < s.size_bytes; at += s.size_bytes / 40) {
        int fd;
        char bytes[4096];
        assert_ok(duet_snapshot_scratch(t->db, &fd));
        lseek(whole, 0, SEEK_SET);
        for (ssize_t n; (n = read(whole, bytes, sizeof bytes)) > 0;) {
            assert_int_equal(write(fd, bytes, (size_t)n), n);
        }
        assert_int_equal(pread(fd, bytes, 1, (off_t)at), 1);
        bytes[0] = (char)(bytes[0] ^ 1);
        assert_int_equal(pwrite(fd, bytes, 1, (off_t)at), 1);
        assert_true(duet_snapshot_recover(t->db, "c", fd, NULL) != ERR_OK);
        assert_int_equal(ftruncate(fd, (off_t)at), 0); /* and cut there */
        assert_true(duet_snapshot_recover(t->db, "c", fd, NULL) != ERR_OK);
        close(fd);
    }
    assert_err(duet_snapshot_recover(t->db, "c", whole,
                                     "00000000000000000000000000000000"
                                     "00000000000000000000000000000000"),
               ERR_INVALID);
    assert_ok(duet_snapshot_recover(t->db, "c", whole, s.sha256));
    close(whole);
    assert_int_equal(count_version(t->db, "c", 1), N);
    assert_sound(t->db);
}

static void test_names_stay_in_the_folder(void **state)
{
    struct test_db *t = *state;
    static const char *const bad[] = {
        "",           ".snapshot",          "..",           "../data.mdb",
        "a/b",        "a.snapshot/../../x", "data.mdb",     "a\\b.snapshot",
        "%2e%2e/x",   ".hidden.snapshot",   "a b.snapshot", "../other.snapshot",
        "x.snapshot/"};
    struct duet_snapshot_file file;
    bool done;
    struct duet_snapshot_part part = {.bytes = "x", .n = 1, .total = 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(duet_snapshot_delete(t->db, "c", bad[i]), ERR_INVALID);
        assert_err(duet_snapshot_locate(t->db, "c", bad[i], &file), ERR_INVALID);
        assert_err(duet_snapshot_put(t->db, "c", bad[i], &part, &done), ERR_INVALID);
    }
    static const char *const elsewhere[] = {"file:///etc/passwd", "file://",
                                            "file://../x.snapshot"};
    for (size_t i = 0; i < 3; i++) {
        assert_err(duet_snapshot_locate(t->db, "c", elsewhere[i], &file), ERR_INVALID);
    }
    assert_err(duet_snapshot_locate(t->db, "c", "http://x/a.snapshot", &file),
               ERR_UNSUPPORTED);
    assert_err(duet_snapshot_locate(t->db, "c", "a.snapshot", &file), ERR_NOT_FOUND);
    assert_err(duet_snapshot_delete(t->db, "c", "a.snapshot"), ERR_NOT_FOUND);
}

static void test_a_file_url_is_of_our_folder_alone(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    struct duet_snapshot_file file;
    char url[512], real[256], link_path[512];
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    snprintf(real, sizeof real, "%s/snapshots", t->folder);
    snprintf(url, sizeof url, "file://%s/c/%s", real, s.name);
    close(open_snapshot(t->db, "other", url));
    snprintf(url, sizeof url, "file://%s/../data.snapshot", real);
    assert_true(duet_snapshot_locate(t->db, "c", url, &file) != ERR_OK);
    snprintf(url, sizeof url, "file://%s/c/../%s", real, s.name);
    assert_true(duet_snapshot_locate(t->db, "c", url, &file) != ERR_OK);
    snprintf(link_path, sizeof link_path, "%s/c/link.snapshot", real);
    assert_int_equal(symlink("/etc/passwd", link_path), 0);
    assert_err(duet_snapshot_locate(t->db, "c", "link.snapshot", &file), ERR_NOT_FOUND);
}

/* A collection called ".." has its snapshots in no folder above. */
static void test_a_collection_may_be_called_anything(void **state)
{
    struct test_db *t = *state;
    static const char *const names[] = {"..", ".", "a b", "%2e", "海滩"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct duet_snapshot s;
        struct duet_snapshots list;
        test_collection_make(t->db, names[i], DIM, DUET_COSINE);
        fill(t->db, names[i], 3, 4);
        assert_ok(duet_snapshot_create(t->db, names[i], &s));
        assert_ok(duet_snapshots_list(t->db, names[i], &list));
        assert_int_equal(list.n, 1);
        assert_string_equal(list.items[0].sha256, s.sha256);
        duet_snapshots_release(&list);
        assert_ok(duet_snapshot_delete(t->db, names[i], s.name));
        assert_ok(duet_snapshots_list(t->db, names[i], &list));
        assert_int_equal(list.n, 0);
        duet_snapshots_release(&list);
    }
    assert_int_equal(count(t->db, "c"), N);
}

static enum err put(struct duet *db, const char *bytes, uint64_t offset, uint64_t total,
                    const char *sha256, bool *done)
{
    struct duet_snapshot_part part = {bytes, strlen(bytes), offset, total, sha256};
    return duet_snapshot_put(db, "new", "up.snapshot", &part, done);
}

static void test_parts_must_follow_one_another(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot_file file;
    bool done;
    assert_ok(put(t->db, "abc", 0, 6, NULL, &done));
    assert_false(done);
    assert_err(put(t->db, "def", 2, 6, NULL, &done), ERR_CONFLICT);
    assert_err(put(t->db, "def", 4, 6, NULL, &done), ERR_INVALID);
    assert_err(put(t->db, "def", UINT64_MAX, 6, NULL, &done), ERR_INVALID);
    assert_err(put(t->db, "def", 0, UINT64_MAX, NULL, &done), ERR_LIMIT);
    assert_err(duet_snapshot_locate(t->db, "new", "up.snapshot", &file), ERR_NOT_FOUND);
    assert_ok(duet_snapshot_delete(t->db, "new", "up.snapshot")); /* its parts */
    assert_err(duet_snapshot_delete(t->db, "new", "up.snapshot"), ERR_NOT_FOUND);
    assert_err(put(t->db, "def", 3, 6, NULL, &done), ERR_CONFLICT);
    assert_ok(put(t->db, "abc", 0, 6, NULL, &done));
    assert_err(put(t->db, "def", 3, 6, "00", &done), ERR_INVALID); /* all is gone */
    assert_err(put(t->db, "def", 3, 6, NULL, &done), ERR_CONFLICT);
    assert_ok(put(t->db, "abc", 0, 6, NULL, &done));
    assert_ok(put(t->db, "def", 3, 6,
                  "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721",
                  &done));
    assert_true(done);
    assert_ok(duet_snapshot_locate(t->db, "new", "up.snapshot", &file));
    assert_int_equal(file.size_bytes, 6);
    assert_true(duet_snapshot_recover(t->db, "new", file.fd, NULL) != ERR_OK);
    close(file.fd);
    assert_err(put(t->db, "abc", 0, 6, NULL, &done), ERR_EXISTS);
}

static void test_a_snapshot_is_a_backup_of_one_collection(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    struct duet_backup_result counts;
    struct test_db copy = {.folder = ""};
    char path[128];
    assert_ok(duet_snapshot_create(t->db, "c", &s));
    int fd = open_snapshot(t->db, "c", s.name);
    snprintf(path, sizeof path, "%.60s.one", t->folder);
    assert_ok(duet_restore_fd(fd, path, &counts));
    close(fd);
    assert_int_equal(counts.n_points, N);
    assert_ok(duet_open(&copy.db, &(struct duet_options){.path = path, .write = true}));
    assert_int_equal(count(copy.db, "c"), N);
    assert_err(duet_count(copy.db, "other", &counts.n_points), ERR_NOT_FOUND);
    assert_ok(duet_seal(copy.db, "c")); /* segments are not in a snapshot */
    struct duet_check_options o = {tell, NULL};
    struct duet_check_result found;
    assert_ok(duet_verify(copy.db, &o, &found));
    assert_int_equal(found.n_damage + found.n_derived, 0);
    duet_close(copy.db);
    test_folder_remove(path);
}

static void test_one_collection_comes_out_of_a_snapshot_of_all(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    assert_ok(duet_snapshot_create(t->db, NULL, &s));
    assert_ok(duet_collection_drop(t->db, "other"));
    int fd = open_snapshot(t->db, NULL, s.name);
    assert_err(duet_snapshot_recover(t->db, "neither", fd, NULL), ERR_INVALID);
    assert_ok(duet_snapshot_recover(t->db, "other", fd, NULL));
    close(fd);
    assert_int_equal(count_version(t->db, "other", 9), 50);
    assert_sound(t->db);
}

static void test_a_reader_makes_none(void **state)
{
    struct test_db *t = *state;
    struct duet_snapshot s;
    duet_close(t->db);
    assert_ok(duet_open(&t->db, &(struct duet_options){.path = t->folder}));
    assert_err(duet_snapshot_create(t->db, "c", &s), ERR_INVALID);
    assert_err(duet_snapshot_recover(t->db, "c", -1, NULL), ERR_INVALID);
    assert_err(duet_snapshot_delete(t->db, "c", "a.snapshot"), ERR_INVALID);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_snapshot_brings_back_what_was),
        TEST(test_many_at_once_have_names_of_their_own),
        TEST(test_it_may_become_another_collection),
        TEST(test_aliases_stay_and_are_no_names),
        TEST(test_readers_see_the_old_or_the_new),
        TEST(test_writes_meanwhile_are_whole_or_refused),
        TEST(test_a_kill_leaves_the_old_or_the_new),
        TEST(test_damage_is_seen_and_changes_nothing),
        TEST(test_names_stay_in_the_folder),
        TEST(test_a_file_url_is_of_our_folder_alone),
        TEST(test_a_collection_may_be_called_anything),
        TEST(test_parts_must_follow_one_another),
        TEST(test_a_snapshot_is_a_backup_of_one_collection),
        TEST(test_one_collection_comes_out_of_a_snapshot_of_all),
        TEST(test_a_reader_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
