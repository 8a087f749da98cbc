/*
 * rank.h - the best k of a stream of scored points, with ties broken by id.
 *
 *     struct rank rank;
 *     TRY(rank_init(&rank, k));
 *     if (score >= rank_bar(&rank)) {
 *         rank_push(&rank, (struct rank_hit){score, id, space});
 *     }
 *     rank_sort(&rank);                 // rank.hits[0, rank.n) best first
 *     rank_release(&rank);
 *
 * The order is total: the higher score first, of equal scores the lower id. So which of
 * two equal pictures is the k-th does not depend on where their vectors lie. (The
 * like of it for slots is index/topk.h; ids are only looked up for what passes the
 * bar.) A NaN score never enters. One thread at a time.
 */
#ifndef DB_RANK_H
#define DB_RANK_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "db/duet.h"

#define RANK_NO_SPACE SIZE_MAX

struct rank_hit {
    float score;
    struct duet_id id;
    size_t space; /* whose vector matched; RANK_NO_SPACE: none was compared */
};

struct rank {
    struct rank_hit *hits; /* [k], a heap with the worst at the root until sorted */
    size_t k;
    size_t n;
};

/* ERR_NOMEM. Memory is taken for `k` hits at once. */
enum err rank_init(struct rank *rank, size_t k) ERR_CHECK;
void rank_release(struct rank *rank);

/* A lower score cannot enter any more; an equal one may, by its id. */
static inline float rank_bar(const struct rank *rank)
{
    return rank->n < rank->k ? -INFINITY : rank->hits[0].score;
}

void rank_push(struct rank *rank, struct rank_hit hit);
void rank_sort(struct rank *rank);

#endif
