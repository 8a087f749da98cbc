/*
 * picture.h - small pictures made by code, each seed another one.
 *
 *     picture_write("/tmp/x/a.ppm", 1);
 */
#ifndef TESTS_PICTURE_H
#define TESTS_PICTURE_H

#include "tests/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PICTURE_WIDTH = 48, PICTURE_HEIGHT = 40 };

/* A PPM of PICTURE_WIDTH x PICTURE_HEIGHT: a colour gradient and a grid, by the seed.
 */
static inline void picture_write(const char *path, uint32_t seed)
{
    static const char header[] = "P6\n48 40\n255\n";
    unsigned char bytes[sizeof header - 1 + PICTURE_WIDTH * PICTURE_HEIGHT * 3];
    unsigned char *p = bytes + sizeof header - 1;
    uint32_t mix = seed * 2654435761u;
    memcpy(bytes, header, sizeof header - 1);
    for (unsigned y = 0; y < PICTURE_HEIGHT; y++) {
        for (unsigned x = 0; x < PICTURE_WIDTH; x++) {
            bool line = x % (3 + seed % 7) == 0 || y % (4 + seed % 5) == 0;
            *p++ = (unsigned char)(line ? mix >> 24 : x * 5);
            *p++ = (unsigned char)(line ? mix >> 16 : y * 6);
            *p++ = (unsigned char)(line ? mix >> 8 : mix);
        }
    }
    FILE *file = fopen(path, "wb"); /* not file_write: its fsync would take minutes */
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
}

#endif
