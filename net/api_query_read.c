/*
 * api_query_read.c - see api_query_read.h. A query and a prefetch are read by the same
 * code; what a root has in addition (the page, the view) is read around it.
 */
#include "net/api_query_read.h"

#include "base/limits.h"

enum { GROUP_SIZE_DEFAULT = 3 };

#define NO_SHARDS "shards are not supported"

/* ---- What queries and prefetches share ---- */

static enum err read_threshold(const struct field *f, struct duet_query *query)
{
    struct field threshold = field_get(f, "score_threshold");
    query->has_threshold = threshold.value != NULL;
    return field_float(&threshold, &query->score_threshold);
}

static enum err read_limit(const struct field *f, struct duet_query *query)
{
    struct field limit = field_get(f, "limit");
    TRY(field_size(&limit, &query->k));
    if (query->k == 0) {
        return field_fail(&limit, ERR_INVALID, "must be 1 or more");
    }
    if (query->k > LIMIT_K_MAX) {
        return field_fail(&limit, ERR_LIMIT, "is more than %d", LIMIT_K_MAX);
    }
    return ERR_OK;
}

static enum err read_lookup_from(const struct field *f, struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"collection", NULL}, {"vector", NULL}, {"shard_key", NO_SHARDS}, {NULL, NULL}};
    struct field lookup = field_get(f, "lookup_from");
    if (lookup.value == NULL) {
        return ERR_OK;
    }
    TRY(field_check(&lookup, rules));
    struct field collection = field_get(&lookup, "collection");
    struct field vector = field_get(&lookup, "vector");
    TRY(field_require(&collection));
    TRY(field_string(&collection, &query->lookup_from));
    return field_string(&vector, &query->lookup_space);
}

/* All that says which points are looked at, and how hard. */
static enum err read_scope(const struct field *f, struct duet_query *query)
{
    struct field using = field_get(f, "using");
    struct field filter = field_get(f, "filter");
    struct field params = field_get(f, "params");
    TRY(field_string(&using, &query->in));
    TRY(field_text(&filter, &query->filter));
    TRY(query_read_params(&params, query));
    TRY(read_threshold(f, query));
    return read_lookup_from(f, query);
}

/* What only makes sense together. */
static enum err check_kind(const struct field *f, const struct duet_query *query)
{
    bool is_fusion = query->kind == DUET_QUERY_RRF || query->kind == DUET_QUERY_DBSF;
    struct field input = field_get(f, "query");
    struct field using = field_get(f, "using");
    struct field threshold = field_get(f, "score_threshold");
    if (query->kind == DUET_QUERY_ALL && query->n_prefetch > 0) {
        return field_fail(&input, ERR_INVALID, "is needed to merge the prefetches");
    }
    if (query->has_threshold &&
        (query->kind == DUET_QUERY_ALL || query->kind == DUET_QUERY_ORDER)) {
        return field_fail(&threshold, ERR_INVALID, "needs a query that gives scores");
    }
    if (is_fusion && query->n_prefetch == 0) {
        return field_fail(&input, ERR_INVALID, "a fusion needs \"prefetch\"");
    }
    if (is_fusion && query->in != NULL) {
        return field_fail(&using, ERR_INVALID, "can't stand beside a fusion");
    }
    return ERR_OK;
}

/* ---- Prefetches ---- */

static enum err read_body(struct inputs *inputs, const struct field *f, size_t depth,
                          struct duet_query *query);

static enum err read_prefetch(struct inputs *inputs, const struct field *f,
                              size_t depth, struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"prefetch", NULL}, {"query", NULL},       {"using", NULL},
        {"filter", NULL},   {"params", NULL},      {"score_threshold", NULL},
        {"limit", NULL},    {"lookup_from", NULL}, {NULL, NULL},
    };
    if (!json_object_is_type(f->value, json_type_object)) {
        return field_fail(f, ERR_INVALID, "must be an object");
    }
    if (depth > LIMIT_QUERY_DEPTH) {
        return field_fail(f, ERR_LIMIT,
                          "prefetches stand in one another more than %d "
                          "deep",
                          LIMIT_QUERY_DEPTH);
    }
    TRY(field_check(f, rules));
    *query = DUET_QUERY_DEFAULT;
    TRY(read_limit(f, query));
    return read_body(inputs, f, depth, query);
}

/* An array of prefetches, or one by itself, or none. */
static enum err read_prefetches(struct inputs *inputs, const struct field *f,
                                size_t depth, struct duet_query *query)
{
    struct duet_query *prefetch;
    bool is_list = json_object_is_type(f->value, json_type_array);
    size_t n = is_list ? field_length(f) : f->value != NULL;
    if (n > LIMIT_QUERY_PREFETCHES - inputs->n_prefetch) {
        return field_fail(f, ERR_LIMIT, "the query has more than %d prefetches",
                          LIMIT_QUERY_PREFETCHES);
    }
    inputs->n_prefetch += n;
    TRY(inputs_take(inputs, n, sizeof *prefetch, &prefetch));
    if (!is_list && n == 1) {
        TRY(read_prefetch(inputs, f, depth + 1, prefetch));
    }
    for (size_t i = 0; is_list && i < n; i++) {
        struct field item = field_item(f, i);
        TRY(field_require(&item));
        TRY(read_prefetch(inputs, &item, depth + 1, &prefetch[i]));
    }
    query->prefetch = prefetch;
    query->n_prefetch = n;
    return ERR_OK;
}

/* "prefetch" is read before "query", whose weights are counted by it. */
static enum err read_body(struct inputs *inputs, const struct field *f, size_t depth,
                          struct duet_query *query)
{
    struct field prefetch = field_get(f, "prefetch");
    struct field input = field_get(f, "query");
    TRY(read_scope(f, query));
    TRY(read_prefetches(inputs, &prefetch, depth, query));
    TRY(query_read_kind(inputs, &input, query));
    return check_kind(f, query);
}

/* ---- Roots ---- */

/* The page and the view: what only a root has. */
static enum err read_root(const struct field *root, struct query_request *out)
{
    struct duet_query *query = &out->query;
    struct field offset = field_get(root, "offset");
    *query = DUET_QUERY_DEFAULT;
    TRY(read_limit(root, query));
    TRY(field_size(&offset, &query->offset));
    if (query->offset > LIMIT_K_MAX - query->k) {
        return field_fail(&offset, ERR_LIMIT, "reaches past the first %d results",
                          LIMIT_K_MAX);
    }
    TRY(point_view_read(root, false, &out->view));
    query->payload = out->view.payload;
    query->vectors = out->view.vectors;
    return ERR_OK;
}

/* What the bodies of all routes may hold. */
static const struct field_rule common_rules[] = {
    {"using", NULL},
    {"filter", NULL},
    {"params", NULL},
    {"limit", NULL},
    {"score_threshold", NULL},
    {"with_payload", NULL},
    {"with_vector", NULL},
    {"lookup_from", NULL},
    {"duet", NULL},
    {"shard_key", NO_SHARDS},
    {NULL, NULL},
};
static const struct field_rule page_rules[] = {{"offset", NULL}, {NULL, NULL}};
static const struct field_rule group_rules[] = {
    {"group_by", NULL}, {"group_size", NULL}, {"with_lookup", NULL}, {NULL, NULL}};

static size_t add_rules(struct field_rule *rules, size_t n,
                        const struct field_rule *more)
{
    for (; more->key != NULL; more++) {
        rules[n++] = *more;
    }
    return n;
}

/* Whether the body holds nothing but that, what the route is about (`own`), and what
 * belongs to a page or to groups. */
static enum err check_body(const struct field *root, const struct field_rule *own,
                           const struct query_request *request)
{
    struct field_rule rules[32] = {{NULL, NULL}};
    size_t n = add_rules(rules, 0, own);
    n = add_rules(rules, n, common_rules);
    add_rules(rules, n, request->is_grouped ? group_rules : page_rules);
    return field_check(root, rules);
}

enum err query_read(struct inputs *inputs, const struct field *root,
                    struct query_request *out)
{
    static const struct field_rule own[] = {
        {"query", NULL}, {"prefetch", NULL}, {NULL, NULL}};
    TRY(check_body(root, own, out));
    TRY(read_root(root, out));
    inputs->n_prefetch = 0;
    return read_body(inputs, root, 0, &out->query);
}

/* {"name": …, "vector": […]}, or the vector by itself. */
static enum err read_named_vector(struct inputs *inputs, const struct field *f,
                                  struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"name", NULL}, {"vector", NULL}, {NULL, NULL}};
    struct field name = field_get(f, "name");
    struct field vector = field_get(f, "vector");
    TRY(field_require(f));
    if (vector.value == NULL) {
        return input_read_vector(inputs, f, &query->input);
    }
    TRY(field_check(f, rules));
    TRY(field_string(&name, &query->in));
    return input_read_vector(inputs, &vector, &query->input);
}

enum err query_read_search(struct inputs *inputs, const struct field *root,
                           struct query_request *out)
{
    static const struct field_rule own[] = {{"vector", NULL}, {NULL, NULL}};
    struct field vector = field_get(root, "vector");
    TRY(check_body(root, own, out));
    TRY(read_root(root, out));
    TRY(read_scope(root, &out->query));
    return read_named_vector(inputs, &vector, &out->query);
}

enum err query_read_recommend(struct inputs *inputs, const struct field *root,
                              struct query_request *out)
{
    static const struct field_rule own[] = {
        {"positive", NULL}, {"negative", NULL}, {"strategy", NULL}, {NULL, NULL}};
    TRY(check_body(root, own, out));
    TRY(read_root(root, out));
    TRY(read_scope(root, &out->query));
    return query_read_recommend_input(inputs, root, &out->query);
}

/* ---- Groups ---- */

/* "with_lookup": a collection's name, or an object that says what of its points. */
static enum err read_with_lookup(const struct field *f, struct query_request *out)
{
    static const struct field_rule rules[] = {{"collection", NULL},
                                              {"with_payload", NULL},
                                              {"with_vectors", NULL},
                                              {NULL, NULL}};
    struct duet_grouping *g = &out->grouping;
    out->lookup_view = (struct point_view){.payload = true};
    if (json_object_is_type(f->value, json_type_object)) {
        struct field collection = field_get(f, "collection");
        struct field with_payload = field_get(f, "with_payload");
        struct field with_vectors = field_get(f, "with_vectors");
        TRY(field_check(f, rules));
        TRY(field_require(&collection));
        TRY(field_string(&collection, &g->lookup));
        TRY(point_view_read_parts(&with_payload, &with_vectors, &out->lookup_view));
    } else {
        TRY(field_string(f, &g->lookup));
    }
    g->lookup_payload = out->lookup_view.payload;
    g->lookup_vectors = out->lookup_view.vectors;
    return ERR_OK;
}

enum err query_read_groups(struct inputs *inputs, const struct field *root,
                           query_reader *read, struct query_request *out)
{
    struct duet_grouping *g = &out->grouping;
    struct field group_by = field_get(root, "group_by");
    struct field group_size = field_get(root, "group_size");
    struct field with_lookup = field_get(root, "with_lookup");
    *out = (struct query_request){.is_grouped = true};
    TRY(read(inputs, root, out));
    *g = (struct duet_grouping){.size = GROUP_SIZE_DEFAULT};
    TRY(field_require(&group_by));
    TRY(field_string(&group_by, &g->path));
    TRY(field_size(&group_size, &g->size));
    if (g->size == 0) {
        return field_fail(&group_size, ERR_INVALID, "must be 1 or more");
    }
    return read_with_lookup(&with_lookup, out);
}
