/*
 * preprocess.c - see preprocess.h.
 */
#include "encoder/preprocess.h"

size_t preprocess_n_floats(const struct preprocess *p)
{
    return (size_t)3 * p->width * p->height;
}

uint32_t preprocess_target_side(const struct preprocess *p)
{
    return p->width < p->height ? p->height : p->width;
}

/* A byte has 256 values: a table of them does the arithmetic once. */
static void normalise(const struct preprocess *p, const struct img *image,
                      float *pixels)
{
    float value[256][3];
    float scale = p->scale > 0.0f ? p->scale : 1.0f / 255.0f;
    for (size_t v = 0; v < 256; v++) {
        for (size_t c = 0; c < 3; c++) {
            value[v][c] = ((float)v * scale - p->mean[c]) / p->std[c];
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
    struct img resized;
    FAIL_IF(p->resize != PREPROCESS_SQUASH, ERR_UNSUPPORTED,
            "only squashed pictures are made yet");
    TRY(img_resize(&resized, image, p->width, p->height));
    normalise(p, &resized, pixels);
    img_release(&resized);
    return ERR_OK;
}
