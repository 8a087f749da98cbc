/*
 * query_examples.c - the help of an index for recommendations whose examples each count by
 * themselves. See query_rank.h.
 *
 * An index knows what is nearest to one vector. Sums of inner products are the inner
 * product with the sum, so sum_scores asks with that. For best_score, the nearest of each
 * positive example are candidates. What is no candidate is no nearer to any of them than
 * the farthest of that one's list; so where the k-th best candidate scores better than
 * that could, no other can come before it, and else all vectors are compared. Candidates
 * are always scored by the definition. As with any search by the index, what its codes
 * hide may be missed (nearest.h); `exact` compares all.
 *
 * Sums of distances have no such form: of them all vectors are compared.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/query_rank.h"

enum {
    SPARE = 64,     /* candidates beside k: rounding may change places */
    BEST_SHARE = 4, /* times k of each example: some are nearer to a negative one */
    CANDIDATES_MAX = 1 << 18 /* of all examples; past it comparing all is no worse */
};

/* Where nothing is sealed all vectors are compared anyway, once for each example. */
static enum err has_index(const struct ranking *r, bool *has)
{
    struct record_space state;
    struct vector_space in = r->scorer.in;
    TRY(collection_space_get(in.txn, in.collection, in.space, &state));
    *has = state.n_segments > 0;
    return ERR_OK;
}

/* ---- Sums ---- */

static bool is_linear(const struct ranking *r)
{
    enum scan_measure measure = r->scorer.in.kind.measure;
    return measure == SCAN_DOT || measure == SCAN_COSINE;
}

/* False where the examples cancel each other out: then all points are equally good. */
static bool add_up(const struct scorer *s, float *sum)
{
    size_t dim = s->in.dim;
    memset(sum, 0, dim * sizeof *sum);
    for (size_t i = 0; i < s->n; i++) {
        for (size_t d = 0; d < dim; d++) {
            float x = s->vectors[i * dim + d];
            sum[d] += i < s->n_positive ? x : -x;
        }
    }
    return vector_normalise(sum, dim) == ERR_OK;
}

/* ---- Candidates ---- */

struct candidates {
    struct query_ids ids; /* owned */
    size_t capacity;
    float bar; /* none that is missing is nearer than that to the examples asked with */
};

static enum err add_candidates(struct candidates *c, const struct rank *rank)
{
    size_t n = c->ids.n + rank->n;
    struct duet_id *ids = alloc_grow(c->ids.ids, &c->capacity, n, sizeof *ids);
    if (ids == NULL) {
        return ERR_NOMEM;
    }
    c->ids.ids = ids;
    for (size_t i = 0; i < rank->n; i++) {
        ids[c->ids.n++] = rank->hits[i].id;
    }
    c->bar = fmaxf(c->bar, rank_bar(rank));
    return ERR_OK;
}

/* The `k` nearest to one vector. */
static enum err find_candidates(struct ranking *r, const float *vector, size_t k,
                                struct candidates *c)
{
    struct rank rank;
    TRY(rank_init(&rank, k));
    enum err result = ranking_find_nearest(r, vector, &rank);
    if (result == ERR_OK) {
        result = add_candidates(c, &rank);
    }
    rank_release(&rank);
    return result;
}

static enum err compare_candidates(struct ranking *r, struct candidates *c)
{
    query_ids_sort(&c->ids);
    return ranking_compare_points(r, &c->ids);
}

static enum err ask_for_sums(struct ranking *r, struct candidates *c, bool *done)
{
    float *sum = alloc_aligned(r->scorer.in.dim * sizeof *sum);
    if (sum == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    *done = is_linear(r) && add_up(&r->scorer, sum);
    if (*done) {
        result = find_candidates(r, sum, r->rank->k + SPARE, c);
    }
    alloc_free(sum);
    TRY(result);
    return *done ? compare_candidates(r, c) : ERR_OK;
}

static enum err ask_for_best(struct ranking *r, struct candidates *c, bool *done)
{
    const struct scorer *s = &r->scorer;
    size_t k = r->rank->k * BEST_SHARE + SPARE;
    *done = false;
    if (s->n_positive == 0 || s->n_positive * k > CANDIDATES_MAX) {
        return ERR_OK;
    }
    for (size_t i = 0; i < s->n_positive; i++) {
        TRY(find_candidates(r, s->vectors + i * s->in.dim, k, c));
    }
    TRY(compare_candidates(r, c));
    *done = c->bar == -INFINITY || rank_bar(r->rank) > scorer_best_of(s, c->bar);
    return ERR_OK;
}

enum err ranking_ask_index(struct ranking *r, bool *done)
{
    struct candidates c = {.bar = -INFINITY};
    *done = false;
    TRY(has_index(r, done));
    if (!*done || r->node->asked->exact) {
        *done = false;
        return ERR_OK;
    }
    enum err result = r->scorer.kind == SCORER_SUM ? ask_for_sums(r, &c, done)
                                                   : ask_for_best(r, &c, done);
    alloc_free(c.ids.ids);
    if (!*done) {
        r->rank->n = 0;
    }
    return result;
}
