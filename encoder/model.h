/*
 * model.h - a model's folder, as its config.json describes it.
 *
 *     struct model *model;
 *     TRY(model_open(&model, "share/duet/models/default"));
 *     ... model->image.weights, model->texts[0].bert.layers ...
 *     model_close(model);
 *
 * Opening reads config.json and nothing else. Every number lies within
 * its bounds and every file name is a plain name inside the folder; whether the files
 * are there and fit shows when the towers are opened. An example of all keys is
 * encoder/models/default/config.json.
 *
 * Threads: read-only once open. Private to the folder encoder/.
 */
#ifndef ENCODER_MODEL_H
#define ENCODER_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "encoder/bert.h"
#include "encoder/efficientnet.h"
#include "encoder/preprocess.h"

struct json_object;

enum {
    MODEL_TEXTS_MAX = 8,
    MODEL_FILES_MAX = 3 + 3 * MODEL_TEXTS_MAX, /* config, image and head; 3 a text */
};

struct model_image {
    const char *weights; /* paths */
    const char *head;
    struct preprocess preprocess;
    struct efficientnet_config net;
};

struct model_text {
    const char *language; /* "en", "zh" */
    const char *weights;  /* paths */
    const char *head;
    const char *vocabulary;
    bool lower_case;
    struct bert_config bert; /* `vocab` is 0: the vocabulary's file tells it */
};

/* All strings live as long as the model. */
struct model {
    struct json_object *json;     /* config.json; owns the strings that are no paths */
    char *files[MODEL_FILES_MAX]; /* [n_files] paths, config.json first; owned */
    size_t n_files;
    char *folder; /* owned */
    const char *name;
    const char *space;
    const char *licence;
    size_t dim;
    double logit_scale;
    struct model_image image;
    struct model_text texts[MODEL_TEXTS_MAX]; /* [n_texts], at least one */
    size_t n_texts;
};

/* ERR_MODEL names the file and what is wrong with it; *out is NULL then. ERR_NOMEM,
 * ERR_IO. */
enum err model_open(struct model **out, const char *folder) ERR_CHECK;

/* Accepts NULL. */
void model_close(struct model *model);

#endif
