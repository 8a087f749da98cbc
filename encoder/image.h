/*
 * image.h - files of pictures into 8-bit RGB, the way the reference does it.
 *
 *     struct img image;
 *     TRY(img_decode(&image, bytes, n_bytes, NULL));   // upright, alpha over white
 *     ...
 *     img_release(&image);
 *
 * JPEG is read by libjpeg-turbo, PNG by libpng, WebP by libwebp, HEIC and AVIF by
 * libheif, GIF (first frame), BMP, TGA, PSD and HDR by stb_image, PNM here. The format
 * is told by the first bytes, never by the file's name. The size in the header is
 * checked against base/limits.h before a pixel is allocated. Colour profiles are
 * ignored, as the reference does; img_meta says where one was.
 *
 * Threads: any thread, one thread an image. What is shared is the budget of decoded
 * pixels of the process (image_budget.h): img_decode waits until its picture fits in,
 * img_release makes room.
 */
#ifndef ENCODER_IMAGE_H
#define ENCODER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct img_hold;

/* Decoded pixels, sRGB, rows top to bottom without padding. */
struct img {
    uint8_t *rgb; /* [height, width, 3], owned; freed by img_release */
    uint32_t width;
    uint32_t height;
    struct img_hold *hold; /* what img_decode took of the budget; else NULL */
};

enum img_format {
    IMG_UNKNOWN,
    IMG_JPEG,
    IMG_PNG,
    IMG_WEBP,
    IMG_HEIF, /* HEIC and AVIF */
    IMG_GIF,
    IMG_BMP,
    IMG_TGA,
    IMG_PSD,
    IMG_PNM, /* P5 and P6 */
    IMG_HDR  /* Radiance */
};

/* How img_resize weighs the pixels under one new pixel. */
enum img_filter {
    IMG_BICUBIC, /* a = -0.5 */
    IMG_BILINEAR /* a triangle */
};

/* What EXIF says of a photograph; fields it does not say are empty or NaN. */
struct img_meta {
    char taken[32];   /* RFC 3339 without a zone: "2024-05-01T12:30:00" */
    char camera[128]; /* maker and model, valid UTF-8 */
    double latitude;  /* degrees, north positive; NaN if absent */
    double longitude; /* degrees, east positive; NaN if absent */
    uint32_t width;   /* of the upright original, in pixels */
    uint32_t height;
    enum img_format format;
    /* The file has a colour profile, not sRGB's, and it was ignored. (Of JPEG, PNG,
     * WebP, HEIC and AVIF; what other formats may embed is not looked for.) */
    bool has_profile;
};

struct img_options {
    /* The least side, in pixels, that the caller goes on with; 0: exact. Where the
     * short side is at least four times this, a JPEG may be decoded at 1/2, 1/4 or 1/8
     * of its size, to no less than twice this. */
    uint32_t target_side;
    struct img_meta *meta; /* filled if not NULL, also when decoding fails later on */
};

/* What the first bytes say; IMG_UNKNOWN for anything that img_decode would refuse. (TGA
 * has no mark of its own and is recognised by a plausible header.) */
enum img_format img_sniff(const void *bytes, size_t n);

/* "jpeg", "png", ...; "unknown". */
const char *img_format_name(enum img_format format);

/*
 * Decodes the picture in bytes[n]: upright by its EXIF turn, transparency laid on
 * white, 16 bits cut to the high 8, grey, palette and CMYK made RGB. `options` may be
 * NULL. The caller releases *out. ERR_INVALID: not a picture, broken or truncated (the
 * sentence says what); ERR_LIMIT: too many pixels or bytes; ERR_UNSUPPORTED: a kind no
 * decoder here reads; ERR_NOMEM. *out is empty then.
 */
enum err img_decode(struct img *out, const void *bytes, size_t n,
                    const struct img_options *options) ERR_CHECK;

/* Accepts an empty image. */
void img_release(struct img *image);

/*
 * Resizes to width x height by the antialiased filter in 8-bit fixed point,
 * horizontally first: equal to the last bit to Image.resize of Pillow up to version 12.
 * (Version 13 takes the columns first where the height shrinks by more than twice as
 * many pixels as the width.) A side that keeps its size is not filtered. The caller
 * releases *out, which is empty on failure: ERR_INVALID (an empty picture, a side of
 * 0), ERR_LIMIT, ERR_NOMEM.
 */
enum err img_resize(struct img *out, const struct img *image, uint32_t width,
                    uint32_t height, enum img_filter filter) ERR_CHECK;

/* A rectangle of a resized picture, in its pixels. */
struct img_part {
    uint32_t of_width; /* of the whole resized picture; at most IMG_PART_SIDE_MAX */
    uint32_t of_height;
    uint32_t left;
    uint32_t top;
    uint32_t width;
    uint32_t height;
};

enum { IMG_PART_SIDE_MAX = 1 << 30 };

/* The same pixels as img_resize and a cut, without computing or holding the others: the
 * whole may be far over LIMIT_IMAGE_SIDE. ERR_INVALID also where the part is not inside
 * the whole. */
enum err img_resize_part(struct img *out, const struct img *image,
                         const struct img_part *part, enum img_filter filter) ERR_CHECK;

/* Appends a JPEG (quality 85) of the picture shrunk to fit side x side, never enlarged.
 * `out` is as it was on failure: ERR_INVALID (as above), ERR_LIMIT (past the buffer's
 * maximum), ERR_NOMEM. */
enum err img_thumbnail(const struct img *image, uint32_t side, struct buf *out)
    ERR_CHECK;

#endif
