/*
 * query_vectors.h - what a query is asked with becomes vectors: texts and pictures before
 * any transaction is open, since that takes milliseconds; stored points within it.
 *
 *     TRY(query_encode(db, &collection, &tree));
 *     TRY(store_read(db->store, &txn));
 *     TRY_OUT(query_load_points(&tree, node, &txn, &collection));
 *
 * Threads: as the tree's and the transaction's.
 */
#ifndef DB_QUERY_VECTORS_H
#define DB_QUERY_VECTORS_H

#include "db/query_tree.h"

/* Which space each node searches. ERR_NOT_FOUND, ERR_INVALID. */
enum err query_choose_spaces(struct query_tree *tree, const struct record_collection *c)
    ERR_CHECK;

/* The vectors of all texts and pictures in the tree: each text and picture once, texts in
 * batches. The model of another space is refused. Vectors that were given are checked. */
enum err query_encode(struct duet *db, const struct record_collection *c,
                      struct query_tree *tree) ERR_CHECK;

/* Whether what was encoded may be searched with in the collection, as it is now. */
enum err query_check_model(struct duet *db, const struct record_collection *c,
                           const struct query_tree *tree) ERR_CHECK;

/* The vectors of the points that one node names. ERR_NOT_FOUND, ERR_INVALID: it has none
 * there. */
enum err query_load_points(struct query_tree *tree, struct query_node *node,
                           struct txn *txn, const struct record_collection *c)
    ERR_CHECK;

#endif
