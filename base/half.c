/*
 * half.c - see half.h.
 */
#include "base/half.h"

#include <math.h>
#include <string.h>

enum {
    HALF_SIGN = 0x8000,
    HALF_EXPONENT = 0x7c00,
    HALF_MANTISSA = 0x03ff,
    HALF_QUIET = 0x0200
};

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & HALF_SIGN) << 16;
    uint32_t exponent = (half & HALF_EXPONENT) >> 10;
    uint32_t mantissa = half & HALF_MANTISSA;
    if (exponent == 0) { /* zero, or a multiple of the smallest, 2^-24 */
        float value = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    if (exponent == 31) {
        return float_of(sign | 0x7f800000 | mantissa << 13);
    }
    return float_of(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

/* The float `magnitude`, below 2^-14, in units of 2^-24. Adding 1/2 in a float whose
 * last place is 2^-24 rounds as wanted; 1024 units are the smallest ordinary half. */
static uint32_t small_half(float magnitude)
{
    return bits_of(magnitude + 0.5f) - bits_of(0.5f);
}

uint16_t half_from_float(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & HALF_SIGN;
    uint32_t magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (magnitude > 0x7f800000) { /* NaN */
        half = HALF_EXPONENT | HALF_QUIET | (magnitude >> 13 & HALF_MANTISSA);
    } else if (magnitude >= bits_of(65520.0f)) { /* nearer to 2^16 than to HALF_MAX */
        half = HALF_EXPONENT;
    } else if (magnitude < bits_of(0x1p-14f)) {
        half = small_half(float_of(magnitude));
    } else {
        uint32_t odd = magnitude >> 13 & 1;
        half = (magnitude + 0xfff + odd - ((uint32_t)(127 - 15) << 23)) >> 13;
    }
    return (uint16_t)(sign | half);
}
