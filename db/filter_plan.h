/*
 * filter_plan.h - which points a filter need be asked of, as the indexes have it.
 *
 *     struct filter_plan plan;
 *     TRY(filter_plan_make(&plan, &in, filter, FILTER_PLAN_ALL));
 *     if (!plan.indexed)      every point is to be asked
 *     else if (!plan.exact)   plan.ids are to be asked
 *     else                    plan.ids are the answer
 *     filter_plan_release(&plan);
 *
 * How it is made: of the conditions that must all be met, the one with the fewest rows is
 * found by counting each up to a few, then to more, until one comes to its end. Its ids
 * are taken, and those of others that are not many times as many are intersected with
 * them; ids that must not be there are taken out. Conditions of which one is enough are
 * taken together, if all have an index. What is left over makes the answer inexact, and
 * the filter is asked. Where so many ids come out that it costs less to walk over all
 * points, nothing is indexed.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_FILTER_PLAN_H
#define DB_FILTER_PLAN_H

#include "db/filter_leaf.h"

struct filter_plan {
    bool indexed;
    bool exact;
    bool present; /* the ids are of points that are there; not so of "has_id" */
    struct id_set ids;
};

#define FILTER_PLAN_ALL SIZE_MAX

/* `n_wanted`: how many of the points that pass will be looked at, in the order of ids.
 * On failure there is nothing to release. */
enum err filter_plan_make(struct filter_plan *plan, const struct filter_in *in,
                          const struct filter *filter, size_t n_wanted) ERR_CHECK;

/* Accepts a zeroed one. */
void filter_plan_release(struct filter_plan *plan);

#endif
