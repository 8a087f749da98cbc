/*
 * id_set.c - see id_set.h.
 */
#include "db/id_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int compare_uuids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id_set_uuid));
}

static enum err add_number(struct id_set *set, uint64_t number)
{
    size_t n = set->n_numbers;
    if (n == set->numbers_capacity) {
        uint64_t *items = alloc_grow(set->numbers, &set->numbers_capacity,
                                     n == 0 ? 64 : n + 1, sizeof *items);
        if (items == NULL) {
            return ERR_NOMEM;
        }
        set->numbers = items;
    }
    set->unsorted = set->unsorted || (n > 0 && number <= set->numbers[n - 1]);
    set->numbers[set->n_numbers++] = number;
    return ERR_OK;
}

static enum err add_uuid(struct id_set *set, const uint8_t uuid[16])
{
    size_t n = set->n_uuids;
    if (n == set->uuids_capacity) {
        struct id_set_uuid *items = alloc_grow(set->uuids, &set->uuids_capacity,
                                               n == 0 ? 64 : n + 1, sizeof *items);
        if (items == NULL) {
            return ERR_NOMEM;
        }
        set->uuids = items;
    }
    memcpy(set->uuids[n].bytes, uuid, 16);
    set->unsorted = set->unsorted ||
                    (n > 0 && compare_uuids(&set->uuids[n], &set->uuids[n - 1]) <= 0);
    set->n_uuids++;
    return ERR_OK;
}

enum err id_set_add(struct id_set *set, struct duet_id id)
{
    return id.is_uuid ? add_uuid(set, id.uuid) : add_number(set, id.number);
}

/* ---- Sorting ---- */

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS };

/* One pass: by RADIX_BITS bits from bit `shift` on. False where all have the same. */
static bool pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    size_t starts[RADIX] = {0};
    for (size_t i = 0; i < n; i++) {
        starts[from[i] >> shift & (RADIX - 1)]++;
    }
    if (starts[from[0] >> shift & (RADIX - 1)] == n) {
        return false;
    }
    for (size_t i = 0, sum = 0; i < RADIX; i++) {
        size_t count = starts[i];
        starts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) {
        to[starts[from[i] >> shift & (RADIX - 1)]++] = from[i];
    }
    return true;
}

/* By digits from the lowest on: ids are mostly small, and their high digits alike. */
static enum err sort_numbers(struct id_set *set)
{
    size_t n = set->n_numbers;
    uint64_t *from = set->numbers;
    uint64_t *to = alloc_array(n, sizeof *to);
    if (to == NULL) {
        return ERR_NOMEM;
    }
    for (unsigned shift = 0; shift < 64 && n > 0; shift += RADIX_BITS) {
        if (pass(from, to, n, shift)) {
            uint64_t *swap = from;
            from = to;
            to = swap;
        }
    }
    set->numbers = from;
    set->numbers_capacity = n;
    alloc_free(to);
    return ERR_OK;
}

static void drop_repeated(struct id_set *set)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n_numbers; i++) {
        if (n == 0 || set->numbers[i] != set->numbers[n - 1]) {
            set->numbers[n++] = set->numbers[i];
        }
    }
    set->n_numbers = n;
    n = 0;
    for (size_t i = 0; i < set->n_uuids; i++) {
        if (n == 0 || compare_uuids(&set->uuids[i], &set->uuids[n - 1]) != 0) {
            set->uuids[n++] = set->uuids[i];
        }
    }
    set->n_uuids = n;
}

enum err id_set_sort(struct id_set *set)
{
    if (!set->unsorted) {
        return ERR_OK;
    }
    TRY(sort_numbers(set));
    if (set->n_uuids > 0) {
        qsort(set->uuids, set->n_uuids, sizeof *set->uuids, compare_uuids);
    }
    drop_repeated(set);
    set->unsorted = false;
    return ERR_OK;
}

/* ---- Asking ---- */

struct duet_id id_set_get(const struct id_set *set, size_t i)
{
    struct duet_id id = {.is_uuid = i >= set->n_numbers};
    if (id.is_uuid) {
        memcpy(id.uuid, set->uuids[i - set->n_numbers].bytes, sizeof id.uuid);
    } else {
        id.number = set->numbers[i];
    }
    return id;
}

size_t id_set_below(const struct id_set *set, struct duet_id id)
{
    size_t begin = id.is_uuid ? set->n_numbers : 0;
    size_t end = id.is_uuid ? id_set_size(set) : set->n_numbers;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        bool less = id.is_uuid ? memcmp(set->uuids[middle - set->n_numbers].bytes,
                                        id.uuid, sizeof id.uuid) < 0
                               : set->numbers[middle] < id.number;
        begin = less ? middle + 1 : begin;
        end = less ? end : middle;
    }
    return begin;
}

static bool is_at(const struct id_set *set, struct duet_id id, size_t i)
{
    if (id.is_uuid) {
        return i < id_set_size(set) && memcmp(set->uuids[i - set->n_numbers].bytes,
                                              id.uuid, sizeof id.uuid) == 0;
    }
    return i < set->n_numbers && set->numbers[i] == id.number;
}

/* Whether all numbers before the i-th are less than `number` and the others are not. */
static bool is_below(const struct id_set *set, uint64_t number, size_t i)
{
    return i <= set->n_numbers && (i == 0 || set->numbers[i - 1] < number) &&
           (i == set->n_numbers || set->numbers[i] >= number);
}

bool id_set_has_near(const struct id_set *set, struct duet_id id, size_t *near)
{
    if (id.is_uuid || !is_below(set, id.number, *near)) {
        *near = id_set_below(set, id);
    }
    bool has = is_at(set, id, *near);
    *near += has ? 1 : 0;
    return has;
}

/* Both are walked once: the larger is at most some times the smaller (filter_plan.c). */
void id_set_filter(struct id_set *set, const struct id_set *other, bool has)
{
    size_t n = 0;
    for (size_t i = 0, o = 0; i < set->n_numbers; i++) {
        while (o < other->n_numbers && other->numbers[o] < set->numbers[i]) {
            o++;
        }
        bool there = o < other->n_numbers && other->numbers[o] == set->numbers[i];
        set->numbers[n] = set->numbers[i];
        n += there == has ? 1 : 0;
    }
    set->n_numbers = n;
    n = 0;
    for (size_t i = 0, o = 0; i < set->n_uuids; i++) {
        while (o < other->n_uuids &&
               compare_uuids(&other->uuids[o], &set->uuids[i]) < 0) {
            o++;
        }
        bool there =
            o < other->n_uuids && compare_uuids(&other->uuids[o], &set->uuids[i]) == 0;
        set->uuids[n] = set->uuids[i];
        n += there == has ? 1 : 0;
    }
    set->n_uuids = n;
}

void id_set_release(struct id_set *set)
{
    alloc_free(set->numbers);
    alloc_free(set->uuids);
    *set = ID_SET_EMPTY;
}
