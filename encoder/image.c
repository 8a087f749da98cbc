/*
 * image.c - sniff, check, decode, turn.
 */
#include "encoder/image.h"

#include <math.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_budget.h"
#include "encoder/image_internal.h"

static enum err decode_stored(struct img_task *task)
{
    switch (task->meta->format) {
    case IMG_JPEG:
        return img_jpeg_decode(task);
    case IMG_PNG:
        return img_png_decode(task);
    case IMG_WEBP:
        return img_webp_decode(task);
    case IMG_HEIF:
        return img_heif_decode(task);
    case IMG_PNM:
        return img_pnm_decode(task);
    case IMG_GIF:
    case IMG_BMP:
    case IMG_TGA:
    case IMG_PSD:
    case IMG_HDR:
        return img_stb_decode(task);
    case IMG_UNKNOWN:
        break;
    }
    return img_sniff_refuse(task->bytes, task->size);
}

/* The header's size is of the picture as stored; people see it turned. */
static void turn_size(struct img_meta *meta, unsigned orientation)
{
    if (orientation >= 5) {
        uint32_t width = meta->width;
        meta->width = meta->height;
        meta->height = width;
    }
}

enum err img_decode(struct img *out, const void *bytes, size_t n,
                    const struct img_options *options)
{
    static const struct img_options defaults = {0};
    const struct img_options *o = options != NULL ? options : &defaults;
    struct img_meta unwanted = {0};
    struct img_task task = {
        .bytes = bytes,
        .size = n,
        .target_side = o->target_side,
        .orientation = 1,
        .meta = o->meta != NULL ? o->meta : &unwanted,
    };
    *out = (struct img){0};
    *task.meta = (struct img_meta){.latitude = NAN, .longitude = NAN};
    FAIL_IF(n == 0, ERR_INVALID, "not a picture: the file is empty");
    FAIL_IF(n > LIMIT_IMAGE_FILE_BYTES, ERR_LIMIT,
            "%zu bytes; the file of a picture may have %u", n, LIMIT_IMAGE_FILE_BYTES);

    task.meta->format = img_sniff(bytes, n);
    enum err result = decode_stored(&task);
    turn_size(task.meta, task.orientation);
    if (result == ERR_OK) {
        result = img_orient(&task.image, task.orientation);
    }
    if (result != ERR_OK) {
        img_release(&task.image);
        return result;
    }
    *out = task.image;
    return ERR_OK;
}

void img_release(struct img *image)
{
    alloc_free(image->rgb);
    img_budget_give(image->hold);
    *image = (struct img){0};
}
