/*
 * image_webp.c - WebP through libwebp; of an animation, the first frame on its canvas.
 *
 * The demuxer finds the frame and the EXIF chunk and refuses a truncated file; the
 * decoder proper then writes into our memory.
 */
#include <webp/decode.h>
#include <webp/demux.h>

#include "base/alloc.h"
#include "encoder/image_internal.h"

static enum err report(VP8StatusCode status)
{
    switch (status) {
    case VP8_STATUS_OK:
        return ERR_OK;
    case VP8_STATUS_OUT_OF_MEMORY:
        return err_set(ERR_NOMEM, "out of memory decoding WebP");
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return err_set(ERR_INVALID, "truncated WebP: the file ends early");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return err_set(ERR_UNSUPPORTED, "a WebP of a kind libwebp does not read");
    default:
        return err_set(ERR_INVALID, "broken WebP: the data does not decode");
    }
}

static void read_profile(struct img_task *task, const WebPDemuxer *demuxer)
{
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk)) {
        img_profile_note(task, chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
}

static enum err read_exif(struct img_task *task, const WebPDemuxer *demuxer)
{
    WebPChunkIterator chunk;
    if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        return ERR_OK;
    }
    enum err result = img_exif_read(task, chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return result;
}

/* Decodes the frame to its place in task->image, whose pixels have `channels` bytes. */
static enum err decode_into(struct img_task *task, const WebPIterator *frame,
                            unsigned channels)
{
    const struct img *image = &task->image;
    size_t stride = (size_t)image->width * channels;
    size_t start =
        (size_t)frame->y_offset * stride + (size_t)frame->x_offset * channels;
    WebPDecoderConfig config;
    FAIL_IF(!WebPInitDecoderConfig(&config), ERR_INTERNAL,
            "libwebp is not the version this was built for");
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->rgb + start;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * image->height - start;
    return report(WebPDecode(frame->fragment.bytes, frame->fragment.size, &config));
}

static enum err decode_frame(struct img_task *task, const WebPIterator *frame)
{
    uint32_t width = task->meta->width;
    uint32_t height = task->meta->height;
    bool inside = frame->x_offset >= 0 && frame->y_offset >= 0 &&
                  (int64_t)frame->x_offset + frame->width <= width &&
                  (int64_t)frame->y_offset + frame->height <= height;
    FAIL_IF(!inside, ERR_INVALID, "broken WebP: a frame lies outside the picture");

    bool covers = (uint32_t)frame->width == width && (uint32_t)frame->height == height;
    unsigned channels = covers && !frame->has_alpha ? 3 : 4;
    TRY(img_task_take(task, width, height));
    TRY(img_task_allocate(task, width, height, channels));
    TRY(decode_into(task, frame, channels));
    if (channels == 4) {
        img_flatten(&task->image);
    }
    return ERR_OK;
}

static enum err decode(struct img_task *task, const WebPDemuxer *demuxer)
{
    TRY(img_task_set_size(task, WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH),
                          WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT)));
    TRY(read_exif(task, demuxer));
    read_profile(task, demuxer);
    WebPIterator frame;
    FAIL_IF(!WebPDemuxGetFrame(demuxer, 1, &frame), ERR_INVALID,
            "broken WebP: no frame in it");
    enum err result = decode_frame(task, &frame);
    WebPDemuxReleaseIterator(&frame);
    return result;
}

enum err img_webp_decode(struct img_task *task)
{
    WebPData data = {.bytes = task->bytes, .size = task->size};
    WebPDemuxState state;
    WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
    bool complete = state == WEBP_DEMUX_DONE;
    if (demuxer == NULL || !complete) {
        WebPDemuxDelete(demuxer);
        FAIL_IF(state == WEBP_DEMUX_PARSE_ERROR, ERR_INVALID,
                "broken WebP: the file's structure is wrong");
        return report(VP8_STATUS_NOT_ENOUGH_DATA);
    }
    enum err result = decode(task, demuxer);
    WebPDemuxDelete(demuxer);
    return result;
}
