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
#include "db/backup_stream.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/media_walk.h"

struct backup {
    struct duet *db;
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

static enum err write_table(struct backup *b, enum store_table table)
{
    struct cursor cursor;
    TRY(cursor_open(&b->txn, table, (struct bytes){"", 0}, &cursor));
    buf_clear(&b->block);
    enum err result = backup_put_name(&b->block, store_table_name(table));
    while (result == ERR_OK && cursor.key.data != NULL) {
        TRY_OUT(backup_put_row(&b->block, cursor.key, cursor.value));
        b->counts.n_rows++;
        b->counts.n_points += table == STORE_POINTS ? 1 : 0;
        if (b->block.size >= BACKUP_BLOCK_BYTES) {
            TRY_OUT(flush_rows(b, table));
        }
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
    TRY(cursor_open(&b->txn, STORE_HASHES, (struct bytes){file->hash, DB_HASH_BYTES},
                    &cursor));
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

enum err duet_backup_fd(struct duet *db, int fd, struct duet_backup_result *result)
{
    struct backup b = {.db = db};
    *result = (struct duet_backup_result){0};
    TRY(store_read(db->store, &b.txn));
    buf_init(&b.block, BACKUP_BLOCK_MAX);
    enum err outcome = write_all(&b, fd);
    buf_release(&b.block);
    store_end(&b.txn);
    *result = (struct duet_backup_result){b.counts.n_points, b.counts.n_rows,
                                          b.counts.n_files, b.stream.n_bytes};
    return outcome;
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
    char temporary[PATH_MAX];
    *result = (struct duet_backup_result){0};
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    FAIL_IF(n < 0 || (size_t)n >= sizeof temporary, ERR_LIMIT, "the path is too long");
    FAIL_IF(access(path, F_OK) == 0, ERR_EXISTS, "%s: is there already", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", temporary);
    }
    enum err outcome = sync_and_close(fd, temporary, duet_backup_fd(db, fd, result));
    if (outcome == ERR_OK) {
        outcome = file_rename_new(temporary, path);
    }
    if (outcome != ERR_OK) {
        unlink(temporary);
    }
    return outcome;
}
