/*
 * error.c - see error.h. The detail lives in a plain thread-local array, so that an
 * out-of-memory error can be told like any other.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char detail[ERR_DETAIL_MAX];

enum err err_set(enum err code, const char *fmt, ...)
{
    char text[ERR_DETAIL_MAX]; /* the arguments may point into the present detail */
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(detail, text, sizeof text);
    return code;
}

enum err err_prefix(enum err code, const char *fmt, ...)
{
    char behind[ERR_DETAIL_MAX];
    memcpy(behind, detail, sizeof behind);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof detail - 2) {
        size_t room = sizeof detail - (size_t)n - 2;
        memcpy(detail + n, ": ", 2);
        memcpy(detail + n + 2, behind, room);
        detail[sizeof detail - 1] = '\0';
    }
    return code;
}

static enum err code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

enum err err_errno(int errnum, const char *fmt, ...)
{
    char text[ERR_DETAIL_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *reason = strerrordesc_np(errnum); /* any thread, unlike strerror */
    return err_set(code_of_errno(errnum), "%s: %s", text,
                   reason == NULL ? "unknown error" : reason);
}

const char *err_detail(void)
{
    return detail;
}

const char *err_name(enum err code)
{
    static const char *const names[] = {
        "ok",       "no_memory", "invalid",     "limit", "not_found", "exists",
        "conflict", "corrupt",   "version",     "io",    "full",      "busy",
        "timeout",  "cancelled", "unsupported", "model", "internal",
    };
    size_t i = (size_t)code;
    return i < sizeof names / sizeof names[0] ? names[i] : "unknown";
}
