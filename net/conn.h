/*
 * conn.h - what evhttp does not do for its connections: a cap on their number, a limit
 * on the whole time of a request, a budget of bytes held for all of them.
 *
 *     TRY(conn_table_open(&table, &options));
 *     evhttp_set_bevcb(http, conn_new, table);   // evhttp gets its bufferevents here
 *     ... in a request's callback:
 *     struct conn *conn = conn_find(table, evhttp_connection_get_bufferevent(evcon));
 *     conn_set_state(conn, CONN_WORKING);
 *     ... and conn_table_tick(table) once a second.
 *
 * evhttp's own timeout starts anew with each byte, so that one byte now and then keeps
 * a connection for ever; here the clock starts with the first byte of a request and
 * runs until it is complete, and again while its reply is being taken. With TLS it also
 * runs from the beginning, until the first byte of a request: a handshake may be slow on
 * purpose as well.
 *
 * One thread: the event loop's.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/bufferevent.h>

#include "base/error.h"
#include "net/tls.h"

enum conn_state {
    CONN_GREETING, /* TLS: has not said anything yet; under the clock */
    CONN_IDLE,     /* between requests */
    CONN_READING,  /* a request has begun; under the clock */
    CONN_WORKING,  /* it is complete, its reply is being made */
    CONN_WRITING   /* the reply is on its way; under the clock */
};

struct conn;
struct conn_table;

struct conn_options {
    struct tls *tls; /* NULL: plain HTTP */
    size_t max_connections;
    size_t max_bytes;         /* of all requests held at once */
    unsigned request_seconds; /* for a request to arrive, and for its reply to leave */
    /* Called with true when the cap is reached (stop accepting), with false when there
     * is room again; and `settled` whenever the last connection became idle. */
    void (*full)(void *arg, bool is_full);
    void (*settled)(void *arg);
    void *arg;
};

enum err conn_table_open(struct conn_table **out, const struct conn_options *options)
    ERR_CHECK;

/* After evhttp_free. Accepts NULL. */
void conn_table_close(struct conn_table *table);

/* The callback for evhttp_set_bevcb; `table` is a struct conn_table. */
struct bufferevent *conn_new(struct event_base *base, void *table);

/* The connection of a bufferevent; NULL if it is none of ours. */
struct conn *conn_find(struct conn_table *table, const struct bufferevent *bev);

/* Accepts NULL for `conn`. CONN_IDLE also gives back the bytes of the request. */
void conn_set_state(struct conn *conn, enum conn_state state);

/* Gives a reply that large the time to be taken at LIMIT_SLOW_BYTES a second. Accepts
 * NULL. */
void conn_expect(struct conn *conn, uint64_t n_bytes);

/* Forgets the connections that evhttp has closed and cuts those past their time. */
void conn_table_tick(struct conn_table *table);

/* How many connections there are, and how many of them have a request under way. */
size_t conn_table_count(const struct conn_table *table);
size_t conn_table_busy(const struct conn_table *table);

#endif
