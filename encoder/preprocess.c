/*
 * preprocess.c - see preprocess.h.
 *
 * Resizing and cropping are one step: only the pixels that the crop keeps are resampled
 * (image.h, img_resize_part), so that a panorama whose shorter side grows to 224 does
 * not first become a picture of a thousand megabytes.
 */
#include "encoder/preprocess.h"

size_t preprocess_n_floats(const struct preprocess *p)
{
    return (size_t)3 * p->width * p->height;
}

uint32_t preprocess_target_side(const struct preprocess *p)
{
    if (p->resize == PREPROCESS_SHORTEST) {
        return p->shortest;
    }
    return p->width < p->height ? p->height : p->width;
}

/* What is cut away before the centre, of `excess` pixels in all. */
static uint32_t cut_before(uint32_t excess, enum preprocess_centre centre)
{
    uint32_t half = excess / 2;
    bool up = centre == PREPROCESS_EVEN && excess % 2 == 1 && half % 2 == 1;
    return up ? half + 1 : half;
}

/* shortest * longer / shorter, cut to whole pixels. The references divide in double,
 * which gives the same: the quotients of such numbers lie too far from a whole one. */
static uint32_t in_proportion(uint32_t shortest, uint32_t longer, uint32_t shorter)
{
    return (uint32_t)((uint64_t)shortest * longer / shorter);
}

/* The size of the whole resized picture. */
static void set_whole(const struct preprocess *p, const struct img *image,
                      struct img_part *part)
{
    uint32_t width = image->width;
    uint32_t height = image->height;
    if (p->resize == PREPROCESS_SQUASH) {
        part->of_width = p->width;
        part->of_height = p->height;
    } else if (width <= height) {
        part->of_width = p->shortest;
        part->of_height = in_proportion(p->shortest, height, width);
    } else {
        part->of_width = in_proportion(p->shortest, width, height);
        part->of_height = p->shortest;
    }
}

/* A byte has 256 values: a table of them does the arithmetic once. */
static void normalise(const struct preprocess *p, const struct img *image,
                      float *pixels)
{
    float value[256][3];
    for (size_t v = 0; v < 256; v++) {
        float light = p->scale > 0.0f ? (float)v * p->scale : (float)v / 255.0f;
        for (size_t c = 0; c < 3; c++) {
            value[v][c] = (light - p->mean[c]) / p->std[c];
        }
    }
    size_t n = (size_t)image->width * image->height;
    for (size_t i = 0; i < 3 * n; i += 3) {
        for (size_t c = 0; c < 3; c++) {
            pixels[i + c] = value[image->rgb[i + c]][c];
        }
    }
}

enum err preprocess_image(const struct preprocess *p, const struct img *image,
                          float *pixels)
{
    struct img_part part = {.width = p->width, .height = p->height};
    FAIL_IF(image->rgb == NULL || image->width == 0 || image->height == 0, ERR_INVALID,
            "the picture to be encoded is empty");
    FAIL_IF(p->resize == PREPROCESS_SHORTEST &&
                (p->shortest < p->width || p->shortest < p->height),
            ERR_INVALID, "a crop of %u x %u is larger than the shorter side, %u",
            p->width, p->height, p->shortest);
    set_whole(p, image, &part);
    part.left = cut_before(part.of_width - part.width, p->centre);
    part.top = cut_before(part.of_height - part.height, p->centre);

    struct img resized;
    TRY(img_resize_part(&resized, image, &part, p->filter));
    normalise(p, &resized, pixels);
    img_release(&resized);
    return ERR_OK;
}
