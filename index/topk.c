/*
 * topk.c - see topk.h. A binary heap with the worst hit on top; sorting takes the worst
 * off again and again and fills the array from its end (Williams' heapsort).
 */
#include "index/topk.h"

void topk_init(struct topk *top, struct ann_hit *hits, size_t k)
{
    *top = (struct topk){hits, k, 0};
}

static void swap(struct ann_hit *a, struct ann_hit *b)
{
    struct ann_hit kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct ann_hit *hits, size_t i)
{
    while (i > 0 && topk_better(hits[(i - 1) / 2], hits[i])) {
        swap(&hits[(i - 1) / 2], &hits[i]);
        i = (i - 1) / 2;
    }
}

/* Lets hits[0] of hits[0, n) sink to where both its children are better. */
static void sift_down(struct ann_hit *hits, size_t n)
{
    size_t i = 0;
    for (;;) {
        size_t worst = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (topk_better(hits[worst], hits[child])) {
                worst = child;
            }
        }
        if (worst == i) {
            return;
        }
        swap(&hits[i], &hits[worst]);
        i = worst;
    }
}

void topk_push(struct topk *top, struct ann_hit hit)
{
    if (isnan(hit.score)) {
        return;
    }
    if (top->n < top->k) {
        top->hits[top->n] = hit;
        sift_up(top->hits, top->n);
        top->n++;
    } else if (top->k > 0 && topk_better(hit, top->hits[0])) {
        top->hits[0] = hit;
        sift_down(top->hits, top->n);
    }
}

size_t topk_sort(struct topk *top)
{
    for (size_t n = top->n; n > 1; n--) {
        swap(&top->hits[0], &top->hits[n - 1]);
        sift_down(top->hits, n - 1);
    }
    return top->n;
}
