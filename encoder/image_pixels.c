/*
 * image_pixels.c - what every decoder does with pixels: check the size, allocate, lay
 * on white, turn upright.
 */
#include "encoder/image_internal.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_budget.h"

enum err img_task_set_size(struct img_task *task, uint64_t width, uint64_t height)
{
    FAIL_IF(width == 0 || height == 0, ERR_INVALID,
            "the picture has no pixels: %" PRIu64 " x %" PRIu64, width, height);
    FAIL_IF(width > LIMIT_IMAGE_SIDE || height > LIMIT_IMAGE_SIDE, ERR_LIMIT,
            "%" PRIu64 " x %" PRIu64 " pixels; a side may have %d", width, height,
            LIMIT_IMAGE_SIDE);
    FAIL_IF(width * height > LIMIT_IMAGE_PIXELS, ERR_LIMIT,
            "%" PRIu64 " x %" PRIu64 " pixels; a picture may have %u in all", width,
            height, LIMIT_IMAGE_PIXELS);
    task->meta->width = (uint32_t)width;
    task->meta->height = (uint32_t)height;
    return ERR_OK;
}

enum err img_task_take(struct img_task *task, uint32_t width, uint32_t height)
{
    return img_budget_take(&task->image.hold, (uint64_t)width * height);
}

enum err img_task_allocate(struct img_task *task, uint32_t width, uint32_t height,
                           unsigned channels)
{
    struct img *image = &task->image;
    image->rgb = alloc_array((size_t)width * height, channels);
    if (image->rgb == NULL) {
        return ERR_NOMEM;
    }
    image->width = width;
    image->height = height;
    return ERR_OK;
}

/* `value` at `alpha` over white, rounded to nearest: Pillow's paste with a mask. */
static uint8_t over_white(unsigned value, unsigned alpha)
{
    return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

void img_flatten(struct img *image)
{
    size_t n = (size_t)image->width * image->height;
    const uint8_t *src = image->rgb;
    uint8_t *dst = image->rgb;
    for (size_t i = 0; i < n; i++, src += 4, dst += 3) {
        unsigned alpha = src[3];
        dst[0] = over_white(src[0], alpha);
        dst[1] = over_white(src[1], alpha);
        dst[2] = over_white(src[2], alpha);
    }
    /* Giving back the fourth channel's memory cannot be what fails a picture. */
    uint8_t *smaller = alloc_resize(image->rgb, n, 3);
    if (smaller != NULL) {
        image->rgb = smaller;
    }
}

/* Where the upright picture's pixels lie in the stored one: pixel (x, y) is at
 * origin + x * step_x + y * step_y, in pixels. */
struct turn {
    ptrdiff_t origin;
    ptrdiff_t step_x;
    ptrdiff_t step_y;
};

static struct turn turn_of(const struct img *stored, unsigned orientation)
{
    ptrdiff_t width = stored->width;
    ptrdiff_t right = width - 1;                                /* top right */
    ptrdiff_t bottom = ((ptrdiff_t)stored->height - 1) * width; /* bottom left */
    switch (orientation) {
    case 2: /* mirrored */
        return (struct turn){right, -1, width};
    case 3: /* upside down */
        return (struct turn){bottom + right, -1, -width};
    case 4: /* upside down, mirrored */
        return (struct turn){bottom, 1, -width};
    case 5: /* transposed */
        return (struct turn){0, width, 1};
    case 6: /* to be turned clockwise */
        return (struct turn){bottom, -width, 1};
    case 7: /* transposed along the other diagonal */
        return (struct turn){bottom + right, -width, -1};
    case 8: /* to be turned anticlockwise */
        return (struct turn){right, width, -1};
    default:
        return (struct turn){0, 1, width};
    }
}

/* Copies the block of at most TILE x TILE pixels at (x0, y0) of the upright picture.
 * In tiles a quarter turn touches each cache line once, not once a pixel. */
enum { TILE = 32 };

static void turn_tile(const struct img *to, const struct img *from, struct turn turn,
                      uint32_t x0, uint32_t y0)
{
    uint32_t x1 = to->width - x0 < TILE ? to->width : x0 + TILE;
    uint32_t y1 = to->height - y0 < TILE ? to->height : y0 + TILE;
    for (uint32_t y = y0; y < y1; y++) {
        uint8_t *dst = to->rgb + 3 * ((size_t)y * to->width + x0);
        ptrdiff_t at = turn.origin + x0 * turn.step_x + y * turn.step_y;
        for (uint32_t x = x0; x < x1; x++, dst += 3, at += turn.step_x) {
            const uint8_t *src = from->rgb + 3 * at;
            dst[0] = src[0];
            dst[1] = src[1];
            dst[2] = src[2];
        }
    }
}

enum err img_orient(struct img *image, unsigned orientation)
{
    if (orientation <= 1) {
        return ERR_OK;
    }
    bool sideways = orientation >= 5;
    struct img upright = {
        .rgb = alloc_array((size_t)image->width * image->height, 3),
        .width = sideways ? image->height : image->width,
        .height = sideways ? image->width : image->height,
    };
    if (upright.rgb == NULL) {
        return ERR_NOMEM;
    }
    struct turn turn = turn_of(image, orientation);
    for (uint32_t y = 0; y < upright.height; y += TILE) {
        for (uint32_t x = 0; x < upright.width; x += TILE) {
            turn_tile(&upright, image, turn, x, y);
        }
    }
    alloc_free(image->rgb);
    upright.hold = image->hold;
    *image = upright;
    return ERR_OK;
}
