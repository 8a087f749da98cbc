/*
 * json_number.c - see json_number.h.
 */
#include "base/json_number.h"

#include <math.h>

bool json_number_get(struct json_object *value, struct json_number *out)
{
    *out = (struct json_number){0};
    if (json_object_is_type(value, json_type_double)) {
        out->is_real = true;
        out->real = json_object_get_double(value);
        return !isnan(out->real);
    }
    if (!json_object_is_type(value, json_type_int)) {
        return false;
    }
    int64_t i = json_object_get_int64(value); /* 2^63 - 1 for all that is larger */
    if (i < 0) {
        out->below = i;
    } else {
        out->whole = json_object_get_uint64(value);
    }
    return true;
}

static int compare_whole(struct json_number a, struct json_number b)
{
    if (a.below != b.below) { /* 0 for those that are not negative */
        return a.below < b.below ? -1 : 1;
    }
    return (a.whole > b.whole) - (a.whole < b.whole);
}

/* Both are within the range of the whole number's type, so that cutting the fraction
 * off is exact; it then decides between equals. */
static int compare_to_real(struct json_number a, double b)
{
    if (a.below < 0) {
        if (b >= 0) {
            return -1;
        }
        if (b < -0x1p63) {
            return 1;
        }
        int64_t cut = (int64_t)b;
        return a.below != cut ? (a.below < cut ? -1 : 1) : b < (double)cut;
    }
    if (b < 0) {
        return 1;
    }
    if (b >= 0x1p64) {
        return -1;
    }
    uint64_t cut = (uint64_t)b;
    return a.whole != cut ? (a.whole < cut ? -1 : 1) : -(b > (double)cut);
}

int json_number_compare(struct json_number a, struct json_number b)
{
    if (a.is_real && b.is_real) {
        return (a.real > b.real) - (a.real < b.real);
    }
    if (b.is_real) {
        return compare_to_real(a, b.real);
    }
    return a.is_real ? -compare_to_real(b, a.real) : compare_whole(a, b);
}
