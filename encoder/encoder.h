/*
 * encoder.h - pictures and texts in, unit vectors of one shared space out.
 *
 *     struct enc *enc;
 *     TRY(enc_open(&enc, "share/duet/models/default"));
 *     float v[LIMIT_DIM_MAX];
 *     TRY_OUT(enc_text(enc, "a dog on a beach", strlen("a dog on a beach"), v, NULL));
 *     ...
 *     enc_close(enc);
 *
 * A model is a folder (encoder/models/default/README.md describes ours, model.h says
 * which others are known): configs, safetensors files, vocabularies. Opening reads the
 * configs and, of published models, a part of each tensor; a tower is mapped by the
 * first call that needs it. Weights stay mapped and are widened a panel at a time, so a
 * model costs the page cache its file size and little else.
 *
 * Threads: an open model may be used by any number of threads at once. Every call runs
 * on the caller's thread alone: who wants N cores calls from N threads.
 *
 * Invariant: every vector that comes out has unit length and only finite numbers.
 */
#ifndef ENCODER_ENCODER_H
#define ENCODER_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"

struct enc;
struct img;

/* What a model says of itself. Strings live as long as the model is open. */
struct enc_info {
    const char *name;          /* "duet-default" */
    const char *folder;        /* where it was loaded from */
    const char *family;        /* "duet", "clip", "chinese-clip", "siglip" */
    const char *space;         /* vectors of one space may be compared, others never */
    const char *licence;       /* one line */
    const char *languages;     /* of its text towers, as in "en,zh" */
    const char *tokenizer;     /* its kind, for people */
    const char *preprocessing; /* of pictures, for people */
    size_t dim;                /* numbers in a vector */
    size_t image_size;         /* pixels, both sides of what the image tower sees */
    uint32_t decode_side; /* img_options.target_side for pictures that it will see */
    size_t max_tokens;    /* the least over the text towers, special tokens included */
    size_t picture_batch; /* pictures that are encoded faster together than apart */
    double logit_scale;   /* cosines are multiplied by it to tell labels apart, */
    double logit_bias;    /* and this is added before a sigmoid */
    bool sigmoid; /* a label's probability is a sigmoid, not a softmax over labels */
};

/* What became of one text. */
struct enc_text_info {
    size_t n_tokens;      /* read by the tower, special tokens included */
    bool truncated;       /* the rest of the text was not read */
    const char *language; /* of the tower that read it; lives as long as the model */
};

/* Opens the model in `folder`. On failure *out is NULL: ERR_MODEL says which file is
 * missing or wrong. */
enum err enc_open(struct enc **out, const char *folder) ERR_CHECK;
void enc_close(struct enc *enc);

/* Opens all towers now, not each at its first need: whether every file and every tensor
 * is there and fits. ERR_MODEL, ERR_UNSUPPORTED (a part of a tokenizer that is not known
 * here), ERR_IO, ERR_NOMEM; the model stays usable as far as it goes. */
enum err enc_open_towers(struct enc *enc) ERR_CHECK;

const struct enc_info *enc_info(const struct enc *enc);

/*
 * Which exact weights, tokenizer and preprocessing made a vector: hex XXH3-128 over the
 * XXH3-128 of each of the model's files, config.json first. Computed on the first call
 * and kept. ERR_IO, ERR_MODEL. *out lives as long as the model.
 */
enum err enc_fingerprint(struct enc *enc, const char **out) ERR_CHECK;

/*
 * Encodes one text of `n` bytes of UTF-8 into vector[dim]. Where a model has a Chinese
 * tower and another, text with any Han character goes to the first, all else to the
 * second. `info` may be NULL. ERR_INVALID: not UTF-8, or nothing that the tokenizer
 * keeps (white space; for SigLIP punctuation, too); ERR_LIMIT: over LIMIT_TEXT_BYTES.
 */
enum err enc_text(struct enc *enc, const char *text, size_t n, float *vector,
                  struct enc_text_info *info) ERR_CHECK;

/* Encodes one decoded picture into vector[dim]; the picture is not changed. */
enum err enc_image(struct enc *enc, const struct img *image, float *vector) ERR_CHECK;

/* ---- In two steps, for those who gather batches ------------------------------- */

/* A text ready for its tower. */
struct enc_tokens {
    size_t tower; /* the number of the text tower that reads it */
    size_t n;     /* of ids; what follows the text (padding) is not here */
    struct enc_text_info info;
    int32_t ids[LIMIT_TEXT_TOKENS];
};

/* The first step of enc_text, with its errors: all that depends on one text alone. */
enum err enc_tokenize(struct enc *enc, const char *text, size_t n,
                      struct enc_tokens *out) ERR_CHECK;

/* Tokens after which more texts at once gain nothing (docs/SPEED.md), and only take
 * memory and make the first wait for the last. */
enum { ENC_GROUP_TOKENS = 128 };

/* The second: texts[n] into vectors[n], each [dim]. Those for one tower are worked
 * through together, in groups of some ENC_GROUP_TOKENS tokens, so texts of any length
 * may stand side by side: none is padded. A vector is, to the bit, what it is without
 * its neighbours. ERR_NOMEM, ERR_MODEL: no vector is valid then. */
enum err enc_embed_tokens(struct enc *enc, const struct enc_tokens *const *texts,
                          size_t n, float *const *vectors) ERR_CHECK;

/* How many numbers enc_preprocess makes of a picture. */
size_t enc_n_pixels(const struct enc *enc);

/* The first step of enc_image: pixels[enc_n_pixels], as preprocess.h has them. */
enum err enc_preprocess(struct enc *enc, const struct img *image, float *pixels)
    ERR_CHECK;

/* The second: `n` pictures, each pixels[i][enc_n_pixels], into vectors[i][dim], in one
 * batch. Errors as enc_embed_tokens. */
enum err enc_embed_pixels(struct enc *enc, const float *const *pixels, size_t n,
                          float *const *vectors) ERR_CHECK;

#endif
