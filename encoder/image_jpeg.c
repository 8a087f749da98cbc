/*
 * image_jpeg.c - JPEG through libjpeg-turbo.
 *
 * libjpeg reports errors by a function that must not return; ours stores the sentence
 * and jumps back to guarded(). Everything the jump passes over lives in struct reader,
 * so nothing is leaked and no local variable is in doubt.
 *
 * A file that ends early is refused, as Pillow does (even if it is only the end mark that
 * is missing), where libjpeg by itself would fill up with grey. Damage inside the data that libjpeg can step over is not an error, also
 * as Pillow does.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/alloc.h"
#include "encoder/image_internal.h"

/* A progressive file of a few kilobytes can ask for a thousand passes over a large
 * picture; real ones have about ten. */
enum { SCANS_MAX = 200 };

/* Of a colour profile, its head: enough to find its name in. */
enum { PROFILE_BYTES = 4096 };

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    enum err failure;
    struct img_task *task;
};

static enum err code_of(int message)
{
    switch (message) {
    case JERR_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case JERR_IMAGE_TOO_BIG:
        return ERR_LIMIT;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_INVALID;
    }
}

static void on_error(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    char words[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, words);
    r->failure = err_set(code_of(jpeg->err->msg_code), "broken JPEG: %s", words);
    longjmp(r->escape, 1);
}

static void on_warning(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void on_progress(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > SCANS_MAX) {
        r->failure = err_set(ERR_LIMIT, "broken JPEG: more than %d scans", SCANS_MAX);
        longjmp(r->escape, 1);
    }
}

static boolean on_end_of_input(j_decompress_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    r->failure = err_set(ERR_INVALID, "truncated JPEG: the file ends early");
    longjmp(r->escape, 1);
}

static enum err read_exif(struct reader *r)
{
    jpeg_saved_marker_ptr marker = r->jpeg.marker_list;
    while (marker != NULL) {
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length >= 6 &&
            memcmp(marker->data, "Exif\0\0", 6) == 0) {
            return img_exif_read(r->task, marker->data, marker->data_length);
        }
        marker = marker->next;
    }
    return ERR_OK;
}

/* The profile, or the first part of a large one: "ICC_PROFILE", NUL, which part of how
 * many, and then its bytes. */
static void read_profile(struct reader *r)
{
    enum { HEAD = 14 };
    jpeg_saved_marker_ptr marker = r->jpeg.marker_list;
    while (marker != NULL) {
        if (marker->marker == JPEG_APP0 + 2 && marker->data_length > HEAD &&
            memcmp(marker->data, "ICC_PROFILE", 12) == 0 && marker->data[12] == 1) {
            img_profile_note(r->task, marker->data + HEAD, marker->data_length - HEAD);
        }
        marker = marker->next;
    }
}

/* The divisor of both sides by which libjpeg may shrink while it decodes: the picture
 * keeps at least twice the target's side, so that resizing still has enough to blur. */
static unsigned shrink_by(uint32_t width, uint32_t height, uint32_t target_side)
{
    uint64_t shorter = width < height ? width : height;
    uint64_t target = target_side;
    if (target == 0 || shorter < 4 * target) {
        return 1;
    }
    return shorter >= 16 * target ? 8 : shorter >= 8 * target ? 4 : 2;
}

/* Inks to light, as Pillow's convert("RGB"). Adobe's files, which are the ones there
 * are, store inverted inks: 255 is none. */
static void row_from_cmyk(uint8_t *rgb, const uint8_t *inverted, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, rgb += 3, inverted += 4) {
        int light = inverted[3];
        for (int c = 0; c < 3; c++) {
            int absorbed = (255 - inverted[c]) * light + 128;
            absorbed = ((absorbed >> 8) + absorbed) >> 8;
            int value = light - absorbed;
            rgb[c] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

static void read_rows(struct reader *r)
{
    j_decompress_ptr jpeg = &r->jpeg;
    struct img *image = &r->task->image;
    bool cmyk = jpeg->out_color_space == JCS_CMYK;
    JSAMPARRAY inks = NULL; /* one row, freed with the decoder */
    if (cmyk) {
        inks = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                       4 * image->width, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = image->rgb + 3 * (size_t)jpeg->output_scanline * image->width;
        (void)jpeg_read_scanlines(jpeg, cmyk ? inks : &row, 1);
        if (cmyk) {
            row_from_cmyk(row, inks[0], image->width);
        }
    }
}

/* A file of many scans is held whole, as coefficients, however small it comes out. */
static enum err take(struct reader *r)
{
    j_decompress_ptr jpeg = &r->jpeg;
    if (jpeg_has_multiple_scans(jpeg)) {
        return img_task_take(r->task, jpeg->image_width, jpeg->image_height);
    }
    return img_task_take(r->task, jpeg->output_width, jpeg->output_height);
}

static enum err read_picture(struct reader *r)
{
    j_decompress_ptr jpeg = &r->jpeg;
    struct img_task *task = r->task;
    jpeg_mem_src(jpeg, task->bytes, task->size);
    jpeg->src->fill_input_buffer = on_end_of_input;
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(jpeg, JPEG_APP0 + 2, PROFILE_BYTES);
    (void)jpeg_read_header(jpeg, TRUE);
    TRY(img_task_set_size(task, jpeg->image_width, jpeg->image_height));
    TRY(read_exif(r));
    read_profile(r);

    bool inks =
        jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom =
        shrink_by(jpeg->image_width, jpeg->image_height, task->target_side);
    jpeg_calc_output_dimensions(jpeg);
    TRY(take(r));
    (void)jpeg_start_decompress(jpeg);
    TRY(img_task_allocate(task, jpeg->output_width, jpeg->output_height, 3));
    read_rows(r);
    (void)jpeg_finish_decompress(jpeg);
    return ERR_OK;
}

static enum err guarded(struct reader *r)
{
    if (setjmp(r->escape) != 0) {
        return r->failure;
    }
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    return read_picture(r);
}

enum err img_jpeg_decode(struct img_task *task)
{
    struct reader r = {.task = task, .failure = ERR_INTERNAL};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_warning;
    r.progress.progress_monitor = on_progress;
    enum err result = guarded(&r);
    jpeg_destroy_decompress(&r.jpeg);
    return result;
}
