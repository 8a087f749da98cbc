/*
 * api_collections.c - collections made, described, listed and dropped.
 */
#include <string.h>

#include "base/limits.h"
#include "net/api.h"
#include "net/space_out.h"

static const char *collection_of(const struct api_call *call)
{
    return call->match.params[0];
}

/* ---- Create --------------------------------------------------------------------- */

/*
 * Fields that tune an engine without changing what it answers are taken and have no
 * effect: Duet's index chooses for itself. What would change answers, or promise a
 * durability that is not there, is refused.
 */
static const struct field_rule create_rules[] = {
    {"vectors", NULL},
    {"model", NULL},
    {"duet", NULL},
    {"hnsw_config", NULL},
    {"wal_config", NULL},
    {"optimizers_config", NULL},
    {"quantization_config", NULL},
    {"on_disk_payload", NULL},
    {"payload", NULL},
    {"shard_number", NULL},
    {"replication_factor", NULL},
    {"write_consistency_factor", NULL},
    {"sharding_method", "shards are not supported"},
    {"sparse_vectors", NULL},
    {"strict_mode_config", "strict mode is not supported"},
    {"metadata", NULL},
    {NULL, NULL},
};

static const struct field_rule space_rules[] = {
    {"size", NULL},        {"distance", NULL},
    {"hnsw_config", NULL}, {"quantization_config", NULL},
    {"on_disk", NULL},     {"memory", NULL},
    {"datatype", NULL},    {"multivector_config", "multi-vectors are not supported"},
    {NULL, NULL},
};

/* Numbers that can only be 1 on one machine. */
static enum err check_single(const struct field *root)
{
    static const char *const keys[] = {"shard_number", "replication_factor",
                                       "write_consistency_factor"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct field f = field_get(root, keys[i]);
        size_t value = 1;
        TRY(field_size(&f, &value));
        if (value != 1) {
            return field_fail(&f, ERR_UNSUPPORTED, "must be 1: there is one machine");
        }
    }
    return ERR_OK;
}

static enum err read_distance(const struct field *f, enum duet_distance *out)
{
    const char *name = "";
    TRY(field_require(f));
    TRY(field_string(f, &name));
    for (int i = DUET_COSINE; i <= DUET_MANHATTAN; i++) {
        *out = (enum duet_distance)i;
        if (strcmp(name, duet_distance_name(*out)) == 0) {
            return ERR_OK;
        }
    }
    return field_fail(f, ERR_INVALID,
                      "must be \"Cosine\", \"Dot\", \"Euclid\" or \"Manhattan\"");
}

static enum err read_datatype(const struct field *f, enum duet_datatype *out)
{
    const char *name = duet_datatype_name(DUET_FLOAT32);
    TRY(field_string(f, &name));
    for (int i = DUET_FLOAT32; i <= DUET_UINT8; i++) {
        *out = (enum duet_datatype)i;
        if (strcmp(name, duet_datatype_name(*out)) == 0) {
            return ERR_OK;
        }
    }
    if (strcmp(name, "turbo4") == 0) {
        return field_fail(f, ERR_UNSUPPORTED, "turbo4 is not supported");
    }
    return field_fail(f, ERR_INVALID, "must be \"float32\", \"float16\" or \"uint8\"");
}

static enum err read_space(const struct field *f, const char *name,
                           struct duet_space *space)
{
    TRY(field_require(f));
    TRY(field_check(f, space_rules));
    struct field size = field_get(f, "size");
    struct field distance = field_get(f, "distance");
    struct field datatype = field_get(f, "datatype");
    space->name = name;
    TRY(field_require(&size));
    TRY(field_size(&size, &space->dim));
    if (space->dim == 0 || space->dim > LIMIT_DIM_MAX) {
        return field_fail(&size, ERR_LIMIT, "must be 1 to %d", LIMIT_DIM_MAX);
    }
    TRY(read_datatype(&datatype, &space->datatype));
    return read_distance(&distance, &space->distance);
}

/* One unnamed space ({"size", "distance"}) or named ones, into spaces[]. */
static enum err read_spaces(const struct field *f, struct duet_space *spaces,
                            size_t *n_spaces)
{
    TRY(field_object(f));
    *n_spaces = 0;
    struct field size = field_get(f, "size");
    if (json_object_is_type(size.value, json_type_int)) {
        *n_spaces = 1;
        return read_space(f, "", &spaces[0]);
    }
    size_t n = (size_t)json_object_object_length(f->value);
    if (n == 0) {
        return field_fail(f, ERR_INVALID, "is empty");
    }
    if (n > LIMIT_SPACES_MAX) {
        return field_fail(f, ERR_LIMIT, "has more than %d spaces", LIMIT_SPACES_MAX);
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field space = {.parent = f, .key = key, .value = value};
        TRY(read_space(&space, key, &spaces[*n_spaces]));
        (*n_spaces)++;
    }
    return ERR_OK;
}

/* "default", or the name of the model that this server has. */
static enum err check_model(struct api_call *call, const struct field *f)
{
    const char *name = "default";
    struct duet_model_info info;
    TRY(field_string(f, &name));
    if (strcmp(name, "default") == 0) {
        return ERR_OK;
    }
    TRY(duet_model(call->api->db, &info));
    return strcmp(info.name, name) == 0
               ? ERR_OK
               : field_fail(f, ERR_INVALID,
                            "this server has \"%s\", also called "
                            "\"default\"",
                            info.name);
}

static const struct field_rule own_rules[] = {
    {"index", NULL},
    {NULL, NULL},
};

/* {"duet": {"index": "auto"}}: what the dialect has no word for. */
static enum err read_own(const struct field *root, enum duet_vector_index *choice,
                         bool *given)
{
    struct field own = field_get(root, "duet");
    const char *name = NULL;
    TRY(field_object(&own));
    TRY(field_check(&own, own_rules));
    struct field f = field_get(&own, "index");
    TRY(field_string(&f, &name));
    *given = name != NULL;
    if (*given && duet_vector_index_parse(name, choice) != ERR_OK) {
        return field_fail(&f, ERR_INVALID,
                          "must be \"auto\", \"scan\", \"pq\", \"ivf\" or \"hnsw\"");
    }
    return ERR_OK;
}

/* Some clients send an empty list of them whatever they are asked for. */
static enum err check_sparse(const struct field *root)
{
    struct field sparse = field_get(root, "sparse_vectors");
    TRY(field_object(&sparse));
    return sparse.value == NULL || json_object_object_length(sparse.value) == 0
               ? ERR_OK
               : field_fail(&sparse, ERR_UNSUPPORTED,
                            "sparse vectors are not supported");
}

enum err api_collection_create(struct api_call *call)
{
    struct field root;
    struct duet_space spaces[LIMIT_SPACES_MAX];
    struct duet_collection_options options = {.spaces = spaces};
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, create_rules));
    TRY(check_single(&root));
    TRY(check_sparse(&root));
    struct field vectors = field_get(&root, "vectors");
    struct field model = field_get(&root, "model");
    if (vectors.value != NULL && model.value != NULL) {
        return field_fail(&model, ERR_INVALID, "can't stand beside \"vectors\"");
    }
    if (vectors.value != NULL) {
        TRY(read_spaces(&vectors, spaces, &options.n_spaces));
    } else {
        TRY(check_model(call, &model));
    }
    bool given;
    TRY(read_own(&root, &options.index, &given));
    struct field metadata = field_get(&root, "metadata");
    TRY(field_object(&metadata));
    if (metadata.value != NULL) {
        options.metadata = json_text(metadata.value);
        options.n_metadata = strlen(options.metadata);
    }
    TRY(duet_collection_create_with(call->api->db, collection_of(call), &options));
    out_bool(&call->out, true);
    return ERR_OK;
}

/* As in the dialect, dropping what is not there is no error but `false`. */
enum err api_collection_drop(struct api_call *call)
{
    enum err result = duet_collection_drop(call->api->db, collection_of(call));
    if (result == ERR_OK || result == ERR_NOT_FOUND) {
        out_bool(&call->out, result == ERR_OK);
        result = ERR_OK;
    }
    return result;
}

/* ---- Update --------------------------------------------------------------------- */

/* Fields that tune an engine without changing what it answers. */
static const struct field_rule update_rules[] = {
    {"vectors", NULL},
    {"metadata", NULL},
    {"duet", NULL},
    {"hnsw_config", NULL},
    {"optimizers_config", NULL},
    {"quantization_config", NULL},
    {"params", NULL},
    {"sparse_vectors", "sparse vectors are not supported"},
    {"strict_mode_config", "strict mode is not supported"},
    {NULL, NULL},
};

static const struct field_rule space_update_rules[] = {
    {"hnsw_config", NULL}, {"quantization_config", NULL},
    {"on_disk", NULL},     {"memory", NULL},
    {NULL, NULL},
};

static bool has_space(const struct duet_collection *collection, const char *name)
{
    for (size_t i = 0; i < collection->n_spaces; i++) {
        if (strcmp(collection->spaces[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The spaces named must be there; of them only what tunes an engine may change. */
static enum err check_space_updates(const struct field *f,
                                    const struct duet_collection *collection)
{
    TRY(field_object(f));
    if (f->value == NULL) {
        return ERR_OK;
    }
    json_object_object_foreach(f->value, key, value)
    {
        struct field space = {.parent = f, .key = key, .value = value};
        TRY(field_check(&space, space_update_rules));
        if (!has_space(collection, key)) {
            return field_fail(&space, ERR_INVALID, "is no vector space of \"%s\"",
                              collection->name);
        }
    }
    return ERR_OK;
}

enum err api_collection_update(struct api_call *call)
{
    struct field root;
    struct duet_collections list;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, update_rules));
    struct field vectors = field_get(&root, "vectors");
    struct field metadata = field_get(&root, "metadata");
    struct field params = field_get(&root, "params");
    enum duet_vector_index choice = DUET_INDEX_AUTO;
    bool given;
    TRY(field_object(&metadata));
    TRY(field_object(&params));
    TRY(check_single(&params));
    TRY(read_own(&root, &choice, &given));
    TRY(duet_collections_list(call->api->db, collection_of(call), &list));
    enum err result = check_space_updates(&vectors, &list.items[0]);
    duet_collections_release(&list);
    TRY(result);
    if (metadata.value != NULL) {
        const char *text = json_text(metadata.value);
        TRY(duet_collection_set_metadata(call->api->db, collection_of(call), text,
                                         strlen(text)));
    }
    if (given) {
        TRY(duet_collection_set_index(call->api->db, collection_of(call), NULL,
                                      choice));
    }
    out_bool(&call->out, true);
    return ERR_OK;
}

enum err api_space_add(struct api_call *call)
{
    static const struct field_rule rules[] = {
        {"dense", NULL},
        {"sparse", "sparse vectors are not supported"},
        {NULL, NULL},
    };
    struct field root;
    struct duet_space space;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field dense = field_get(&root, "dense");
    TRY(read_space(&dense, call->match.params[1], &space));
    TRY(duet_space_add(call->api->db, collection_of(call), &space));
    api_write_completed(&call->out);
    return ERR_OK;
}

/* As in the dialect, removing what is not there is no error. */
enum err api_space_remove(struct api_call *call)
{
    struct duet_collections list;
    TRY(duet_collections_list(call->api->db, collection_of(call), &list));
    bool there = has_space(&list.items[0], call->match.params[1]);
    duet_collections_release(&list);
    if (there) {
        TRY(duet_space_remove(call->api->db, collection_of(call),
                              call->match.params[1]));
    }
    api_write_completed(&call->out);
    return ERR_OK;
}

/* ---- Describe -------------------------------------------------------------------- */

enum err api_collections_list(struct api_call *call)
{
    struct json_out *out = &call->out;
    struct duet_collections list;
    TRY(duet_collections_list(call->api->db, NULL, &list));
    out_begin(out, '{');
    out_key(out, "collections");
    out_begin(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        out_begin(out, '{');
        out_key(out, "name");
        out_string(out, list.items[i].name);
        out_end(out, '}');
    }
    out_end(out, ']');
    out_end(out, '}');
    duet_collections_release(&list);
    return ERR_OK;
}

enum err api_collection_exists(struct api_call *call)
{
    struct duet_collections list = {0};
    enum err result = duet_collections_list(call->api->db, collection_of(call), &list);
    duet_collections_release(&list);
    if (result != ERR_OK && result != ERR_NOT_FOUND) {
        return result;
    }
    out_begin(&call->out, '{');
    out_key(&call->out, "exists");
    out_bool(&call->out, result == ERR_OK);
    out_end(&call->out, '}');
    return ERR_OK;
}

static void write_space(struct json_out *out, const struct duet_space *space)
{
    out_begin(out, '{');
    out_key(out, "size");
    out_size(out, space->dim);
    out_key(out, "distance");
    out_string(out, duet_distance_name(space->distance));
    if (space->datatype != DUET_FLOAT32) {
        out_key(out, "datatype");
        out_string(out, duet_datatype_name(space->datatype));
    }
    out_end(out, '}');
}

static void write_spaces(struct json_out *out, const struct duet_collection *collection)
{
    if (collection->n_spaces == 1 && collection->spaces[0].name[0] == '\0') {
        write_space(out, &collection->spaces[0]);
        return;
    }
    out_begin(out, '{');
    for (size_t i = 0; i < collection->n_spaces; i++) {
        out_key(out, collection->spaces[i].name);
        write_space(out, &collection->spaces[i]);
    }
    out_end(out, '}');
}

/* The dialect requires the settings of its own engine; ours has none of them, and says
 * the smallest numbers that are allowed. */
static void write_config(struct json_out *out, const struct duet_collection *collection)
{
    static const char engine[] =
        "{\"m\":0,\"ef_construct\":4,\"full_scan_threshold\":0}";
    static const char optimizer[] =
        "{\"default_segment_number\":0,\"flush_interval_sec\":0}";
    out_begin(out, '{');
    out_key(out, "params");
    out_begin(out, '{');
    out_key(out, "vectors");
    write_spaces(out, collection);
    out_end(out, '}');
    out_key(out, "hnsw_config");
    out_json(out, engine, sizeof engine - 1);
    out_key(out, "optimizer_config");
    out_json(out, optimizer, sizeof optimizer - 1);
    if (collection->metadata != NULL) {
        out_key(out, "metadata");
        out_json(out, collection->metadata, strlen(collection->metadata));
    }
    out_end(out, '}');
}

static void write_own(struct json_out *out, const struct duet_stats *stats,
                      const struct duet_recalls *recalls)
{
    out_key(out, "duet");
    out_begin(out, '{');
    out_key(out, "uuid");
    out_string(out, stats->uuid);
    out_key(out, "model");
    out_string(out, stats->model);
    out_key(out, "model_space");
    out_string(out, stats->model_space);
    out_key(out, "store_bytes");
    out_size(out, stats->store_bytes);
    out_key(out, "media_bytes");
    out_size(out, stats->media_bytes);
    out_key(out, "spaces");
    out_begin(out, '{');
    for (size_t i = 0; i < stats->n_spaces; i++) {
        const struct duet_space_stats *space = &stats->spaces[i];
        out_key(out, space->name);
        space_out_write(out, space);
    }
    out_end(out, '}');
    out_key(out, "recall");
    space_out_recalls(out, recalls);
    out_end(out, '}');
}

static enum err write_info(struct api_call *call,
                           const struct duet_collection *collection,
                           const struct duet_stats *stats,
                           const struct duet_recalls *recalls)
{
    struct json_out *out = &call->out;
    size_t n_indexed = 0, n_segments = 0;
    for (size_t i = 0; i < stats->n_spaces; i++) {
        n_indexed += stats->spaces[i].n_sealed;
        n_segments += stats->spaces[i].n_segments;
    }
    out_begin(out, '{');
    out_key(out, "status");
    out_string(out, "green");
    out_key(out, "optimizer_status");
    out_string(out, "ok");
    out_key(out, "points_count");
    out_size(out, stats->n_points);
    out_key(out, "indexed_vectors_count");
    out_size(out, n_indexed);
    out_key(out, "segments_count");
    out_size(out, n_segments);
    out_key(out, "config");
    write_config(out, collection);
    out_key(out, "payload_schema");
    TRY(api_write_payload_schema(call, collection->name));
    if (api_call_asks(call, "duet")) {
        write_own(out, stats, recalls);
    }
    out_end(out, '}');
    return ERR_OK;
}

enum err api_collection_get(struct api_call *call)
{
    struct duet_collections list;
    struct duet_recalls recalls = {.items = NULL};
    struct duet_stats stats;
    TRY(duet_collections_list(call->api->db, collection_of(call), &list));
    enum err result = duet_stats(call->api->db, collection_of(call), &stats);
    if (result == ERR_OK) {
        result = duet_recall(call->api->db, collection_of(call), &recalls);
    }
    if (result == ERR_OK) {
        result = write_info(call, &list.items[0], &stats, &recalls);
    }
    duet_recalls_release(&recalls);
    duet_collections_release(&list);
    return result;
}
