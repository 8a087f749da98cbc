/*
 * loop.h - one event loop: accepts, receives requests, hands them to the workers, sends
 * their replies.
 *
 *     TRY(loop_open(&loop, &options));
 *     loop_run(loop);                 // until loop_stop, on this thread
 *     job_queue_close(jobs);
 *     loop_close(loop);
 *
 * Any number of loops may share one listening socket and one queue; each runs on a
 * thread of its own. loop_stop may be called from any thread and from a signal handler.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "net/api.h"
#include "net/job.h"

struct loop;

struct loop_options {
    int listen_fd; /* the caller's; loop_stop makes it deaf for all that share it */
    const struct api *api;
    struct job_queue *jobs;
    const char *api_key;     /* NULL: none is asked for */
    bool only_loopback_host; /* refuse other Host headers */
    size_t max_body;         /* bytes */
    size_t max_connections;
    unsigned request_seconds; /* for a request to arrive, and for its reply to leave */
};

/* The strings of `options` stay the caller's and must outlive the loop. */
enum err loop_open(struct loop **out, const struct loop_options *options) ERR_CHECK;

/* Serves until loop_stop and the end of the requests under way, at most
 * LIMIT_DRAIN_SECONDS after it. */
enum err loop_run(struct loop *loop) ERR_CHECK;

/* Async-signal-safe. */
void loop_stop(struct loop *loop);

/* After loop_run, with no job of this loop waiting or running any more: the queue is
 * closed before. Accepts NULL. */
void loop_close(struct loop *loop);

#endif
