/*
 * logbook.h - the server's log: one line an event, as JSON or as text, into a file that
 * may be moved away and begun anew, or to stderr.
 *
 *     struct logbook *book;
 *     TRY(logbook_open(&book, &(struct logbook_options){.path = "duet.log"}));
 *     log_set_taker(logbook_take, book);       // what log_warn() and others say
 *     logbook_request(book, &request);
 *     ...
 *     log_set_taker(NULL, NULL);
 *     logbook_close(book);
 *
 * Each line has a time (UTC), a level and a message; that of a request has its id, what
 * was asked of which route, and how it ended. What a request carried (texts, payloads,
 * vectors, filters, keys) is never written, only how much it was. Any thread.
 */
#ifndef NET_LOGBOOK_H
#define NET_LOGBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"

struct logbook;

struct logbook_options {
    const char *path; /* appended to, made if it is not there; NULL: stderr */
    bool json;        /* one JSON object a line; else text */
    bool requests;    /* a line for each request */
    size_t slow_ms;   /* and one for each query that took so long; 0: none */
};

/* Strings are copied. ERR_IO, ERR_NOT_FOUND: the file can't be opened. */
enum err logbook_open(struct logbook **out, const struct logbook_options *options)
    ERR_CHECK;

/* Accepts NULL. */
void logbook_close(struct logbook *book);

/* Opens the file anew, by its name. On failure the old one stays. */
enum err logbook_reopen(struct logbook *book) ERR_CHECK;

/* One line; for log_set_taker. */
void logbook_take(void *book, enum log_level level, const char *text);

/* A request that has been answered. */
struct logbook_request {
    const char *id, *client, *method;
    const char *route;      /* its pattern; NULL: none was found */
    const char *collection; /* NULL: the route has none */
    int status;
    double ms;
    size_t n_in, n_out; /* bytes of the two bodies */
    bool is_query;      /* it may be slow; what follows is of queries alone */
    const char *asked;  /* "text", "vector", …; NULL: not told */
    size_t n_compared;  /* vectors */
    size_t n_filter;    /* bytes */
};

/* Writes the lines that the options ask for. `book` may be NULL. */
void logbook_request(struct logbook *book, const struct logbook_request *request);

#endif
