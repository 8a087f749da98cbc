/*
 * remote_points.c - see remote_points.h.
 */
#include "cli/remote_points.h"

#include <string.h>

#include "base/alloc.h"
#include "base/float_text.h"
#include "base/limits.h"
#include "cli/remote.h"
#include "cli/remote_http.h"

/* ---- Collections ---------------------------------------------------------------- */

static enum err describe_space(struct duet_space *space,
                               const struct duet_space_stats *stats)
{
    *space = (struct duet_space){.name = alloc_dup(stats->name),
                                 .dim = stats->dim,
                                 .distance = stats->distance,
                                 .datatype = stats->datatype};
    return space->name != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err describe(struct duet_collections *out, const struct cli *cli,
                         const struct duet_stats *stats)
{
    struct duet_space *spaces = alloc_zero(stats->n_spaces, sizeof *spaces);
    out->items = alloc_zero(1, sizeof *out->items);
    if (spaces == NULL || out->items == NULL) {
        alloc_free(spaces);
        return ERR_NOMEM;
    }
    out->n = 1;
    out->items[0] =
        (struct duet_collection){.name = alloc_dup(cli->collection),
                                 .spaces = spaces,
                                 .n_spaces = stats->n_spaces,
                                 .model = alloc_dup(stats->model),
                                 .model_space = alloc_dup(stats->model_space)};
    for (size_t i = 0; i < stats->n_spaces; i++) {
        TRY(describe_space(&spaces[i], &stats->spaces[i]));
    }
    const struct duet_collection *c = &out->items[0];
    bool whole = c->name != NULL && c->model != NULL && c->model_space != NULL;
    return whole ? ERR_OK : ERR_NOMEM;
}

enum err remote_describe(struct duet_collections *out, const struct cli *cli)
{
    struct duet_stats stats;
    struct duet_indexes indexes;
    struct json_object *told;
    *out = (struct duet_collections){0};
    TRY(remote_stats(&stats, &indexes, &told, cli));
    remote_indexes_release(&indexes);
    bool ours = told == NULL;
    json_object_put(told);
    FAIL_IF(!ours, ERR_UNSUPPORTED, "%s: this works with a duet server only", cli->url);
    enum err result = describe(out, cli, &stats);
    if (result != ERR_OK) {
        duet_collections_release(out);
    }
    return result;
}

static struct json_object *space_json(const struct duet_space *space)
{
    struct json_object *json = json_object_new_object();
    json_object_object_add(json, "size", json_object_new_uint64(space->dim));
    json_object_object_add(json, "distance",
                           json_object_new_string(duet_distance_name(space->distance)));
    json_object_object_add(json, "datatype",
                           json_object_new_string(duet_datatype_name(space->datatype)));
    return json;
}

/* {"vectors": {…}}; nothing where the server's model is to say. */
static struct json_object *spaces_json(const struct duet_space *spaces, size_t n)
{
    struct json_object *body = json_object_new_object();
    if (n == 1 && spaces[0].name[0] == '\0') {
        json_object_object_add(body, "vectors", space_json(&spaces[0]));
    } else if (n > 0) {
        struct json_object *named = json_object_new_object();
        for (size_t i = 0; i < n; i++) {
            json_object_object_add(named, spaces[i].name, space_json(&spaces[i]));
        }
        json_object_object_add(body, "vectors", named);
    }
    return body;
}

enum err remote_create(const struct cli *cli, const struct duet_space *spaces, size_t n)
{
    struct json_object *made;
    struct json_object *body = spaces_json(spaces, n);
    enum err result = remote_ask_by(&made, cli, "PUT", "", json_text(body));
    json_object_put(body);
    json_object_put(made);
    /* Of this route, a name that is taken is the one conflict. */
    return result == ERR_CONFLICT ? ERR_EXISTS : result;
}

/* ---- Points --------------------------------------------------------------------- */

static enum err put_text(struct buf *out, const char *text)
{
    struct json_object *json = json_object_new_string(text);
    FAIL_IF(json == NULL, ERR_NOMEM, "out of memory");
    enum err result = buf_printf(out, "%s", json_text(json));
    json_object_put(json);
    return result;
}

static enum err put_id(struct buf *out, struct duet_id id)
{
    char text[DUET_ID_TEXT_MAX];
    const char *quote = id.is_uuid ? "\"" : "";
    duet_id_format(id, text);
    return buf_printf(out, "%s%s%s", quote, text, quote);
}

static enum err put_numbers(struct buf *out, const struct duet_input *input)
{
    for (size_t i = 0; i < input->n; i++) {
        char text[FLOAT_TEXT_MAX];
        float_text(text, input->vector[i]);
        TRY(buf_printf(out, "%c%s", i == 0 ? '[' : ',', text));
    }
    return buf_printf(out, "%s]", input->n == 0 ? "[" : "");
}

/* One vector without a name, or an object of named ones. */
static enum err put_vectors(struct buf *out, const struct duet_point_input *point)
{
    if (point->n_vectors == 1 &&
        (point->vectors[0].space == NULL || point->vectors[0].space[0] == '\0')) {
        return put_numbers(out, &point->vectors[0].input);
    }
    TRY(buf_printf(out, "{"));
    for (size_t i = 0; i < point->n_vectors; i++) {
        const struct duet_named_input *v = &point->vectors[i];
        TRY(buf_printf(out, "%s", i > 0 ? "," : ""));
        TRY(put_text(out, v->space != NULL ? v->space : ""));
        TRY(buf_printf(out, ":"));
        TRY(put_numbers(out, &v->input));
    }
    return buf_printf(out, "}");
}

static enum err put_point(struct buf *out, const struct duet_point_input *point)
{
    TRY(buf_printf(out, "{\"id\":"));
    TRY(put_id(out, point->id));
    TRY(buf_printf(out, ",\"vector\":"));
    TRY(put_vectors(out, point));
    if (point->payload != NULL) {
        TRY(buf_printf(out, ",\"payload\":"));
        TRY(buf_append(out, point->payload, point->n_payload));
    }
    return buf_printf(out, "}");
}

static enum err put_points(struct buf *out, const struct duet_point_input *points,
                           size_t n)
{
    TRY(buf_printf(out, "{\"points\":["));
    for (size_t i = 0; i < n; i++) {
        TRY(buf_printf(out, "%s", i > 0 ? "," : ""));
        TRY(put_point(out, &points[i]));
    }
    return buf_printf(out, "]}");
}

enum err remote_upsert(const struct cli *cli, const struct duet_point_input *points,
                       size_t n)
{
    struct buf body;
    struct json_object *done = NULL;
    buf_init(&body, LIMIT_BODY_BYTES);
    enum err result = put_points(&body, points, n);
    if (result == ERR_OK) {
        result = remote_ask_by(&done, cli, "PUT", "/points?wait=true", body.data);
    }
    json_object_put(done);
    buf_release(&body);
    return result;
}
