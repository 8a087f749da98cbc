/*
 * encode.c - see encode.h, and duet_input_text, duet_input_file, duet_embed.
 */
#include "db/encode.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/database.h"
#include "encoder/image.h"

enum { THUMBNAIL_SIDE = 320 };

struct duet_input duet_input_text(const char *text)
{
    return (struct duet_input){
        .kind = DUET_INPUT_TEXT, .bytes = text, .n = strlen(text)};
}

struct duet_input duet_input_file(const char *path)
{
    return (struct duet_input){.kind = DUET_INPUT_FILE, .path = path};
}

bool encode_is_needed(enum duet_input_kind kind)
{
    return kind == DUET_INPUT_TEXT || kind == DUET_INPUT_IMAGE ||
           kind == DUET_INPUT_FILE;
}

static struct enc_pool_wait wait_for(const struct encode_how *how)
{
    uint64_t limit_ns = (uint64_t)LIMIT_ENCODE_SECONDS * 1000000000u;
    return (struct enc_pool_wait){
        .patient = how->patient,
        .deadline_ns = how->patient ? 0 : clock_monotonic_ns() + limit_ns};
}

struct encode_model encode_model_of(const struct duet *db)
{
    return (struct encode_model){db->model, db->pool, db_target_side(db, db->model)};
}

void encode_hash(const void *bytes, size_t n, uint8_t hash[DB_HASH_BYTES])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, n));
    memcpy(hash, canonical.digest, DB_HASH_BYTES);
}

static enum err encode_text(const struct encode_model *model,
                            const struct duet_input *input,
                            const struct encode_how *how, float *vector)
{
    struct enc_tokens tokens;
    const struct enc_tokens *one = &tokens;
    struct enc_pool_wait wait = wait_for(how);
    TRY(enc_tokenize(model->enc, input->bytes, input->n, &tokens));
    TRY(enc_pool_tokens(model->pool, &wait, &one, 1, &vector));
    if (how->truncated != NULL) {
        *how->truncated = tokens.info.truncated;
    }
    return ERR_OK;
}

/* A text to search for, which may have been searched for lately. */
static enum err encode_asked_text(struct duet *db, const struct duet_input *input,
                                  const struct encode_how *how, float *vector)
{
    bool truncated;
    struct encode_how noted = *how;
    noted.truncated = &truncated;
    if (!text_cache_get(db->texts, input->bytes, input->n, vector, &truncated)) {
        const struct encode_model model = encode_model_of(db);
        TRY(encode_text(&model, input, &noted, vector));
        text_cache_put(db->texts, input->bytes, input->n, vector, truncated);
    }
    if (how->truncated != NULL) {
        *how->truncated = truncated;
    }
    return ERR_OK;
}

static enum err keep_picture(const void *bytes, size_t n, const struct img *image,
                             struct encode_picture *picture)
{
    encode_hash(bytes, n, picture->hash);
    return img_thumbnail(image, THUMBNAIL_SIDE, &picture->thumbnail);
}

enum err encode_image(const struct encode_model *model, const void *bytes, size_t n,
                      const struct encode_how *how, float *vector)
{
    struct img image;
    struct img_options options = {.target_side = model->target_side};
    FAIL_IF(n == 0, ERR_INVALID, "the picture is empty");
    FAIL_IF(n > LIMIT_IMAGE_FILE_BYTES, ERR_LIMIT,
            "a picture of %zu bytes is more than %u", n, LIMIT_IMAGE_FILE_BYTES);
    TRY(img_decode(&image, bytes, n, &options));
    enum err result = ERR_OK;
    if (how->picture != NULL) {
        result = keep_picture(bytes, n, &image, how->picture);
    }
    if (result != ERR_OK) {
        img_release(&image);
        return result;
    }
    struct enc_pool_wait wait = wait_for(how);
    return enc_pool_take_image(model->pool, &wait, &image, vector);
}

static enum err encode_file(const struct encode_model *model, const char *path,
                            const struct encode_how *how, float *vector)
{
    struct file_map file;
    TRY(file_map_open(&file, path, LIMIT_IMAGE_FILE_BYTES));
    enum err result = encode_image(model, file.data, file.size, how, vector);
    file_map_close(&file);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
}

enum err encode_input(struct duet *db, const struct duet_input *input,
                      const struct encode_how *how, float *vector)
{
    struct enc *enc;
    if (how->truncated != NULL) {
        *how->truncated = false;
    }
    TRY(db_encoder(db, &enc)); /* opens db->pool, if nobody has yet */
    const struct encode_model model = encode_model_of(db);
    switch (input->kind) {
    case DUET_INPUT_TEXT:
        return how->patient ? encode_text(&model, input, how, vector)
                            : encode_asked_text(db, input, how, vector);
    case DUET_INPUT_IMAGE:
        return encode_image(&model, input->bytes, input->n, how, vector);
    case DUET_INPUT_FILE:
        return encode_file(&model, input->path, how, vector);
    default:
        return err_set(ERR_INVALID, "neither a text nor a picture");
    }
}

enum err encode_texts_add(const struct encode_model *model, struct encode_texts *texts,
                          const char *text, size_t n, float *vector)
{
    TRY(enc_tokenize(model->enc, text, n, &texts->tokens[texts->n]));
    texts->vectors[texts->n++] = vector;
    return ERR_OK;
}

/* `n` of them from the i-th on. */
static enum err run_texts(const struct encode_model *model,
                          const struct encode_texts *texts, size_t i, size_t n)
{
    const struct enc_pool_wait wait = {.patient = true};
    const struct enc_tokens *tokens[ENCODE_TEXTS_MAX];
    for (size_t j = 0; j < n; j++) {
        tokens[j] = &texts->tokens[i + j];
    }
    return enc_pool_tokens(model->pool, &wait, tokens, n, texts->vectors + i);
}

void encode_texts_run(const struct encode_model *model, struct encode_texts *texts,
                      void (*failed)(void *arg, size_t i, enum err result), void *arg)
{
    enum err together = run_texts(model, texts, 0, texts->n);
    for (size_t i = 0; together != ERR_OK && i < texts->n; i++) {
        enum err result = run_texts(model, texts, i, 1);
        if (result != ERR_OK) {
            failed(arg, i, result);
        }
    }
    texts->n = 0;
}

enum err duet_embed(struct duet *db, const struct duet_input *input, float **vector,
                    size_t *dim)
{
    struct enc *enc;
    *vector = NULL;
    *dim = 0;
    TRY(db_encoder(db, &enc));
    size_t n = enc_info(enc)->dim;
    float *values = alloc_array(n, sizeof *values);
    if (values == NULL) {
        return ERR_NOMEM;
    }
    enum err result = encode_input(db, input, &(struct encode_how){0}, values);
    if (result != ERR_OK) {
        alloc_free(values);
        return result;
    }
    *vector = values;
    *dim = n;
    return ERR_OK;
}
