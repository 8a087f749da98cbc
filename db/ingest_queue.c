/*
 * ingest_queue.c - see ingest_queue.h. One mutex over all: a picture takes
 * milliseconds, so nobody waits for it.
 */
#include "db/ingest_queue.h"

#include <pthread.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

struct ingest_queue {
    pthread_mutex_t mutex; /* over all below */
    pthread_cond_t filled; /* a result came, or a worker ended */
    pthread_cond_t drained;
    size_t next_item, n_items;
    unsigned n_workers; /* not ended yet */
    bool stopped;
    struct ingest_result **ring; /* [n_max] */
    size_t first, n, n_max;      /* the results waiting in it */
};

enum err ingest_queue_open(struct ingest_queue **out, size_t n_items, size_t n_max)
{
    pthread_condattr_t attributes;
    struct ingest_queue *queue = alloc_zero(1, sizeof *queue);
    *out = NULL;
    FAIL_IF(queue == NULL, ERR_NOMEM, "out of memory");
    queue->ring = alloc_zero(n_max, sizeof(struct ingest_result *));
    if (queue->ring == NULL) {
        alloc_free(queue);
        return err_set(ERR_NOMEM, "out of memory");
    }
    queue->n_items = n_items;
    queue->n_max = n_max;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_cond_init(&queue->drained, NULL);
    pthread_condattr_destroy(&attributes);
    *out = queue;
    return ERR_OK;
}

void ingest_queue_close(struct ingest_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (; queue->n > 0; queue->n--) {
        ingest_result_release(queue->ring[queue->first]);
        alloc_free(queue->ring[queue->first]);
        queue->first = (queue->first + 1) % queue->n_max;
    }
    pthread_cond_destroy(&queue->drained);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->mutex);
    alloc_free(queue->ring);
    alloc_free(queue);
}

void ingest_queue_enter(struct ingest_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->n_workers++;
    pthread_mutex_unlock(&queue->mutex);
}

void ingest_queue_leave(struct ingest_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->n_workers--;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}

bool ingest_queue_next(struct ingest_queue *queue, size_t *i)
{
    pthread_mutex_lock(&queue->mutex);
    bool more = !queue->stopped && queue->next_item < queue->n_items;
    if (more) {
        *i = queue->next_item++;
    }
    pthread_mutex_unlock(&queue->mutex);
    return more;
}

void ingest_queue_put(struct ingest_queue *queue, struct ingest_result *result)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->n == queue->n_max) {
        pthread_cond_wait(&queue->drained, &queue->mutex);
    }
    queue->ring[(queue->first + queue->n) % queue->n_max] = result;
    queue->n++;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}

static struct timespec deadline_after(uint64_t wait_ns)
{
    uint64_t at = clock_monotonic_ns() + wait_ns;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000000u),
                             .tv_nsec = (long)(at % 1000000000u)};
}

bool ingest_queue_take(struct ingest_queue *queue, struct ingest_result **result,
                       uint64_t wait_ns)
{
    struct timespec deadline = deadline_after(wait_ns);
    int waited = 0;
    *result = NULL;
    pthread_mutex_lock(&queue->mutex);
    while (queue->n == 0 && queue->n_workers > 0 && waited == 0) {
        waited = pthread_cond_timedwait(&queue->filled, &queue->mutex, &deadline);
    }
    bool more = queue->n > 0 || queue->n_workers > 0;
    if (queue->n > 0) {
        *result = queue->ring[queue->first];
        queue->first = (queue->first + 1) % queue->n_max;
        queue->n--;
        pthread_cond_signal(&queue->drained);
    }
    pthread_mutex_unlock(&queue->mutex);
    return more;
}

void ingest_queue_stop(struct ingest_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->stopped = true;
    pthread_mutex_unlock(&queue->mutex);
}
