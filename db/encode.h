/*
 * encode.h - a text or a picture in a request becomes a vector, by the model.
 * Threads: any; who comes together is encoded together (encoder/pool.h).
 */
#ifndef DB_ENCODE_H
#define DB_ENCODE_H

#include "db/db_internal.h"

/* The model that encodes: the database's, or one beside it. All borrowed. */
struct encode_model {
    struct enc *enc;
    struct enc_pool *pool;
    uint32_t target_side; /* as img_options.target_side of encoder/image.h */
};

/* The database's, after db_encoder or db_encoder_for has given it. */
struct encode_model encode_model_of(const struct duet *db);

/* The name that `bytes` have in media/ and in system records. */
void encode_hash(const void *bytes, size_t n, uint8_t hash[DB_HASH_BYTES]);

/* Whether an input needs the model: a text or a picture, as bytes or as a file. */
bool encode_is_needed(enum duet_input_kind kind);

/* What becomes of an uploaded picture besides its vector. */
struct encode_picture {
    uint8_t hash[DB_HASH_BYTES]; /* of its bytes */
    struct buf thumbnail;        /* JPEG; filled where it was initialised with room */
};

/* The name that `bytes` have in media/ and in system records. */
void encode_hash(const void *bytes, size_t n, uint8_t hash[DB_HASH_BYTES]);

/* How an input is to be encoded, and what else becomes of it. */
struct encode_how {
    bool patient;    /* waits for a core as long as it takes; else, as for whoever sits
                        before a query: ERR_BUSY, and ERR_TIMEOUT after
                        LIMIT_ENCODE_SECONDS */
    bool *truncated; /* set for a text: not all of it was read; may be NULL */
    struct encode_picture *picture; /* filled for a picture; may be NULL */
};

/* Encodes the input by the database's model into vector[dim of the model]. ERR_INVALID,
 * ERR_LIMIT, ERR_UNSUPPORTED, ERR_NOT_FOUND (no such file). */
enum err encode_input(struct duet *db, const struct duet_input *input,
                      const struct encode_how *how, float *vector) ERR_CHECK;

/* Encodes a picture file's bytes by the model. */
enum err encode_image(const struct encode_model *model, const void *bytes, size_t n,
                      const struct encode_how *how, float *vector) ERR_CHECK;

/* Texts gathered by one thread that has many of them, to be encoded together. */
enum { ENCODE_TEXTS_MAX = 16 };
struct encode_texts {
    size_t n;
    struct enc_tokens tokens[ENCODE_TEXTS_MAX];
    float *vectors[ENCODE_TEXTS_MAX];
};

/* Adds a text, the vector of which is to be set by encode_texts_run; there must be room
 * for one more. Errors of the text alone are told here, and nothing is added then. */
enum err encode_texts_add(const struct encode_model *model, struct encode_texts *texts,
                          const char *text, size_t n, float *vector) ERR_CHECK;

/* Encodes all of them, patiently, and forgets them. `failed` is called for each that
 * could not be encoded, with its number and, in the error detail, the reason. */
void encode_texts_run(const struct encode_model *model, struct encode_texts *texts,
                      void (*failed)(void *arg, size_t i, enum err result), void *arg);

#endif
