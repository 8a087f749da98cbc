/*
 * image_avif.c - AVIF through libavif, the library of the reference: a still picture,
 * or the first of a sequence.
 *
 * libheif reads AVIF too, but version 1.15 doubles the colours of 4:2:0 by repeating
 * them, and a small picture then differs by 40/255 at red edges.
 *
 * As for HEIC, the file turns and mirrors by properties of its own, and its EXIF, which
 * usually says the same turn once more, is not applied. A clean aperture is not cut
 * out, as the reference does not.
 *
 * libavif 0.11 ends the process where an allocation of its own fails. So before it reads
 * the file (image_avif_boxes.c) and before it decodes (a grid's planes are its own), as
 * much memory as it may take is asked for and given back: a picture that does not fit is
 * refused with ERR_NOMEM. Other threads may take the memory in between; that is left.
 */
#include <string.h>

#include <avif/avif.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

static enum err report(const avifDecoder *decoder, avifResult code)
{
    const char *words =
        decoder->diag.error[0] != '\0' ? decoder->diag.error : avifResultToString(code);
    switch (code) {
    case AVIF_RESULT_OK:
        return ERR_OK;
    case AVIF_RESULT_OUT_OF_MEMORY:
        return err_set(ERR_NOMEM, "out of memory decoding AVIF");
    case AVIF_RESULT_TRUNCATED_DATA:
    case AVIF_RESULT_IO_ERROR:
        return err_set(ERR_INVALID, "truncated AVIF: the file ends early");
    case AVIF_RESULT_NOT_IMPLEMENTED:
    case AVIF_RESULT_UNSUPPORTED_DEPTH:
    case AVIF_RESULT_NO_CODEC_AVAILABLE:
        return err_set(ERR_UNSUPPORTED, "unsupported AVIF: %s", words);
    default:
        FAIL_IF(strstr(words, "too large") != NULL || strstr(words, "Limit") != NULL,
                ERR_LIMIT, "AVIF past a limit: %s", words);
        return err_set(ERR_INVALID, "broken AVIF: %s", words);
    }
}

/* The turn of the file's own properties, first irot, which turns anticlockwise, then
 * imir, as the EXIF orientation that does the same. */
static unsigned orientation_of(const avifImage *image)
{
    static const unsigned turns[4][3] = {
        /* not mirrored, top to bottom, left to right */
        {1, 4, 2},
        {8, 5, 7},
        {3, 2, 4},
        {6, 7, 5},
    };
    bool turned = (image->transformFlags & AVIF_TRANSFORM_IROT) != 0;
    bool mirrored = (image->transformFlags & AVIF_TRANSFORM_IMIR) != 0;
    unsigned angle = turned ? image->irot.angle & 3u : 0;
    return turns[angle][mirrored ? 1 + (image->imir.mode & 1u) : 0];
}

static enum err read_header(struct img_task *task, const avifImage *image)
{
    TRY(img_task_set_size(task, image->width, image->height));
    TRY(img_exif_read(task, image->exif.data, image->exif.size));
    task->orientation = orientation_of(image);
    img_profile_note(task, image->icc.data, image->icc.size);
    return ERR_OK;
}

static enum err copy_pixels(struct img_task *task, const avifDecoder *decoder)
{
    const avifImage *image = decoder->image;
    unsigned channels = image->alphaPlane != NULL ? 4 : 3;
    FAIL_IF(image->width != task->meta->width || image->height != task->meta->height,
            ERR_INVALID, "broken AVIF: two sizes in one file");
    TRY(img_task_allocate(task, image->width, image->height, channels));
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, image);
    rgb.format = channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = 8;
    rgb.pixels = task->image.rgb;
    rgb.rowBytes = image->width * channels;
    TRY(report(decoder, avifImageYUVToRGB(image, &rgb)));
    if (channels == 4) {
        img_flatten(&task->image);
    }
    return ERR_OK;
}

static enum err check_room(size_t n)
{
    void *room = alloc_array(n, 1);
    FAIL_IF(room == NULL, ERR_NOMEM, "out of memory decoding AVIF");
    alloc_free(room);
    return ERR_OK;
}

/* Colour in full and alpha, whatever the file has; it is not told whether
 * it is a grid. */
static enum err check_room_for_pixels(const avifImage *image)
{
    size_t depth_bytes = image->depth > 8 ? 2 : 1;
    return check_room((size_t)image->width * image->height * 4 * depth_bytes);
}

static enum err decode(struct img_task *task, avifDecoder *decoder)
{
    size_t n_memory;
    TRY(img_avif_check(task->bytes, task->size, &n_memory));
    TRY(check_room(n_memory));
    decoder->maxThreads = 1; /* threads are the caller's to hand out */
    decoder->imageSizeLimit = LIMIT_IMAGE_PIXELS;
    decoder->imageDimensionLimit = LIMIT_IMAGE_SIDE;
    decoder->imageCountLimit = LIMIT_IMAGE_FRAMES;
    decoder->ignoreXMP = AVIF_TRUE;
    /* As the reference: encoders of the first years leave out or garble these. */
    decoder->strictFlags &=
        ~(avifStrictFlags)(AVIF_STRICT_PIXI_REQUIRED | AVIF_STRICT_CLAP_VALID);
    TRY(report(decoder, avifDecoderSetIOMemory(decoder, task->bytes, task->size)));
    TRY(report(decoder, avifDecoderParse(decoder)));
    TRY(read_header(task, decoder->image));
    TRY(img_task_take(task, task->meta->width, task->meta->height));
    TRY(check_room_for_pixels(decoder->image));
    /* The frame may not be larger than the header said: libavif would shrink it. */
    decoder->imageSizeLimit = task->meta->width * task->meta->height;
    TRY(report(decoder, avifDecoderNextImage(decoder)));
    return copy_pixels(task, decoder);
}

enum err img_avif_decode(struct img_task *task)
{
    avifDecoder *decoder = avifDecoderCreate();
    FAIL_IF(decoder == NULL, ERR_NOMEM, "out of memory decoding AVIF");
    enum err result = decode(task, decoder);
    avifDecoderDestroy(decoder);
    return result;
}
