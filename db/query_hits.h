/*
 * query_hits.h - what a search found, read from the store for its caller. Threads: as the
 * search's.
 */
#ifndef DB_QUERY_HITS_H
#define DB_QUERY_HITS_H

#include "db/hits.h"
#include "db/query_run.h"

/* Appends the i-th result of `root`, with what it asks for of each. After a failure the
 * caller releases `out`. */
enum err query_append_hit(struct query_search *search, const struct query_node *root,
                          const struct query_list *list, size_t i,
                          struct duet_hits *out) ERR_CHECK;

/* Whether some text of the root or below it is longer than the model reads. */
bool query_is_truncated(const struct query_tree *tree, const struct query_node *root);

#endif
