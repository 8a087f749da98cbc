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
 * thread of its own. loop_stop and loop_reload may be called from any thread and from a
 * signal handler.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "net/api.h"
#include "net/guard.h"
#include "net/job.h"
#include "net/logbook.h"
#include "net/tls.h"

struct loop;

struct loop_options {
    int listen_fd; /* the caller's; loop_stop makes it deaf for all that share it */
    const struct api *api;
    struct job_queue *jobs;
    struct tls *tls;      /* NULL: plain HTTP */
    struct logbook *book; /* NULL: requests are not logged */
    struct guard_keys keys;
    bool only_loopback_host; /* refuse other Host headers */
    size_t max_body;         /* bytes */
    size_t max_connections;
    unsigned request_seconds;  /* for a request to arrive, and for its reply to leave */
    unsigned drain_seconds;    /* for requests under way at loop_stop */
    void (*reload)(void *arg); /* after loop_reload, on the loop's thread */
    void *reload_arg;
};

/* The strings of `options` stay the caller's and must outlive the loop. */
enum err loop_open(struct loop **out, const struct loop_options *options) ERR_CHECK;

/* Serves until loop_stop and the end of the requests under way, at most drain_seconds
 * after it. */
enum err loop_run(struct loop *loop) ERR_CHECK;

/* Both are async-signal-safe. */
void loop_stop(struct loop *loop);
void loop_reload(struct loop *loop);

/* After loop_run, with no job of this loop waiting or running any more: the queue is
 * closed before. Accepts NULL. */
void loop_close(struct loop *loop);

#endif
