/*
 * model_hugging_face.c - the layout of Hugging Face's transformers: config.json,
 * model.safetensors (or its shards), preprocessor_config.json and a tokenizer.
 *
 * What a config leaves out has the default of its class in transformers
 * (configuration_clip.py, configuration_chinese_clip.py, configuration_siglip.py):
 * published ones leave out much.
 */
#include <string.h>

#include "base/limits.h"
#include "encoder/model_read.h"

/* What the class of a tower's config has for keys that are not there. */
struct defaults {
    size_t width, mlp, layers, heads;
    const char *activation;
    double epsilon;
};

struct family {
    const char *model_type;
    enum err (*read)(struct model *model, struct json_object *config);
};

/* Towers. */

static enum err read_activation(struct json_object *json, const char *fallback,
                                enum kn_activation *out)
{
    static const struct {
        const char *name;
        enum kn_activation activation;
    } known[] = {{"quick_gelu", KN_QUICK_GELU},
                 {"gelu", KN_GELU},
                 {"gelu_pytorch_tanh", KN_GELU_TANH}};
    const char *name = fallback;
    if (json_get(json, "hidden_act") != NULL) {
        TRY(json_get_string(json, "hidden_act", &name));
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].activation;
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "\"hidden_act\" is \"%.32s\", which no kernel computes",
                   name);
}

/* "head_dim" stands where heads were pruned: the others are as wide as they were. */
static enum err read_head_width(struct json_object *json,
                                struct transformer_config *out)
{
    size_t head;
    if (json_get(json, "head_dim") == NULL) {
        return ERR_OK;
    }
    TRY(model_read_count(json, "head_dim", 0, out->width / out->heads, &head));
    out->attention = head * out->heads;
    return ERR_OK;
}

static enum err read_body(struct json_object *json, const struct defaults *d,
                          struct transformer_config *out)
{
    double epsilon;
    TRY(model_read_count(json, "hidden_size", d->width, KN_COLS_MAX, &out->width));
    TRY(model_read_count(json, "intermediate_size", d->mlp, KN_COLS_MAX, &out->mlp));
    TRY(model_read_count(json, "num_hidden_layers", d->layers, TRANSFORMER_LAYERS_MAX,
                         &out->layers));
    TRY(model_read_count(json, "num_attention_heads", d->heads, out->width,
                         &out->heads));
    TRY(read_head_width(json, out));
    TRY(model_read_positive(json, "layer_norm_eps", d->epsilon, &epsilon));
    out->epsilon = (float)epsilon;
    return read_activation(json, d->activation, &out->activation);
}

/* The "vision_config". */
static enum err read_vit(struct model *model, struct json_object *json,
                         enum vit_family family, size_t patch, const struct defaults *d)
{
    struct model_image *image = &model->image;
    struct vit_config *vit = &image->vit;
    size_t channels;
    image->kind = MODEL_VIT;
    vit->family = family;
    TRY(read_body(json, d, &vit->body));
    TRY(model_read_count(json, "num_channels", 3, 3, &channels));
    FAIL_IF(channels != 3, ERR_INVALID, "\"num_channels\" is %zu, not 3", channels);
    TRY(model_read_count(json, "image_size", 224, VIT_SIZE_MAX, &vit->size));
    TRY(model_read_count(json, "patch_size", patch, VIT_PATCH_MAX, &vit->patch));
    vit->dim = family == VIT_SIGLIP ? vit->body.width : model->dim;
    return ERR_OK;
}

/* The "text_config" of CLIP and SigLIP. */
static enum err read_clip_text(struct model *model, struct json_object *json,
                               const struct defaults *d, size_t max_tokens)
{
    struct model_text *text = &model->texts[0];
    struct clip_text_config *clip = &text->clip;
    text->kind = MODEL_CLIP_TEXT;
    clip->dim = model->dim;
    TRY(read_body(json, d, &clip->body));
    TRY(model_read_count(json, "max_position_embeddings", max_tokens, LIMIT_TEXT_TOKENS,
                         &clip->max_tokens));
    FAIL_IF(clip->max_tokens < 3, ERR_INVALID,
            "\"max_position_embeddings\" leaves no room for one token");
    text->max_tokens = clip->max_tokens;
    return ERR_OK;
}

/* A part of the config that is left out is all defaults. */
static enum err section(struct json_object *config, const char *key,
                        struct json_object **out)
{
    *out = json_get(config, key);
    FAIL_IF(*out != NULL && !json_object_is_type(*out, json_type_object), ERR_INVALID,
            "\"%s\" is not an object", key);
    return ERR_OK;
}

/* The parts of CLIP's and Chinese-CLIP's configs. Many published ones have each twice;
 * transformers then goes by the second, and what that leaves out is the default,
 * whatever the first says. */
static enum err clip_sections(struct json_object *config, struct json_object **text,
                              struct json_object **vision)
{
    TRY(section(config, "text_config_dict", text));
    TRY(section(config, "vision_config_dict", vision));
    if (*text == NULL) {
        TRY(section(config, "text_config", text));
    }
    return *vision == NULL ? section(config, "vision_config", vision) : ERR_OK;
}

static enum err in_section(enum err result, const char *key)
{
    return result == ERR_INVALID ? err_prefix(result, "\"%s\"", key) : result;
}

/* Files. */

/* Older models have preprocessor_config.json, newer ones may have it as a part of
 * processor_config.json. */
static enum err read_preprocessor(struct model *model)
{
    static const char name[] = "preprocessor_config.json",
                      newer[] = "processor_config.json";
    struct json_object *json, *processor;
    const char *read = name;
    TRY(model_add_json_if_there(model, name, &json));
    if (json == NULL) {
        TRY(model_add_json_if_there(model, newer, &processor));
        json = json_get(processor, "image_processor");
        read = newer;
    }
    FAIL_IF(json == NULL, ERR_MODEL, "%s: no %s", model->folder, name);
    enum err result =
        model_read_preprocessor(json, model->image.vit.size, &model->image.preprocess);
    return result == ERR_INVALID ? err_prefix(ERR_MODEL, "%s/%s", model->folder, read)
                                 : result;
}

static enum err need_file(struct model *model, const char *name, const char *instead,
                          const char **path)
{
    bool there;
    TRY(model_has_file(model, name, &there));
    FAIL_IF(!there, ERR_MODEL, "%s: no %s%s", model->folder, name, instead);
    return model_add_file(model, name, path);
}

/* CLIP: tokenizer.json, else the older pair of vocab.json and merges.txt. */
static enum err read_clip_tokenizer(struct model *model)
{
    struct model_tokenizer *tokenizer = &model->texts[0].tokenizer;
    bool there;
    TRY(model_has_file(model, "tokenizer.json", &there));
    if (there) {
        tokenizer->kind = MODEL_TOKENIZER_JSON;
        return model_add_file(model, "tokenizer.json", &tokenizer->path);
    }
    tokenizer->kind = MODEL_BPE;
    TRY(need_file(model, "vocab.json", ", and no tokenizer.json", &tokenizer->path));
    return need_file(model, "merges.txt", ", and no tokenizer.json",
                     &tokenizer->merges);
}

/* A token of tokenizer_config.json: a string, or an object with it as "content". */
static const char *token_of(struct json_object *json, const char *key)
{
    struct json_object *token = json_get(json, key);
    if (json_object_is_type(token, json_type_object)) {
        token = json_get(token, "content");
    }
    return json_object_is_type(token, json_type_string) ? json_object_get_string(token)
                                                        : NULL;
}

/* SigLIP's is tokenizer.json, of which SigLIP 2's is Gemma's and asks for lower case
 * (as transformers' Siglip2Tokenizer has it: the towers were trained so). */
static enum err read_siglip_tokenizer(struct model *model)
{
    struct model_tokenizer *tokenizer = &model->texts[0].tokenizer;
    struct json_object *json;
    tokenizer->kind = MODEL_TOKENIZER_JSON;
    TRY(need_file(model, "tokenizer.json", " (a spiece.model alone is not read)",
                  &tokenizer->path));
    TRY(model_add_json_if_there(model, "tokenizer_config.json", &json));
    const char *class = token_of(json, "tokenizer_class");
    tokenizer->lower_case = class != NULL && (strncmp(class, "Gemma", 5) == 0 ||
                                              strncmp(class, "Siglip2", 7) == 0);
    tokenizer->padding = token_of(json, "pad_token");
    if (tokenizer->padding == NULL) {
        tokenizer->padding = tokenizer->lower_case ? "<pad>" : "</s>";
    }
    model->texts[0].language = tokenizer->lower_case ? "multilingual" : "en";
    return ERR_OK;
}

/* BERT's options beside its vocab.txt. Accents go where capitals go, and Chinese
 * characters are words: other ways are not known to this version. */
static enum err read_bert_options(struct json_object *json, bool *lower_case)
{
    bool strip, split, basic;
    TRY(model_read_bool(json, "do_lower_case", true, lower_case));
    TRY(model_read_bool(json, "strip_accents", *lower_case, &strip));
    TRY(model_read_bool(json, "tokenize_chinese_chars", true, &split));
    TRY(model_read_bool(json, "do_basic_tokenize", true, &basic));
    FAIL_IF(strip != *lower_case, ERR_INVALID,
            "\"strip_accents\" is not \"do_lower_case\"");
    FAIL_IF(!split, ERR_INVALID, "\"tokenize_chinese_chars\" is false");
    FAIL_IF(!basic, ERR_INVALID, "\"do_basic_tokenize\" is false");
    return ERR_OK;
}

/* Chinese-CLIP: BERT's vocab.txt, else tokenizer.json. */
static enum err read_bert_tokenizer(struct model *model)
{
    struct model_tokenizer *tokenizer = &model->texts[0].tokenizer;
    struct json_object *json;
    bool there;
    TRY(model_has_file(model, "vocab.txt", &there));
    if (!there) {
        tokenizer->kind = MODEL_TOKENIZER_JSON;
        return need_file(model, "tokenizer.json", ", and no vocab.txt",
                         &tokenizer->path);
    }
    tokenizer->kind = MODEL_WORDPIECE;
    TRY(model_add_file(model, "vocab.txt", &tokenizer->path));
    TRY(model_add_json_if_there(model, "tokenizer_config.json", &json));
    enum err result = read_bert_options(json, &tokenizer->lower_case);
    return result == ERR_INVALID
               ? err_prefix(ERR_MODEL, "%s/tokenizer_config.json", model->folder)
               : result;
}

static enum err add_weights(struct model *model)
{
    TRY(model_add_weights(model, "model", "pytorch_model.bin", &model->image.weights));
    model->texts[0].weights = model->image.weights;
    return ERR_OK;
}

/* CLIP. */

static enum err read_clip_towers(struct model *model, struct json_object *config)
{
    static const struct defaults text_defaults = {512, 2048, 12, 8, "quick_gelu", 1e-5},
                                 vit_defaults = {768, 3072, 12, 12, "quick_gelu", 1e-5};
    enum { TOKENS = 77, VOCABULARY = 49408, END = 49407, END_OF_OLD_CONFIGS = 2 };
    struct clip_text_config *clip = &model->texts[0].clip;
    struct json_object *text, *vision;
    size_t end;
    TRY(clip_sections(config, &text, &vision));
    TRY(in_section(read_vit(model, vision, VIT_CLIP, 32, &vit_defaults),
                   "vision_config"));
    TRY(in_section(read_clip_text(model, text, &text_defaults, TOKENS), "text_config"));
    TRY(model_read_count(text, "vocab_size", VOCABULARY, INT32_MAX, &clip->vocab));
    TRY(model_read_count(text, "eos_token_id", END, INT32_MAX, &end));
    clip->end_token = end == END_OF_OLD_CONFIGS ? -1 : (int32_t)end;
    clip->family = CLIP_TEXT_CLIP;
    return ERR_OK;
}

static enum err read_clip(struct model *model, struct json_object *config)
{
    TRY(model_read_count(config, "projection_dim", 512, LIMIT_DIM_MAX, &model->dim));
    TRY(read_clip_towers(model, config));
    TRY(read_preprocessor(model));
    TRY(read_clip_tokenizer(model));
    TRY(add_weights(model));
    model->family = "clip";
    model->texts[0].language = "en";
    return model_read_facts(model, config, NULL);
}

/* Chinese-CLIP. */

static enum err read_bert(struct json_object *json, struct bert_config *bert)
{
    static const struct defaults defaults = {768, 3072, 12, 12, "gelu", 1e-12};
    struct transformer_config body = {.attention = 0};
    size_t types;
    TRY(read_body(json, &defaults, &body));
    FAIL_IF(body.activation != KN_GELU, ERR_INVALID, "\"hidden_act\" is not \"gelu\"");
    TRY(model_read_count(json, "type_vocab_size", 2, 2, &types));
    FAIL_IF(types != 2, ERR_INVALID, "\"type_vocab_size\" is not 2");
    TRY(model_read_count(json, "vocab_size", 30522, INT32_MAX, &bert->vocab));
    TRY(model_read_count(json, "max_position_embeddings", LIMIT_TEXT_TOKENS,
                         LIMIT_TEXT_TOKENS, &bert->max_tokens));
    bert->layers = body.layers;
    bert->hidden = body.width;
    bert->heads = body.heads;
    bert->attention = body.attention;
    bert->intermediate = body.mlp;
    bert->layer_norm_eps = body.epsilon;
    return ERR_OK;
}

static enum err read_chinese_towers(struct model *model, struct json_object *config)
{
    static const struct defaults vit_defaults = {768, 3072, 12, 12, "quick_gelu", 1e-5};
    struct model_text *text = &model->texts[0];
    struct json_object *text_config, *vision;
    TRY(clip_sections(config, &text_config, &vision));
    TRY(in_section(read_vit(model, vision, VIT_CLIP, 32, &vit_defaults),
                   "vision_config"));
    TRY(in_section(read_bert(text_config, &text->bert), "text_config"));
    text->kind = MODEL_BERT;
    text->bert.prefix = "text_model.";
    text->bert.pool = BERT_POOL_FIRST;
    text->bert.dim = model->dim;
    text->max_tokens = text->bert.max_tokens;
    return ERR_OK;
}

static enum err read_chinese_clip(struct model *model, struct json_object *config)
{
    TRY(model_read_count(config, "projection_dim", 512, LIMIT_DIM_MAX, &model->dim));
    TRY(read_chinese_towers(model, config));
    TRY(read_preprocessor(model));
    TRY(read_bert_tokenizer(model));
    TRY(add_weights(model));
    model->family = "chinese-clip";
    model->texts[0].language = "zh";
    return model_read_facts(model, config, NULL);
}

/* SigLIP, and SigLIP 2 at a fixed resolution, which has the same config. */

static enum err read_siglip_towers(struct model *model, struct json_object *config)
{
    static const struct defaults defaults = {768, 3072, 12, 12, "gelu_pytorch_tanh",
                                             1e-6};
    enum { TOKENS = 64, VOCABULARY = 32000, PATCH = 16 };
    struct clip_text_config *clip = &model->texts[0].clip;
    struct json_object *text, *vision;
    bool head;
    TRY(section(config, "text_config", &text));
    TRY(section(config, "vision_config", &vision));
    TRY(in_section(read_vit(model, vision, VIT_SIGLIP, PATCH, &defaults),
                   "vision_config"));
    TRY(model_read_bool(vision, "vision_use_head", true, &head));
    FAIL_IF(!head, ERR_INVALID, "\"vision_use_head\" is false: the tower ends early");
    model->dim = model->image.vit.body.width;
    TRY(in_section(read_clip_text(model, text, &defaults, TOKENS), "text_config"));
    TRY(model_read_count(text, "vocab_size", VOCABULARY, INT32_MAX, &clip->vocab));
    clip->family = CLIP_TEXT_SIGLIP;
    return ERR_OK;
}

static enum err read_siglip(struct model *model, struct json_object *config)
{
    TRY(read_siglip_towers(model, config));
    TRY(read_preprocessor(model));
    TRY(read_siglip_tokenizer(model));
    TRY(add_weights(model));
    model->family = "siglip";
    return model_read_facts(model, config, "logit_bias");
}

static enum err refuse_naflex(struct model *model, struct json_object *config)
{
    (void)model;
    (void)config;
    return err_set(ERR_INVALID,
                   "a SigLIP 2 of the NaFlex kind, which takes pictures of any shape; "
                   "take one of a fixed resolution (as in \"-patch16-256\")");
}

static const struct family families[] = {
    {"clip", read_clip},
    {"chinese_clip", read_chinese_clip},
    {"siglip", read_siglip},
    {"siglip2", refuse_naflex},
};

enum err model_read_hugging_face(struct model *model, struct json_object *config)
{
    const char *type;
    FAIL_IF(json_get(config, "model_type") == NULL, ERR_INVALID,
            "neither a \"format\" (of Duet) nor a \"model_type\" (of transformers)");
    TRY(json_get_string(config, "model_type", &type));
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i].model_type, type) == 0) {
            model->n_texts = 1;
            return families[i].read(model, config);
        }
    }
    return err_set(ERR_INVALID,
                   "\"model_type\" is \"%.64s\"; this version knows clip, chinese_clip "
                   "and siglip",
                   type);
}
