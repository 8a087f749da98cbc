/*
 * server.h - Duet over HTTP, in the Qdrant dialect, with a page at /dashboard.
 *
 *     struct net_server *server;
 *     TRY(net_server_open(&server, db, &options));
 *     printf("%s\n", net_server_url(server));
 *     TRY_OUT(net_server_run(server));      // until net_server_stop
 *     net_server_close(server);
 *
 * Threads: net_server_run keeps the calling thread; net_server_stop and
 * net_server_reload may be called from any thread and from a signal handler; the rest
 * from the thread that opened. One server at a time in a process has a log.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "db/duet.h"

/* Workers for each core. More than one, as a text takes half the time when it is
 * encoded together with others, and those wait, as workers, without work. */
enum { NET_WORKERS_A_CORE = 4 };

struct net_server;

struct net_server_options {
    const char *listen;  /* "HOST:PORT"; port 0: any free one. NULL: 127.0.0.1:6333 */
    const char *api_key; /* asked for on every route but health and the page's own
                            files, which hold no data; NULL: none */
    bool insecure;       /* listen on other than loopback without a key */
    unsigned n_threads;  /* workers; 0: NET_WORKERS_A_CORE for each core */
    size_t max_body;     /* bytes of one request; 0: LIMIT_BODY_BYTES */
    unsigned request_seconds; /* for one request to arrive whole, and for its reply to
                                 be taken; 0: LIMIT_REQUEST_SECONDS */
    unsigned drain_seconds;   /* for requests under way at the stop; 0:
                                 LIMIT_DRAIN_SECONDS */
    const char *read_only_api_key;  /* one that may only read; NULL: none. Goes with
                                      api_key, and differs from it */
    const char *tls_cert, *tls_key; /* PEM files, both or none: HTTPS */
    /* The log: where any of these is set, log_warn() and others go there too. */
    bool log_json;        /* one JSON object a line; else text */
    bool log_requests;    /* a line for each request */
    const char *log_file; /* NULL: stderr */
    size_t slow_query_ms; /* a line for each query that took so long; 0: none */
    /* Pictures named by URL: see image_url.h. NULL or "": none is fetched. */
    const char *allow_image_urls;
    const char *allow_private_image_urls;
};

/* Binds and listens; requests wait until net_server_run. `db` stays the caller's and
 * must outlive the server. ERR_INVALID: a bad address, or another than loopback without
 * a key and not `insecure`; ERR_BUSY: the address is in use; ERR_IO. */
enum err net_server_open(struct net_server **out, struct duet *db,
                         const struct net_server_options *options);

/* "http://127.0.0.1:6333" (https with TLS), with the port that was got. */
const char *net_server_url(const struct net_server *server);

/* Serves until net_server_stop, then lets the requests under way end. */
enum err net_server_run(struct net_server *server);

/* Reads the certificate again and begins the log's file anew, if there are any; what
 * fails is logged and stays as it was. Async-signal-safe. */
void net_server_reload(struct net_server *server);

/* Async-signal-safe. */
void net_server_stop(struct net_server *server);

/* After net_server_run has returned, or before it was called. Accepts NULL. */
void net_server_close(struct net_server *server);

#endif
