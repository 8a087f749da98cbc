/*
 * image_resize_test.c - img_resize against Pillow's hashes, and the AVX2 kernels
 * against the reference ones.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/image_internal.h"
#include "tests/encoder/image_golden.h"

/* The same bytes as noise() in tests/golden/image/make.py. */
static struct img noise(uint32_t width, uint32_t height)
{
    size_t n = (size_t)width * height * 3;
    struct img image = {.rgb = alloc_array(n, 1), .width = width, .height = height};
    assert_non_null(image.rgb);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        image.rgb[i] = (uint8_t)(state >> 24);
    }
    return image;
}

static uint64_t fnv1a(const struct img *image)
{
    uint64_t value = 0xCBF29CE484222325u;
    for (size_t i = 0; i < (size_t)image->width * image->height * 3; i++) {
        value = (value ^ image->rgb[i]) * 0x100000001B3u;
    }
    return value;
}

static enum img_filter filter_named(const char *name)
{
    return strcmp(name, "bilinear") == 0 ? IMG_BILINEAR : IMG_BICUBIC;
}

static void test_resizing_equals_pillow_to_the_last_bit(void **state)
{
    (void)state;
    FILE *list = fopen(GOLDEN_FOLDER "resize.txt", "r");
    assert_non_null(list);
    unsigned width, height, out_width, out_height, n = 0;
    unsigned long long hash;
    char filter[16];
    while (fscanf(list, "%u %u %u %u %15s %llx", &width, &height, &out_width,
                  &out_height, filter, &hash) == 6) {
        struct img image = noise(width, height);
        struct img small;
        assert_ok(
            img_resize(&small, &image, out_width, out_height, filter_named(filter)));
        assert_int_equal(small.width, out_width);
        assert_int_equal(small.height, out_height);
        if (fnv1a(&small) != hash) {
            fail_msg("%u x %u to %u x %u, %s, differs from Pillow", width, height,
                     out_width, out_height, filter);
        }
        img_release(&small);
        img_release(&image);
        n++;
    }
    (void)fclose(list);
    assert_true(n >= 30);
}

/* The part must have the pixels that are there in the whole. */
static void check_part(const struct img *whole, const struct img *image,
                       struct img_part part, enum img_filter filter)
{
    struct img cut;
    assert_ok(img_resize_part(&cut, image, &part, filter));
    assert_int_equal(cut.width, part.width);
    assert_int_equal(cut.height, part.height);
    for (size_t y = 0; y < part.height; y++) {
        assert_memory_equal(cut.rgb + 3 * y * part.width,
                            whole->rgb +
                                3 * ((part.top + y) * whole->width + part.left),
                            3 * part.width);
    }
    img_release(&cut);
}

static void test_a_part_has_the_pixels_of_the_whole(void **state)
{
    (void)state;
    static const uint32_t sizes[][4] = {/* from, to */
                                        {61, 47, 90, 25},  {61, 47, 61, 33},
                                        {61, 47, 30, 47},  {61, 47, 61, 47},
                                        {7, 200, 40, 301}, {300, 5, 200, 3}};
    srand(20240503);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        enum img_filter filter = i % 2 == 0 ? IMG_BICUBIC : IMG_BILINEAR;
        struct img image = noise(sizes[i][0], sizes[i][1]);
        struct img whole;
        struct img_part part = {.of_width = sizes[i][2], .of_height = sizes[i][3]};
        assert_ok(img_resize(&whole, &image, part.of_width, part.of_height, filter));
        for (int round = 0; round < 40; round++) {
            part.left = (uint32_t)rand() % part.of_width;
            part.top = (uint32_t)rand() % part.of_height;
            part.width = 1 + (uint32_t)rand() % (part.of_width - part.left);
            part.height = 1 + (uint32_t)rand() % (part.of_height - part.top);
            check_part(&whole, &image, part, filter);
        }
        img_release(&whole);
        img_release(&image);
    }
}

/* The whole would be some 940 thousand million pixels. */
static void test_a_part_of_what_could_never_be_held(void **state)
{
    (void)state;
    struct img image = noise(LIMIT_IMAGE_SIDE, 1);
    struct img_part part = {.of_width = LIMIT_IMAGE_SIDE * 5600u,
                            .of_height = 5600,
                            .left = LIMIT_IMAGE_SIDE * 2800u,
                            .top = 2700,
                            .width = 24,
                            .height = 16};
    struct img cut;
    assert_ok(img_resize_part(&cut, &image, &part, IMG_BILINEAR));
    img_release(&cut);
    img_release(&image);
}

static void test_a_part_outside_the_whole_is_refused(void **state)
{
    (void)state;
    static const struct img_part parts[] = {
        {.of_width = 8, .of_height = 8, .width = 9, .height = 8},
        {.of_width = 8, .of_height = 8, .width = 8, .height = 8, .left = 1},
        {.of_width = 8, .of_height = 8, .width = 1, .height = 1, .top = 8},
        {.of_width = 8, .of_height = 8, .width = 1, .height = 1, .left = UINT32_MAX},
        {.of_width = 8, .of_height = 8, .width = 0, .height = 1},
        {.of_width = 0, .of_height = 8, .width = 1, .height = 1},
    };
    struct img image = noise(4, 4);
    struct img out;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_err(img_resize_part(&out, &image, &parts[i], IMG_BICUBIC), ERR_INVALID);
        assert_null(out.rgb);
    }
    struct img_part past = {
        .of_width = IMG_PART_SIDE_MAX + 1u, .of_height = 1, .width = 1, .height = 1};
    assert_err(img_resize_part(&out, &image, &past, IMG_BICUBIC), ERR_LIMIT);
    img_release(&image);
}

/* A filter of `n` outputs over `n_in` inputs with weights of any size and sign, whose
 * sums still fit 32 bits: harsher than any that bicubic makes. */
static struct img_weights wild_filter(uint32_t n, uint32_t n_in, uint32_t taps)
{
    struct img_weights filter = {.n = n, .stride = (taps + 3) / 4 * 4};
    filter.first = alloc_array(n, sizeof(*filter.first));
    filter.count = alloc_array(n, sizeof(*filter.count));
    filter.weights = alloc_zero((size_t)n * filter.stride, sizeof(*filter.weights));
    filter.taps = alloc_array((size_t)n * filter.stride / 4, sizeof(*filter.taps));
    assert_true(filter.first != NULL && filter.count != NULL &&
                filter.weights != NULL && filter.taps != NULL);
    for (uint32_t i = 0; i < n; i++) {
        filter.count[i] = 1 + (uint32_t)rand() % taps;
        filter.first[i] = (uint32_t)rand() % (n_in - filter.count[i] + 1);
        for (uint32_t j = 0; j < filter.count[i]; j++) {
            int32_t largest = (1 << 22) / (int32_t)taps;
            filter.weights[(size_t)i * filter.stride + j] =
                rand() % (2 * largest) - largest / 2;
        }
    }
    img_filter_split(&filter);
    return filter;
}

static void release_filter(struct img_weights *filter)
{
    alloc_free(filter->first);
    alloc_free(filter->count);
    alloc_free(filter->weights);
    alloc_free(filter->taps);
}

static void test_avx2_rows_equal_the_reference(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2")) {
        skip();
    }
    srand(20240501);
    for (uint32_t taps = 1; taps < 40; taps++) {
        enum { WIDTH = 50, N = 33, ROWS = IMG_RESIZE_ROWS };
        /* The last row is the room that the kernel may read into. */
        struct img image = noise(WIDTH, ROWS + 1);
        struct img_weights filter = wild_filter(N, WIDTH, taps);
        uint8_t expected[3 * N * ROWS], fast[3 * N * ROWS];
        for (size_t y = 0; y < ROWS; y++) {
            img_resize_row_reference(expected + y * 3 * N, image.rgb + y * 3 * WIDTH,
                                     &filter);
        }
        img_resize_rows_avx2(fast, image.rgb, 3 * WIDTH, &filter);
        assert_memory_equal(fast, expected, sizeof(expected));
        release_filter(&filter);
        img_release(&image);
    }
}

static void test_avx2_columns_equal_the_reference(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2")) {
        skip();
    }
    srand(20240502);
    for (uint32_t width = 1; width < 40; width++) {
        struct img image = noise(width, 50);
        struct img_weights filter = wild_filter(7, 50, 1 + width % 21);
        uint8_t expected[3 * 40], fast[3 * 40];
        for (uint32_t i = 0; i < filter.n; i++) {
            img_resize_column_reference(expected, image.rgb, 3 * width, &filter, i);
            img_resize_column_avx2(fast, image.rgb, 3 * width, &filter, i);
            assert_memory_equal(fast, expected, 3 * width);
        }
        release_filter(&filter);
        img_release(&image);
    }
}

static void test_one_colour_stays_that_colour(void **state)
{
    (void)state;
    struct img image = noise(61, 47);
    memset(image.rgb, 201, 61 * 47 * 3);
    struct img small;
    assert_ok(img_resize(&small, &image, 23, 90, IMG_BICUBIC));
    for (size_t i = 0; i < 23 * 90 * 3; i++) {
        assert_int_equal(small.rgb[i], 201);
    }
    img_release(&small);
    img_release(&image);
}

static void test_impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct img image = noise(4, 4);
    struct img nothing = {0};
    struct img out;
    assert_err(img_resize(&out, &image, 0, 4, IMG_BICUBIC), ERR_INVALID);
    assert_err(img_resize(&out, &image, 4, 0, IMG_BICUBIC), ERR_INVALID);
    assert_err(img_resize(&out, &nothing, 4, 4, IMG_BICUBIC), ERR_INVALID);
    assert_err(img_resize(&out, &image, LIMIT_IMAGE_SIDE + 1, 1, IMG_BICUBIC),
               ERR_LIMIT);
    assert_err(
        img_resize(&out, &image, LIMIT_IMAGE_SIDE, LIMIT_IMAGE_SIDE, IMG_BICUBIC),
        ERR_LIMIT);
    assert_null(out.rgb);
    img_release(&image);
}

static void test_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct img image = noise(40, 30);
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        struct img out;
        alloc_fail_after(n);
        result = img_resize(&out, &image, 20, 20, IMG_BILINEAR);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || result == ERR_NOMEM);
        assert_true((result == ERR_OK) == (out.rgb != NULL));
        img_release(&out);
    }
    img_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resizing_equals_pillow_to_the_last_bit),
        cmocka_unit_test(test_a_part_has_the_pixels_of_the_whole),
        cmocka_unit_test(test_a_part_of_what_could_never_be_held),
        cmocka_unit_test(test_a_part_outside_the_whole_is_refused),
        cmocka_unit_test(test_avx2_rows_equal_the_reference),
        cmocka_unit_test(test_avx2_columns_equal_the_reference),
        cmocka_unit_test(test_one_colour_stays_that_colour),
        cmocka_unit_test(test_impossible_sizes_are_refused),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
