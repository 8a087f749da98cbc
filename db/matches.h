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
 * Where payload indexes help (filter_plan.h), only the points that they name are looked
 * at; otherwise this reads the record of every point, and parses the payloads that the
 * filter asks about. Threads: as the transaction's.
 */
#ifndef DB_MATCHES_H
#define DB_MATCHES_H

#include "db/filter_plan.h"
#include "db/store.h"

/* Not to be moved while it is open. */
struct matches {
    /* The point found: its record points into the map, and is good until the next call
     * or write. */
    bool found;
    struct duet_id id;
    struct record_point record;

    /* What the indexes say: where they have the whole answer, a caller may take it from
     * here instead of walking. */
    struct filter_plan plan;

    /* Private. */
    struct txn *txn;
    const struct record_collection *collection;
    const struct filter *filter; /* NULL: not to be asked */
    struct payload_indexes indexes;
    struct filter_words words;
    struct record_key prefix;
    struct cursor cursor;
    size_t at;
};

/* `filter` NULL: all points; `from` NULL: from the first on. Nothing is found yet. On
 * failure there is nothing to close. */
enum err matches_open(struct matches *m, struct txn *txn,
                      const struct record_collection *collection,
                      const struct filter *filter, const struct duet_id *from)
    ERR_CHECK;

/* The same where no more than `n_wanted` matches will be asked for, which may make
 * another way the shorter one. */
enum err matches_open_some(struct matches *m, struct txn *txn,
                           const struct record_collection *collection,
                           const struct filter *filter, const struct duet_id *from,
                           size_t n_wanted) ERR_CHECK;

/* Finds the next one, or none any more. */
enum err matches_next(struct matches *m) ERR_CHECK;

/* How many there are from here on; none is found afterwards. */
enum err matches_count(struct matches *m, size_t *n) ERR_CHECK;

/* Accepts a zeroed one. */
void matches_close(struct matches *m);

#endif
