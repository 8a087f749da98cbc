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

/* Writes "duet: LEVEL: text\n" (no level word for LOG_INFO) in one write, so that lines
 * of several threads do not mix. Text past 2 KiB is cut. */
void log_write(enum log_level level, const char *fmt, ...) ERR_PRINTF(2, 3);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
