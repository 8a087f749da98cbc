/*
 * lines.c - see lines.h.
 */
#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"

/* The longest line that is kept, its end, and room to go on reading. */
enum { LINE_MAX_BYTES = LIMIT_TEXT_BYTES + 1, CAPACITY = 4 * LIMIT_TEXT_BYTES };

enum err lines_open(struct lines *lines, const char *path, int wake_fd)
{
    bool standard = strcmp(path, "-") == 0;
    *lines = (struct lines){
        .name = standard ? "stdin" : path, .fd = STDIN_FILENO, .wake_fd = wake_fd};
    if (!standard) {
        lines->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (lines->fd < 0) {
            return err_errno(errno, "%s", path);
        }
    }
    lines->data = alloc_array(CAPACITY, 1);
    if (lines->data == NULL) {
        lines_close(lines);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

void lines_close(struct lines *lines)
{
    if (lines->fd > STDIN_FILENO) {
        close(lines->fd);
    }
    alloc_free(lines->data);
    *lines = (struct lines){.fd = -1};
}

/* Waits until there is something to read; false: there is no reason to wait longer. */
static bool wait_for_input(const struct lines *lines)
{
    struct pollfd fds[] = {{.fd = lines->fd, .events = POLLIN},
                           {.fd = lines->wake_fd, .events = POLLIN},
                           {.fd = STDOUT_FILENO}}; /* only its errors are told */
    for (;;) {
        int n = poll(fds, sizeof fds / sizeof fds[0], -1);
        if (n < 0 && errno != EINTR) {
            return true; /* the reading will tell */
        }
        if (n > 0 && (fds[1].revents != 0 || (fds[2].revents & POLLERR) != 0)) {
            return false;
        }
        if (n > 0 && fds[0].revents != 0) {
            return true;
        }
    }
}

/* Reads more behind what is there. */
static enum err fill(struct lines *lines)
{
    memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    if (!wait_for_input(lines)) {
        lines->start = lines->end; /* a piece of a line is none */
        lines->searched = 0;
        lines->ended = true;
        return ERR_OK;
    }
    ssize_t n = read(lines->fd, lines->data + lines->end, CAPACITY - lines->end);
    if (n < 0 && errno == EINTR) {
        return ERR_OK;
    }
    if (n < 0) {
        return err_errno(errno, "%s", lines->name);
    }
    lines->ended = n == 0;
    lines->end += (size_t)n;
    return ERR_OK;
}

/* Takes the line data[start, start + n) and `n_end` bytes of its end. */
static enum err take(struct lines *lines, size_t n, size_t n_end, struct line *out)
{
    const char *text = lines->data + lines->start;
    size_t kept = n > 0 && text[n - 1] == '\r' ? n - 1 : n;
    kept = kept < LINE_MAX_BYTES ? kept : LINE_MAX_BYTES;
    out->n = kept;
    out->text = alloc_dup_n(text, kept);
    lines->start += n + n_end;
    lines->searched = 0;
    return out->text == NULL ? ERR_NOMEM : ERR_OK;
}

/* Throws the rest of a line that is too long away, as far as it has come. */
static void skip(struct lines *lines)
{
    char *text = lines->data + lines->start;
    char *newline = memchr(text, '\n', lines->end - lines->start);
    lines->skipping = newline == NULL && !lines->ended;
    lines->start = newline == NULL ? lines->end : lines->start + (newline - text) + 1;
}

/* The next line if it is there whole, or too long, or the last. */
static enum err next(struct lines *lines, struct line *out, bool *found)
{
    if (lines->skipping) {
        skip(lines);
    }
    size_t n = lines->end - lines->start;
    char *text = lines->data + lines->start;
    char *newline = memchr(text + lines->searched, '\n', n - lines->searched);
    *found = true;
    if (newline != NULL) {
        return take(lines, (size_t)(newline - text), 1, out);
    }
    if (n > LINE_MAX_BYTES) {
        lines->skipping = true;
        return take(lines, n, 0, out);
    }
    if (lines->ended && n > 0) {
        return take(lines, n, 0, out);
    }
    lines->searched = n;
    *found = false;
    return ERR_OK;
}

enum err lines_read(struct lines *lines, struct line *out, size_t max, size_t *n)
{
    enum err result = ERR_OK;
    bool found = true;
    *n = 0;
    while (result == ERR_OK && *n < max) {
        result = next(lines, &out[*n], &found);
        if (result == ERR_OK && found) {
            ++*n;
        } else if (result == ERR_OK && (*n > 0 || lines->ended)) {
            break;
        } else if (result == ERR_OK) {
            result = fill(lines);
        }
    }
    while (result != ERR_OK && *n > 0) {
        alloc_free(out[--*n].text);
    }
    return result;
}
