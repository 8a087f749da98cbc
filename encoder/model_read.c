/*
 * model_read.c - see model_read.h.
 */
#include "encoder/model_read.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/model_file.h"

/* Files. */

static enum err check_plain_name(const char *name)
{
    FAIL_IF(name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ||
                strlen(name) > LIMIT_NAME_BYTES,
            ERR_INVALID, "\"%.64s\" is not the plain name of a file in the same folder",
            name);
    return ERR_OK;
}

enum err model_path_of(const struct model *model, const char *name, char **out)
{
    struct buf path;
    buf_init(&path, PATH_MAX);
    enum err result = buf_printf(&path, "%s/%s", model->folder, name);
    if (result == ERR_OK) {
        *out = buf_take(&path);
        result = *out == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_release(&path);
    return result;
}

enum err model_has_file(const struct model *model, const char *name, bool *yes)
{
    char *path = NULL;
    TRY(model_path_of(model, name, &path));
    *yes = access(path, F_OK) == 0;
    alloc_free(path);
    return ERR_OK;
}

enum err model_add_file(struct model *model, const char *name, const char **path)
{
    TRY(check_plain_name(name));
    FAIL_IF(model->n_files >= MODEL_FILES_MAX, ERR_INVALID, "more than %d files",
            MODEL_FILES_MAX);
    TRY(model_path_of(model, name, &model->files[model->n_files]));
    *path = model->files[model->n_files];
    model->n_files++;
    return ERR_OK;
}

enum err model_add_named_file(struct model *model, struct json_object *json,
                              const char *key, const char **path)
{
    const char *name;
    TRY(json_get_string(json, key, &name));
    enum err result = model_add_file(model, name, path);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "\"%s\"", key);
}

/* Keeps the value, which is released on failure, too. */
static enum err keep_json(struct model *model, struct json_object *json)
{
    if (json == NULL || model->n_json >= MODEL_JSON_MAX) {
        json_object_put(json);
        return ERR_NOMEM; /* no layout comes near the maximum */
    }
    model->json[model->n_json] = json;
    model->n_json++;
    return ERR_OK;
}

static enum err parse_object(const struct file_map *map, struct json_object **json)
{
    FAIL_IF(map->size > LIMIT_MODEL_CONFIG_BYTES, ERR_MODEL, "over %u bytes of JSON",
            LIMIT_MODEL_CONFIG_BYTES);
    TRY(json_parse(json, (const char *)map->data, map->size));
    if (!json_object_is_type(*json, json_type_object)) {
        json_object_put(*json);
        *json = NULL;
        return err_set(ERR_MODEL, "not a JSON object");
    }
    return ERR_OK;
}

static enum err parse_file(struct model *model, const char *path,
                           struct json_object **json)
{
    struct file_map map;
    TRY(model_file_map(&map, path));
    enum err result = parse_object(&map, json);
    file_map_close(&map);
    if (result != ERR_OK) {
        return err_prefix(result == ERR_NOMEM ? ERR_NOMEM : ERR_MODEL, "%s", path);
    }
    return keep_json(model, *json);
}

enum err model_add_json(struct model *model, const char *name,
                        struct json_object **json)
{
    const char *path = NULL;
    *json = NULL;
    TRY(model_add_file(model, name, &path));
    return parse_file(model, path, json);
}

enum err model_add_json_if_there(struct model *model, const char *name,
                                 struct json_object **json)
{
    bool there;
    *json = NULL;
    TRY(model_has_file(model, name, &there));
    return there ? model_add_json(model, name, json) : ERR_OK;
}

enum err model_note_json(struct model *model, const char *name,
                         struct json_object **json)
{
    char *path = NULL;
    bool there;
    *json = NULL;
    TRY(model_has_file(model, name, &there));
    if (!there) {
        return ERR_OK;
    }
    TRY(model_path_of(model, name, &path));
    enum err result = parse_file(model, path, json);
    alloc_free(path);
    return result;
}

/* Weights. */

enum err model_add_weights_file(struct model *model, const char *name,
                                struct model_weights *out)
{
    const char *path;
    TRY(model_add_file(model, name, &path));
    *out = (struct model_weights){
        (const char *const *)&model->files[model->n_files - 1], 1};
    return ERR_OK;
}

/* Adds the file unless it is there already, from the place `first` on. */
static enum err add_shard(struct model *model, size_t first, const char *name)
{
    const char *path;
    char *wanted = NULL;
    TRY(check_plain_name(name));
    TRY(model_path_of(model, name, &wanted));
    bool there = false;
    for (size_t i = first; i < model->n_files && !there; i++) {
        there = strcmp(model->files[i], wanted) == 0;
    }
    alloc_free(wanted);
    FAIL_IF(!there && model->n_files - first >= MODEL_SHARDS_MAX, ERR_MODEL,
            "more than %d shards", MODEL_SHARDS_MAX);
    return there ? ERR_OK : model_add_file(model, name, &path);
}

static enum err add_shards(struct model *model, struct json_object *index,
                           struct model_weights *out)
{
    struct json_object *map = json_get(index, "weight_map");
    size_t first = model->n_files;
    FAIL_IF(!json_object_is_type(map, json_type_object), ERR_MODEL,
            "the index of the shards has no \"weight_map\"");
    json_object_object_foreach(map, tensor, file)
    {
        FAIL_IF(!json_object_is_type(file, json_type_string), ERR_MODEL,
                "the file of tensor \"%.64s\" is no string", tensor);
        TRY(add_shard(model, first, json_object_get_string(file)));
    }
    *out = (struct model_weights){(const char *const *)model->files + first,
                                  model->n_files - first};
    FAIL_IF(out->n == 0, ERR_MODEL, "the index of the shards is empty");
    return ERR_OK;
}

static enum err tell_missing(const struct model *model, const char *name,
                             const char *pickle)
{
    bool there;
    TRY(model_has_file(model, pickle, &there));
    FAIL_IF(!there, ERR_MODEL, "%s: no %s", model->folder, name);
    return err_set(ERR_MODEL,
                   "%s: there is only %s, a format that can run code when it is read; "
                   "convert it once (docs/MODELS.md has the line of Python) to %s",
                   model->folder, pickle, name);
}

enum err model_add_weights(struct model *model, const char *stem, const char *pickle,
                           struct model_weights *out)
{
    char name[64], index_name[80];
    struct json_object *shards;
    bool there;
    snprintf(name, sizeof name, "%s.safetensors", stem);
    snprintf(index_name, sizeof index_name, "%s.index.json", name);
    TRY(model_has_file(model, name, &there));
    if (!there) {
        TRY(model_add_json_if_there(model, index_name, &shards));
        return shards != NULL ? add_shards(model, shards, out)
                              : tell_missing(model, name, pickle);
    }
    return model_add_weights_file(model, name, out);
}

/* Values. */

enum err model_read_count(struct json_object *json, const char *key, size_t fallback,
                          size_t max, size_t *out)
{
    *out = fallback;
    if (fallback == 0 || json_get(json, key) != NULL) {
        TRY(json_get_size(json, key, out));
    }
    FAIL_IF(*out < 1 || *out > max, ERR_INVALID, "\"%s\" is %zu, not 1 to %zu", key,
            *out, max);
    return ERR_OK;
}

enum err model_read_positive(struct json_object *json, const char *key, double fallback,
                             double *out)
{
    *out = fallback;
    if (fallback <= 0 || json_get(json, key) != NULL) {
        TRY(json_get_double(json, key, out));
    }
    FAIL_IF(!isfinite(*out) || *out <= 0, ERR_INVALID, "\"%s\" must be over 0", key);
    return ERR_OK;
}

enum err model_read_bool(struct json_object *json, const char *key, bool fallback,
                         bool *out)
{
    *out = fallback;
    return json_get(json, key) != NULL ? json_get_bool(json, key, out) : ERR_OK;
}

enum err model_expect_string(struct json_object *json, const char *key,
                             const char *known)
{
    const char *value;
    TRY(json_get_string(json, key, &value));
    FAIL_IF(strcmp(value, known) != 0, ERR_INVALID,
            "\"%s\" is \"%.64s\"; this version knows \"%s\"", key, value, known);
    return ERR_OK;
}

enum err model_read_array(struct json_object *json, const char *key, size_t max,
                          struct json_object **out)
{
    *out = json_get(json, key);
    FAIL_IF(!json_object_is_type(*out, json_type_array), ERR_INVALID,
            "\"%s\" must be an array", key);
    FAIL_IF(json_object_array_length(*out) > max, ERR_INVALID,
            "\"%s\" has more than %zu entries", key, max);
    return ERR_OK;
}

enum err model_read_colours(struct json_object *json, const char *key, bool positive,
                            float out[3])
{
    struct json_object *array;
    TRY(model_read_array(json, key, 3, &array));
    for (size_t i = 0; i < 3; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        FAIL_IF(!json_object_is_type(item, json_type_double) &&
                    !json_object_is_type(item, json_type_int),
                ERR_INVALID, "\"%s\" must be three numbers", key);
        out[i] = (float)json_object_get_double(item);
        FAIL_IF(!isfinite(out[i]) || (positive && out[i] <= 0), ERR_INVALID,
                "\"%s\" must be %s", key, positive ? "over 0" : "finite");
    }
    return ERR_OK;
}

/* Strings. */

enum err model_derive(struct model *model, const char **out, const char *fmt, ...)
{
    char text[512]; /* names and shapes: what is longer is cut */
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    TRY(keep_json(model, json_object_new_string(text)));
    *out = json_object_get_string(model->json[model->n_json - 1]);
    return ERR_OK;
}
