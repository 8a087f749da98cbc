/*
 * search_query.h - what `duet search` is asked with, from the command line: one text or
 * picture, a mix of several by their weights, or points to be like and unlike.
 *
 *     struct search_query q;
 *     search_query_init(&q);
 *     TRY_OUT(search_query_read(&q, cli));        // before anything is opened
 *     TRY_OUT(search_query_find(&q, &target));    // the ids of --like and --unlike
 *     ... target_search(&target, &q.query, &hits) ...
 *   out:
 *     search_query_release(&q);
 */
#ifndef CLI_SEARCH_QUERY_H
#define CLI_SEARCH_QUERY_H

#include "cli/target.h"

enum { SEARCH_EXAMPLES_MAX = 1 + 5 * CLI_LIST_MAX };

struct search_query {
    struct duet_query query;
    struct duet_example examples[SEARCH_EXAMPLES_MAX]; /* [query.n_examples] */
    const char
        *points[SEARCH_EXAMPLES_MAX]; /* what names the point of an example; NULL */
    char *owned[SEARCH_EXAMPLES_MAX]; /* [n_owned] strings */
    size_t n_owned;
};

void search_query_init(struct search_query *q);
void search_query_release(struct search_query *q);

/* ERR_INVALID: nothing is asked for, or what makes no sense together. */
enum err search_query_read(struct search_query *q, const struct cli *cli) ERR_CHECK;

/* Looks up the points. ERR_INVALID, ERR_NOT_FOUND. */
enum err search_query_find(struct search_query *q, struct target *target) ERR_CHECK;

#endif
