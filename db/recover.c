/*
 * recover.c - see duet_snapshot_recover in duet_snapshot.h.
 *
 * The file is read three times. First all of it is checked, and which collection is
 * wanted is found out. Then its rows are written under a number of their own, which is
 * among the dropped ones meanwhile: so whoever opens the database after a crash takes
 * them back. The last transaction gives the name to the new number and drops the old
 * one. Pictures are put into media/ before that, so that the points never lack them,
 * and once more after it, as a removal elsewhere may have taken some in between.
 *
 * Keys hold the number of their collection, so each is written anew. Segments are left
 * out: their files are not in a snapshot, the builder makes them.
 *
 * Threads: one recovery at a time; it holds fill_mutex, without which nothing that is
 * dropped is reclaimed.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/backup_read.h"
#include "db/backup_rows.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/duet_snapshot.h"
#include "db/media.h"
#include "db/snapshot.h"

struct recover {
    struct duet *db;
    int fd;
    const char *name;            /* of the collection to be made */
    size_t n_collections;        /* in the snapshot */
    bool has_name, has_format;   /* seen there: one of that name; the format's record */
    struct record_collection is; /* the one that is wanted, as the snapshot has it */
    uint64_t n_points;           /* of it */
    uint32_t number;             /* its new one */
    struct backup_group group;   /* of rows to be written */
};

/* ---- Looking ---- */

static enum err see_collection(struct recover *r, struct bytes key, struct bytes value)
{
    struct record_collection c;
    TRY(record_collection_read(&c, value));
    TRY(collection_key_name(key, c.name));
    bool named = strcmp(c.name, r->name) == 0;
    if (r->n_collections == 0 || named) {
        r->is = c;
    }
    r->has_name = r->has_name || named;
    r->n_collections++;
    return ERR_OK;
}

static enum err see_meta(struct recover *r, struct bytes key, struct bytes value)
{
    struct record_format format;
    struct bytes known = store_format_key();
    if (key.n == known.n && memcmp(key.data, known.data, known.n) == 0) {
        TRY(record_format_read(&format, value));
        r->has_format = true;
    }
    return ERR_OK;
}

/* Where a key of this table has the number of its collection. */
static size_t number_offset(enum store_table table)
{
    return table == STORE_HASHES ? DB_HASH_BYTES : 0;
}

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Whether the row is one of the collection's that is wanted, its record aside. */
static bool is_row(const struct recover *r, enum store_table table, struct bytes key)
{
    size_t at = number_offset(table);
    return table != STORE_META && table != STORE_COLLECTIONS &&
           table != STORE_DROPPED && table != STORE_ALIASES && key.n >= at + 4 &&
           number_at((const uint8_t *)key.data + at) == r->is.number;
}

static const struct record_space_def *space_of(const struct recover *r,
                                               struct bytes key)
{
    const uint8_t *bytes = key.data;
    for (size_t i = 0; key.n >= 6 && i < r->is.n_spaces; i++) {
        if (r->is.spaces[i].number == (uint32_t)bytes[4] * 256 + bytes[5]) {
            return &r->is.spaces[i];
        }
    }
    return NULL;
}

/* Bytes of a number as the space's datatype stores it. */
static size_t number_bytes(const struct record_space_def *def)
{
    static const size_t bytes[] = {
        [DUET_FLOAT32] = 4, [DUET_FLOAT16] = 2, [DUET_UINT8] = 1};
    return bytes[def->datatype];
}

static enum err check_size(size_t n, size_t wanted)
{
    FAIL_IF(n != wanted, ERR_CORRUPT, "a row of the snapshot has %zu bytes, not %zu", n,
            wanted);
    return ERR_OK;
}

/* What readers take for granted of a row that the database wrote itself. */
static enum err check_row(struct recover *r, enum store_table table, struct bytes key,
                          struct bytes value)
{
    struct record_point point;
    struct record_space state;
    const struct record_space_def *def = space_of(r, key);
    switch (table) {
    case STORE_POINTS:
        r->n_points++;
        return record_point_read(&point, value);
    case STORE_SPACES:
        return record_space_read(&state, value);
    case STORE_LIVE:
        return check_size(value.n, RECORD_BLOCK_BYTES);
    case STORE_SLOTS:
        return check_size(value.n, RECORD_SLOTS_BYTES);
    case STORE_VECTORS:
        return def == NULL ? ERR_OK
                           : check_size(value.n, RECORD_CHUNK_SLOTS * def->dim *
                                                     number_bytes(def));
    default:
        return ERR_OK;
    }
}

/* Tables come in their order, so the collection is known before its rows. */
static enum err see_row(void *arg, struct txn *txn, enum store_table table,
                        struct bytes key, struct bytes value)
{
    struct recover *r = arg;
    (void)txn;
    if (table == STORE_META) {
        return see_meta(r, key, value);
    }
    if (table == STORE_COLLECTIONS) {
        return see_collection(r, key, value);
    }
    return is_row(r, table, key) ? check_row(r, table, key, value) : ERR_OK;
}

static enum err see_rows(void *arg, const struct buf *block)
{
    return backup_rows_walk((struct bytes){block->data, block->size}, NULL, see_row,
                            arg);
}

static enum err read_again(const struct recover *r,
                           const struct backup_visitor *visitor)
{
    struct backup_counts counts;
    uint64_t n_bytes;
    if (lseek(r->fd, 0, SEEK_SET) != 0) {
        return err_errno(errno, "the snapshot");
    }
    return backup_read(r->fd, visitor, &counts, &n_bytes);
}

static enum err look(struct recover *r)
{
    const struct backup_visitor visitor = {.rows = see_rows, .arg = r};
    TRY(read_again(r, &visitor));
    FAIL_IF(!r->has_format || r->n_collections == 0, ERR_INVALID,
            "the snapshot holds no collection");
    FAIL_IF(r->n_collections > 1 && !r->has_name, ERR_INVALID,
            "the snapshot holds %zu collections, and none is called '%s'",
            r->n_collections, r->name);
    FAIL_IF(r->n_points != r->is.n_points, ERR_CORRUPT,
            "the snapshot has %llu points, but says %llu",
            (unsigned long long)r->n_points, (unsigned long long)r->is.n_points);
    return ERR_OK;
}

/* ---- Writing ---- */

static enum err begin_body(struct txn *txn, void *arg)
{
    struct recover *r = arg;
    TRY(collection_take_number(txn, &r->number));
    struct record_key key = record_key_collection(r->number);
    return store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0});
}

/* The state of a space without its segments. */
static enum err put_space(struct txn *txn, struct bytes key, struct bytes value)
{
    struct record_space state;
    struct buf record;
    TRY(record_space_read(&state, value));
    state.n_segments = 0;
    buf_init(&record, 64 + sizeof state.segments);
    enum err result = record_space_write(&state, &record);
    if (result == ERR_OK) {
        result =
            store_put(txn, STORE_SPACES, key, (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

static enum err put_row(void *arg, struct txn *txn, enum store_table table,
                        struct bytes key, struct bytes value)
{
    const struct recover *r = arg;
    uint8_t bytes[BACKUP_KEY_MAX];
    struct record_key number = record_key_collection(r->number);
    if (!is_row(r, table, key)) {
        return ERR_OK;
    }
    memcpy(bytes, key.data, key.n);
    memcpy(bytes + number_offset(table), number.data, number.n);
    key.data = bytes;
    return table == STORE_SPACES ? put_space(txn, key, value)
                                 : store_put(txn, table, key, value);
}

static enum err add_rows(void *arg, const struct buf *block)
{
    struct recover *r = arg;
    return backup_group_add(&r->group, block);
}

static enum err put_file(void *arg, const struct media_file *file,
                         const struct buf *bytes)
{
    const struct recover *r = arg;
    return file->kind == MEDIA_ORIGINAL
               ? media_put_original(r->db, file->hash, bytes->data, bytes->size)
               : db_media_put(r->db, file->hash, bytes->data, bytes->size);
}

/* ---- The switch ---- */

static enum err switch_body(struct txn *txn, void *arg)
{
    const struct recover *r = arg;
    struct record_collection c = r->is;
    struct record_collection old;
    struct bytes alias;
    bool there;
    memcpy(c.name, r->name, strlen(r->name) + 1);
    c.number = r->number;
    struct record_key key = record_key_collection(r->number);
    TRY(store_get(txn, STORE_ALIASES, collection_name_key(r->name), &alias));
    FAIL_IF(alias.data != NULL, ERR_EXISTS, "'%s' is the alias of a collection",
            r->name);
    TRY(collection_is_there(txn, r->name, &there));
    if (there) {
        TRY(collection_get(txn, r->name, &old));
        struct record_key dropped = record_key_collection(old.number);
        TRY(store_put(txn, STORE_DROPPED, store_key(&dropped), (struct bytes){"", 0}));
    }
    TRY(store_delete(txn, STORE_DROPPED, store_key(&key)));
    return collection_put(txn, &c);
}

static enum err fill(struct recover *r)
{
    const struct backup_visitor files = {.file = put_file, .arg = r};
    const struct backup_visitor both = {add_rows, put_file, r};
    TRY(look(r));
    TRY(store_update(r->db->store, begin_body, r));
    TRY(read_again(r, &both));
    TRY(backup_group_flush(&r->group));
    TRY(store_update(r->db->store, switch_body, r));
    if (read_again(r, &files) != ERR_OK) {
        log_warn("pictures of '%s' may be missing: %s", r->name, err_detail());
    }
    return ERR_OK;
}

enum err duet_snapshot_recover(struct duet *db, const char *collection, int fd,
                               const char *sha256)
{
    TRY(db_check_writable(db));
    TRY(collection_check_name(collection, "collection"));
    if (sha256 != NULL) {
        TRY(snapshot_check_hash(fd, sha256));
    }
    struct recover *r = alloc_zero(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    r->db = db;
    r->fd = fd;
    r->name = collection;
    backup_group_init(&r->group, db->store, put_row, r);
    pthread_mutex_lock(&db->fill_mutex);
    enum err result = fill(r);
    pthread_mutex_unlock(&db->fill_mutex);
    backup_group_release(&r->group);
    alloc_free(r);
    builder_wake(db->builder);
    return result;
}
