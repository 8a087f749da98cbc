/*
 * allowed.h - a filter as slots: which vectors of which spaces a search may find.
 *
 *     struct allowed allowed = {{NULL}};
 *     TRY_OUT(allowed_find(&allowed, &txn, &collection, filter, 1u << space));
 *     ... allowed.slots[space] ...
 *     allowed_release(&allowed);
 *
 * To scans and segments, filtered-out and deleted slots are the same: bits that are 0.
 * Threads: as the transaction's.
 */
#ifndef DB_ALLOWED_H
#define DB_ALLOWED_H

#include "db/filter.h"
#include "db/store.h"

struct allowed {
    /* By number of the space, a bit a slot (index/bitmap.h), up to the end of the chunk
     * that the last used slot is in; NULL where the space was not asked for. Owned. */
    uint64_t *slots[LIMIT_SPACES_MAX];
};

/* Asks the filter, once a point, for the spaces whose bits are set in `spaces`; payload
 * indexes spare most or all of the asking. On failure there may be something to release. */
enum err allowed_find(struct allowed *allowed, struct txn *txn,
                      const struct record_collection *collection,
                      const struct filter *filter, uint32_t spaces) ERR_CHECK;

/* Accepts a zeroed one. */
void allowed_release(struct allowed *allowed);

#endif
