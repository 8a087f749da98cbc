/*
 * api_operations.c - points written: upsert, delete, payloads and vectors changed, one
 * by one or several in a batch. Each request becomes struct duet_operation, which the
 * library does in one transaction.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_input.h"

/* What one request is made of; operations point into it and into the JSON. */
struct operations {
    struct inputs inputs;
    struct duet_operation *items; /* [n], owned with what they point to */
    size_t n;
};

void api_write_completed(struct json_out *out)
{
    out_begin(out, '{');
    out_key(out, "status");
    out_string(out, "completed");
    out_end(out, '}');
}

/* ---- Points --------------------------------------------------------------------- */

/* The vectors of one point. */
struct point_vectors {
    struct duet_named_input inputs[LIMIT_SPACES_MAX];
};

static enum err make_vectors(struct duet_point_input *point, struct point_vectors **out)
{
    *out = alloc_zero(1, sizeof **out);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    point->vectors = (*out)->inputs;
    return ERR_OK;
}

static enum err read_point_payload(const struct field *f,
                                   struct duet_point_input *point)
{
    TRY(field_object(f));
    if (f->value != NULL) {
        point->payload = json_text(f->value);
        point->n_payload = strlen(point->payload);
    }
    return ERR_OK;
}

static enum err read_point(struct inputs *inputs, const struct field *f,
                           bool vectors_only, struct duet_point_input *point)
{
    static const struct field_rule rules[] = {
        {"id", NULL}, {"vector", NULL}, {"payload", NULL}, {NULL, NULL}};
    static const struct field_rule vectors_rules[] = {
        {"id", NULL}, {"vector", NULL}, {NULL, NULL}};
    TRY(field_require(f));
    TRY(field_check(f, vectors_only ? vectors_rules : rules));
    struct field id = field_get(f, "id");
    struct field vector = field_get(f, "vector");
    struct field payload = field_get(f, "payload");
    struct point_vectors *vectors;
    TRY(make_vectors(point, &vectors));
    TRY(field_id(&id, &point->id));
    TRY(input_read_vectors(inputs, &vector, vectors->inputs, &point->n_vectors));
    return read_point_payload(&payload, point);
}

enum err api_read_point(struct inputs *inputs, const struct field *f, bool lines,
                        struct duet_point_input *point)
{
    static const struct field_rule rules[] = {{"id", NULL},
                                              {"vector", NULL},
                                              {"vectors", NULL},
                                              {"payload", NULL},
                                              {NULL, NULL}};
    struct field many = field_get(f, "vectors");
    if (!lines || many.value == NULL) {
        return read_point(inputs, f, false, point);
    }
    TRY(field_check(f, rules));
    struct field id = field_get(f, "id");
    struct field payload = field_get(f, "payload");
    struct point_vectors *vectors;
    TRY(make_vectors(point, &vectors));
    TRY(field_id(&id, &point->id));
    TRY(input_read_vectors(inputs, &many, vectors->inputs, &point->n_vectors));
    return read_point_payload(&payload, point);
}

/* Room for n points. */
static enum err make_points(struct duet_operation *o, const struct field *list,
                            struct duet_point_input **points)
{
    size_t n = field_length(list);
    if (n == 0) {
        return field_fail(list, ERR_INVALID, "is empty");
    }
    *points = alloc_zero(n, sizeof **points);
    FAIL_IF(*points == NULL, ERR_NOMEM, "out of memory");
    o->points = *points;
    o->n_points = n;
    return ERR_OK;
}

static enum err read_points(struct inputs *inputs, const struct field *root,
                            struct duet_operation *o)
{
    struct field list = field_get(root, "points");
    TRY(field_require(&list));
    TRY(field_array(&list, LIMIT_BATCH_POINTS));
    struct duet_point_input *points;
    TRY(make_points(o, &list, &points));
    for (size_t i = 0; i < o->n_points; i++) {
        struct field point = field_item(&list, i);
        TRY(read_point(inputs, &point, o->kind == DUET_OP_UPDATE_VECTORS, &points[i]));
    }
    return ERR_OK;
}

static enum err read_mode(const struct field *f, enum duet_upsert_mode *out)
{
    static const char *const modes[] = {"upsert", "insert_only", "update_only"};
    const char *name = modes[DUET_UPSERT];
    TRY(field_string(f, &name));
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(name, modes[i]) == 0) {
            *out = (enum duet_upsert_mode)i;
            return ERR_OK;
        }
    }
    return field_fail(f, ERR_INVALID,
                      "must be \"upsert\", \"insert_only\" or \"update_only\"");
}

/* Columns instead of points: as many items in each list as there are ids. */
static enum err check_column(const struct field *f, size_t n)
{
    TRY(field_array(f, LIMIT_BATCH_POINTS));
    return f->value == NULL || field_length(f) == n
               ? ERR_OK
               : field_fail(f, ERR_INVALID, "has %zu items, but there are %zu ids",
                            field_length(f), n);
}

/* The i-th vector of each named column. */
static enum err read_named_columns(struct inputs *inputs, const struct field *f,
                                   size_t i, struct duet_point_input *point,
                                   struct point_vectors *vectors)
{
    if (json_object_object_length(f->value) > LIMIT_SPACES_MAX) {
        return field_fail(f, ERR_LIMIT, "has more than %d vectors", LIMIT_SPACES_MAX);
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field column = {.parent = f, .key = key, .value = value};
        struct field vector = field_item(&column, i);
        struct duet_named_input *named = &vectors->inputs[point->n_vectors];
        named->space = key;
        TRY(input_read_vector(inputs, &vector, &named->input));
        point->n_vectors++;
    }
    return ERR_OK;
}

static enum err check_vector_columns(const struct field *f, size_t n)
{
    TRY(field_require(f));
    if (!json_object_is_type(f->value, json_type_object)) {
        return check_column(f, n);
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field column = {.parent = f, .key = key, .value = value};
        TRY(field_require(&column));
        TRY(check_column(&column, n));
    }
    return ERR_OK;
}

static enum err read_row(struct inputs *inputs, const struct field *f, size_t i,
                         struct duet_point_input *point)
{
    struct field ids = field_get(f, "ids");
    struct field columns = field_get(f, "vectors");
    struct field payloads = field_get(f, "payloads");
    struct field id = field_item(&ids, i);
    struct point_vectors *vectors;
    TRY(make_vectors(point, &vectors));
    TRY(field_id(&id, &point->id));
    if (json_object_is_type(columns.value, json_type_object)) {
        TRY(read_named_columns(inputs, &columns, i, point, vectors));
    } else {
        struct field vector = field_item(&columns, i);
        TRY(input_read_vectors(inputs, &vector, vectors->inputs, &point->n_vectors));
    }
    if (payloads.value == NULL) {
        return ERR_OK;
    }
    struct field payload = field_item(&payloads, i);
    return read_point_payload(&payload, point);
}

/* {"ids": […], "vectors": […] or {"a": […]}, "payloads": […]}. */
static enum err read_columns(struct inputs *inputs, const struct field *f,
                             struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"ids", NULL}, {"vectors", NULL}, {"payloads", NULL}, {NULL, NULL}};
    struct duet_point_input *points;
    TRY(field_check(f, rules));
    struct field ids = field_get(f, "ids");
    struct field columns = field_get(f, "vectors");
    struct field payloads = field_get(f, "payloads");
    TRY(field_require(&ids));
    TRY(field_array(&ids, LIMIT_BATCH_POINTS));
    TRY(check_vector_columns(&columns, field_length(&ids)));
    TRY(check_column(&payloads, field_length(&ids)));
    TRY(make_points(o, &ids, &points));
    for (size_t i = 0; i < o->n_points; i++) {
        TRY(read_row(inputs, f, i, &points[i]));
    }
    return ERR_OK;
}

static enum err read_upsert(struct inputs *inputs, const struct field *f,
                            struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"points", NULL},        {"update_mode", NULL},
        {"batch", NULL},         {"shard_key", "shards are not supported"},
        {"update_filter", NULL}, {NULL, NULL},
    };
    TRY(field_check(f, rules));
    struct field mode = field_get(f, "update_mode");
    struct field batch = field_get(f, "batch");
    struct field points = field_get(f, "points");
    struct field filter = field_get(f, "update_filter");
    TRY(read_mode(&mode, &o->mode));
    TRY(field_text(&filter, &o->update_filter));
    if (batch.value != NULL && points.value != NULL) {
        return field_fail(&batch, ERR_INVALID, "can't stand beside \"points\"");
    }
    return batch.value != NULL ? read_columns(inputs, &batch, o)
                               : read_points(inputs, f, o);
}

static enum err read_vectors_update(struct inputs *inputs, const struct field *f,
                                    struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"points", NULL},
        {"shard_key", "shards are not supported"},
        {"update_filter", NULL},
        {NULL, NULL},
    };
    TRY(field_check(f, rules));
    struct field filter = field_get(f, "update_filter");
    TRY(field_text(&filter, &o->update_filter));
    return read_points(inputs, f, o);
}

/* ---- Ids ------------------------------------------------------------------------ */

enum err api_read_ids(const struct field *list, struct duet_id **ids, size_t *n)
{
    *ids = NULL;
    TRY(field_require(list));
    TRY(field_array(list, LIMIT_BATCH_POINTS));
    *n = field_length(list);
    *ids = alloc_array(*n, sizeof **ids);
    FAIL_IF(*ids == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < *n; i++) {
        struct field id = field_item(list, i);
        enum err result = field_id(&id, &(*ids)[i]);
        if (result != ERR_OK) {
            alloc_free(*ids);
            *ids = NULL;
            return result;
        }
    }
    return ERR_OK;
}

/* Which points an operation is about. */
static enum err read_selector(const struct field *f, struct duet_operation *o)
{
    struct field list = field_get(f, "points");
    struct field filter = field_get(f, "filter");
    struct duet_id *ids;
    if (list.value != NULL && filter.value != NULL) {
        return field_fail(&filter, ERR_INVALID, "can't stand beside \"points\"");
    }
    if (filter.value != NULL) {
        return field_text(&filter, &o->filter);
    }
    TRY(api_read_ids(&list, &ids, &o->n_ids));
    o->ids = ids;
    return o->n_ids > 0 ? ERR_OK : field_fail(&list, ERR_INVALID, "is empty");
}

/* {"points": […]} or {"filter": {…}}, of an operation that needs no more. */
static enum err read_bare_selector(struct inputs *inputs, const struct field *f,
                                   struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"points", NULL},
        {"filter", NULL},
        {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    (void)inputs;
    TRY(field_check(f, rules));
    return read_selector(f, o);
}

/* ---- Payloads ------------------------------------------------------------------- */

static enum err read_payload(struct inputs *inputs, const struct field *f,
                             struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"payload", NULL},
        {"points", NULL},
        {"key", NULL},
        {"filter", NULL},
        {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    (void)inputs;
    TRY(field_check(f, rules));
    struct field payload = field_get(f, "payload");
    struct field key = field_get(f, "key");
    TRY(field_require(&payload));
    TRY(field_object(&payload));
    TRY(field_string(&key, &o->key));
    if (o->kind == DUET_OP_OVERWRITE_PAYLOAD && o->key != NULL) {
        return field_fail(&key, ERR_UNSUPPORTED,
                          "only the whole payload is overwritten");
    }
    o->payload = json_text(payload.value);
    o->n_payload = strlen(o->payload);
    return read_selector(f, o);
}

/* An array of strings; *names is the operation's. */
static enum err read_names(const struct field *list, struct duet_operation *o)
{
    TRY(field_require(list));
    TRY(field_array(list, LIMIT_BATCH_POINTS));
    size_t n = field_length(list);
    const char **names = alloc_zero(n, sizeof *names);
    FAIL_IF(names == NULL, ERR_NOMEM, "out of memory");
    o->names = names;
    o->n_names = n;
    for (size_t i = 0; i < n; i++) {
        struct field name = field_item(list, i);
        TRY(field_require(&name));
        TRY(field_string(&name, &names[i]));
    }
    return ERR_OK;
}

static enum err read_payload_delete(struct inputs *inputs, const struct field *f,
                                    struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"keys", NULL},   {"points", NULL},
        {"filter", NULL}, {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    (void)inputs;
    TRY(field_check(f, rules));
    struct field keys = field_get(f, "keys");
    TRY(read_names(&keys, o));
    return read_selector(f, o);
}

static enum err read_vectors_delete(struct inputs *inputs, const struct field *f,
                                    struct duet_operation *o)
{
    static const struct field_rule rules[] = {
        {"vector", NULL}, {"points", NULL},
        {"filter", NULL}, {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    (void)inputs;
    TRY(field_check(f, rules));
    struct field names = field_get(f, "vector");
    TRY(read_names(&names, o));
    if (o->n_names == 0) {
        return field_fail(&names, ERR_INVALID, "is empty");
    }
    return read_selector(f, o);
}

/* ---- Requests ------------------------------------------------------------------- */

typedef enum err read_fn(struct inputs *inputs, const struct field *f,
                         struct duet_operation *o);

/* By enum duet_operation_kind; `key` is the operation's in a batch. */
static const struct {
    const char *key;
    read_fn *read;
} kinds[] = {
    [DUET_OP_UPSERT] = {"upsert", read_upsert},
    [DUET_OP_DELETE] = {"delete", read_bare_selector},
    [DUET_OP_SET_PAYLOAD] = {"set_payload", read_payload},
    [DUET_OP_OVERWRITE_PAYLOAD] = {"overwrite_payload", read_payload},
    [DUET_OP_DELETE_PAYLOAD] = {"delete_payload", read_payload_delete},
    [DUET_OP_CLEAR_PAYLOAD] = {"clear_payload", read_bare_selector},
    [DUET_OP_UPDATE_VECTORS] = {"update_vectors", read_vectors_update},
    [DUET_OP_DELETE_VECTORS] = {"delete_vectors", read_vectors_delete},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static enum err operations_init(struct operations *o, const struct api_call *call,
                                size_t n)
{
    *o = (struct operations){.items = alloc_zero(n, sizeof *o->items)};
    FAIL_IF(o->items == NULL, ERR_NOMEM, "out of memory");
    o->n = n;
    inputs_init(&o->inputs, call->api, call->match.params[0]);
    return ERR_OK;
}

static void operations_release(struct operations *o)
{
    for (size_t i = 0; i < o->n; i++) {
        struct duet_operation *item = &o->items[i];
        for (size_t p = 0; p < item->n_points; p++) {
            alloc_free((void *)(size_t)item->points[p].vectors);
        }
        alloc_free((void *)(size_t)item->points);
        alloc_free((void *)(size_t)item->ids);
        alloc_free((void *)(size_t)item->names);
    }
    alloc_free(o->items);
    inputs_release(&o->inputs);
}

static size_t count_upserts(const struct operations *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        n += o->items[i].kind == DUET_OP_UPSERT ? o->items[i].n_points : 0;
    }
    return n;
}

/* A deletion by filter alone has no bound: it is not one transaction, but several. */
static bool is_removal_by_filter(const struct operations *o)
{
    return o->n == 1 && o->items[0].kind == DUET_OP_DELETE &&
           o->items[0].filter != NULL;
}

static enum err run(struct api_call *call, const struct operations *o)
{
    uint64_t start_ns = clock_monotonic_ns();
    size_t n_upserted = count_upserts(o);
    TRY(duet_apply(call->api->db, call->match.params[0], o->items, o->n));
    if (n_upserted > 0) {
        metrics_upsert(call->api->metrics, n_upserted,
                       (double)(clock_monotonic_ns() - start_ns) / 1e9);
    }
    return ERR_OK;
}

static enum err run_one(struct api_call *call, enum duet_operation_kind kind)
{
    struct field root;
    struct operations o;
    TRY(api_call_json(call, &root));
    TRY(operations_init(&o, call, 1));
    o.items[0].kind = kind;
    enum err result;
    TRY_OUT(kinds[kind].read(&o.inputs, &root, &o.items[0]));
    TRY_OUT(is_removal_by_filter(&o)
                ? duet_remove_where(call->api->db, call->match.params[0],
                                    o.items[0].filter, NULL)
                : run(call, &o));
out:
    operations_release(&o);
    api_write_completed(&call->out);
    return result;
}

enum err api_points_upsert(struct api_call *call)
{
    return run_one(call, DUET_OP_UPSERT);
}

enum err api_points_delete(struct api_call *call)
{
    return run_one(call, DUET_OP_DELETE);
}

enum err api_payload_set(struct api_call *call)
{
    return run_one(call, DUET_OP_SET_PAYLOAD);
}

enum err api_payload_overwrite(struct api_call *call)
{
    return run_one(call, DUET_OP_OVERWRITE_PAYLOAD);
}

enum err api_payload_delete(struct api_call *call)
{
    return run_one(call, DUET_OP_DELETE_PAYLOAD);
}

enum err api_payload_clear(struct api_call *call)
{
    return run_one(call, DUET_OP_CLEAR_PAYLOAD);
}

enum err api_vectors_update(struct api_call *call)
{
    return run_one(call, DUET_OP_UPDATE_VECTORS);
}

enum err api_vectors_delete(struct api_call *call)
{
    return run_one(call, DUET_OP_DELETE_VECTORS);
}

/* ---- Batches -------------------------------------------------------------------- */

/* {"upsert": {…}}, or another of the kinds. */
static enum err read_operation(struct inputs *inputs, const struct field *f,
                               struct duet_operation *o)
{
    TRY(field_require(f));
    TRY(field_object(f));
    if (json_object_object_length(f->value) != 1) {
        return field_fail(f, ERR_INVALID, "must have one member, the operation");
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field body = {.parent = f, .key = key, .value = value};
        for (size_t i = 0; i < N_KINDS; i++) {
            if (strcmp(key, kinds[i].key) == 0) {
                o->kind = (enum duet_operation_kind)i;
                TRY(field_require(&body));
                return kinds[i].read(inputs, &body, o);
            }
        }
        return field_fail(&body, ERR_INVALID, "is no operation");
    }
    return ERR_OK;
}

/* The dialect answers with the result of each operation. */
static void write_all_completed(struct json_out *out, size_t n)
{
    out_begin(out, '[');
    for (size_t i = 0; i < n; i++) {
        api_write_completed(out);
    }
    out_end(out, ']');
}

enum err api_points_batch(struct api_call *call)
{
    static const struct field_rule rules[] = {{"operations", NULL}, {NULL, NULL}};
    struct field root;
    struct operations o;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field list = field_get(&root, "operations");
    TRY(field_require(&list));
    TRY(field_array(&list, LIMIT_OPERATIONS_MAX));
    TRY(operations_init(&o, call, field_length(&list)));
    enum err result = ERR_OK;
    for (size_t i = 0; i < o.n; i++) {
        struct field operation = field_item(&list, i);
        TRY_OUT(read_operation(&o.inputs, &operation, &o.items[i]));
    }
    TRY_OUT(run(call, &o));
    write_all_completed(&call->out, o.n);
out:
    operations_release(&o);
    return result;
}
