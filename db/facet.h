/*
 * facet.h - counts how many points have which value.
 *
 *     struct facet facet;
 *     TRY(facet_init(&facet));
 *     TRY_OUT(facet_add(&facet, point_number, value));     // json-c's; once a value
 *     ...
 *     TRY_OUT(facet_take(&facet, limit, &facets));
 *     ...
 *     facet_release(&facet);
 *
 * Strings, whole numbers and truth values count; 1, "1" and true are three. A value that
 * a point has twice counts once. All different values are in memory, at most
 * LIMIT_FACET_VALUES of them and LIMIT_FACET_BYTES of their strings; past that there is
 * an error, and no count that may be wrong.
 *
 * One thread at a time.
 */
#ifndef DB_FACET_H
#define DB_FACET_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "db/duet.h"

struct facet_entry {
    struct duet_value value; /* its text is the facet's */
    uint64_t hash;
    size_t n_points;
    size_t last_point; /* the one that it was counted for last */
};

struct facet {
    struct facet_entry *entries; /* [n], in the order of their first coming */
    size_t n, capacity;
    uint32_t *table; /* [n_places], a power of two: 1 + an entry's number, or 0 */
    size_t n_places;
    size_t n_bytes; /* of all strings */
    uint64_t seed;  /* of the hash: nobody can choose strings that collide */
};

/* ERR_NOMEM, ERR_IO (no random numbers). There is nothing to release then. */
enum err facet_init(struct facet *facet) ERR_CHECK;

/* Accepts a zeroed one. */
void facet_release(struct facet *facet);

/* Counts `value` for the point, which is any number that no other point has, its values
 * one after another; a value of another kind is not counted. ERR_LIMIT, ERR_NOMEM. */
enum err facet_add(struct facet *facet, size_t point, struct json_object *value)
    ERR_CHECK;

/* Hands the `limit` most frequent to `out` (duet_facets_release), as duet_facet orders
 * them; the facet is empty then. ERR_NOMEM. */
enum err facet_take(struct facet *facet, size_t limit, struct duet_facets *out)
    ERR_CHECK;

#endif
