/*
 * hub_reply.c - see hub_reply.h.
 */
#include "db/hub_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void hub_reply_init(struct hub_reply *reply)
{
    *reply = (struct hub_reply){.range_first = UINT64_MAX,
                                .range_total = UINT64_MAX,
                                .linked_size = UINT64_MAX};
}

/* The value of the header `name` in line[n] without the space around it, or NULL. */
static const char *value_of(const char *name, const char *line, size_t *n)
{
    size_t n_name = strlen(name);
    if (*n <= n_name || line[n_name] != ':' || strncasecmp(line, name, n_name) != 0) {
        return NULL;
    }
    const char *begin = line + n_name + 1, *end = line + *n;
    while (begin < end && (*begin == ' ' || *begin == '\t')) {
        begin++;
    }
    while (end > begin && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    *n = (size_t)(end - begin);
    return begin;
}

/* Copies a header of printable characters that fits, once: the first one stays. */
static void take_text(char *dst, size_t size, const char *name, const char *line,
                      size_t n)
{
    const char *value = value_of(name, line, &n);
    if (value == NULL || dst[0] != '\0' || n >= size) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return;
        }
    }
    memcpy(dst, value, n);
    dst[n] = '\0';
}

/* Digits at *text, at most 18 of them, which are stepped over. */
static bool take_number(uint64_t *out, const char **text, const char *end)
{
    const char *begin = *text;
    uint64_t value = 0;
    while (*text < end && **text >= '0' && **text <= '9' && *text - begin < 18) {
        value = value * 10 + (uint64_t)(**text - '0');
        ++*text;
    }
    if (*text == begin) {
        return false;
    }
    *out = value;
    return true;
}

/* "bytes 100-199/200", or of a 416 "bytes * / 200" without the spaces. */
static void take_range(struct hub_reply *reply, const char *line, size_t n)
{
    uint64_t first, last;
    const char *text = value_of("content-range", line, &n);
    if (text == NULL || n < 6 || strncasecmp(text, "bytes ", 6) != 0) {
        return;
    }
    const char *end = text + n;
    text += 6;
    if (!take_number(&first, &text, end) || text == end || *text++ != '-' ||
        !take_number(&last, &text, end) || text == end || *text++ != '/') {
        return;
    }
    reply->range_first = first;
    (void)take_number(&reply->range_total, &text, end);
}

/* Entity tags compare by their opaque part; W/ marks one that does not promise the same
 * bytes. */
static void take_tags(struct hub_reply *reply, const char *line, size_t n)
{
    char linked[sizeof reply->linked_etag] = "";
    take_text(reply->etag, sizeof reply->etag, "etag", line, n);
    if (strncmp(reply->etag, "W/", 2) == 0) {
        reply->etag[0] = '\0';
    }
    take_text(linked, sizeof linked, "x-linked-etag", line, n);
    const char *opaque = strncmp(linked, "W/", 2) == 0 ? linked + 2 : linked;
    size_t length = strlen(opaque);
    if (length > 2 && opaque[0] == '"' && opaque[length - 1] == '"' &&
        reply->linked_etag[0] == '\0') {
        memcpy(reply->linked_etag, opaque + 1, length - 2);
        reply->linked_etag[length - 2] = '\0';
    }
}

/* "HTTP/1.1 206 Partial Content". */
static bool take_status(struct hub_reply *reply, const char *line, size_t n)
{
    uint64_t status;
    if (n < 5 || strncmp(line, "HTTP/", 5) != 0) {
        return false;
    }
    const char *end = line + n;
    const char *text = memchr(line, ' ', n);
    if (text == NULL || (++text, !take_number(&status, &text, end)) || status > 999) {
        status = 0;
    }
    reply->status = (int)status;
    reply->etag[0] = reply->error[0] = '\0';
    reply->range_first = reply->range_total = UINT64_MAX;
    reply->retry_after_seconds = 0;
    return true;
}

void hub_reply_read(struct hub_reply *reply, const char *line, size_t n)
{
    uint64_t number;
    size_t length = n;
    if (take_status(reply, line, n)) {
        return;
    }
    take_tags(reply, line, n);
    take_range(reply, line, n);
    take_text(reply->error, sizeof reply->error, "x-error-code", line, n);
    take_text(reply->commit, sizeof reply->commit, "x-repo-commit", line, n);
    const char *text = value_of("x-linked-size", line, &length);
    if (text != NULL && reply->linked_size == UINT64_MAX &&
        take_number(&number, &text, text + length)) {
        reply->linked_size = number;
    }
    length = n;
    text = value_of("retry-after", line, &length);
    if (text != NULL && take_number(&number, &text, text + length)) {
        reply->retry_after_seconds = number < 3600 ? (unsigned)number : 3600;
    }
}

bool hub_reply_may_pass(const struct hub_reply *reply)
{
    return reply->status == 408 || reply->status == 429 ||
           (reply->status >= 500 && reply->status != 501);
}

static enum err unauthorized(const char *what, const char *base, bool with_token)
{
    FAIL_IF(
        with_token, ERR_INVALID,
        "%s: the hub does not take the token (HF_TOKEN or DUET_HUB_TOKEN), or there "
        "is no such model at %s (HTTP 401)",
        what, base);
    return err_set(ERR_NOT_FOUND,
                   "%s: there is no such model at %s, or it is private: then set "
                   "HF_TOKEN to a token that may read it (HTTP 401)",
                   what, base);
}

static enum err gated(int status, const char *what, const char *base, bool with_token)
{
    return err_set(
        ERR_INVALID,
        "%s is gated: accept its terms on %s/%s, then set HF_TOKEN to a token "
        "of that account%s (HTTP %d)",
        what, base, what,
        with_token ? " (the present one's has not accepted them)" : "", status);
}

enum err hub_reply_error(const struct hub_reply *reply, const char *what,
                         const char *base, bool with_token)
{
    int status = reply->status;
    if (strcmp(reply->error, "GatedRepo") == 0) {
        return gated(status, what, base, with_token);
    }
    if (status == 401) {
        return unauthorized(what, base, with_token);
    }
    FAIL_IF(status == 403, ERR_INVALID,
            "%s: the hub does not let you read it: if it is gated, accept its terms on "
            "%s/%s, and set HF_TOKEN to a token of that account (HTTP 403)",
            what, base, what);
    FAIL_IF(status == 404 && strcmp(reply->error, "RevisionNotFound") == 0,
            ERR_NOT_FOUND, "%s: there is no such revision of it at %s (HTTP 404)", what,
            base);
    FAIL_IF(status == 404 || status == 410, ERR_NOT_FOUND,
            "%s: there is no such model or revision at %s, or it is private: then set "
            "HF_TOKEN to a token that may read it (HTTP %d)",
            what, base, status);
    FAIL_IF(status == 429, ERR_TIMEOUT,
            "%s: the hub has had enough of our requests for now; try later (HTTP 429)",
            base);
    FAIL_IF(status >= 500, ERR_TIMEOUT, "%s: the hub is not well (HTTP %d)", base,
            status);
    return err_set(ERR_CORRUPT, "%s: an answer that is not understood (HTTP %d)", base,
                   status);
}
