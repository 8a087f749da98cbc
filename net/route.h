/*
 * route.h - from a method and a path to the entry of a table.
 *
 *     static const struct route routes[] = {
 *         {"GET", "/collections/{c}/points/{id}", api_point_get, 0},
 *         ...
 *     };
 *     struct route_match match;
 *     switch (route_find(routes, n, "GET", path, &match)) { ... }
 *
 * A pattern is plain text but for whole segments in braces, at most ROUTE_PARAMS_MAX
 * of them, which match any one segment that is not empty. A path is split before it is
 * decoded, so that %2F never ends a segment. Any thread.
 */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"

enum { ROUTE_PARAMS_MAX = 3 };

struct api_call;

enum route_flags {
    ROUTE_OPEN = 1, /* needs no key */
    ROUTE_INLINE =
        2,           /* so cheap that it runs on the loop's thread, queue or no queue */
    ROUTE_RAW = 4,   /* the handler writes the whole body, not a dialect "result" */
    ROUTE_READS = 8, /* changes nothing, though it is no GET: a read-only key may */
    ROUTE_OPENAI =
        16 /* errors come in the envelope of OpenAI's API, not the dialect's */
};

struct route {
    const char *method;
    const char *pattern;
    enum err (*run)(struct api_call *call);
    unsigned flags; /* of enum route_flags */
};

struct route_match {
    const struct route *route;
    char params[ROUTE_PARAMS_MAX][LIMIT_NAME_BYTES + 1]; /* decoded, in order */
    char allow[64]; /* with ROUTE_WRONG_METHOD: "GET, PUT" */
};

enum route_result {
    ROUTE_FOUND,
    ROUTE_WRONG_METHOD, /* the path is there, for the methods in `allow` */
    ROUTE_NO_PATH,
    ROUTE_BAD_PATH /* a segment too long, not UTF-8 or with a NUL */
};

/* Whether the route changes nothing: a GET, or ROUTE_READS. A new route that says
 * nothing is a write, and closed to read-only keys. */
bool route_reads(const struct route *route);

/* HEAD finds what GET would. One slash at the end of `path` is ignored. */
enum route_result route_find(const struct route *routes, size_t n, const char *method,
                             const char *path, struct route_match *match);

#endif
