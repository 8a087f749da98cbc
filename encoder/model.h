/*
 * model.h - what the files of a model's folder say, whoever published them.
 *
 *     struct model *model;
 *     TRY(model_open(&model, "share/duet/models/default"));
 *     ... model->image.weights, model->texts[0].bert.layers ...
 *     model_close(model);
 *
 * Three layouts are known, and each has a file that reads it: Duet's own (config.json
 * with a "format": model_duet.c; an example of all keys is
 * encoder/models/default/config.json), that of Hugging Face's transformers (config.json
 * with a "model_type": model_hugging_face.c) and that of OpenCLIP
 * (open_clip_config.json: model_open_clip.c).
 *
 * Opening reads the small files of JSON and, of published models, the header of the
 * weights and a part of each tensor, to name their space. Every number lies within its
 * bounds and every file name is a plain name inside the folder; whether towers fit
 * their weights shows when they are opened, at the latest.
 *
 * Threads: read-only once open. Private to the folder encoder/.
 */
#ifndef ENCODER_MODEL_H
#define ENCODER_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "encoder/bert.h"
#include "encoder/clip_text.h"
#include "encoder/efficientnet.h"
#include "encoder/preprocess.h"
#include "encoder/vit.h"

struct json_object;

enum {
    MODEL_TEXTS_MAX = 8,
    MODEL_SHARDS_MAX = 128,
    MODEL_JSON_MAX = 16, /* parsed files and strings that stand in none */
    MODEL_FILES_MAX = 16 + 3 * MODEL_TEXTS_MAX + MODEL_SHARDS_MAX
};

/* Files of weights that are one. The paths belong to the model. */
struct model_weights {
    const char *const *paths; /* [n] */
    size_t n;
};

enum model_image_kind { MODEL_EFFICIENTNET, MODEL_VIT };

struct model_image {
    enum model_image_kind kind;
    struct model_weights weights;
    const char *head; /* a path; of MODEL_EFFICIENTNET */
    struct preprocess preprocess;
    struct efficientnet_config net; /* of MODEL_EFFICIENTNET */
    struct vit_config vit;          /* of MODEL_VIT */
};

enum model_text_kind { MODEL_BERT, MODEL_CLIP_TEXT };

enum model_tokenizer_kind {
    MODEL_WORDPIECE,      /* vocab.txt */
    MODEL_TOKENIZER_JSON, /* tokenizer.json */
    MODEL_BPE             /* vocab.json and merges.txt */
};

struct model_tokenizer {
    enum model_tokenizer_kind kind;
    const char *path;
    const char *merges;  /* of MODEL_BPE */
    bool lower_case;     /* of MODEL_WORDPIECE and MODEL_TOKENIZER_JSON */
    const char *padding; /* the token that fills texts up, written out; NULL: none */
};

struct model_text {
    enum model_text_kind kind;
    const char *language; /* "en", "zh", "multilingual" */
    struct model_weights weights;
    const char *head; /* a path; NULL: none, the tower projects itself */
    struct model_tokenizer tokenizer;
    size_t max_tokens;
    struct bert_config bert; /* of MODEL_BERT; a `vocab` of 0: the tokenizer tells */
    struct clip_text_config clip; /* of MODEL_CLIP_TEXT */
};

/* All strings live as long as the model. */
struct model {
    char *folder;                             /* owned */
    struct json_object *json[MODEL_JSON_MAX]; /* [n_json] owners of strings */
    size_t n_json;
    char *files[MODEL_FILES_MAX]; /* [n_files] paths, the config's first; owned */
    size_t n_files;
    const char *family; /* "clip", "siglip", ... */
    const char *name;
    const char *space;
    const char *licence;
    size_t dim;
    double logit_scale;
    double logit_bias; /* 0 but for a sigmoid */
    bool sigmoid; /* probabilities of labels are sigmoids, not a softmax over them */
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
