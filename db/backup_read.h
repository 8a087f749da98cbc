/*
 * backup_read.h - a backup read from its head to its end, with all checks that need no
 * database: checksums, the order of parts, pieces of pictures, the counts at the end.
 *
 *     struct backup_visitor visitor = {.rows = put_rows, .arg = &restore};
 *     TRY(backup_read(fd, &visitor, &counts, &n_bytes));
 *
 * What the visitor got is not to be trusted before backup_read has returned ERR_OK.
 * One thread.
 */
#ifndef DB_BACKUP_READ_H
#define DB_BACKUP_READ_H

#include "db/backup_stream.h"
#include "db/media_walk.h"

struct backup_visitor {
    /* A block of rows: the name of their table, then rows (backup_get_name, _row). May
     * be NULL: then the reading ends where rows begin, and `counts` mean nothing. */
    enum err (*rows)(void *arg, const struct buf *block);
    /* A whole picture that is what its name says; file->path is NULL. May be NULL. */
    enum err (*file)(void *arg, const struct media_file *file, const struct buf *bytes);
    void *arg;
};

/* ERR_CORRUPT, ERR_VERSION, ERR_IO; what a visitor returns ends the reading. */
enum err backup_read(int fd, const struct backup_visitor *visitor,
                     struct backup_counts *counts, uint64_t *n_bytes) ERR_CHECK;

#endif
