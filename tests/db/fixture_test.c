/*
 * fixture_test.c - databases and backups as earlier versions wrote them open, answer
 * and can be written: tests/fixtures/format-N and format-N.duet.
 *
 * For a new format a fixture is added, and those of the old ones stay as they are:
 *
 *     FIXTURE_MAKE=tests/fixtures/format-3 build/tests/db/fixture_test
 */
#include "tests/db/db_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "db/database.h"
#include "db/db_internal.h"
#include "db/duet_keep.h"

enum { DIM = 8, N = 400, N_REMOVED = 40, SEAL_AT = 256, PER_RUN = 100 };

static const char *const fixtures[] = {"tests/fixtures/format-2",
                                       "tests/fixtures/format-3"};

/* ---- What is in it ---- */

static void vector_of(uint64_t number, float vector[DIM])
{
    struct test_random r = {number * 2 + 1};
    test_random_next(&r);
    test_random_unit(&r, vector, DIM);
}

static struct duet_id uuid_of(uint8_t i)
{
    return (struct duet_id){.is_uuid = true, .uuid = {0xd0, 0xe7, i}};
}

static const char upload[] = "these are the bytes of an upload";
static const uint8_t upload_hash[DB_HASH_BYTES] = {
    0x63, 0x76, 0x39, 0xa8, 0x60, 0xd8, 0x79, 0x4e,
    0x71, 0x96, 0x0b, 0xda, 0xfd, 0xa2, 0x96, 0xb1,
};

static void payload_of(uint64_t number, char payload[96])
{
    snprintf(payload, 96, "{\"number\":%llu,\"text\":\"caption %llu, 中文\"}",
             (unsigned long long)number, (unsigned long long)number);
}

static void write_numbers(struct duet *db)
{
    static float vectors[N][DIM];
    static char payloads[N][96];
    struct db_write *writes = calloc(N, sizeof *writes);
    struct duet_id removed[N_REMOVED];
    for (size_t i = 0; i < N; i++) {
        vector_of(i, vectors[i]);
        payload_of(i, payloads[i]);
        writes[i] = (struct db_write){.id = test_id(i),
                                      .vectors = {vectors[i]},
                                      .payload = payloads[i],
                                      .n_payload = strlen(payloads[i])};
    }
    for (size_t i = 0; i < N / PER_RUN; i++) {
        assert_ok(db_write_points(db, "numbers", writes + i * PER_RUN, PER_RUN));
    }
    for (size_t i = 0; i < N_REMOVED; i++) {
        removed[i] = test_id(i * 10 + 5);
    }
    assert_ok(duet_remove(db, "numbers", removed, N_REMOVED, NULL));
    free(writes);
}

static void write_uuids(struct duet *db)
{
    float a[DIM] = {0.6f, 0.8f};
    float b[3] = {1, 2, 3};
    struct db_source upload_source = {.path = "", .size = sizeof upload - 1};
    struct db_source file_source = {
        .path = "/photos/a dog.jpg", .hash = {1}, .size = 12, .mtime_ns = -5};
    memcpy(upload_source.hash, upload_hash, sizeof upload_hash);
    struct db_write writes[] = {
        {.id = uuid_of(0), .vectors = {a, b}, .source = &upload_source},
        {.id = uuid_of(1), .vectors = {NULL, b}, .source = &file_source},
        {.id = uuid_of(2)},
    };
    assert_ok(db_write_points(db, "uuids", writes, 3));
}

static void put_upload(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/media/63", folder);
    assert_ok(file_make_folders(path));
    strcat(path, "/7639a860d8794e71960bdafda296b1.orig");
    assert_ok(file_write(path, upload, sizeof upload - 1));
}

static void make_fixture(const char *folder)
{
    struct duet *db;
    struct duet_backup_result r;
    struct duet_compact_result compacted;
    char backup[256];
    struct duet_options o = {
        .path = folder, .write = true, .create = true, .seal_at = SEAL_AT};
    struct duet_space spaces[] = {{"a", DIM, DUET_COSINE, DUET_FLOAT32},
                                  {"b", 3, DUET_DOT, DUET_FLOAT32}};
    struct duet_space unnamed = {"", DIM, DUET_COSINE, DUET_FLOAT32};
    assert_ok(duet_open(&db, &o));
    assert_ok(duet_collection_create(db, "numbers", &unnamed, 1));
    assert_ok(duet_collection_create(db, "uuids", spaces, 2));
    assert_ok(duet_index_create(db, "numbers", "number", "\"integer\""));
    write_numbers(db);
    assert_ok(duet_index_create(db, "numbers", "text",
                                "{\"type\":\"text\",\"tokenizer\":\"multilingual\"}"));
    write_uuids(db);
    put_upload(folder);
    assert_ok(duet_seal(db, "numbers"));
    snprintf(backup, sizeof backup, "%s.duet", folder);
    assert_ok(duet_backup(db, backup, &r));
    duet_close(db);
    assert_ok(duet_compact(&o, &compacted));
}

/* ---- Whether it is ---- */

static void check_number(struct duet *db, uint64_t i)
{
    struct duet_hits got;
    struct duet_id id = test_id(i);
    char payload[96];
    float v[DIM];
    assert_ok(duet_get(db, "numbers", &id, 1, true, &got));
    bool removed = i % 10 == 5;
    assert_int_equal(got.n, removed ? 0 : 1);
    if (!removed) {
        payload_of(i, payload);
        vector_of(i, v);
        assert_string_equal(got.hits[0].payload, payload);
        assert_memory_equal(got.hits[0].vectors[0].values, v, sizeof v);
    }
    duet_hits_release(&got);
}

/* The nearest to a point's own vector is the point. */
static void check_search(struct duet *db, uint64_t i, bool exact)
{
    struct duet_hits found;
    float v[DIM];
    vector_of(i, v);
    struct duet_query q = test_query(v, DIM, 3);
    q.exact = exact;
    assert_ok(duet_search(db, "numbers", &q, &found));
    assert_int_equal(found.n, 3);
    assert_int_equal(found.hits[0].id.number, i);
    assert_true(fabsf(found.hits[0].score - 1) < 1e-6f);
    duet_hits_release(&found);
}

static void check_uuids(struct duet *db)
{
    struct duet_hits got;
    struct duet_id ids[] = {uuid_of(0), uuid_of(1), uuid_of(2)};
    assert_ok(duet_get(db, "uuids", ids, 3, true, &got));
    assert_int_equal(got.n, 3);
    assert_int_equal(got.hits[0].n_vectors, 2);
    assert_true(got.hits[0].vectors[1].values[2] == 3);
    assert_int_equal(got.hits[1].n_vectors, 1);
    assert_string_equal(got.hits[1].source, "/photos/a dog.jpg");
    assert_int_equal(got.hits[2].n_vectors, 0);
    assert_string_equal(got.hits[2].payload, "{}");
    duet_hits_release(&got);
}

/* Format 2 had none. */
static void check_indexes(struct duet *db, bool has_indexes)
{
    struct duet_indexes list;
    size_t n;
    assert_ok(duet_indexes_list(db, "numbers", &list));
    assert_int_equal(list.n, has_indexes ? 2 : 0);
    for (size_t i = 0; i < list.n; i++) {
        assert_true(list.items[i].ready);
        assert_int_equal(list.items[i].n_points, N - N_REMOVED);
    }
    duet_indexes_release(&list);
    assert_ok(duet_count_where(
        db, "numbers",
        "{\"must\":{\"key\":\"number\",\"range\":{\"gte\":10,\"lt\":30}}}", &n));
    assert_int_equal(n, 18);
    assert_ok(duet_count_where(
        db, "numbers", "{\"must\":{\"key\":\"text\",\"match\":{\"text\":\"文\"}}}",
        &n));
    assert_int_equal(n, has_indexes ? N - N_REMOVED : 0);
}

static void check_fixture(struct duet *db, bool sealed, bool has_indexes)
{
    struct duet_check_options o = {.found = NULL};
    struct duet_check_result r;
    size_t n;
    assert_ok(duet_count(db, "numbers", &n));
    assert_int_equal(n, N - N_REMOVED);
    for (uint64_t i = 0; i < N; i++) {
        check_number(db, i);
    }
    check_search(db, 17, true);
    check_search(db, 18, false);
    check_uuids(db);
    check_indexes(db, has_indexes);
    assert_ok(duet_verify(db, &o, &r));
    assert_int_equal(r.n_damage, 0);
    if (sealed) { /* verify asks each segment a question */
        assert_true(r.n_segments > 0);
        assert_int_equal(r.n_derived, 0);
    }
}

static void copy_into(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "cp -r '%s/.' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

static uint32_t version_of(struct duet *db)
{
    struct txn txn;
    struct bytes value;
    struct record_format format;
    assert_ok(store_read(db->store, &txn));
    assert_ok(store_get(&txn, STORE_META, store_format_key(), &value));
    assert_ok(record_format_read(&format, value));
    store_end(&txn);
    return format.version;
}

/* A reader leaves the file as it is, a writer makes it one of this format. */
static void test_earlier_formats_are_upgraded_by_a_writer(void **state)
{
    (void)state;
    struct test_db t;
    test_folder_make(t.folder);
    copy_into(fixtures[0], t.folder);
    struct duet_options o = {.path = t.folder};
    struct duet *reader;
    assert_ok(duet_open(&reader, &o));
    assert_int_equal(version_of(reader), 2);
    duet_close(reader);
    o = test_db_options(&t);
    o.seal_at = SEAL_AT;
    for (int i = 0; i < 2; i++) {
        assert_ok(duet_open(&t.db, &o));
        assert_int_equal(version_of(t.db), RECORD_FORMAT_VERSION);
        assert_int_equal(store_format(t.db->store)->version, RECORD_FORMAT_VERSION);
        duet_close(t.db);
    }
    o = (struct duet_options){.path = t.folder};
    assert_ok(duet_open(&t.db, &o));
    assert_int_equal(version_of(t.db), RECORD_FORMAT_VERSION);
    check_fixture(t.db, true, false);
    test_db_remove(&t);
}

static void test_databases_of_earlier_formats_open_and_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        struct test_db t;
        test_folder_make(t.folder);
        copy_into(fixtures[i], t.folder);
        struct duet_options o = {.path = t.folder};
        assert_ok(duet_open(&t.db, &o));
        check_fixture(t.db, true, i > 0);
        duet_close(t.db);
        o = test_db_options(&t);
        o.seal_at = SEAL_AT;
        assert_ok(duet_open(&t.db, &o));
        assert_ok(duet_seal(t.db, "numbers"));
        check_fixture(t.db, true, i > 0);
        float v[DIM] = {1};
        assert_ok(test_upsert(t.db, "numbers", test_id(9999), v, DIM, "{}"));
        test_db_remove(&t);
    }
}

static void test_backups_of_earlier_formats_are_restored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        struct test_db t;
        struct duet_backup_result r;
        char path[128];
        test_folder_make(t.folder);
        assert_int_equal(rmdir(t.folder), 0);
        snprintf(path, sizeof path, "%s.duet", fixtures[i]);
        int fd = open(path, O_RDONLY);
        assert_true(fd >= 0);
        assert_ok(duet_restore_fd(fd, t.folder, &r));
        close(fd);
        assert_int_equal(r.n_files, 1);
        struct duet_options o = {.path = t.folder};
        assert_ok(duet_open(&t.db, &o));
        check_fixture(t.db, false, i > 0);
        assert_int_equal(version_of(t.db), RECORD_FORMAT_VERSION);
        test_db_remove(&t);
    }
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const char *folder = getenv("FIXTURE_MAKE");
    if (folder != NULL) {
        make_fixture(folder);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_earlier_formats_are_upgraded_by_a_writer),
        cmocka_unit_test(test_databases_of_earlier_formats_open_and_answer),
        cmocka_unit_test(test_backups_of_earlier_formats_are_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
