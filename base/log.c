/*
 * log.c - see log.h.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static atomic_int max_level = LOG_WARN;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
    if ((int)level > atomic_load(&max_level)) {
        return;
    }
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "duet: %s", words[level]);
    va_list args;
    va_start(args, fmt);
    int text = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, args);
    va_end(args);
    n += text < 0 ? 0 : text;
    if ((size_t)n > sizeof line - 2) {
        n = (int)sizeof line - 2;
    }
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written; /* nobody is left to tell */
}
