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

void encode_hash(const void *bytes, size_t n, uint8_t hash[DB_HASH_BYTES])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, n));
    memcpy(hash, canonical.digest, DB_HASH_BYTES);
}

static struct enc_pool_wait wait_for(const struct encode_how *how)
{
    uint64_t limit_ns = (uint64_t)LIMIT_ENCODE_SECONDS * 1000000000u;
    return (struct enc_pool_wait){
        .patient = how->patient,
        .deadline_ns = how->patient ? 0 : clock_monotonic_ns() + limit_ns};
}

static enum err encode_text(struct duet *db, const struct duet_input *input,
                            const struct encode_how *how, float *vector)
{
    struct enc_tokens tokens;
    const struct enc_tokens *one = &tokens;
    struct enc_pool_wait wait = wait_for(how);
    TRY(enc_tokenize(db->model, input->bytes, input->n, &tokens));
    TRY(enc_pool_tokens(db->pool, &wait, &one, 1, &vector));
    if (how->truncated != NULL) {
        *how->truncated = tokens.info.truncated;
    }
    return ERR_OK;
}

static enum err keep_picture(const void *bytes, size_t n, const struct img *image,
                             struct encode_picture *picture)
{
    encode_hash(bytes, n, picture->hash);
    return img_thumbnail(image, THUMBNAIL_SIDE, &picture->thumbnail);
}

static enum err encode_bytes(struct duet *db, const void *bytes, size_t n,
                             const struct encode_how *how, float *vector)
{
    struct img image;
    struct img_options options = {.target_side = db_target_side(db, db->model)};
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
    return enc_pool_take_image(db->pool, &wait, &image, vector);
}

static enum err encode_file(struct duet *db, const char *path,
                            const struct encode_how *how, float *vector)
{
    struct file_map file;
    TRY(file_map_open(&file, path, LIMIT_IMAGE_FILE_BYTES));
    enum err result = encode_bytes(db, file.data, file.size, how, vector);
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
    switch (input->kind) {
    case DUET_INPUT_TEXT:
        return encode_text(db, input, how, vector);
    case DUET_INPUT_IMAGE:
        return encode_bytes(db, input->bytes, input->n, how, vector);
    case DUET_INPUT_FILE:
        return encode_file(db, input->path, how, vector);
    default:
        return err_set(ERR_INVALID, "neither a text nor a picture");
    }
}

enum err encode_texts_add(struct duet *db, struct encode_texts *texts, const char *text,
                          size_t n, float *vector)
{
    TRY(enc_tokenize(db->model, text, n, &texts->tokens[texts->n]));
    texts->vectors[texts->n++] = vector;
    return ERR_OK;
}

/* `n` of them from the i-th on. */
static enum err run_texts(struct duet *db, const struct encode_texts *texts, size_t i,
                          size_t n)
{
    const struct enc_pool_wait wait = {.patient = true};
    const struct enc_tokens *tokens[ENCODE_TEXTS_MAX];
    for (size_t j = 0; j < n; j++) {
        tokens[j] = &texts->tokens[i + j];
    }
    return enc_pool_tokens(db->pool, &wait, tokens, n, texts->vectors + i);
}

void encode_texts_run(struct duet *db, struct encode_texts *texts,
                      void (*failed)(void *arg, size_t i, enum err result), void *arg)
{
    enum err together = run_texts(db, texts, 0, texts->n);
    for (size_t i = 0; together != ERR_OK && i < texts->n; i++) {
        enum err result = run_texts(db, texts, i, 1);
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
