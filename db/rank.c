/*
 * rank.c - see rank.h.
 */
#include "db/rank.h"

#include <stdlib.h>

#include "base/alloc.h"

enum err rank_init(struct rank *rank, size_t k)
{
    *rank = (struct rank){.k = k, .hits = alloc_array(k, sizeof *rank->hits)};
    return rank->hits == NULL ? ERR_NOMEM : ERR_OK;
}

void rank_release(struct rank *rank)
{
    alloc_free(rank->hits);
    *rank = (struct rank){0};
}

/* Negative where `a` stands before `b`. */
static int compare(const void *a, const void *b)
{
    const struct rank_hit *x = a;
    const struct rank_hit *y = b;
    if (x->score != y->score) {
        return x->score > y->score ? -1 : 1;
    }
    return duet_id_compare(x->id, y->id);
}

static void sift_up(struct rank *rank, size_t i)
{
    struct rank_hit hit = rank->hits[i];
    while (i > 0 && compare(&rank->hits[(i - 1) / 2], &hit) < 0) {
        rank->hits[i] = rank->hits[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    rank->hits[i] = hit;
}

static void sift_down(struct rank *rank, size_t i)
{
    struct rank_hit hit = rank->hits[i];
    for (;;) {
        size_t worse = 2 * i + 1;
        if (worse >= rank->n) {
            break;
        }
        if (worse + 1 < rank->n &&
            compare(&rank->hits[worse], &rank->hits[worse + 1]) < 0) {
            worse++;
        }
        if (compare(&hit, &rank->hits[worse]) >= 0) {
            break;
        }
        rank->hits[i] = rank->hits[worse];
        i = worse;
    }
    rank->hits[i] = hit;
}

void rank_push(struct rank *rank, struct rank_hit hit)
{
    if (isnan(hit.score) || rank->k == 0) {
        return;
    }
    if (rank->n < rank->k) {
        rank->hits[rank->n++] = hit;
        sift_up(rank, rank->n - 1);
    } else if (compare(&hit, &rank->hits[0]) < 0) {
        rank->hits[0] = hit;
        sift_down(rank, 0);
    }
}

void rank_sort(struct rank *rank)
{
    qsort(rank->hits, rank->n, sizeof *rank->hits, compare);
}
