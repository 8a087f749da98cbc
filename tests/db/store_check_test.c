/*
 * store_check_test.c - damaged databases: db/store_check.c. Each one is opened and used
 * in a child, so that a crash is seen and does not end the test.
 */
#include "tests/db/db_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/log.h"
#include "db/db_internal.h"
#include "db/duet_keep.h"
#include "tests/db/process.h"

enum { DIM = 32, N = 1500, PAGE = 4096, ROUNDS = 60 };

struct fixture {
    struct test_db t;
    char path[128];   /* of data.mdb */
    struct buf sound; /* its bytes */
};

static void fill(struct duet *db)
{
    static float vectors[N][DIM];
    struct db_write *writes = calloc(N, sizeof *writes);
    struct test_random r = {1};
    for (size_t i = 0; i < N; i++) {
        test_random_unit(&r, vectors[i], DIM);
        writes[i].id = test_id(i);
        writes[i].vectors[0] = vectors[i];
        writes[i].payload = "{\"title\": \"some words, as a point has them\"}";
        writes[i].n_payload = strlen(writes[i].payload);
    }
    assert_ok(db_write_points(db, "c", writes, N));
    for (uint64_t i = 0; i < 50; i++) { /* so that there are free pages */
        struct duet_id id = test_id(i * 7);
        assert_ok(duet_remove(db, "c", &id, 1, NULL));
    }
    free(writes);
}

/* Stands before the C library's: counts the pages that are looked at. */
static size_t n_preads;

ssize_t pread(int fd, void *bytes, size_t n, off_t offset);
ssize_t pread(int fd, void *bytes, size_t n, off_t offset)
{
    n_preads++;
    return syscall(SYS_pread64, fd, bytes, n, offset);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    test_db_make(&f->t);
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    fill(f->t.db);
    duet_close(f->t.db);
    f->t.db = NULL;
    snprintf(f->path, sizeof f->path, "%s/data.mdb", f->t.folder);
    buf_init(&f->sound, 64 << 20);
    assert_ok(file_read(f->path, &f->sound));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    buf_release(&f->sound);
    free(f);
    return 0;
}

/* ---- What a child does with a database ---- */

enum { CHILD_REFUSED = 10, CHILD_WORKED = 11 };

static void use(struct duet *db)
{
    float v[DIM] = {1};
    size_t n;
    struct duet_hits got;
    struct duet_query q = test_query(v, DIM, 100);
    struct duet_stats stats;
    if (duet_search(db, "c", &q, &got) == ERR_OK) {
        duet_hits_release(&got);
    }
    if (duet_scroll(db, "c", NULL, 10000, &got) == ERR_OK) {
        duet_hits_release(&got);
    }
    (void)!duet_count(db, "c", &n);
    (void)!duet_stats(db, "c", &stats);
}

static void open_and_use(void *arg)
{
    struct duet *db;
    enum err result = duet_open(&db, &(struct duet_options){.path = arg});
    if (result != ERR_OK) {
        CHILD_CHECK(result == ERR_CORRUPT || result == ERR_VERSION);
        CHILD_CHECK(strstr(err_detail(), "data.mdb") != NULL);
        _exit(CHILD_REFUSED);
    }
    use(db);
    duet_close(db);
    _exit(CHILD_WORKED);
}

/* The same as a writer; a failed write is fine. */
static void open_and_write(void *arg)
{
    struct duet *db;
    float v[DIM] = {1, 2};
    struct duet_options o = {.path = arg, .write = true, .n_threads = 1};
    if (duet_open(&db, &o) != ERR_OK) {
        _exit(CHILD_REFUSED);
    }
    for (uint64_t i = 0; i < 20; i++) {
        struct duet_id id = test_id(i * 50 + 1);
        (void)!test_upsert(db, "c", test_id(i * 60), v, DIM, NULL);
        (void)!duet_remove(db, "c", &id, 1, NULL);
    }
    use(db);
    duet_close(db);
    _exit(CHILD_WORKED);
}

/* Runs a child on the database as it lies there; it must not die. Returns whether the
 * database was refused. */
static bool is_refused_by(struct fixture *f, void (*child)(void *arg))
{
    int status = child_run(child, f->t.folder);
    if (!WIFEXITED(status)) {
        print_error("the child died by signal %d\n", WTERMSIG(status));
    }
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == CHILD_REFUSED ||
                WEXITSTATUS(status) == CHILD_WORKED);
    return WEXITSTATUS(status) == CHILD_REFUSED;
}

static bool is_refused(struct fixture *f)
{
    return is_refused_by(f, open_and_use);
}

static void write_file(struct fixture *f, const char *bytes, size_t n)
{
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* ---- Damages ---- */

static void test_a_sound_database_is_not_refused(void **state)
{
    assert_false(is_refused(*state));
}

static void test_a_file_cut_short_is_refused(void **state)
{
    struct fixture *f = *state;
    const size_t sizes[] = {0,
                            1,
                            100,
                            PAGE - 1,
                            PAGE,
                            2 * PAGE - 1,
                            2 * PAGE,
                            3 * PAGE,
                            f->sound.size / 4,
                            f->sound.size / 2,
                            f->sound.size / 4 * 3};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_file(f, f->sound.data, sizes[i]);
        assert_true(is_refused(f));
    }
}

static void test_every_cut_by_a_page_is_refused_or_harmless(void **state)
{
    struct fixture *f = *state;
    for (size_t n = f->sound.size / PAGE; n > f->sound.size / PAGE - 24; n--) {
        write_file(f, f->sound.data, n * PAGE - 1);
        is_refused(f);
    }
}

static void test_a_writer_refuses_a_cut_file_and_leaves_it_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    struct duet_options o = test_db_options(&f->t);
    const size_t sizes[] = {0, 100, f->sound.size / 2};
    for (size_t i = 0; i < 3; i++) {
        write_file(f, f->sound.data, sizes[i]);
        assert_err(duet_open(&f->t.db, &o), ERR_CORRUPT);
        assert_int_equal(stat(f->path, &st), 0);
        assert_int_equal(st.st_size, sizes[i]);
    }
}

static void test_what_never_was_a_database_is_refused(void **state)
{
    struct fixture *f = *state;
    struct test_random r = test_random_seeded("garbage");
    char *garbage = malloc(f->sound.size);
    for (size_t i = 0; i < f->sound.size; i++) {
        garbage[i] = (char)test_random_next(&r);
    }
    write_file(f, garbage, f->sound.size);
    assert_true(is_refused(f));
    memset(garbage, 0, f->sound.size);
    write_file(f, garbage, f->sound.size);
    assert_true(is_refused(f));
    free(garbage);
}

static void test_pages_overwritten_with_zeros_are_refused_or_harmless(void **state)
{
    struct fixture *f = *state;
    struct test_random r = test_random_seeded("zeros");
    size_t n_refused = 0;
    char *bytes = malloc(f->sound.size);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(bytes, f->sound.data, f->sound.size);
        memset(bytes + test_random_below(&r, f->sound.size / PAGE) * PAGE, 0, PAGE);
        write_file(f, bytes, f->sound.size);
        n_refused += is_refused(f) ? 1 : 0;
    }
    assert_true(n_refused > 0);
    free(bytes);
}

static void test_bytes_overwritten_anywhere_never_crash(void **state)
{
    struct fixture *f = *state;
    struct test_random r = test_random_seeded("overwritten");
    char *bytes = malloc(f->sound.size);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(bytes, f->sound.data, f->sound.size);
        size_t at = test_random_below(&r, f->sound.size / 16) * 16;
        for (size_t i = 0; i < 16; i++) {
            bytes[at + i] = (char)test_random_next(&r);
        }
        write_file(f, bytes, f->sound.size);
        is_refused_by(f, round % 3 == 0 ? open_and_write : open_and_use);
    }
    free(bytes);
}

static void test_the_heads_of_pages_are_looked_at(void **state)
{
    struct fixture *f = *state;
    size_t n_refused = 0;
    size_t n_pages = f->sound.size / PAGE;
    char *bytes = malloc(f->sound.size);
    for (size_t page = 2; page < n_pages; page += n_pages / 40 + 1) {
        memcpy(bytes, f->sound.data, f->sound.size);
        memset(bytes + page * PAGE + 10, 0xff, 6); /* flags, lower, upper */
        write_file(f, bytes, f->sound.size);
        n_refused += is_refused(f) ? 1 : 0;
    }
    assert_true(n_refused > 5);
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Three points a page: a table of more pages than are walked whole at an opening. */
static void test_a_large_table_is_opened_by_its_inner_pages(void **state)
{
    struct fixture *f = *state;
    static char payload[1000];
    struct db_write *writes = calloc(4500, sizeof *writes);
    struct duet_check_options o = {.found = NULL};
    struct duet_check_result r;
    memset(payload, ' ', sizeof payload);
    payload[0] = '{';
    payload[sizeof payload - 1] = '}';
    for (size_t i = 0; i < 4500; i++) {
        writes[i].id = test_id(i);
        writes[i].payload = payload;
        writes[i].n_payload = sizeof payload;
    }
    struct duet_options open = test_db_options(&f->t);
    assert_ok(duet_open(&f->t.db, &open));
    assert_ok(db_write_points(f->t.db, "c", writes, 4500));
    n_preads = 0;
    test_db_reopen(&f->t);
    print_message("%zu pages at an opening\n", n_preads);
    assert_in_range(n_preads, 1, 700);
    n_preads = 0;
    assert_ok(duet_verify(f->t.db, &o, &r));
    assert_in_range(n_preads, 1500, 20000);
    free(writes);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_database_is_not_refused),
        TEST(test_a_file_cut_short_is_refused),
        TEST(test_every_cut_by_a_page_is_refused_or_harmless),
        TEST(test_a_writer_refuses_a_cut_file_and_leaves_it_alone),
        TEST(test_what_never_was_a_database_is_refused),
        TEST(test_pages_overwritten_with_zeros_are_refused_or_harmless),
        TEST(test_bytes_overwritten_anywhere_never_crash),
        TEST(test_the_heads_of_pages_are_looked_at),
        TEST(test_a_large_table_is_opened_by_its_inner_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
