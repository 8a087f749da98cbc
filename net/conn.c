/*
 * conn.c - see conn.h.
 *
 * evhttp tells nobody when it closes a connection that never made a request. But it
 * clears the callbacks of a bufferevent when it frees it, and we hold a reference of
 * our own: so a bufferevent without callbacks is one that evhttp has done with, and
 * conn_table_sweep drops the reference, which closes the socket (BEV_OPT_CLOSE_ON_FREE:
 * evhttp has shut it down by then, and its number can't be used anew before we are
 * through with it).
 *
 * To cut a connection, its socket is shut down; evhttp then reads an end of file and
 * cleans up in its own way.
 */
#include "net/conn.h"

#include <stdint.h>
#include <sys/socket.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"

struct conn {
    struct conn_table *table;
    struct bufferevent *bev; /* a reference of ours */
    struct conn *next, *prev;
    enum conn_state state;
    uint64_t deadline_ns; /* while GREETING, READING or WRITING */
    size_t n_bytes;       /* of the present request */
};

struct conn_table {
    struct conn_options options;
    struct conn *first; /* the one whose bytes came last is in front */
    size_t count, n_busy, n_bytes;
    bool is_full;
};

enum err conn_table_open(struct conn_table **out, const struct conn_options *options)
{
    *out = alloc_zero(1, sizeof **out);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    (*out)->options = *options;
    return ERR_OK;
}

static void unlink_conn(struct conn *conn)
{
    struct conn_table *table = conn->table;
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        table->first = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
}

static void push_front(struct conn *conn)
{
    struct conn_table *table = conn->table;
    conn->prev = NULL;
    conn->next = table->first;
    if (table->first != NULL) {
        table->first->prev = conn;
    }
    table->first = conn;
}

static void start_clock(struct conn *conn)
{
    conn->deadline_ns = clock_monotonic_ns() +
                        conn->table->options.request_seconds * UINT64_C(1000000000);
}

static void cut(struct conn *conn)
{
    shutdown(bufferevent_getfd(conn->bev), SHUT_RDWR);
}

static bool is_busy(const struct conn *conn)
{
    return conn->state != CONN_IDLE && conn->state != CONN_GREETING;
}

void conn_set_state(struct conn *conn, enum conn_state state)
{
    if (conn == NULL || conn->state == state) {
        return;
    }
    struct conn_table *table = conn->table;
    bool was_busy = is_busy(conn);
    conn->state = state;
    if (state == CONN_READING || state == CONN_WRITING) {
        start_clock(conn);
    }
    if (!was_busy && is_busy(conn)) {
        table->n_busy++;
    } else if (was_busy && !is_busy(conn)) {
        table->n_bytes -= conn->n_bytes;
        conn->n_bytes = 0;
        table->n_busy--;
        if (table->n_busy == 0) {
            table->options.settled(table->options.arg);
        }
    }
}

void conn_expect(struct conn *conn, uint64_t n_bytes)
{
    if (conn != NULL) {
        conn->deadline_ns += n_bytes / LIMIT_SLOW_BYTES * UINT64_C(1000000000);
    }
}

/* Called by libevent whenever bytes arrive for a connection, or evhttp takes them. */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info,
                     void *arg)
{
    (void)buffer;
    struct conn *conn = arg;
    if (info->n_added == 0) {
        return;
    }
    unlink_conn(conn);
    push_front(conn);
    conn->n_bytes += info->n_added;
    conn->table->n_bytes += info->n_added;
    if (!is_busy(conn)) {
        conn_set_state(conn, CONN_READING);
    }
    if (conn->table->n_bytes > conn->table->options.max_bytes) {
        cut(conn);
    }
}

static void conn_forget(struct conn *conn)
{
    struct conn_table *table = conn->table;
    conn_set_state(conn, CONN_IDLE);
    unlink_conn(conn);
    table->count--;
    evbuffer_remove_cb(bufferevent_get_input(conn->bev), on_input, conn);
    bufferevent_decref(conn->bev);
    alloc_free(conn);
}

static bool is_freed_by_evhttp(const struct conn *conn)
{
    void *arg;
    bufferevent_getcb(conn->bev, NULL, NULL, NULL, &arg);
    return arg == NULL;
}

static void set_full(struct conn_table *table, bool is_full)
{
    if (table->is_full != is_full) {
        table->is_full = is_full;
        table->options.full(table->options.arg, is_full);
    }
}

static void conn_table_sweep(struct conn_table *table)
{
    struct conn *next;
    for (struct conn *conn = table->first; conn != NULL; conn = next) {
        next = conn->next;
        if (is_freed_by_evhttp(conn)) {
            conn_forget(conn);
        }
    }
    set_full(table, table->count >= table->options.max_connections);
}

void conn_table_tick(struct conn_table *table)
{
    conn_table_sweep(table);
    uint64_t now = clock_monotonic_ns();
    for (struct conn *conn = table->first; conn != NULL; conn = conn->next) {
        bool is_timed = conn->state != CONN_IDLE && conn->state != CONN_WORKING;
        if (is_timed && now > conn->deadline_ns) {
            cut(conn);
        }
    }
}

static struct bufferevent *make_bufferevent(struct conn_table *table,
                                            struct event_base *base)
{
    struct tls *tls = table->options.tls;
    return tls != NULL ? tls_bufferevent(tls, base)
                       : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

/* A bufferevent that is not counted is better than none: evhttp would make its own,
 * which knows nothing of TLS. */
struct bufferevent *conn_new(struct event_base *base, void *arg)
{
    struct conn_table *table = arg;
    if (table->count + 1 >= table->options.max_connections) {
        conn_table_sweep(table); /* before the new one, which has no callbacks yet */
    }
    struct conn *conn = alloc_zero(1, sizeof *conn);
    struct bufferevent *bev = make_bufferevent(table, base);
    if (conn == NULL || bev == NULL ||
        evbuffer_add_cb(bufferevent_get_input(bev), on_input, conn) == NULL) {
        alloc_free(conn);
        return bev;
    }
    conn->table = table;
    conn->bev = bev;
    conn->state = CONN_IDLE;
    if (table->options.tls != NULL) {
        conn->state = CONN_GREETING;
        start_clock(conn);
    }
    bufferevent_incref(bev);
    push_front(conn);
    table->count++;
    set_full(table, table->count >= table->options.max_connections);
    return bev;
}

struct conn *conn_find(struct conn_table *table, const struct bufferevent *bev)
{
    struct conn *conn = table->first;
    while (conn != NULL && conn->bev != bev) {
        conn = conn->next;
    }
    return conn;
}

size_t conn_table_count(const struct conn_table *table)
{
    return table->count;
}

size_t conn_table_busy(const struct conn_table *table)
{
    return table->n_busy;
}

void conn_table_close(struct conn_table *table)
{
    if (table == NULL) {
        return;
    }
    while (table->first != NULL) {
        conn_forget(table->first);
    }
    alloc_free(table);
}
