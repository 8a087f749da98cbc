/*
 * fuzz_preprocess.c - pictures and crops of any shape through preprocess_image. The
 * first bytes say the shapes, the rest are pixels, as often as they are needed.
 *
 * For a whole that can be held, what comes out must be the same numbers as of resizing
 * all and cutting then.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/preprocess.h"

enum { HEAD = 12, WHOLE_MAX = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint32_t side(const uint8_t *two)
{
    return (uint32_t)(two[0] | (two[1] & 0x0F) << 8);
}

static void read_config(struct preprocess *p, const uint8_t *head)
{
    *p = (struct preprocess){
        .resize = (head[0] & 1) != 0 ? PREPROCESS_SHORTEST : PREPROCESS_SQUASH,
        .filter = (head[0] & 2) != 0 ? IMG_BILINEAR : IMG_BICUBIC,
        .centre = (head[0] & 4) != 0 ? PREPROCESS_EVEN : PREPROCESS_FLOOR,
        .shortest = side(head + 2) % 300,
        .width = head[4],
        .height = head[5],
        .scale = (head[0] & 8) != 0 ? 0.0f : 1.0f,
        .std = {1.0f, 1.0f, 1.0f},
    };
}

/* At most 64 x 4095 or the other way round; NULL pixels where memory is short. */
static struct img make_picture(const uint8_t *bytes, size_t n)
{
    struct img image = {.width = side(bytes + 6), .height = bytes[8] % 64u};
    if ((bytes[0] & 16) != 0) {
        uint32_t width = image.width;
        image.width = image.height;
        image.height = width;
    }
    size_t n_bytes = (size_t)image.width * image.height * 3;
    image.rgb = alloc_array(n_bytes, 1);
    for (size_t i = 0; image.rgb != NULL && i < n_bytes; i++) {
        image.rgb[i] = bytes[HEAD + i % (n - HEAD)];
    }
    return image;
}

/* Resizes all, then cuts: what a reference does. */
static void compare(const struct preprocess *p, const struct img *image,
                    const float *pixels)
{
    bool wide = image->width > image->height;
    uint64_t shorter = wide ? image->height : image->width;
    uint64_t longer = wide ? image->width : image->height;
    uint64_t length = p->shortest * longer / shorter;
    bool squash = p->resize == PREPROCESS_SQUASH;
    uint64_t width = squash ? p->width : wide ? length : p->shortest;
    uint64_t height = squash ? p->height : wide ? p->shortest : length;
    struct img whole;
    if (width * height > WHOLE_MAX ||
        img_resize(&whole, image, (uint32_t)width, (uint32_t)height, p->filter) !=
            ERR_OK) {
        return;
    }
    double left = (double)(width - p->width) / 2;
    double top = (double)(height - p->height) / 2;
    bool even = p->centre == PREPROCESS_EVEN;
    size_t x0 = (size_t)(even ? nearbyint(left) : floor(left));
    size_t y0 = (size_t)(even ? nearbyint(top) : floor(top));
    float scale = p->scale > 0.0f ? 1.0f : 255.0f;
    for (size_t y = 0; y < p->height; y++) {
        for (size_t i = 0; i < 3 * (size_t)p->width; i++) {
            uint8_t byte = whole.rgb[3 * ((y0 + y) * whole.width + x0) + i];
            need(lrintf(pixels[3 * y * p->width + i] * scale) == byte);
        }
    }
    img_release(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct preprocess p;
    if (n <= HEAD) {
        return 0;
    }
    read_config(&p, bytes);
    struct img image = make_picture(bytes, n);
    float *pixels = alloc_array(preprocess_n_floats(&p), sizeof(*pixels));
    if (image.rgb != NULL && pixels != NULL &&
        preprocess_image(&p, &image, pixels) == ERR_OK) {
        compare(&p, &image, pixels);
    }
    alloc_free(pixels);
    img_release(&image);
    return 0;
}
