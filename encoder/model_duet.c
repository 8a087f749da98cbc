/*
 * model_duet.c - Duet's own layout: the config says all, each tower and each head has a
 * file of its own. Reading goes down the JSON in its own order; what depends on several
 * values at once is checked by the tower that they belong to.
 */
#include "base/limits.h"
#include "encoder/kernels.h"
#include "encoder/model_read.h"

enum { FORMAT = 1 };

static enum err add_weights(struct model *model, struct json_object *json,
                            struct model_weights *out)
{
    const char *name;
    TRY(json_get_string(json, "weights", &name));
    enum err result = model_add_weights_file(model, name, out);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "\"weights\"");
}

/* The image tower. */

static enum err read_block(struct json_object *json, struct efficientnet_block *block)
{
    TRY(model_read_count(json, "kernel", 0, KN_KERNEL_MAX, &block->kernel));
    TRY(model_read_count(json, "stride", 0, 2, &block->stride));
    TRY(model_read_count(json, "expand", 0, KN_COLS_MAX, &block->expand));
    return model_read_count(json, "out", 0, KN_COLS_MAX, &block->out);
}

static enum err read_taps(struct json_object *json, struct efficientnet_config *net)
{
    struct json_object *array;
    TRY(model_read_array(json, "taps", net->n_blocks, &array));
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
    TRY(model_read_count(json, "size", 0, EFFICIENTNET_SIZE_MAX, &net->size));
    TRY(model_read_count(json, "stem", 0, KN_COLS_MAX, &net->stem));
    TRY(model_read_count(json, "features", 0, KN_COLS_MAX, &net->features));
    TRY(model_read_array(json, "blocks", EFFICIENTNET_BLOCKS_MAX, &array));
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
    TRY(model_expect_string(json, "architecture", "efficientnet-lite"));
    TRY(model_expect_string(json, "resize", "squash"));
    TRY(model_expect_string(json, "interpolation", "bicubic"));
    TRY(add_weights(model, json, &image->weights));
    TRY(model_add_named_file(model, json, "head", &image->head));
    TRY(model_read_colours(json, "mean", false, image->preprocess.mean));
    TRY(model_read_colours(json, "std", true, image->preprocess.std));
    TRY(read_net(json, &image->net));
    image->preprocess.width = image->preprocess.height = (uint32_t)image->net.size;
    return ERR_OK;
}

/* The text towers. */

static enum err read_bert(struct json_object *json, struct bert_config *bert)
{
    double epsilon;
    TRY(model_read_count(json, "layers", 0, BERT_LAYERS_MAX, &bert->layers));
    TRY(model_read_count(json, "hidden", 0, BERT_WIDTH_MAX, &bert->hidden));
    TRY(model_read_count(json, "heads", 0, bert->hidden, &bert->heads));
    TRY(model_read_count(json, "intermediate", 0, BERT_WIDTH_MAX, &bert->intermediate));
    TRY(model_read_count(json, "max_tokens", 0, LIMIT_TEXT_TOKENS, &bert->max_tokens));
    TRY(model_read_positive(json, "layer_norm_eps", 0, &epsilon));
    FAIL_IF(bert->max_tokens < 3, ERR_INVALID, "\"max_tokens\" leaves no room for one");
    bert->layer_norm_eps = (float)epsilon;
    return ERR_OK;
}

static enum err read_text(struct model *model, struct json_object *json,
                          struct model_text *text)
{
    TRY(model_expect_string(json, "architecture", "bert"));
    TRY(model_expect_string(json, "pool", "mean"));
    TRY(json_get_string(json, "language", &text->language));
    TRY(add_weights(model, json, &text->weights));
    TRY(model_add_named_file(model, json, "head", &text->head));
    TRY(model_add_named_file(model, json, "vocab", &text->tokenizer.path));
    TRY(json_get_bool(json, "lowercase", &text->tokenizer.lower_case));
    TRY(read_bert(json, &text->bert));
    text->max_tokens = text->bert.max_tokens;
    return ERR_OK;
}

static enum err read_texts(struct model *model, struct json_object *json)
{
    struct json_object *array;
    TRY(model_read_array(json, "text", MODEL_TEXTS_MAX, &array));
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

enum err model_read_duet(struct model *model, struct json_object *config)
{
    size_t format;
    TRY(json_get_size(config, "format", &format));
    FAIL_IF(format != FORMAT, ERR_INVALID, "format %zu; this version knows %d", format,
            FORMAT);
    model->family = "duet";
    TRY(json_get_string(config, "name", &model->name));
    TRY(json_get_string(config, "space", &model->space));
    TRY(json_get_string(config, "licence", &model->licence));
    TRY(model_read_count(config, "dim", 0, LIMIT_DIM_MAX, &model->dim));
    TRY(model_read_positive(config, "logit_scale", 0, &model->logit_scale));
    enum err result = read_image(model, json_get(config, "image"));
    if (result != ERR_OK) {
        return err_prefix(result, "image tower");
    }
    return read_texts(model, config);
}
