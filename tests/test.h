/*
 * test.h - what every test file includes first: cmocka, and our error type in it.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

/* The expression, an enum err, must be ERR_OK; otherwise its sentence is printed. */
#define assert_ok(expr) assert_result_(expr, ERR_OK, #expr, __FILE__, __LINE__)

/* The expression must fail with exactly `code`, and with a sentence. */
#define assert_err(expr, code)                                                         \
    do {                                                                               \
        assert_result_(expr, code, #expr, __FILE__, __LINE__);                         \
        assert_true(err_detail()[0] != '\0');                                          \
    } while (0)

static inline void assert_result_(enum err result, enum err expected, const char *expr,
                                  const char *file, int line)
{
    if (result != expected) {
        print_error("%s\n  gave %s (%s), not %s\n", expr, err_name(result),
                    err_detail(), err_name(expected));
        _fail(file, line);
    }
}

#endif
