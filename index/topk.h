/*
 * topk.h - the best k of a stream of scored slots, in memory the caller owns.
 *
 *     struct ann_hit hits[10];
 *     struct topk top;
 *     topk_init(&top, hits, 10);
 *     for (each slot) {
 *         topk_push(&top, (struct ann_hit){slot, score});
 *     }
 *     size_t n = topk_sort(&top);    // hits[0, n) best first
 *
 * The order is total: the higher score first, and of equal scores the lower slot. So
 * the result depends on what was pushed and not on when, and lists of several segments
 * or threads merge by pushing them into one another. A NaN score never enters.
 *
 * No allocation, no errors, no locks: one `struct topk` belongs to one thread.
 */
#ifndef INDEX_TOPK_H
#define INDEX_TOPK_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ann_hit {
    uint64_t slot; /* or any other number that breaks ties */
    float score;   /* the higher the nearer */
};

/* A heap whose root, hits[0], is the worst of the n kept. */
struct topk {
    struct ann_hit *hits; /* [k], borrowed */
    size_t k;
    size_t n;
};

/* `hits` must outlive `top`. k == 0 is fine and keeps nothing. */
void topk_init(struct topk *top, struct ann_hit *hits, size_t k);

/* Offers a hit. O(log k), O(1) when it is not among the best. */
void topk_push(struct topk *top, struct ann_hit hit);

/* Orders hits[0, n) best first and returns n. No push may follow. */
size_t topk_sort(struct topk *top);

/* Does `a` stand before `b` in a result? */
static inline bool topk_better(struct ann_hit a, struct ann_hit b)
{
    return a.score > b.score || (a.score == b.score && a.slot < b.slot);
}

/* A lower score cannot enter any more. */
static inline float topk_bar(const struct topk *top)
{
    return top->n < top->k ? -INFINITY : top->hits[0].score;
}

#endif
