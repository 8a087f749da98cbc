/*
 * fake_enc.h - a model that does as it is told, in place of encoder.c, for tests of
 * what calls it.
 *
 * A test program that includes this defines the functions of encoder/encoder.h that
 * encode, so that the linker takes none of them from the archive. A text is a number,
 * "7"; its tokens are as many as fake.n_tokens says, and the first number of its vector
 * is 7. A picture is its first pixel.
 *
 *     fake_hold(FAKE_TEXTS, true);      // batches of texts stand still, once begun
 *     fake_wait_for_batches(1);         // until one has begun
 *     fake.batches[0].ids[0]            // what is in it
 */
#ifndef TESTS_ENCODER_FAKE_ENC_H
#define TESTS_ENCODER_FAKE_ENC_H

#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"

enum { FAKE_BATCHES_MAX = 4096, FAKE_BATCH_MAX = 64, FAKE_DIM = 2 };

enum fake_kind { FAKE_TEXTS, FAKE_PICTURES };

struct fake_batch {
    enum fake_kind kind;
    size_t n;
    int ids[FAKE_BATCH_MAX]; /* [n] */
};

static struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held[2];          /* by kind */
    unsigned slow_us[2];   /* by kind: how long a batch takes */
    size_t n_tokens;       /* of every text */
    bool together_fails;   /* a batch of more than one: ERR_NOMEM */
    int fails;             /* this one fails with ERR_MODEL, alone or not */
    size_t n_batches;      /* that have begun */
    size_t n_under_way;    /* now */
    size_t most_under_way; /* at any time */
    struct fake_batch batches[FAKE_BATCHES_MAX];
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* While no call is in. */
static inline void fake_reset(void)
{
    pthread_mutex_lock(&fake.lock);
    memset(fake.held, 0, sizeof fake.held);
    memset(fake.slow_us, 0, sizeof fake.slow_us);
    fake.n_tokens = 3;
    fake.together_fails = false;
    fake.fails = -1;
    fake.n_batches = 0;
    fake.most_under_way = 0;
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_hold(enum fake_kind kind, bool held)
{
    pthread_mutex_lock(&fake.lock);
    fake.held[kind] = held;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_wait_for_batches(size_t n)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.n_batches < n) {
        pthread_cond_wait(&fake.changed, &fake.lock);
    }
    pthread_mutex_unlock(&fake.lock);
}

static inline size_t fake_n_batches(void)
{
    pthread_mutex_lock(&fake.lock);
    size_t n = fake.n_batches;
    pthread_mutex_unlock(&fake.lock);
    return n;
}

static inline void fake_begin(const struct fake_batch *batch)
{
    pthread_mutex_lock(&fake.lock);
    if (fake.n_batches < FAKE_BATCHES_MAX) {
        fake.batches[fake.n_batches] = *batch;
    }
    fake.n_batches++;
    fake.n_under_way++;
    if (fake.n_under_way > fake.most_under_way) {
        fake.most_under_way = fake.n_under_way;
    }
    pthread_cond_broadcast(&fake.changed);
    while (fake.held[batch->kind]) {
        pthread_cond_wait(&fake.changed, &fake.lock);
    }
    pthread_mutex_unlock(&fake.lock);
    if (fake.slow_us[batch->kind] > 0) {
        usleep(fake.slow_us[batch->kind]);
    }
    pthread_mutex_lock(&fake.lock);
    fake.n_under_way--;
    pthread_mutex_unlock(&fake.lock);
}

static inline enum err fake_embed(const struct fake_batch *batch, float *const *vectors)
{
    fake_begin(batch);
    FAIL_IF(batch->n > 1 && fake.together_fails, ERR_NOMEM, "together they are many");
    for (size_t i = 0; i < batch->n; i++) {
        FAIL_IF(batch->ids[i] == fake.fails, ERR_MODEL, "%d cannot be encoded",
                fake.fails);
        vectors[i][0] = (float)batch->ids[i];
        vectors[i][1] = (float)batch->kind;
    }
    return ERR_OK;
}

enum err enc_tokenize(struct enc *enc, const char *text, size_t n,
                      struct enc_tokens *out)
{
    (void)enc;
    FAIL_IF(n == 0, ERR_INVALID, "the text is empty");
    *out = (struct enc_tokens){.n = fake.n_tokens};
    out->ids[0] = atoi(text);
    return ERR_OK;
}

enum err enc_embed_tokens(struct enc *enc, const struct enc_tokens *const *texts,
                          size_t n, float *const *vectors)
{
    (void)enc;
    struct fake_batch batch = {.kind = FAKE_TEXTS, .n = n};
    for (size_t i = 0; i < n; i++) {
        batch.ids[i] = texts[i]->ids[0];
    }
    return fake_embed(&batch, vectors);
}

size_t enc_n_pixels(const struct enc *enc)
{
    (void)enc;
    return 1;
}

enum err enc_preprocess(struct enc *enc, const struct img *image, float *pixels)
{
    (void)enc;
    (void)image;
    pixels[0] = 0;
    return ERR_OK;
}

enum err enc_embed_pixels(struct enc *enc, const float *const *pixels, size_t n,
                          float *const *vectors)
{
    (void)enc;
    struct fake_batch batch = {.kind = FAKE_PICTURES, .n = n};
    for (size_t i = 0; i < n; i++) {
        batch.ids[i] = (int)pixels[i][0];
    }
    return fake_embed(&batch, vectors);
}

#endif
