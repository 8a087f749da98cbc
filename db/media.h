/*
 * media.h - pictures beside the store: media/ab/cdef….jpg, named by content hash.
 *
 * A thumbnail is there for every picture; the original as well (.orig) for uploads that
 * have no file of their own. A thumbnail that a power cut tore is treated as absent.
 * Writers put a thumbnail after the commit of its point: the sweep after a removal
 * holds the writers' lock and so never takes one that a commit has just come to need.
 *
 * Threads: any.
 */
#ifndef DB_MEDIA_H
#define DB_MEDIA_H

#include "db/database.h"

/* Stores the original, durable on return. */
enum err media_put_original(struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                            const void *bytes, size_t n) ERR_CHECK;

/* Appends the original to `out`. ERR_NOT_FOUND, ERR_LIMIT, ERR_IO. */
enum err media_read_original(const struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                             struct buf *out) ERR_CHECK;
bool media_has_original(const struct duet *db, const uint8_t hash[DB_HASH_BYTES]);

/* Deletes the files of those hashes[n, DB_HASH_BYTES] that no point has any more. What
 * cannot be deleted is logged and left. */
void media_sweep(struct duet *db, const struct buf *hashes);

/* Bytes of all files. */
enum err media_size(const struct duet *db, size_t *bytes) ERR_CHECK;

#endif
