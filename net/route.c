/*
 * route.c - see route.h. Some twenty patterns are tried one after the other, which
 * costs less than a microsecond.
 */
#include "net/route.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* The end of the segment that begins at `p`. */
static const char *segment_end(const char *p)
{
    return p + strcspn(p, "/");
}

static bool is_param(const char *segment)
{
    return segment[0] == '{';
}

/* Whether the whole of `path` fits `pattern`; param[i] is where the i-th one begins. */
static bool matches(const char *pattern, const char *path,
                    const char *param[ROUTE_PARAMS_MAX], size_t *n_params)
{
    *n_params = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        const char *pattern_end = segment_end(pattern);
        const char *path_end = segment_end(path);
        if (is_param(pattern)) {
            if (path_end == path) {
                return false;
            }
            param[(*n_params)++] = path;
        } else if (pattern_end - pattern != path_end - path ||
                   strncmp(pattern, path, (size_t)(path_end - path)) != 0) {
            return false;
        }
        pattern = pattern_end;
        path = path_end;
    }
    bool has_slash_behind = path[0] == '/' && path[1] == '\0';
    return *pattern == '\0' && (*path == '\0' || has_slash_behind);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one segment into room[LIMIT_NAME_BYTES + 1]. */
static bool decode_segment(const char *segment, char *room)
{
    size_t n = 0;
    const char *end = segment_end(segment);
    for (const char *p = segment; p < end; p++) {
        int c = (unsigned char)*p;
        if (c == '%') {
            int high = hex_digit(p[1]);
            int low = high < 0 ? -1 : hex_digit(p[2]);
            if (low < 0) {
                return false;
            }
            c = high * 16 + low;
            p += 2;
        }
        if (c == '\0' || n == LIMIT_NAME_BYTES) {
            return false;
        }
        room[n++] = (char)c;
    }
    room[n] = '\0';
    return utf8_valid(room, n);
}

static void add_allowed(struct route_match *match, const char *method)
{
    size_t n = strlen(match->allow);
    snprintf(match->allow + n, sizeof match->allow - n, "%s%s", n > 0 ? ", " : "",
             method);
}

enum route_result route_find(const struct route *routes, size_t n, const char *method,
                             const char *path, struct route_match *match)
{
    memset(match, 0, sizeof *match);
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < n; i++) {
        const char *param[ROUTE_PARAMS_MAX];
        size_t n_params;
        if (!matches(routes[i].pattern, path, param, &n_params)) {
            continue;
        }
        if (strcmp(routes[i].method, wanted) != 0) {
            add_allowed(match, routes[i].method);
            continue;
        }
        match->route = &routes[i];
        for (size_t p = 0; p < n_params; p++) {
            if (!decode_segment(param[p], match->params[p])) {
                return ROUTE_BAD_PATH;
            }
        }
        return ROUTE_FOUND;
    }
    return match->allow[0] != '\0' ? ROUTE_WRONG_METHOD : ROUTE_NO_PATH;
}

bool route_reads(const struct route *route)
{
    return (route->flags & ROUTE_READS) != 0 || strcmp(route->method, "GET") == 0;
}
