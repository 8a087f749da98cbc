/*
 * image_resize.c - antialiased bicubic and bilinear resampling, as Pillow up to version
 * 12 does it.
 *
 * To equal it to the last bit, it follows Pillow's src/libImaging/Resample.c: the
 * weights are computed in double and rounded to 22 fraction bits, rows are filtered
 * first into an 8-bit picture of the new width, columns second. Sums of integers come
 * out the same in any order, so the AVX2 kernels equal the reference exactly.
 *
 * A pixel of the result depends on its own weights alone, so the part of it that is
 * wanted (img_resize_part) is computed without the rest: its columns of those rows
 * that its own rows look at.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"

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

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* A curve that weighs the pixels around a new one. */
struct kernel {
    double (*weight)(double x);
    double support; /* pixels to either side, before scaling */
};

static struct kernel kernel_of(enum img_filter filter)
{
    return filter == IMG_BILINEAR ? (struct kernel){triangle, 1.0}
                                  : (struct kernel){bicubic, 2.0};
}

/* The outputs first .. first + n - 1 of those that one side is resized to. */
struct side {
    uint32_t n_in;
    uint32_t n_out; /* of the whole result */
    uint32_t first;
    uint32_t n;
};

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

/* Computes the window and weights of the i-th output that is wanted; `row` is scratch
 * for filter->stride. */
static void filter_compute(struct img_weights *filter, uint32_t i, struct side side,
                           struct kernel kernel, double *row)
{
    double scale = (double)side.n_in / side.n_out;
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double support = kernel.support * filter_scale;
    double inverse = 1.0 / filter_scale;
    double center = (side.first + i + 0.5) * scale;

    int first = (int)(center - support + 0.5);
    first = first < 0 ? 0 : first;
    int end = (int)(center + support + 0.5);
    end = end > (int)side.n_in ? (int)side.n_in : end;
    int count = end - first;

    double sum = 0.0;
    for (int j = 0; j < count; j++) {
        row[j] = kernel.weight((j + first - center + 0.5) * inverse);
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

static enum err filter_init(struct img_weights *filter, struct side side,
                            struct kernel kernel)
{
    double scale = (double)side.n_in / side.n_out;
    double support = kernel.support * (scale < 1.0 ? 1.0 : scale);
    /* Pillow's window, rounded up to the four taps an AVX2 step takes. */
    uint32_t window = (uint32_t)ceil(support) * 2 + 1;
    filter->n = side.n;
    filter->stride = (window + 3) / 4 * 4;
    filter->first = alloc_array(side.n, sizeof(*filter->first));
    filter->count = alloc_array(side.n, sizeof(*filter->count));
    filter->weights =
        alloc_zero((size_t)side.n * filter->stride, sizeof(*filter->weights));
    filter->taps =
        alloc_array((size_t)side.n * filter->stride / 4, sizeof(*filter->taps));
    double *row = alloc_array(filter->stride, sizeof(*row));
    if (filter->first == NULL || filter->count == NULL || filter->weights == NULL ||
        filter->taps == NULL || row == NULL) {
        alloc_free(row);
        filter_release(filter);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < side.n; i++) {
        filter_compute(filter, i, side, kernel, row);
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

/* Rows that lie row_bytes apart, the last of them `room` bytes before memory ends that
 * may be read. */
struct rows {
    const uint8_t *bytes;
    size_t row_bytes;
    uint32_t n;
    size_t room; /* from the beginning of the first row on */
};

/* How many rows, from the top, have the bytes behind them that the AVX2 kernel reads.
 */
static uint32_t rows_with_room(struct rows in)
{
    size_t wanted = in.row_bytes + IMG_RESIZE_OVERREAD;
    size_t n = in.room < wanted ? 0 : (in.room - wanted) / in.row_bytes + 1;
    return n < in.n ? (uint32_t)n : in.n;
}

static void filter_rows(uint8_t *out, struct rows in, const struct img_weights *filter)
{
    size_t out_bytes = 3 * (size_t)filter->n;
    uint32_t n_fast = has_avx2() ? rows_with_room(in) : 0;
    uint32_t y = 0;
    for (; y + IMG_RESIZE_ROWS <= n_fast; y += IMG_RESIZE_ROWS) {
        img_resize_rows_avx2(out + y * out_bytes, in.bytes + y * in.row_bytes,
                             in.row_bytes, filter);
    }
    for (; y < in.n; y++) {
        img_resize_row_reference(out + y * out_bytes, in.bytes + y * in.row_bytes,
                                 filter);
    }
}

static enum err allocate(struct img *out, uint32_t width, uint32_t height)
{
    *out = (struct img){
        .rgb = alloc_array((size_t)width * height, 3),
        .width = width,
        .height = height,
    };
    return out->rgb == NULL ? ERR_NOMEM : ERR_OK;
}

/* The rows first .. first + n - 1 of the picture: of each the wanted columns, resized.
 * A side that keeps its size is not filtered, as in Pillow. */
static enum err resize_rows(struct img *out, const struct img *image, struct side rows,
                            struct side columns, struct kernel kernel)
{
    size_t row_bytes = 3 * (size_t)image->width;
    const uint8_t *top = image->rgb + rows.first * row_bytes;
    TRY(allocate(out, columns.n, rows.n));
    if (columns.n_in == columns.n_out) {
        size_t n_bytes = 3 * (size_t)columns.n;
        for (uint32_t y = 0; y < rows.n; y++) {
            memcpy(out->rgb + y * n_bytes,
                   top + y * row_bytes + 3 * (size_t)columns.first, n_bytes);
        }
        return ERR_OK;
    }
    struct img_weights filter;
    TRY(filter_init(&filter, columns, kernel));
    struct rows in = {.bytes = top,
                      .row_bytes = row_bytes,
                      .n = rows.n,
                      .room = (image->height - rows.first) * row_bytes};
    filter_rows(out->rgb, in, &filter);
    filter_release(&filter);
    return ERR_OK;
}

static void filter_columns(struct img *out, const struct img *image,
                           const struct img_weights *filter)
{
    size_t row_bytes = 3 * (size_t)image->width;
    void (*resize_column)(uint8_t *, const uint8_t *, size_t,
                          const struct img_weights *, uint32_t) =
        has_avx2() ? img_resize_column_avx2 : img_resize_column_reference;
    for (uint32_t y = 0; y < filter->n; y++) {
        resize_column(out->rgb + y * row_bytes, image->rgb, row_bytes, filter, y);
    }
}

/* The rows of the picture that the filter's outputs look at; the filter is made to
 * count from the first of them. */
static struct side rows_under(struct img_weights *filter, uint32_t n_in)
{
    uint32_t last = filter->n - 1;
    uint32_t first = filter->first[0];
    uint32_t end = filter->first[last] + filter->count[last];
    for (uint32_t i = 0; i < filter->n; i++) {
        filter->first[i] -= first;
    }
    return (struct side){n_in, n_in, first, end - first};
}

static enum err resize(struct img *out, const struct img *image, struct side columns,
                       struct side rows, struct kernel kernel)
{
    if (rows.n_in == rows.n_out) {
        return resize_rows(out, image, rows, columns, kernel);
    }
    struct img narrow = {0};
    struct img_weights filter;
    TRY(filter_init(&filter, rows, kernel));
    struct side under = rows_under(&filter, rows.n_in);
    enum err result;
    if (columns.n == columns.n_in && columns.n_in == columns.n_out) {
        /* The columns stay as they are, and need not be copied for that. */
        struct img view = {.rgb = image->rgb + 3 * (size_t)under.first * image->width,
                           .width = image->width,
                           .height = under.n};
        result = allocate(out, columns.n, rows.n);
        if (result == ERR_OK) {
            filter_columns(out, &view, &filter);
        }
    } else {
        result = resize_rows(&narrow, image, under, columns, kernel);
        if (result == ERR_OK) {
            result = allocate(out, columns.n, rows.n);
        }
        if (result == ERR_OK) {
            filter_columns(out, &narrow, &filter);
        }
    }
    filter_release(&filter);
    img_release(&narrow);
    return result;
}

static bool is_inside(uint32_t first, uint32_t n, uint32_t whole)
{
    return n > 0 && first <= whole && n <= whole - first;
}

enum err img_resize_part(struct img *out, const struct img *image,
                         const struct img_part *part, enum img_filter filter)
{
    *out = (struct img){0};
    FAIL_IF(image->rgb == NULL || image->width == 0 || image->height == 0, ERR_INVALID,
            "the picture to be resized is empty");
    FAIL_IF(!is_inside(part->left, part->width, part->of_width) ||
                !is_inside(part->top, part->height, part->of_height),
            ERR_INVALID, "cannot resize to %u x %u and keep %u x %u of it",
            part->of_width, part->of_height, part->width, part->height);
    FAIL_IF(part->width > LIMIT_IMAGE_SIDE || part->height > LIMIT_IMAGE_SIDE ||
                part->of_width > IMG_PART_SIDE_MAX ||
                part->of_height > IMG_PART_SIDE_MAX ||
                (uint64_t)part->width * part->height > LIMIT_IMAGE_PIXELS,
            ERR_LIMIT, "cannot resize to %u x %u: a side may have %d pixels, all %u",
            part->width, part->height, LIMIT_IMAGE_SIDE, LIMIT_IMAGE_PIXELS);
    struct side columns = {image->width, part->of_width, part->left, part->width};
    struct side rows = {image->height, part->of_height, part->top, part->height};
    enum err result = resize(out, image, columns, rows, kernel_of(filter));
    if (result != ERR_OK) {
        img_release(out);
    }
    return result;
}

enum err img_resize(struct img *out, const struct img *image, uint32_t width,
                    uint32_t height, enum img_filter filter)
{
    struct img_part whole = {
        .of_width = width, .of_height = height, .width = width, .height = height};
    return img_resize_part(out, image, &whole, filter);
}
