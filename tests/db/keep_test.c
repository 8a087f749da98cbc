/*
 * keep_test.c - verify, repair, backup, restore, compact: what is wrong is found, each
 * kind of it; what is mended is sound; what comes back is what was; what was cut short
 * is never taken for whole.
 */
#include "tests/db/db_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/payload_terms.h"
#include "db/vectors.h"
#include "tests/db/process.h"

enum { DIM = 16, N = 1000, SEAL_AT = 256 };

struct fixture {
    struct test_db t;
    char other[128]; /* a path beside the database, for backups */
    char copy[128];  /* and one for a restored database */
};

static float vectors[N][DIM];

static struct duet_options options_of(const struct fixture *f)
{
    struct duet_options o = test_db_options(&f->t);
    o.seal_at = SEAL_AT;
    return o;
}

/* Points 0 to N - 1; every tenth has a picture's source, and 990 on have no vector. */
static void fill(struct duet *db)
{
    struct db_write *writes = calloc(N, sizeof *writes);
    struct db_source *sources = calloc(N, sizeof *sources);
    static char payloads[N][64];
    struct test_random r = {7};
    for (size_t i = 0; i < N; i++) {
        test_random_unit(&r, vectors[i], DIM);
        snprintf(payloads[i], sizeof payloads[i], "{\"number\":%zu}", i);
        writes[i].id = test_id(i);
        writes[i].vectors[0] = i < 990 ? vectors[i] : NULL;
        writes[i].payload = payloads[i];
        writes[i].n_payload = strlen(payloads[i]);
        sources[i] = (struct db_source){.path = "/nowhere/a.jpg", .size = i};
        memcpy(sources[i].hash, &i, sizeof i);
        writes[i].source = i % 10 == 0 ? &sources[i] : NULL;
    }
    assert_ok(db_write_points(db, "c", writes, N));
    free(writes);
    free(sources);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    log_set_level(LOG_ERROR);
    test_folder_make(f->t.folder);
    struct duet_options o = options_of(f);
    assert_ok(duet_open(&f->t.db, &o));
    test_collection_make(f->t.db, "c", DIM, DUET_COSINE);
    test_collection_make(f->t.db, "empty", 3, DUET_DOT);
    assert_ok(duet_index_create(f->t.db, "c", "number", "\"integer\""));
    fill(f->t.db);
    assert_ok(duet_index_create(f->t.db, "c", "nothing", "\"text\""));
    assert_ok(duet_seal(f->t.db, "c"));
    snprintf(f->other, sizeof f->other, "%s.bak", f->t.folder);
    snprintf(f->copy, sizeof f->copy, "%s.copy", f->t.folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_db_remove(&f->t);
    unlink(f->other);
    if (access(f->copy, F_OK) == 0) {
        test_folder_remove(f->copy);
    }
    free(f);
    return 0;
}

static void close_db(struct fixture *f)
{
    duet_close(f->t.db);
    f->t.db = NULL;
}

static void reopen(struct fixture *f)
{
    struct duet_options o = options_of(f);
    close_db(f);
    assert_ok(duet_open(&f->t.db, &o));
}

/* ---- Verify ---- */

static struct duet_check_result last;
static char last_text[512];

static void keep_text(void *arg, const struct duet_finding *finding)
{
    (void)arg;
    snprintf(last_text, sizeof last_text, "%s", finding->text);
}

static void verify(struct duet *db)
{
    struct duet_check_options o = {keep_text, NULL};
    last_text[0] = '\0';
    assert_ok(duet_verify(db, &o, &last));
}

static void assert_sound(struct duet *db)
{
    verify(db);
    if (last.n_damage + last.n_derived > 0) {
        print_error("found: %s\n", last_text);
    }
    assert_int_equal(last.n_damage, 0);
    assert_int_equal(last.n_derived, 0);
}

static void test_a_sound_database_is_sound(void **state)
{
    struct fixture *f = *state;
    assert_sound(f->t.db);
    assert_int_equal(last.n_collections, 2);
    assert_int_equal(last.n_points, N);
    assert_int_equal(last.n_vectors, 990);
    assert_int_equal(last.n_sources, N / 10);
    assert_true(last.n_segments > 0);
    struct duet_id ids[3] = {test_id(1), test_id(10), test_id(995)};
    assert_ok(duet_remove(f->t.db, "c", ids, 3, NULL));
    assert_ok(duet_collection_drop(f->t.db, "empty"));
    assert_sound(f->t.db);
}

/* ---- One change to the tables, and what verify and repair make of it ---- */

typedef enum err change_fn(struct txn *txn, uint32_t collection);

struct change_args {
    change_fn *change;
    uint32_t collection;
};

static enum err change_body(struct txn *txn, void *arg)
{
    const struct change_args *args = arg;
    return args->change(txn, args->collection);
}

/* Changes the tables behind the database's back. */
static void change_tables(struct fixture *f, change_fn *change)
{
    struct change_args args = {change, 1};
    assert_ok(store_update(f->t.db->store, change_body, &args));
}

static enum err delete_hash(struct txn *txn, uint32_t c)
{
    uint8_t hash[DB_HASH_BYTES] = {10};
    struct record_key key = record_key_hash(hash, c, test_id(10));
    return store_delete(txn, STORE_HASHES, store_key(&key));
}

static enum err add_hash(struct txn *txn, uint32_t c)
{
    uint8_t hash[DB_HASH_BYTES] = {99, 99};
    struct record_key key = record_key_hash(hash, c, test_id(10));
    return store_put(txn, STORE_HASHES, store_key(&key), (struct bytes){"", 0});
}

static enum err clear_live(struct txn *txn, uint32_t c)
{
    uint8_t block[RECORD_BLOCK_BYTES] = {0};
    struct record_key key = record_key_chunk(c, 0, 0);
    return store_put(txn, STORE_LIVE, store_key(&key),
                     (struct bytes){block, sizeof block});
}

static enum err set_dead_live(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_chunk(c, 0, 0);
    struct bytes row;
    uint8_t block[RECORD_BLOCK_BYTES];
    TRY(store_get(txn, STORE_LIVE, store_key(&key), &row));
    memcpy(block, row.data, sizeof block);
    record_live_set(block, 990 / 64, record_live_get(block, 990 / 64) | 1ull << 63);
    return store_put(txn, STORE_LIVE, store_key(&key),
                     (struct bytes){block, sizeof block});
}

static enum err swap_owners(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_chunk(c, 0, 3);
    struct bytes row;
    uint8_t ids[RECORD_SLOTS_BYTES];
    TRY(store_get(txn, STORE_SLOTS, store_key(&key), &row));
    memcpy(ids, row.data, sizeof ids);
    record_id_write(test_id(12345), ids);
    return store_put(txn, STORE_SLOTS, store_key(&key),
                     (struct bytes){ids, sizeof ids});
}

static enum err miscount_points(struct txn *txn, uint32_t c)
{
    struct record_collection record;
    (void)c;
    TRY(collection_get(txn, "c", &record));
    record.n_points += 5;
    return collection_put(txn, &record);
}

static enum err garble_space(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_space(c, 0);
    return store_put(txn, STORE_SPACES, store_key(&key), (struct bytes){"xyz", 3});
}

static enum err move_segment(struct txn *txn, uint32_t c)
{
    struct record_space state;
    TRY(collection_space_get(txn, c, 0, &state));
    state.segments[0].first += 1 << 20;
    return collection_space_put(txn, c, 0, &state);
}

static enum err garble_point(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_point(c, test_id(17));
    return store_put(txn, STORE_POINTS, store_key(&key), (struct bytes){"x", 1});
}

static enum err delete_vectors(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_chunk(c, 0, 2);
    return store_delete(txn, STORE_VECTORS, store_key(&key));
}

static enum err delete_point(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_point(c, test_id(20));
    return store_delete(txn, STORE_POINTS, store_key(&key));
}

static enum err garble_vector(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_chunk(c, 0, 1);
    static char chunk[RECORD_CHUNK_SLOTS * DIM * sizeof(float)];
    struct bytes row;
    TRY(store_get(txn, STORE_VECTORS, store_key(&key), &row));
    memcpy(chunk, row.data, sizeof chunk);
    memset(chunk + 5 * DIM * sizeof(float), 0xff, sizeof(float)); /* NaN */
    return store_put(txn, STORE_VECTORS, store_key(&key),
                     (struct bytes){chunk, sizeof chunk});
}

/* ---- Payload indexes: number 0 is on "number" ---- */

static struct index_row row_of(uint32_t c, uint16_t index_number, uint64_t value)
{
    struct term term = term_of_number((struct json_number){.whole = value});
    struct duet_id id = test_id(value);
    return index_row_of(c, index_number, (struct bytes){term.data, term.n}, &id);
}

static enum err delete_term(struct txn *txn, uint32_t c)
{
    struct index_row row = row_of(c, 0, 77);
    return store_delete(txn, STORE_TERMS, (struct bytes){row.data, row.n});
}

static enum err add_term(struct txn *txn, uint32_t c)
{
    struct index_row row = row_of(c, 0, 100000);
    return store_put(txn, STORE_TERMS, (struct bytes){row.data, row.n},
                     (struct bytes){"", 0});
}

static enum err add_stray_term(struct txn *txn, uint32_t c)
{
    struct index_row row = row_of(c, 999, 3);
    return store_put(txn, STORE_TERMS, (struct bytes){row.data, row.n},
                     (struct bytes){"", 0});
}

static enum err miscount_index(struct txn *txn, uint32_t c)
{
    struct payload_indexes indexes;
    TRY(payload_indexes_load(&indexes, txn, c));
    assert_true(indexes.n > 0);
    indexes.items[0].n_points++;
    enum err result = payload_index_put(txn, c, &indexes.items[0]);
    payload_indexes_release(&indexes);
    return result;
}

static enum err garble_index(struct txn *txn, uint32_t c)
{
    struct record_key key = record_key_index(c, 500);
    return store_put(txn, STORE_INDEXES, store_key(&key), (struct bytes){"xyz", 3});
}

static void repair(struct fixture *f, bool dry_run)
{
    struct duet_repair_options o = {{keep_text, NULL}, f->t.folder, dry_run};
    close_db(f);
    assert_ok(duet_repair(&o, &last));
    struct duet_options reopened = options_of(f);
    assert_ok(duet_open(&f->t.db, &reopened));
    assert_ok(duet_seal(f->t.db, "c"));
}

static size_t n_points(struct fixture *f)
{
    size_t n;
    assert_ok(duet_count(f->t.db, "c", &n));
    return n;
}

/* Of points 600 to 699, by the index. */
static size_t n_in_range(struct fixture *f)
{
    size_t n;
    assert_ok(duet_count_where(
        f->t.db, "c",
        "{\"must\":{\"key\":\"number\",\"range\":{\"gte\":600,\"lt\":700}}}", &n));
    return n;
}

/* The vector of every point is found by an exact search. */
static void assert_found(struct fixture *f, size_t i)
{
    struct duet_hits found;
    struct duet_query q = test_query(vectors[i], DIM, 1);
    q.exact = true;
    assert_ok(duet_search(f->t.db, "c", &q, &found));
    assert_int_equal(found.n, 1);
    assert_int_equal(found.hits[0].id.number, i);
    duet_hits_release(&found);
}

static const struct {
    const char *name;
    change_fn *change;
    enum duet_finding_kind kind;
    size_t n_lost; /* points that repair cannot keep */
} changes[] = {
    {"a hash row is missing", delete_hash, DUET_DERIVED, 0},
    {"a hash row too many", add_hash, DUET_DERIVED, 0},
    {"live bits are cleared", clear_live, DUET_DERIVED, 0},
    {"a dead slot lives", set_dead_live, DUET_DERIVED, 0},
    {"a slot has another's id", swap_owners, DUET_DERIVED, 0},
    {"the points are miscounted", miscount_points, DUET_DERIVED, 0},
    {"the state of a space is garbled", garble_space, DUET_DERIVED, 0},
    {"a segment is out of place", move_segment, DUET_DERIVED, 0},
    {"a row of an index is missing", delete_term, DUET_DERIVED, 0},
    {"a row of an index is too many", add_term, DUET_DERIVED, 0},
    {"rows of an index that is not", add_stray_term, DUET_DERIVED, 0},
    {"an index is miscounted", miscount_index, DUET_DERIVED, 0},
    {"an index is garbled", garble_index, DUET_DAMAGE, 0},
    {"a point is garbled", garble_point, DUET_DAMAGE, 1},
    {"vectors are missing", delete_vectors, DUET_DAMAGE, 0},
    {"a source has no point", delete_point, DUET_DAMAGE, 1},
    {"a vector is not finite", garble_vector, DUET_DAMAGE, 0},
};

static void test_each_damage_is_found_and_mended(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        size_t n_before = n_points(f);
        change_tables(f, changes[i].change);
        verify(f->t.db);
        print_message("%s: %s\n", changes[i].name, last_text);
        assert_true((changes[i].kind == DUET_DAMAGE ? last.n_damage : last.n_derived) >
                    0);
        repair(f, true); /* tells, and changes nothing */
        assert_true(last.n_damage + last.n_derived > 0);
        verify(f->t.db);
        assert_true(last.n_damage + last.n_derived > 0);
        repair(f, false);
        assert_true(last.n_damage + last.n_derived > 0);
        assert_sound(f->t.db);
        if (changes[i].change != miscount_points) {
            assert_int_equal(n_points(f), n_before - changes[i].n_lost);
        }
        assert_found(f, 500);
        assert_int_equal(n_in_range(f), n_points(f) > 700 ? 100 : 0);
    }
    repair(f, false);
    assert_int_equal(last.n_damage + last.n_derived, 0);
    assert_ok(test_upsert(f->t.db, "c", test_id(5000), vectors[3], DIM, NULL));
    assert_sound(f->t.db);
}

static void test_a_vector_that_is_not_finite_is_found(void **state)
{
    struct fixture *f = *state;
    change_tables(f, garble_vector);
    verify(f->t.db);
    assert_int_equal(last.n_damage, 1);
    assert_non_null(strstr(last_text, "not finite"));
}

/* ---- Files ---- */

static void write_text(const char *path, const char *text)
{
    assert_ok(file_write(path, text, strlen(text)));
}

static void set_old(const char *path)
{
    struct timespec times[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_files_are_compared_with_what_they_are_named(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct duet_id id = test_id(10);
    struct db_source source = {.path = "", .hash = {0xab, 0xcd}};
    struct db_write write = {.id = id, .keep = 1, .source = &source};
    assert_ok(db_write_points(f->t.db, "c", &write, 1));
    snprintf(path, sizeof path, "%s/media/ab", f->t.folder);
    assert_ok(file_make_folders(path));
    strcat(path, "/cd0000000000000000000000000000.orig");
    write_text(path, "these bytes have another hash");
    verify(f->t.db);
    assert_int_equal(last.n_damage, 1);
    unlink(path);
    strcpy(strrchr(path, '.'), ".jpg");
    write_text(path, "no JPEG");
    verify(f->t.db);
    assert_int_equal(last.n_damage, 1); /* the upload is not there */
    assert_int_equal(last.n_derived, 1);
    unlink(path);
    strcpy(strrchr(path, '/'), "/ff0000000000000000000000000000.jpg");
    write_text(path, "nobody's");
    set_old(path);
    verify(f->t.db);
    assert_int_equal(last.n_derived, 0);
    assert_int_equal(last.n_leftovers, 1);
}

/* ---- Backup ---- */

/* All of a collection as text, to be compared. */
static void dump(struct duet *db, struct buf *out)
{
    struct duet_hits all;
    struct duet_id from = test_id(0);
    for (;;) {
        assert_ok(duet_scroll(db, "c", &from, 100, &all));
        size_t n = all.n;
        for (size_t i = 0; i < n; i++) {
            struct duet_hits one;
            assert_ok(duet_get(db, "c", &all.hits[i].id, 1, true, &one));
            assert_ok(buf_printf(out, "%llu %s ",
                                 (unsigned long long)one.hits[0].id.number,
                                 one.hits[0].payload));
            if (one.hits[0].n_vectors > 0) {
                assert_ok(buf_append(out, one.hits[0].vectors[0].values,
                                     DIM * sizeof(float)));
            }
            duet_hits_release(&one);
        }
        if (n > 0) {
            from = test_id(all.hits[n - 1].id.number + 1);
        }
        duet_hits_release(&all);
        if (n == 0) {
            return;
        }
    }
}

static void assert_same(struct duet *a, struct duet *b)
{
    struct buf of_a;
    struct buf of_b;
    buf_init(&of_a, 64 << 20);
    buf_init(&of_b, 64 << 20);
    dump(a, &of_a);
    dump(b, &of_b);
    assert_int_equal(of_a.size, of_b.size);
    assert_memory_equal(of_a.data, of_b.data, of_a.size);
    buf_release(&of_a);
    buf_release(&of_b);
}

static enum err restore(struct fixture *f)
{
    struct duet_backup_result r;
    int fd = open(f->other, O_RDONLY);
    assert_true(fd >= 0);
    enum err result = duet_restore_fd(fd, f->copy, &r);
    close(fd);
    return result;
}

static void test_a_backup_comes_back_bit_by_bit(void **state)
{
    struct fixture *f = *state;
    struct duet_backup_result r;
    struct duet *copy;
    assert_ok(duet_backup(f->t.db, f->other, &r));
    assert_int_equal(r.n_points, N);
    assert_err(duet_backup(f->t.db, f->other, &r), ERR_EXISTS);
    assert_ok(restore(f));
    assert_int_equal(restore(f), ERR_EXISTS);
    struct duet_options o = options_of(f);
    o.path = f->copy;
    assert_ok(duet_open(&copy, &o));
    assert_same(f->t.db, copy);
    assert_ok(duet_seal(copy, "c"));
    assert_sound(copy);
    assert_true(last.n_segments > 0);
    duet_close(copy);
}

/* Every way of cutting, and some of flipping. */
static void test_a_backup_cut_short_or_damaged_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct duet_backup_result r;
    struct buf whole;
    struct test_random random = test_random_seeded("backups");
    assert_ok(duet_backup(f->t.db, f->other, &r));
    buf_init(&whole, 64 << 20);
    assert_ok(file_read(f->other, &whole));
    for (int i = 0; i < 60; i++) {
        size_t at = i == 0   ? 0
                    : i == 1 ? 63
                    : i == 2 ? whole.size - 1
                    : i == 3 ? whole.size - 40
                             : test_random_below(&random, whole.size);
        if (i % 2 == 0) {
            assert_ok(file_write_unsynced(f->other, whole.data, at));
        } else {
            whole.data[at] ^= 0x10;
            assert_ok(file_write_unsynced(f->other, whole.data, whole.size));
            whole.data[at] ^= 0x10;
        }
        enum err result = restore(f);
        assert_true(result == ERR_CORRUPT || result == ERR_VERSION);
        assert_int_equal(access(f->copy, F_OK), -1);
    }
    assert_ok(buf_append(&whole, "x", 1));
    assert_ok(file_write_unsynced(f->other, whole.data, whole.size));
    assert_int_equal(restore(f), ERR_CORRUPT);
    buf_release(&whole);
}

struct piped {
    struct duet *db;
    int from, to; /* the pipe */
    int go[2];    /* tells the reader to begin */
    enum err result;
};

static void *back_up(void *arg)
{
    struct piped *p = arg;
    struct duet_backup_result r;
    p->result = duet_backup_fd(p->db, p->to, &r);
    close(p->to);
    return NULL;
}

/* The pipe takes less than the backup is, so the backup waits half-way for its reader
 * while points come and go. */
static void test_a_backup_beside_a_writer_is_of_one_moment(void **state)
{
    struct fixture *f = *state;
    struct duet_backup_result r;
    struct duet *copy;
    struct piped p;
    pthread_t thread;
    int n_waiting = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(p.go), 0);
    close_db(f);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        _exit(pipe_wait(p.go[0]) && duet_restore_fd(ends[0], f->copy, &r) == ERR_OK
                  ? 0
                  : 1);
    }
    struct duet_options o = options_of(f);
    assert_ok(duet_open(&f->t.db, &o));
    p.db = f->t.db;
    p.to = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, back_up, &p), 0);
    while (n_waiting < 32768) {
        assert_int_equal(ioctl(ends[0], FIONREAD, &n_waiting), 0);
    }
    for (uint64_t i = 0; i < 50; i++) {
        struct duet_id id = test_id(i * 7);
        assert_ok(duet_remove(f->t.db, "c", &id, 1, NULL));
        assert_ok(test_upsert(f->t.db, "c", test_id(2000 + i), vectors[i], DIM, NULL));
    }
    pipe_signal(p.go[1]);
    pthread_join(thread, NULL);
    assert_ok(p.result);
    close(ends[0]);
    assert_int_equal(child_wait(pid), 0);
    o.path = f->copy;
    assert_ok(duet_open(&copy, &o));
    assert_ok(duet_seal(copy, "c"));
    assert_sound(copy);
    assert_int_equal(last.n_points, N);
    duet_close(copy);
}

/* ---- Compact ---- */

static size_t file_size(const struct fixture *f)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", f->t.folder);
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void remove_most(struct fixture *f)
{
    struct duet_id ids[N];
    size_t n = 0;
    for (uint64_t i = 0; i < N; i++) {
        if (i % 10 != 0) {
            ids[n++] = test_id(i);
        }
    }
    assert_ok(duet_remove(f->t.db, "c", ids, n, NULL));
}

static void test_compacting_gives_disk_back_and_keeps_all(void **state)
{
    struct fixture *f = *state;
    struct duet_compact_result r;
    struct buf before;
    struct buf after;
    buf_init(&before, 64 << 20);
    buf_init(&after, 64 << 20);
    remove_most(f);
    dump(f->t.db, &before);
    close_db(f);
    size_t size_before = file_size(f);
    struct duet_options o = options_of(f);
    assert_ok(duet_compact(&o, &r));
    assert_true(file_size(f) < size_before / 2);
    assert_true(r.bytes_after < r.bytes_before);
    assert_true(r.n_moved <= N / 10); /* the builder may have moved some by itself */
    reopen(f);
    dump(f->t.db, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    assert_sound(f->t.db);
    assert_found(f, 500);
    assert_ok(test_upsert(f->t.db, "c", test_id(5000), vectors[3], DIM, NULL));
    reopen(f);
    assert_sound(f->t.db);
    assert_int_equal(n_points(f), N / 10 + 1);
    buf_release(&before);
    buf_release(&after);
}

struct reader {
    const char *folder;
    int ready, go;
};

/* A reader that stays until it is told to go, and finds all as it was. */
static void read_and_stay(void *arg)
{
    const struct reader *r = arg;
    struct duet *db;
    size_t n;
    struct duet_options o = {.path = r->folder};
    CHILD_CHECK(duet_open(&db, &o) == ERR_OK);
    pipe_signal(r->ready);
    CHILD_CHECK(pipe_wait(r->go));
    CHILD_CHECK(duet_count(db, "c", &n) == ERR_OK && n == N);
    duet_close(db);
}

static void test_compacting_waits_for_readers(void **state)
{
    struct fixture *f = *state;
    struct duet_compact_result r;
    int ready[2];
    int go[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    close_db(f);
    struct reader reader = {f->t.folder, ready[1], go[0]};
    pid_t pid = child_start(read_and_stay, &reader);
    assert_true(pipe_wait(ready[0]));
    struct duet_options o = options_of(f);
    size_t size = file_size(f);
    assert_err(duet_compact(&o, &r), ERR_BUSY);
    assert_int_equal(file_size(f), size);
    pipe_signal(go[1]);
    assert_int_equal(child_wait(pid), 0);
    assert_ok(duet_compact(&o, &r));
    assert_ok(duet_open(&f->t.db, &o));
    assert_sound(f->t.db);
    assert_int_equal(n_points(f), N);
}

/* ---- All kinds of spaces ---- */

/* Points 0 to 299 in spaces of every distance and datatype, one of which is gone again;
 * metadata, and an alias. */
static void make_kinds(struct duet *db)
{
    static char names[12][8];
    static float values[12][DIM];
    struct duet_space spaces[12];
    struct test_random r = {11};
    for (size_t i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        spaces[i] = (struct duet_space){names[i], DIM, (enum duet_distance)(i / 3),
                                        (enum duet_datatype)(i % 3)};
    }
    assert_ok(duet_collection_create(db, "kinds", spaces, 12));
    assert_ok(duet_collection_set_metadata(db, "kinds", "{\"a\":1}", 7));
    for (uint64_t p = 0; p < 300; p++) {
        struct duet_named_input inputs[12];
        for (size_t i = 0; i < 12; i++) {
            for (size_t d = 0; d < DIM; d++) {
                values[i][d] = (float)(1 + test_random_below(&r, 200));
            }
            inputs[i] = (struct duet_named_input){
                names[i], {.kind = DUET_INPUT_VECTOR, .vector = values[i], .n = DIM}};
        }
        const struct duet_point_input point = {
            .id = test_id(p), .vectors = inputs, .n_vectors = 1 + p % 12};
        assert_ok(duet_upsert(db, "kinds", &point, 1));
    }
    assert_ok(duet_space_remove(db, "kinds", "s4"));
    const struct duet_alias_change alias = {DUET_ALIAS_CREATE, "sorts", "kinds"};
    assert_ok(duet_aliases_change(db, &alias, 1));
}

/* The points and all their vectors, through the alias. */
static void compare_kinds(struct duet *a, struct duet *b)
{
    for (uint64_t p = 0; p < 300; p++) {
        struct duet_id id = test_id(p);
        struct duet_hits x, y;
        assert_ok(duet_get(a, "sorts", &id, 1, true, &x));
        assert_ok(duet_get(b, "sorts", &id, 1, true, &y));
        assert_int_equal(x.hits[0].n_vectors, y.hits[0].n_vectors);
        for (size_t v = 0; v < x.hits[0].n_vectors; v++) {
            assert_string_equal(x.hits[0].vectors[v].space, y.hits[0].vectors[v].space);
            assert_memory_equal(x.hits[0].vectors[v].values,
                                y.hits[0].vectors[v].values, DIM * sizeof(float));
        }
        duet_hits_release(&x);
        duet_hits_release(&y);
    }
}

static void test_all_kinds_of_spaces_are_kept(void **state)
{
    struct fixture *f = *state;
    struct duet *copy;
    struct duet_collections there;
    struct duet_backup_result r;
    make_kinds(f->t.db);
    verify(f->t.db);
    assert_string_equal(last_text, "");
    assert_ok(duet_backup(f->t.db, f->other, &r));
    assert_ok(restore(f));
    struct duet_options o = options_of(f);
    o.path = f->copy;
    assert_ok(duet_open(&copy, &o));
    assert_ok(duet_seal(copy, "c")); /* segments are not in a backup */
    assert_ok(duet_seal(copy, "kinds"));
    verify(copy);
    assert_string_equal(last_text, "");
    compare_kinds(f->t.db, copy);
    assert_ok(duet_collections_list(copy, "kinds", &there));
    assert_string_equal(there.items[0].metadata, "{\"a\":1}");
    duet_collections_release(&there);
    duet_close(copy);
}

static void test_repairing_and_compacting_change_nothing_that_is_sound(void **state)
{
    struct fixture *f = *state;
    struct duet *before;
    struct duet_backup_result r;
    struct duet_compact_result compacted;
    make_kinds(f->t.db);
    assert_ok(duet_backup(f->t.db, f->other, &r));
    assert_ok(restore(f));
    close_db(f);
    struct duet_check_result result;
    const struct duet_repair_options repair = {.path = f->t.folder};
    assert_ok(duet_repair(&repair, &result));
    assert_int_equal(result.n_damage, 0);
    assert_int_equal(result.n_derived, 0);
    struct duet_options o = options_of(f);
    assert_ok(duet_compact(&o, &compacted));
    assert_ok(duet_open(&f->t.db, &o));
    verify(f->t.db);
    assert_string_equal(last_text, "");
    assert_ok(duet_open(&before, &(struct duet_options){.path = f->copy}));
    compare_kinds(before, f->t.db);
    duet_close(before);
}

static enum err put_stray_alias(struct txn *txn, void *unused)
{
    (void)unused;
    return store_put(txn, STORE_ALIASES, (struct bytes){"stray", 5},
                     (struct bytes){"nowhere", 7});
}

static void test_an_alias_of_nothing_is_found(void **state)
{
    struct fixture *f = *state;
    assert_ok(store_update(f->t.db->store, put_stray_alias, NULL));
    verify(f->t.db);
    assert_int_equal(last.n_damage, 1);
    assert_non_null(strstr(last_text, "stray"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_database_is_sound),
        TEST(test_each_damage_is_found_and_mended),
        TEST(test_a_vector_that_is_not_finite_is_found),
        TEST(test_files_are_compared_with_what_they_are_named),
        TEST(test_a_backup_comes_back_bit_by_bit),
        TEST(test_a_backup_cut_short_or_damaged_leaves_nothing),
        TEST(test_a_backup_beside_a_writer_is_of_one_moment),
        TEST(test_compacting_gives_disk_back_and_keeps_all),
        TEST(test_compacting_waits_for_readers),
        TEST(test_all_kinds_of_spaces_are_kept),
        TEST(test_repairing_and_compacting_change_nothing_that_is_sound),
        TEST(test_an_alias_of_nothing_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
