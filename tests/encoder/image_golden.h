/*
 * image_golden.h - reading tests/golden/image for the tests of pictures.
 *
 *     struct buf bytes;
 *     golden_read(&bytes, "png_rgb.png");
 *     ...
 *     buf_release(&bytes);
 */
#ifndef TESTS_ENCODER_IMAGE_GOLDEN_H
#define TESTS_ENCODER_IMAGE_GOLDEN_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "encoder/image.h"
#include "tests/test.h"

#define GOLDEN_FOLDER "tests/golden/image/"

/* One line of good.txt. */
struct golden {
    char name[64];
    unsigned width;
    unsigned height;
    int max_difference; /* of a sample, in 1/255 */
    double mean_difference;
};

static inline void golden_read(struct buf *out, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s%s", GOLDEN_FOLDER, name);
    buf_init(out, 1u << 20);
    assert_ok(file_read(path, out));
}

/* Calls `check` for each line of good.txt; fails where there are suspiciously few. */
static inline void golden_for_each(void (*check)(const struct golden *, struct buf *))
{
    FILE *list = fopen(GOLDEN_FOLDER "good.txt", "r");
    assert_non_null(list);
    struct golden g;
    size_t n = 0;
    while (fscanf(list, "%63s %u %u %d %lf", g.name, &g.width, &g.height,
                  &g.max_difference, &g.mean_difference) == 5) {
        struct buf bytes;
        golden_read(&bytes, g.name);
        check(&g, &bytes);
        buf_release(&bytes);
        n++;
    }
    (void)fclose(list);
    assert_true(n > 50);
}

#endif
