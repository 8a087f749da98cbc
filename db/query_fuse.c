/*
 * query_fuse.c - several lists of results into one. See query_run.h.
 *
 * By rank: Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet",
 * 2009. By score ("distribution-based"): each list's scores are stretched so that its mean
 * less three standard deviations becomes 0 and as much above it 1. A point's parts are
 * added up. (The dialect takes distances for scores there, so that the farther counts
 * more; here what is nearer does.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/query_run.h"

enum { RRF_K_DEFAULT = 2 };

static int compare_ids(const void *a, const void *b)
{
    const struct rank_hit *x = a;
    const struct rank_hit *y = b;
    int order = duet_id_compare(x->id, y->id);
    return order != 0 ? order : (x->score < y->score) - (x->score > y->score);
}

/* Adds up what hits[n] of several lists say of the same point. */
static void add_up(struct rank_hit *hits, size_t n, struct rank *rank)
{
    qsort(hits, n, sizeof *hits, compare_ids);
    for (size_t i = 0; i < n;) {
        struct rank_hit sum = hits[i]; /* the list where it stands best */
        double score = sum.score;
        for (i++; i < n && duet_id_compare(hits[i].id, sum.id) == 0; i++) {
            score += hits[i].score;
        }
        sum.score = (float)score;
        rank_push(rank, sum);
    }
}

/* What the place `at` in a list counts. */
static double rank_part(const struct duet_query *q, size_t list, size_t at)
{
    double k = q->rrf_k == 0 ? RRF_K_DEFAULT : (double)q->rrf_k;
    double weight = list < q->n_rrf_weights ? (double)q->rrf_weights[list] : 1;
    return weight <= 0 ? 0 : 1 / (((double)at + 1) / weight + k - 1);
}

/* The mean of a list's scores and, of more than one, their standard deviation. */
static void measure(const struct query_list *list, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < list->n; i++) {
        sum += list->hits[i].score;
    }
    *mean = sum / (double)list->n;
    for (size_t i = 0; i < list->n; i++) {
        double away = list->hits[i].score - *mean;
        squares += away * away;
    }
    *deviation = list->n > 1 ? sqrt(squares / (double)(list->n - 1)) : 0;
}

static void take_by_rank(const struct duet_query *q, const struct query_list *list,
                         size_t i_list, struct rank_hit *dst)
{
    for (size_t i = 0; i < list->n; i++) {
        dst[i] = list->hits[i];
        dst[i].score = (float)rank_part(q, i_list, i);
    }
}

static void take_by_score(const struct query_list *list, struct rank_hit *dst)
{
    double mean, deviation;
    measure(list, &mean, &deviation);
    for (size_t i = 0; i < list->n; i++) {
        double away = list->hits[i].score - mean;
        dst[i] = list->hits[i];
        dst[i].score = deviation > 0 ? (float)(away / (6 * deviation) + 0.5) : 0.5f;
    }
}

enum err query_fuse(const struct duet_query *query, const struct query_list *lists,
                    size_t n, struct rank *rank)
{
    size_t n_all = query_count_hits(lists, n), at = 0;
    struct rank_hit *all = alloc_array(n_all, sizeof *all);
    if (all == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (query->kind == DUET_QUERY_DBSF) {
            take_by_score(&lists[i], all + at);
        } else {
            take_by_rank(query, &lists[i], i, all + at);
        }
        at += lists[i].n;
    }
    add_up(all, n_all, rank);
    alloc_free(all);
    return ERR_OK;
}
