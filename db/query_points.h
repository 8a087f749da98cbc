/*
 * query_points.h - the points that a node may find, one after the other, in the order of
 * ids: all of the collection, or those that its prefetches found, that pass the filter.
 *
 *     struct query_points points;
 *     TRY(query_points_open(&points, search, node, sources));
 *     for (;;) {
 *         TRY_OUT(query_points_next(&points));
 *         if (!points.found) { break; }
 *         use(points.id, &points.record);
 *     }
 *     query_points_close(&points);
 *
 * Points that the query is asked with are left out. Threads: as the transaction's.
 */
#ifndef DB_QUERY_POINTS_H
#define DB_QUERY_POINTS_H

#include "db/matches.h"
#include "db/query_tree.h"

/* Ids, ascending. */
struct query_ids {
    struct duet_id *ids; /* [n] */
    size_t n;
};

/* Makes them so, each once. */
void query_ids_sort(struct query_ids *ids);

/* Not to be moved while it is open. */
struct query_points {
    bool found;
    struct duet_id id;
    struct record_point record; /* good until the next call */

    /* Private. */
    const struct query_node *node;
    const struct query_ids *sources; /* NULL: `matches` is walked */
    size_t at;
    struct matches matches;
    struct txn *txn;
    const struct record_collection *collection;
    struct payload_indexes indexes; /* of sources that are asked a filter */
    struct filter_words words;
};

/* `sources` NULL: all points. On failure there is nothing to close. */
enum err query_points_open(struct query_points *p, const struct query_node *node,
                           struct txn *txn, const struct record_collection *collection,
                           const struct query_ids *sources) ERR_CHECK;
enum err query_points_next(struct query_points *p) ERR_CHECK;
void query_points_close(struct query_points *p);

/* Whether the node or one above it is asked with the point. */
bool query_mentions(const struct query_node *node, struct duet_id id);

/* How many points query_mentions is true of, at most. */
size_t query_count_mentioned(const struct query_node *node);

#endif
