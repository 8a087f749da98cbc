/*
 * fuzz_image.c - any bytes through img_decode, and what comes out through the resizer
 * and the thumbnail writer. The length decides between exact and shrinking decoding.
 */
#include <stdlib.h>

#include "encoder/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void use(const struct img *image)
{
    struct img small;
    if (img_resize(&small, image, 9, 7, IMG_BICUBIC) == ERR_OK) {
        img_release(&small);
    }
    struct buf thumbnail;
    buf_init(&thumbnail, 1u << 20);
    if (img_thumbnail(image, 16, &thumbnail) != ERR_OK) {
        abort(); /* any picture that decodes has a thumbnail */
    }
    buf_release(&thumbnail);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct img_meta meta;
    struct img_options options = {.target_side = n % 2 == 0 ? 0 : 4, .meta = &meta};
    struct img image;
    if (img_decode(&image, bytes, n, &options) == ERR_OK) {
        use(&image);
    }
    img_release(&image);
    return 0;
}
