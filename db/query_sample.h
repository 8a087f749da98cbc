/*
 * query_sample.h - queries without vectors: some points at random, or the first ones by id
 * or by a value. Every point counts 1. Threads: as the search's.
 */
#ifndef DB_QUERY_SAMPLE_H
#define DB_QUERY_SAMPLE_H

#include "db/query_run.h"

/* Up to node->k points that the node may find, in the order of ids. */
enum err query_take_first(struct query_search *search, const struct query_node *node,
                          const struct query_ids *sources, struct query_list *list)
    ERR_CHECK;

/* The same drawn at random, each set of them as likely as another, in random order. */
enum err query_sample(struct query_search *search, const struct query_node *node,
                      const struct query_ids *sources, struct query_list *list)
    ERR_CHECK;

/* query_order.c: the first node->k in the order of a value of the payload, once for each
 * value that they have. ERR_INVALID, ERR_LIMIT: the path is none. */
enum err query_order(struct query_search *search, const struct query_node *node,
                     const struct query_ids *sources, struct query_list *list)
    ERR_CHECK;

#endif
