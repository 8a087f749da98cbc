/*
 * tok_prefix.c - see tok_prefix.h.
 */
#include "encoder/tok_prefix.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int compare(const void *a, const void *b, void *context)
{
    const struct tok_prefix *set = context;
    const struct tok_span *x = &set->spans[*(const int32_t *)a];
    const struct tok_span *y = &set->spans[*(const int32_t *)b];
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(set->bytes + x->at, set->bytes + y->at, n);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* The byte behind `depth` others of the i-th in order; -1 where the string ends. */
static int byte_at(const struct tok_prefix *set, size_t i, size_t depth)
{
    const struct tok_span *span = &set->spans[set->order[i]];
    return depth < span->n ? (unsigned char)set->bytes[span->at + depth] : -1;
}

/* The first of low..high whose byte at `depth` is `byte` or greater. */
static size_t lower_bound(const struct tok_prefix *set, const struct tok_walk *walk,
                          int byte)
{
    size_t low = walk->low, high = walk->high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (byte_at(set, middle, walk->depth) < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum err tok_prefix_open(struct tok_prefix *set, const char *bytes,
                         const struct tok_span *spans, size_t n)
{
    *set = (struct tok_prefix){.bytes = bytes, .spans = spans};
    set->order = alloc_array(n, sizeof *set->order);
    if (set->order == NULL) {
        return ERR_NOMEM;
    }
    set->n = n;
    for (size_t i = 0; i < n; i++) {
        set->order[i] = (int32_t)i;
    }
    qsort_r(set->order, n, sizeof *set->order, compare, set);
    struct tok_walk all = {0, n, 0};
    for (int byte = 0; byte <= 256; byte++) {
        set->first[byte] = (uint32_t)lower_bound(set, &all, byte);
    }
    return ERR_OK;
}

void tok_prefix_close(struct tok_prefix *set)
{
    alloc_free(set->order);
    *set = (struct tok_prefix){0};
}

struct tok_walk tok_walk_begin(const struct tok_prefix *set)
{
    return (struct tok_walk){0, set->n, 0};
}

bool tok_walk_step(const struct tok_prefix *set, struct tok_walk *walk, char byte)
{
    int c = (unsigned char)byte;
    if (walk->depth == 0) {
        walk->low = set->first[c];
        walk->high = set->first[c + 1];
    } else {
        size_t low = lower_bound(set, walk, c);
        walk->high = lower_bound(set, walk, c + 1);
        walk->low = low;
    }
    walk->depth++;
    return walk->low < walk->high;
}

int32_t tok_walk_hit(const struct tok_prefix *set, const struct tok_walk *walk)
{
    int32_t i = set->order[walk->low];
    return set->spans[i].n == walk->depth ? i : TOK_NONE;
}
