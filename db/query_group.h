/*
 * query_group.h - a ranked list, read from its top, falls into groups.
 *
 *     struct grouper grouper;
 *     TRY(grouper_open(&grouper, grouping, n_groups));
 *     for (size_t i = 0; i < list.n && !grouper_is_full(&grouper); i++) {
 *         TRY_OUT(grouper_add(&grouper, i, payload));
 *     }
 *     ... grouper.items[g].members[0, .n) ...
 *     grouper_release(&grouper);
 *
 * Groups come in the order of their first members, and only the first n_groups are kept: as
 * soon as they all have `size` members, nothing further down the list can change them.
 *
 * One thread at a time.
 */
#ifndef DB_QUERY_GROUP_H
#define DB_QUERY_GROUP_H

#include "db/payload_path.h"
#include "db/payload_pick.h"

struct grouper_group {
    char *value; /* as JSON: a string or whole number; owned */
    bool has_id; /* it could be the id of a point: */
    struct duet_id id;
    size_t *members; /* [n], as given to grouper_add; in the grouper's memory */
    size_t n;
};

struct grouper {
    struct arena arena;
    struct payload_path path;
    struct bytes key;            /* the member that the path begins with */
    size_t size;                 /* members of a group, at most */
    struct grouper_group *items; /* [n], room for n_max */
    size_t n, n_max, n_full;
    size_t *table; /* [table_mask + 1] of number + 1 of a group, by hash of its value */
    size_t table_mask;
};

/* ERR_INVALID, ERR_LIMIT: "group_by: " and what is wrong with the path; too many. On
 * failure there is nothing to release. */
enum err grouper_open(struct grouper *g, const struct duet_grouping *grouping,
                      size_t n_groups) ERR_CHECK;
void grouper_release(struct grouper *g);

/* Adds the member `i` to the groups of the values in its payload. ERR_CORRUPT. */
enum err grouper_add(struct grouper *g, size_t i, struct bytes payload) ERR_CHECK;

/* Forgets all groups. */
void grouper_clear(struct grouper *g);

static inline bool grouper_is_full(const struct grouper *g)
{
    return g->n_full == g->n_max;
}

#endif
