/*
 * image_resize.c - antialiased bicubic resampling, as Pillow up to version 12 does it.
 *
 * To equal it to the last bit, it follows Pillow's src/libImaging/Resample.c: the
 * weights are computed in double and rounded to 22 fraction bits, rows are filtered
 * first into an 8-bit picture of the new width, columns second. Sums of integers come
 * out the same in any order, so the AVX2 kernels equal the reference exactly.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

#define BICUBIC_SUPPORT 2.0 /* pixels to either side, before scaling */

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    }
    if (x < 2.0) {
        return (((x - 5) * x + 8) * x - 4) * a;
    }
    return 0.0;
}

static void filter_release(struct img_weights *filter)
{
    alloc_free(filter->taps);
    alloc_free(filter->weights);
    alloc_free(filter->count);
    alloc_free(filter->first);
    *filter = (struct img_weights){0};
}

/* Rounds half away from zero, as Pillow does. */
static int32_t to_fixed(double weight)
{
    double scaled = weight * (1 << IMG_RESIZE_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* Computes output i's window and weights; `row` is scratch for filter->stride. */
static void filter_compute(struct img_weights *filter, uint32_t i, uint32_t n_in,
                           double *row)
{
    double scale = (double)n_in / filter->n;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = BICUBIC_SUPPORT * filter_scale;
    double inverse = 1.0 / filter_scale;
    double center = (i + 0.5) * scale;

    int first = (int)(center - support + 0.5);
    first = first < 0 ? 0 : first;
    int end = (int)(center + support + 0.5);
    end = end > (int)n_in ? (int)n_in : end;
    int count = end - first;

    double sum = 0.0;
    for (int j = 0; j < count; j++) {
        row[j] = bicubic((j + first - center + 0.5) * inverse);
        sum += row[j];
    }
    int32_t *weights = filter->weights + (size_t)i * filter->stride;
    for (int j = 0; j < count; j++) {
        weights[j] = to_fixed(sum != 0.0 ? row[j] / sum : row[j]);
    }
    filter->first[i] = (uint32_t)first;
    filter->count[i] = (uint32_t)count;
}

static uint32_t pair(int32_t first, int32_t second)
{
    return ((uint32_t)first & 0xFFFF) | (uint32_t)second << 16;
}

void img_filter_split(struct img_weights *filter)
{
    const int32_t mask = (1 << IMG_RESIZE_LOW_BITS) - 1;
    size_t n_taps = (size_t)filter->n * filter->stride / 4;
    for (size_t i = 0; i < n_taps; i++) {
        const int32_t *w = filter->weights + 4 * i;
        for (size_t half = 0; half < 2; half++, w += 2) {
            filter->taps[i].low[half] = pair(w[0] & mask, w[1] & mask);
            filter->taps[i].high[half] =
                pair(w[0] >> IMG_RESIZE_LOW_BITS, w[1] >> IMG_RESIZE_LOW_BITS);
        }
    }
}

/* Makes the filter that takes n_in samples to n_out. */
static enum err filter_init(struct img_weights *filter, uint32_t n_in, uint32_t n_out)
{
    double scale = (double)n_in / n_out;
    double support = BICUBIC_SUPPORT * (scale < 1.0 ? 1.0 : scale);
    /* Pillow's window, rounded up to the four taps an AVX2 step takes. */
    uint32_t window = (uint32_t)ceil(support) * 2 + 1;
    filter->n = n_out;
    filter->stride = (window + 3) / 4 * 4;
    filter->first = alloc_array(n_out, sizeof(*filter->first));
    filter->count = alloc_array(n_out, sizeof(*filter->count));
    filter->weights =
        alloc_zero((size_t)n_out * filter->stride, sizeof(*filter->weights));
    filter->taps =
        alloc_array((size_t)n_out * filter->stride / 4, sizeof(*filter->taps));
    double *row = alloc_array(filter->stride, sizeof(*row));
    if (filter->first == NULL || filter->count == NULL || filter->weights == NULL ||
        filter->taps == NULL || row == NULL) {
        alloc_free(row);
        filter_release(filter);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < n_out; i++) {
        filter_compute(filter, i, n_in, row);
    }
    img_filter_split(filter);
    alloc_free(row);
    return ERR_OK;
}

static uint8_t clip8(int32_t sum)
{
    int32_t value = sum >> IMG_RESIZE_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void img_resize_row_reference(uint8_t *out, const uint8_t *row,
                              const struct img_weights *filter)
{
    for (uint32_t i = 0; i < filter->n; i++) {
        const int32_t *weights = filter->weights + (size_t)i * filter->stride;
        const uint8_t *in = row + 3 * (size_t)filter->first[i];
        int32_t sum[3];
        sum[0] = sum[1] = sum[2] = 1 << (IMG_RESIZE_BITS - 1);
        for (uint32_t j = 0; j < filter->count[i]; j++, in += 3) {
            sum[0] += in[0] * weights[j];
            sum[1] += in[1] * weights[j];
            sum[2] += in[2] * weights[j];
        }
        out[3 * i + 0] = clip8(sum[0]);
        out[3 * i + 1] = clip8(sum[1]);
        out[3 * i + 2] = clip8(sum[2]);
    }
}

void img_resize_column_reference(uint8_t *out, const uint8_t *image, size_t row_bytes,
                                 const struct img_weights *filter, uint32_t i)
{
    const int32_t *weights = filter->weights + (size_t)i * filter->stride;
    const uint8_t *top = image + filter->first[i] * row_bytes;
    for (size_t x = 0; x < row_bytes; x++) {
        const uint8_t *in = top + x;
        int32_t sum = 1 << (IMG_RESIZE_BITS - 1);
        for (uint32_t j = 0; j < filter->count[i]; j++, in += row_bytes) {
            sum += *in * weights[j];
        }
        out[x] = clip8(sum);
    }
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/* How many rows, from the top, have the bytes behind them that the AVX2 kernel reads.
 */
static uint32_t rows_with_room(const struct img *image)
{
    size_t row_bytes = 3 * (size_t)image->width;
    size_t at_end = (IMG_RESIZE_OVERREAD + row_bytes - 1) / row_bytes;
    return image->height > at_end ? image->height - (uint32_t)at_end : 0;
}

static void filter_rows(struct img *out, const struct img *image,
                        const struct img_weights *filter)
{
    size_t in_bytes = 3 * (size_t)image->width;
    size_t out_bytes = 3 * (size_t)out->width;
    uint32_t n_fast = has_avx2() ? rows_with_room(image) : 0;
    uint32_t y = 0;
    for (; y + IMG_RESIZE_ROWS <= n_fast; y += IMG_RESIZE_ROWS) {
        img_resize_rows_avx2(out->rgb + y * out_bytes, image->rgb + y * in_bytes,
                             in_bytes, filter);
    }
    for (; y < image->height; y++) {
        img_resize_row_reference(out->rgb + y * out_bytes, image->rgb + y * in_bytes,
                                 filter);
    }
}

static enum err resize_rows(struct img *out, const struct img *image, uint32_t width)
{
    struct img_weights filter;
    TRY(filter_init(&filter, image->width, width));
    out->width = width;
    out->height = image->height;
    out->rgb = alloc_array((size_t)width * image->height, 3);
    if (out->rgb != NULL) {
        filter_rows(out, image, &filter);
    }
    filter_release(&filter);
    return out->rgb == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err resize_columns(struct img *out, const struct img *image,
                               uint32_t height)
{
    struct img_weights filter;
    TRY(filter_init(&filter, image->height, height));
    size_t row_bytes = 3 * (size_t)image->width;
    out->width = image->width;
    out->height = height;
    out->rgb = alloc_array(height, row_bytes);
    void (*resize_column)(uint8_t *, const uint8_t *, size_t,
                          const struct img_weights *, uint32_t) =
        has_avx2() ? img_resize_column_avx2 : img_resize_column_reference;
    for (uint32_t y = 0; out->rgb != NULL && y < height; y++) {
        resize_column(out->rgb + y * row_bytes, image->rgb, row_bytes, &filter, y);
    }
    filter_release(&filter);
    return out->rgb == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err copy(struct img *out, const struct img *image)
{
    size_t n_bytes = 3 * (size_t)image->width * image->height;
    out->rgb = alloc_array(n_bytes, 1);
    if (out->rgb == NULL) {
        return ERR_NOMEM;
    }
    memcpy(out->rgb, image->rgb, n_bytes);
    out->width = image->width;
    out->height = image->height;
    return ERR_OK;
}

/* A side that keeps its size is not filtered, as in Pillow. */
static enum err resize(struct img *out, const struct img *image, uint32_t width,
                       uint32_t height)
{
    if (width == image->width && height == image->height) {
        return copy(out, image);
    }
    if (height == image->height) {
        return resize_rows(out, image, width);
    }
    if (width == image->width) {
        return resize_columns(out, image, height);
    }
    struct img narrow = {0};
    enum err result = resize_rows(&narrow, image, width);
    if (result == ERR_OK) {
        result = resize_columns(out, &narrow, height);
    }
    img_release(&narrow);
    return result;
}

enum err img_resize(struct img *out, const struct img *image, uint32_t width,
                    uint32_t height)
{
    *out = (struct img){0};
    FAIL_IF(image->rgb == NULL || image->width == 0 || image->height == 0, ERR_INVALID,
            "the picture to be resized is empty");
    FAIL_IF(width == 0 || height == 0, ERR_INVALID, "cannot resize to %u x %u", width,
            height);
    FAIL_IF(width > LIMIT_IMAGE_SIDE || height > LIMIT_IMAGE_SIDE ||
                (uint64_t)width * height > LIMIT_IMAGE_PIXELS,
            ERR_LIMIT, "cannot resize to %u x %u: a side may have %d pixels, all %u",
            width, height, LIMIT_IMAGE_SIDE, LIMIT_IMAGE_PIXELS);
    enum err result = resize(out, image, width, height);
    if (result != ERR_OK) {
        img_release(out);
    }
    return result;
}
