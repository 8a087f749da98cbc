/*
 * image_pnm.c - binary PNM, grey (P5) and colour (P6), of 8 or 16 bits.
 *
 * The one format decoded by hand: three numbers and raw samples. (stb_image 2.27 reads
 * it too, but ignores the largest value and gets 16 bits wrong.)
 */
#include "base/alloc.h"
#include "encoder/image_internal.h"

struct header {
    unsigned channels;
    uint32_t width;
    uint32_t height;
    uint32_t max;  /* the sample that means full light */
    size_t pixels; /* where the samples begin */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Skips blanks and comments from *at, reads a decimal number, leaves *at behind it. */
static enum err read_number(const struct img_task *task, size_t *at, uint32_t *out)
{
    const uint8_t *bytes = task->bytes;
    size_t i = *at;
    while (i < task->size && (is_blank(bytes[i]) || bytes[i] == '#')) {
        bool comment = bytes[i] == '#';
        i++;
        while (comment && i < task->size && bytes[i] != '\n') {
            i++;
        }
    }
    size_t start = i;
    uint32_t value = 0;
    while (i < task->size && bytes[i] >= '0' && bytes[i] <= '9') {
        if (value < 100000000) { /* past every limit; more digits change nothing */
            value = value * 10 + (bytes[i] - '0');
        }
        i++;
    }
    FAIL_IF(i == start, ERR_INVALID, "broken PNM: a number is missing in the header");
    *at = i;
    *out = value;
    return ERR_OK;
}

static enum err read_header(const struct img_task *task, struct header *h)
{
    size_t at = 2;
    h->channels = task->bytes[1] == '6' ? 3 : 1;
    TRY(read_number(task, &at, &h->width));
    TRY(read_number(task, &at, &h->height));
    TRY(read_number(task, &at, &h->max));
    FAIL_IF(h->max == 0 || h->max > 65535, ERR_INVALID,
            "broken PNM: %u as the largest sample", h->max);
    FAIL_IF(at >= task->size || !is_blank(task->bytes[at]), ERR_INVALID,
            "broken PNM: no blank before the samples");
    h->pixels = at + 1;
    return ERR_OK;
}

static uint8_t sample(const uint8_t *in, uint32_t max)
{
    uint32_t value = max > 255 ? (uint32_t)in[0] << 8 | in[1] : in[0];
    return (uint8_t)(value >= max ? 255 : (value * 255 + max / 2) / max);
}

enum err img_pnm_decode(struct img_task *task)
{
    struct header h;
    TRY(read_header(task, &h));
    TRY(img_task_set_size(task, h.width, h.height));
    unsigned sample_bytes = h.max > 255 ? 2 : 1;
    size_t n_pixels = (size_t)h.width * h.height;
    FAIL_IF(task->size - h.pixels < n_pixels * h.channels * sample_bytes, ERR_INVALID,
            "truncated PNM: the file ends early");
    TRY(img_task_take(task, h.width, h.height));
    TRY(img_task_allocate(task, h.width, h.height, 3));

    const uint8_t *in = task->bytes + h.pixels;
    unsigned next = h.channels == 3 ? sample_bytes : 0; /* to the next colour */
    uint8_t *rgb = task->image.rgb;
    for (size_t i = 0; i < n_pixels; i++, rgb += 3, in += h.channels * sample_bytes) {
        rgb[0] = sample(in, h.max);
        rgb[1] = sample(in + next, h.max);
        rgb[2] = sample(in + 2 * next, h.max);
    }
    return ERR_OK;
}
