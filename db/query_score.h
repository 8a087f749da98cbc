/*
 * query_score.h - how good a vector of one space is, by what a query asks for.
 *
 *     struct scorer scorer;
 *     TRY(scorer_open(&scorer, &tree, node, in, def));
 *     float score = scorer_score(&scorer, row);
 *     scorer_release(&scorer);
 *
 * Scores are larger for what is better in every space: a distance comes out times -1
 * (index/scan.h). Asking a scorer changes nothing: any number of threads may.
 */
#ifndef DB_QUERY_SCORE_H
#define DB_QUERY_SCORE_H

#include "db/query_tree.h"
#include "db/vectors.h"

enum scorer_kind {
    SCORER_NEAREST, /* by one vector */
    SCORER_BEST,
    SCORER_SUM
};

struct scorer {
    enum scorer_kind kind;
    struct vector_space in;
    float *vectors; /* [n, in.dim] prepared (vectors.h), the positive first; owned */
    size_t n_positive, n;
};

/* Whether the node's score is a distance in a space that has them. */
static inline bool query_is_nearest(const struct query_node *node)
{
    return node->asked->kind != DUET_QUERY_RECOMMEND ||
           node->asked->strategy == DUET_AVERAGE_VECTOR;
}

/* For the inputs of `node`, whose vectors are all there, in the space `def`. ERR_CONFLICT: a vector is of another size; ERR_INVALID: it has no
 * direction. On failure there is nothing to release. */
enum err scorer_open(struct scorer *scorer, const struct query_tree *tree,
                     const struct query_node *node, struct vector_space in,
                     const struct record_space_def *def) ERR_CHECK;

/* Accepts a zeroed one. */
void scorer_release(struct scorer *scorer);

/* Of the stored vector at `row`. */
float scorer_score(const struct scorer *scorer, const void *row);

/* The best score that a vector can have which is no nearer to any of the positive examples
 * than `nearness` (of index/scan.h). */
float scorer_best_of(const struct scorer *scorer, float nearness);

#endif
