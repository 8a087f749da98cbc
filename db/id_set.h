/*
 * id_set.h - a set of points' ids in memory, 8 bytes a number and 16 a UUID: what an
 * index says of a filter.
 *
 *     struct id_set set = ID_SET_EMPTY;
 *     TRY_OUT(id_set_add(&set, id));       // in any order
 *     TRY_OUT(id_set_sort(&set));          // before anything is asked of it
 *     ... id_set_get(&set, i) ...          // ascending
 *     id_set_release(&set);
 *
 * One thread at a time.
 */
#ifndef DB_ID_SET_H
#define DB_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "db/duet.h"

struct id_set_uuid {
    uint8_t bytes[16];
};

struct id_set {
    uint64_t *numbers; /* [n_numbers]; owned */
    struct id_set_uuid *uuids;
    size_t n_numbers, n_uuids, numbers_capacity, uuids_capacity;
    bool unsorted; /* some came out of order */
};

#define ID_SET_EMPTY ((struct id_set){NULL})

/* ERR_NOMEM. */
enum err id_set_add(struct id_set *set, struct duet_id id) ERR_CHECK;

/* Sorts; each is there once afterwards. ERR_NOMEM. */
enum err id_set_sort(struct id_set *set) ERR_CHECK;

static inline size_t id_set_size(const struct id_set *set)
{
    return set->n_numbers + set->n_uuids;
}

/* The i-th, ascending by duet_id_compare. */
struct duet_id id_set_get(const struct id_set *set, size_t i);

/* How many are less than `id`. */
size_t id_set_below(const struct id_set *set, struct duet_id id);

/* Whether `id` is in it. Quick for many that mostly ascend: *near is where the last was
 * found, 0 at first.
 */
bool id_set_has_near(const struct id_set *set, struct duet_id id, size_t *near);

/* Keeps of `set` what `other` has, or has not; both are sorted. */
void id_set_filter(struct id_set *set, const struct id_set *other, bool has);

/* Accepts an empty one. */
void id_set_release(struct id_set *set);

#endif
