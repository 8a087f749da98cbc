/*
 * server.c - see server.h: the parts put together, and their order at the end.
 *
 * One loop serves tens of thousands of requests a second, more than encoding leaves to
 * do; more loops would be more entries of `loops`, on threads of their own, on the same
 * socket.
 */
#include "net/server.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/address.h"
#include "net/api.h"
#include "net/image_url.h"
#include "net/label_cache.h"
#include "net/logbook.h"
#include "net/loop.h"
#include "net/tls.h"

enum { N_LOOPS = 1 };

struct net_server {
    struct api api;
    struct job_queue *jobs;
    struct loop *loops[N_LOOPS];
    char *api_key, *read_only_api_key; /* NULL: none */
    struct tls *tls;                   /* NULL: plain HTTP */
    struct logbook *book;              /* NULL: the log is as it was */
    int listen_fd;
    char url[ADDRESS_URL_MAX + 1];
};

static unsigned count_workers(void)
{
    long n = NET_WORKERS_A_CORE * sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > LIMIT_THREADS_MAX ? LIMIT_THREADS_MAX : (unsigned)n;
}

/* As many as the limit on open files leaves, with some kept for the database. */
static size_t count_connections(void)
{
    enum { KEPT_FILES = 128 };
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= LIMIT_CONNECTIONS + KEPT_FILES) {
        return LIMIT_CONNECTIONS;
    }
    return files.rlim_cur > KEPT_FILES + 8 ? files.rlim_cur - KEPT_FILES : 8;
}

static enum err start_listening(struct net_server *server,
                                const struct net_server_options *options,
                                bool *is_loopback)
{
    struct address address;
    TRY(address_parse(&address,
                      options->listen != NULL ? options->listen : "127.0.0.1:6333"));
    char plain[ADDRESS_URL_MAX];
    TRY(address_listen(&address, &server->listen_fd, is_loopback, plain));
    snprintf(server->url, sizeof server->url, "http%s%s",
             server->tls != NULL ? "s" : "", plain + strlen("http"));
    FAIL_IF(!*is_loopback && options->api_key == NULL && !options->insecure,
            ERR_INVALID,
            "%s can be reached from other machines: set an API key "
            "(--api-key-file FILE), or allow it (--insecure)",
            server->url);
    return ERR_OK;
}

/* What SIGHUP is for, on the loop's thread. */
static void reload(void *arg)
{
    struct net_server *server = arg;
    if (server->book != NULL && logbook_reopen(server->book) != ERR_OK) {
        log_error("the log goes on in the old file: %s", err_detail());
    }
    if (server->tls == NULL) {
        return;
    }
    if (tls_reload(server->tls) == ERR_OK) {
        log_info("the certificate was read again");
    } else {
        log_error("the old certificate stays in use: %s", err_detail());
    }
}

static enum err open_loops(struct net_server *server,
                           const struct net_server_options *options, bool is_loopback)
{
    const struct loop_options loop_options = {
        .listen_fd = server->listen_fd,
        .api = &server->api,
        .jobs = server->jobs,
        .tls = server->tls,
        .book = server->book,
        .keys = {.key = server->api_key, .read_only = server->read_only_api_key},
        .only_loopback_host = is_loopback && server->api_key == NULL,
        .max_body = options->max_body != 0 ? options->max_body : LIMIT_BODY_BYTES,
        .max_connections = count_connections() / N_LOOPS,
        .request_seconds = options->request_seconds != 0 ? options->request_seconds
                                                         : LIMIT_REQUEST_SECONDS,
        .drain_seconds =
            options->drain_seconds != 0 ? options->drain_seconds : LIMIT_DRAIN_SECONDS,
        .reload = reload,
        .reload_arg = server,
    };
    for (size_t i = 0; i < N_LOOPS; i++) {
        TRY(loop_open(&server->loops[i], &loop_options));
    }
    return ERR_OK;
}

static enum err copy_key(char **out, const char *key)
{
    if (key == NULL) {
        return ERR_OK;
    }
    FAIL_IF(key[0] == '\0', ERR_INVALID, "the API key is empty");
    *out = alloc_dup(key);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static enum err copy_keys(struct net_server *server,
                          const struct net_server_options *options)
{
    const char *key = options->api_key, *read_only = options->read_only_api_key;
    FAIL_IF(
        read_only != NULL && key == NULL, ERR_INVALID,
        "a read-only key alone would leave writing open to all: set an API key too");
    FAIL_IF(read_only != NULL && strcmp(key, read_only) == 0, ERR_INVALID,
            "the read-only key is the API key itself");
    TRY(copy_key(&server->api_key, key));
    return copy_key(&server->read_only_api_key, read_only);
}

static enum err open_tls(struct net_server *server,
                         const struct net_server_options *options)
{
    FAIL_IF((options->tls_cert == NULL) != (options->tls_key == NULL), ERR_INVALID,
            "TLS needs a certificate and its key: one of them is not set");
    return options->tls_cert == NULL
               ? ERR_OK
               : tls_open(&server->tls, options->tls_cert, options->tls_key);
}

/* A fetch waits with a worker; half of them are left to those who wait for nobody. */
static enum err open_image_urls(struct net_server *server,
                                const struct net_server_options *options,
                                unsigned n_workers)
{
    unsigned n = n_workers / 2;
    return image_urls_open(&server->api.image_urls, options->allow_image_urls,
                           options->allow_private_image_urls,
                           n < LIMIT_IMAGE_URL_FETCHES ? n : LIMIT_IMAGE_URL_FETCHES);
}

/* The log takes over what other parts say, but only where it was asked for. */
static enum err open_log(struct net_server *server,
                         const struct net_server_options *options)
{
    if (!options->log_json && !options->log_requests && options->log_file == NULL &&
        options->slow_query_ms == 0) {
        return ERR_OK;
    }
    TRY(logbook_open(&server->book, &(struct logbook_options){
                                        .path = options->log_file,
                                        .json = options->log_json,
                                        .requests = options->log_requests,
                                        .slow_ms = options->slow_query_ms,
                                    }));
    log_set_taker(logbook_take, server->book);
    return ERR_OK;
}

static enum err open_parts(struct net_server *server,
                           const struct net_server_options *options)
{
    bool is_loopback;
    unsigned n_workers = options->n_threads != 0 ? options->n_threads : count_workers();
    FAIL_IF(options->n_threads > LIMIT_THREADS_MAX, ERR_LIMIT,
            "%u threads are more than %d", options->n_threads, LIMIT_THREADS_MAX);
    TRY(copy_keys(server, options));
    TRY(open_tls(server, options));
    TRY(start_listening(server, options, &is_loopback));
    TRY(open_image_urls(server, options, n_workers));
    TRY(open_log(server, options));
    TRY(metrics_open(&server->api.metrics, api_routes, api_n_routes));
    TRY(label_cache_open(&server->api.labels));
    TRY(job_queue_open(&server->jobs, n_workers, LIMIT_QUEUED_REQUESTS));
    return open_loops(server, options, is_loopback);
}

enum err net_server_open(struct net_server **out, struct duet *db,
                         const struct net_server_options *options)
{
    *out = NULL;
    struct net_server *server = alloc_zero(1, sizeof *server);
    FAIL_IF(server == NULL, ERR_NOMEM, "out of memory");
    server->listen_fd = -1;
    server->api.db = db;
    enum err result = open_parts(server, options);
    if (result != ERR_OK) {
        net_server_close(server);
        return result;
    }
    *out = server;
    return ERR_OK;
}

const char *net_server_url(const struct net_server *server)
{
    return server->url;
}

static void *run_loop(void *loop)
{
    if (loop_run(loop) != ERR_OK) {
        log_error("%s", err_detail());
    }
    return NULL;
}

/* Into the log, where there is one of our own. */
static void say(struct net_server *server, const char *what, const char *url)
{
    char text[ADDRESS_URL_MAX + 64];
    if (server->book != NULL) {
        snprintf(text, sizeof text, "%s %s", what, url);
        logbook_take(server->book, LOG_INFO, text);
    }
}

enum err net_server_run(struct net_server *server)
{
    pthread_t threads[N_LOOPS];
    size_t n_threads = 1; /* loop 0 is ours */
    int failed = 0;
    while (n_threads < N_LOOPS && failed == 0) {
        failed = pthread_create(&threads[n_threads], NULL, run_loop,
                                server->loops[n_threads]);
        n_threads += failed == 0;
    }
    if (failed != 0) {
        net_server_stop(server);
    }
    say(server, "serving at", server->url);
    enum err result = loop_run(server->loops[0]);
    say(server, "no longer serving at", server->url);
    for (size_t i = 1; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return failed != 0 ? err_errno(failed, "starting an event loop") : result;
}

void net_server_reload(struct net_server *server)
{
    loop_reload(server->loops[0]); /* one does it for all */
}

void net_server_stop(struct net_server *server)
{
    for (size_t i = 0; i < N_LOOPS; i++) {
        loop_stop(server->loops[i]);
    }
}

void net_server_close(struct net_server *server)
{
    if (server == NULL) {
        return;
    }
    job_queue_close(server->jobs); /* first: jobs point into the loops */
    for (size_t i = 0; i < N_LOOPS; i++) {
        loop_close(server->loops[i]);
    }
    metrics_close(server->api.metrics);
    label_cache_close(server->api.labels);
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
    }
    if (server->book != NULL) {
        log_set_taker(NULL, NULL);
    }
    logbook_close(server->book);
    tls_close(server->tls);
    image_urls_close(server->api.image_urls);
    alloc_free(server->api_key);
    alloc_free(server->read_only_api_key);
    alloc_free(server);
}
