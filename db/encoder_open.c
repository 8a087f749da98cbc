/*
 * encoder_open.c - a model without a database; see duet_encoder.h.
 */
#include "db/encoder_open.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "db/model.h"
#include "encoder/image.h"
#include "encoder/model_path.h"

_Static_assert((int)DUET_DETAIL_MAX == (int)ERR_DETAIL_MAX, "a detail fits");

enum { GATHER_MAX = 64 }; /* texts held tokenized at once, some 2 KB each */

static enum err open_enc(struct enc **enc, const char *name)
{
    struct buf folder;
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_OK) {
        result = enc_open(enc, folder.data);
    } else if (result == ERR_NOT_FOUND) {
        result = ERR_MODEL; /* not found would be a file to be encoded */
    }
    buf_release(&folder);
    return result;
}

enum err duet_encoder_open(struct duet_encoder **out, const char *model)
{
    *out = NULL;
    struct duet_encoder *encoder = alloc_zero(1, sizeof *encoder);
    if (encoder == NULL) {
        return ERR_NOMEM;
    }
    enum err result = open_enc(&encoder->enc, model == NULL ? "default" : model);
    if (result != ERR_OK) {
        alloc_free(encoder);
        return result;
    }
    duet_encoder_set_exact(encoder, false);
    *out = encoder;
    return ERR_OK;
}

void duet_encoder_set_exact(struct duet_encoder *encoder, bool exact)
{
    encoder->decode_side = exact ? 0 : enc_info(encoder->enc)->decode_side;
}

void duet_encoder_close(struct duet_encoder *encoder)
{
    if (encoder != NULL) {
        enc_close(encoder->enc);
        alloc_free(encoder);
    }
}

size_t duet_encoder_dim(const struct duet_encoder *encoder)
{
    return enc_info(encoder->enc)->dim;
}

enum err duet_encoder_info(struct duet_encoder *encoder, struct duet_model_info *out)
{
    return model_info(encoder->enc, out);
}

/* ---- One ---- */

static enum err encode_bytes(const struct duet_encoder *encoder, const void *bytes,
                             size_t n, float *vector)
{
    struct img image;
    struct img_options options = {.target_side = encoder->decode_side};
    FAIL_IF(n == 0, ERR_INVALID, "the picture is empty");
    FAIL_IF(n > LIMIT_IMAGE_FILE_BYTES, ERR_LIMIT,
            "a picture of %zu bytes is more than %u", n, LIMIT_IMAGE_FILE_BYTES);
    TRY(img_decode(&image, bytes, n, &options));
    enum err result = enc_image(encoder->enc, &image, vector);
    img_release(&image);
    return result;
}

static enum err encode_file(const struct duet_encoder *encoder, const char *path,
                            float *vector)
{
    struct file_map file;
    TRY(file_map_open(&file, path, LIMIT_IMAGE_FILE_BYTES));
    enum err result = encode_bytes(encoder, file.data, file.size, vector);
    file_map_close(&file);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "%s", path);
}

static enum err encode_one(const struct duet_encoder *encoder,
                           const struct duet_input *input, float *vector,
                           struct enc_text_info *text)
{
    switch (input->kind) {
    case DUET_INPUT_TEXT:
        return enc_text(encoder->enc, input->bytes, input->n, vector, text);
    case DUET_INPUT_IMAGE:
        return encode_bytes(encoder, input->bytes, input->n, vector);
    case DUET_INPUT_FILE:
        return encode_file(encoder, input->path, vector);
    default:
        return err_set(ERR_INVALID, "neither a text nor a picture");
    }
}

enum err duet_encode(struct duet_encoder *encoder, const struct duet_input *input,
                     float *vector, bool *truncated)
{
    struct enc_text_info text = {0};
    enum err result = encode_one(encoder, input, vector, &text);
    if (truncated != NULL) {
        *truncated = result == ERR_OK && text.truncated;
    }
    return result;
}

/* ---- Many ---- */

static void note(struct duet_outcome *outcome, enum err result)
{
    outcome->result = result;
    outcome->detail[0] = '\0';
    if (result != ERR_OK) {
        memccpy(outcome->detail, err_detail(), '\0', sizeof outcome->detail);
    }
}

/* Some inputs on their way: the texts among them are gathered, the others are done. */
struct gathered {
    struct enc_tokens tokens[GATHER_MAX];
    const struct enc_tokens *texts[GATHER_MAX]; /* [n] */
    float *vectors[GATHER_MAX];
    struct duet_outcome *outcomes[GATHER_MAX];
    size_t n;
};

static enum err take(const struct duet_encoder *encoder, const struct duet_input *input,
                     float *vector, struct gathered *gathered,
                     struct duet_outcome *outcome)
{
    struct enc_tokens *tokens = &gathered->tokens[gathered->n];
    if (input->kind != DUET_INPUT_TEXT) {
        return encode_one(encoder, input, vector, NULL);
    }
    TRY(enc_tokenize(encoder->enc, input->bytes, input->n, tokens));
    outcome->truncated = tokens->info.truncated;
    gathered->texts[gathered->n] = tokens;
    gathered->vectors[gathered->n] = vector;
    gathered->outcomes[gathered->n] = outcome;
    gathered->n++;
    return ERR_OK;
}

static void embed_gathered(struct enc *enc, struct gathered *gathered)
{
    enum err result =
        enc_embed_tokens(enc, gathered->texts, gathered->n, gathered->vectors);
    for (size_t i = 0; i < gathered->n; i++) {
        note(gathered->outcomes[i], result);
    }
    gathered->n = 0;
}

static void void_failed(float *vectors, size_t dim, const struct duet_outcome *outcomes,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; outcomes[i].result != ERR_OK && j < dim; j++) {
            vectors[i * dim + j] = NAN;
        }
    }
}

enum err duet_encode_many(struct duet_encoder *encoder, const struct duet_input *inputs,
                          size_t n, float *vectors, struct duet_outcome *outcomes)
{
    struct enc *enc = encoder->enc;
    size_t dim = enc_info(enc)->dim;
    struct gathered *gathered = alloc_array(1, sizeof *gathered);
    if (gathered == NULL) {
        return ERR_NOMEM;
    }
    gathered->n = 0;
    for (size_t i = 0; i < n; i++) {
        outcomes[i].truncated = false;
        note(&outcomes[i],
             take(encoder, &inputs[i], vectors + i * dim, gathered, &outcomes[i]));
        if (gathered->n == GATHER_MAX || i + 1 == n) {
            embed_gathered(enc, gathered);
        }
    }
    alloc_free(gathered);
    void_failed(vectors, dim, outcomes, n);
    return ERR_OK;
}
