/*
 * image_internal.h - what image.c and the decoders say to each other.
 *
 * A decoder gets a task with `bytes` set, announces the size from the header with
 * img_task_set_size, waits for the pixels it needs memory for with img_task_take before
 * it allocates anything in proportion to them, stores the pixels in task->image as
 * soon as it has them (so that image.c frees them on every path), and hands EXIF to
 * img_exif_read. It neither turns the picture nor frees it.
 */
#ifndef ENCODER_IMAGE_INTERNAL_H
#define ENCODER_IMAGE_INTERNAL_H

#include "encoder/image.h"

struct img_task {
    const uint8_t *bytes; /* [size], borrowed */
    size_t size;
    uint32_t target_side;  /* as in img_options */
    struct img image;      /* as stored, not turned yet */
    unsigned orientation;  /* 1 to 8, as in EXIF; 1 is upright */
    struct img_meta *meta; /* never NULL */
};

/* image_jpeg.c, image_png.c, ...: one decoder a library. ERR_INVALID, ERR_LIMIT,
 * ERR_UNSUPPORTED or ERR_NOMEM, with a sentence. */
enum err img_jpeg_decode(struct img_task *task) ERR_CHECK;
enum err img_png_decode(struct img_task *task) ERR_CHECK;
enum err img_webp_decode(struct img_task *task) ERR_CHECK;
enum err img_heif_decode(struct img_task *task) ERR_CHECK;
enum err img_avif_decode(struct img_task *task) ERR_CHECK;
enum err img_pnm_decode(struct img_task *task) ERR_CHECK;
enum err img_stb_decode(struct img_task *task) ERR_CHECK;

/* image_avif_boxes.c: refuses a file whose lists are made to use up time and memory.
 * *n_memory: as many bytes as libavif takes for all but pixels, or more. ERR_LIMIT,
 * ERR_INVALID. */
enum err img_avif_check(const uint8_t *bytes, size_t n, size_t *n_memory) ERR_CHECK;

/* image_sniff.c: starts the error for a file that no decoder here reads. Its sentence
 * names the kind where the first bytes tell: ERR_UNSUPPORTED for pictures such as TIFF,
 * ERR_INVALID for what is no picture, such as a web page. */
enum err img_sniff_refuse(const uint8_t *bytes, size_t n) ERR_CHECK;

/* image_pixels.c. Records the size of the picture, as stored, in task->meta; ERR_LIMIT
 * and ERR_INVALID (no pixels) come with the size in the sentence. */
enum err img_task_set_size(struct img_task *task, uint64_t width, uint64_t height)
    ERR_CHECK;

/* Takes width x height pixels from the budget of the process, once a task; may wait. */
enum err img_task_take(struct img_task *task, uint32_t width, uint32_t height)
    ERR_CHECK;

/* Allocates task->image: width x height pixels of `channels` bytes (3 or 4). With 4,
 * img_flatten must follow before the picture is handed out. */
enum err img_task_allocate(struct img_task *task, uint32_t width, uint32_t height,
                           unsigned channels) ERR_CHECK;

/* Lays RGBA, [height, width, 4] in image->rgb, on white and packs it to RGB. */
void img_flatten(struct img *image);

/* Turns the picture upright. 1 does nothing; on failure it is as it was. */
enum err img_orient(struct img *image, unsigned orientation) ERR_CHECK;

/* image_exif.c. Reads an EXIF block, with or without its leading "Exif\0\0", into the
 * task's orientation and meta. What is missing or malformed stays as it was; the one
 * error is ERR_NOMEM, because a turn overlooked would be a wrong picture. */
enum err img_exif_read(struct img_task *task, const uint8_t *exif, size_t n) ERR_CHECK;

/* image_profile.c. Notes in the task's meta that an ICC profile of `n` bytes is ignored,
 * unless it is sRGB's own. */
void img_profile_note(struct img_task *task, const uint8_t *profile, size_t n);

/* image_resize.c, image_resize_avx2.c: one pass of the resampling. */

enum { IMG_RESIZE_BITS = 22 }; /* fraction bits of a weight, as in Pillow */

/* Four neighbouring weights for AVX2, which multiplies 16-bit numbers: each is split,
 * weight = (high << IMG_RESIZE_LOW_BITS) + low, and two neighbours share 32 bits. */
enum { IMG_RESIZE_LOW_BITS = 15 };

struct img_taps {
    uint32_t low[2];  /* w0 and, in the upper half, w1; w2 and w3 */
    uint32_t high[2]; /* the same, signed */
};

/* The weights of one pass: out[i] is the sum over j of in[first[i] + j] *
 * weights[i * stride + j], for j < count[i]. */
struct img_weights {
    uint32_t n;            /* outputs */
    uint32_t stride;       /* weights stored for each output, divisible by 4; those past
                              count are 0 */
    uint32_t *first;       /* [n] */
    uint32_t *count;       /* [n] */
    int32_t *weights;      /* [n, stride], scaled by 2^IMG_RESIZE_BITS */
    struct img_taps *taps; /* [n, stride / 4], the same weights split */
};

/* Computes filter->taps from filter->weights; both are allocated. */
void img_filter_split(struct img_weights *filter);

/* Filters a row of pixels into filter->n pixels. */
void img_resize_row_reference(uint8_t *out, const uint8_t *row,
                              const struct img_weights *filter);

/* Filters column by column: all row_bytes of the output row `i` from rows of `image`.
 */
void img_resize_column_reference(uint8_t *out, const uint8_t *image, size_t row_bytes,
                                 const struct img_weights *filter, uint32_t i);

/* For AVX2: IMG_RESIZE_ROWS rows at once, which lie row_bytes apart; the results lie
 * densely. Reads up to IMG_RESIZE_OVERREAD bytes past the last pixel of each row, which
 * must be there. */
enum { IMG_RESIZE_ROWS = 4, IMG_RESIZE_OVERREAD = 16 };

void img_resize_rows_avx2(uint8_t *out, const uint8_t *rows, size_t row_bytes,
                          const struct img_weights *filter);
void img_resize_column_avx2(uint8_t *out, const uint8_t *image, size_t row_bytes,
                            const struct img_weights *filter, uint32_t i);

#endif
