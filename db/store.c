/*
 * store.c - see store.h. Transactions are in store_txn.c, groups of writes in commit.c.
 *
 * An opening holds a shared flock on the folder, and store_replace an exclusive one: so
 * nobody opens data.mdb while it is put in place of another, whose table of readers
 * must not be taken for its own.
 */
#include "db/store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/store_check.h"
#include "db/uuid.h"

enum {
    CHECK_TRIES = 100 /* chances against a writer that commits meanwhile */
};

/* The tables of the earliest format that is known; those behind them came later. */
enum { TABLES_AT_FIRST = STORE_INDEXES };

static const char *const TABLE_NAMES[STORE_TABLES] = {
    "meta",    "collections", "dropped", "points", "system",
    "hashes",  "spaces",      "live",    "slots",  "vectors",
    "aliases", "metadata",    "indexes", "terms",  "texts",
};

static const MDB_dbi NO_TABLE = UINT_MAX;

/* LMDB must not open one file twice in a process: closing the one would drop the locks
 * of the other. */
static struct store *open_stores;
static pthread_mutex_t open_stores_mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- Opening ---- */

static enum err register_open(struct store *store)
{
    struct stat st;
    if (stat(store->path, &st) != 0) {
        return err_errno(errno, "%s", store->path);
    }
    store->device = st.st_dev;
    store->inode = st.st_ino;
    enum err result = ERR_OK;
    pthread_mutex_lock(&open_stores_mutex);
    for (struct store *s = open_stores; s != NULL; s = s->next_open) {
        if (s->device == store->device && s->inode == store->inode) {
            result = err_set(ERR_BUSY, "%s: open in this process already (pid %ld)",
                             store->path, (long)getpid());
        }
    }
    if (result == ERR_OK) {
        store->next_open = open_stores;
        open_stores = store;
    }
    pthread_mutex_unlock(&open_stores_mutex);
    return result;
}

static void unregister_open(struct store *store)
{
    pthread_mutex_lock(&open_stores_mutex);
    for (struct store **s = &open_stores; *s != NULL; s = &(*s)->next_open) {
        if (*s == store) {
            *s = store->next_open;
            break;
        }
    }
    pthread_mutex_unlock(&open_stores_mutex);
}

static int env_try_open(struct store *store, bool write, size_t map_bytes)
{
    int rc = mdb_env_create(&store->env);
    if (rc != MDB_SUCCESS) {
        store->env = NULL;
        return rc;
    }
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (write ? 0 : MDB_RDONLY);
    rc = mdb_env_set_maxdbs(store->env, STORE_TABLES);
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_maxreaders(store->env, LIMIT_READERS);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_mapsize(store->env, map_bytes);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_open(store->env, store->path, flags, 0666);
    }
    if (rc != MDB_SUCCESS) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
    return rc;
}

/* Half of the address space is left to the rest of the program where it is limited. */
static enum err env_open(struct store *store, bool write, size_t map_bytes)
{
    int rc = env_try_open(store, write, map_bytes);
    while (rc == ENOMEM && map_bytes / 2 >= LIMIT_MAP_BYTES_MIN) {
        map_bytes /= 2;
        rc = env_try_open(store, write, map_bytes);
    }
    return store_result(store, rc);
}

static enum err open_tables(struct txn *txn, unsigned flags, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        int rc = mdb_dbi_open(txn->mdb, TABLE_NAMES[i], flags, &txn->store->tables[i]);
        if (rc == MDB_NOTFOUND && txn->store->format.version < RECORD_FORMAT_VERSION &&
            i >= TABLES_AT_FIRST) {
            txn->store->tables[i] = NO_TABLE;
            continue;
        }
        FAIL_IF(rc == MDB_NOTFOUND, ERR_CORRUPT,
                "%s: not a database of duet: no table '%s'", txn->store->path,
                TABLE_NAMES[i]);
        TRY(store_result(txn->store, rc));
    }
    return ERR_OK;
}

/* A store_body: the tables and the format record of a new database. */
static enum err create_tables(struct txn *txn, void *arg)
{
    (void)arg;
    struct record_format *format = &txn->store->format;
    TRY(open_tables(txn, MDB_CREATE, 0, STORE_TABLES));
    *format = (struct record_format){
        .version = RECORD_FORMAT_VERSION,
        .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
        .created_ms = clock_wall_ms(),
        .next_collection = 1,
    };
    TRY(uuid_random(format->uuid));
    return store_put_format(txn, format);
}

static enum err read_version(struct store *store, struct txn *txn)
{
    struct bytes value;
    TRY(store_get(txn, STORE_META, store_format_key(), &value));
    enum err result = record_format_read(&store->format, value);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", store->path);
}

/* Reads the format record, then opens the tables: another format may have others. */
static enum err read_format(struct store *store)
{
    struct txn txn;
    TRY(store_read(store, &txn));
    enum err result;
    TRY_OUT(open_tables(&txn, 0, STORE_META, STORE_META + 1));
    TRY_OUT(read_version(store, &txn));
    TRY_OUT(open_tables(&txn, 0, STORE_META + 1, STORE_TABLES));
    /* The handles become the environment's by a commit, also of a reading one. */
    result = store_result(store, mdb_txn_commit(txn.mdb));
    txn.mdb = NULL;
    pthread_rwlock_unlock(&store->gate);
out:
    store_end(&txn);
    return result;
}

/* A writer may commit twice between our transaction's beginning and our look at the
 * head pages; then they tell of later trees than ours, and we begin again. */
static enum err check_trees(struct store *store, bool all_pages)
{
    enum err result = ERR_BUSY;
    for (int i = 0; i < CHECK_TRIES && result == ERR_BUSY; i++) {
        struct txn txn;
        TRY(store_read(store, &txn));
        result = all_pages ? store_check_pages(store->path, txn.mdb)
                           : store_check_trees(store->path, txn.mdb);
        store_end(&txn);
    }
    /* So busy a writer has read its trees itself. */
    return result == ERR_BUSY ? ERR_OK : result;
}

/* A store_body: what this format has and the earlier ones had not. */
static enum err upgrade_tables(struct txn *txn, void *arg)
{
    struct record_format *format = arg;
    TRY(open_tables(txn, MDB_CREATE, TABLES_AT_FIRST, STORE_TABLES));
    *format = txn->store->format;
    format->version = RECORD_FORMAT_VERSION;
    return store_put_format(txn, format);
}

static enum err upgrade(struct store *store)
{
    struct record_format format;
    if (store->format.version == RECORD_FORMAT_VERSION) {
        return ERR_OK;
    }
    enum err result = store_update(store, upgrade_tables, &format);
    if (result != ERR_OK) {
        return err_prefix(result, "%s: cannot be made format %d", store->path,
                          RECORD_FORMAT_VERSION);
    }
    store->format = format;
    return ERR_OK;
}

static enum err open_existing(struct store *store, const struct store_options *o)
{
    size_t page_size;
    TRY(store_check_head(store->path, &page_size));
    FAIL_IF(page_size != (size_t)sysconf(_SC_PAGESIZE), ERR_VERSION,
            "%s: made on a machine with pages of %zu bytes", store->path, page_size);
    TRY(register_open(store));
    TRY(env_open(store, o->write, o->map_bytes));
    TRY(check_trees(store, false));
    TRY(read_format(store));
    TRY(o->write ? upgrade(store) : ERR_OK);
    return store_drop_dead_readers(store);
}

/* Deletes what an interrupted creation left, and the lock file of a finished one. */
static void delete_new(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/new.mdb", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/new.mdb-lock", folder);
    unlink(path);
}

static enum err create_tables_at(struct store *store)
{
    TRY(env_open(store, true, LIMIT_MAP_BYTES_MIN));
    enum err result = store_update(store, create_tables, NULL);
    mdb_env_close(store->env);
    store->env = NULL;
    return result;
}

/* Made under another name first, so that a crash half-way leaves no half database. */
static enum err create_new(struct store *store, const struct store_options *o)
{
    char final[PATH_MAX];
    memcpy(final, store->path, sizeof final);
    snprintf(store->path, sizeof store->path, "%s/new.mdb", o->folder);
    delete_new(o->folder);
    enum err result = create_tables_at(store);
    if (result == ERR_OK && rename(store->path, final) != 0) {
        result = err_errno(errno, "%s", final);
    }
    memcpy(store->path, final, sizeof final);
    delete_new(o->folder);
    TRY(result);
    return file_sync_folder(o->folder);
}

/* A lock on the folder itself, or -1 where its file system has none. */
static int lock_folder(const char *folder, int kind)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && flock(fd, kind) != 0) {
        if (errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

static void unlock_folder(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

enum err store_open(struct store **out, const struct store_options *options)
{
    struct store_options o = *options;
    *out = NULL;
    FAIL_IF(strlen(o.folder) + sizeof "/data.mdb-lock" > PATH_MAX, ERR_LIMIT,
            "the path of the database is too long");
    if (o.map_bytes == 0) {
        o.map_bytes = LIMIT_MAP_BYTES;
    }
    struct store *store = alloc_zero(1, sizeof *store);
    if (store == NULL) {
        return ERR_NOMEM;
    }
    pthread_rwlock_init(&store->gate, NULL);
    commits_init(&store->commits);
    pthread_mutex_init(&store->jumps_mutex, NULL);
    snprintf(store->path, sizeof store->path, "%s/data.mdb", o.folder);
    enum err result = ERR_OK;
    if (o.write && o.create && access(store->path, F_OK) != 0) {
        result = create_new(store, &o);
    }
    if (result == ERR_OK) {
        int lock = lock_folder(o.folder, LOCK_SH);
        result = open_existing(store, &o);
        unlock_folder(lock);
    }
    if (result != ERR_OK) {
        store_close(store);
        return result;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->env != NULL) {
        mdb_env_close(store->env);
    }
    unregister_open(store);
    commits_release(&store->commits);
    pthread_mutex_destroy(&store->jumps_mutex);
    pthread_rwlock_destroy(&store->gate);
    alloc_free(store);
}

const struct record_format *store_format(const struct store *store)
{
    return &store->format;
}

enum err store_drop_dead_readers(struct store *store)
{
    int n_dead;
    return store_result(store, mdb_reader_check(store->env, &n_dead));
}

enum err store_size(struct store *store, size_t *bytes)
{
    struct txn txn;
    MDB_envinfo info;
    *bytes = 0;
    TRY(store_read(store, &txn)); /* keeps the map where it is */
    int rc = mdb_env_info(store->env, &info);
    store_end(&txn);
    TRY(store_result(store, rc));
    *bytes = (info.me_last_pgno + 1) * store->format.page_size;
    return ERR_OK;
}

enum err store_check(struct store *store)
{
    return check_trees(store, true);
}

const char *store_table_name(enum store_table table)
{
    return TABLE_NAMES[table];
}

/* ---- Copies ---- */

enum err store_copy(struct store *store, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    pthread_rwlock_rdlock(&store->gate);
    int rc = store->unmapped ? EIO : mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    pthread_rwlock_unlock(&store->gate);
    enum err result = store_result(store, rc);
    if (result == ERR_OK && fsync(fd) != 0) {
        result = err_errno(errno, "%s: fsync", path);
    }
    close(fd);
    if (result != ERR_OK) {
        unlink(path);
    }
    return result;
}

/* Every process that has an LMDB file open holds a lock on the first byte of its table
 * of readers. To be called where this process has not. */
static enum err check_unused(const char *lock_path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(lock_path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", lock_path);
    }
    int rc = fcntl(fd, F_GETLK, &lock);
    int errnum = errno;
    close(fd);
    if (rc != 0) {
        return err_errno(errnum, "%s", lock_path);
    }
    FAIL_IF(lock.l_type != F_UNLCK, ERR_BUSY,
            "process %ld reads the database; this has to wait until it is done",
            (long)lock.l_pid);
    return ERR_OK;
}

enum err store_replace(const char *folder, const char *path)
{
    char data[PATH_MAX];
    char readers[PATH_MAX];
    int n = snprintf(data, sizeof data, "%s/data.mdb", folder);
    int n_readers = snprintf(readers, sizeof readers, "%s/data.mdb-lock", folder);
    FAIL_IF(n < 0 || n_readers < 0 || (size_t)n_readers >= sizeof readers, ERR_LIMIT,
            "the path of the database is too long");
    int lock = lock_folder(folder, LOCK_EX);
    FAIL_IF(lock < 0, ERR_UNSUPPORTED, "%s: cannot be locked", folder);
    enum err result;
    TRY_OUT(check_unused(readers));
    /* First the table of readers: it tells of transactions of the old file. */
    if (unlink(readers) != 0 && errno != ENOENT) {
        result = err_errno(errno, "%s", readers);
    } else if (rename(path, data) != 0) {
        result = err_errno(errno, "%s", data);
    } else {
        result = file_sync_folder(folder);
    }
out:
    unlock_folder(lock);
    return result;
}

/* ---- Single rows ---- */

static MDB_val mdb_bytes(struct bytes b)
{
    return (MDB_val){.mv_size = b.n, .mv_data = (void *)(size_t)b.data};
}

static struct bytes bytes_of_mdb(MDB_val v)
{
    return (struct bytes){v.mv_data, v.mv_size};
}

enum err store_get(struct txn *txn, enum store_table table, struct bytes key,
                   struct bytes *value)
{
    MDB_val k = mdb_bytes(key);
    MDB_val v;
    *value = (struct bytes){NULL, 0};
    if (txn->store->tables[table] == NO_TABLE) {
        return ERR_OK;
    }
    int rc = mdb_get(txn->mdb, txn->store->tables[table], &k, &v);
    if (rc == MDB_NOTFOUND) {
        return ERR_OK;
    }
    TRY(store_result(txn->store, rc));
    *value = bytes_of_mdb(v);
    return ERR_OK;
}

/* Called before each change. A row costs what it holds and the page that it lies on. */
static enum err charge(struct txn *txn, size_t n)
{
    txn->n_bytes += n + txn->store->format.page_size;
    txn->too_large = txn->room != 0 && txn->n_bytes > txn->room;
    FAIL_IF(txn->too_large, ERR_LIMIT, "too large a write to be one of a group");
    return ERR_OK;
}

enum err store_put(struct txn *txn, enum store_table table, struct bytes key,
                   struct bytes value)
{
    MDB_val k = mdb_bytes(key);
    MDB_val v = mdb_bytes(value);
    TRY(charge(txn, value.n));
    return store_txn_result(txn,
                            mdb_put(txn->mdb, txn->store->tables[table], &k, &v, 0));
}

enum err store_append(struct txn *txn, enum store_table table, struct bytes key,
                      struct bytes value)
{
    MDB_val k = mdb_bytes(key);
    MDB_val v = mdb_bytes(value);
    TRY(charge(txn, value.n));
    int rc = mdb_put(txn->mdb, txn->store->tables[table], &k, &v, MDB_APPEND);
    FAIL_IF(rc == MDB_KEYEXIST, ERR_CORRUPT, "rows of the table '%s' are out of order",
            TABLE_NAMES[table]);
    return store_txn_result(txn, rc);
}

enum err store_put_format(struct txn *txn, const struct record_format *format)
{
    struct buf record;
    buf_init(&record, 1024);
    enum err result = record_format_write(format, &record);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_META, store_format_key(),
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

enum err store_delete(struct txn *txn, enum store_table table, struct bytes key)
{
    MDB_val k = mdb_bytes(key);
    TRY(charge(txn, 0));
    int rc = mdb_del(txn->mdb, txn->store->tables[table], &k, NULL);
    return rc == MDB_NOTFOUND ? ERR_OK : store_txn_result(txn, rc);
}

enum err store_count_rows(struct txn *txn, enum store_table table, size_t *n)
{
    MDB_stat st = {0};
    int rc = mdb_stat(txn->mdb, txn->store->tables[table], &st);
    *n = st.ms_entries;
    return store_result(txn->store, rc);
}

/* ---- Walks ---- */

/* Moves the cursor and takes the row there, if it still has the prefix. `k` is where a
 * MDB_SET_RANGE begins. */
static enum err cursor_move(struct cursor *c, MDB_cursor_op op, struct bytes from)
{
    MDB_val k = mdb_bytes(from);
    MDB_val v;
    struct txn *txn = c->txn;
    c->key = (struct bytes){NULL, 0};
    if (c->mdb == NULL) {
        return ERR_OK; /* of a table that is not there */
    }
    int rc = mdb_cursor_get(c->mdb, &k, &v, op);
    if (rc == MDB_NOTFOUND) {
        return ERR_OK;
    }
    TRY(store_result(txn->store, rc));
    if (k.mv_size >= c->prefix.n &&
        memcmp(k.mv_data, c->prefix.data, c->prefix.n) == 0) {
        c->key = bytes_of_mdb(k);
        c->value = bytes_of_mdb(v);
    }
    return ERR_OK;
}

enum err cursor_open(struct txn *txn, enum store_table table, struct bytes prefix,
                     struct cursor *cursor)
{
    *cursor = (struct cursor){.txn = txn, .prefix = prefix};
    if (txn->store->tables[table] == NO_TABLE) {
        return ERR_OK;
    }
    int rc = mdb_cursor_open(txn->mdb, txn->store->tables[table], &cursor->mdb);
    if (rc != MDB_SUCCESS) {
        cursor->mdb = NULL;
        return store_result(txn->store, rc);
    }
    enum err result = cursor_seek(cursor, prefix);
    if (result != ERR_OK) {
        cursor_close(cursor);
    }
    return result;
}

enum err cursor_seek(struct cursor *cursor, struct bytes key)
{
    /* LMDB takes no empty key: an empty prefix means the first row. */
    return cursor_move(cursor, key.n == 0 ? MDB_FIRST : MDB_SET_RANGE, key);
}

enum err cursor_next(struct cursor *cursor)
{
    return cursor_move(cursor, MDB_NEXT, cursor->prefix);
}

enum err cursor_seek_before(struct cursor *cursor, struct bytes key)
{
    MDB_val k = mdb_bytes(key);
    MDB_val v;
    if (cursor->mdb == NULL) {
        return ERR_OK;
    }
    int rc = mdb_cursor_get(cursor->mdb, &k, &v, MDB_SET_RANGE);
    if (rc != MDB_NOTFOUND) {
        TRY(store_result(cursor->txn->store, rc));
    }
    return cursor_move(cursor, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV, key);
}

enum err cursor_previous(struct cursor *cursor)
{
    return cursor_move(cursor, MDB_PREV, cursor->prefix);
}

enum err cursor_delete(struct cursor *cursor)
{
    TRY(charge(cursor->txn, 0));
    TRY(store_txn_result(cursor->txn, mdb_cursor_del(cursor->mdb, 0)));
    return cursor_next(cursor); /* LMDB counts the deleted row as the one we stand on */
}

enum err store_count(struct txn *txn, enum store_table table, struct bytes prefix,
                     size_t *n)
{
    struct cursor cursor;
    *n = 0;
    TRY(cursor_open(txn, table, prefix, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        ++*n;
        result = cursor_next(&cursor);
    }
    cursor_close(&cursor);
    return result;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor->mdb != NULL) {
        mdb_cursor_close(cursor->mdb);
        cursor->mdb = NULL;
    }
}
