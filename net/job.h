/*
 * job.h - a bounded queue of work, and the threads that do it.
 *
 *     struct job_queue *queue;
 *     TRY(job_queue_open(&queue, n_threads, LIMIT_QUEUED_REQUESTS));
 *     thing->job.run = thing_run;
 *     enum err result = job_queue_push(queue, &thing->job);   // ERR_BUSY: full
 *     ...
 *     job_queue_close(queue);
 *
 * A job is embedded in the thing it works on and belongs to its owner. `run` is called
 * once, on a worker; how the result travels back is the owner's business. Jobs start in
 * the order in which they were pushed. Any thread may push.
 */
#ifndef NET_JOB_H
#define NET_JOB_H

#include <stddef.h>

#include "base/error.h"

struct job {
    void (*run)(struct job *job);
    struct job *next; /* the queue's own */
};

struct job_queue;

/* Starts `n_threads` (1 or more) workers; at most `capacity` jobs wait at once. */
enum err job_queue_open(struct job_queue **out, unsigned n_threads, size_t capacity)
    ERR_CHECK;

/* Does what waits, then ends the workers. Accepts NULL. */
void job_queue_close(struct job_queue *queue);

/* ERR_BUSY where the queue is full: the job is then still the caller's. */
enum err job_queue_push(struct job_queue *queue, struct job *job) ERR_CHECK;

/* How many jobs wait, those being run not counted. */
size_t job_queue_length(struct job_queue *queue);

#endif
