/*
 * image_thumbnail_test.c - img_thumbnail, and with its JPEGs the shrinking decoder of
 * image_jpeg.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/encoder/image_golden.h"

/* Smooth, so that shrinking in two ways must come to nearly the same. */
static struct img waves(uint32_t width, uint32_t height)
{
    struct img image = {.rgb = alloc_array((size_t)width * height, 3),
                        .width = width,
                        .height = height};
    assert_non_null(image.rgb);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *pixel = image.rgb + 3 * ((size_t)y * width + x);
            pixel[0] = (uint8_t)(x * 255 / width);
            pixel[1] = (uint8_t)(y * 255 / height);
            pixel[2] = (uint8_t)((x + y) * 127 / (width + height));
        }
    }
    return image;
}

static double mean_difference(const struct img *a, const struct img *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    size_t n = (size_t)a->width * a->height * 3;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += abs(a->rgb[i] - b->rgb[i]);
    }
    return sum / (double)n;
}

static struct img thumbnail_of(const struct img *image, uint32_t side)
{
    struct buf bytes;
    buf_init(&bytes, 1u << 22);
    assert_ok(img_thumbnail(image, side, &bytes));
    assert_int_equal(img_sniff(bytes.data, bytes.size), IMG_JPEG);
    struct img small;
    assert_ok(img_decode(&small, bytes.data, bytes.size, NULL));
    buf_release(&bytes);
    return small;
}

static void check_size(uint32_t width, uint32_t height, uint32_t side,
                       uint32_t out_width, uint32_t out_height)
{
    struct img image = waves(width, height);
    struct img small = thumbnail_of(&image, side);
    assert_int_equal(small.width, out_width);
    assert_int_equal(small.height, out_height);
    img_release(&small);
    img_release(&image);
}

static void test_a_thumbnail_fits_and_keeps_its_shape(void **state)
{
    (void)state;
    check_size(640, 480, 320, 320, 240);
    check_size(480, 640, 320, 240, 320);
    check_size(1000, 1, 100, 100, 1);
    check_size(1, 1000, 100, 1, 100);
}

static void test_a_small_picture_is_not_enlarged(void **state)
{
    (void)state;
    check_size(20, 10, 320, 20, 10);
    check_size(320, 320, 320, 320, 320);
}

static void test_a_thumbnail_shows_the_picture(void **state)
{
    (void)state;
    struct img image = waves(640, 480);
    struct img small = thumbnail_of(&image, 320);
    struct img expected;
    assert_ok(img_resize(&expected, &image, 320, 240, IMG_BICUBIC));
    assert_true(mean_difference(&small, &expected) < 1.5);
    img_release(&expected);
    img_release(&small);
    img_release(&image);
}

static void test_it_appends_and_leaves_the_buffer_alone_on_failure(void **state)
{
    (void)state;
    struct img image = waves(64, 64);
    struct img nothing = {0};
    struct buf out;
    buf_init(&out, 5000);
    assert_ok(buf_append(&out, "before", 6));
    assert_err(img_thumbnail(&image, 0, &out), ERR_INVALID);
    assert_err(img_thumbnail(&nothing, 9, &out), ERR_INVALID);
    out.max_size = 100;
    assert_err(img_thumbnail(&image, 32, &out), ERR_LIMIT);
    assert_string_equal(out.data, "before");
    out.max_size = 100000;
    assert_ok(img_thumbnail(&image, 32, &out));
    assert_memory_equal(out.data, "before\xFF\xD8", 8);
    buf_release(&out);
    img_release(&image);
}

static void test_no_memory_is_an_error(void **state)
{
    (void)state;
    struct img image = waves(64, 48);
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        struct buf out;
        buf_init(&out, 100000);
        alloc_fail_after(n);
        result = img_thumbnail(&image, 32, &out);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && out.size == 0));
        buf_release(&out);
    }
    img_release(&image);
}

static struct img decode_for(const struct buf *bytes, uint32_t target_side,
                             struct img_meta *meta)
{
    struct img_options options = {.target_side = target_side, .meta = meta};
    struct img image;
    assert_ok(img_decode(&image, bytes->data, bytes->size, &options));
    return image;
}

static void test_a_large_jpeg_is_shrunk_while_decoding_to_at_least_twice(void **state)
{
    (void)state;
    struct img image = waves(1603, 801);
    struct buf bytes;
    buf_init(&bytes, 1u << 22);
    assert_ok(img_thumbnail(&image, 1603, &bytes));
    static const struct {
        uint32_t target, width, height;
    } cases[] = {{0, 1603, 801},  {201, 1603, 801}, {200, 802, 401}, {101, 802, 401},
                 {100, 401, 201}, {50, 201, 101},   {1, 201, 101}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct img_meta meta;
        struct img small = decode_for(&bytes, cases[i].target, &meta);
        assert_int_equal(small.width, cases[i].width);
        assert_int_equal(small.height, cases[i].height);
        assert_int_equal(meta.width, 1603);
        assert_int_equal(meta.height, 801);
        img_release(&small);
    }
    buf_release(&bytes);
    img_release(&image);
}

static void test_shrinking_while_decoding_changes_little(void **state)
{
    (void)state;
    struct img image = waves(1600, 1200);
    struct buf bytes;
    buf_init(&bytes, 1u << 22);
    assert_ok(img_thumbnail(&image, 1600, &bytes));
    struct img exact = decode_for(&bytes, 0, NULL);
    struct img quick = decode_for(&bytes, 150, NULL);
    assert_true(quick.width < exact.width);
    struct img from_exact, from_quick;
    assert_ok(img_resize(&from_exact, &exact, 150, 150, IMG_BICUBIC));
    assert_ok(img_resize(&from_quick, &quick, 150, 150, IMG_BICUBIC));
    assert_true(mean_difference(&from_exact, &from_quick) < 1.0);
    img_release(&from_exact);
    img_release(&from_quick);
    img_release(&exact);
    img_release(&quick);
    buf_release(&bytes);
    img_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thumbnail_fits_and_keeps_its_shape),
        cmocka_unit_test(test_a_small_picture_is_not_enlarged),
        cmocka_unit_test(test_a_thumbnail_shows_the_picture),
        cmocka_unit_test(test_it_appends_and_leaves_the_buffer_alone_on_failure),
        cmocka_unit_test(test_no_memory_is_an_error),
        cmocka_unit_test(test_a_large_jpeg_is_shrunk_while_decoding_to_at_least_twice),
        cmocka_unit_test(test_shrinking_while_decoding_changes_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
