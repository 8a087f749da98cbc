/*
 * quantize.c - see quantize.h.
 */
#include "encoder/quantize.h"

#include <string.h>

#include "base/json.h"
#include "encoder/model_remake.h"
#include "encoder/weights_shrink.h"

static enum err write_weights(void *arg, const struct model *model,
                              struct model_weights weights, const char *to)
{
    (void)model;
    return wt_shrink(weights.paths, weights.n, to, *(const enum wt_type *)arg);
}

/* Duet's own config names its space in any case. */
static enum err name_space(void *arg, const struct model *model,
                           struct json_object *config)
{
    (void)arg;
    if (strcmp(model->family, "duet") == 0 || json_get(config, "duet_space") != NULL) {
        return ERR_OK;
    }
    struct json_object *space = json_object_new_string(model->space);
    if (space == NULL || json_object_object_add(config, "duet_space", space) != 0) {
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err enc_quantize(const char *from, enum enc_precision precision, const char *to)
{
    enum wt_type type = precision == ENC_INT8 ? WT_I8 : WT_F16;
    const struct model_remake how = {.write = write_weights,
                                     .configure = name_space,
                                     .arg = &type,
                                     .made_by = "duet model quantize"};
    return model_remake(from, to, &how);
}
