/*
 * model.c - see model.h: which layout a folder has.
 */
#include "encoder/model.h"

#include <string.h>

#include "base/alloc.h"
#include "encoder/model_read.h"

/* Whether only OpenCLIP's files of a folder that has both configs can be read. */
static enum err prefers_open_clip(const struct model *model, bool *yes)
{
    bool hugging_face, shards, open_clip;
    TRY(model_has_file(model, "model.safetensors", &hugging_face));
    TRY(model_has_file(model, "model.safetensors.index.json", &shards));
    TRY(model_has_file(model, "open_clip_config.json", &open_clip));
    *yes = open_clip && !hugging_face && !shards;
    return ERR_OK;
}

static enum err read_open_clip(struct model *model)
{
    struct json_object *config;
    TRY(model_add_json(model, "open_clip_config.json", &config));
    enum err result = model_read_open_clip(model, config);
    return result == ERR_INVALID
               ? err_prefix(ERR_MODEL, "%s/open_clip_config.json", model->folder)
               : result;
}

static enum err read_config(struct model *model)
{
    struct json_object *config;
    bool open_clip;
    TRY(model_add_json(model, "config.json", &config));
    if (json_get(config, "format") != NULL) {
        return model_read_duet(model, config);
    }
    TRY(prefers_open_clip(model, &open_clip));
    return open_clip ? read_open_clip(model) : model_read_hugging_face(model, config);
}

static enum err read_folder(struct model *model)
{
    bool config, open_clip;
    TRY(model_has_file(model, "config.json", &config));
    TRY(model_has_file(model, "open_clip_config.json", &open_clip));
    if (!config && open_clip) {
        return read_open_clip(model);
    }
    enum err result = read_config(model);
    return result == ERR_INVALID
               ? err_prefix(ERR_MODEL, "%s/config.json", model->folder)
               : result;
}

enum err model_open(struct model **out, const char *folder)
{
    *out = NULL;
    struct model *model = alloc_zero(1, sizeof *model);
    if (model == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_NOMEM;
    model->folder = alloc_dup(folder);
    if (model->folder == NULL) {
        goto out;
    }
    TRY_OUT(read_folder(model));
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
    for (size_t i = 0; i < model->n_json; i++) {
        json_object_put(model->json[i]);
    }
    alloc_free(model->folder);
    alloc_free(model);
}
