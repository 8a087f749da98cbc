/*
 * model_remake.h - a model's folder written again with other weights, for every family
 * and layout that model.h reads.
 *
 * Shards become one file; configs, tokenizers, licences and model cards are copied. What
 * was published beside the model and holds for its exact weights (duet.json,
 * expected.json) is left out. The new folder is made under a name of its own and renamed
 * when it is whole. Any thread.
 */
#ifndef ENCODER_MODEL_REMAKE_H
#define ENCODER_MODEL_REMAKE_H

#include "encoder/model.h"

struct model_remake {
    /* Writes the tensors of `weights`, which are one model's or one part's, to the file
     * `to`. */
    enum err (*write)(void *arg, const struct model *model,
                      struct model_weights weights, const char *to);
    /* Changes the model's config, parsed, before it is written. May be NULL. */
    enum err (*configure)(void *arg, const struct model *model,
                          struct json_object *config);
    void *arg;
    const char *made_by; /* for a model card where there was none */
};

/* Makes the folder `to`, which must not be there, of the one `from`; the parent of `to`
 * must be there. ERR_EXISTS, ERR_MODEL, ERR_IO, ERR_FULL, ERR_NOMEM, and what the
 * functions return: nothing is left then. */
enum err model_remake(const char *from, const char *to, const struct model_remake *how)
    ERR_CHECK;

#endif
