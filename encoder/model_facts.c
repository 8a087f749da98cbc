/*
 * model_facts.c - what a published model's folder tells of itself beside its config.
 *
 * No published file names the space that a model's vectors live in, so it is made of
 * the weights: a hash of a part of every tensor that a vector depends on, read as half
 * floats. So the float32 and float16 forms of one model share a space, in either
 * layout, and two fine-tunings of one model do not, even where only some layers were
 * trained (as merged LoRAs are); what changes only rows behind a matrix's first, as a
 * few tokens' embeddings, goes unseen. Forms that round more name the space of their origin
 * in "duet_space" of their config.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/model_read.h"

/* Name and licence. */

/* The folder's last name. A path may end in slashes. */
static enum err name_folder(struct model *model)
{
    size_t end = strlen(model->folder), start;
    while (end > 1 && model->folder[end - 1] == '/') {
        end--;
    }
    for (start = end; start > 0 && model->folder[start - 1] != '/'; start--) {
    }
    return model_derive(model, &model->name, "%.*s", (int)(end - start),
                        model->folder + start);
}

/* The value of "licence: value" in the block of "---" lines that a model card begins
 * with (YAML's plain and quoted scalars). */
static enum err read_card(struct model *model, const char *card)
{
    static const char key[] = "\nlicense:";
    const char *end = strncmp(card, "---\n", 4) == 0 ? strstr(card + 4, "\n---") : NULL;
    const char *line = end != NULL ? strstr(card, key) : NULL;
    if (line == NULL || line > end) {
        return ERR_OK;
    }
    const char *value = line + sizeof key - 1;
    value += strspn(value, " \t\"'");
    size_t n = strcspn(value, "\"' \t\r\n#");
    return n > 0 && n < LIMIT_NAME_BYTES
               ? model_derive(model, &model->licence, "%.*s", (int)n, value)
               : ERR_OK;
}

/* The beginning of the model card; one that cannot be read tells nothing. */
static enum err read_card_file(struct model *model, const char *path)
{
    enum { CARD_BYTES = 16 << 10 };
    struct file_map map;
    if (file_map_open(&map, path, LIMIT_MODEL_CONFIG_BYTES) != ERR_OK ||
        map.size == 0) {
        return ERR_OK;
    }
    size_t n = map.size < CARD_BYTES ? map.size : CARD_BYTES;
    char *card = alloc_dup_n((const char *)map.data, n);
    enum err result = card == NULL ? ERR_NOMEM : read_card(model, card);
    alloc_free(card);
    file_map_close(&map);
    return result;
}

static enum err read_licence(struct model *model)
{
    char *path = NULL;
    TRY(model_path_of(model, "README.md", &path));
    enum err result = read_card_file(model, path);
    alloc_free(path);
    return result;
}

static const char *string_or(struct json_object *json, const char *key,
                             const char *fallback)
{
    struct json_object *value = json_get(json, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                        : fallback;
}

static enum err read_name(struct model *model)
{
    struct json_object *manifest;
    TRY(name_folder(model));
    model->licence = "unknown: see the model's card";
    TRY(read_licence(model));
    TRY(model_note_json(model, "duet.json", &manifest));
    model->name = string_or(manifest, "repo", model->name);
    model->licence = string_or(manifest, "licence", model->licence);
    return ERR_OK;
}

/* The space. */

static enum err mark_text(const struct model_text *text, struct wt_file *file,
                          uint64_t *mark)
{
    return text->kind == MODEL_BERT ? bert_mark(&text->bert, file, mark)
                                    : clip_text_mark(&text->clip, file, mark);
}

static enum err name_space(struct model *model, struct json_object *config,
                           struct wt_file *file)
{
    uint64_t mark = 0;
    if (json_get(config, "duet_space") != NULL) {
        TRY(json_get_string(config, "duet_space", &model->space));
        FAIL_IF(model->space[0] == '\0' || strlen(model->space) > LIMIT_NAME_BYTES,
                ERR_INVALID, "\"duet_space\" must have 1 to %d bytes",
                LIMIT_NAME_BYTES);
        return ERR_OK;
    }
    TRY(vit_mark(&model->image.vit, file, &mark));
    TRY(mark_text(&model->texts[0], file, &mark));
    return model_derive(model, &model->space, "%s-%zu-%016llx", model->family,
                        model->dim, (unsigned long long)mark);
}

/* The scale. */

static enum err read_scale(struct model *model, struct wt_file *file,
                           const char *logit_bias)
{
    static const char logit_scale[] = "logit_scale";
    const float *number;
    TRY(wt_vector(file, logit_scale, WT_WHOLE, 1, &number));
    model->logit_scale = exp(*number);
    FAIL_IF(!isfinite(model->logit_scale) || model->logit_scale <= 0, ERR_MODEL,
            "%s: \"%s\" is %g", model->folder, logit_scale, (double)*number);
    if (logit_bias != NULL) {
        TRY(wt_vector(file, logit_bias, WT_WHOLE, 1, &number));
        FAIL_IF(!isfinite(*number), ERR_MODEL, "%s: \"%s\" is not finite",
                model->folder, logit_bias);
        model->logit_bias = *number;
        model->sigmoid = true;
    }
    return ERR_OK;
}

enum err model_read_facts(struct model *model, struct json_object *config,
                          const char *logit_bias)
{
    struct wt_file *file;
    const struct model_weights *weights = &model->image.weights;
    TRY(read_name(model));
    TRY(wt_open(&file, weights->paths, weights->n));
    enum err result = read_scale(model, file, logit_bias);
    if (result == ERR_OK) {
        result = name_space(model, config, file);
    }
    wt_close(file);
    return result;
}
