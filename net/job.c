/*
 * job.c - see job.h.
 *
 * One mutex guards the list; workers sleep on one condition. A request costs
 * milliseconds, so the lock is never what a server waits for.
 */
#include "net/job.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/alloc.h"

struct job_queue {
    pthread_mutex_t lock; /* guards all below but the threads */
    pthread_cond_t wake;
    struct job *head, *tail;
    size_t length, capacity;
    bool closing;
    unsigned n_threads;
    pthread_t threads[]; /* [n_threads] */
};

/* The next job, NULL when there will be none. Called with the lock held. */
static struct job *take(struct job_queue *queue)
{
    while (queue->head == NULL && !queue->closing) {
        pthread_cond_wait(&queue->wake, &queue->lock);
    }
    struct job *job = queue->head;
    if (job != NULL) {
        queue->head = job->next;
        queue->length--;
    }
    return job;
}

static void *work(void *arg)
{
    struct job_queue *queue = arg;
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        struct job *job = take(queue);
        pthread_mutex_unlock(&queue->lock);
        if (job == NULL) {
            return NULL;
        }
        job->run(job);
    }
}

enum err job_queue_open(struct job_queue **out, unsigned n_threads, size_t capacity)
{
    *out = NULL;
    struct job_queue *queue =
        alloc_zero(1, sizeof *queue + n_threads * sizeof queue->threads[0]);
    FAIL_IF(queue == NULL, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->wake, NULL);
    queue->capacity = capacity;
    for (; queue->n_threads < n_threads; queue->n_threads++) {
        int failed =
            pthread_create(&queue->threads[queue->n_threads], NULL, work, queue);
        if (failed != 0) {
            job_queue_close(queue);
            return err_errno(failed, "starting a worker thread");
        }
    }
    *out = queue;
    return ERR_OK;
}

void job_queue_close(struct job_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    pthread_cond_broadcast(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
    for (unsigned i = 0; i < queue->n_threads; i++) {
        pthread_join(queue->threads[i], NULL);
    }
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
    alloc_free(queue);
}

/* Called with the lock held and room in the queue. */
static void append(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    if (queue->head == NULL) {
        queue->head = job;
    } else {
        queue->tail->next = job;
    }
    queue->tail = job;
    queue->length++;
}

enum err job_queue_push(struct job_queue *queue, struct job *job)
{
    pthread_mutex_lock(&queue->lock);
    bool full = queue->length >= queue->capacity;
    if (!full) {
        append(queue, job);
        pthread_cond_signal(&queue->wake);
    }
    pthread_mutex_unlock(&queue->lock);
    FAIL_IF(full, ERR_BUSY, "the server is busy: %zu requests are waiting already",
            queue->capacity);
    return ERR_OK;
}

size_t job_queue_length(struct job_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}
