/*
 * logbook.c - see logbook.h. A line is put together first and written by one write() to
 * a file opened for appending, so that neither threads nor processes mix theirs.
 */
#include "net/logbook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/json_out.h"

enum {
    LINE_BYTES_MAX = 16 << 10, /* a message of 2 KiB, escaped, fits */
    TIME_MAX = 32
};

struct logbook {
    struct logbook_options options;
    char *path;           /* owned; NULL: stderr */
    pthread_mutex_t lock; /* guards `fd` */
    int fd;
};

static enum err open_file(const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *fd < 0 ? err_errno(errno, "%s", path) : ERR_OK;
}

enum err logbook_open(struct logbook **out, const struct logbook_options *options)
{
    *out = NULL;
    int fd = STDERR_FILENO;
    if (options->path != NULL) {
        TRY(open_file(options->path, &fd));
    }
    struct logbook *book = alloc_zero(1, sizeof *book);
    char *path = options->path != NULL ? alloc_dup(options->path) : NULL;
    if (book == NULL || (path == NULL) != (options->path == NULL)) {
        if (options->path != NULL) {
            close(fd);
        }
        alloc_free(book);
        alloc_free(path);
        return err_set(ERR_NOMEM, "out of memory");
    }
    book->options = *options;
    book->path = path;
    book->fd = fd;
    pthread_mutex_init(&book->lock, NULL);
    *out = book;
    return ERR_OK;
}

void logbook_close(struct logbook *book)
{
    if (book == NULL) {
        return;
    }
    if (book->path != NULL) {
        close(book->fd);
    }
    pthread_mutex_destroy(&book->lock);
    alloc_free(book->path);
    alloc_free(book);
}

enum err logbook_reopen(struct logbook *book)
{
    int fd;
    if (book->path == NULL) {
        return ERR_OK;
    }
    TRY(open_file(book->path, &fd));
    pthread_mutex_lock(&book->lock);
    int old = book->fd;
    book->fd = fd;
    pthread_mutex_unlock(&book->lock);
    close(old);
    return ERR_OK;
}

/* ---- Lines ---------------------------------------------------------------------- */

/* "2026-03-01T12:00:00.123Z" into room[TIME_MAX]. */
static void format_time(char *room)
{
    int64_t now_ms = clock_wall_ms();
    time_t now = (time_t)(now_ms / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    size_t n = strftime(room, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(room + n, TIME_MAX - n, ".%03dZ", (int)(now_ms % 1000));
}

/* A line under way, in either form: fields are said once, here. */
struct line {
    bool json;
    struct json_out out;
};

static void put_text(struct line *l, const char *text)
{
    if (l->out.failed == ERR_OK) {
        l->out.failed = buf_append(&l->out.text, text, strlen(text));
    }
}

/* In the text form a value with blanks or quotes is quoted as in JSON. */
static void put_key(struct line *l, const char *key)
{
    if (l->json) {
        out_key(&l->out, key);
        return;
    }
    put_text(l, " ");
    put_text(l, key);
    put_text(l, "=");
    l->out.needs_comma = false;
}

static bool is_plain(const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\' || *c == '=') {
            return false;
        }
    }
    return value[0] != '\0';
}

static void put_string(struct line *l, const char *key, const char *value)
{
    if (value == NULL) {
        return;
    }
    put_key(l, key);
    if (!l->json && is_plain(value)) {
        put_text(l, value);
    } else {
        out_string(&l->out, value);
    }
}

static void put_number(struct line *l, const char *key, size_t value)
{
    put_key(l, key);
    out_size(&l->out, value);
}

static void put_ms(struct line *l, const char *key, double ms)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%.3f", ms);
    put_key(l, key);
    out_json(&l->out, text, (size_t)n);
}

static void begin_line(struct line *l, const struct logbook *book, enum log_level level,
                       const char *message)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    char now[TIME_MAX];
    format_time(now);
    l->json = book->options.json;
    out_init(&l->out, LINE_BYTES_MAX);
    if (l->json) {
        out_begin(&l->out, '{');
        put_string(l, "ts", now);
        put_string(l, "level", words[level]);
    } else {
        put_text(l, now);
        put_text(l, " ");
        put_text(l, words[level]);
    }
    put_string(l, "msg", message);
}

static void end_line(struct line *l, struct logbook *book)
{
    if (l->json) {
        out_end(&l->out, '}');
    }
    put_text(l, "\n");
    if (l->out.failed == ERR_OK) {
        pthread_mutex_lock(&book->lock);
        ssize_t n = write(book->fd, l->out.text.data, l->out.text.size);
        pthread_mutex_unlock(&book->lock);
        (void)n; /* a full disk: the server goes on without its log */
    }
    out_release(&l->out);
}

void logbook_take(void *book, enum log_level level, const char *text)
{
    struct line line;
    begin_line(&line, book, level, text);
    end_line(&line, book);
}

static void write_request(struct logbook *book, const struct logbook_request *r,
                          bool slow)
{
    struct line line;
    begin_line(&line, book, slow ? LOG_WARN : LOG_INFO,
               slow ? "slow query" : "request");
    put_string(&line, "id", r->id);
    put_string(&line, "client", r->client);
    put_string(&line, "method", r->method);
    put_string(&line, "route", r->route);
    put_string(&line, "collection", r->collection);
    put_number(&line, "status", (size_t)r->status);
    put_ms(&line, "ms", r->ms);
    put_number(&line, "bytes_in", r->n_in);
    put_number(&line, "bytes", r->n_out);
    if (slow) {
        put_string(&line, "asked", r->asked);
        put_number(&line, "compared", r->n_compared);
        put_number(&line, "filter_bytes", r->n_filter);
    }
    end_line(&line, book);
}

void logbook_request(struct logbook *book, const struct logbook_request *request)
{
    if (book == NULL) {
        return;
    }
    if (book->options.requests) {
        write_request(book, request, false);
    }
    if (request->is_query && book->options.slow_ms > 0 &&
        request->ms >= (double)book->options.slow_ms) {
        write_request(book, request, true);
    }
}
