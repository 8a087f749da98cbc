/*
 * scan_reference.c - see scan_kernels.h: the sums as one would write them down.
 */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "index/scan_kernels.h"

/* Number `i` of a row, at any address. */
static float number_at(const void *row, enum scan_type type, size_t i)
{
    const char *bytes = (const char *)row + i * scan_type_bytes(type);
    uint16_t half;
    float x;
    switch (type) {
    case SCAN_UINT8:
        return (float)*(const uint8_t *)bytes;
    case SCAN_FLOAT16:
        memcpy(&half, bytes, sizeof half);
        return half_to_float(half);
    default:
        memcpy(&x, bytes, sizeof x);
        return x;
    }
}

static double term(double q, double r, enum scan_sum what)
{
    switch (what) {
    case SCAN_SUM_PRODUCTS:
        return q * r;
    case SCAN_SUM_SQUARES:
        return r * r;
    case SCAN_SUM_DIFFERENCES_SQUARED:
        return (q - r) * (q - r);
    default:
        return fabs(q - r);
    }
}

static float sum(const float *query, const void *row, size_t dim, enum scan_sum what,
                 enum scan_type type)
{
    double total = 0;
    for (size_t i = 0; i < dim; i++) {
        total += term(query[i], number_at(row, type, i), what);
    }
    return (float)total;
}

SCAN_KERNELS(sum, scan_sum_reference)
