/*
 * image_heif.c - HEIC (phones) and AVIF through libheif: the primary picture.
 *
 * A HEIF file turns, mirrors and crops by properties of its own, which libheif applies.
 * Its EXIF usually says the same turn once more, so that one is not applied.
 */
#include <string.h>

#include <libheif/heif.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

struct reader {
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *picture;
};

static enum err report(struct heif_error error)
{
    switch (error.code) {
    case heif_error_Ok:
        return ERR_OK;
    case heif_error_Memory_allocation_error:
        return error.subcode == heif_suberror_Security_limit_exceeded
                   ? err_set(ERR_LIMIT, "HEIF past a limit: %s", error.message)
                   : err_set(ERR_NOMEM, "out of memory decoding HEIF");
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
        return err_set(ERR_UNSUPPORTED, "unsupported HEIF: %s", error.message);
    default:
        return err_set(ERR_INVALID, "broken HEIF: %s", error.message);
    }
}

/* A profile proper; a list of numbers from the video standards (nclx) is none. */
static enum err read_profile(struct img_task *task,
                             const struct heif_image_handle *handle)
{
    enum { PROFILE_BYTES_MAX = 4 << 20 };
    enum heif_color_profile_type type =
        heif_image_handle_get_color_profile_type(handle);
    size_t n = heif_image_handle_get_raw_color_profile_size(handle);
    bool raw =
        type == heif_color_profile_type_prof || type == heif_color_profile_type_rICC;
    if (!raw || n == 0 || n > PROFILE_BYTES_MAX) {
        task->meta->has_profile = raw;
        return ERR_OK;
    }
    uint8_t *profile = alloc_array(n, 1);
    if (profile == NULL) {
        return ERR_NOMEM;
    }
    if (heif_image_handle_get_raw_color_profile(handle, profile).code ==
        heif_error_Ok) {
        img_profile_note(task, profile, n);
    }
    alloc_free(profile);
    return ERR_OK;
}

/* The block begins with 4 bytes that say how far behind them lies the TIFF header. */
static enum err read_exif_block(struct img_task *task, const uint8_t *block, size_t n)
{
    if (n < 4) {
        return ERR_OK;
    }
    size_t skip = (size_t)block[0] << 24 | (size_t)block[1] << 16 |
                  (size_t)block[2] << 8 | block[3];
    if (skip >= n - 4) {
        return ERR_OK;
    }
    enum err result = img_exif_read(task, block + 4 + skip, n - 4 - skip);
    task->orientation = 1;
    return result;
}

static enum err read_exif(struct img_task *task, const struct heif_image_handle *handle)
{
    enum { EXIF_BYTES_MAX = 1 << 20 };
    heif_item_id id;
    if (heif_image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &id, 1) < 1) {
        return ERR_OK;
    }
    size_t n = heif_image_handle_get_metadata_size(handle, id);
    if (n > EXIF_BYTES_MAX) {
        return ERR_OK;
    }
    uint8_t *block = alloc_array(n, 1);
    if (block == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    if (heif_image_handle_get_metadata(handle, id, block).code == heif_error_Ok) {
        result = read_exif_block(task, block, n);
    }
    alloc_free(block);
    return result;
}

static enum err copy_rows(struct img_task *task, const struct heif_image *picture,
                          unsigned channels)
{
    int stride = 0;
    const uint8_t *plane =
        heif_image_get_plane_readonly(picture, heif_channel_interleaved, &stride);
    int width = heif_image_get_width(picture, heif_channel_interleaved);
    int height = heif_image_get_height(picture, heif_channel_interleaved);
    FAIL_IF(plane == NULL || width <= 0 || height <= 0, ERR_INVALID,
            "broken HEIF: it decodes to nothing");
    /* What was decoded may differ from what the header said. */
    TRY(img_task_set_size(task, (uint64_t)width, (uint64_t)height));
    TRY(img_task_allocate(task, (uint32_t)width, (uint32_t)height, channels));
    size_t row_bytes = (size_t)width * channels;
    for (int y = 0; y < height; y++) {
        memcpy(task->image.rgb + y * row_bytes, plane + y * (size_t)stride, row_bytes);
    }
    return ERR_OK;
}

static enum err decode(struct reader *r, struct img_task *task)
{
    r->context = heif_context_alloc();
    FAIL_IF(r->context == NULL, ERR_NOMEM, "out of memory decoding HEIF");
    heif_context_set_maximum_image_size_limit(r->context, LIMIT_IMAGE_SIDE);
    /* Threads are the caller's to hand out. (The AV1 decoder behind libheif 1.15 may
     * still start some of its own; there is no way to tell it.) */
    heif_context_set_max_decoding_threads(r->context, 0);
    TRY(report(heif_context_read_from_memory_without_copy(r->context, task->bytes,
                                                          task->size, NULL)));
    TRY(report(heif_context_get_primary_image_handle(r->context, &r->handle)));
    int width = heif_image_handle_get_width(r->handle);
    int height = heif_image_handle_get_height(r->handle);
    TRY(img_task_set_size(task, width < 0 ? 0 : (uint64_t)width,
                          height < 0 ? 0 : (uint64_t)height));
    TRY(read_exif(task, r->handle));
    TRY(read_profile(task, r->handle));
    TRY(img_task_take(task, task->meta->width, task->meta->height));

    bool alpha = heif_image_handle_has_alpha_channel(r->handle) != 0;
    TRY(report(heif_decode_image(
        r->handle, &r->picture, heif_colorspace_RGB,
        alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, NULL)));
    TRY(copy_rows(task, r->picture, alpha ? 4 : 3));
    if (alpha) {
        img_flatten(&task->image);
    }
    return ERR_OK;
}

enum err img_heif_decode(struct img_task *task)
{
    struct reader r = {0};
    enum err result = decode(&r, task);
    heif_image_release(r.picture);
    heif_image_handle_release(r.handle);
    heif_context_free(r.context);
    return result;
}
