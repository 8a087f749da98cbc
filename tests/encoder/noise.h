/*
 * noise.h - pictures of noise as tests/golden/image/noise.py makes them, and the hash
 * that tells whether both made the same of one.
 */
#ifndef TESTS_ENCODER_NOISE_H
#define TESTS_ENCODER_NOISE_H

#include "base/alloc.h"
#include "encoder/image.h"
#include "tests/test.h"

/* The high bytes of a linear congruential generator. img_release. */
static inline struct img noise(uint32_t width, uint32_t height)
{
    size_t n = (size_t)width * height * 3;
    struct img image = {.rgb = alloc_array(n, 1), .width = width, .height = height};
    assert_non_null(image.rgb);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        image.rgb[i] = (uint8_t)(state >> 24);
    }
    return image;
}

static inline uint64_t fnv1a(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) {
        value = (value ^ bytes[i]) * 0x100000001B3u;
    }
    return value;
}

#endif
