/*
 * ingest_queue.h - the bounded way from the workers of an add to the thread that
 * commits.
 *
 *     workers:    while (ingest_queue_next(queue, &i)) { ... ingest_queue_put(queue, r); }
 *                 ingest_queue_leave(queue);
 *     committer:  while (ingest_queue_take(queue, &r, wait_ns)) { if (r != NULL) ... }
 *
 * Items are handed out in order; results come back as they are done, and no more of
 * them wait than the queue was made for: workers then stand still, so that memory is
 * bounded however slow the disk. After ingest_queue_stop no new item is handed out;
 * what is under way still comes back.
 *
 * Threads: one committer, any number of workers.
 */
#ifndef DB_INGEST_QUEUE_H
#define DB_INGEST_QUEUE_H

#include "base/error.h"
#include "db/ingest_picture.h"

struct ingest_queue;

/* A queue of the items 0 … n_items - 1, of at most `n_max` results waiting. ERR_NOMEM.
 */
enum err ingest_queue_open(struct ingest_queue **out, size_t n_items, size_t n_max)
    ERR_CHECK;

/* After all workers have ended. Releases results that were not taken. Accepts NULL. */
void ingest_queue_close(struct ingest_queue *queue);

/* Called by whoever starts a worker, before it starts; and by the worker when it has
 * put its last result, or in its stead where it could not be started. */
void ingest_queue_enter(struct ingest_queue *queue);
void ingest_queue_leave(struct ingest_queue *queue);

/* The next item for a worker; false: there are none. */
bool ingest_queue_next(struct ingest_queue *queue, size_t *i);

/* Hands over a result (allocated by alloc_zero), waiting for room. */
void ingest_queue_put(struct ingest_queue *queue, struct ingest_result *result);

/* The next result, the caller's now; NULL where none came within `wait_ns`. False: all
 * workers have ended and nothing is left. */
bool ingest_queue_take(struct ingest_queue *queue, struct ingest_result **result,
                       uint64_t wait_ns);

void ingest_queue_stop(struct ingest_queue *queue);

#endif
