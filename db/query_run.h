/*
 * query_run.h - a query tree is run: prefetches first, then what takes their results.
 *
 *     struct query_search search = {.db = db};      // large: better not on the stack
 *     struct query_list list;
 *     TRY_OUT(query_begin(&search, "default", queries, n));
 *     TRY_OUT(query_run(&search, &search.tree.roots[0], &list));
 *     ...
 *     query_list_release(&list);
 *   out:
 *     query_end(&search);
 *
 * All is done in one reading transaction, which query_begin leaves open: texts and
 * pictures are encoded before it, since that takes milliseconds.
 *
 * One thread at a time.
 */
#ifndef DB_QUERY_RUN_H
#define DB_QUERY_RUN_H

#include "base/json_number.h"
#include "db/nearest.h"
#include "db/query_points.h"
#include "db/rank.h"

struct query_search {
    struct duet *db;
    struct query_tree_options options;
    struct query_tree tree;
    struct txn txn;
    struct record_collection collection;
    struct nearest_work work;
};

/* Results, best first. Their scores are larger for what is better; to the world a distance
 * is told as it is. */
struct query_list {
    struct rank_hit *hits; /* [n], owned */
    size_t n;
    bool is_distance;           /* scores are distances times -1 */
    struct json_number *values; /* [n], owned, what they are ordered by; NULL: scores */
};

/* `search` holds the database and options and is zero else. Release it by query_end in any case. */
enum err query_begin(struct query_search *search, const char *collection,
                     const struct duet_query *queries, size_t n) ERR_CHECK;
void query_end(struct query_search *search);

/* The results of a node: node->k at most. *list is empty on failure. */
enum err query_run(struct query_search *search, const struct query_node *node,
                   struct query_list *list) ERR_CHECK;
void query_list_release(struct query_list *list);

/* Of lists[n] together. */
static inline size_t query_count_hits(const struct query_list *lists, size_t n)
{
    size_t n_all = 0;
    for (size_t i = 0; i < n; i++) {
        n_all += lists[i].n;
    }
    return n_all;
}

/* query_rank.c: the best points of one space for a node about vectors, of all points or of
 * `sources`, into `rank`. */
enum err query_rank_space(struct query_search *search, const struct query_node *node,
                          size_t space, const struct query_ids *sources,
                          struct rank *rank) ERR_CHECK;

/* query_fuse.c: puts lists[n] together, as the node says, into `rank`. */
enum err query_fuse(const struct duet_query *query, const struct query_list *lists,
                    size_t n, struct rank *rank) ERR_CHECK;

#endif
