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

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "encoder/head.h"
#include "encoder/image.h"
#include "encoder/model.h"
#include "encoder/model_file.h"
#include "encoder/tokenizer.h"

enum { HEX_BYTES = 2 * sizeof(XXH128_hash_t) + 1 };

/* What a unit vector may miss of its length by rounding. */
#define LENGTH_TOLERANCE 1e-3

struct image_tower {
    pthread_mutex_t lock; /* of the pointers below, until they are set */
    struct efficientnet *net;
    struct head *head;
};

struct text_tower {
    pthread_mutex_t lock; /* of the pointers below, until they are set */
    struct tok *tok;
    struct bert *bert;
    struct head *head;
};

struct enc {
    struct model *model;
    struct enc_info info;
    struct buf languages;
    struct buf preprocessing;
    struct image_tower image;
    struct text_tower texts[MODEL_TEXTS_MAX]; /* [model->n_texts] */
    pthread_mutex_t fingerprint_lock;
    char fingerprint[HEX_BYTES]; /* "" until it is asked for */
};

/* Opening and closing. */

static enum err fill_info(struct enc *enc)
{
    const struct model *model = enc->model;
    size_t max_tokens = LIMIT_TEXT_TOKENS;
    for (size_t i = 0; i < model->n_texts; i++) {
        const struct model_text *text = &model->texts[i];
        TRY(buf_printf(&enc->languages, "%s%s", i == 0 ? "" : ",", text->language));
        if (text->bert.max_tokens < max_tokens) {
            max_tokens = text->bert.max_tokens;
        }
    }
    TRY(buf_printf(&enc->preprocessing, "squash %zux%zu bicubic", model->image.net.size,
                   model->image.net.size));
    enc->info = (struct enc_info){.name = model->name,
                                  .folder = model->folder,
                                  .space = model->space,
                                  .licence = model->licence,
                                  .languages = enc->languages.data,
                                  .family = "efficientnet-lite + bert",
                                  .tokenizer = "wordpiece",
                                  .preprocessing = enc->preprocessing.data,
                                  .dim = model->dim,
                                  .image_size = model->image.net.size,
                                  .max_tokens = max_tokens,
                                  .logit_scale = model->logit_scale};
    return ERR_OK;
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

static void close_image_tower(struct image_tower *tower)
{
    head_close(tower->head);
    efficientnet_close(tower->net);
    tower->head = NULL;
    tower->net = NULL;
}

static void close_text_tower(struct text_tower *tower)
{
    head_close(tower->head);
    bert_close(tower->bert);
    tok_close(tower->tok);
    tower->head = NULL;
    tower->bert = NULL;
    tower->tok = NULL;
}

void enc_close(struct enc *enc)
{
    if (enc == NULL) {
        return;
    }
    for (size_t i = 0; i < MODEL_TEXTS_MAX; i++) {
        close_text_tower(&enc->texts[i]);
        pthread_mutex_destroy(&enc->texts[i].lock);
    }
    close_image_tower(&enc->image);
    pthread_mutex_destroy(&enc->image.lock);
    pthread_mutex_destroy(&enc->fingerprint_lock);
    buf_release(&enc->preprocessing);
    buf_release(&enc->languages);
    model_close(enc->model);
    alloc_free(enc);
}

const struct enc_info *enc_info(const struct enc *enc)
{
    return &enc->info;
}

/* Towers, opened by the first who needs them. */

static enum err open_head(const struct enc *enc, const char *path, size_t n_features,
                          struct head **out)
{
    TRY(head_open(out, path));
    FAIL_IF(head_in(*out) != n_features || head_out(*out) != enc->info.dim, ERR_MODEL,
            "%s: projects %zu numbers to %zu instead of %zu to %zu", path,
            head_in(*out), head_out(*out), n_features, enc->info.dim);
    return ERR_OK;
}

static enum err load_image_tower(struct enc *enc)
{
    const struct model_image *image = &enc->model->image;
    if (enc->image.head != NULL) {
        return ERR_OK;
    }
    TRY(efficientnet_open(&enc->image.net, &image->net, image->weights));
    return open_head(enc, image->head, efficientnet_width(&image->net),
                     &enc->image.head);
}

static enum err need_image_tower(struct enc *enc)
{
    pthread_mutex_lock(&enc->image.lock);
    enum err result = load_image_tower(enc);
    if (result != ERR_OK) {
        result = err_prefix(result, "image tower");
        close_image_tower(&enc->image);
    }
    pthread_mutex_unlock(&enc->image.lock);
    return result;
}

static enum err load_text_tower(struct enc *enc, size_t i)
{
    const struct model_text *text = &enc->model->texts[i];
    struct text_tower *tower = &enc->texts[i];
    if (tower->head != NULL) {
        return ERR_OK;
    }
    TRY(tok_open(&tower->tok, text->vocabulary, text->lower_case));
    struct bert_config config = text->bert;
    config.vocab = tok_vocabulary_size(tower->tok);
    TRY(bert_open(&tower->bert, &config, text->weights));
    return open_head(enc, text->head, config.hidden, &tower->head);
}

static enum err need_text_tower(struct enc *enc, size_t i)
{
    pthread_mutex_lock(&enc->texts[i].lock);
    enum err result = load_text_tower(enc, i);
    if (result != ERR_OK) {
        result = err_prefix(result, "text tower \"%s\"", enc->model->texts[i].language);
        close_text_tower(&enc->texts[i]);
    }
    pthread_mutex_unlock(&enc->texts[i].lock);
    return result;
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

/* The invariant of encoder.h. Weights that hold a NaN end here, whatever the kernels
 * made of it on the way. */
static enum err check_vector(const struct enc *enc, const float *vector)
{
    double squares = 0;
    for (size_t i = 0; i < enc->info.dim; i++) {
        squares += (double)vector[i] * vector[i];
    }
    FAIL_IF(!(fabs(sqrt(squares) - 1) <= LENGTH_TOLERANCE), ERR_MODEL,
            "%s: the weights give a vector of length %g", enc->info.folder,
            sqrt(squares));
    return ERR_OK;
}

/* Han ideographs and their radicals: more than what the tokenizer calls Chinese. The
 * training sorts its texts by the same ranges (has_han of training/common.py). */
static bool is_han(int32_t c)
{
    return (c >= 0x2e80 && c <= 0x2fdf) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x3134f);
}

/* The place of the tower for `text`: the Chinese one if there is a Han character and
 * such a tower, else the first other one. */
static size_t choose_text_tower(const struct model *model, const char *text, size_t n)
{
    int32_t c;
    bool han = false;
    for (size_t i = 0, step = 1; i < n && step > 0 && !han; i += step) {
        step = utf8_next(text + i, n - i, &c);
        han = step > 0 && is_han(c);
    }
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
    const struct model_text *config = &enc->model->texts[out->tower];
    TRY(need_text_tower(enc, out->tower));
    TRY(tok_encode(enc->texts[out->tower].tok, text, n, out->ids,
                   config->bert.max_tokens, &out->n, &out->info.truncated));
    FAIL_IF(out->n <= 2, ERR_INVALID, "the text is empty");
    out->info.n_tokens = out->n;
    out->info.language = config->language;
    return ERR_OK;
}

static enum err embed_text(struct enc *enc, const struct enc_tokens *text,
                           float *vector)
{
    float features[BERT_WIDTH_MAX];
    TRY(need_text_tower(enc, text->tower));
    const struct text_tower *tower = &enc->texts[text->tower];
    TRY(bert_features(tower->bert, text->ids, text->n, features));
    TRY(head_apply(tower->head, features, 1, vector));
    return check_vector(enc, vector);
}

enum err enc_embed_tokens(struct enc *enc, const struct enc_tokens *const *texts,
                          size_t n, float *const *vectors)
{
    for (size_t i = 0; i < n; i++) {
        TRY(embed_text(enc, texts[i], vectors[i]));
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

static enum err embed_picture(struct enc *enc, const float *pixels, float *features,
                              float *vector)
{
    TRY(efficientnet_features(enc->image.net, pixels, 1, features));
    TRY(head_apply(enc->image.head, features, 1, vector));
    return check_vector(enc, vector);
}

enum err enc_embed_pixels(struct enc *enc, const float *const *pixels, size_t n,
                          float *const *vectors)
{
    TRY(need_image_tower(enc));
    float *features = alloc_array(head_in(enc->image.head), sizeof *features);
    if (features == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; result == ERR_OK && i < n; i++) {
        result = embed_picture(enc, pixels[i], features, vectors[i]);
    }
    alloc_free(features);
    return result;
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
