/*
 * record.h - the bytes of keys and records, as docs/FORMAT.md lays them out.
 *
 *     struct record_key key = record_key_point(number, id);
 *     struct record_point point;
 *     TRY(record_point_read(&point, value));      // point.payload points into value
 *
 * Pure functions on memory: no LMDB, no locks, any thread. Reading takes any bytes
 * whatever: what does not hold together is ERR_CORRUPT, never a crash. Keys are big
 * endian, so that they sort; records are little endian, and are read byte by byte,
 * since LMDB's values are not aligned.
 */
#ifndef DB_RECORD_H
#define DB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "db/db_internal.h"

/* Bytes that belong to someone else. `data` NULL: there are none. */
struct bytes {
    const void *data;
    size_t n;
};

enum {
    RECORD_FORMAT_VERSION = 3,
    RECORD_FORMAT_OLDEST = 2,  /* that is read, and upgraded by a writer */
    RECORD_ID_BYTES = 17,      /* of an id in a slot table */
    RECORD_KEY_MAX = 64,       /* bytes of any key that is not a name */
    RECORD_CHUNK_SLOTS = 64,   /* vectors in one run: one word of live bits */
    RECORD_BLOCK_SLOTS = 8192, /* live bits in one record: it fits an ordinary page */
    RECORD_SEGMENTS_MAX = 64,  /* merging by size needs 20 for LIMIT_SLOTS_MAX */
    RECORD_MODEL_BYTES = 255,  /* names of models and of their spaces */
    RECORD_BLOCK_BYTES = RECORD_BLOCK_SLOTS / 8,
    RECORD_SLOTS_BYTES = RECORD_CHUNK_SLOTS * RECORD_ID_BYTES
};

#define RECORD_NO_SLOT UINT32_MAX

/* ---- Keys ---- */

struct record_key {
    uint8_t data[RECORD_KEY_MAX];
    size_t n;
};

/* Of a collection's rows: the prefix of every key below. */
struct record_key record_key_collection(uint32_t collection);
/* Of a point, in the tables points and system. */
struct record_key record_key_point(uint32_t collection, struct duet_id id);
/* Of the text that the vector of a point in a space was made from. */
struct record_key record_key_text(uint32_t collection, struct duet_id id, size_t space);
/* Of an index's definition, and the prefix of its terms. */
struct record_key record_key_index(uint32_t collection, uint16_t index_number);
/* Of a removed index, in the table dropped. */
enum { RECORD_DROPPED_INDEX_BYTES = 7 };
struct record_key record_key_dropped_index(uint32_t collection, uint16_t index_number);
/* A key of the table dropped, copied to `row`, and what the rows of it begin with. */
enum err record_dropped_read(struct record_key *row, struct record_key *prefix,
                             struct bytes key) ERR_CHECK;
/* Of a space. */
struct record_key record_key_space(uint32_t collection, size_t space);
/* Of the i-th chunk of slots (tables slots and vectors) or block of live bits. */
struct record_key record_key_chunk(uint32_t collection, size_t space, uint32_t i);
/* Of all points of a collection made from one content: a prefix of record_key_hash. */
struct record_key record_key_hash_prefix(const uint8_t hash[DB_HASH_BYTES],
                                         uint32_t collection);
struct record_key record_key_hash(const uint8_t hash[DB_HASH_BYTES],
                                  uint32_t collection, struct duet_id id);

/* The id at the end of a key, behind `skip` bytes. */
enum err record_key_id(struct bytes key, size_t skip, struct duet_id *id) ERR_CHECK;
/* The number of the collection at the beginning of a key. */
enum err record_key_collection_number(struct bytes key, uint32_t *number) ERR_CHECK;
/* The number of a chunk or block at the end of its key. */
enum err record_key_number(struct bytes key, uint32_t *i) ERR_CHECK;

/* ---- The database's own record ---- */

struct record_format {
    uint32_t version;
    uint32_t page_size; /* of LMDB; a file moved to another page size cannot be read */
    uint8_t uuid[DB_UUID_BYTES];
    int64_t created_ms;
    uint32_t next_collection; /* the number of the next collection to be made */
};

enum err record_format_write(const struct record_format *format, struct buf *out)
    ERR_CHECK;
/* ERR_VERSION: a version that is not known, or another byte order. */
enum err record_format_read(struct record_format *format, struct bytes value) ERR_CHECK;

/* ---- Collections ---- */

struct record_space_def {
    char name[LIMIT_NAME_BYTES + 1];
    uint32_t dim;
    enum duet_distance distance;
    enum duet_datatype datatype;
    uint16_t number; /* in keys and points; never used twice in a collection */
};

/* What is recorded of a model; all empty for plain vectors. */
struct record_model {
    char name[RECORD_MODEL_BYTES + 1];
    char space[RECORD_MODEL_BYTES + 1];
    char fingerprint[RECORD_MODEL_BYTES + 1];
};

struct record_collection {
    char name[LIMIT_NAME_BYTES + 1]; /* not in the record: its key */
    uint32_t number;
    uint64_t n_points;
    uint16_t next_space; /* the number of the next space to be made */
    size_t n_spaces;
    struct record_space_def spaces[LIMIT_SPACES_MAX];
    char model[RECORD_MODEL_BYTES + 1];       /* "" for plain vectors */
    char model_space[RECORD_MODEL_BYTES + 1]; /* "" for plain vectors */
    char fingerprint[RECORD_MODEL_BYTES + 1]; /* of the model that made it first */
    /* 0, or n_spaces: shadows, which another model is filling (reembed.h). They lie
     * behind the others in `spaces`, in the same order, and nobody searches them. */
    size_t n_shadows;
    struct record_model shadow_model;
};

/* How many of `spaces` have vectors: with the shadows. */
static inline size_t record_collection_n_all(const struct record_collection *c)
{
    return c->n_spaces + c->n_shadows;
}

enum err record_collection_write(const struct record_collection *collection,
                                 struct buf *out) ERR_CHECK;
enum err record_collection_read(struct record_collection *collection,
                                struct bytes value) ERR_CHECK;

/* ---- The state of a space ---- */

/* A sealed segment: the vectors of slots [first, first + n_slots) that lived when it
 * was built, in a file of its own. */
struct record_segment {
    uint32_t first;
    uint32_t n_slots;
    uint32_t n_rows; /* vectors in it */
    uint64_t generation;
};

struct record_space {
    uint32_t next_slot; /* the first that was never used */
    uint32_t n_live;
    uint64_t next_generation; /* of a segment file */
    size_t n_segments;
    struct record_segment segments[RECORD_SEGMENTS_MAX]; /* by slot, not overlapping */
};

enum err record_space_write(const struct record_space *space, struct buf *out)
    ERR_CHECK;
enum err record_space_read(struct record_space *space, struct bytes value) ERR_CHECK;

/* ---- Points ---- */

/* Where a point's vector of one space is. */
struct record_vector {
    uint16_t space; /* its number, of one that may have been removed since */
    uint32_t slot;
};

struct record_point {
    size_t n_vectors;
    struct record_vector vectors[LIMIT_SPACES_MAX];
    struct bytes payload; /* JSON; points into the record */
};

/* The slot in the space of that number; RECORD_NO_SLOT where there is no vector. */
uint32_t record_point_slot(const struct record_point *point, uint16_t space);

enum err record_point_write(const struct record_point *point, struct buf *out)
    ERR_CHECK;
enum err record_point_read(struct record_point *point, struct bytes value) ERR_CHECK;

/* ---- System records ---- */

enum err record_source_write(const struct db_source *source, struct buf *out) ERR_CHECK;
/* `path` is cleared and gets the path with a NUL; source->path points into it. */
enum err record_source_read(struct db_source *source, struct buf *path,
                            struct bytes value) ERR_CHECK;

/* ---- Payload indexes ---- */

struct record_index {
    enum duet_index_kind kind;
    bool ready;
    uint64_t n_points;
    struct duet_id next; /* where not ready: points from this id on have no rows yet */
    struct bytes field;  /* its path; points into the record */
    struct bytes params; /* JSON; n 0: none */
};

enum err record_index_write(const struct record_index *index, struct buf *out)
    ERR_CHECK;
enum err record_index_read(struct record_index *index, struct bytes value) ERR_CHECK;

/* The number of the index at the end of its key. */
enum err record_key_index_number(struct bytes key, uint16_t *number) ERR_CHECK;

/* The number of the next index of a collection: a row of its own. */
enum err record_next_index_read(uint16_t *number, struct bytes value) ERR_CHECK;
enum err record_next_index_write(uint16_t number, struct buf *out) ERR_CHECK;

/* ---- Slot tables and live bits ---- */

/* Writes the id into dst[RECORD_ID_BYTES], and back. */
void record_id_write(struct duet_id id, uint8_t dst[RECORD_ID_BYTES]);
enum err record_id_read(struct duet_id *id, const uint8_t src[RECORD_ID_BYTES])
    ERR_CHECK;

/* Word `i` of a block of live bits; `block` has RECORD_BLOCK_BYTES bytes. */
uint64_t record_live_get(const void *block, size_t i);
void record_live_set(void *block, size_t i, uint64_t word);

#endif
