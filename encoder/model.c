/*
 * model.c - see model.h. Reading goes down the JSON in its own order; a wrong value is
 * an ERR_INVALID on the way up and gets the file's name and ERR_MODEL at the top. What
 * depends on several values at once is checked by the tower that they belong to.
 */
#include "encoder/model.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/limits.h"
#include "encoder/kernels.h"
#include "encoder/model_file.h"

enum { FORMAT = 1, PATH_BYTES_MAX = 4096 };

/* Values with bounds. */

/* A whole number of at least 1. */
static enum err read_count(struct json_object *json, const char *key, size_t max,
                           size_t *out)
{
    TRY(json_get_size(json, key, out));
    FAIL_IF(*out < 1 || *out > max, ERR_INVALID, "\"%s\" is %zu, not 1 to %zu", key,
            *out, max);
    return ERR_OK;
}

static enum err read_positive(struct json_object *json, const char *key, double *out)
{
    TRY(json_get_double(json, key, out));
    FAIL_IF(!isfinite(*out) || *out <= 0, ERR_INVALID, "\"%s\" must be over 0", key);
    return ERR_OK;
}

/* Where this version knows one value only. */
static enum err expect_string(struct json_object *json, const char *key,
                              const char *known)
{
    const char *value;
    TRY(json_get_string(json, key, &value));
    FAIL_IF(strcmp(value, known) != 0, ERR_INVALID,
            "\"%s\" is \"%.64s\"; this version knows \"%s\"", key, value, known);
    return ERR_OK;
}

static enum err read_array(struct json_object *json, const char *key, size_t max,
                           struct json_object **out)
{
    *out = json_get(json, key);
    FAIL_IF(!json_object_is_type(*out, json_type_array), ERR_INVALID,
            "\"%s\" must be an array", key);
    FAIL_IF(json_object_array_length(*out) > max, ERR_INVALID,
            "\"%s\" has more than %zu entries", key, max);
    return ERR_OK;
}

/* Three numbers, one a colour. */
static enum err read_colours(struct json_object *json, const char *key, float out[3])
{
    struct json_object *array;
    TRY(read_array(json, key, 3, &array));
    for (size_t i = 0; i < 3; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        FAIL_IF(!json_object_is_type(item, json_type_double) &&
                    !json_object_is_type(item, json_type_int),
                ERR_INVALID, "\"%s\" must be three numbers", key);
        out[i] = (float)json_object_get_double(item);
        FAIL_IF(!isfinite(out[i]), ERR_INVALID, "\"%s\" must be finite", key);
    }
    return ERR_OK;
}

/* Files. */

static enum err add_file(struct model *model, const char *name, const char **out)
{
    struct buf path;
    buf_init(&path, PATH_BYTES_MAX);
    enum err result = ERR_OK;
    TRY_OUT(buf_printf(&path, "%s/%s", model->folder, name));
    *out = buf_take(&path);
    if (*out == NULL) {
        result = ERR_NOMEM;
        goto out;
    }
    model->files[model->n_files] = (char *)(size_t)*out;
    model->n_files++;
out:
    buf_release(&path);
    return result;
}

/* A file's name, which may not lead out of the folder, as the path *out. */
static enum err read_file_name(struct model *model, struct json_object *json,
                               const char *key, const char **out)
{
    const char *name;
    TRY(json_get_string(json, key, &name));
    FAIL_IF(name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ||
                strlen(name) > LIMIT_NAME_BYTES,
            ERR_INVALID, "\"%s\" must be the plain name of a file in the same folder",
            key);
    return add_file(model, name, out);
}

/* The image tower. */

static enum err read_block(struct json_object *json, struct efficientnet_block *block)
{
    TRY(read_count(json, "kernel", KN_KERNEL_MAX, &block->kernel));
    TRY(read_count(json, "stride", 2, &block->stride));
    TRY(read_count(json, "expand", KN_COLS_MAX, &block->expand));
    return read_count(json, "out", KN_COLS_MAX, &block->out);
}

static enum err read_taps(struct json_object *json, struct efficientnet_config *net)
{
    struct json_object *array;
    TRY(read_array(json, "taps", net->n_blocks, &array));
    net->n_taps = json_object_array_length(array);
    for (size_t i = 0; i < net->n_taps; i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        FAIL_IF(!json_object_is_type(item, json_type_int) ||
                    json_object_get_int64(item) < 0 ||
                    json_object_get_uint64(item) >= net->n_blocks,
                ERR_INVALID, "\"taps\" must be numbers of blocks");
        net->taps[i] = json_object_get_uint64(item);
    }
    return ERR_OK;
}

static enum err read_net(struct json_object *json, struct efficientnet_config *net)
{
    struct json_object *array;
    TRY(read_count(json, "size", EFFICIENTNET_SIZE_MAX, &net->size));
    TRY(read_count(json, "stem", KN_COLS_MAX, &net->stem));
    TRY(read_count(json, "features", KN_COLS_MAX, &net->features));
    TRY(read_array(json, "blocks", EFFICIENTNET_BLOCKS_MAX, &array));
    net->n_blocks = json_object_array_length(array);
    FAIL_IF(net->n_blocks == 0, ERR_INVALID, "\"blocks\" is empty");
    for (size_t i = 0; i < net->n_blocks; i++) {
        enum err result =
            read_block(json_object_array_get_idx(array, i), &net->blocks[i]);
        if (result != ERR_OK) {
            return err_prefix(result, "block %zu", i);
        }
    }
    return read_taps(json, net);
}

static enum err read_image(struct model *model, struct json_object *json)
{
    struct model_image *image = &model->image;
    TRY(expect_string(json, "architecture", "efficientnet-lite"));
    TRY(expect_string(json, "resize", "squash"));
    TRY(expect_string(json, "interpolation", "bicubic"));
    TRY(read_file_name(model, json, "weights", &image->weights));
    TRY(read_file_name(model, json, "head", &image->head));
    TRY(read_colours(json, "mean", image->preprocess.mean));
    TRY(read_colours(json, "std", image->preprocess.std));
    const float *std = image->preprocess.std;
    FAIL_IF(std[0] <= 0 || std[1] <= 0 || std[2] <= 0, ERR_INVALID,
            "\"std\" must be over 0");
    TRY(read_net(json, &image->net));
    image->preprocess.width = image->preprocess.height = (uint32_t)image->net.size;
    return ERR_OK;
}

/* The text towers. */

static enum err read_bert(struct json_object *json, struct bert_config *bert)
{
    double epsilon;
    TRY(read_count(json, "layers", BERT_LAYERS_MAX, &bert->layers));
    TRY(read_count(json, "hidden", BERT_WIDTH_MAX, &bert->hidden));
    TRY(read_count(json, "heads", bert->hidden, &bert->heads));
    TRY(read_count(json, "intermediate", BERT_WIDTH_MAX, &bert->intermediate));
    TRY(read_count(json, "max_tokens", LIMIT_TEXT_TOKENS, &bert->max_tokens));
    TRY(read_positive(json, "layer_norm_eps", &epsilon));
    FAIL_IF(bert->max_tokens < 3, ERR_INVALID, "\"max_tokens\" leaves no room for one");
    bert->layer_norm_eps = (float)epsilon;
    return ERR_OK;
}

static enum err read_text(struct model *model, struct json_object *json,
                          struct model_text *text)
{
    TRY(expect_string(json, "architecture", "bert"));
    TRY(expect_string(json, "pool", "mean"));
    TRY(json_get_string(json, "language", &text->language));
    TRY(read_file_name(model, json, "weights", &text->weights));
    TRY(read_file_name(model, json, "head", &text->head));
    TRY(read_file_name(model, json, "vocab", &text->vocabulary));
    TRY(json_get_bool(json, "lowercase", &text->lower_case));
    return read_bert(json, &text->bert);
}

static enum err read_texts(struct model *model)
{
    struct json_object *array;
    TRY(read_array(model->json, "text", MODEL_TEXTS_MAX, &array));
    FAIL_IF(json_object_array_length(array) == 0, ERR_INVALID, "\"text\" is empty");
    while (model->n_texts < json_object_array_length(array)) {
        enum err result =
            read_text(model, json_object_array_get_idx(array, model->n_texts),
                      &model->texts[model->n_texts]);
        if (result != ERR_OK) {
            return err_prefix(result, "text tower %zu", model->n_texts);
        }
        model->n_texts++;
    }
    return ERR_OK;
}

/* The whole. */

static enum err read_config(struct model *model)
{
    size_t format;
    TRY(json_get_size(model->json, "format", &format));
    FAIL_IF(format != FORMAT, ERR_INVALID, "format %zu; this version knows %d", format,
            FORMAT);
    TRY(json_get_string(model->json, "name", &model->name));
    TRY(json_get_string(model->json, "space", &model->space));
    TRY(json_get_string(model->json, "licence", &model->licence));
    TRY(read_count(model->json, "dim", LIMIT_DIM_MAX, &model->dim));
    TRY(read_positive(model->json, "logit_scale", &model->logit_scale));
    enum err result = read_image(model, json_get(model->json, "image"));
    if (result != ERR_OK) {
        return err_prefix(result, "image tower");
    }
    return read_texts(model);
}

static enum err parse_config(struct model *model, const char *path)
{
    struct file_map map;
    TRY(model_file_map(&map, path));
    enum err result = json_parse(&model->json, (const char *)map.data, map.size);
    file_map_close(&map);
    if (result == ERR_OK) {
        result = read_config(model);
    }
    if (result != ERR_OK) {
        result = result == ERR_NOMEM ? ERR_NOMEM : ERR_MODEL;
        return err_prefix(result, "%s", path);
    }
    return ERR_OK;
}

enum err model_open(struct model **out, const char *folder)
{
    *out = NULL;
    struct model *model = alloc_zero(1, sizeof *model);
    if (model == NULL) {
        return ERR_NOMEM;
    }
    const char *config = NULL;
    enum err result = ERR_NOMEM;
    model->folder = alloc_dup(folder);
    if (model->folder == NULL) {
        goto out;
    }
    TRY_OUT(add_file(model, "config.json", &config));
    TRY_OUT(parse_config(model, config));
    *out = model;
    return ERR_OK;
out:
    model_close(model);
    return result;
}

void model_close(struct model *model)
{
    if (model == NULL) {
        return;
    }
    for (size_t i = 0; i < model->n_files; i++) {
        alloc_free(model->files[i]);
    }
    json_object_put(model->json);
    alloc_free(model->folder);
    alloc_free(model);
}
