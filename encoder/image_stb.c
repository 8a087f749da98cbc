/*
 * image_stb.c - GIF (first frame), BMP, TGA, PSD and HDR through stb_image.
 *
 * stb_image reads zeros past the end of a file and says nothing, and its loaders are
 * chosen by tests that read ahead. So its loader is called directly (these are private
 * names of stb_image, compiled into this file), fed by a source that notices when a
 * byte past the end is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_GIF
#define STBI_ONLY_BMP
#define STBI_ONLY_TGA
#define STBI_ONLY_PSD
#define STBI_ONLY_HDR
#define STBI_NO_STDIO
#define STBI_NO_SIMD
#define STBI_MAX_DIMENSIONS LIMIT_IMAGE_SIDE
#define STBI_ASSERT(x) ((void)0)
#define STBI_MALLOC(n) alloc_array((n), 1)
#define STBI_REALLOC(p, n) alloc_resize((p), (n), 1)
#define STBI_FREE(p) alloc_free(p)
#include <stb/stb_image.h>

/* Where a GIF names the colour of the canvas. Browsers and Pillow take the canvas as
 * transparent; stb_image would paint it, transparent pixels included, in any colour but
 * number 0. */
enum { GIF_BACKGROUND_OFFSET = 11 };

struct source {
    const struct img_task *task;
    stbi__context *context;
    size_t position;
    bool truncated;
};

/* stb_image fills its own small buffer with whatever is left, and asks for exactly what
 * it needs when it reads to any other place. */
static int on_read(void *user, char *out, int wanted)
{
    struct source *s = user;
    size_t left = s->task->size - s->position;
    size_t n = (size_t)wanted < left ? (size_t)wanted : left;
    bool refill = (uint8_t *)out == s->context->buffer_start;
    if (n == 0 || (!refill && n < (size_t)wanted)) {
        s->truncated = true;
    }
    memcpy(out, s->task->bytes + s->position, n);
    size_t background = (size_t)GIF_BACKGROUND_OFFSET - s->position;
    if (s->task->meta->format == IMG_GIF && background < n) {
        out[background] = 0;
    }
    s->position += n;
    return (int)n;
}

static void on_skip(void *user, int n)
{
    struct source *s = user;
    size_t left = s->task->size - s->position;
    if (n < 0 || (size_t)n > left) {
        s->truncated = true;
        s->position = s->task->size;
        return;
    }
    s->position += (size_t)n;
}

static int on_eof(void *user)
{
    struct source *s = user;
    return s->position == s->task->size;
}

/* The size in the header; false where there is none. For GIF and PSD it is read here:
 * stb_image's own function refuses them without saying why. */
static bool read_size(const struct img_task *task, int *width, int *height)
{
    stbi__context context;
    stbi__start_mem(&context, task->bytes, (int)task->size);
    int in_file = 0; /* channels */
    switch (task->meta->format) {
    case IMG_GIF:
        stbi__skip(&context, 6);
        *width = stbi__get16le(&context);
        *height = stbi__get16le(&context);
        return true;
    case IMG_PSD:
        stbi__skip(&context, 14);
        *height = (int)stbi__get32be(&context);
        *width = (int)stbi__get32be(&context);
        return true;
    case IMG_BMP:
        return stbi__bmp_info(&context, width, height, &in_file) != 0;
    case IMG_TGA:
        return stbi__tga_info(&context, width, height, &in_file) != 0;
    default:
        return stbi__hdr_info(&context, width, height, &in_file) != 0;
    }
}

static uint8_t *load(stbi__context *context, enum img_format format, int *width,
                     int *height)
{
    stbi__result_info info = {.bits_per_channel = 8};
    int in_file = 0; /* channels; all loaders are asked for four */
    switch (format) {
    case IMG_GIF:
        return stbi__gif_load(context, width, height, &in_file, 4, &info);
    case IMG_BMP:
        return stbi__bmp_load(context, width, height, &in_file, 4, &info);
    case IMG_TGA:
        return stbi__tga_load(context, width, height, &in_file, 4, &info);
    case IMG_PSD:
        return stbi__psd_load(context, width, height, &in_file, 4, &info, 8);
    default: {
        float *light = stbi__hdr_load(context, width, height, &in_file, 4, &info);
        return light == NULL ? NULL : stbi__hdr_to_ldr(light, *width, *height, 4);
    }
    }
}

/* What stb_image says of valid files of kinds that it does not read. */
static bool is_unsupported(const char *reason)
{
    static const char *const reasons[] = {
        "BMP RLE",         "BMP JPEG/PNG",       "unknown BMP",
        "wrong version",   "wrong color format", "unsupported bit depth",
        "bad compression", "unsupported format", "unsupported data layout",
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reason, reasons[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum err report(enum img_format format)
{
    const char *name = img_format_name(format);
    const char *reason = stbi_failure_reason();
    FAIL_IF(reason == NULL, ERR_INVALID, "broken %s: the header makes no sense", name);
    FAIL_IF(strcmp(reason, "outofmem") == 0, ERR_NOMEM, "out of memory decoding %s",
            name);
    FAIL_IF(strcmp(reason, "too large") == 0, ERR_LIMIT,
            "this %s is too large for its decoder", name);
    FAIL_IF(is_unsupported(reason), ERR_UNSUPPORTED, "unsupported kind of %s: %s", name,
            reason);
    return err_set(ERR_INVALID, "broken %s: %s", name, reason);
}

/* A BMP of 32 bits without masks (compression 0) has a fourth byte that means nothing;
 * stb_image takes it for alpha. */
static bool has_false_alpha(const struct img_task *task)
{
    static const uint8_t none[4] = {0};
    return task->meta->format == IMG_BMP && task->size >= 34 &&
           memcmp(task->bytes + 30, none, sizeof(none)) == 0;
}

static void make_opaque(struct img *image)
{
    size_t n = (size_t)image->width * image->height;
    for (size_t i = 0; i < n; i++) {
        image->rgb[4 * i + 3] = 255;
    }
}

static enum err check_header(struct img_task *task)
{
    int width = 0, height = 0;
    if (!read_size(task, &width, &height)) {
        return report(task->meta->format);
    }
    /* A BMP stored from the top down has a negative height. */
    return img_task_set_size(task, (uint64_t)llabs(width), (uint64_t)llabs(height));
}

enum err img_stb_decode(struct img_task *task)
{
    stbi__g_failure_reason = NULL; /* what an earlier file left on this thread */
    TRY(check_header(task));
    TRY(img_task_take(task, task->meta->width, task->meta->height));
    stbi__context context;
    struct source source = {.task = task, .context = &context};
    stbi_io_callbacks callbacks = {.read = on_read, .skip = on_skip, .eof = on_eof};
    stbi__start_callbacks(&context, &callbacks, &source);
    int width = 0, height = 0;
    task->image.rgb = load(&context, task->meta->format, &width, &height);
    FAIL_IF(source.truncated, ERR_INVALID, "truncated %s: the file ends early",
            img_format_name(task->meta->format));
    if (task->image.rgb == NULL) {
        return report(task->meta->format);
    }
    FAIL_IF((uint32_t)width != task->meta->width ||
                (uint32_t)height != task->meta->height,
            ERR_INVALID, "broken %s: two sizes in one file",
            img_format_name(task->meta->format));
    task->image.width = task->meta->width;
    task->image.height = task->meta->height;
    if (has_false_alpha(task)) {
        make_opaque(&task->image);
    }
    img_flatten(&task->image);
    return ERR_OK;
}
