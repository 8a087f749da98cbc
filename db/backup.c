/*
 * backup.c - see duet_backup in duet_keep.h.
 *
 * A logical stream and not a copy of data.mdb's pages: it holds no free pages, can be
 * read on a machine with other pages and by a later build, goes into a pipe, and every
 * part has its checksum, which LMDB's pages do not. What is derived but large, the
 * segments, is left out: the first writer builds them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "db/backup_one.h"
#include "db/backup_stream.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/media_walk.h"

struct backup {
    struct duet *db;
    const struct record_collection *only; /* NULL: all collections */
    struct txn txn;
    struct backup_stream stream;
    struct backup_counts counts;
    struct buf block;
};

static enum err flush_rows(struct backup *b, enum store_table table)
{
    TRY(backup_write_block(&b->stream, BACKUP_ROWS, &b->block));
    buf_clear(&b->block);
    return backup_put_name(&b->block, store_table_name(table));
}

/* Which rows belong to the one collection that is wanted: those whose keys begin with
 * its number, but in the tables named here. Aliases are of the database, not of it. */
static bool is_wanted(const struct backup *b, enum store_table table, struct bytes key)
{
    const struct record_collection *c = b->only;
    if (c == NULL || table == STORE_META) {
        return true;
    }
    struct record_key number = record_key_collection(c->number);
    switch (table) {
    case STORE_COLLECTIONS:
        return key.n == strlen(c->name) && memcmp(key.data, c->name, key.n) == 0;
    case STORE_DROPPED:
    case STORE_ALIASES:
        return false;
    case STORE_HASHES:
        return key.n > DB_HASH_BYTES + number.n &&
               memcmp((const char *)key.data + DB_HASH_BYTES, number.data, number.n) ==
                   0;
    default:
        return key.n >= number.n && memcmp(key.data, number.data, number.n) == 0;
    }
}

/* What the keys of all wanted rows begin with. */
static struct record_key wanted_prefix(const struct backup *b, enum store_table table)
{
    if (b->only == NULL || table == STORE_META || table == STORE_COLLECTIONS ||
        table == STORE_DROPPED || table == STORE_ALIASES || table == STORE_HASHES) {
        return (struct record_key){.n = 0};
    }
    return record_key_collection(b->only->number);
}

static enum err write_row(struct backup *b, enum store_table table,
                          const struct cursor *at)
{
    if (!is_wanted(b, table, at->key)) {
        return ERR_OK;
    }
    TRY(backup_put_row(&b->block, at->key, at->value));
    b->counts.n_rows++;
    b->counts.n_points += table == STORE_POINTS ? 1 : 0;
    return b->block.size >= BACKUP_BLOCK_BYTES ? flush_rows(b, table) : ERR_OK;
}

static enum err write_table(struct backup *b, enum store_table table)
{
    struct cursor cursor;
    struct record_key prefix = wanted_prefix(b, table);
    TRY(cursor_open(&b->txn, table, store_key(&prefix), &cursor));
    buf_clear(&b->block);
    enum err result = backup_put_name(&b->block, store_table_name(table));
    while (result == ERR_OK && cursor.key.data != NULL) {
        TRY_OUT(write_row(b, table, &cursor));
        TRY_OUT(cursor_next(&cursor));
    }
    if (result == ERR_OK) {
        result = flush_rows(b, table);
    }
out:
    cursor_close(&cursor);
    return result;
}

/* ---- Pictures ---- */

/* One file as pieces that each say where they belong. */
static enum err write_pieces(struct backup *b, const char *name,
                             const struct file_map *map)
{
    size_t at = 0;
    do {
        size_t n = map->size - at;
        n = n < BACKUP_BLOCK_BYTES ? n : BACKUP_BLOCK_BYTES;
        buf_clear(&b->block);
        TRY(backup_put_name(&b->block, name));
        TRY(backup_put_u64(&b->block, at));
        TRY(backup_put_u64(&b->block, map->size));
        TRY(buf_append(&b->block, n == 0 ? "" : (const char *)map->data + at, n));
        TRY(backup_write_block(&b->stream, BACKUP_FILE, &b->block));
        at += n;
    } while (at < map->size);
    b->counts.n_files++;
    return ERR_OK;
}

/* A media_visit. Only what a point of our moment has; what was removed since is gone,
 * and what is torn is not kept. */
static enum err write_file(void *arg, const struct media_file *file)
{
    struct backup *b = arg;
    struct cursor cursor;
    struct file_map map;
    if (file->kind == MEDIA_OTHER) {
        return ERR_OK;
    }
    struct record_key key = record_key_hash_prefix(file->hash, 0);
    if (b->only != NULL) {
        key = record_key_hash_prefix(file->hash, b->only->number);
    } else {
        key.n = DB_HASH_BYTES;
    }
    TRY(cursor_open(&b->txn, STORE_HASHES, store_key(&key), &cursor));
    bool used = cursor.key.data != NULL;
    cursor_close(&cursor);
    if (!used) {
        return ERR_OK;
    }
    enum err result = file_map_open(&map, file->path, LIMIT_IMAGE_FILE_BYTES);
    if (result == ERR_OK && media_is_sound(file, map.data, map.size)) {
        result = write_pieces(b, file->name, &map);
    }
    file_map_close(&map);
    return result == ERR_NOT_FOUND ? ERR_OK : result;
}

/* ---- All of it ---- */

static enum err write_end(struct backup *b)
{
    buf_clear(&b->block);
    TRY(backup_put_u64(&b->block, b->counts.n_rows));
    TRY(backup_put_u64(&b->block, b->counts.n_files));
    TRY(backup_put_u64(&b->block, b->counts.n_points));
    return backup_write_block(&b->stream, BACKUP_END, &b->block);
}

static enum err write_all(struct backup *b, int fd)
{
    struct record_format format = *store_format(b->db->store);
    TRY(backup_write_head(&b->stream, fd, &format));
    /* The pictures first: of those removed from now on the fewest are missed. */
    TRY(media_walk(b->db, write_file, b));
    for (int i = 0; i < STORE_TABLES; i++) {
        TRY(write_table(b, (enum store_table)i));
    }
    return write_end(b);
}

enum err backup_one_fd(struct duet *db, const char *collection, int fd,
                       struct duet_backup_result *result)
{
    struct backup b = {.db = db};
    struct record_collection only;
    *result = (struct duet_backup_result){0};
    TRY(store_read(db->store, &b.txn));
    buf_init(&b.block, BACKUP_BLOCK_MAX);
    enum err outcome = ERR_OK;
    if (collection != NULL) {
        outcome = collection_get(&b.txn, collection, &only);
        b.only = &only;
    }
    if (outcome == ERR_OK) {
        outcome = write_all(&b, fd);
    }
    buf_release(&b.block);
    store_end(&b.txn);
    *result = (struct duet_backup_result){b.counts.n_points, b.counts.n_rows,
                                          b.counts.n_files, b.stream.n_bytes};
    return outcome;
}

enum err duet_backup_fd(struct duet *db, int fd, struct duet_backup_result *result)
{
    return backup_one_fd(db, NULL, fd, result);
}

static enum err sync_and_close(int fd, const char *path, enum err result)
{
    if (result == ERR_OK && (fchmod(fd, 0644) != 0 || fsync(fd) != 0)) {
        result = err_errno(errno, "%s", path);
    }
    if (close(fd) != 0 && result == ERR_OK) {
        result = err_errno(errno, "%s", path);
    }
    return result;
}

enum err duet_backup(struct duet *db, const char *path,
                     struct duet_backup_result *result)
{
    return backup_one(db, NULL, path, result);
}

enum err backup_one(struct duet *db, const char *collection, const char *path,
                    struct duet_backup_result *result)
{
    char temporary[PATH_MAX];
    *result = (struct duet_backup_result){0};
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    FAIL_IF(n < 0 || (size_t)n >= sizeof temporary, ERR_LIMIT, "the path is too long");
    FAIL_IF(access(path, F_OK) == 0, ERR_EXISTS, "%s: is there already", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", temporary);
    }
    enum err outcome =
        sync_and_close(fd, temporary, backup_one_fd(db, collection, fd, result));
    if (outcome == ERR_OK) {
        outcome = file_rename_new(temporary, path);
    }
    if (outcome != ERR_OK) {
        unlink(temporary);
    }
    return outcome;
}
