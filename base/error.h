/*
 * error.h - how errors are started, forwarded and explained.
 *
 *     enum err thing_open(struct thing **out, const char *path)
 *     {
 *         FAIL_IF(path[0] == '\0', ERR_INVALID, "the path is empty");
 *         TRY(other_step(path));
 *         ...
 *     }
 *
 * Each thread has one detail: the sentence of the last error started on it. It stays
 * until the next err_set() on the same thread, so read it before calling on, and copy
 * it before handing an error to another thread.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

#include "base/errcode.h"

#define ERR_CHECK __attribute__((warn_unused_result))
#define ERR_PRINTF(fmt_arg, first) __attribute__((format(printf, fmt_arg, first)))

enum { ERR_DETAIL_MAX = 512 }; /* bytes of the sentence, the ending NUL included */

/*
 * Starts an error: stores the formatted sentence (one line, no full stop, cut at
 * ERR_DETAIL_MAX) as this thread's detail. Returns `code`.
 */
enum err err_set(enum err code, const char *fmt, ...) ERR_PRINTF(2, 3);

/*
 * Puts a formatted prefix and ": " before the present detail, as in
 * "photo.jpg: the file ends early". Returns `code`.
 */
enum err err_prefix(enum err code, const char *fmt, ...) ERR_PRINTF(2, 3);

/* Starts an ERR_IO (ERR_FULL for ENOSPC, EDQUOT and EFBIG, ERR_NOT_FOUND for ENOENT)
 * with the system's words for `errnum` behind the formatted sentence. */
enum err err_errno(int errnum, const char *fmt, ...) ERR_PRINTF(2, 3);

/* This thread's detail; "" where no error was started. Never NULL. */
const char *err_detail(void);

/* The pinned lower-case name of a code, as in "not_found". Never NULL. */
const char *err_name(enum err code);

/* Forwards a failure of `expr`, an enum err, to the caller. */
#define TRY(expr)                                                                      \
    do {                                                                               \
        enum err try_result_ = (expr);                                                 \
        if (try_result_ != ERR_OK) {                                                   \
            return try_result_;                                                        \
        }                                                                              \
    } while (0)

/* Forwards a failure of `expr` by way of the function's one clean-up label `out`, which
 * frees in reverse order and returns the local `enum err result`. */
#define TRY_OUT(expr)                                                                  \
    do {                                                                               \
        result = (expr);                                                               \
        if (result != ERR_OK) {                                                        \
            goto out;                                                                  \
        }                                                                              \
    } while (0)

/* Starts an error where `cond` holds: FAIL_IF(k == 0, ERR_INVALID, "k is 0"). */
#define FAIL_IF(cond, code, ...)                                                       \
    do {                                                                               \
        if (cond) {                                                                    \
            return err_set((code), __VA_ARGS__);                                       \
        }                                                                              \
    } while (0)

#endif
