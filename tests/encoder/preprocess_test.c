/*
 * preprocess_test.c - encoder/preprocess.h against the processors of transformers and
 * OpenCLIP (tests/golden/preprocess/README.md).
 */
#include "encoder/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/encoder/noise.h"
#include "tests/test.h"

#define FOLDER "tests/golden/preprocess/"
/* clang-format off */
#define CLIP_MEAN {0.48145466f, 0.4578275f, 0.40821073f}
#define CLIP_STD {0.26862954f, 0.26130258f, 0.27577711f}
#define HALF {0.5f, 0.5f, 0.5f}
/* clang-format on */

/* `scale` is 1/255 as in preprocessor_config.json, or what stands for it. */
#define RESCALE_FACTOR 0.00392156862745098f

static const struct processor {
    const char *name;
    struct preprocess config;
} processors[] = {
    {"clip",
     {PREPROCESS_SHORTEST, IMG_BICUBIC, PREPROCESS_FLOOR, 224, 224, 224, RESCALE_FACTOR,
      CLIP_MEAN, CLIP_STD}},
    {"clip-259",
     {PREPROCESS_SHORTEST, IMG_BICUBIC, PREPROCESS_FLOOR, 259, 224, 224, RESCALE_FACTOR,
      CLIP_MEAN, CLIP_STD}},
    {"chinese-clip",
     {PREPROCESS_SQUASH, IMG_BICUBIC, PREPROCESS_FLOOR, 0, 224, 224, RESCALE_FACTOR,
      CLIP_MEAN, CLIP_STD}},
    {"siglip",
     {PREPROCESS_SQUASH, IMG_BICUBIC, PREPROCESS_FLOOR, 0, 224, 224, RESCALE_FACTOR,
      HALF, HALF}},
    {"siglip2",
     {PREPROCESS_SQUASH, IMG_BILINEAR, PREPROCESS_FLOOR, 0, 256, 256, RESCALE_FACTOR,
      HALF, HALF}},
    {"open-clip",
     {PREPROCESS_SHORTEST, IMG_BICUBIC, PREPROCESS_EVEN, 224, 224, 224, 0.0f, CLIP_MEAN,
      CLIP_STD}},
    {"open-clip-259",
     {PREPROCESS_SHORTEST, IMG_BICUBIC, PREPROCESS_EVEN, 259, 224, 224, 0.0f, CLIP_MEAN,
      CLIP_STD}},
    {"open-clip-squash",
     {PREPROCESS_SQUASH, IMG_BILINEAR, PREPROCESS_EVEN, 0, 240, 240, 0.0f, HALF, HALF}},
};
enum { N_PROCESSORS = sizeof(processors) / sizeof(processors[0]) };

static const struct preprocess *processor_named(const char *name)
{
    for (size_t i = 0; i < N_PROCESSORS; i++) {
        if (strcmp(processors[i].name, name) == 0) {
            return &processors[i].config;
        }
    }
    fail_msg("%s is no processor", name);
    return NULL;
}

static struct img flat(uint32_t width, uint32_t height, uint8_t value)
{
    struct img image = noise(width, height);
    memset(image.rgb, value, (size_t)width * height * 3);
    return image;
}

static struct img picture_named(const char *name)
{
    unsigned width, height;
    struct buf bytes;
    struct img image;
    char path[256];
    if (sscanf(name, "noise-%ux%u", &width, &height) == 2) {
        return noise(width, height);
    }
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    buf_init(&bytes, 1u << 22);
    assert_ok(file_read(path, &bytes));
    assert_ok(img_decode(&image, bytes.data, bytes.size, NULL));
    buf_release(&bytes);
    return image;
}

/* The tensor as bytes [height, width, 3]; alloc_free. */
static uint8_t *preprocessed(const struct preprocess *p, const struct img *image)
{
    size_t n = preprocess_n_floats(p);
    float *pixels = alloc_array(n, sizeof(*pixels));
    uint8_t *bytes = alloc_array(n, 1);
    assert_true(pixels != NULL && bytes != NULL);
    assert_ok(preprocess_image(p, image, pixels));
    for (size_t i = 0; i < n; i++) {
        double exact = ((double)pixels[i] * p->std[i % 3] + p->mean[i % 3]) * 255.0;
        assert_true(fabs(exact - nearbyint(exact)) < 0.01);
        bytes[i] = (uint8_t)nearbyint(exact);
    }
    alloc_free(pixels);
    return bytes;
}

/* ---- The goldens --------------------------------------------------------------- */

struct line {
    char picture[96];
    char processor[32];
    unsigned size;
    char kind[8];
    char data[8 * 8 * 6 + 1];
};

static void check_hash(const struct line *line, const uint8_t *bytes, size_t n)
{
    if (fnv1a(bytes, n) != strtoull(line->data, NULL, 16)) {
        fail_msg("%s by %s differs", line->picture, line->processor);
    }
}

/* How far the grids are off in all, for the message of the test. */
static struct {
    int max;
    double sum;
    size_t n;
} off;

static int hex_byte(const char *digits)
{
    char two[3] = {digits[0], digits[1]};
    return (int)strtol(two, NULL, 16);
}

static void check_grid(const struct line *line, const uint8_t *bytes)
{
    enum { GRID = 8, N = GRID * GRID * 3 };
    int max = 0, sum = 0;
    for (size_t i = 0; i < N; i++) {
        size_t y = (2 * (i / (3 * GRID)) + 1) * line->size / (2 * GRID);
        size_t x = (2 * (i / 3 % GRID) + 1) * line->size / (2 * GRID);
        int got = bytes[3 * (y * line->size + x) + i % 3];
        int difference = abs(got - hex_byte(line->data + 2 * i));
        max = difference > max ? difference : max;
        sum += difference;
    }
    if (max > 2 || sum > 0.3 * N) {
        fail_msg("%s by %s is off by %d at most, %.3f on average", line->picture,
                 line->processor, max, (double)sum / N);
    }
    off.max = max > off.max ? max : off.max;
    off.sum += sum;
    off.n += N;
}

static void check_line(const struct line *line, const struct img *image)
{
    const struct preprocess *p = processor_named(line->processor);
    assert_int_equal(p->width, line->size);
    assert_int_equal(p->height, line->size);
    uint8_t *bytes = preprocessed(p, image);
    if (strcmp(line->kind, "hash") == 0) {
        check_hash(line, bytes, preprocess_n_floats(p));
    } else {
        assert_string_equal(line->kind, "grid");
        assert_int_equal(strlen(line->data), sizeof(line->data) - 1);
        check_grid(line, bytes);
    }
    alloc_free(bytes);
}

static void test_tensors_equal_those_of_the_references(void **state)
{
    (void)state;
    FILE *list = fopen(FOLDER "goldens.txt", "r");
    assert_non_null(list);
    struct line line;
    struct img image = {0};
    char decoded[96] = "";
    size_t n = 0;
    while (fscanf(list, "%95s %31s %u %7s %384s", line.picture, line.processor,
                  &line.size, line.kind, line.data) == 5) {
        if (strcmp(decoded, line.picture) != 0) {
            img_release(&image);
            image = picture_named(line.picture);
            memcpy(decoded, line.picture, sizeof(decoded));
        }
        check_line(&line, &image);
        n++;
    }
    img_release(&image);
    (void)fclose(list);
    assert_true(n >= 1200);
    print_message("%zu tensors; those of lossy files off by %d at most, %.4f on "
                  "average\n",
                  n, off.max, off.sum / (double)off.n);
}

static void check_level(const char *name, uint8_t value, const double expected[3])
{
    const struct preprocess *p = processor_named(name);
    float *pixels = alloc_array(preprocess_n_floats(p), sizeof(*pixels));
    assert_non_null(pixels);
    struct img image = flat(300, 300, value);
    assert_ok(preprocess_image(p, &image, pixels));
    for (size_t c = 0; c < 3; c++) {
        assert_true(fabs((double)pixels[c] - expected[c]) < 1e-6);
    }
    alloc_free(pixels);
    img_release(&image);
}

static void test_bytes_become_the_same_numbers(void **state)
{
    (void)state;
    static const uint8_t levels[] = {0, 1, 127, 255};
    FILE *list = fopen(FOLDER "processors.txt", "r");
    assert_non_null(list);
    char name[32];
    size_t n = 0;
    while (fscanf(list, "%31s", name) == 1) {
        for (size_t i = 0; i < sizeof(levels); i++) {
            double expected[3];
            assert_int_equal(
                fscanf(list, "%lf %lf %lf", &expected[0], &expected[1], &expected[2]),
                3);
            check_level(name, levels[i], expected);
        }
        n++;
    }
    (void)fclose(list);
    assert_int_equal(n, N_PROCESSORS);
}

/* ---- What goldens cannot show -------------------------------------------------- */

static void test_the_two_roundings_of_the_centre_differ(void **state)
{
    (void)state;
    struct preprocess p = {.resize = PREPROCESS_SHORTEST,
                           .filter = IMG_BICUBIC,
                           .shortest = 4,
                           .width = 1,
                           .height = 1,
                           .std = {1, 1, 1}};
    /* Columns of their own number: nothing is resized, only cut. */
    struct img image = flat(4, 4, 0);
    for (size_t i = 0; i < 16; i++) {
        image.rgb[3 * i] = (uint8_t)(i % 4);
    }
    float pixels[3];
    p.centre = PREPROCESS_FLOOR; /* 3 / 2 */
    assert_ok(preprocess_image(&p, &image, pixels));
    assert_int_equal(lrintf(pixels[0] * 255), 1);
    p.centre = PREPROCESS_EVEN; /* 1.5 to even */
    assert_ok(preprocess_image(&p, &image, pixels));
    assert_int_equal(lrintf(pixels[0] * 255), 2);
    p.width = p.height = 3;
    float nine[27];
    assert_ok(preprocess_image(&p, &image, nine)); /* 0.5 to even */
    assert_int_equal(lrintf(nine[0] * 255), 0);
    img_release(&image);
}

/* 30,000 x 1: the shorter side at 224 makes a picture of 6,720,000 x 224. */
static void test_a_thread_of_pixels_needs_no_memory_to_speak_of(void **state)
{
    (void)state;
    struct img image = noise(LIMIT_IMAGE_SIDE, 1);
    uint8_t *bytes = preprocessed(processor_named("clip"), &image);
    alloc_free(bytes);
    img_release(&image);
}

static void test_the_target_side_is_what_both_sides_need(void **state)
{
    (void)state;
    struct preprocess p = {.resize = PREPROCESS_SQUASH, .width = 20, .height = 30};
    assert_int_equal(preprocess_target_side(&p), 30);
    assert_int_equal(preprocess_target_side(processor_named("clip-259")), 259);
    assert_int_equal(preprocess_n_floats(&p), 1800);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct preprocess p = *processor_named("clip");
    struct img nothing = {0};
    struct img image = noise(9, 9);
    float pixels[3];
    assert_err(preprocess_image(&p, &nothing, pixels), ERR_INVALID);
    p.shortest = 223;
    assert_err(preprocess_image(&p, &image, pixels), ERR_INVALID);
    p.resize = PREPROCESS_SQUASH;
    p.width = LIMIT_IMAGE_SIDE + 1;
    p.height = 1;
    assert_err(preprocess_image(&p, &image, pixels), ERR_LIMIT);
    img_release(&image);
}

static void test_no_memory_is_an_error(void **state)
{
    (void)state;
    const struct preprocess *p = processor_named("clip");
    struct img image = noise(300, 20);
    float *pixels = alloc_array(preprocess_n_floats(p), sizeof(*pixels));
    assert_non_null(pixels);
    enum err result = ERR_NOMEM;
    long n = 0;
    for (; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = preprocess_image(p, &image, pixels);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
    }
    assert_true(n > 5);
    alloc_free(pixels);
    img_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_equal_those_of_the_references),
        cmocka_unit_test(test_bytes_become_the_same_numbers),
        cmocka_unit_test(test_the_two_roundings_of_the_centre_differ),
        cmocka_unit_test(test_a_thread_of_pixels_needs_no_memory_to_speak_of),
        cmocka_unit_test(test_the_target_side_is_what_both_sides_need),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
