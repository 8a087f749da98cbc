/*
 * model_read.h - what the readers of the three layouts share: files of a model's folder
 * and bounded values of JSON. Private to model*.c; see model.h for the threads.
 *
 * A wrong value is ERR_INVALID with a sentence that names the key; model_open adds the
 * file and makes it ERR_MODEL.
 */
#ifndef ENCODER_MODEL_READ_H
#define ENCODER_MODEL_READ_H

#include "base/json.h"
#include "encoder/model.h"

/* The three layouts. Each fills the model from its config, files[0], parsed already. */
enum err model_read_duet(struct model *model, struct json_object *config) ERR_CHECK;
enum err model_read_hugging_face(struct model *model, struct json_object *config)
    ERR_CHECK;
enum err model_read_open_clip(struct model *model, struct json_object *config)
    ERR_CHECK;

/* ---- Files ---- */

/* Whether the folder has a file of that name. ERR_LIMIT: the path is too long. */
enum err model_has_file(const struct model *model, const char *name, bool *yes)
    ERR_CHECK;

/* The path of a file in the folder; the caller frees it. */
enum err model_path_of(const struct model *model, const char *name, char **out)
    ERR_CHECK;

/* Adds the file to those of the model, there or not, and gives its path. ERR_INVALID
 * where `name` is not the plain name of a file in the folder. */
enum err model_add_file(struct model *model, const char *name, const char **path)
    ERR_CHECK;

/* The same for the name under `key` of `json`. */
enum err model_add_named_file(struct model *model, struct json_object *json,
                              const char *key, const char **path) ERR_CHECK;

/* Adds the file and parses it; *json lives as long as the model. ERR_MODEL names the
 * file. */
enum err model_add_json(struct model *model, const char *name,
                        struct json_object **json) ERR_CHECK;

/* The same; *json is NULL where there is no such file. */
enum err model_add_json_if_there(struct model *model, const char *name,
                                 struct json_object **json) ERR_CHECK;

/* Parses a file that has no part in what vectors come out, and so in the fingerprint.
 * *json is NULL where there is no such file. */
enum err model_note_json(struct model *model, const char *name,
                         struct json_object **json) ERR_CHECK;

/* Adds one file of weights. */
enum err model_add_weights_file(struct model *model, const char *name,
                                struct model_weights *out) ERR_CHECK;

/*
 * Adds the files of weights: STEM.safetensors, or the shards that
 * STEM.safetensors.index.json lists. ERR_MODEL where there is neither; it says how to
 * convert what may be there instead (`pickle`, as in "pytorch_model.bin").
 */
enum err model_add_weights(struct model *model, const char *stem, const char *pickle,
                           struct model_weights *out) ERR_CHECK;

/* ---- Values. A `fallback` is what a missing key means; 0: the key must be there ---- */

/* A whole number of 1 to `max`. */
enum err model_read_count(struct json_object *json, const char *key, size_t fallback,
                          size_t max, size_t *out) ERR_CHECK;

/* A number over 0. */
enum err model_read_positive(struct json_object *json, const char *key, double fallback,
                             double *out) ERR_CHECK;

enum err model_read_bool(struct json_object *json, const char *key, bool fallback,
                         bool *out) ERR_CHECK;

/* Where this version knows one value only. */
enum err model_expect_string(struct json_object *json, const char *key,
                             const char *known) ERR_CHECK;

/* An array of at most `max` entries. */
enum err model_read_array(struct json_object *json, const char *key, size_t max,
                          struct json_object **out) ERR_CHECK;

/* Three finite numbers, one a colour; with `positive` all over 0. */
enum err model_read_colours(struct json_object *json, const char *key, bool positive,
                            float out[3]) ERR_CHECK;

/* ---- Of published models ---- */

/* The preprocessing that `json`, a preprocessor_config.json, describes, which must give
 * `size` pixels a side. */
enum err model_read_preprocessor(struct json_object *json, size_t size,
                                 struct preprocess *out) ERR_CHECK;

/* What the folder tells of itself beside its config: the model's name, licence and
 * space, and the scale and bias of its logits. `logit_bias` is the tensor's name; NULL:
 * none. The towers' configs are filled in already. */
enum err model_read_facts(struct model *model, struct json_object *config,
                          const char *logit_bias) ERR_CHECK;

/* A printed string that lives as long as the model. */
enum err model_derive(struct model *model, const char **out, const char *fmt, ...)
    ERR_PRINTF(3, 4) ERR_CHECK;

#endif
