/*
 * power_test.c - the power goes at any moment, and what was not synced is kept, lost or
 * torn as it may.
 *
 * A child makes a database, goes through steps, compacts, and goes on; every write,
 * sync and change of a name is written down in order. The parent then plays the disk up
 * to some moment: what was synced by then is there; of the writes after that each
 * sector is kept or not, by chance, and of the changes of names the first so many. It
 * opens what is left: all that was acknowledged by then must be there, and nothing
 * half.
 *
 * POWER_IGNORE_SYNCS=1 plays a disk that lies about its syncs: then this test must
 * fail, which shows that it can.
 */
#include "tests/db/faults.h"
#include "tests/db/steps.h"

#include "base/file.h"
#include "base/log.h"
#include "tests/db/process.h"

enum {
    N_STEPS = 40,
    COMPACT_AT = 20, /* this step comes after a compaction */
    ROUNDS = 300,
    SECTOR = 512,
    FILES_MAX = 256,
    NAMES_MAX = 512,
    LOG_BYTES_MAX = 512 << 20
};

/* ---- The writer ---- */

static const char *recorded; /* the folder of its database */

static void open_recorded(struct duet **db)
{
    struct duet_options o = {.path = recorded,
                             .write = true,
                             .create = true,
                             .n_threads = 1,
                             .seal_at = SEAL_AT};
    CHILD_CHECK(duet_open(db, &o) == ERR_OK);
}

static void compact_recorded(struct duet **db)
{
    struct duet_compact_result r;
    struct duet_options o = {.path = recorded, .n_threads = 1, .seal_at = SEAL_AT};
    duet_close(*db);
    CHILD_CHECK(duet_compact(&o, &r) == ERR_OK);
    open_recorded(db);
}

static void write_recorded(void *arg)
{
    struct duet *db;
    struct duet_space space = {"v", DIM, DUET_COSINE, DUET_FLOAT32};
    faults_watch(recorded);
    faults_record(*(const int *)arg);
    open_recorded(&db);
    CHILD_CHECK(duet_collection_create(db, "c", &space, 1) == ERR_OK);
    faults_tell(1);
    for (uint64_t step = 0; step < N_STEPS; step++) {
        if (step == COMPACT_AT) {
            compact_recorded(&db);
        }
        CHILD_CHECK(do_step(db, step) == ERR_OK);
        faults_tell(step + 2);
    }
    duet_close(db);
}

/* ---- The disk ---- */

/* A record of the log, taken apart. */
struct event {
    struct fault_record r;
    char path[160], other[160]; /* below the folder */
    const char *bytes;
};

struct disk_file {
    uint64_t inode;
    struct buf bytes;             /* what is durable */
    const struct event **waiting; /* [n_waiting] writes and cuts not yet synced */
    size_t n_waiting;
};

struct name {
    char path[160];
    uint64_t inode;
};

struct disk {
    struct disk_file files[FILES_MAX];
    size_t n_files;
    struct name names[NAMES_MAX];
    size_t n_names;
    const struct event **waiting; /* [n_waiting] changes of names */
    size_t n_waiting;
    uint64_t n_told;
};

static struct disk_file *file_of(struct disk *disk, uint64_t inode)
{
    for (size_t i = disk->n_files; i-- > 0;) {
        if (disk->files[i].inode == inode) {
            return &disk->files[i];
        }
    }
    assert_true(disk->n_files < FILES_MAX);
    struct disk_file *file = &disk->files[disk->n_files++];
    *file = (struct disk_file){.inode = inode};
    buf_init(&file->bytes, LOG_BYTES_MAX);
    return file;
}

static void set_size(struct buf *b, size_t size)
{
    static const char zeros[4096];
    while (b->size < size) {
        size_t n = size - b->size < sizeof zeros ? size - b->size : sizeof zeros;
        assert_ok(buf_append(b, zeros, n));
    }
    b->size = size;
}

static void put(struct buf *b, uint64_t at, const char *bytes, size_t n)
{
    if (b->size < at + n) {
        set_size(b, at + n);
    }
    memcpy(b->data + at, bytes, n);
}

static void apply_to_file(struct buf *b, const struct event *e)
{
    if (e->r.kind == FAULT_CUT) {
        set_size(b, e->r.offset);
    } else {
        put(b, e->r.offset, e->bytes, e->r.n);
    }
}

/* ---- Names ---- */

static struct name *find_name(struct disk *disk, const char *path)
{
    for (size_t i = 0; i < disk->n_names; i++) {
        if (strcmp(disk->names[i].path, path) == 0) {
            return &disk->names[i];
        }
    }
    return NULL;
}

static void remove_name(struct disk *disk, const char *path)
{
    struct name *name = find_name(disk, path);
    if (name != NULL) {
        *name = disk->names[--disk->n_names];
    }
}

static void set_name(struct disk *disk, const char *path, uint64_t inode)
{
    struct name *name = find_name(disk, path);
    if (name == NULL) {
        assert_true(disk->n_names < NAMES_MAX);
        name = &disk->names[disk->n_names++];
    }
    snprintf(name->path, sizeof name->path, "%s", path);
    name->inode = inode;
}

static void apply_to_names(struct disk *disk, const struct event *e)
{
    const struct name *from = find_name(disk, e->path);
    if (e->r.kind == FAULT_CREATE) {
        set_name(disk, e->path, e->r.inode);
    } else if (e->r.kind == FAULT_UNLINK) {
        remove_name(disk, e->path);
    } else if (e->r.kind == FAULT_RENAME && from != NULL) {
        uint64_t inode = from->inode;
        remove_name(disk, e->path);
        set_name(disk, e->other, inode);
    }
}

/* ---- Playing ---- */

/* A sync of a folder makes its names durable, in the order in which they came; one of a
 * file its bytes. */
static void play_sync(struct disk *disk, const struct event *e)
{
    bool is_folder = e->path[0] == '\0' || strcmp(e->path, "/segments") == 0;
    if (is_folder) {
        size_t n_kept = 0;
        for (size_t i = 0; i < disk->n_waiting; i++) {
            const struct event *w = disk->waiting[i];
            size_t n = strlen(e->path);
            bool inside = strncmp(w->path, e->path, n) == 0 &&
                          strchr(w->path + n + 1, '/') == NULL;
            if (inside) {
                apply_to_names(disk, w);
            } else {
                disk->waiting[n_kept++] = w;
            }
        }
        disk->n_waiting = n_kept;
        return;
    }
    struct disk_file *file = file_of(disk, e->r.inode);
    for (size_t i = 0; i < file->n_waiting; i++) {
        apply_to_file(&file->bytes, file->waiting[i]);
    }
    file->n_waiting = 0;
}

static void wait_in(const struct event ***list, size_t *n, const struct event *e)
{
    const struct event **more = realloc(*list, (*n + 1) * sizeof *more);
    assert_non_null(more);
    *list = more;
    more[(*n)++] = e;
}

static void play(struct disk *disk, const struct event *e, bool cut_off)
{
    struct disk_file *file;
    switch (e->r.kind) {
    case FAULT_WRITE:
    case FAULT_CUT:
        file = file_of(disk, e->r.inode);
        if (e->r.synced && !cut_off) {
            apply_to_file(&file->bytes, e);
        } else {
            wait_in(&file->waiting, &file->n_waiting, e);
        }
        break;
    case FAULT_SYNC:
        if (!cut_off && getenv("POWER_IGNORE_SYNCS") == NULL) {
            play_sync(disk, e);
        }
        break;
    case FAULT_TOLD:
        disk->n_told = cut_off ? disk->n_told : e->r.offset;
        break;
    case FAULT_MKDIR: /* its files may be lost; that is as bad */
        break;
    default:
        wait_in(&disk->waiting, &disk->n_waiting, e);
    }
}

static void release(struct disk *disk)
{
    for (size_t i = 0; i < disk->n_files; i++) {
        buf_release(&disk->files[i].bytes);
        free(disk->files[i].waiting);
    }
    free(disk->waiting);
    memset(disk, 0, sizeof *disk);
}

/* ---- What the power cut leaves ---- */

/* Of the writes that were not synced: all, none, or each sector by chance. */
static void lose_writes(struct disk_file *file, struct test_random *r)
{
    size_t how = test_random_below(r, 4);
    for (size_t i = 0; i < file->n_waiting && how > 0; i++) {
        const struct event *e = file->waiting[i];
        if (how == 1 || e->r.kind == FAULT_CUT) {
            apply_to_file(&file->bytes, e);
            continue;
        }
        for (size_t at = 0; at < e->r.n;) {
            size_t n = SECTOR - (e->r.offset + at) % SECTOR;
            n = n < e->r.n - at ? n : e->r.n - at;
            if (test_random_below(r, 2) == 0) {
                put(&file->bytes, e->r.offset + at, e->bytes + at, n);
            } else if (how == 2 && file->bytes.size < e->r.offset + at + n) {
                set_size(&file->bytes, e->r.offset + at + n); /* long, but empty */
            }
            at += n;
        }
    }
}

static void write_out(struct disk *disk, const char *folder, struct test_random *r)
{
    char path[256];
    size_t n_kept = test_random_below(r, disk->n_waiting + 1);
    for (size_t i = 0; i < n_kept; i++) {
        apply_to_names(disk, disk->waiting[i]);
    }
    snprintf(path, sizeof path, "%s/segments", folder);
    assert_ok(file_make_folders(path));
    for (size_t i = 0; i < disk->n_names; i++) {
        struct disk_file *file = file_of(disk, disk->names[i].inode);
        lose_writes(file, r);
        file->n_waiting = 0;
        snprintf(path, sizeof path, "%s%s", folder, disk->names[i].path);
        assert_ok(file_write_unsynced(path, file->bytes.data, file->bytes.size));
    }
}

/* ---- The log ---- */

static void copy_path(char dst[160], const char *bytes, size_t n)
{
    size_t skipped = strlen(recorded);
    dst[0] = '\0';
    if (n > skipped) {
        snprintf(dst, 160, "%.*s", (int)(n - skipped), bytes + skipped);
    }
}

static struct event *read_events(const struct buf *log, size_t *n)
{
    struct event *events = NULL;
    size_t at = 0;
    for (*n = 0; at < log->size; ++*n) {
        if (*n % 1024 == 0) {
            events = realloc(events, (*n + 1024) * sizeof *events);
            assert_non_null(events);
        }
        struct event *e = &events[*n];
        memcpy(&e->r, log->data + at, sizeof e->r);
        at += sizeof e->r;
        copy_path(e->path, log->data + at, e->r.n_path);
        copy_path(e->other, log->data + at + e->r.n_path, e->r.n_other);
        at += e->r.n_path + e->r.n_other;
        e->bytes = log->data + at;
        at += e->r.n;
    }
    return events;
}

/* ---- The test ---- */

static void check_left(const char *folder, uint64_t n_told)
{
    struct duet *db;
    struct duet_options o = {.path = folder,
                             .write = true,
                             .create = n_told == 0,
                             .n_threads = 1,
                             .seal_at = SEAL_AT};
    assert_ok(duet_open(&db, &o));
    if (n_told > 0) {
        uint64_t n_steps = check_database(db, n_told - 1);
        assert_ok(duet_seal(db, "c"));
        check_sound(db, true);
        assert_ok(do_step(db, n_steps));
        assert_int_equal(check_database(db, n_steps + 1), n_steps + 1);
    }
    check_sound(db, false);
    duet_close(db);
}

static void cut_the_power(const struct event *events, size_t n_played,
                          struct test_random *r)
{
    static struct disk disk;
    char folder[64];
    steps_folder_make(folder);
    for (size_t i = 0; i < n_played; i++) {
        play(&disk, &events[i], false);
    }
    play(&disk, &events[n_played], true); /* it was under way */
    write_out(&disk, folder, r);
    check_left(folder, disk.n_told);
    release(&disk);
    test_folder_remove(folder);
}

static void test_the_power_goes_at_any_moment(void **state)
{
    (void)state;
    struct test_random r = test_random_seeded("power");
    char folder[64];
    char log_path[80];
    struct buf log;
    size_t n;
    steps_folder_make(folder);
    recorded = folder;
    snprintf(log_path, sizeof log_path, "%s.log", folder);
    int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(child_run(write_recorded, &fd), 0);
    close(fd);
    buf_init(&log, LOG_BYTES_MAX);
    assert_ok(file_read(log_path, &log));
    unlink(log_path);
    struct event *events = read_events(&log, &n);
    const char *given = getenv("POWER_ROUNDS");
    long n_rounds = given == NULL ? ROUNDS / SPARSE : strtol(given, NULL, 10);
    for (long i = 0; i < n_rounds; i++) {
        cut_the_power(events, test_random_below(&r, n), &r);
    }
    print_message("%ld power cuts in %zu changes of files\n", n_rounds, n);
    free(events);
    buf_release(&log);
    test_folder_remove(folder);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_power_goes_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
