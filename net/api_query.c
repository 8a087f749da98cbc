/*
 * api_query.c - POST …/points/query: the search.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_input.h"
#include "net/api_point_out.h"
#include <limits.h>

static const struct field_rule query_rules[] = {
    {"query", NULL},
    {"using", NULL},
    {"limit", NULL},
    {"offset", NULL},
    {"with_payload", NULL},
    {"with_vector", NULL},
    {"score_threshold", NULL},
    {"params", NULL},
    {"duet", NULL},
    {"filter", NULL},
    {"prefetch", "prefetch is not supported"},
    {"lookup_from", "lookup_from is not supported"},
    {"shard_key", "shards are not supported"},
    {NULL, NULL},
};

static const struct field_rule params_rules[] = {
    {"exact", NULL},
    {"hnsw_ef", NULL},
    {"quantization", NULL},
    {"indexed_only", NULL},
    {"acorn", "acorn is not supported"},
    {"idf", "sparse vectors are not supported"},
    {NULL, NULL},
};

static const struct field_rule quantization_rules[] = {
    {"oversampling", NULL},
    {"rescore", NULL},
    {"ignore", NULL},
    {NULL, NULL},
};

/* "rescore" is always done, and "ignore" is what `exact` does better. */
static enum err read_quantization(const struct field *f, struct duet_query *query)
{
    float oversampling = 0;
    bool rescore = true, ignore = false;
    TRY(field_check(f, quantization_rules));
    struct field oversampling_field = field_get(f, "oversampling");
    struct field rescore_field = field_get(f, "rescore");
    struct field ignore_field = field_get(f, "ignore");
    TRY(field_float(&oversampling_field, &oversampling));
    TRY(field_bool(&rescore_field, &rescore));
    TRY(field_bool(&ignore_field, &ignore));
    if (oversampling_field.value != NULL && (oversampling < 1 || oversampling > 1000)) {
        return field_fail(&oversampling_field, ERR_INVALID, "must be 1 to 1000");
    }
    query->oversampling = (unsigned)(oversampling + 0.5f);
    query->exact = query->exact || ignore;
    return ERR_OK;
}

static enum err read_params(const struct field *f, struct duet_query *query)
{
    bool indexed_only = false;
    TRY(field_check(f, params_rules));
    struct field exact = field_get(f, "exact");
    struct field ef_field = field_get(f, "hnsw_ef");
    struct field quantization = field_get(f, "quantization");
    struct field indexed_only_field = field_get(f, "indexed_only");
    size_t ef = 0;
    TRY(field_size(&ef_field, &ef));
    query->ef =
        ef < UINT_MAX ? (unsigned)ef : UINT_MAX; /* the index has its own limit */
    TRY(field_bool(&exact, &query->exact));
    TRY(field_bool(&indexed_only_field, &indexed_only));
    if (indexed_only) {
        return field_fail(&indexed_only_field, ERR_UNSUPPORTED,
                          "everything is always searched");
    }
    return read_quantization(&quantization, query);
}

static enum err read_range(const struct field *root, struct duet_query *query)
{
    struct field limit = field_get(root, "limit");
    struct field offset = field_get(root, "offset");
    TRY(field_size(&limit, &query->k));
    TRY(field_size(&offset, &query->offset));
    if (query->k == 0) {
        return field_fail(&limit, ERR_INVALID, "must be 1 or more");
    }
    if (query->k > LIMIT_K_MAX) {
        return field_fail(&limit, ERR_LIMIT, "is more than %d", LIMIT_K_MAX);
    }
    if (query->offset > LIMIT_K_MAX - query->k) {
        return field_fail(&offset, ERR_LIMIT, "reaches past the first %d results",
                          LIMIT_K_MAX);
    }
    return ERR_OK;
}

static enum err read_query(const struct field *root, struct inputs *inputs,
                           struct duet_query *query, struct point_view *view)
{
    TRY(field_check(root, query_rules));
    struct field input = field_get(root, "query");
    struct field using = field_get(root, "using");
    struct field params = field_get(root, "params");
    struct field threshold = field_get(root, "score_threshold");
    *query = DUET_QUERY_DEFAULT;
    struct field filter = field_get(root, "filter");
    TRY(field_text(&filter, &query->filter));
    TRY(input_read_query(inputs, &input, &query->input));
    TRY(field_string(&using, &query->in));
    TRY(read_range(root, query));
    TRY(read_params(&params, query));
    TRY(field_float(&threshold, &query->score_threshold));
    query->has_threshold = threshold.value != NULL;
    TRY(point_view_read(root, false, view));
    query->payload = view->payload;
    query->vectors = view->vectors;
    return ERR_OK;
}

static enum err write_hits(struct api_call *call, const struct point_view *view,
                           const struct duet_hits *hits)
{
    struct json_out *out = &call->out;
    out_begin(out, '{');
    out_key(out, "points");
    out_begin(out, '[');
    for (size_t i = 0; i < hits->n; i++) {
        TRY(point_write(out, view, &hits->hits[i], true));
    }
    out_end(out, ']');
    if (hits->truncated) {
        out_key(out, "duet");
        out_begin(out, '{');
        out_key(out, "truncated");
        out_bool(out, true);
        out_end(out, '}');
    }
    out_end(out, '}');
    return ERR_OK;
}

enum err api_points_query(struct api_call *call)
{
    const char *collection = call->match.params[0];
    struct field root;
    struct inputs inputs;
    struct duet_query query;
    struct point_view view;
    struct duet_hits hits = {0};
    inputs_init(&inputs, call->api->db, collection);
    enum err result;
    TRY_OUT(api_call_json(call, &root));
    TRY_OUT(read_query(&root, &inputs, &query, &view));
    uint64_t start_ns = clock_monotonic_ns();
    TRY_OUT(duet_search(call->api->db, collection, &query, &hits));
    metrics_search(call->api->metrics, query.input.kind,
                   (double)(clock_monotonic_ns() - start_ns) / 1e9);
    TRY_OUT(write_hits(call, &view, &hits));
out:
    duet_hits_release(&hits);
    inputs_release(&inputs);
    return result;
}
