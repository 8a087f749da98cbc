/*
 * api.h - the dialect: its routes, and one call of one of them from request to reply.
 *
 *     struct api_call call;
 *     api_call_init(&call, api);
 *     call.match = match;                     // from route_find(api_routes, ...)
 *     call.body = body; call.n_body = n;
 *     api_call_run(&call);                    // never fails: an error is a reply too
 *     send(call.status, call.type, call.out.text);
 *     api_call_release(&call);
 *
 * A handler reads call->match.params, api_call_json and api_call_asks, and writes one
 * JSON value, the "result" of the dialect's envelope, to call->out; a ROUTE_RAW handler
 * writes the whole body and sets `type`. What a handler returns becomes the status
 * (http_err.h), and the thread's error detail the sentence in the error envelope.
 *
 * Threads: a call belongs to one thread at a time and knows nothing of the event loop;
 * `struct api` is shared and only read.
 */
#ifndef NET_API_H
#define NET_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/field.h"
#include "net/json_out.h"
#include "net/metrics.h"
#include "net/route.h"

/* What all calls share. */
struct api {
    struct duet *db;
    struct metrics *metrics;
    struct image_urls *image_urls; /* NULL: pictures are not fetched from URLs */
    struct label_cache *labels;    /* NULL: none are kept */
};

struct api_call {
    const struct api *api;
    uint64_t start_ns;

    /* The request; pointers are borrowed until the call is released. */
    struct route_match match;
    const char *query;        /* "wait=true", not decoded; NULL or "": none */
    const char *content_type; /* of the body; NULL: not said */
    const char *body;         /* [n_body] */
    size_t n_body;

    /* The reply. */
    struct json_out out;
    int file_fd; /* the body is this file, and `out` is not sent; -1: none. Owned */
    uint64_t file_bytes;
    int status;
    const char *type;        /* of the content; static */
    const char *csp;         /* Content-Security-Policy; static */
    const char *cache;       /* Cache-Control; static */
    const char *disposition; /* Content-Disposition; static; NULL: not said */

    struct json_object *json; /* the body, parsed by api_call_json */

    /* What a search was, for the log; set by api_call_note_search. */
    struct {
        const char *asked; /* static; NULL: there was none */
        size_t n_compared, n_filter;
    } searched;
};

extern const struct route api_routes[];
extern const size_t api_n_routes;

void api_call_init(struct api_call *call, const struct api *api);
void api_call_release(struct api_call *call);

/* Runs the handler of call->match.route and fills in the reply. */
void api_call_run(struct api_call *call);

/* Makes the reply an error envelope, instead of running a handler. */
void api_call_fail(struct api_call *call, int status, const char *sentence);

/* For handlers: the body as JSON. An empty body is a root without value, as if every
 * field were absent. ERR_INVALID: not JSON, or no object. */
enum err api_call_json(struct api_call *call, struct field *root) ERR_CHECK;

/* For handlers: whether the URL says `name` or `name=true`. */
bool api_call_asks(const struct api_call *call, const char *name);

/* For handlers: queries[n] that succeeded, begun at `start_ns`, comparing so many vectors
 * in all; for the metrics and the log of slow queries. */
void api_call_note_search(struct api_call *call, const struct duet_query *queries,
                          size_t n, size_t n_compared, uint64_t start_ns);

/* The collection that the path names; NULL: none. Borrowed from the call. */
const char *api_call_collection(const struct api_call *call);
/* For handlers: whether the URL says `name=value`, letter for letter. */
bool api_call_says(const struct api_call *call, const char *name, const char *value);
/* For handlers: the decoded value of `name` in the URL into value[size]; false where it
 * is not there, or too long. */
bool api_call_value(const struct api_call *call, const char *name, char *value,
                    size_t size);
/* The same as a whole number; *out stays where it is not there. ERR_INVALID. */
enum err api_call_number(const struct api_call *call, const char *name, uint64_t *out)
    ERR_CHECK;

/* The handlers, by file. */

/* api_service.c */
enum err api_version(struct api_call *call);
enum err api_health(struct api_call *call);
enum err api_metrics(struct api_call *call);
enum err api_telemetry(struct api_call *call);

/* api_unsupported.c */
enum err api_unsupported(struct api_call *call);

/* api_collections.c */
enum err api_collections_list(struct api_call *call);
enum err api_collection_get(struct api_call *call);
enum err api_collection_create(struct api_call *call);
enum err api_collection_drop(struct api_call *call);
enum err api_collection_exists(struct api_call *call);
enum err api_collection_update(struct api_call *call);
enum err api_space_add(struct api_call *call);
enum err api_space_remove(struct api_call *call);

/* api_indexes.c */
enum err api_index_create(struct api_call *call);
enum err api_index_remove(struct api_call *call);

/* For handlers: the object "payload_schema" of a collection. */
enum err api_write_payload_schema(struct api_call *call, const char *collection)
    ERR_CHECK;

/* api_aliases.c */
enum err api_aliases_change(struct api_call *call);
enum err api_aliases_list(struct api_call *call);
enum err api_aliases_of_collection(struct api_call *call);

/* api_operations.c */
enum err api_points_upsert(struct api_call *call);
enum err api_points_delete(struct api_call *call);
enum err api_payload_set(struct api_call *call);
enum err api_payload_overwrite(struct api_call *call);
enum err api_payload_delete(struct api_call *call);
enum err api_payload_clear(struct api_call *call);
enum err api_vectors_update(struct api_call *call);
enum err api_vectors_delete(struct api_call *call);
enum err api_points_batch(struct api_call *call);

/* For handlers: {"status": "completed"}, a write that returned being on disk whatever
 * `wait` said. */
void api_write_completed(struct json_out *out);

/* For handlers: a point to be written, as in an upsert; a line of `duet export` too where
 * `lines`. What it points to lives as long as `inputs` and the JSON; point->vectors is
 * the caller's, alloc_free, also after a failure. */
struct inputs;
enum err api_read_point(struct inputs *inputs, const struct field *f, bool lines,
                        struct duet_point_input *point) ERR_CHECK;

/* For handlers: the ids of an array; *ids is the caller's, alloc_free. */
enum err api_read_ids(const struct field *list, struct duet_id **ids, size_t *n)
    ERR_CHECK;

/* api_points.c */
enum err api_points_get(struct api_call *call);
enum err api_points_scroll(struct api_call *call);
enum err api_points_count(struct api_call *call);
enum err api_point_get(struct api_call *call);
enum err api_point_image(struct api_call *call);

/* api_query.c */
enum err api_points_query(struct api_call *call);
enum err api_points_query_batch(struct api_call *call);
enum err api_points_query_groups(struct api_call *call);
enum err api_points_search(struct api_call *call);
enum err api_points_search_batch(struct api_call *call);
enum err api_points_search_groups(struct api_call *call);
enum err api_points_recommend(struct api_call *call);
enum err api_points_recommend_batch(struct api_call *call);
enum err api_points_recommend_groups(struct api_call *call);

/* api_facet.c */
enum err api_facet(struct api_call *call);

/* api_snapshots.c; the last five also without a collection: of the whole database */
enum err api_snapshot_upload(struct api_call *call);
enum err api_snapshot_recover(struct api_call *call);
enum err api_snapshot_create(struct api_call *call);
enum err api_snapshots_list(struct api_call *call);
enum err api_snapshot_download(struct api_call *call);
enum err api_snapshot_delete(struct api_call *call);
enum err api_snapshot_put(struct api_call *call);

/* Beyond the dialect: api_embeddings.c, api_labels.c, api_import.c, api_upload.c */
enum err api_embeddings(struct api_call *call);
enum err api_labels(struct api_call *call);
enum err api_import(struct api_call *call);
enum err api_upload(struct api_call *call);

/* openapi.c */
enum err api_openapi(struct api_call *call);

/* page.c */
enum err api_page_index(struct api_call *call);
enum err api_page_file(struct api_call *call);

#endif
