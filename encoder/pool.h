/*
 * pool.h - many callers, one model: what they bring is encoded in batches.
 *
 *     struct enc_pool *pool;
 *     struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
 *     options.n_workers = n_cores;
 *     TRY(enc_pool_open(&pool, enc, &options));
 *     TRY_OUT(enc_pool_text(pool, NULL, "a dog", 5, vector));     // on any thread
 *     ...
 *     enc_pool_close(pool);
 *
 * Calls are those of encoder.h, with the same vectors to the bit and the same errors,
 * and two of their own: ERR_BUSY, ERR_TIMEOUT. At most n_workers of them compute at a
 * time; the others wait, and are then worked through together. A call that finds a
 * worker's place free begins at once on its own thread, so that a lone caller pays
 * nothing. How the waiting are chosen, and what is fair, pool.c says at its head.
 *
 * What concerns one text or picture alone (tokenizing, preprocessing) is done on its
 * caller's thread before it queues. So a bad one fails alone; and where a whole batch
 * fails, its members are tried one by one.
 *
 * Memory: a waiting text is 2 KiB, a waiting picture its pixels, 4 * enc_n_pixels bytes
 * (0.8 MB with the default model). At most max_queued of each wait, and as many patient
 * ones as there are threads that bring them.
 *
 * Threads: all but open and close may be called on any thread; the pool starts none.
 */
#ifndef ENCODER_POOL_H
#define ENCODER_POOL_H

#include "encoder/encoder.h"

struct enc_pool;

enum {
    ENC_POOL_BATCH_MAX = 64,
    ENC_POOL_SIZES = 7 /* of batches, in powers of two: 1, 2, up to 4, ... up to 64 */
};

struct enc_pool_options {
    size_t n_workers;    /* batches under way at once; 0: 1 */
    size_t max_texts;    /* in a batch; a batch also ends at ENC_GROUP_TOKENS tokens */
    size_t max_pictures; /* in a batch */
    size_t max_queued;   /* waiting texts, and as many pictures */
    uint64_t wait_ns;    /* that a batch which is not full waits for more; 0: not */
};

/* No waiting for more, and pictures one by one (enc_info.picture_batch says where more
 * gain anything): docs/SPEED.md has the measurements. */
#define ENC_POOL_OPTIONS_DEFAULT                                                       \
    ((struct enc_pool_options){.n_workers = 1,                                         \
                               .max_texts = 32,                                        \
                               .max_pictures = 1,                                      \
                               .max_queued = LIMIT_QUEUED_ENCODINGS})

/* What a call may say of its waiting. */
struct enc_pool_wait {
    uint64_t deadline_ns; /* of clock_monotonic_ns; still waiting then, the call fails
                             with ERR_TIMEOUT. What is under way is finished. 0: none */
    bool patient; /* waits, however many wait: for those who bring much, and are bounded
                     by their own number of threads */
};

/* `enc` must outlive the pool. A size in the options over its limit is cut to it; 0 is
 * 1. On failure *out is NULL: ERR_NOMEM. */
enum err enc_pool_open(struct enc_pool **out, struct enc *enc,
                       const struct enc_pool_options *options) ERR_CHECK;

/* Waits for the calls that are in; a call that still comes gets ERR_CANCELLED, but none
 * may come after the return. Accepts NULL. */
void enc_pool_close(struct enc_pool *pool);

/* As enc_embed_tokens and enc_embed_pixels, in any number; `wait` may be NULL. ERR_BUSY
 * (without patience, at once): more than max_queued would wait; ERR_TIMEOUT. On any
 * error no vector is valid. */
enum err enc_pool_tokens(struct enc_pool *pool, const struct enc_pool_wait *wait,
                         const struct enc_tokens *const *texts, size_t n,
                         float *const *vectors) ERR_CHECK;
enum err enc_pool_pixels(struct enc_pool *pool, const struct enc_pool_wait *wait,
                         const float *const *pixels, size_t n, float *const *vectors)
    ERR_CHECK;

/* As enc_text and enc_image. The image, large at times, is released before the waiting
 * begins, and in any case. */
enum err enc_pool_text(struct enc_pool *pool, const struct enc_pool_wait *wait,
                       const char *text, size_t n, float *vector) ERR_CHECK;
enum err enc_pool_take_image(struct enc_pool *pool, const struct enc_pool_wait *wait,
                             struct img *image, float *vector) ERR_CHECK;

/* What happened to one kind since the opening. */
struct enc_pool_kind_stats {
    uint64_t n_items, n_batches;
    uint64_t batches_by_size[ENC_POOL_SIZES]; /* [i]: of at most 2^i, more than half */
    uint64_t n_busy, n_timeouts;              /* items refused, and given up */
    uint64_t wait_ns; /* of all items, until their batch began */
    uint64_t work_ns; /* of all batches, in the towers */
    size_t n_queued;  /* now */
};

struct enc_pool_stats {
    struct enc_pool_kind_stats texts, pictures;
};

/* As of one moment. */
struct enc_pool_stats enc_pool_stats(struct enc_pool *pool);

#endif
