/*
 * api_query_read.h - the queries of the dialect, from JSON into the library's struct
 * duet_query.
 *
 *     struct inputs inputs;
 *     struct query_request request = {0};
 *     inputs_init(&inputs, db, collection);
 *     TRY_OUT(query_read(&inputs, &root, &request));
 *     ... duet_search(db, collection, &request.query, &hits) ...
 *     inputs_release(&inputs);
 *
 * What a request points to lives as long as `inputs` and the JSON. Errors name the place,
 * as in "prefetch[1].query.recommend.positive[0]: is missing". Kinds of queries that are
 * not done here get ERR_UNSUPPORTED. One thread at a time.
 */
#ifndef NET_API_QUERY_READ_H
#define NET_API_QUERY_READ_H

#include "net/api_input.h"
#include "net/api_point_out.h"

struct query_request {
    struct duet_query query; /* of groups, query.k is their number */
    struct point_view view;
    bool is_grouped; /* the rest is said, too: */
    struct duet_grouping grouping;
    struct point_view lookup_view;
};

/* Reads one request of one of the routes below; whether it is for groups, is said before.
 */
typedef enum err query_reader(struct inputs *inputs, const struct field *root,
                              struct query_request *out);

/* …/points/query, and the older …/points/search and …/points/recommend. */
enum err query_read(struct inputs *inputs, const struct field *root,
                    struct query_request *out) ERR_CHECK;
enum err query_read_search(struct inputs *inputs, const struct field *root,
                           struct query_request *out) ERR_CHECK;
enum err query_read_recommend(struct inputs *inputs, const struct field *root,
                              struct query_request *out) ERR_CHECK;

/* The same with …/groups: `read` reads what is not about groups. */
enum err query_read_groups(struct inputs *inputs, const struct field *root,
                           query_reader *read, struct query_request *out) ERR_CHECK;

/* api_query_params.c: "params" into the query. */
enum err query_read_params(const struct field *f, struct duet_query *query) ERR_CHECK;

/* api_query_kinds.c: what stands in "query" (absent: all points), or, with "recommend" in
 * its place, in the body of an older request. */
enum err query_read_kind(struct inputs *inputs, const struct field *f,
                         struct duet_query *query) ERR_CHECK;
enum err query_read_recommend_input(struct inputs *inputs, const struct field *f,
                                    struct duet_query *query) ERR_CHECK;

#endif
