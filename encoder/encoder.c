/*
 * encoder.c - see encoder.h.
 *
 * Threads: everything is fixed after enc_open but what is opened late. Each tower has a
 * mutex that its opening holds; whoever comes meanwhile waits for the weights that they
 * need anyway. A tower that is open is never changed again, so the pointer taken under
 * the mutex is used without it. A failed opening leaves the tower closed, and the next
 * call tries again and gets a sentence of its own.
 */
#include "encoder/encoder.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/image.h"
#include "encoder/image_tower.h"
#include "encoder/model.h"
#include "encoder/model_file.h"
#include "encoder/text_tower.h"

enum { HEX_BYTES = 2 * sizeof(XXH128_hash_t) + 1 };

struct image_slot {
    pthread_mutex_t lock; /* of the pointer, until it is set */
    struct image_tower *tower;
};

struct text_slot {
    pthread_mutex_t lock; /* of the pointer, until it is set */
    struct text_tower *tower;
};

struct enc {
    struct model *model;
    struct enc_info info;
    struct buf languages, preprocessing;
    struct image_slot image;
    struct text_slot texts[MODEL_TEXTS_MAX]; /* [model->n_texts] */
    pthread_mutex_t fingerprint_lock;
    char fingerprint[HEX_BYTES]; /* "" until it is asked for */
};

/* Opening and closing. */

static enum err fill_texts(struct enc *enc)
{
    static const char *const tokenizers[] = {[MODEL_WORDPIECE] = "WordPiece",
                                             [MODEL_TOKENIZER_JSON] = "tokenizer.json",
                                             [MODEL_BPE] = "byte-pair encoding"};
    const struct model *model = enc->model;
    enc->info.max_tokens = LIMIT_TEXT_TOKENS;
    for (size_t i = 0; i < model->n_texts; i++) {
        const struct model_text *text = &model->texts[i];
        TRY(buf_printf(&enc->languages, "%s%s", i == 0 ? "" : ",", text->language));
        if (text->max_tokens < enc->info.max_tokens) {
            enc->info.max_tokens = text->max_tokens;
        }
    }
    enc->info.languages = enc->languages.data;
    enc->info.tokenizer = tokenizers[model->texts[0].tokenizer.kind];
    return ERR_OK;
}

static enum err fill_preprocessing(struct enc *enc)
{
    const struct preprocess *p = &enc->model->image.preprocess;
    const char *filter = p->filter == IMG_BICUBIC ? "bicubic" : "bilinear";
    if (p->resize == PREPROCESS_SQUASH) {
        TRY(buf_printf(&enc->preprocessing, "squashed to %u x %u, %s", p->width,
                       p->height, filter));
    } else {
        TRY(buf_printf(&enc->preprocessing,
                       "shorter side to %u, %s, then the centre %u x %u", p->shortest,
                       filter, p->width, p->height));
    }
    enc->info.preprocessing = enc->preprocessing.data;
    return ERR_OK;
}

static enum err fill_info(struct enc *enc)
{
    const struct model *model = enc->model;
    const struct preprocess *p = &model->image.preprocess;
    enc->info = (struct enc_info){.name = model->name,
                                  .folder = model->folder,
                                  .family = model->family,
                                  .space = model->space,
                                  .licence = model->licence,
                                  .dim = model->dim,
                                  .image_size = p->width,
                                  .decode_side = preprocess_target_side(p),
                                  .picture_batch = image_tower_batch(&model->image),
                                  .logit_scale = model->logit_scale,
                                  .logit_bias = model->logit_bias,
                                  .sigmoid = model->sigmoid};
    TRY(fill_texts(enc));
    return fill_preprocessing(enc);
}

enum err enc_open(struct enc **out, const char *folder)
{
    *out = NULL;
    struct enc *enc = alloc_zero(1, sizeof *enc);
    if (enc == NULL) {
        return ERR_NOMEM;
    }
    buf_init(&enc->languages, MODEL_TEXTS_MAX * LIMIT_NAME_BYTES);
    buf_init(&enc->preprocessing, LIMIT_NAME_BYTES);
    pthread_mutex_init(&enc->fingerprint_lock, NULL);
    pthread_mutex_init(&enc->image.lock, NULL);
    for (size_t i = 0; i < MODEL_TEXTS_MAX; i++) {
        pthread_mutex_init(&enc->texts[i].lock, NULL);
    }
    enum err result = ERR_OK;
    TRY_OUT(model_open(&enc->model, folder));
    TRY_OUT(fill_info(enc));
    *out = enc;
    return ERR_OK;
out:
    enc_close(enc);
    return result;
}

void enc_close(struct enc *enc)
{
    if (enc == NULL) {
        return;
    }
    for (size_t i = 0; i < MODEL_TEXTS_MAX; i++) {
        text_tower_close(enc->texts[i].tower);
        pthread_mutex_destroy(&enc->texts[i].lock);
    }
    image_tower_close(enc->image.tower);
    pthread_mutex_destroy(&enc->image.lock);
    pthread_mutex_destroy(&enc->fingerprint_lock);
    buf_release(&enc->languages);
    buf_release(&enc->preprocessing);
    model_close(enc->model);
    alloc_free(enc);
}

const struct enc_info *enc_info(const struct enc *enc)
{
    return &enc->info;
}

/* Towers, opened by the first who needs them. */

static enum err need_image_tower(struct enc *enc)
{
    struct image_slot *slot = &enc->image;
    enum err result = ERR_OK;
    pthread_mutex_lock(&slot->lock);
    if (slot->tower == NULL) {
        result = image_tower_open(&slot->tower, &enc->model->image, enc->info.dim);
    }
    pthread_mutex_unlock(&slot->lock);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "image tower");
}

static enum err need_text_tower(struct enc *enc, size_t i)
{
    struct text_slot *slot = &enc->texts[i];
    const struct model_text *text = &enc->model->texts[i];
    enum err result = ERR_OK;
    pthread_mutex_lock(&slot->lock);
    if (slot->tower == NULL) {
        result = text_tower_open(&slot->tower, text, enc->info.dim);
    }
    pthread_mutex_unlock(&slot->lock);
    return result == ERR_OK ? ERR_OK
                            : err_prefix(result, "text tower \"%s\"", text->language);
}

enum err enc_open_towers(struct enc *enc)
{
    TRY(need_image_tower(enc));
    for (size_t i = 0; i < enc->model->n_texts; i++) {
        TRY(need_text_tower(enc, i));
    }
    return ERR_OK;
}

/* The fingerprint. */

static enum err hash_file(const char *path, XXH128_hash_t *hash)
{
    struct file_map map;
    TRY(model_file_map(&map, path));
    *hash = XXH3_128bits(map.data, map.size);
    file_map_close(&map);
    return ERR_OK;
}

/* The hash of the files' hashes, so that no byte can move between files unseen. */
static enum err compute_fingerprint(struct enc *enc)
{
    XXH128_hash_t hashes[MODEL_FILES_MAX];
    for (size_t i = 0; i < enc->model->n_files; i++) {
        TRY(hash_file(enc->model->files[i], &hashes[i]));
    }
    XXH128_hash_t hash = XXH3_128bits(hashes, enc->model->n_files * sizeof hashes[0]);
    snprintf(enc->fingerprint, sizeof enc->fingerprint, "%016llx%016llx",
             (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    return ERR_OK;
}

enum err enc_fingerprint(struct enc *enc, const char **out)
{
    enum err result = ERR_OK;
    pthread_mutex_lock(&enc->fingerprint_lock);
    if (enc->fingerprint[0] == '\0') {
        result = compute_fingerprint(enc);
    }
    pthread_mutex_unlock(&enc->fingerprint_lock);
    *out = enc->fingerprint;
    return result;
}

/* Encoding. */

/* The place of the tower for `text`: the Chinese one if there is a Han character (more
 * than what the tokenizer calls Chinese; the training sorts its texts by the same
 * ranges, has_han of training/common.py) and such a tower, else the first other one. */
static size_t choose_text_tower(const struct model *model, const char *text, size_t n)
{
    bool han = utf8_has_han(text, n);
    for (size_t i = 0; i < model->n_texts; i++) {
        if ((strcmp(model->texts[i].language, "zh") == 0) == han) {
            return i;
        }
    }
    return 0;
}

enum err enc_tokenize(struct enc *enc, const char *text, size_t n,
                      struct enc_tokens *out)
{
    FAIL_IF(n > LIMIT_TEXT_BYTES, ERR_LIMIT, "a text of %zu bytes; at most %u", n,
            LIMIT_TEXT_BYTES);
    out->tower = choose_text_tower(enc->model, text, n);
    TRY(need_text_tower(enc, out->tower));
    TRY(text_tower_tokenize(enc->texts[out->tower].tower, text, n, out->ids, &out->n,
                            &out->info.truncated));
    out->info.n_tokens = out->n;
    out->info.language = enc->model->texts[out->tower].language;
    return ERR_OK;
}

/* Texts of one tower that are worked through together, laid end to end. */
struct text_group {
    size_t tower;
    int32_t ids[ENC_GROUP_TOKENS + LIMIT_TEXT_TOKENS];
    size_t n_ids;
    size_t lengths[ENC_GROUP_TOKENS]; /* [n] */
    float *vectors[ENC_GROUP_TOKENS]; /* [n]: where they go */
    size_t n;
};

static void group_add(struct text_group *group, const struct enc_tokens *text,
                      float *vector)
{
    memcpy(group->ids + group->n_ids, text->ids, text->n * sizeof text->ids[0]);
    group->n_ids += text->n;
    group->lengths[group->n] = text->n;
    group->vectors[group->n++] = vector;
}

static enum err embed_group(struct enc *enc, struct text_group *group)
{
    if (group->n == 0) {
        return ERR_OK;
    }
    TRY(need_text_tower(enc, group->tower));
    TRY(text_tower_embed(enc->texts[group->tower].tower, group->ids, group->lengths,
                         group->n, group->vectors));
    group->n = 0;
    group->n_ids = 0;
    return ERR_OK;
}

enum err enc_embed_tokens(struct enc *enc, const struct enc_tokens *const *texts,
                          size_t n, float *const *vectors)
{
    struct text_group group;
    group.n = 0;
    group.n_ids = 0;
    for (size_t tower = 0; tower < enc->model->n_texts; tower++) {
        group.tower = tower;
        for (size_t i = 0; i < n; i++) {
            if (texts[i]->tower != tower) {
                continue;
            }
            group_add(&group, texts[i], vectors[i]);
            if (group.n_ids >= ENC_GROUP_TOKENS) {
                TRY(embed_group(enc, &group));
            }
        }
        TRY(embed_group(enc, &group));
    }
    return ERR_OK;
}

enum err enc_text(struct enc *enc, const char *text, size_t n, float *vector,
                  struct enc_text_info *info)
{
    struct enc_tokens tokens;
    const struct enc_tokens *one = &tokens;
    TRY(enc_tokenize(enc, text, n, &tokens));
    TRY(enc_embed_tokens(enc, &one, 1, &vector));
    if (info != NULL) {
        *info = tokens.info;
    }
    return ERR_OK;
}

enum err enc_embed_pixels(struct enc *enc, const float *const *pixels, size_t n,
                          float *const *vectors)
{
    TRY(need_image_tower(enc));
    return image_tower_embed(enc->image.tower, pixels, n, vectors);
}

size_t enc_n_pixels(const struct enc *enc)
{
    return preprocess_n_floats(&enc->model->image.preprocess);
}

enum err enc_preprocess(struct enc *enc, const struct img *image, float *pixels)
{
    return preprocess_image(&enc->model->image.preprocess, image, pixels);
}

enum err enc_image(struct enc *enc, const struct img *image, float *vector)
{
    float *pixels = alloc_array(enc_n_pixels(enc), sizeof *pixels);
    const float *one = pixels;
    if (pixels == NULL) {
        return ERR_NOMEM;
    }
    enum err result = enc_preprocess(enc, image, pixels);
    if (result == ERR_OK) {
        result = enc_embed_pixels(enc, &one, 1, &vector);
    }
    alloc_free(pixels);
    return result;
}
