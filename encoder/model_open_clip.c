/*
 * model_open_clip.c - OpenCLIP's layout: open_clip_config.json,
 * open_clip_model.safetensors (or its shards) and a tokenizer.
 *
 * The keys are those of CLIPVisionCfg and CLIPTextCfg in open_clip/model.py. There are
 * dozens, and most change what a tower computes; so every key is either known here or
 * refused.
 */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "encoder/model_read.h"
#include "encoder/weights_table.h"

/* A key of a config that has no place in ours: it must say what it says by default, or
 * changes nothing of what an encoder computes. */
struct other_key {
    const char *name;
    const char *expected; /* as JSON; NULL: anything goes */
};

static const struct other_key vision_keys[] = {
    {"patch_dropout", NULL}, /* of the training */
    {"output_tokens", NULL}, /* of the programming interface */
    {"ls_init_value", "null"},
    {"attentional_pool", "false"},
    {"attn_pooler_queries", NULL}, /* of an attentional pool */
    {"attn_pooler_heads", NULL},
    {"no_ln_pre", "false"},
    {"pos_embed_type", "\"learnable\""},
    {"final_ln_after_pool",
     NULL}, /* a class token is normed the same before and after */
    {"pool_type", "\"tok\""},
    {"act_kwargs", "null"},
    {"timm_model_name", "null"},
};

static const struct other_key text_keys[] = {
    {"hf_tokenizer_name", NULL},
    {"tokenizer_mode", NULL},
    {"output_tokens", NULL},
    {"pad_id", NULL},
    {"eos_id", NULL}, /* of other pools */
    {"ls_init_value", "null"},
    {"embed_cls", "false"},
    {"no_causal_mask", "false"},
    {"final_ln_after_pool", NULL},
    {"pool_type", "\"argmax\""},
    {"proj_bias", "false"},
    {"proj_type", "\"linear\""},
    {"act_kwargs", "null"},
    {"hf_model_name", "null"},
};

static enum err check_key(const char *key, struct json_object *value,
                          const char *const *ours, const struct other_key *others,
                          size_t n_others)
{
    for (; *ours != NULL; ours++) {
        if (strcmp(*ours, key) == 0) {
            return ERR_OK;
        }
    }
    for (size_t i = 0; i < n_others; i++) {
        if (strcmp(others[i].name, key) == 0) {
            const char *text = value == NULL ? "null" : json_text(value);
            FAIL_IF(others[i].expected != NULL && strcmp(others[i].expected, text) != 0,
                    ERR_INVALID, "\"%s\" is %.64s; this version knows %s", key, text,
                    others[i].expected);
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "\"%.64s\" is not known to this version", key);
}

/* The transformer of a tower: "layers", "width" and so on. */
static enum err read_body(struct json_object *json, size_t heads,
                          enum kn_activation activation, struct transformer_config *out)
{
    double ratio;
    FAIL_IF(!json_object_is_type(json_get(json, "layers"), json_type_int), ERR_INVALID,
            "\"layers\" is no number: only transformers are known to this version");
    TRY(model_read_count(json, "layers", 0, TRANSFORMER_LAYERS_MAX, &out->layers));
    TRY(model_read_count(json, "width", 0, KN_COLS_MAX, &out->width));
    TRY(model_read_positive(json, "mlp_ratio", 4.0, &ratio));
    FAIL_IF(ratio * (double)out->width > KN_COLS_MAX, ERR_INVALID,
            "\"mlp_ratio\" is too much");
    out->mlp = (size_t)((double)out->width * ratio); /* cut, as int() does */
    out->heads = heads;
    out->activation = activation;
    out->epsilon = 1e-5f;
    return ERR_OK;
}

static enum err read_vision(struct model *model, struct json_object *json,
                            enum kn_activation activation)
{
    static const char *const ours[] = {
        "layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", NULL};
    struct vit_config *vit = &model->image.vit;
    size_t head_width, width;
    json_object_object_foreach(json, key, value)
    {
        TRY(check_key(key, value, ours, vision_keys, WT_COUNT(vision_keys)));
    }
    model->image.kind = MODEL_VIT;
    vit->family = VIT_OPEN_CLIP;
    vit->dim = model->dim;
    TRY(model_read_count(json, "head_width", 64, KN_HEAD_MAX, &head_width));
    TRY(model_read_count(json, "width", 0, KN_COLS_MAX, &width));
    FAIL_IF(width < head_width, ERR_INVALID, "\"head_width\" is over \"width\"");
    TRY(read_body(json, width / head_width, activation, &vit->body));
    TRY(model_read_count(json, "image_size", 224, VIT_SIZE_MAX, &vit->size));
    return model_read_count(json, "patch_size", 16, VIT_PATCH_MAX, &vit->patch);
}

static enum err read_text(struct model *model, struct json_object *json,
                          enum kn_activation activation)
{
    static const char *const ours[] = {"context_length", "vocab_size", "width", "heads",
                                       "layers",         "mlp_ratio",  NULL};
    struct clip_text_config *clip = &model->texts[0].clip;
    size_t heads;
    json_object_object_foreach(json, key, value)
    {
        TRY(check_key(key, value, ours, text_keys, WT_COUNT(text_keys)));
    }
    model->texts[0].kind = MODEL_CLIP_TEXT;
    clip->dim = model->dim;
    clip->end_token = -1;
    TRY(model_read_count(json, "heads", 8, KN_COLS_MAX, &heads));
    TRY(read_body(json, heads, activation, &clip->body));
    TRY(model_read_count(json, "vocab_size", 49408, INT32_MAX, &clip->vocab));
    TRY(model_read_count(json, "context_length", 77, LIMIT_TEXT_TOKENS,
                         &clip->max_tokens));
    FAIL_IF(clip->max_tokens < 3, ERR_INVALID,
            "\"context_length\" leaves no room for one token");
    model->texts[0].max_tokens = clip->max_tokens;
    return ERR_OK;
}

static enum err read_towers(struct model *model, struct json_object *json)
{
    static const char *const ours[] = {"embed_dim",  "vision_cfg",  "text_cfg",
                                       "quick_gelu", "custom_text", NULL};
    static const struct other_key others[] = {{"init_logit_scale", NULL},
                                              {"init_logit_bias", NULL},
                                              {"nonscalar_logit_scale", NULL},
                                              {"output_dict", NULL},
                                              {"cast_dtype", NULL}};
    bool quick_gelu, custom_text;
    FAIL_IF(!json_object_is_type(json, json_type_object), ERR_INVALID,
            "no \"model_cfg\"");
    json_object_object_foreach(json, key, value)
    {
        TRY(check_key(key, value, ours, others, WT_COUNT(others)));
    }
    TRY(model_read_count(json, "embed_dim", 0, LIMIT_DIM_MAX, &model->dim));
    TRY(model_read_bool(json, "quick_gelu", false, &quick_gelu));
    TRY(model_read_bool(json, "custom_text", false, &custom_text));
    enum kn_activation activation = quick_gelu ? KN_QUICK_GELU : KN_GELU;
    enum err result = read_vision(model, json_get(json, "vision_cfg"), activation);
    if (result != ERR_OK) {
        return err_prefix(result, "\"vision_cfg\"");
    }
    result = read_text(model, json_get(json, "text_cfg"), activation);
    if (result != ERR_OK) {
        return err_prefix(result, "\"text_cfg\"");
    }
    model->texts[0].clip.family =
        custom_text ? CLIP_TEXT_OPEN_CLIP_CUSTOM : CLIP_TEXT_OPEN_CLIP;
    return ERR_OK;
}

/* The preprocessing: what is not said is CLIP's own. */

static enum err read_filter(struct json_object *json, enum img_filter *out)
{
    const char *name = "bicubic";
    if (json_get(json, "interpolation") != NULL) {
        TRY(json_get_string(json, "interpolation", &name));
    }
    FAIL_IF(strcmp(name, "bicubic") != 0 && strcmp(name, "bilinear") != 0, ERR_INVALID,
            "\"interpolation\" is \"%.32s\", neither bicubic nor bilinear", name);
    *out = strcmp(name, "bicubic") == 0 ? IMG_BICUBIC : IMG_BILINEAR;
    return ERR_OK;
}

static enum err read_resize(struct json_object *json, enum preprocess_resize *out)
{
    const char *mode = "shortest";
    if (json_get(json, "resize_mode") != NULL) {
        TRY(json_get_string(json, "resize_mode", &mode));
    }
    FAIL_IF(strcmp(mode, "shortest") != 0 && strcmp(mode, "squash") != 0, ERR_INVALID,
            "\"resize_mode\" is \"%.32s\", neither shortest nor squash", mode);
    *out = strcmp(mode, "squash") == 0 ? PREPROCESS_SQUASH : PREPROCESS_SHORTEST;
    return ERR_OK;
}

static enum err read_colours(struct json_object *json, const char *key, bool positive,
                             float out[3])
{
    return json_get(json, key) != NULL ? model_read_colours(json, key, positive, out)
                                       : ERR_OK;
}

static enum err read_preprocess(struct model *model, struct json_object *json)
{
    struct preprocess *p = &model->image.preprocess;
    uint32_t size = (uint32_t)model->image.vit.size;
    *p = (struct preprocess){.centre = PREPROCESS_EVEN,
                             .shortest = size,
                             .width = size,
                             .height = size,
                             .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                             .std = {0.26862954f, 0.26130258f, 0.27577711f}};
    TRY(read_filter(json, &p->filter));
    TRY(read_resize(json, &p->resize));
    TRY(read_colours(json, "mean", false, p->mean));
    return read_colours(json, "std", true, p->std);
}

/* The rest. */

static enum err read_tokenizer(struct model *model)
{
    struct model_tokenizer *tokenizer = &model->texts[0].tokenizer;
    bool json, vocabulary;
    TRY(model_has_file(model, "tokenizer.json", &json));
    TRY(model_has_file(model, "vocab.json", &vocabulary));
    FAIL_IF(
        !json && !vocabulary, ERR_MODEL,
        "%s: no tokenizer.json, and no vocab.json and merges.txt; those of any CLIP "
        "with the same vocabulary will do (as openai/clip-vit-base-patch32)",
        model->folder);
    tokenizer->kind = json ? MODEL_TOKENIZER_JSON : MODEL_BPE;
    TRY(model_add_file(model, json ? "tokenizer.json" : "vocab.json",
                       &tokenizer->path));
    return json ? ERR_OK : model_add_file(model, "merges.txt", &tokenizer->merges);
}

enum err model_read_open_clip(struct model *model, struct json_object *config)
{
    struct json_object *towers = json_get(config, "model_cfg");
    model->n_texts = 1;
    model->family = "clip"; /* the same space as the other layout's */
    model->texts[0].language = "en";
    TRY(read_towers(model, towers));
    TRY(read_preprocess(model, json_get(config, "preprocess_cfg")));
    TRY(read_tokenizer(model));
    TRY(model_add_weights(model, "open_clip_model", "open_clip_pytorch_model.bin",
                          &model->image.weights));
    model->texts[0].weights = model->image.weights;
    bool biased = json_get(towers, "init_logit_bias") != NULL;
    return model_read_facts(model, config, biased ? "logit_bias" : NULL);
}
