/*
 * origin.h - what the vectors of a cross-modal collection were made from, so that they
 * can be made again by another model: the table texts.
 *
 * A row is kept where it says more than the point's system record does. Without one the
 * vector "image" is of the picture in that record, and the vector "text", as databases
 * before format 3 have it, of the notes beside that picture's file; with neither row
 * nor record they were given as numbers.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_ORIGIN_H
#define DB_ORIGIN_H

#include "db/collection.h"

/* What the point's vector in the space (DB_IMAGE, DB_TEXT) was made from; the text
 * points into the map. Of a vector that is not there it says nothing useful. */
enum err origin_get(struct txn *txn, const struct record_collection *c,
                    struct duet_id id, size_t space, struct db_origin *out) ERR_CHECK;

/* A point about to be written: its system record is still the old one. */
struct origin_change {
    const struct db_write *write;
    bool has_vector[DB_ORIGINS]; /* once it is written */
};

/* Keeps the rows of a point in step with what is written to it. */
enum err origin_update(struct txn *txn, const struct record_collection *c,
                       const struct origin_change *change) ERR_CHECK;

/* Deletes the rows of a point. */
enum err origin_delete(struct txn *txn, const struct record_collection *c,
                       struct duet_id id) ERR_CHECK;

/* Whose the row with this key is. ERR_CORRUPT. */
enum err origin_key_read(struct bytes key, struct duet_id *id, size_t *space) ERR_CHECK;

/* From now on nothing is known of what the row's vector was made from. */
enum err origin_forget(struct txn *txn, struct bytes key) ERR_CHECK;

/* Whether the value of a row makes sense. ERR_CORRUPT. */
enum err origin_check(struct bytes value) ERR_CHECK;

#endif
