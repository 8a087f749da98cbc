/*
 * log.h - talk goes to stderr, one line a call; results never come this way. Any
 * thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above `level` are dropped from now on. The start is LOG_WARN. */
void log_set_level(enum log_level level);

/* From now on lines go to `take`, without "duet: LEVEL: " and newline, instead of to
 * stderr; NULL: to stderr again, and no call of the old one is under way any more. It
 * is called on any thread, one at a time, and must not log. */
void log_set_taker(void (*take)(void *arg, enum log_level level, const char *text),
                   void *arg);

/* Writes "duet: LEVEL: text\n" (no level word for LOG_INFO) in one write, so that lines
 * of several threads do not mix. Text past 2 KiB is cut. */
void log_write(enum log_level level, const char *fmt, ...) ERR_PRINTF(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
