/*
 * server.c - see server.h: the parts put together, and their order at the end.
 *
 * One loop serves tens of thousands of requests a second, more than encoding leaves to
 * do; more loops would be more entries of `loops`, on threads of their own, on the same
 * socket.
 */
#include "net/server.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/address.h"
#include "net/api.h"
#include "net/label_cache.h"
#include "net/loop.h"

enum { N_LOOPS = 1 };

struct net_server {
    struct api api;
    struct job_queue *jobs;
    struct loop *loops[N_LOOPS];
    char *api_key; /* NULL: none */
    int listen_fd;
    char url[ADDRESS_URL_MAX];
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
    TRY(address_listen(&address, &server->listen_fd, is_loopback, server->url));
    FAIL_IF(!*is_loopback && options->api_key == NULL && !options->insecure,
            ERR_INVALID,
            "%s can be reached from other machines: set an API key "
            "(--api-key-file FILE), or allow it (--insecure)",
            server->url);
    return ERR_OK;
}

static enum err open_loops(struct net_server *server,
                           const struct net_server_options *options, bool is_loopback)
{
    const struct loop_options loop_options = {
        .listen_fd = server->listen_fd,
        .api = &server->api,
        .jobs = server->jobs,
        .api_key = server->api_key,
        .only_loopback_host = is_loopback && server->api_key == NULL,
        .max_body = options->max_body != 0 ? options->max_body : LIMIT_BODY_BYTES,
        .max_connections = count_connections() / N_LOOPS,
        .request_seconds = options->request_seconds != 0 ? options->request_seconds
                                                         : LIMIT_REQUEST_SECONDS,
    };
    for (size_t i = 0; i < N_LOOPS; i++) {
        TRY(loop_open(&server->loops[i], &loop_options));
    }
    return ERR_OK;
}

static enum err open_parts(struct net_server *server,
                           const struct net_server_options *options)
{
    bool is_loopback;
    FAIL_IF(options->api_key != NULL && options->api_key[0] == '\0', ERR_INVALID,
            "the API key is empty");
    FAIL_IF(options->n_threads > LIMIT_THREADS_MAX, ERR_LIMIT,
            "%u threads are more than %d", options->n_threads, LIMIT_THREADS_MAX);
    TRY(start_listening(server, options, &is_loopback));
    if (options->api_key != NULL) {
        server->api_key = alloc_dup(options->api_key);
        FAIL_IF(server->api_key == NULL, ERR_NOMEM, "out of memory");
    }
    TRY(metrics_open(&server->api.metrics, api_routes, api_n_routes));
    TRY(label_cache_open(&server->api.labels));
    TRY(job_queue_open(&server->jobs,
                       options->n_threads != 0 ? options->n_threads : count_workers(),
                       LIMIT_QUEUED_REQUESTS));
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
    enum err result = loop_run(server->loops[0]);
    for (size_t i = 1; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return failed != 0 ? err_errno(failed, "starting an event loop") : result;
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
    alloc_free(server->api_key);
    alloc_free(server);
}
