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
#include "index/bitmap.h"

enum {
    SPARE = 16,        /* candidates beside k: rounding may change places */
    BEST_SHARE = 2,    /* times k of each example: some are nearer to a negative one */
    OVERSAMPLING = 40, /* vectors read for a candidate (nearest.h), if not said */
    /* Rows of a scan that cost as much as one of these: measured with 40,000 vectors of
     * 64 and 128 numbers. They are read by jumps, once for each example. */
    JUMP_ROWS = 16
};

/* How many vectors a scan would compare; 0 where there is no index to ask. */
static enum err count_rows(const struct ranking *r, size_t *n)
{
    struct record_space state;
    struct vector_space in = r->scorer.in;
    TRY(collection_space_get(in.txn, in.collection, in.space, &state));
    *n = state.n_segments == 0 ? 0
         : r->allowed == NULL  ? state.n_live
                               : bitmap_count(r->allowed, state.next_slot);
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

static enum err ask_for_best(struct ranking *r, size_t n_rows, struct candidates *c,
                             bool *done)
{
    const struct scorer *s = &r->scorer;
    size_t k = r->rank->k * BEST_SHARE + SPARE;
    size_t over = r->node->asked->oversampling;
    size_t cost = s->n_positive * k * JUMP_ROWS * (over == 0 ? OVERSAMPLING : over);
    *done = false;
    if (s->n_positive == 0 || cost > n_rows) {
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
    size_t n_rows;
    *done = false;
    TRY(count_rows(r, &n_rows));
    if (n_rows == 0 || r->node->asked->exact) {
        return ERR_OK;
    }
    enum err result = r->scorer.kind == SCORER_SUM ? ask_for_sums(r, &c, done)
                                                   : ask_for_best(r, n_rows, &c, done);
    alloc_free(c.ids.ids);
    if (!*done) {
        r->rank->n = 0;
    }
    return result;
}
