/*
 * bench_image.c - what a picture costs before the tower sees it: decoding, and resizing
 * to 260 x 260. Medians of this thread's processor time, so that a busy machine
 * disturbs little.
 *
 *     bench_image [FILE...]     the given files instead of the synthesised ones
 */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "encoder/image.h"

enum {
    SIDE = 260, /* what EfficientNet-Lite2 takes */
    RUNS_MAX = 101,
    FILE_BYTES_MAX = 64 << 20
};

static const double SECONDS_A_ROW = 1.5;

/* Programs for measuring end at the first error. */
static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_image: %s\n", err_detail());
        exit(1);
    }
}

/* Adds noise of width x height cells, blown up to the picture's size: one octave. */
static void add_octave(struct img *image, uint32_t width, uint32_t height, int weight)
{
    static uint32_t state = 1;
    size_t n = (size_t)width * height * 3;
    struct img cells = {.rgb = alloc_array(n, 1), .width = width, .height = height};
    struct img octave;
    need(cells.rgb == NULL ? ERR_NOMEM : ERR_OK);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        cells.rgb[i] = (uint8_t)(state >> 24);
    }
    need(img_resize(&octave, &cells, image->width, image->height, IMG_BICUBIC));
    for (size_t i = 0; i < (size_t)image->width * image->height * 3; i++) {
        image->rgb[i] = (uint8_t)(image->rgb[i] + octave.rgb[i] * weight / 256);
    }
    img_release(&octave);
    img_release(&cells);
}

/* Something with the detail of a photograph: noise at five scales. */
static struct img synthesise(uint32_t width, uint32_t height)
{
    struct img image = {
        .rgb = alloc_zero((size_t)width * height, 3), .width = width, .height = height};
    need(image.rgb == NULL ? ERR_NOMEM : ERR_OK);
    add_octave(&image, 8, 6, 140);
    add_octave(&image, 32, 24, 60);
    add_octave(&image, width / 16, height / 16, 30);
    add_octave(&image, width / 4, height / 4, 16);
    add_octave(&image, width, height, 8);
    return image;
}

static void write_png(const struct img *image, struct buf *out)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = image->width,
                     .height = image->height,
                     .format = PNG_FORMAT_RGB};
    png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(png);
    char *room = buf_reserve(out, n);
    if (room == NULL ||
        !png_image_write_to_memory(&png, room, &n, 0, image->rgb, 0, NULL)) {
        fprintf(stderr, "bench_image: cannot write a PNG\n");
        exit(1);
    }
    out->size += n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *ms, size_t n)
{
    qsort(ms, n, sizeof(*ms), compare);
    return ms[n / 2];
}

static void measure(const char *what, const struct buf *bytes, uint32_t target_side)
{
    double decode_ms[RUNS_MAX], resize_ms[RUNS_MAX];
    struct img_options options = {.target_side = target_side};
    uint64_t end = clock_monotonic_ns() + (uint64_t)(SECONDS_A_ROW * 1e9);
    struct img image, small;
    uint32_t width = 0, height = 0;
    size_t n = 0;
    while (n < RUNS_MAX && (n < 5 || clock_monotonic_ns() < end)) {
        uint64_t t0 = clock_thread_cpu_ns();
        need(img_decode(&image, bytes->data, bytes->size, &options));
        uint64_t t1 = clock_thread_cpu_ns();
        need(img_resize(&small, &image, SIDE, SIDE, IMG_BICUBIC));
        uint64_t t2 = clock_thread_cpu_ns();
        decode_ms[n] = (double)(t1 - t0) / 1e6;
        resize_ms[n] = (double)(t2 - t1) / 1e6;
        n++;
        width = image.width;
        height = image.height;
        img_release(&small);
        img_release(&image);
    }
    printf("%-28s %-7s %8zu %5u x %-5u %9.2f %9.2f\n", what,
           target_side == 0 ? "exact" : "shrunk", bytes->size / 1024, width, height,
           median(decode_ms, n), median(resize_ms, n));
}

static void measure_both(const char *what, const struct buf *bytes)
{
    measure(what, bytes, 0);
    if (img_sniff(bytes->data, bytes->size) == IMG_JPEG) {
        measure(what, bytes, SIDE);
    }
}

static void measure_synthesised(uint32_t width, uint32_t height, bool png)
{
    char what[64];
    struct img image = synthesise(width, height);
    struct buf bytes;
    buf_init(&bytes, FILE_BYTES_MAX);
    if (png) {
        write_png(&image, &bytes);
    } else {
        need(img_thumbnail(&image, width, &bytes)); /* not shrunk: a JPEG of it */
    }
    (void)snprintf(what, sizeof(what), "%s %u x %u", png ? "PNG" : "JPEG", width,
                   height);
    measure_both(what, &bytes);
    buf_release(&bytes);
    img_release(&image);
}

int main(int argc, char **argv)
{
    printf("%-28s %-7s %8s %13s %9s %9s\n", "picture", "", "KiB", "decoded",
           "decode ms", "resize ms");
    for (int i = 1; i < argc; i++) {
        struct buf bytes;
        buf_init(&bytes, FILE_BYTES_MAX);
        need(file_read(argv[i], &bytes));
        measure_both(argv[i], &bytes);
        buf_release(&bytes);
    }
    if (argc == 1) {
        measure_synthesised(4000, 3000, false);
        measure_synthesised(640, 480, false);
        measure_synthesised(640, 480, true);
    }
    return 0;
}
