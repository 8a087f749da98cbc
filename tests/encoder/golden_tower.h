/*
 * golden_tower.h - the golden values in tests/golden/towers (its README says how they
 * were made), for the tests of the towers and heads.
 */
#ifndef TESTS_ENCODER_GOLDEN_TOWER_H
#define TESTS_ENCODER_GOLDEN_TOWER_H

#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/weights.h"

#define GOLDEN_TOWERS "tests/golden/towers/"

/* `n` numbers between -1 and 1, as numbers() in make.py; freed by the caller. */
static inline float *golden_numbers(size_t n)
{
    float *x = alloc_array(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        uint32_t mixed = (uint32_t)i * 2654435761u;
        x[i] = (float)(mixed >> 8) / (float)(1 << 23) - 1.0f;
    }
    return x;
}

/* actual[n] must be the tensor `name` of `file`, but for 2e-5 of its largest number. */
static inline void golden_check(const char *file, const char *name, const float *actual,
                                size_t n)
{
    struct wt_file *golden;
    const float *expected;
    float largest = 0.0f, off = 0.0f;
    assert_ok(wt_open(&golden, &file, 1));
    assert_ok(wt_vector(golden, name, WT_WHOLE, n, &expected));
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(expected[i]));
        assert_true(isfinite(actual[i]));
        off = fmaxf(off, fabsf(actual[i] - expected[i]));
    }
    wt_close(golden);
    if (off > 2e-5f * largest) {
        fail_msg("%s, %s: off by %g of %g", file, name, (double)off, (double)largest);
    }
}

/* `open` must fail with ERR_MODEL and a sentence that holds `word`. */
#define golden_assert_refused(open, word)                                              \
    do {                                                                               \
        assert_err(open, ERR_MODEL);                                                   \
        if (strstr(err_detail(), word) == NULL) {                                      \
            fail_msg("\"%s\" does not say \"%s\"", err_detail(), word);                \
        }                                                                              \
    } while (0)

#endif
