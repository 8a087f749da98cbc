/*
 * original.h - the picture that a point was made from, byte for byte: the file that its
 * system record names or, of an upload, the copy in media/.
 *
 * What is handed out always has the recorded content hash, so a path in a system record
 * (which no request can write) gives away no file but the picture that was added.
 *
 * Threads: any.
 */
#ifndef DB_ORIGINAL_H
#define DB_ORIGINAL_H

#include "db/database.h"

/* Appends the bytes to `out`. ERR_NOT_FOUND: the file is gone or has changed since, or
 * the copy is gone; ERR_LIMIT, ERR_NOMEM. */
enum err original_read(const struct duet *db, const struct db_source *source,
                       struct buf *out) ERR_CHECK;

/* Whether original_read would find it. Only a file whose time has changed is read for
 * that; a copy in media/ is not. ERR_NOT_FOUND says why not. */
enum err original_look(const struct duet *db, const struct db_source *source) ERR_CHECK;

#endif
