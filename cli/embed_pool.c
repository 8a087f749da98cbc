/*
 * embed_pool.c - see embed_pool.h. The batches stand in a ring; three counters walk it:
 * submitted, begun, told.
 */
#include "cli/embed_pool.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"

struct embed_pool {
    struct embed_pool_options options;
    size_t dim;
    pthread_t workers[LIMIT_THREADS_MAX]; /* [n_workers] */
    size_t n_workers;
    int wake_fd;

    struct embed_batch *batches; /* [n_batches], a ring */
    bool *done;                  /* [n_batches], encoded and not told */
    size_t n_batches;

    pthread_mutex_t lock; /* over `done` and what follows */
    pthread_cond_t changed;
    size_t submitted, begun, told; /* batches, ever; told <= begun <= submitted */
    bool telling;                  /* a worker is in options.told */
    bool ended;                    /* nothing more will be submitted */
    bool stopped;
    enum err result;
};

static void free_items(struct embed_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        alloc_free(batch->items[i].text);
    }
    batch->n = 0;
}

static enum err encode(const struct embed_pool *pool, struct embed_batch *batch)
{
    struct duet_input inputs[EMBED_BATCH_MAX];
    for (size_t i = 0; i < batch->n; i++) {
        const struct line *item = &batch->items[i];
        inputs[i] = pool->options.images ? duet_input_file(item->text)
                                         : (struct duet_input){.kind = DUET_INPUT_TEXT,
                                                               .bytes = item->text,
                                                               .n = item->n};
    }
    return duet_encode_many(pool->options.encoder, inputs, batch->n, batch->vectors,
                            batch->outcomes);
}

/* With the lock held. */
static void stop(struct embed_pool *pool, enum err result)
{
    if (!pool->stopped) {
        pool->stopped = true;
        pool->result = result;
        eventfd_write(pool->wake_fd, 1);
    }
    pthread_cond_broadcast(&pool->changed);
}

/* With the lock held, which is let go while a batch is told. */
static void tell_done(struct embed_pool *pool)
{
    while (!pool->telling && !pool->stopped && pool->told < pool->begun &&
           pool->done[pool->told % pool->n_batches]) {
        struct embed_batch *batch = &pool->batches[pool->told % pool->n_batches];
        pool->telling = true;
        pthread_mutex_unlock(&pool->lock);
        bool go_on = pool->options.told(pool->options.arg, batch);
        free_items(batch);
        pthread_mutex_lock(&pool->lock);
        pool->telling = false;
        pool->done[pool->told % pool->n_batches] = false;
        pool->told++;
        pthread_cond_broadcast(&pool->changed);
        if (!go_on) {
            stop(pool, ERR_OK);
        }
    }
}

/* With the lock held, which is let go while the batch is encoded. */
static void encode_next(struct embed_pool *pool)
{
    size_t i = pool->begun++ % pool->n_batches;
    pthread_mutex_unlock(&pool->lock);
    enum err result = encode(pool, &pool->batches[i]);
    pthread_mutex_lock(&pool->lock);
    if (result != ERR_OK) {
        stop(pool, result);
        return;
    }
    pool->done[i] = true;
    tell_done(pool);
}

static void *work(void *arg)
{
    struct embed_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopped && !(pool->ended && pool->begun == pool->submitted)) {
        if (pool->begun < pool->submitted) {
            encode_next(pool);
        } else {
            pthread_cond_wait(&pool->changed, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- Starting and ending ---- */

static void pool_free(struct embed_pool *pool)
{
    for (size_t i = 0; pool->batches != NULL && i < pool->n_batches; i++) {
        free_items(&pool->batches[i]);
        alloc_free(pool->batches[i].vectors);
    }
    if (pool->wake_fd >= 0) {
        close(pool->wake_fd);
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    alloc_free(pool->done);
    alloc_free(pool->batches);
    alloc_free(pool);
}

static enum err make_batches(struct embed_pool *pool)
{
    size_t rows = pool->options.images ? 1 : EMBED_BATCH_MAX;
    pool->batches = alloc_zero(pool->n_batches, sizeof *pool->batches);
    pool->done = alloc_zero(pool->n_batches, sizeof *pool->done);
    if (pool->batches == NULL || pool->done == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < pool->n_batches; i++) {
        float *vectors = alloc_array(rows * pool->dim, sizeof *vectors);
        pool->batches[i].vectors = vectors;
        if (vectors == NULL) {
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

static enum err start_workers(struct embed_pool *pool)
{
    pool->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (pool->wake_fd < 0) {
        return err_errno(errno, "eventfd");
    }
    while (pool->n_workers < pool->options.n_threads) {
        int rc = pthread_create(&pool->workers[pool->n_workers], NULL, work, pool);
        if (rc != 0 && pool->n_workers == 0) {
            return err_errno(rc, "no thread could be started");
        }
        if (rc != 0) {
            break; /* fewer do it too */
        }
        pool->n_workers++;
    }
    return ERR_OK;
}

enum err embed_pool_start(struct embed_pool **out,
                          const struct embed_pool_options *options)
{
    *out = NULL;
    struct embed_pool *pool = alloc_zero(1, sizeof *pool);
    if (pool == NULL) {
        return ERR_NOMEM;
    }
    pool->options = *options;
    pool->dim = duet_encoder_dim(options->encoder);
    pool->n_batches = 2 * options->n_threads;
    pool->wake_fd = -1;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    enum err result = make_batches(pool);
    if (result == ERR_OK) {
        result = start_workers(pool);
    }
    if (result != ERR_OK) {
        pool_free(pool);
        return result;
    }
    *out = pool;
    return ERR_OK;
}

int embed_pool_wake_fd(const struct embed_pool *pool)
{
    return pool->wake_fd;
}

struct embed_batch *embed_pool_take(struct embed_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopped && pool->submitted - pool->told == pool->n_batches) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    struct embed_batch *batch =
        pool->stopped ? NULL : &pool->batches[pool->submitted % pool->n_batches];
    pthread_mutex_unlock(&pool->lock);
    return batch;
}

void embed_pool_submit(struct embed_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->submitted++;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

enum err embed_pool_finish(struct embed_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ended = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_workers; i++) {
        pthread_join(pool->workers[i], NULL);
    }
    enum err result = pool->result;
    pool_free(pool);
    return result == ERR_OK ? ERR_OK : err_set(result, "out of memory");
}
