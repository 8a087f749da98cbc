/*
 * snapshot.h - what recover.c and snapshot.c share. Threads: any.
 */
#ifndef DB_SNAPSHOT_H
#define DB_SNAPSHOT_H

#include "base/error.h"
#include "db/duet_snapshot.h"

/* Whether the open file has that SHA-256, in hex. ERR_INVALID. */
enum err snapshot_check_hash(int fd, const char *sha256) ERR_CHECK;

#endif
