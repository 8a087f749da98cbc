/*
 * remote.c - see remote.h: questions as JSON, answers as what the library would say.
 */
#include "cli/remote.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/remote_http.h"

/* ---- Hits -------------------------------------------------------------------- */

static enum err read_id(struct duet_id *id, struct json_object *value)
{
    FAIL_IF(value == NULL, ERR_INTERNAL, "the server sent a point without an id");
    *id = (struct duet_id){0};
    if (json_object_is_type(value, json_type_int)) {
        id->number = json_object_get_uint64(value);
        return ERR_OK;
    }
    return duet_id_parse(id, json_object_get_string(value));
}

/* A copy of the member, NULL where the server does not tell. */
static enum err read_detail(char **out, struct json_object *details, const char *key)
{
    const char *text = NULL;
    if (json_get_string(details, key, &text) == ERR_OK) {
        *out = alloc_dup(text);
        FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

/* A copy of the member, as much as there is room for; untouched where there is none. */
static void keep_text(char *room, size_t size, struct json_object *object,
                      const char *key)
{
    const char *text = "";
    if (json_get_string(object, key, &text) == ERR_OK) {
        snprintf(room, size, "%s", text);
    }
}

static enum err read_vector(struct duet_vector *v, const char *space,
                            struct json_object *array)
{
    FAIL_IF(!json_object_is_type(array, json_type_array), ERR_INTERNAL,
            "the server sent a vector that is none");
    v->space = alloc_dup(space);
    v->dim = json_object_array_length(array);
    v->values = alloc_array(v->dim, sizeof *v->values);
    FAIL_IF(v->space == NULL || v->values == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < v->dim; i++) {
        v->values[i] =
            (float)json_object_get_double(json_object_array_get_idx(array, i));
    }
    return ERR_OK;
}

/* The unnamed vector stands alone, named ones in an object. */
static enum err read_vectors(struct duet_hit *hit, struct json_object *value)
{
    bool named = json_object_is_type(value, json_type_object);
    size_t n = named ? (size_t)json_object_object_length(value) : 1;
    hit->vectors = alloc_zero(n, sizeof *hit->vectors);
    FAIL_IF(hit->vectors == NULL, ERR_NOMEM, "out of memory");
    if (!named) {
        hit->n_vectors = 1;
        return read_vector(&hit->vectors[0], "", value);
    }
    json_object_object_foreach(value, name, array)
    {
        hit->n_vectors++;
        TRY(read_vector(&hit->vectors[hit->n_vectors - 1], name, array));
    }
    return ERR_OK;
}

static enum err read_hit(struct duet_hit *hit, struct json_object *point)
{
    char *space = NULL;
    struct json_object *payload = json_get(point, "payload");
    TRY(read_id(&hit->id, json_get(point, "id")));
    hit->score = (float)json_object_get_double(json_get(point, "score"));
    hit->payload = alloc_dup(payload != NULL ? json_text(payload) : "{}");
    FAIL_IF(hit->payload == NULL, ERR_NOMEM, "out of memory");
    TRY(read_detail(&hit->source, json_get(point, "duet"), "source"));
    TRY(read_detail(&space, json_get(point, "duet"), "space"));
    keep_text(hit->hash, sizeof hit->hash, json_get(point, "duet"), "hash");
    hit->space = space;
    struct json_object *vectors = json_get(point, "vector");
    return vectors != NULL ? read_vectors(hit, vectors) : ERR_OK;
}

static enum err read_hits(struct duet_hits *hits, struct json_object *points)
{
    *hits = (struct duet_hits){0};
    FAIL_IF(!json_object_is_type(points, json_type_array), ERR_INTERNAL,
            "the server sent no list of points");
    size_t n = json_object_array_length(points);
    hits->hits = alloc_zero(n, sizeof *hits->hits);
    FAIL_IF(hits->hits == NULL, ERR_NOMEM, "out of memory");
    hits->n = n;
    for (size_t i = 0; i < n; i++) {
        enum err result =
            read_hit(&hits->hits[i], json_object_array_get_idx(points, i));
        if (result != ERR_OK) {
            duet_hits_release(hits);
            return result;
        }
    }
    return ERR_OK;
}

/* Asks for what a hit shows: the payload, and by our own extension space and source. */
static void want_parts(struct json_object *body)
{
    struct json_object *duet = json_object_new_object();
    json_object_object_add(duet, "details", json_object_new_boolean(true));
    json_object_object_add(body, "with_payload", json_object_new_boolean(true));
    json_object_object_add(body, "duet", duet);
}

/* ---- The questions ------------------------------------------------------------ */

static struct json_object *id_json(struct duet_id id)
{
    char text[DUET_ID_TEXT_MAX];
    duet_id_format(id, text);
    return id.is_uuid ? json_object_new_string(text)
                      : json_object_new_uint64(id.number);
}

static struct json_object *ids_json(const struct duet_id *ids, size_t n)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < n; i++) {
        json_object_array_add(array, id_json(ids[i]));
    }
    return array;
}

static enum err base64_of_file(struct json_object **out, const char *path)
{
    struct file_map map;
    TRY(file_map_open(&map, path, LIMIT_BODY_BYTES / 4 * 3));
    unsigned char *text = alloc_array((map.size + 2) / 3 * 4 + 1, 1);
    if (text == NULL) {
        file_map_close(&map);
        return err_set(ERR_NOMEM, "out of memory");
    }
    int n = EVP_EncodeBlock(text, map.data, (int)map.size);
    *out = json_object_new_string_len((const char *)text, n);
    alloc_free(text);
    file_map_close(&map);
    return ERR_OK;
}

/* A text, a picture or a point's id. */
static enum err input_json(struct json_object **out, const struct duet_input *input)
{
    struct json_object *value = NULL;
    bool picture = input->kind == DUET_INPUT_FILE;
    if (input->kind == DUET_INPUT_POINT) {
        *out = id_json(input->id);
        return ERR_OK;
    }
    if (picture) {
        TRY(base64_of_file(&value, input->path));
    } else {
        value = json_object_new_string_len(input->bytes, (int)input->n);
    }
    *out = json_object_new_object();
    json_object_object_add(*out, picture ? "image" : "text", value);
    return ERR_OK;
}

/* Parts of a mix, our own extension: texts and pictures, with a member more. */
static enum err add_parts(struct json_object *query, const struct duet_query *q)
{
    struct json_object *duet = json_object_new_object();
    struct json_object *parts = json_object_new_array();
    json_object_object_add(duet, "mix", parts);
    json_object_object_add(query, "duet", duet);
    for (size_t i = 0; i < q->n_examples; i++) {
        struct json_object *part;
        TRY(input_json(&part, &q->examples[i].input));
        json_object_object_add(part, "weight",
                               json_object_new_double((double)q->examples[i].weight));
        json_object_array_add(parts, part);
    }
    return ERR_OK;
}

static enum err add_examples(struct json_object *query, const struct duet_query *q)
{
    static const char *const strategies[] = {"average_vector", "best_score",
                                             "sum_scores"};
    struct json_object *recommend = json_object_new_object();
    struct json_object *lists[] = {json_object_new_array(), json_object_new_array()};
    json_object_object_add(recommend, "negative", lists[0]);
    json_object_object_add(recommend, "positive", lists[1]);
    json_object_object_add(recommend, "strategy",
                           json_object_new_string(strategies[q->strategy]));
    json_object_object_add(query, "recommend", recommend);
    for (size_t i = 0; i < q->n_examples; i++) {
        struct json_object *example;
        TRY(input_json(&example, &q->examples[i].input));
        json_object_array_add(lists[q->examples[i].weight > 0], example);
    }
    return ERR_OK;
}

static enum err query_json(struct json_object **out, const struct duet_query *q)
{
    if (q->kind == DUET_QUERY_NEAREST) {
        return input_json(out, &q->input);
    }
    *out = json_object_new_object();
    enum err result =
        q->kind == DUET_QUERY_MIX ? add_parts(*out, q) : add_examples(*out, q);
    if (result != ERR_OK) {
        json_object_put(*out);
        *out = NULL;
    }
    return result;
}

/* The filter's JSON as the member "filter". */
static enum err add_filter(struct json_object *body, const char *filter)
{
    struct json_object *value;
    if (filter == NULL) {
        return ERR_OK;
    }
    enum err result = json_parse(&value, filter, strlen(filter));
    if (result != ERR_OK) {
        return err_prefix(result, "filter");
    }
    FAIL_IF(value == NULL, ERR_INVALID, "filter: must be an object");
    json_object_object_add(body, "filter", value);
    return ERR_OK;
}

/* As remote_ask_json, with the filter. */
static enum err ask_where(struct json_object **out, const struct cli *cli,
                          const char *route, struct json_object *body)
{
    enum err result = add_filter(body, cli->filter);
    if (result != ERR_OK) {
        json_object_put(body);
        return result;
    }
    return remote_ask_json(out, cli, route, body);
}

enum err remote_search(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_query *query)
{
    struct json_object *input, *result;
    *hits = (struct duet_hits){0};
    TRY(query_json(&input, query));
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "query", input);
    json_object_object_add(body, "limit", json_object_new_uint64(query->k));
    want_parts(body);
    if (query->in != NULL) {
        json_object_object_add(body, "using", json_object_new_string(query->in));
    }
    if (query->exact) {
        struct json_object *params = json_object_new_object();
        json_object_object_add(params, "exact", json_object_new_boolean(true));
        json_object_object_add(body, "params", params);
    }
    TRY(ask_where(&result, cli, "/points/query", body));
    enum err read = read_hits(hits, json_get(result, "points"));
    struct json_object *truncated = json_get(json_get(result, "duet"), "truncated");
    hits->truncated = json_object_get_boolean(truncated);
    json_object_put(result);
    return read;
}

enum err remote_get(struct duet_hits *hits, const struct cli *cli,
                    const struct duet_id *ids, size_t n, bool vectors)
{
    struct json_object *result;
    struct json_object *body = json_object_new_object();
    *hits = (struct duet_hits){0};
    json_object_object_add(body, "ids", ids_json(ids, n));
    json_object_object_add(body, "with_vector", json_object_new_boolean(vectors));
    want_parts(body);
    TRY(remote_ask_json(&result, cli, "/points", body));
    enum err read = read_hits(hits, result);
    json_object_put(result);
    return read;
}

enum err remote_scroll(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_id *from, size_t limit)
{
    struct json_object *result;
    struct json_object *body = json_object_new_object();
    *hits = (struct duet_hits){0};
    json_object_object_add(body, "limit", json_object_new_uint64(limit));
    want_parts(body);
    if (from != NULL) {
        json_object_object_add(body, "offset", id_json(*from));
    }
    TRY(ask_where(&result, cli, "/points/scroll", body));
    enum err read = read_hits(hits, json_get(result, "points"));
    json_object_put(result);
    return read;
}

/* The dialect does not say how many were there, so they are asked for first. */
enum err remote_remove(size_t *n_removed, const struct cli *cli,
                       const struct duet_id *ids, size_t n)
{
    struct duet_hits hits;
    struct json_object *result;
    *n_removed = 0;
    TRY(remote_get(&hits, cli, ids, n, false));
    size_t n_there = hits.n;
    duet_hits_release(&hits);
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "points", ids_json(ids, n));
    TRY(remote_ask_json(&result, cli, "/points/delete?wait=true", body));
    json_object_put(result);
    *n_removed = n_there;
    return ERR_OK;
}

enum err remote_count_where(size_t *n, const struct cli *cli)
{
    struct json_object *result;
    *n = 0;
    TRY(ask_where(&result, cli, "/points/count", json_object_new_object()));
    enum err read = json_get_size(result, "count", n);
    json_object_put(result);
    return read;
}

/* As with ids: counted first. */
enum err remote_remove_where(size_t *n_removed, const struct cli *cli)
{
    struct json_object *result;
    size_t n_there;
    *n_removed = 0;
    TRY(remote_count_where(&n_there, cli));
    TRY(ask_where(&result, cli, "/points/delete?wait=true", json_object_new_object()));
    json_object_put(result);
    *n_removed = n_there;
    return ERR_OK;
}

enum err remote_uuid(char uuid[DUET_ID_TEXT_MAX], const struct cli *cli)
{
    struct json_object *result;
    const char *text = NULL;
    TRY(remote_ask(&result, cli, "?duet=true", NULL));
    bool told = json_get_string(json_get(result, "duet"), "uuid", &text) == ERR_OK &&
                strlen(text) < DUET_ID_TEXT_MAX;
    if (told) {
        memcpy(uuid, text, strlen(text) + 1);
    }
    json_object_put(result);
    FAIL_IF(!told, ERR_UNSUPPORTED, "%s: this works with a duet server only", cli->url);
    return ERR_OK;
}

/* ---- Stats ------------------------------------------------------------------- */

static size_t number_of(struct json_object *object, const char *key)
{
    return json_object_get_uint64(json_get(object, key));
}

/* The number of the name in names[n]; 0 where it is none of them. */
static int find_name(const char *name, const char *(*name_of)(int), int n)
{
    for (int i = 0; name != NULL && i < n; i++) {
        if (strcmp(name, name_of(i)) == 0) {
            return i;
        }
    }
    return 0;
}

static const char *distance_name(int i)
{
    return duet_distance_name((enum duet_distance)i);
}

static const char *datatype_name(int i)
{
    return duet_datatype_name((enum duet_datatype)i);
}

static const char *index_kind_name(int i)
{
    return duet_index_kind_name((enum duet_index_kind)i);
}

static void read_width(struct duet_width_stats *width, struct json_object *told)
{
    *width = (struct duet_width_stats){.oversampling =
                                           (unsigned)number_of(told, "oversampling"),
                                       .nprobe = (unsigned)number_of(told, "nprobe"),
                                       .ef = (unsigned)number_of(told, "hnsw_ef"),
                                       .n_questions = number_of(told, "questions")};
    if (told != NULL) {
        keep_text(width->learnt_from, sizeof width->learnt_from, told, "learnt_from");
        if (json_get_double(told, "recall", &width->recall) != ERR_OK) {
            width->recall = 0;
        }
    }
}

/* `params` is what the collection was made with, `own` what we say of the space. */
static void read_space(struct duet_space_stats *space, const char *name,
                       struct json_object *params, struct json_object *own)
{
    const char *distance = NULL;
    const char *datatype = NULL;
    snprintf(space->name, sizeof space->name, "%s", name);
    if (json_get_string(params, "distance", &distance) != ERR_OK ||
        json_get_string(params, "datatype", &datatype) != ERR_OK) {
        datatype = NULL; /* float32 is not said */
    }
    space->dim = number_of(params, "size");
    space->distance =
        (enum duet_distance)find_name(distance, distance_name, DUET_MANHATTAN + 1);
    space->datatype =
        (enum duet_datatype)find_name(datatype, datatype_name, DUET_UINT8 + 1);
    space->n_vectors = number_of(own, "vectors_count");
    space->n_sealed = number_of(own, "indexed_vectors_count");
    space->n_segments = number_of(own, "segments_count");
    space->segment_bytes = number_of(own, "segment_bytes");
    space->memory_bytes = number_of(own, "memory_bytes");
    keep_text(space->index, sizeof space->index, own, "index");
    keep_text(space->reason, sizeof space->reason, own, "index_reason");
    const char *choice = NULL;
    if (json_get_string(own, "index_choice", &choice) != ERR_OK ||
        duet_vector_index_parse(choice, &space->choice) != ERR_OK) {
        space->choice = DUET_INDEX_AUTO;
    }
    read_width(&space->same_side, json_get(own, "same_side"));
    read_width(&space->cross_modal, json_get(own, "cross_modal"));
}

/* The payload indexes, which the caller releases by remote_indexes_release. */
static enum err read_indexes(struct duet_indexes *out, struct json_object *schema)
{
    size_t n = json_object_is_type(schema, json_type_object)
                   ? (size_t)json_object_object_length(schema)
                   : 0;
    *out = (struct duet_indexes){alloc_zero(n + 1, sizeof *out->items), 0};
    FAIL_IF(out->items == NULL, ERR_NOMEM, "out of memory");
    if (n == 0) {
        return ERR_OK;
    }
    json_object_object_foreach(schema, field, index)
    {
        const char *kind = NULL;
        struct duet_index *item = &out->items[out->n++];
        item->field = alloc_dup(field);
        item->n_points = number_of(index, "points");
        item->ready = true; /* one that is not is not told as done either */
        if (json_get_string(index, "data_type", &kind) == ERR_OK) {
            item->kind = (enum duet_index_kind)find_name(kind, index_kind_name,
                                                         DUET_INDEX_TEXT + 1);
        }
        FAIL_IF(item->field == NULL, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

void remote_indexes_release(struct duet_indexes *indexes)
{
    for (size_t i = 0; i < indexes->n; i++) {
        alloc_free((void *)(size_t)indexes->items[i].field);
    }
    alloc_free(indexes->items);
    *indexes = (struct duet_indexes){.n = 0};
}

static void read_stats(struct duet_stats *stats, struct json_object *result)
{
    struct json_object *own = json_get(result, "duet");
    struct json_object *vectors =
        json_get(json_get(json_get(result, "config"), "params"), "vectors");
    *stats = (struct duet_stats){.n_points = number_of(result, "points_count"),
                                 .store_bytes = number_of(own, "store_bytes"),
                                 .media_bytes = number_of(own, "media_bytes")};
    keep_text(stats->uuid, sizeof stats->uuid, own, "uuid");
    keep_text(stats->model, sizeof stats->model, own, "model");
    keep_text(stats->model_space, sizeof stats->model_space, own, "model_space");
    json_object_object_foreach(json_get(own, "spaces"), name, space)
    {
        if (stats->n_spaces < sizeof stats->spaces / sizeof stats->spaces[0]) {
            read_space(&stats->spaces[stats->n_spaces++], name,
                       name[0] == '\0' ? vectors : json_get(vectors, name), space);
        }
    }
}

enum err remote_stats(struct duet_stats *stats, struct duet_indexes *indexes,
                      struct json_object **told, const struct cli *cli)
{
    struct json_object *result;
    *told = NULL;
    *indexes = (struct duet_indexes){.n = 0};
    TRY(remote_ask(&result, cli, "?duet=true", NULL));
    if (!json_object_is_type(json_get(json_get(result, "duet"), "spaces"),
                             json_type_object)) {
        *told = result;
        return ERR_OK;
    }
    read_stats(stats, result);
    enum err code = read_indexes(indexes, json_get(result, "payload_schema"));
    json_object_put(result);
    if (code != ERR_OK) {
        remote_indexes_release(indexes);
    }
    return code;
}
