/*
 * image_png.c - PNG through libpng: every depth and colour type made 8-bit RGB, with
 * alpha (a channel or a tRNS chunk) laid on white.
 *
 * 16-bit samples keep their high byte, as in Pillow. Errors jump back to guarded(), as
 * in image_jpeg.c. A file that ends, or goes wrong, behind the checksum of its last
 * pixels is a picture all the same, as for Pillow and browsers: what is missing, as a
 * rule the mark of the end, shows nothing.
 */
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "base/alloc.h"
#include "encoder/image_internal.h"

struct reader {
    png_structp png;
    png_infop info;
    size_t position; /* of the next byte in task->bytes */
    jmp_buf escape;
    enum err failure;
    unsigned channels; /* of the pixels once they are all there; 0 before */
    struct img_task *task;
};

static PNG_NORETURN void on_error(png_structp png, png_const_charp words)
{
    struct reader *r = png_get_error_ptr(png);
    /* Out of memory is told by on_allocate, before libpng puts it in its own words. */
    if (r->failure != ERR_NOMEM) {
        r->failure = err_set(ERR_INVALID, "broken PNG: %s", words);
    }
    longjmp(r->escape, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
    (void)png;
    (void)words;
}

static void *on_allocate(png_structp png, png_alloc_size_t n)
{
    struct reader *r = png_get_mem_ptr(png);
    void *p = alloc_array(n, 1);
    if (p == NULL) {
        r->failure = ERR_NOMEM;
    }
    return p;
}

static void on_free(png_structp png, void *p)
{
    (void)png;
    alloc_free(p);
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    if (n > r->task->size - r->position) {
        png_error(png, "the file ends early");
    }
    memcpy(out, r->task->bytes + r->position, n);
    r->position += n;
}

/* Asks libpng for 8-bit RGB, or RGBA where the file has any transparency. */
static void set_transforms(struct reader *r)
{
    png_set_expand(r->png);
    png_set_strip_16(r->png);
    png_set_gray_to_rgb(r->png);
}

static void read_rows(struct reader *r, int n_passes)
{
    const struct img *image = &r->task->image;
    size_t row_bytes = png_get_rowbytes(r->png, r->info);
    for (int pass = 0; pass < n_passes; pass++) {
        for (uint32_t y = 0; y < image->height; y++) {
            png_read_row(r->png, image->rgb + y * row_bytes, NULL);
        }
    }
}

/* After the pixels: EXIF may stand on either side of them. */
static enum err read_exif(struct reader *r)
{
    png_bytep exif = NULL;
    png_uint_32 n = 0;
    if (png_get_eXIf_1(r->png, r->info, &n, &exif) == 0) {
        return ERR_OK;
    }
    return img_exif_read(r->task, exif, n);
}

static void read_profile(struct reader *r)
{
    png_charp name = NULL;
    png_bytep profile = NULL;
    png_uint_32 n = 0;
    int method = 0;
    if (png_get_iCCP(r->png, r->info, &name, &method, &profile, &n) != 0) {
        img_profile_note(r->task, profile, n);
    }
}

static enum err read_picture(struct reader *r)
{
    png_set_read_fn(r->png, r, on_read);
    /* The limits are ours, with our sentence; libpng's own would be "Invalid IHDR". */
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(r->png, r->info);
    uint32_t width = png_get_image_width(r->png, r->info);
    uint32_t height = png_get_image_height(r->png, r->info);
    TRY(img_task_set_size(r->task, width, height));
    read_profile(r);
    TRY(img_task_take(r->task, width, height));

    set_transforms(r);
    int n_passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    unsigned channels = png_get_channels(r->png, r->info);
    TRY(img_task_allocate(r->task, width, height, channels));
    read_rows(r, n_passes);
    r->channels = channels;
    png_read_end(r->png, r->info);
    return ERR_OK;
}

static enum err guarded(struct reader *r)
{
    if (setjmp(r->escape) != 0) {
        return r->channels > 0 && r->failure == ERR_INVALID ? ERR_OK : r->failure;
    }
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning, r,
                                      on_allocate, on_free);
    if (r->png == NULL) {
        return r->failure;
    }
    r->info = png_create_info_struct(r->png);
    if (r->info == NULL) {
        return r->failure;
    }
    return read_picture(r);
}

enum err img_png_decode(struct img_task *task)
{
    struct reader r = {.task = task, .failure = ERR_INTERNAL};
    enum err result = guarded(&r);
    if (result == ERR_OK) {
        result = read_exif(&r);
    }
    if (result == ERR_OK && r.channels == 4) {
        img_flatten(&task->image);
    }
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return result;
}
