/*
 * backup_stream.h - the frames of a backup (docs/FORMAT.md): a head, then blocks, each
 * with a checksum that is seeded with the one before it, so that a block that was
 * changed, left out or put elsewhere is seen; the last says how much there was.
 *
 * The rows of the tables go as they are, by the names of their tables, so what is put
 * into records later comes along. Nothing is compressed: vectors do not shrink, and
 * `duet backup - | zstd` is there for payloads. One thread.
 */
#ifndef DB_BACKUP_STREAM_H
#define DB_BACKUP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "db/record.h"

enum {
    BACKUP_VERSION = 1,
    BACKUP_BLOCK_BYTES = 1 << 20, /* a block is ended where it has as many */
    BACKUP_KEY_MAX = 511,         /* as LMDB's */
    BACKUP_BLOCK_MAX = 8 << 20    /* and a row, and a file's name */
};

enum backup_kind { BACKUP_ROWS = 1, BACKUP_FILE = 2, BACKUP_END = 3 };

/* What the last block counts. */
struct backup_counts {
    uint64_t n_rows, n_files, n_points;
};

struct backup_stream {
    int fd;
    uint64_t hash; /* of the block before */
    uint64_t n_bytes;
};

/* ---- Writing ---- */

enum err backup_write_head(struct backup_stream *s, int fd,
                           const struct record_format *format) ERR_CHECK;
/* ERR_IO, ERR_FULL. */
enum err backup_write_block(struct backup_stream *s, enum backup_kind kind,
                            const struct buf *payload) ERR_CHECK;

enum err backup_put_u64(struct buf *out, uint64_t value) ERR_CHECK;
/* A byte n and n bytes. */
enum err backup_put_name(struct buf *out, const char *name) ERR_CHECK;
enum err backup_put_row(struct buf *out, struct bytes key, struct bytes value)
    ERR_CHECK;

/* ---- Reading: ERR_CORRUPT for what is not as it was written ---- */

/* ERR_VERSION: of a later version, or of a machine of another byte order. */
enum err backup_read_head(struct backup_stream *s, int fd) ERR_CHECK;
/* `payload` is cleared first. */
enum err backup_read_block(struct backup_stream *s, enum backup_kind *kind,
                           struct buf *payload) ERR_CHECK;

/* These take from the front of `in`. */
enum err backup_get_u64(struct bytes *in, uint64_t *value) ERR_CHECK;
enum err backup_get_name(struct bytes *in, char name[256]) ERR_CHECK;
enum err backup_get_row(struct bytes *in, struct bytes *key, struct bytes *value)
    ERR_CHECK;

#endif
