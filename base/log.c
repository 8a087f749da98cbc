/*
 * log.c - see log.h.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { TEXT_MAX_BYTES = 2048 };

static atomic_int max_level = LOG_WARN;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the taker */
static void (*taker)(void *arg, enum log_level level, const char *text);
static void *taker_arg;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_set_taker(void (*take)(void *arg, enum log_level level, const char *text),
                   void *arg)
{
    pthread_mutex_lock(&lock);
    taker = take;
    taker_arg = arg;
    pthread_mutex_unlock(&lock);
}

static void write_stderr(enum log_level level, const char *text)
{
    static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
    char line[TEXT_MAX_BYTES + 32];
    int n = snprintf(line, sizeof line, "duet: %s%s\n", words[level], text);
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written; /* nobody is left to tell */
}

void log_write(enum log_level level, const char *fmt, ...)
{
    char text[TEXT_MAX_BYTES];
    va_list args;
    if ((int)level > atomic_load(&max_level)) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (taker != NULL) {
        taker(taker_arg, level, text);
    } else {
        write_stderr(level, text);
    }
    pthread_mutex_unlock(&lock);
}
