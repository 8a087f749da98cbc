/*
 * filter.h - which points a request means: the dialect's filter, compiled once and
 * asked of many points.
 *
 *     struct filter *filter;
 *     bool matches;
 *     TRY(filter_parse(&filter, "{\"must\": {\"key\": \"a\", \"match\": {\"value\": 1}}}"));
 *     TRY_OUT(filter_matches(filter, &(struct filter_point){id, collection, record},
 *                            &matches));
 *     ...
 *     filter_free(filter);
 *
 * docs/HTTP.md says what each condition means. To ask a filter costs the
 * reading of each point's payload, of which the members that paths begin with are parsed
 * and the rest is stepped over; conditions that ask for nothing of it (has_id,
 * has_vector, slice) are asked first.
 *
 * Threads: a filter does not change once it is there. Any number of threads may ask it
 * at once; filter_free must be alone.
 */
#ifndef DB_FILTER_H
#define DB_FILTER_H

#include "db/record.h"

struct filter;
struct filter_words;

/*
 * Compiles the JSON object `text`. ERR_INVALID and ERR_LIMIT begin with the way to the
 * mistake, as in "filter.must[2].range.gte: must be a number"; ERR_NOMEM. *out is NULL
 * then.
 */
enum err filter_parse(struct filter **out, const char *text) ERR_CHECK;

/* Accepts NULL. */
void filter_free(struct filter *filter);

/* What a filter may ask about. All borrowed. */
struct filter_point {
    struct duet_id id;
    const struct record_collection *collection;
    const struct record_point *record;
    /* What the collection's text indexes make of the filter's words (filter_words.h);
     * NULL: it has none. To be given wherever it may have: the answer depends on it. */
    const struct filter_words *words;
};

/* Whether the point passes. ERR_CORRUPT: its payload is no JSON; ERR_NOMEM. */
enum err filter_matches(const struct filter *filter, const struct filter_point *point,
                        bool *matches) ERR_CHECK;

#endif
