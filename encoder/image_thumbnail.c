/*
 * image_thumbnail.c - small JPEGs, written by libjpeg-turbo straight into a buffer.
 */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "base/alloc.h"
#include "encoder/image_internal.h"

enum {
    QUALITY = 85,
    CHUNK = 4096 /* bytes the buffer grows by */
};

struct writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf escape;
    enum err failure;
    struct buf *out;
};

static void on_error(j_common_ptr jpeg)
{
    struct writer *w = jpeg->client_data;
    char words[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, words);
    w->failure = err_set(ERR_INTERNAL, "cannot write a JPEG: %s", words);
    longjmp(w->escape, 1);
}

static void make_room(struct writer *w)
{
    char *room = buf_reserve(w->out, CHUNK);
    if (room == NULL) {
        bool full = w->out->max_size - w->out->size < CHUNK;
        w->failure = full ? ERR_LIMIT : ERR_NOMEM;
        longjmp(w->escape, 1);
    }
    w->destination.next_output_byte = (JOCTET *)room;
    w->destination.free_in_buffer = CHUNK;
}

static void on_start(j_compress_ptr jpeg)
{
    make_room(jpeg->client_data);
}

/* libjpeg calls this with the chunk full, whatever free_in_buffer says. */
static boolean on_full(j_compress_ptr jpeg)
{
    struct writer *w = jpeg->client_data;
    w->out->size += CHUNK;
    make_room(w);
    return TRUE;
}

static void on_end(j_compress_ptr jpeg)
{
    struct writer *w = jpeg->client_data;
    w->out->size += CHUNK - w->destination.free_in_buffer;
}

static void write_picture(struct writer *w, const struct img *image)
{
    j_compress_ptr jpeg = &w->jpeg;
    jpeg->dest = &w->destination;
    jpeg->image_width = image->width;
    jpeg->image_height = image->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, QUALITY, TRUE);
    jpeg->optimize_coding = TRUE;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = image->rgb + 3 * (size_t)jpeg->next_scanline * image->width;
        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

static enum err guarded(struct writer *w, const struct img *image)
{
    if (setjmp(w->escape) != 0) {
        return w->failure;
    }
    jpeg_create_compress(&w->jpeg);
    w->jpeg.client_data = w;
    write_picture(w, image);
    return ERR_OK;
}

static enum err append_jpeg(struct buf *out, const struct img *image)
{
    struct writer w = {.out = out, .failure = ERR_INTERNAL};
    size_t before = out->size;
    w.jpeg.err = jpeg_std_error(&w.errors);
    w.jpeg.client_data = &w;
    w.errors.error_exit = on_error;
    w.destination.init_destination = on_start;
    w.destination.empty_output_buffer = on_full;
    w.destination.term_destination = on_end;
    enum err result = guarded(&w, image);
    jpeg_destroy_compress(&w.jpeg);
    if (out->capacity > 0) {
        out->size = result == ERR_OK ? out->size : before;
        out->data[out->size] = '\0';
    }
    return result;
}

/* side * shorter / longer, rounded, at least 1. */
static uint32_t scaled(uint32_t side, uint32_t shorter, uint32_t longer)
{
    uint64_t value = ((uint64_t)side * shorter + longer / 2) / longer;
    return value == 0 ? 1 : (uint32_t)value;
}

enum err img_thumbnail(const struct img *image, uint32_t side, struct buf *out)
{
    FAIL_IF(side == 0, ERR_INVALID, "a thumbnail of 0 pixels");
    if (image->width <= side && image->height <= side) {
        FAIL_IF(image->rgb == NULL, ERR_INVALID, "the picture to be shrunk is empty");
        return append_jpeg(out, image);
    }
    bool wide = image->width >= image->height;
    struct img small;
    TRY(img_resize(
        &small, image, wide ? side : scaled(side, image->width, image->height),
        wide ? scaled(side, image->height, image->width) : side, IMG_BICUBIC));
    enum err result = append_jpeg(out, &small);
    img_release(&small);
    return result;
}
