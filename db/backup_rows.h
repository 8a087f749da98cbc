/*
 * backup_rows.h - the rows of a backup's blocks, one by one, and gathered into
 * transactions of a bounded size.
 *
 *     backup_group_init(&group, store, put_row, &restore);
 *     TRY_OUT(backup_group_add(&group, block));        // for each block
 *     TRY_OUT(backup_group_flush(&group));
 *     backup_group_release(&group);
 *
 * One thread.
 */
#ifndef DB_BACKUP_ROWS_H
#define DB_BACKUP_ROWS_H

#include "db/backup_stream.h"
#include "db/store.h"

/* Called for each row; `txn` is NULL where nothing is written. */
typedef enum err backup_row(void *arg, struct txn *txn, enum store_table table,
                            struct bytes key, struct bytes value);

/* All rows of a block. ERR_VERSION: of a table that is not known here. */
enum err backup_rows_walk(struct bytes block, struct txn *txn, backup_row *visit,
                          void *arg) ERR_CHECK;

struct backup_group {
    struct store *store;
    backup_row *put; /* may be called again for the same rows, after an abort */
    void *arg;
    struct buf rows; /* blocks that wait, each behind its size as u64 */
};

void backup_group_init(struct backup_group *group, struct store *store, backup_row *put,
                       void *arg);
void backup_group_release(struct backup_group *group);

/* Keeps a copy of the block, and writes all where enough have come together. */
enum err backup_group_add(struct backup_group *group, const struct buf *block)
    ERR_CHECK;
/* Writes what waits. */
enum err backup_group_flush(struct backup_group *group) ERR_CHECK;

#endif
