/*
 * vectors.h - the vectors of one space: slots, their ids, and which of them live.
 *
 *     struct vector_writer w;
 *     TRY(vector_writer_open(&w, vector_space_of(txn, &collection, i)));
 *     TRY_OUT(vector_writer_add(&w, id, vector, &slot));
 *     TRY_OUT(vector_writer_drop(&w, old_slot));
 *     TRY_OUT(vector_writer_finish(&w));
 *     ...
 *     vector_writer_release(&w);
 *
 * Every vector written takes the next slot of its space and is never changed in place:
 * an update takes a new slot, and the old one dies. 64 slots are a chunk: one run of
 * 64 * dim numbers, one table of ids, one word of live bits. A chunk whose slots were
 * all used and are all dead is deleted; readers take a missing chunk for a dead one.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_VECTORS_H
#define DB_VECTORS_H

#include "db/store.h"
#include "index/scan.h"

/* The space that a call is about. */
struct vector_space {
    struct txn *txn;
    uint32_t collection;
    uint16_t space; /* its number */
    size_t dim;
    struct scan_kind kind; /* how its rows are stored and compared */
};

/* The i-th space of a collection. */
struct vector_space vector_space_of(struct txn *txn, const struct record_collection *c,
                                    size_t i);

/* Bytes of one stored vector. */
static inline size_t vector_row_bytes(const struct vector_space *in)
{
    return in->dim * scan_type_bytes(in->kind.type);
}

/* The stored vector at `row`, at any address, as dst[dim] floats. */
void vector_row_read(const struct vector_space *in, const void *row, float *dst);

/* Scales vector[dim] to unit length; one that has it but for rounding stays as it is,
 * to the last bit, so that what was read out can be put back. ERR_INVALID where a
 * number is not finite or all are zero: such a vector has no direction. */
enum err vector_normalise(float *vector, size_t dim) ERR_CHECK;

/* ERR_INVALID where a number is not finite. */
enum err vector_check(const float *vector, size_t dim) ERR_CHECK;

/* Makes of vector[dim], as a user gave it, what the space stores: in a Cosine space of
 * floats it is scaled to unit length. ERR_INVALID where it does not fit the datatype or,
 * in a Cosine space, has no direction. */
enum err vector_prepare(const struct record_space_def *def, float *vector) ERR_CHECK;

/* The same for a vector to search with, which is always at unit length in a Cosine
 * space. */
enum err vector_prepare_query(const struct record_space_def *def, float *vector)
    ERR_CHECK;

/* ---- Writing: all of a transaction's writes to a space go through one of these ----
 */

struct vector_writer {
    struct vector_space in;
    struct record_space state;
    bool loaded;    /* the chunk of state.next_slot is below */
    uint32_t chunk; /* its number */
    uint64_t live;  /* its live bits */
    char *vectors;  /* [RECORD_CHUNK_SLOTS, vector_row_bytes], owned */
    uint8_t ids[RECORD_SLOTS_BYTES];
};

/* Reads the state of the space. On failure there is nothing to release. */
enum err vector_writer_open(struct vector_writer *w, struct vector_space in) ERR_CHECK;

/* Appends vector[dim] of the point `id`, prepared. ERR_LIMIT: all slots are used. */
enum err vector_writer_add(struct vector_writer *w, struct duet_id id,
                           const float *vector, uint32_t *slot) ERR_CHECK;

/* The vector in `slot` dies. ERR_CORRUPT where it did not live. */
enum err vector_writer_drop(struct vector_writer *w, uint32_t slot) ERR_CHECK;

/* Writes what is pending. */
enum err vector_writer_finish(struct vector_writer *w) ERR_CHECK;

/* Frees the memory; what was not finished is not written. Accepts a zeroed one. */
void vector_writer_release(struct vector_writer *w);

/* ---- Reading ---- */

/* The row of chunk `i`: its vectors, borrowed from the map; data NULL where all are
 * dead. */
enum err vector_chunk_get(struct vector_space in, uint32_t i, struct bytes *vectors)
    ERR_CHECK;

/* Whether a row found by a cursor is a chunk of this space. ERR_CORRUPT. */
enum err vector_chunk_check(struct vector_space in, struct bytes vectors) ERR_CHECK;

/* Whose the vector in `slot` is. ERR_CORRUPT where the slot was never used. */
enum err vector_id_get(struct vector_space in, uint32_t slot, struct duet_id *id)
    ERR_CHECK;

/* The ids of chunk `i`, borrowed from the map, each as record_id_read takes it; data NULL
 * where all of its slots are dead. */
enum err vector_ids_get(struct vector_space in, uint32_t i, struct bytes *ids)
    ERR_CHECK;

/* Copies the vector in `slot` to dst[dim]. ERR_CORRUPT where there is none. */
enum err vector_get(struct vector_space in, uint32_t slot, float *dst) ERR_CHECK;

/* The live bits of slots [first, first + n): words[n / 64]; both are multiples of
 * RECORD_CHUNK_SLOTS. */
enum err vector_live_get(struct vector_space in, uint32_t first, size_t n,
                         uint64_t *words) ERR_CHECK;

/* ---- Walking over what lives: long ranges of dead slots cost nothing ---- */

/* Not to be moved while it is open. */
struct vector_walk {
    uint32_t chunk; /* found */
    uint64_t live;  /* its live bits; 0: there is none any more */

    /* Private. */
    struct record_key prefix;
    struct cursor cursor;
    uint32_t block, at;
};

/* From chunk number `from` on; nothing is found yet. On failure there is nothing to
 * close. */
enum err vector_walk_open(struct vector_walk *walk, struct vector_space in,
                          uint32_t from) ERR_CHECK;

/* Finds the next chunk in which a slot lives. ERR_CORRUPT. */
enum err vector_walk_next(struct vector_walk *walk) ERR_CHECK;

void vector_walk_close(struct vector_walk *walk);

#endif
