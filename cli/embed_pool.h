/*
 * embed_pool.h - batches of texts or pictures through some threads, told in the order
 * in which they came.
 *
 *     struct embed_pool *pool;
 *     TRY(embed_pool_start(&pool, &options));
 *     while ((batch = embed_pool_take(pool)) != NULL && fill(batch)) {
 *         embed_pool_submit(pool);
 *     }
 *     embed_pool_finish(pool);
 *
 * Threads: one thread fills batches. Workers encode them; whoever of them ends the
 * oldest batch that is not told yet tells it, and all done ones behind it, so that
 * `told` runs on one thread at a time and sees the batches in their order. There are
 * two batches a worker and never more: who is ahead of the output waits. The lock
 * covers the states of the batches; a batch itself belongs to whom its state says.
 */
#ifndef CLI_EMBED_POOL_H
#define CLI_EMBED_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/lines.h"
#include "db/duet_encoder.h"

enum { EMBED_BATCH_MAX = 32 };

struct embed_batch {
    struct line items[EMBED_BATCH_MAX]; /* texts or paths; freed when they are told */
    size_t n;
    float *vectors;                                /* [n, dim] */
    struct duet_outcome outcomes[EMBED_BATCH_MAX]; /* [n] */
};

struct embed_pool_options {
    struct duet_encoder *encoder;
    bool images; /* items are paths of pictures */
    size_t n_threads;
    /* Tells a batch; false stops all. */
    bool (*told)(void *arg, const struct embed_batch *batch);
    void *arg;
};

struct embed_pool;

/* Starts the workers. ERR_NOMEM, ERR_IO (no thread could be started). */
enum err embed_pool_start(struct embed_pool **out,
                          const struct embed_pool_options *options) ERR_CHECK;

/* Becomes readable once the pool has stopped, for whoever waits for input. */
int embed_pool_wake_fd(const struct embed_pool *pool);

/* An empty batch to be filled, when one is free; NULL where the pool has stopped. */
struct embed_batch *embed_pool_take(struct embed_pool *pool);

/* Gives the batch that was taken to the workers. */
void embed_pool_submit(struct embed_pool *pool);

/* Waits until all is told (or stopped), and frees the pool. ERR_NOMEM: a batch could
 * not be encoded for want of memory. */
enum err embed_pool_finish(struct embed_pool *pool) ERR_CHECK;

#endif
