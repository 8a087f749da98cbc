/*
 * query_sample.c - see query_sample.h.
 *
 * Drawing is Vitter's algorithm R ("Random sampling with a reservoir", 1985): all points
 * are walked once, and what they are is not looked at. A shuffle at the end makes the order
 * random as well.
 */
#include "db/query_sample.h"

#include <string.h>

#include "base/alloc.h"
#include "db/uuid.h"

/* The state of splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Less than `n`; the bias is n / 2^64. */
static size_t random_below(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

static struct rank_hit one(struct duet_id id)
{
    return (struct rank_hit){.score = 1, .id = id, .space = RANK_NO_SPACE};
}

static enum err make_room(const struct query_node *node, struct query_list *list)
{
    list->hits = alloc_array(node->k, sizeof *list->hits);
    list->n = 0;
    return list->hits == NULL ? ERR_NOMEM : ERR_OK;
}

enum err query_take_first(struct query_search *s, const struct query_node *node,
                          const struct query_ids *sources, struct query_list *list)
{
    struct query_points points;
    TRY(make_room(node, list));
    TRY(query_points_open(&points, node, &s->txn, &s->collection, sources));
    enum err result = ERR_OK;
    while (list->n < node->k) {
        TRY_OUT(query_points_next(&points));
        if (!points.found) {
            break;
        }
        list->hits[list->n++] = one(points.id);
    }
out:
    query_points_close(&points);
    return result;
}

static void shuffle(struct query_list *list, uint64_t *state)
{
    for (size_t i = list->n; i > 1; i--) {
        size_t j = random_below(state, i);
        struct rank_hit hit = list->hits[i - 1];
        list->hits[i - 1] = list->hits[j];
        list->hits[j] = hit;
    }
}

enum err query_sample(struct query_search *s, const struct query_node *node,
                      const struct query_ids *sources, struct query_list *list)
{
    struct query_points points;
    uint8_t seed[16];
    uint64_t state;
    TRY(uuid_random(seed));
    memcpy(&state, seed + 8, sizeof state); /* random but for two bits */
    TRY(make_room(node, list));
    TRY(query_points_open(&points, node, &s->txn, &s->collection, sources));
    enum err result;
    for (size_t n_seen = 0;; n_seen++) {
        TRY_OUT(query_points_next(&points));
        if (!points.found) {
            break;
        }
        size_t at = n_seen < node->k ? list->n++ : random_below(&state, n_seen + 1);
        if (at < node->k) {
            list->hits[at] = one(points.id);
        }
    }
    shuffle(list, &state);
out:
    query_points_close(&points);
    return result;
}
