/*
 * json_number.h - numbers of JSON compared as what they are: a whole number is not
 * made a double first, which would make 2^53 and 2^53 + 1 the same. Any thread.
 */
#ifndef BASE_JSON_NUMBER_H
#define BASE_JSON_NUMBER_H

#include <stdint.h>

#include "base/json.h"

/* -2^63 … 2^64 - 1, or a double. */
struct json_number {
    bool is_real;
    double real;    /* where is_real; never a NaN */
    int64_t below;  /* where negative, else 0 */
    uint64_t whole; /* where not negative */
};

/* False where `value` is no number (json-c takes NaN for one, this does not). */
bool json_number_get(struct json_object *value, struct json_number *out);

/* Less than 0, 0 or more than 0, by the exact values. */
int json_number_compare(struct json_number a, struct json_number b);

#endif
