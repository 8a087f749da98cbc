/*
 * preprocess.h - a decoded picture becomes the numbers that an image tower sees.
 *
 *     struct preprocess p = {.resize = PREPROCESS_SQUASH, .filter = IMG_BICUBIC,
 *                            .width = 224, .height = 224, .mean = {...}, .std = {...}};
 *     float *pixels = alloc_array(preprocess_n_floats(&p), sizeof *pixels);
 *     TRY(preprocess_image(&p, &image, pixels));
 *
 * The same steps in the same order as a model's preprocessor_config.json (Hugging Face)
 * or preprocess_cfg (OpenCLIP): resize, centre crop, (byte * scale - mean) / std.
 * Resizing equals Pillow's to the last bit (image.h); what the crop does not keep is
 * never computed, so the memory needed is that of the crop, times the rows that it
 * looks at. No state: any thread.
 */
#ifndef ENCODER_PREPROCESS_H
#define ENCODER_PREPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "encoder/image.h"

enum preprocess_resize {
    PREPROCESS_SQUASH,  /* to width x height, whatever the shape */
    PREPROCESS_SHORTEST /* the shorter side to `shortest`, the longer one in proportion
                           (cut to whole pixels); then the centre width x height */
};

/* Where the centre is when an odd number of pixels is cut away. */
enum preprocess_centre {
    PREPROCESS_FLOOR, /* transformers: the smaller half before */
    PREPROCESS_EVEN   /* torchvision, so OpenCLIP: half to even */
};

struct preprocess {
    enum preprocess_resize resize;
    enum img_filter filter;
    enum preprocess_centre centre;
    uint32_t shortest; /* pixels, at least width and height; of PREPROCESS_SHORTEST */
    uint32_t width;    /* pixels that the tower sees */
    uint32_t height;
    float scale;   /* of a byte; 0: 1/255 */
    float mean[3]; /* red, green, blue */
    float std[3];  /* over 0 */
};

/* 3 * width * height. */
size_t preprocess_n_floats(const struct preprocess *p);

/* The least side that the picture should be decoded at: img_options.target_side. */
uint32_t preprocess_target_side(const struct preprocess *p);

/* Into pixels[height, width, 3], rows top to bottom, channels last; the picture is not
 * changed. ERR_INVALID: an empty picture, or a crop larger than `shortest`; ERR_LIMIT:
 * width or height passes LIMIT_IMAGE_SIDE; ERR_NOMEM. */
enum err preprocess_image(const struct preprocess *p, const struct img *image,
                          float *pixels) ERR_CHECK;

#endif
