/*
 * api.c - the table of routes, and the envelope around every answer. See api.h.
 */
#include "net/api.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_err.h"

#define COLLECTION "/collections/{collection_name}"

const struct route api_routes[] = {
    {"GET", "/", api_version, ROUTE_RAW | ROUTE_INLINE},
    {"GET", "/healthz", api_health, ROUTE_RAW | ROUTE_INLINE | ROUTE_OPEN},
    {"GET", "/livez", api_health, ROUTE_RAW | ROUTE_INLINE | ROUTE_OPEN},
    {"GET", "/readyz", api_health, ROUTE_RAW | ROUTE_INLINE | ROUTE_OPEN},
    {"GET", "/metrics", api_metrics, ROUTE_RAW},
    {"GET", "/telemetry", api_telemetry, 0},
    {"GET", "/openapi.json", api_openapi, ROUTE_RAW | ROUTE_INLINE},
    {"GET", "/dashboard", api_page_index, ROUTE_RAW | ROUTE_INLINE | ROUTE_OPEN},
    {"GET", "/dashboard/{file}", api_page_file, ROUTE_RAW | ROUTE_INLINE | ROUTE_OPEN},
    {"GET", "/collections", api_collections_list, 0},
    {"GET", COLLECTION, api_collection_get, 0},
    {"PUT", COLLECTION, api_collection_create, 0},
    {"DELETE", COLLECTION, api_collection_drop, 0},
    {"PATCH", COLLECTION, api_collection_update, 0},
    {"GET", COLLECTION "/exists", api_collection_exists, 0},
    {"PUT", COLLECTION "/vectors/{vector_name}", api_space_add, 0},
    {"DELETE", COLLECTION "/vectors/{vector_name}", api_space_remove, 0},
    {"PUT", COLLECTION "/index", api_index_create, 0},
    {"DELETE", COLLECTION "/index/{field_name}", api_index_remove, 0},
    {"POST", "/collections/aliases", api_aliases_change, 0},
    {"GET", "/aliases", api_aliases_list, 0},
    {"GET", COLLECTION "/aliases", api_aliases_of_collection, 0},
    {"PUT", COLLECTION "/points", api_points_upsert, 0},
    {"POST", COLLECTION "/points", api_points_get, ROUTE_READS},
    {"POST", COLLECTION "/points/query", api_points_query, ROUTE_READS},
    {"POST", COLLECTION "/points/query/batch", api_points_query_batch, ROUTE_READS},
    {"POST", COLLECTION "/points/query/groups", api_points_query_groups, ROUTE_READS},
    {"POST", COLLECTION "/points/search", api_points_search, ROUTE_READS},
    {"POST", COLLECTION "/points/search/batch", api_points_search_batch, ROUTE_READS},
    {"POST", COLLECTION "/points/search/groups", api_points_search_groups, ROUTE_READS},
    {"POST", COLLECTION "/points/recommend", api_points_recommend, ROUTE_READS},
    {"POST", COLLECTION "/points/recommend/batch", api_points_recommend_batch,
     ROUTE_READS},
    {"POST", COLLECTION "/points/recommend/groups", api_points_recommend_groups,
     ROUTE_READS},
    {"POST", COLLECTION "/points/scroll", api_points_scroll, ROUTE_READS},
    {"POST", COLLECTION "/points/count", api_points_count, ROUTE_READS},
    {"POST", COLLECTION "/facet", api_facet, ROUTE_READS},
    {"POST", COLLECTION "/points/delete", api_points_delete, 0},
    {"POST", COLLECTION "/points/payload", api_payload_set, 0},
    {"PUT", COLLECTION "/points/payload", api_payload_overwrite, 0},
    {"POST", COLLECTION "/points/payload/delete", api_payload_delete, 0},
    {"POST", COLLECTION "/points/payload/clear", api_payload_clear, 0},
    {"PUT", COLLECTION "/points/vectors", api_vectors_update, 0},
    {"POST", COLLECTION "/points/vectors/delete", api_vectors_delete, 0},
    {"POST", COLLECTION "/points/batch", api_points_batch, 0},
    {"GET", COLLECTION "/points/{id}", api_point_get, 0},
    {"GET", COLLECTION "/points/{id}/image", api_point_image, ROUTE_RAW},

    {"GET", COLLECTION "/snapshots", api_snapshots_list, 0},
    {"POST", COLLECTION "/snapshots", api_snapshot_create, 0},
    {"POST", COLLECTION "/snapshots/upload", api_snapshot_upload, 0},
    {"PUT", COLLECTION "/snapshots/recover", api_snapshot_recover, 0},
    {"GET", COLLECTION "/snapshots/{snapshot_name}", api_snapshot_download, ROUTE_RAW},
    {"PUT", COLLECTION "/snapshots/{snapshot_name}", api_snapshot_put, 0},
    {"DELETE", COLLECTION "/snapshots/{snapshot_name}", api_snapshot_delete, 0},
    {"GET", "/snapshots", api_snapshots_list, 0},
    {"POST", "/snapshots", api_snapshot_create, 0},
    {"GET", "/snapshots/{snapshot_name}", api_snapshot_download, ROUTE_RAW},
    {"DELETE", "/snapshots/{snapshot_name}", api_snapshot_delete, 0},
    {"POST", COLLECTION "/labels", api_labels, ROUTE_READS},
    {"POST", COLLECTION "/import", api_import, ROUTE_RAW},
    {"POST", COLLECTION "/upload", api_upload, 0},
    {"POST", "/v1/embeddings", api_embeddings, ROUTE_RAW | ROUTE_OPENAI | ROUTE_READS},

    /* Of the dialect, and not done yet: told as such instead of "no such path". */
    {"POST", COLLECTION "/points/discover", api_unsupported, ROUTE_READS},
    {"POST", COLLECTION "/points/discover/batch", api_unsupported, ROUTE_READS},
    {"POST", COLLECTION "/points/search/matrix/pairs", api_unsupported, ROUTE_READS},
    {"POST", COLLECTION "/points/search/matrix/offsets", api_unsupported, ROUTE_READS},
    {"GET", COLLECTION "/cluster", api_unsupported, 0},
    {"GET", "/cluster", api_unsupported, 0},

    /* Of the dialect, and not meant to be done: api_unsupported.c says why. */
    {"POST", COLLECTION "/cluster", api_unsupported, 0},
    {"GET", COLLECTION "/optimizations", api_unsupported, 0},
    {"GET", COLLECTION "/shards", api_unsupported, 0},
    {"PUT", COLLECTION "/shards", api_unsupported, 0},
    {"POST", COLLECTION "/shards/delete", api_unsupported, 0},
    {"GET", COLLECTION "/shards/{shard_id}/snapshot", api_unsupported, 0},
    {"GET", COLLECTION "/shards/{shard_id}/snapshots", api_unsupported, 0},
    {"POST", COLLECTION "/shards/{shard_id}/snapshots", api_unsupported, 0},
    {"POST", COLLECTION "/shards/{shard_id}/snapshots/upload", api_unsupported, 0},
    {"PUT", COLLECTION "/shards/{shard_id}/snapshots/recover", api_unsupported, 0},
    {"GET", COLLECTION "/shards/{shard_id}/snapshots/{snapshot_name}", api_unsupported,
     0},
    {"DELETE", COLLECTION "/shards/{shard_id}/snapshots/{snapshot_name}",
     api_unsupported, 0},
    {"GET", "/cluster/telemetry", api_unsupported, 0},
    {"POST", "/cluster/recover", api_unsupported, 0},
    {"DELETE", "/cluster/peer/{peer_id}", api_unsupported, 0},
    {"GET", "/issues", api_unsupported, 0},
    {"DELETE", "/issues", api_unsupported, 0},
    {"GET", "/quotas", api_unsupported, 0},
    {"PUT", "/quotas", api_unsupported, 0},

    /* Of the dialect's earlier versions. */
    {"POST", "/locks", api_unsupported, 0},
    {"GET", "/locks", api_unsupported, 0},
};
const size_t api_n_routes = sizeof api_routes / sizeof api_routes[0];

void api_call_init(struct api_call *call, const struct api *api)
{
    memset(call, 0, sizeof *call);
    call->api = api;
    call->start_ns = clock_monotonic_ns();
    call->status = 200;
    call->file_fd = -1;
    call->type = "application/json";
    call->csp = "default-src 'none'; frame-ancestors 'none'";
    call->cache = "no-store";
    out_init(&call->out, LIMIT_REPLY_BYTES);
}

static void drop_file(struct api_call *call)
{
    if (call->file_fd >= 0) {
        close(call->file_fd);
        call->file_fd = -1;
    }
}

void api_call_release(struct api_call *call)
{
    out_release(&call->out);
    drop_file(call);
    json_object_put(call->json);
    call->json = NULL;
}

static double elapsed_s(const struct api_call *call)
{
    return (double)(clock_monotonic_ns() - call->start_ns) / 1e9;
}

/* {"error": {"message", "type", "param", "code"}}, as clients of OpenAI's API read it. */
static void write_openai_error(struct json_out *out, int status, const char *sentence)
{
    out_begin(out, '{');
    out_key(out, "error");
    out_begin(out, '{');
    out_key(out, "message");
    out_string(out, sentence);
    out_key(out, "type");
    out_string(out, status < 500 ? "invalid_request_error" : "server_error");
    out_key(out, "param");
    out_null(out);
    out_key(out, "code");
    out_null(out);
    out_end(out, '}');
    out_end(out, '}');
}

void api_call_fail(struct api_call *call, int status, const char *sentence)
{
    struct json_out *out = &call->out;
    const struct route *route = call->match.route;
    call->status = status;
    call->type = "application/json";
    call->cache = "no-store";
    call->disposition = NULL;
    drop_file(call);
    out_clear(out);
    if (route != NULL && (route->flags & ROUTE_OPENAI) != 0) {
        write_openai_error(out, status, sentence);
        return;
    }
    out_begin(out, '{');
    out_key(out, "status");
    out_begin(out, '{');
    out_key(out, "error");
    out_string(out, sentence);
    out_end(out, '}');
    out_key(out, "time");
    out_double(out, elapsed_s(call));
    out_end(out, '}');
}

static enum err run_with_envelope(struct api_call *call)
{
    struct json_out *out = &call->out;
    out_begin(out, '{');
    out_key(out, "result");
    TRY(call->match.route->run(call));
    out_key(out, "status");
    out_string(out, "ok");
    out_key(out, "time");
    out_double(out, elapsed_s(call));
    out_end(out, '}');
    return out->failed;
}

static enum err run_raw(struct api_call *call)
{
    TRY(call->match.route->run(call));
    return call->out.failed;
}

void api_call_run(struct api_call *call)
{
    bool is_raw = (call->match.route->flags & ROUTE_RAW) != 0;
    enum err result = is_raw ? run_raw(call) : run_with_envelope(call);
    if (result != ERR_OK) {
        char sentence[ERR_DETAIL_MAX]; /* api_call_fail may start errors of its own */
        memcpy(sentence, err_detail(), sizeof sentence);
        api_call_fail(call, http_status_of(result), sentence);
    }
}

enum err api_call_json(struct api_call *call, struct field *root)
{
    *root = field_root(NULL);
    if (call->n_body == 0) {
        return ERR_OK;
    }
    enum err result = json_parse(&call->json, call->body, call->n_body);
    if (result != ERR_OK) {
        return err_prefix(result, "the body");
    }
    *root = field_root(call->json);
    FAIL_IF(call->json == NULL, ERR_INVALID, "the JSON body: must be an object");
    return field_object(root);
}

/* Whether one of the parts of the URL's query is name=value, or with `value` NULL just
 * the name. */
static bool has_part(const struct api_call *call, const char *name, const char *value)
{
    size_t n = strlen(name);
    const char *p = call->query != NULL ? call->query : "";
    while (*p != '\0') {
        size_t length = strcspn(p, "&");
        if (length >= n && strncmp(p, name, n) == 0) {
            const char *rest = p + n;
            size_t n_rest = length - n;
            if (value == NULL ? n_rest == 0
                              : n_rest == strlen(value) + 1 && rest[0] == '=' &&
                                    strncmp(rest + 1, value, n_rest - 1) == 0) {
                return true;
            }
        }
        p += length + (p[length] == '&');
    }
    return false;
}

/* What was asked with, if it is one thing. */
static enum duet_input_kind asked_with(const struct duet_query *queries, size_t n)
{
    return n == 1 && queries[0].kind == DUET_QUERY_NEAREST ? queries[0].input.kind
                                                           : DUET_INPUT_NONE;
}

void api_call_note_search(struct api_call *call, const struct duet_query *queries,
                          size_t n, size_t n_compared, uint64_t start_ns)
{
    double seconds = (double)(clock_monotonic_ns() - start_ns) / 1e9;
    enum duet_input_kind asked = asked_with(queries, n);
    metrics_search(call->api->metrics, asked, seconds);
    call->searched.asked = metrics_input_name(asked);
    call->searched.n_compared = n_compared;
    for (size_t i = 0; i < n; i++) {
        const char *filter = queries[i].filter;
        call->searched.n_filter += filter != NULL ? strlen(filter) : 0;
    }
}

const char *api_call_collection(const struct api_call *call)
{
    static const char prefix[] = COLLECTION;
    const struct route *route = call->match.route;
    bool has_one =
        route != NULL && strncmp(route->pattern, prefix, sizeof prefix - 1) == 0;
    return has_one ? call->match.params[0] : NULL;
}

bool api_call_asks(const struct api_call *call, const char *name)
{
    return has_part(call, name, NULL) || has_part(call, name, "true");
}

bool api_call_says(const struct api_call *call, const char *name, const char *value)
{
    return has_part(call, name, value);
}
