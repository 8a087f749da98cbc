/*
 * db_internal.h - what the parts of db/ that add pictures ask of the store, beside the
 * public duet.h: finished vectors in, system records, thumbnails, the model.
 *
 *     struct db_write write = {.id = id, .payload = json, .n_payload = n};
 *     write.vectors[DB_IMAGE] = vector;
 *     write.source = &(struct db_source){.path = path, .size = size, ...};
 *     TRY(db_write_points(db, "default", &write, 1));
 *
 * Threads: as duet.h; every call may be made on any thread. Writers wait for one
 * another. Nothing here may be called from inside a callback of db_sources_walk.
 */
#ifndef DB_DB_INTERNAL_H
#define DB_DB_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "db/duet.h"
#include "encoder/encoder.h"
#include "encoder/pool.h"

enum { DB_HASH_BYTES = 16, DB_UUID_BYTES = 16 };

/* Where a cross-modal collection has its two spaces. */
enum { DB_IMAGE = 0, DB_TEXT = 1 };

/* Where a point's picture came from: the system record, which no request can write. */
struct db_source {
    const char *path;            /* canonical; "" for an upload that has no file */
    uint8_t hash[DB_HASH_BYTES]; /* XXH3-128 of the bytes, canonical byte order */
    uint64_t size;               /* bytes */
    int64_t mtime_ns;            /* nanoseconds since 1970 */
    uint64_t notes_hash; /* XXH3-64 of the caption and payload that came beside the
                            file, 0 if none: tells that they have changed */
};

/* What a vector of a cross-modal collection was made from, so that another model can be
 * asked for it again. */
enum db_origin_kind {
    DB_OF_NUMBERS, /* it came as numbers, or what it was made from is not kept */
    DB_OF_TEXT,    /* text[n], UTF-8 */
    DB_OF_PICTURE, /* the one in the point's system record */
    DB_OF_NOTES    /* read only: the caption beside that picture's file, not kept */
};
struct db_origin {
    enum db_origin_kind kind;
    const char *text;
    size_t n;
};
enum { DB_ORIGINS = 2 }; /* of DB_IMAGE and DB_TEXT */

/* One point to be written, its vectors made already. All pointers are borrowed for the
 * call. */
struct db_write {
    struct duet_id id;
    const char *payload; /* one JSON object; NULL: the present one stays, {} if new */
    size_t n_payload;
    /* By number of the space; NULL where the point has none. A Cosine space takes them
     * at unit length, as encoder/ makes them. */
    const float *vectors[LIMIT_SPACES_MAX];
    struct db_origin origins[DB_ORIGINS]; /* of vectors[0] and vectors[1] */
    uint32_t keep; /* bit s: where vectors[s] is NULL the present vector stays */
    const struct db_source *source; /* NULL: the present one stays */
    bool drop_source;               /* with source NULL: the present one is removed */
    bool skip;                      /* not to be written after all */
    bool moved; /* vectors[] are those that are there, only into new slots */
    const struct duet_id *replaces; /* removed in the same transaction: the point of a
                                       file that has moved; NULL: none. One that is not
                                       there is no error. */
};

/* ERR_INVALID, ERR_LIMIT where a payload is no JSON object or too large. */
enum err db_check_payload(const struct db_write *write) ERR_CHECK;

/*
 * Writes all of writes[n], in order, in one durable transaction, or nothing (the detail
 * begins with "point N: "). ERR_NOT_FOUND: no such collection; ERR_INVALID: a payload
 * that is no JSON object, or a vector that is not finite; ERR_LIMIT, ERR_FULL, ERR_IO.
 */
enum err db_write_points(struct duet *db, const char *collection,
                         const struct db_write *writes, size_t n) ERR_CHECK;

/* The system record of a point; source->path points into `path`, which is cleared
 * first (a buf of at least PATH_MAX). ERR_NOT_FOUND: no such collection or point, or a
 * point without one. To read payload and vectors: duet_get. */
enum err db_source_get(struct duet *db, const char *collection, struct duet_id id,
                       struct buf *path, struct db_source *source) ERR_CHECK;

/* The points made from a file of this content, in the order of ids. *ids is the
 * caller's, alloc_free; NULL where *n is 0. */
enum err db_source_find_hash(struct duet *db, const char *collection,
                             const uint8_t hash[DB_HASH_BYTES], struct duet_id **ids,
                             size_t *n) ERR_CHECK;

/* What the point's vector in the space (DB_IMAGE, DB_TEXT) was made from; out->text
 * points into `text`, which is cleared (a buf of at least LIMIT_TEXT_BYTES). */
enum err db_origin_get(struct duet *db, const char *collection, struct duet_id id,
                       size_t space, struct buf *text, struct db_origin *out) ERR_CHECK;

/* Called for each record; the source is borrowed for the call. Anything but ERR_OK ends
 * the walk and is its result. It must not call into the database. */
typedef enum err db_source_visit(void *arg, struct duet_id id,
                                 const struct db_source *source);

/* Visits the system records, in the order of ids, whose path begins with `prefix` ("":
 * all), as of one moment. A folder's prefix should end with '/'. */
enum err db_sources_walk(struct duet *db, const char *collection, const char *prefix,
                         db_source_visit *visit, void *arg) ERR_CHECK;

/* The database's own UUID, the name space of ids made from paths. */
void db_uuid(const struct duet *db, uint8_t out[DB_UUID_BYTES]);

/* UUIDv5 (RFC 4122, section 4.3): the id of `name`, a path, in the database's own name
 * space. ERR_INTERNAL where the system's library has no SHA-1. */
enum err db_id_of_name(const struct duet *db, const char *name, struct duet_id *out)
    ERR_CHECK;

/* The database's model, opened by the first call and kept until duet_close; *enc is
 * borrowed. ERR_MODEL. */
enum err db_encoder(struct duet *db, struct enc **enc) ERR_CHECK;

/* The same for making vectors of a collection that is there: ERR_CONFLICT where it was
 * made by a model of another space, ERR_UNSUPPORTED where it holds plain vectors; other
 * weights of the same space are spoken of once in the log. */
enum err db_encoder_for(struct duet *db, const char *collection, struct enc **enc)
    ERR_CHECK;

/* The one way to that model's towers, for all threads; after db_encoder or
 * db_encoder_for has given it. At most n_threads encode at a time. */
struct enc_pool *db_encoder_pool(const struct duet *db);

/* Whether the database was opened for writing, else ERR_INVALID with a sentence. */
enum err db_check_writable(const struct duet *db) ERR_CHECK;

/* The side to decode pictures for, as img_options.target_side of encoder/image.h: the
 * model's, or 0 where duet_options.exact_decode was asked for. */
uint32_t db_target_side(const struct duet *db, const struct enc *enc);

/* How many threads one add may use: duet_options.n_threads, resolved. */
unsigned db_n_threads(const struct duet *db);

/* `wanted` threads, 0 being one a core, within 1 … LIMIT_THREADS_MAX. */
unsigned db_threads(unsigned wanted);

/* Stores the thumbnail of the picture with this hash (a JPEG), after the commit of the
 * point it belongs to (media.h says why); what is there already is kept. Written whole
 * or not at all, but not synced: a power cut may lose it, and it can be made again from
 * the picture. */
enum err db_media_put(struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                      const void *bytes, size_t n) ERR_CHECK;

/* Whether that thumbnail is there. */
bool db_media_has(const struct duet *db, const uint8_t hash[DB_HASH_BYTES]);

#endif
