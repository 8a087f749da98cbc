/*
 * query_rank.h - what the ways of ranking one space share: for query_rank.c, which
 * chooses among them, and query_examples.c. Threads: as the search's.
 */
#ifndef DB_QUERY_RANK_H
#define DB_QUERY_RANK_H

#include "db/query_run.h"
#include "db/query_score.h"

struct ranking {
    struct query_search *search;
    const struct query_node *node;
    size_t space; /* its place in the collection */
    struct scorer scorer;
    struct rank *rank;       /* what is found goes here */
    const uint64_t *allowed; /* the slots that the filter allows; NULL: all */
};

/* The nearest to `vector`, prepared, by the index, into `rank`. */
enum err ranking_find_nearest(struct ranking *r, const float *vector, struct rank *rank)
    ERR_CHECK;

/* Compares the named points, as far as they pass the filter, with what is asked for. */
enum err ranking_compare_points(struct ranking *r, const struct query_ids *points)
    ERR_CHECK;

/* query_examples.c: has the index name the points worth comparing. *done is false where it
 * can't; then all are to be compared, and r->rank is empty. */
enum err ranking_ask_index(struct ranking *r, bool *done) ERR_CHECK;

#endif
