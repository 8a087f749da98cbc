/*
 * encode.h - a text or a picture in a request becomes a vector, by the model.
 * Threads: any, on the caller's alone.
 */
#ifndef DB_ENCODE_H
#define DB_ENCODE_H

#include "db/db_internal.h"

/* Whether an input needs the model: a text or a picture, as bytes or as a file. */
bool encode_is_needed(enum duet_input_kind kind);

/* What becomes of an uploaded picture besides its vector. */
struct encode_picture {
    uint8_t hash[DB_HASH_BYTES]; /* of its bytes */
    struct buf thumbnail;        /* JPEG; filled where it was initialised with room */
};

/* Encodes the input by the database's model into vector[dim of the model]. `truncated` and `picture` may be
 * NULL; the latter is filled for pictures. ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED,
 * ERR_NOT_FOUND (no such file). */
enum err encode_input(struct duet *db, const struct duet_input *input, float *vector,
                      bool *truncated, struct encode_picture *picture) ERR_CHECK;

#endif
