/*
 * backup_one.h - a backup of one collection: the stream of backup.c with the rows and
 * pictures of that collection alone. It is the backup of a database that holds nothing
 * else, so duet_restore_fd makes such a database of it. Threads: as duet_keep.h.
 */
#ifndef DB_BACKUP_ONE_H
#define DB_BACKUP_ONE_H

#include "base/error.h"
#include "db/duet_keep.h"

/* As duet_backup_fd and duet_backup; `collection` NULL: all of them. ERR_NOT_FOUND. */
enum err backup_one_fd(struct duet *db, const char *collection, int fd,
                       struct duet_backup_result *result) ERR_CHECK;
enum err backup_one(struct duet *db, const char *collection, const char *path,
                    struct duet_backup_result *result) ERR_CHECK;

#endif
