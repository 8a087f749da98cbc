/*
 * encode.c - see encode.h, and duet_input_text, duet_input_file, duet_embed.
 */
#include "db/encode.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/file.h"
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

static enum err encode_bytes(struct duet *db, const void *bytes, size_t n,
                             float *vector, struct encode_picture *picture)
{
    struct enc *enc;
    struct img image;
    TRY(db_encoder(db, &enc));
    struct img_options options = {.target_side = db_target_side(db, enc)};
    FAIL_IF(n == 0, ERR_INVALID, "the picture is empty");
    FAIL_IF(n > LIMIT_IMAGE_FILE_BYTES, ERR_LIMIT,
            "a picture of %zu bytes is more than %u", n, LIMIT_IMAGE_FILE_BYTES);
    TRY(img_decode(&image, bytes, n, &options));
    enum err result = enc_image(enc, &image, vector);
    if (result == ERR_OK && picture != NULL) {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, n));
        memcpy(picture->hash, canonical.digest, DB_HASH_BYTES);
        result = img_thumbnail(&image, THUMBNAIL_SIDE, &picture->thumbnail);
    }
    img_release(&image);
    return result;
}

static enum err encode_file(struct duet *db, const char *path, float *vector,
                            struct encode_picture *picture)
{
    struct file_map file;
    TRY(file_map_open(&file, path, LIMIT_IMAGE_FILE_BYTES));
    enum err result = encode_bytes(db, file.data, file.size, vector, picture);
    file_map_close(&file);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
}

static enum err encode_text(struct duet *db, const struct duet_input *input,
                            float *vector, struct enc_text_info *info)
{
    struct enc *enc;
    TRY(db_encoder(db, &enc));
    return enc_text(enc, input->bytes, input->n, vector, info);
}

enum err encode_input(struct duet *db, const struct duet_input *input, float *vector,
                      bool *truncated, struct encode_picture *picture)
{
    struct enc_text_info text = {0};
    enum err result;
    switch (input->kind) {
    case DUET_INPUT_TEXT:
        result = encode_text(db, input, vector, &text);
        break;
    case DUET_INPUT_IMAGE:
        result = encode_bytes(db, input->bytes, input->n, vector, picture);
        break;
    case DUET_INPUT_FILE:
        result = encode_file(db, input->path, vector, picture);
        break;
    default:
        result = err_set(ERR_INVALID, "neither a text nor a picture");
    }
    if (truncated != NULL) {
        *truncated = result == ERR_OK && text.truncated;
    }
    return result;
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
    enum err result = encode_input(db, input, values, NULL, NULL);
    if (result != ERR_OK) {
        alloc_free(values);
        return result;
    }
    *vector = values;
    *dim = n;
    return ERR_OK;
}
