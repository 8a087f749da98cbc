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
    struct img image = {alloc_array(n, 1), width, height};
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

static void test_resizing_equals_pillow_to_the_last_bit(void **state)
{
    (void)state;
    FILE *list = fopen(GOLDEN_FOLDER "resize.txt", "r");
    assert_non_null(list);
    unsigned width, height, out_width, out_height, n = 0;
    unsigned long long hash;
    while (fscanf(list, "%u %u %u %u %llx", &width, &height, &out_width, &out_height,
                  &hash) == 5) {
        struct img image = noise(width, height);
        struct img small;
        assert_ok(img_resize(&small, &image, out_width, out_height));
        assert_int_equal(small.width, out_width);
        assert_int_equal(small.height, out_height);
        if (fnv1a(&small) != hash) {
            fail_msg("%u x %u to %u x %u differs from Pillow", width, height, out_width,
                     out_height);
        }
        img_release(&small);
        img_release(&image);
        n++;
    }
    (void)fclose(list);
    assert_true(n >= 10);
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
    assert_ok(img_resize(&small, &image, 23, 90));
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
    assert_err(img_resize(&out, &image, 0, 4), ERR_INVALID);
    assert_err(img_resize(&out, &image, 4, 0), ERR_INVALID);
    assert_err(img_resize(&out, &nothing, 4, 4), ERR_INVALID);
    assert_err(img_resize(&out, &image, LIMIT_IMAGE_SIDE + 1, 1), ERR_LIMIT);
    assert_err(img_resize(&out, &image, LIMIT_IMAGE_SIDE, LIMIT_IMAGE_SIDE), ERR_LIMIT);
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
        result = img_resize(&out, &image, 20, 20);
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
        cmocka_unit_test(test_avx2_rows_equal_the_reference),
        cmocka_unit_test(test_avx2_columns_equal_the_reference),
        cmocka_unit_test(test_one_colour_stays_that_colour),
        cmocka_unit_test(test_impossible_sizes_are_refused),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
