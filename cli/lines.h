/*
 * lines.h - the lines of a file or of stdin, as they come.
 *
 *     struct lines lines;
 *     TRY(lines_open(&lines, "-", pool_wake_fd));
 *     TRY_OUT(lines_read(&lines, items, 32, &n));   // n == 0: the end
 *     ...
 *     lines_close(&lines);
 *
 * A reading returns what is there and waits only where there is nothing: whoever types
 * or follows a log gets an answer to each line. Memory is bounded: of a line over
 * LIMIT_TEXT_BYTES one byte more than that is kept, so that it is refused by whoever
 * knows why. One thread.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct lines {
    const char *name; /* for people: the path, or "stdin" */
    int fd;
    int wake_fd;       /* readable: stop waiting; -1: none */
    char *data;        /* [capacity], owned */
    size_t start, end; /* of what was read and not given out */
    size_t searched;   /* of it hold no newline */
    bool skipping;     /* in the rest of a line that is too long */
    bool ended;        /* the file has, or we were woken */
};

/* A line without its end ("\n" or "\r\n"). */
struct line {
    char *text; /* [n], and a NUL; alloc_free */
    size_t n;
};

/* Opens `path`, "-" being stdin. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM. */
enum err lines_open(struct lines *lines, const char *path, int wake_fd) ERR_CHECK;
void lines_close(struct lines *lines);

/* Up to `max` lines that are there, at least one but at the end, which is also where
 * the other side of stdout has left or `wake_fd` says so. The caller frees each. ERR_IO,
 * ERR_NOMEM: *n is 0 then. */
enum err lines_read(struct lines *lines, struct line *out, size_t max, size_t *n)
    ERR_CHECK;

#endif
