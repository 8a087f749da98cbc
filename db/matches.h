/*
 * matches.h - the points of a collection that pass a filter, in the order of ids, within
 * one transaction.
 *
 *     struct matches m;
 *     TRY(matches_open(&m, &txn, &collection, filter, NULL));
 *     for (TRY_OUT(matches_next(&m)); m.found; ...) {
 *         use(m.id, &m.record);
 *     }
 *     matches_close(&m);
 *
 * Without an index this reads the record of every point, and parses the payloads that
 * the filter asks about; where it names its ids, only theirs. Threads: as the
 * transaction's.
 */
#ifndef DB_MATCHES_H
#define DB_MATCHES_H

#include "db/filter.h"
#include "db/store.h"

/* Not to be moved while it is open. */
struct matches {
    /* The point found: its record points into the map, and is good until the next call
     * or write. */
    bool found;
    struct duet_id id;
    struct record_point record;

    /* Private. */
    struct txn *txn;
    const struct record_collection *collection;
    const struct filter *filter;
    struct record_key prefix;
    struct cursor cursor;
    const struct duet_id *ids; /* [n_ids], borrowed; NULL: all points are walked */
    size_t n_ids, at;
};

/* `filter` NULL: all points; `from` NULL: from the first on. Nothing is found yet. On
 * failure there is nothing to close. */
enum err matches_open(struct matches *m, struct txn *txn,
                      const struct record_collection *collection,
                      const struct filter *filter, const struct duet_id *from)
    ERR_CHECK;

/* Finds the next one, or none any more. */
enum err matches_next(struct matches *m) ERR_CHECK;

/* Accepts a zeroed one. */
void matches_close(struct matches *m);

#endif
