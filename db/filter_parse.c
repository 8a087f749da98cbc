/*
 * filter_parse.c - a filter's JSON into its tree: clauses and the conditions that are
 * not about a field's values.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/filter_tree.h"

enum err filter_take(struct filter *filter, size_t n, size_t size, void *out)
{
    void *items = arena_array(&filter->arena, n, size);
    memcpy(out, &items, sizeof items);
    return items == NULL ? ERR_NOMEM : ERR_OK;
}

/* The steps of `a`, then those of `b`. */
static enum err join_paths(struct filter *filter, const struct payload_path *a,
                           const struct payload_path *b, struct payload_path *out)
{
    struct payload_step *steps;
    if (a->n == 0) {
        *out = *b;
        return ERR_OK;
    }
    TRY(filter_take(filter, a->n + b->n, sizeof *steps, &steps));
    memcpy(steps, a->steps, a->n * sizeof *steps);
    memcpy(steps + a->n, b->steps, b->n * sizeof *steps);
    *out = (struct payload_path){steps, a->n + b->n};
    return ERR_OK;
}

enum err filter_read_path(struct filter *filter, const struct field *f,
                          struct filter_node *node)
{
    struct field key = field_get(f, "key");
    const char *text;
    TRY(field_require(&key));
    TRY(field_string(&key, &text));
    enum err result = payload_path_parse(&node->path, &filter->arena, text);
    if (result != ERR_OK) {
        return field_prefix(&key, result);
    }
    if (filter->around.n == 0) { /* else it begins within an element */
        const char *first = node->path.steps[0].key;
        filter->keys[filter->picks.n++] = (struct bytes){first, strlen(first)};
    }
    return join_paths(filter, &filter->around, &node->path, &node->full);
}

/* The keys that paths begin with, once each. */
static void sort_picks(struct filter *filter)
{
    struct bytes *keys = filter->keys;
    size_t n = 0;
    qsort(keys, filter->picks.n, sizeof *keys, payload_key_compare);
    for (size_t i = 0; i < filter->picks.n; i++) {
        if (n == 0 || payload_key_compare(&keys[i], &keys[n - 1]) != 0) {
            keys[n++] = keys[i];
        }
    }
    filter->picks = (struct payload_keys){keys, n};
}

/* ---- Conditions on the point itself ---- */

static enum err read_id(const struct field *f, struct duet_id *id)
{
    *id = (struct duet_id){0};
    if (json_object_is_type(f->value, json_type_int) &&
        json_object_get_int64(f->value) >= 0) {
        id->number = json_object_get_uint64(f->value);
        return ERR_OK;
    }
    bool is_uuid = json_object_is_type(f->value, json_type_string) &&
                   duet_id_parse(id, json_object_get_string(f->value)) == ERR_OK &&
                   id->is_uuid;
    return is_uuid ? ERR_OK
                   : field_fail(f, ERR_INVALID, "must be a whole number or a UUID");
}

static int compare_ids(const void *a, const void *b)
{
    return duet_id_compare(*(const struct duet_id *)a, *(const struct duet_id *)b);
}

static enum err read_has_id(struct filter *filter, const struct field *f,
                            struct filter_node *node)
{
    struct duet_id *ids;
    size_t n = field_length(f), n_kept = 0;
    node->kind = FILTER_HAS_ID;
    TRY(field_array(f, LIMIT_FILTER_VALUES));
    TRY(filter_take(filter, n, sizeof *ids, &ids));
    for (size_t i = 0; i < n; i++) {
        struct field item = field_item(f, i);
        TRY(read_id(&item, &ids[i]));
    }
    qsort(ids, n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < n; i++) { /* one may be named twice */
        if (n_kept == 0 || compare_ids(&ids[i], &ids[n_kept - 1]) != 0) {
            ids[n_kept++] = ids[i];
        }
    }
    node->ids.items = ids;
    node->ids.n = n_kept;
    return ERR_OK;
}

static enum err read_has_vector(struct filter *filter, const struct field *f,
                                struct filter_node *node)
{
    const char *name;
    (void)filter;
    node->kind = FILTER_HAS_VECTOR;
    TRY(field_string(f, &name));
    node->text = (struct bytes){name, strlen(name)};
    return ERR_OK;
}

static enum err read_slice(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"total", NULL}, {"index", NULL}, {NULL, NULL}};
    size_t total = 0, i = 0;
    (void)filter;
    node->kind = FILTER_SLICE;
    TRY(field_check(f, rules));
    struct field total_field = field_get(f, "total");
    struct field i_field = field_get(f, "index");
    TRY(field_require(&total_field));
    TRY(field_require(&i_field));
    TRY(field_size(&total_field, &total));
    TRY(field_size(&i_field, &i));
    if (total == 0 || total > UINT32_MAX) {
        return field_fail(&total_field, ERR_INVALID, "must be 1 to 2^32 - 1");
    }
    if (i >= total) {
        return field_fail(&i_field, ERR_INVALID, "must be less than \"total\"");
    }
    node->slice.total = total;
    node->slice.i = i;
    return ERR_OK;
}

/* {"key": path}: of "is_empty" and "is_null" by themselves. */
static enum err read_absence(struct filter *filter, const struct field *f,
                             struct filter_node *node)
{
    static const struct field_rule rules[] = {{"key", NULL}, {NULL, NULL}};
    node->kind = strcmp(f->key, "is_null") == 0 ? FILTER_IS_NULL : FILTER_IS_EMPTY;
    node->reads_payload = true;
    node->flag = true;
    TRY(field_check(f, rules));
    return filter_read_path(filter, f, node);
}

/* ---- Filters ---- */

static enum err read_clauses(struct filter *filter, const struct field *f, size_t depth,
                             struct filter_node *node);

static enum err read_nested(struct filter *filter, const struct field *f, size_t depth,
                            struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"key", NULL}, {"filter", NULL}, {NULL, NULL}};
    struct field inner = field_get(f, "filter");
    node->kind = FILTER_NESTED;
    node->reads_payload = true;
    TRY(field_check(f, rules));
    TRY(field_require(&inner));
    TRY(filter_read_path(filter, f, node));
    if (node->path.n > 1 && node->path.steps[node->path.n - 1].every) {
        node->path.n--; /* "a[]" means the elements of "a", as "a" does */
    }
    static const struct payload_step every = {.every = true};
    const struct payload_path elements = {&every, 1};
    const struct payload_path outside = filter->around;
    TRY(join_paths(filter, &outside, &node->path, &node->full));
    TRY(join_paths(filter, &node->full, &elements, &filter->around));
    TRY(filter_take(filter, 1, sizeof *node->nested, &node->nested));
    enum err result = read_clauses(filter, &inner, depth + 1, node->nested);
    filter->around = outside;
    return result;
}

/* The conditions that are an object with one member. */
static const struct {
    const char *name;
    enum err (*read)(struct filter *filter, const struct field *f,
                     struct filter_node *node);
} single_conditions[] = {
    {"is_empty", read_absence},      {"is_null", read_absence}, {"has_id", read_has_id},
    {"has_vector", read_has_vector}, {"slice", read_slice},
};

static enum err read_single(struct filter *filter, const struct field *f, size_t i,
                            struct filter_node *node)
{
    const struct field_rule rules[] = {{single_conditions[i].name, NULL}, {NULL, NULL}};
    struct field value = field_get(f, single_conditions[i].name);
    TRY(field_check(f, rules));
    return single_conditions[i].read(filter, &value, node);
}

/* What kind of condition an object is, is told by its members. */
static enum err read_condition(struct filter *filter, const struct field *f,
                               size_t depth, struct filter_node *node)
{
    if (!json_object_is_type(f->value, json_type_object)) {
        return field_fail(f, ERR_INVALID, "must be a condition, an object");
    }
    if (field_get(f, "key").value != NULL) {
        return filter_read_field(filter, f, node);
    }
    for (size_t i = 0; i < sizeof single_conditions / sizeof single_conditions[0];
         i++) {
        if (field_get(f, single_conditions[i].name).value != NULL) {
            return read_single(filter, f, i, node);
        }
    }
    struct field nested = field_get(f, "nested");
    if (nested.value != NULL) {
        static const struct field_rule rules[] = {{"nested", NULL}, {NULL, NULL}};
        TRY(field_check(f, rules));
        return read_nested(filter, &nested, depth, node);
    }
    return read_clauses(filter, f, depth + 1, node);
}

static enum err add_condition(struct filter *filter, const struct field *f,
                              size_t depth, struct filter_group *group)
{
    struct filter_node *node;
    if (++filter->n_nodes > LIMIT_FILTER_NODES) {
        return field_fail(f, ERR_LIMIT, "the filter has more than %d conditions",
                          LIMIT_FILTER_NODES);
    }
    TRY(filter_take(filter, 1, sizeof *node, &node));
    group->items[group->n++] = node;
    return read_condition(filter, f, depth, node);
}

/* Those that read no payload first: where they decide, none is parsed. */
static enum err put_cheap_first(struct filter *filter, struct filter_group *group)
{
    struct filter_node **sorted;
    size_t n = 0;
    TRY(filter_take(filter, group->n, sizeof *sorted, &sorted));
    for (int reads = 0; reads <= 1; reads++) {
        for (size_t i = 0; i < group->n; i++) {
            if (group->items[i]->reads_payload == (reads == 1)) {
                sorted[n++] = group->items[i];
            }
        }
    }
    group->items = sorted;
    return ERR_OK;
}

/* A list of conditions, or one by itself, or none. */
static enum err read_group(struct filter *filter, const struct field *f, size_t depth,
                           struct filter_group *group)
{
    bool is_list = json_object_is_type(f->value, json_type_array);
    size_t n = is_list ? field_length(f) : f->value != NULL;
    if (n > LIMIT_FILTER_NODES) {
        return field_fail(f, ERR_LIMIT, "has more than %d conditions",
                          LIMIT_FILTER_NODES);
    }
    TRY(filter_take(filter, n, sizeof *group->items, &group->items));
    if (!is_list && n == 1) {
        TRY(add_condition(filter, f, depth, group));
    }
    for (size_t i = 0; is_list && i < n; i++) {
        struct field item = field_item(f, i);
        TRY(add_condition(filter, &item, depth, group));
    }
    return put_cheap_first(filter, group);
}

static enum err read_min_should(struct filter *filter, const struct field *f,
                                size_t depth, struct filter_clauses *clauses)
{
    static const struct field_rule rules[] = {
        {"conditions", NULL}, {"min_count", NULL}, {NULL, NULL}};
    if (f->value == NULL) {
        return ERR_OK;
    }
    struct field conditions = field_get(f, "conditions");
    struct field min_count = field_get(f, "min_count");
    TRY(field_check(f, rules));
    TRY(field_require(&conditions));
    TRY(field_array(&conditions, LIMIT_FILTER_NODES));
    TRY(field_require(&min_count));
    TRY(field_size(&min_count, &clauses->min_count));
    if (clauses->min_count == 0) {
        return field_fail(&min_count, ERR_INVALID, "must be 1 or more");
    }
    return read_group(filter, &conditions, depth, &clauses->min_should);
}

static bool group_reads_payload(const struct filter_group *group)
{
    return group->n > 0 && group->items[group->n - 1]->reads_payload;
}

static enum err read_clauses(struct filter *filter, const struct field *f, size_t depth,
                             struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"must", NULL},       {"must_not", NULL}, {"should", NULL},
        {"min_should", NULL}, {NULL, NULL},
    };
    struct filter_clauses *c = &node->clauses;
    node->kind = FILTER_CLAUSES;
    if (depth > LIMIT_FILTER_DEPTH) {
        return field_fail(f, ERR_LIMIT,
                          "filters stand in one another more than %d deep",
                          LIMIT_FILTER_DEPTH);
    }
    TRY(field_check(f, rules));
    struct field must = field_get(f, "must");
    struct field must_not = field_get(f, "must_not");
    struct field should = field_get(f, "should");
    struct field min_should = field_get(f, "min_should");
    TRY(read_group(filter, &must, depth, &c->must));
    TRY(read_group(filter, &must_not, depth, &c->must_not));
    TRY(read_group(filter, &should, depth, &c->should));
    TRY(read_min_should(filter, &min_should, depth, c));
    node->reads_payload =
        group_reads_payload(&c->must) || group_reads_payload(&c->must_not) ||
        group_reads_payload(&c->should) || group_reads_payload(&c->min_should);
    return ERR_OK;
}

/* ---- The whole ---- */

static enum err read_text(struct filter *filter, const char *text)
{
    size_t n = strlen(text);
    FAIL_IF(n > LIMIT_FILTER_BYTES, ERR_LIMIT, "filter: %zu bytes are more than %u", n,
            LIMIT_FILTER_BYTES);
    enum err result = json_parse(&filter->json, text, n);
    if (result != ERR_OK) {
        return err_prefix(result, "filter");
    }
    struct field nothing = field_root(NULL);
    struct field root = {.parent = &nothing, .key = "filter", .value = filter->json};
    TRY(field_require(&root));
    TRY(filter_take(filter, 1, sizeof *filter->root, &filter->root));
    TRY(filter_take(filter, LIMIT_FILTER_NODES, sizeof *filter->keys, &filter->keys));
    TRY(filter_take(filter, LIMIT_FILTER_NODES, sizeof *filter->texts, &filter->texts));
    TRY(read_clauses(filter, &root, 1, filter->root));
    sort_picks(filter);
    return ERR_OK;
}

enum err filter_parse(struct filter **out, const char *text)
{
    *out = NULL;
    struct filter *filter = alloc_zero(1, sizeof *filter);
    if (filter == NULL) {
        return ERR_NOMEM;
    }
    enum err result = read_text(filter, text);
    if (result != ERR_OK) {
        filter_free(filter);
        return result;
    }
    *out = filter;
    return ERR_OK;
}

void filter_free(struct filter *filter)
{
    if (filter != NULL) {
        arena_release(&filter->arena);
        json_object_put(filter->json);
        alloc_free(filter);
    }
}
