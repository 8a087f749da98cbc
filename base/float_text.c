/*
 * float_text.c - see float_text.h.
 *
 * Most floats of a vector need 8 or 9 digits, so 8 are tried first: two prints and two
 * readings for nearly all of them.
 */
#include "base/float_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_FIRST = 8, DIGITS_MAX = 9 };

static bool print(char text[FLOAT_TEXT_MAX], float value, int n_digits)
{
    snprintf(text, FLOAT_TEXT_MAX, "%.*g", n_digits, (double)value);
    return strtof(text, NULL) == value;
}

size_t float_text(char text[FLOAT_TEXT_MAX], float value)
{
    if (!isfinite(value)) {
        memcpy(text, "null", 5);
        return 4;
    }
    int n_digits = DIGITS_FIRST;
    if (!print(text, value, n_digits)) {
        n_digits = DIGITS_MAX;
    } else {
        while (n_digits > 1 && print(text, value, n_digits - 1)) {
            n_digits--;
        }
    }
    print(text, value, n_digits);
    return strlen(text);
}
