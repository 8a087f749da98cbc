/*
 * hits.h - filling a struct duet_hits from the store, inside a reading transaction.
 * Threads: as the transaction's.
 */
#ifndef DB_HITS_H
#define DB_HITS_H

#include "db/store.h"

/* What of a point goes into a hit. */
struct hit_parts {
    bool payload; /* with it, the source */
    bool vectors;
};

/* Appends the point `id` to `out`; *there tells whether there was one. After a failure
 * the caller releases `out`. */
enum err hits_append(struct duet_hits *out, struct txn *txn,
                     const struct record_collection *c, struct duet_id id,
                     struct hit_parts parts, bool *there) ERR_CHECK;

#endif
