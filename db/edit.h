/*
 * edit.h - changes to the points of one collection within one transaction.
 *
 *     struct edit edit;
 *     TRY(edit_open(&edit, txn, "default"));
 *     TRY_OUT(edit_write(&edit, &write));
 *     TRY_OUT(edit_remove(&edit, id, &was_there));
 *     TRY_OUT(edit_finish(&edit));
 *     ...
 *     edit_release(&edit);
 *
 * It keeps all tables in step: the point, its vectors and slots, its system record and
 * the row of its content hash, those of payload indexes, what its vectors were made from,
 * and the counts. A vector in a shadow goes with the vector that it is the shadow of.
 * Each chunk of vectors is written once, however many points of a batch it takes.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_EDIT_H
#define DB_EDIT_H

#include "db/collection.h"
#include "db/payload_rows.h"
#include "db/vectors.h"

struct edit {
    struct txn *txn;
    struct record_collection collection;
    struct vector_writer writers[LIMIT_SPACES_MAX]; /* opened by the first need */
    bool open[LIMIT_SPACES_MAX];
    struct payload_rows rows; /* of its payload indexes */
    /* Content hashes that a point went away from: [n_orphans, DB_HASH_BYTES]. */
    struct buf orphans;
};

/* ERR_NOT_FOUND: no such collection. On failure there is nothing to release. */
enum err edit_open(struct edit *edit, struct txn *txn, const char *collection)
    ERR_CHECK;

/* Whether there is such a point. */
enum err edit_has(struct edit *edit, struct duet_id id, bool *there) ERR_CHECK;

/* Its payload, {} where there is no such point; borrowed from the map until the next
 * write. */
enum err edit_payload_get(struct edit *edit, struct duet_id id, struct bytes *payload)
    ERR_CHECK;

/* Adds or replaces one point as db_write_points says. After a failure the transaction
 * must be given up. */
enum err edit_write(struct edit *edit, const struct db_write *write) ERR_CHECK;

/* A vector for the shadow of a space (reembed.h). */
struct edit_shadow {
    struct duet_id id;
    size_t space;        /* the place of the space itself */
    uint32_t slot;       /* of the vector there that this one is to follow */
    const float *vector; /* [dim of the shadow] */
};

/* Gives it to the point, of a collection with shadows; nothing is done where the point
 * has by now another vector in the space, or one in the shadow. */
enum err edit_write_shadow(struct edit *edit, const struct edit_shadow *write,
                           bool *written) ERR_CHECK;

/* Removes one point, if it is there. */
enum err edit_remove(struct edit *edit, struct duet_id id, bool *was_there) ERR_CHECK;

/* Writes what is pending; then the transaction may be committed. */
enum err edit_finish(struct edit *edit) ERR_CHECK;

void edit_release(struct edit *edit);

#endif
