/*
 * loop.c - see loop.h.
 *
 * Who runs where. evhttp and everything in `struct loop` are touched on the loop's
 * thread only. A request becomes an exchange; if its route is not ROUTE_INLINE, the
 * exchange goes through the queue to a worker, which sees nothing but its api_call and
 * body, then comes back through `done` (a list under a mutex, and an eventfd that wakes
 * the loop). libevent runs without locks therefore.
 *
 * A client may leave while its request is being worked on. evhttp then frees its
 * request, if it notices; on_close tells us, and the finished exchange finds that there
 * is nobody to answer.
 *
 * Stopping: the loop accepts no more, asks clients to close after each reply, and ends
 * when no connection has a request under way, or after drain_seconds.
 */
#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/conn.h"
#include "net/framing.h"
#include "net/http_err.h"
#include "net/request_id.h"

struct exchange {
    struct job job;
    struct loop *loop;
    struct evhttp_request *request; /* NULL once the client has left */
    struct conn *conn;
    struct evbuffer *body;
    char *query; /* a copy: the request may go while a worker reads it; NULL: none */
    char *content_type; /* likewise */
    struct api_call call;
    const char *method;
    size_t n_in;             /* bytes of the body */
    char id[REQUEST_ID_MAX]; /* the reply's X-Request-Id */
    char client[64];         /* "ADDRESS:PORT", for the log */
    bool closes;             /* nothing more is read from its connection */
    struct exchange *next;   /* in `done` */
};

struct loop {
    struct loop_options options;
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct evhttp_bound_socket *bound; /* holds the listener; NULL once stopped */
    struct conn_table *conns;
    struct event *on_done, *on_stop, *on_reload, *on_tick;
    int done_fd, stop_fd, reload_fd;
    bool stopping;
    uint64_t drain_deadline_ns;
    pthread_mutex_t done_lock; /* guards `done` */
    struct exchange *done;     /* finished by workers, latest first */
};

/* ---- Replies ------------------------------------------------------------------ */

static void exchange_free(struct exchange *x)
{
    if (x->body != NULL) {
        evbuffer_free(x->body);
    }
    alloc_free(x->query);
    alloc_free(x->content_type);
    api_call_release(&x->call);
    alloc_free(x);
}

static void free_bytes(const void *data, size_t n, void *bytes)
{
    (void)data;
    (void)n;
    alloc_free(bytes);
}

/* The file of the reply, which libevent maps, and closes. NULL: it could not. */
static struct evbuffer *make_file_body(struct api_call *call)
{
    struct evbuffer *body = evbuffer_new();
    struct evbuffer_file_segment *file = evbuffer_file_segment_new(
        call->file_fd, 0, (ev_off_t)call->file_bytes, EVBUF_FS_CLOSE_ON_FREE);
    if (file != NULL) {
        call->file_fd = -1;
    }
    if (body == NULL || file == NULL ||
        evbuffer_add_file_segment(body, file, 0, -1) != 0) {
        if (body != NULL) {
            evbuffer_free(body);
        }
        body = NULL;
    }
    if (file != NULL) {
        evbuffer_file_segment_free(file);
    }
    return body;
}

/* Hands the reply's bytes to libevent without copying them. */
static struct evbuffer *make_body(struct buf *text)
{
    struct evbuffer *body = evbuffer_new();
    size_t n = text->size;
    char *bytes = buf_take(text);
    if (body == NULL || bytes == NULL ||
        evbuffer_add_reference(body, bytes, n, free_bytes, bytes) != 0) {
        alloc_free(bytes);
        if (body != NULL) {
            evbuffer_free(body);
        }
        return NULL;
    }
    return body;
}

static void add_headers(struct exchange *x)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(x->request);
    const struct api_call *call = &x->call;
    evhttp_add_header(headers, "Content-Type", call->type);
    evhttp_add_header(headers, "Content-Security-Policy", call->csp);
    evhttp_add_header(headers, "Cache-Control", call->cache);
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "X-Request-Id", x->id);
    if (call->disposition != NULL) {
        evhttp_add_header(headers, "Content-Disposition", call->disposition);
    }
    if (call->status == 405) {
        evhttp_add_header(headers, "Allow", call->match.allow);
    }
    if (call->status == 401) {
        evhttp_add_header(headers, "WWW-Authenticate", "Bearer");
    }
    if (call->status == 503) {
        evhttp_add_header(headers, "Retry-After", "1");
    }
    if (x->loop->stopping || x->closes) {
        evhttp_add_header(headers, "Connection", "close");
    }
}

/* evhttp would send a body to HEAD, which the client takes for its next reply. */
static void send_reply(struct exchange *x)
{
    struct evbuffer *body = NULL;
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(x->request));
    int status = x->call.status;
    if (evhttp_request_get_command(x->request) == EVHTTP_REQ_HEAD) {
        char length[24];
        snprintf(length, sizeof length, "%llu",
                 x->call.file_fd >= 0 ? (unsigned long long)x->call.file_bytes
                                      : (unsigned long long)x->call.out.text.size);
        evhttp_add_header(evhttp_request_get_output_headers(x->request),
                          "Content-Length", length);
    } else {
        body = x->call.file_fd >= 0 ? make_file_body(&x->call)
                                    : make_body(&x->call.out.text);
        status = body != NULL ? status : 503;
    }
    evhttp_send_reply(x->request, status, http_reason(status), body);
    /* A client may have said its last word and still listen. evhttp would drop what is
     * not sent yet at the end of what it reads, so it reads again after the reply. */
    bufferevent_disable(bev, EV_READ);
    if (body != NULL) {
        evbuffer_free(body);
    }
}

static void on_sent(struct evhttp_request *request, void *conn)
{
    (void)request;
    conn_set_state(conn, CONN_IDLE);
}

static void count_request(const struct exchange *x)
{
    const struct api_call *call = &x->call;
    const struct route *route = call->match.route;
    double seconds = (double)(clock_monotonic_ns() - call->start_ns) / 1e9;
    size_t i = route != NULL ? (size_t)(route - api_routes) : api_n_routes;
    metrics_request(x->loop->options.api->metrics, i, call->status, seconds);
    logbook_request(x->loop->options.book,
                    &(struct logbook_request){
                        .id = x->id,
                        .client = x->client,
                        .method = x->method,
                        .route = route != NULL ? route->pattern : NULL,
                        .collection = api_call_collection(call),
                        .status = call->status,
                        .ms = seconds * 1e3,
                        .n_in = x->n_in,
                        .n_out = call->out.text.size,
                        .is_query = route != NULL && (route->flags & ROUTE_READS) != 0,
                        .asked = call->searched.asked,
                        .n_compared = call->searched.n_compared,
                        .n_filter = call->searched.n_filter,
                    });
}

/* Sends the reply that x->call holds, and frees the exchange. */
static void exchange_finish(struct exchange *x)
{
    count_request(x);
    if (x->request != NULL) {
        struct evhttp_connection *evcon = evhttp_request_get_connection(x->request);
        evhttp_connection_set_closecb(evcon, NULL, NULL);
        conn_set_state(x->conn, CONN_WRITING);
        conn_expect(x->conn, x->call.file_fd >= 0 ? x->call.file_bytes : 0);
        evhttp_request_set_on_complete_cb(x->request, on_sent, x->conn);
        add_headers(x);
        send_reply(x);
    }
    exchange_free(x);
}

static void exchange_refuse(struct exchange *x, int status, const char *sentence)
{
    api_call_fail(&x->call, status, sentence);
    exchange_finish(x);
}

/* ---- To the workers and back ---------------------------------------------------- */

static void wake(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one); /* fails only where it is awake already */
    (void)n;
}

/* On a worker. */
static void exchange_run(struct job *job)
{
    struct exchange *x = (struct exchange *)job; /* its first member */
    x->call.n_body = evbuffer_get_length(x->body);
    x->call.body = (const char *)evbuffer_pullup(x->body, -1);
    if (x->call.n_body > 0 && x->call.body == NULL) {
        api_call_fail(&x->call, 503, "out of memory");
    } else {
        api_call_run(&x->call);
    }
    struct loop *loop = x->loop;
    pthread_mutex_lock(&loop->done_lock);
    bool is_first = loop->done == NULL; /* else the loop has been woken already */
    x->next = loop->done;
    loop->done = x; /* from the unlock on it may be gone */
    pthread_mutex_unlock(&loop->done_lock);
    if (is_first) {
        wake(loop->done_fd);
    }
}

static struct exchange *take_done(struct loop *loop)
{
    pthread_mutex_lock(&loop->done_lock);
    struct exchange *x = loop->done;
    loop->done = NULL;
    pthread_mutex_unlock(&loop->done_lock);
    return x;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
    struct exchange *next;
    for (struct exchange *x = take_done(arg); x != NULL; x = next) {
        next = x->next;
        exchange_finish(x);
    }
}

/* ---- Requests -------------------------------------------------------------------- */

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_TRACE:
        return "TRACE";
    default:
        return "CONNECT";
    }
}

/* These return true, or false with the refusal sent. */

static bool check_framing(struct exchange *x)
{
    x->closes = !framing_is_sound(evhttp_request_get_input_headers(x->request));
    if (x->closes) {
        exchange_refuse(x, 400, "the headers leave in doubt where the request ends");
        return false;
    }
    return true;
}

/* Who may ask. */
static bool check_sender(struct exchange *x)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(x->request);
    const char *host = evhttp_find_header(headers, "Host");
    const char *origin = evhttp_find_header(headers, "Origin");
    if (x->loop->options.only_loopback_host &&
        (host == NULL || !guard_host_is_loopback(host))) {
        exchange_refuse(x, 403,
                        "the Host header names another machine; a server on a loopback "
                        "address without an API key answers to localhost only");
        return false;
    }
    bool is_read = strcmp(x->method, "GET") == 0 || strcmp(x->method, "HEAD") == 0;
    if (!is_read && origin != NULL &&
        (host == NULL || !guard_origin_is_host(origin, host))) {
        exchange_refuse(x, 403, "requests from pages of another origin are refused");
        return false;
    }
    return true;
}

static bool check_key(struct exchange *x)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(x->request);
    const struct route *route = x->call.match.route;
    enum guard_access access =
        guard_access(&x->loop->options.keys, evhttp_find_header(headers, "api-key"),
                     evhttp_find_header(headers, "Authorization"));
    if ((route->flags & ROUTE_OPEN) != 0 || access == GUARD_WRITE ||
        (access == GUARD_READ && route_reads(route))) {
        return true;
    }
    if (access == GUARD_READ) {
        exchange_refuse(x, 403, "this key may only read");
    } else {
        exchange_refuse(x, 401,
                        "this server asks for an API key: send it as the header "
                        "api-key, or as Authorization: Bearer");
    }
    return false;
}

static bool find_route(struct exchange *x, const char *path)
{
    switch (route_find(api_routes, api_n_routes, x->method, path, &x->call.match)) {
    case ROUTE_FOUND:
        return true;
    case ROUTE_WRONG_METHOD:
        exchange_refuse(x, 405, "this path does not take that method");
        return false;
    case ROUTE_BAD_PATH:
        exchange_refuse(x, 400,
                        "a name in the path is not UTF-8, or longer than 255 bytes");
        return false;
    default:
        exchange_refuse(x, 404, "there is no such path");
        return false;
    }
}

/* The path that was asked for. libevent reads "//a/b" as a host and a path; it is a path
 * that nobody has, as "" is. */
static const char *path_of(struct evhttp_request *request)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    if (strncmp(evhttp_request_get_uri(request), "//", 2) == 0) {
        return "";
    }
    return path != NULL && path[0] != '\0' ? path : "/";
}

static void dispatch(struct exchange *x)
{
    if (!check_framing(x) || !check_sender(x) || !find_route(x, path_of(x->request)) ||
        !check_key(x)) {
        return;
    }
    if ((x->call.match.route->flags & ROUTE_INLINE) != 0) {
        api_call_run(&x->call);
        exchange_finish(x);
        return;
    }
    if (job_queue_push(x->loop->options.jobs, &x->job) != ERR_OK) {
        exchange_refuse(x, 503, err_detail());
    }
}

/* evhttp closes the connection of a request that is being worked on. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    struct exchange *x = arg;
    x->request = NULL;
}

/* Takes what a worker will need out of the request: false if memory is short. */
static bool take_request(struct exchange *x)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->request);
    const char *query = evhttp_uri_get_query(uri);
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(x->request),
                                          "Content-Type");
    x->query = query != NULL ? alloc_dup(query) : NULL;
    x->content_type = type != NULL ? alloc_dup(type) : NULL;
    x->call.query = x->query;
    x->call.content_type = x->content_type;
    x->body = evbuffer_new();
    x->n_in = evbuffer_get_length(evhttp_request_get_input_buffer(x->request));
    return (query == NULL || x->query != NULL) &&
           (type == NULL || x->content_type != NULL) && x->body != NULL &&
           evbuffer_add_buffer(x->body, evhttp_request_get_input_buffer(x->request)) ==
               0;
}

/* What the log will tell of the request. */
static void name_request(struct exchange *x)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(x->request);
    char *address = NULL;
    ev_uint16_t port = 0;
    x->method = method_name(evhttp_request_get_command(x->request));
    request_id_choose(evhttp_find_header(headers, "X-Request-Id"), x->id);
    if (x->loop->options.book != NULL) {
        evhttp_connection_get_peer(evhttp_request_get_connection(x->request), &address,
                                   &port);
        snprintf(x->client, sizeof x->client, "%s:%u", address != NULL ? address : "",
                 port);
    }
}

/* NULL if memory is short. */
static struct exchange *exchange_new(struct loop *loop, struct evhttp_request *request)
{
    struct exchange *x = alloc_zero(1, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    x->job.run = exchange_run;
    x->loop = loop;
    x->request = request;
    api_call_init(&x->call, loop->options.api);
    name_request(x);
    if (!take_request(x)) {
        exchange_free(x);
        return NULL;
    }
    return x;
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct loop *loop = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
    /* Without memory for TLS, evhttp makes a plain connection of its own. */
    bool is_fit = loop->options.tls == NULL || tls_is_used(bev);
    struct exchange *x = is_fit ? exchange_new(loop, request) : NULL;
    if (x == NULL) {
        evhttp_send_error(request, 503, http_reason(503));
        return;
    }
    x->conn = conn_find(loop->conns, bev);
    conn_set_state(x->conn, CONN_WORKING);
    evhttp_connection_set_closecb(evcon, on_close, x);
    dispatch(x);
}

/* ---- Life ------------------------------------------------------------------------ */

static void on_full(void *arg, bool is_full)
{
    struct loop *loop = arg;
    if (loop->bound != NULL && is_full) {
        evconnlistener_disable(loop->listener);
        log_warn("%zu connections: no more until one closes",
                 conn_table_count(loop->conns));
    } else if (loop->bound != NULL) {
        evconnlistener_enable(loop->listener);
    }
}

static void on_settled(void *arg)
{
    struct loop *loop = arg;
    if (loop->stopping) {
        event_base_loopbreak(loop->base);
    }
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop *loop = arg;
    if (loop->stopping) {
        return;
    }
    loop->stopping = true;
    loop->drain_deadline_ns =
        clock_monotonic_ns() + loop->options.drain_seconds * UINT64_C(1000000000);
    evhttp_del_accept_socket(loop->http, loop->bound);
    loop->bound = NULL;
    shutdown(loop->options.listen_fd, SHUT_RDWR); /* newcomers are refused, not kept */
    if (conn_table_busy(loop->conns) == 0) {
        event_base_loopbreak(loop->base);
    }
}

static void on_reload(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct loop *loop = arg;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
    loop->options.reload(loop->options.reload_arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct loop *loop = arg;
    conn_table_tick(loop->conns);
    metrics_set_gauges(loop->options.api->metrics,
                       &(struct metrics_gauges){
                           .n_connections = conn_table_count(loop->conns),
                           .n_waiting = job_queue_length(loop->options.jobs),
                       });
    if (loop->stopping && clock_monotonic_ns() > loop->drain_deadline_ns) {
        log_warn("requests still under way are given up");
        event_base_loopbreak(loop->base);
    }
}

static enum err add_event(struct loop *loop, struct event **out, int fd,
                          event_callback_fn callback)
{
    static const struct timeval tick = {.tv_sec = 1};
    *out =
        event_new(loop->base, fd, (short)(fd >= 0 ? EV_READ | EV_PERSIST : EV_PERSIST),
                  callback, loop);
    FAIL_IF(*out == NULL || event_add(*out, fd >= 0 ? NULL : &tick) != 0, ERR_NOMEM,
            "out of memory");
    return ERR_OK;
}

/* What is switched on and off again between two waits never reaches the kernel; evhttp
 * does that several times a request. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static enum err open_events(struct loop *loop)
{
    loop->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->reload_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->done_fd < 0 || loop->stop_fd < 0 || loop->reload_fd < 0) {
        return err_errno(errno, "making an eventfd");
    }
    loop->base = make_base();
    FAIL_IF(loop->base == NULL, ERR_NOMEM, "libevent can't make an event loop");
    TRY(add_event(loop, &loop->on_done, loop->done_fd, on_done));
    TRY(add_event(loop, &loop->on_stop, loop->stop_fd, on_stop));
    TRY(add_event(loop, &loop->on_reload, loop->reload_fd, on_reload));
    return add_event(loop, &loop->on_tick, -1, on_tick);
}

static enum err open_http(struct loop *loop)
{
    loop->http = evhttp_new(loop->base);
    FAIL_IF(loop->http == NULL, ERR_NOMEM, "out of memory");
    evhttp_set_gencb(loop->http, on_request, loop);
    evhttp_set_bevcb(loop->http, conn_new, loop->conns);
    evhttp_set_timeout(loop->http, LIMIT_IDLE_SECONDS);
    evhttp_set_max_headers_size(loop->http, LIMIT_HEADER_BYTES);
    evhttp_set_max_body_size(loop->http, (ev_ssize_t)loop->options.max_body);
    /* All that it knows, so that a wrong one gets our envelope and not its page. */
    evhttp_set_allowed_methods(loop->http, 0xffff);
    loop->listener = evconnlistener_new(loop->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC,
                                        0, loop->options.listen_fd);
    FAIL_IF(loop->listener == NULL, ERR_IO, "libevent can't listen on the socket");
    loop->bound = evhttp_bind_listener(loop->http, loop->listener);
    if (loop->bound == NULL) {
        evconnlistener_free(loop->listener);
        return err_set(ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

enum err loop_open(struct loop **out, const struct loop_options *options)
{
    *out = NULL;
    struct loop *loop = alloc_zero(1, sizeof *loop);
    FAIL_IF(loop == NULL, ERR_NOMEM, "out of memory");
    loop->options = *options;
    loop->done_fd = loop->stop_fd = loop->reload_fd = -1;
    pthread_mutex_init(&loop->done_lock, NULL);
    const struct conn_options conn_options = {
        .tls = options->tls,
        .max_connections = options->max_connections,
        .max_bytes = LIMIT_INFLIGHT_BYTES,
        .request_seconds = options->request_seconds,
        .full = on_full,
        .settled = on_settled,
        .arg = loop,
    };
    enum err result;
    TRY_OUT(open_events(loop));
    TRY_OUT(conn_table_open(&loop->conns, &conn_options));
    TRY_OUT(open_http(loop));
    *out = loop;
    return ERR_OK;
out:
    loop_close(loop);
    return result;
}

enum err loop_run(struct loop *loop)
{
    FAIL_IF(event_base_dispatch(loop->base) < 0, ERR_INTERNAL,
            "libevent's loop ended with an error");
    return ERR_OK;
}

void loop_stop(struct loop *loop)
{
    wake(loop->stop_fd);
}

void loop_reload(struct loop *loop)
{
    wake(loop->reload_fd);
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (loop->http != NULL) {
        evhttp_free(loop->http); /* calls on_close for what was given up */
    }
    struct exchange *next;
    for (struct exchange *x = take_done(loop); x != NULL; x = next) {
        next = x->next;
        exchange_free(x);
    }
    conn_table_close(loop->conns);
    free_event(loop->on_done);
    free_event(loop->on_stop);
    free_event(loop->on_reload);
    free_event(loop->on_tick);
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    close_fd(loop->done_fd);
    close_fd(loop->stop_fd);
    close_fd(loop->reload_fd);
    pthread_mutex_destroy(&loop->done_lock);
    alloc_free(loop);
}
