/*
 * image_test.c - encoder/image.h against what Pillow makes of the same files
 * (tests/golden/image/README.md), and files that must fail.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "tests/encoder/image_golden.h"

static void compare(const struct golden *g, const struct img *image)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s.rgb", g->name);
    struct buf expected;
    golden_read(&expected, name);
    assert_int_equal(image->width, g->width);
    assert_int_equal(image->height, g->height);
    size_t n = (size_t)g->width * g->height * 3;
    assert_int_equal(expected.size, n);
    int max = 0;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        int difference = abs(image->rgb[i] - (uint8_t)expected.data[i]);
        max = difference > max ? difference : max;
        sum += difference;
    }
    buf_release(&expected);
    if (max > g->max_difference || sum / (double)n > g->mean_difference) {
        fail_msg("%s: off by at most %d, %.3f on average", g->name, max,
                 sum / (double)n);
    }
}

static void decode_and_compare(const struct golden *g, struct buf *bytes)
{
    struct img image;
    enum err result = img_decode(&image, bytes->data, bytes->size, NULL);
    if (result != ERR_OK) {
        fail_msg("%s: %s: %s", g->name, err_name(result), err_detail());
    }
    compare(g, &image);
    img_release(&image);
}

static void test_every_kind_equals_pillow(void **state)
{
    (void)state;
    golden_for_each(decode_and_compare);
}

static void test_files_that_must_fail_do_and_say_why(void **state)
{
    (void)state;
    FILE *list = fopen(GOLDEN_FOLDER "bad.txt", "r");
    assert_non_null(list);
    char name[64], code[32], path[80];
    while (fscanf(list, "%63s %31s", name, code) == 2) {
        (void)snprintf(path, sizeof(path), "bad/%s", name);
        struct buf bytes;
        golden_read(&bytes, path);
        struct img image;
        enum err result = img_decode(&image, bytes.data, bytes.size, NULL);
        if (strcmp(err_name(result), code) != 0) {
            fail_msg("%s: %s (%s), not %s", name, err_name(result), err_detail(), code);
        }
        assert_true(err_detail()[0] != '\0');
        assert_null(image.rgb);
        buf_release(&bytes);
    }
    (void)fclose(list);
}

static void test_a_header_past_the_limit_is_told_with_its_size(void **state)
{
    (void)state;
    struct buf bytes;
    golden_read(&bytes, "bad/huge.png");
    struct img image;
    assert_err(img_decode(&image, bytes.data, bytes.size, NULL), ERR_LIMIT);
    assert_non_null(strstr(err_detail(), "60000 x 60000"));
    buf_release(&bytes);
}

static void test_a_file_past_the_limit_is_refused_unread(void **state)
{
    (void)state;
    struct img image;
    const char *never_read = "x";
    assert_err(img_decode(&image, never_read, LIMIT_IMAGE_FILE_BYTES + 1, NULL),
               ERR_LIMIT);
}

/* At these cuts some of the pixels are gone, whatever the format; but in the GIF of two
 * frames only the second one's are, past the middle. */
static void cut_and_decode(const struct golden *g, struct buf *bytes)
{
    size_t n_cuts = strcmp(g->name, "gif_animated.gif") == 0 ? 4 : 7;
    for (size_t eighths = 0; eighths < n_cuts; eighths++) {
        size_t n = bytes->size * eighths / 8;
        /* A copy of exact size, so that the sanitizer sees a read past the end. */
        char *cut = alloc_dup_n(bytes->data, n);
        struct img image;
        enum err result = img_decode(&image, cut, n, NULL);
        if (result != ERR_INVALID || err_detail()[0] == '\0') {
            fail_msg("%s cut to %zu of %zu bytes: %s: %s", g->name, n, bytes->size,
                     err_name(result), err_detail());
        }
        assert_null(image.rgb);
        alloc_free(cut);
    }
}

static void test_truncated_files_are_refused(void **state)
{
    (void)state;
    golden_for_each(cut_and_decode);
}

static void test_the_last_byte_is_missed_where_the_format_has_an_end(void **state)
{
    (void)state;
    static const char *const names[] = {"jpeg_420.jpg",       "jpeg_progressive.jpg",
                                        "webp_lossless.webp", "bmp_rgb.bmp",
                                        "pnm_rgb.ppm",        "psd_rgb.psd"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf bytes;
        golden_read(&bytes, names[i]);
        struct img image;
        assert_err(img_decode(&image, bytes.data, bytes.size - 1, NULL), ERR_INVALID);
        buf_release(&bytes);
    }
}

/* The goldens have files without their end. One byte less, of the checksum of the
 * pixels, and it cannot be known whether they are all there. */
static void test_a_png_may_lack_its_end_but_no_pixel(void **state)
{
    (void)state;
    struct buf bytes;
    golden_read(&bytes, "png_no_end.png");
    struct img image;
    assert_err(img_decode(&image, bytes.data, bytes.size - 1, NULL), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "the file ends early"));
    buf_release(&bytes);
}

static unsigned long long seed;

static unsigned next_random(void)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33);
}

/* Damage may go unnoticed (a changed pixel) but never half noticed. */
static void damage_and_decode(const struct golden *g, struct buf *bytes)
{
    (void)g;
    for (int round = 0; round < 8; round++) {
        char *copy = alloc_dup_n(bytes->data, bytes->size);
        for (int flips = 0; flips < 3; flips++) {
            copy[next_random() % bytes->size] ^= (char)(1u << next_random() % 8);
        }
        struct img image;
        enum err result = img_decode(&image, copy, bytes->size, NULL);
        assert_true((result == ERR_OK) == (image.rgb != NULL));
        assert_true(result == ERR_OK || err_detail()[0] != '\0');
        img_release(&image);
        alloc_free(copy);
    }
}

static void test_damaged_files_give_a_picture_or_an_error(void **state)
{
    (void)state;
    seed = (unsigned long long)time(NULL);
    print_message("seed %llu\n", seed);
    golden_for_each(damage_and_decode);
}

/* Fails the first, the second, ... allocation until the picture comes out whole. */
static void starve_and_decode(const struct golden *g, struct buf *bytes)
{
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        struct img image;
        alloc_fail_after(n);
        result = img_decode(&image, bytes->data, bytes->size, NULL);
        alloc_fail_after(-1);
        if (result == ERR_OK) {
            compare(g, &image);
        } else if (result != ERR_NOMEM) {
            fail_msg("%s: %s: %s", g->name, err_name(result), err_detail());
        }
        img_release(&image);
    }
}

static void test_no_memory_is_an_error_never_a_wrong_picture(void **state)
{
    (void)state;
    golden_for_each(starve_and_decode);
}

static struct img_meta meta_of(const char *name)
{
    struct buf bytes;
    golden_read(&bytes, name);
    struct img_meta meta;
    struct img_options options = {.meta = &meta};
    struct img image;
    assert_ok(img_decode(&image, bytes.data, bytes.size, &options));
    img_release(&image);
    buf_release(&bytes);
    return meta;
}

static void check_photograph(const char *name, enum img_format format)
{
    struct img_meta meta = meta_of(name);
    assert_int_equal(meta.format, format);
    assert_string_equal(meta.taken, "2024-05-01T12:30:59");
    assert_string_equal(meta.camera, "Acme Cam\xC3\xA9ra 5");
    assert_float_equal(meta.latitude, -(48 + 51 / 60.0 + 29.69 / 3600), 1e-9);
    assert_float_equal(meta.longitude, -(2 + 17.64 / 60), 1e-9);
}

static void test_exif_is_read_from_jpeg_png_webp_and_heif(void **state)
{
    (void)state;
    check_photograph("jpeg_turn6.jpg", IMG_JPEG);
    check_photograph("png_exif.png", IMG_PNG);
    check_photograph("webp_exif.webp", IMG_WEBP);
    check_photograph("heif_turned.heic", IMG_HEIF);
}

static void test_broken_exif_says_nothing_and_fails_nothing(void **state)
{
    (void)state;
    struct img_meta meta = meta_of("jpeg_broken_exif.jpg");
    assert_string_equal(meta.taken, "");
    assert_string_equal(meta.camera, "");
    assert_true(isnan(meta.latitude));
    assert_true(isnan(meta.longitude));
}

static void test_a_picture_without_exif_has_only_size_and_format(void **state)
{
    (void)state;
    struct img_meta meta = meta_of("gif_plain.gif");
    assert_int_equal(meta.format, IMG_GIF);
    assert_int_equal(meta.width, 37);
    assert_int_equal(meta.height, 23);
    assert_string_equal(meta.taken, "");
    assert_true(isnan(meta.latitude));
}

static void test_meta_has_the_upright_size(void **state)
{
    (void)state;
    struct img_meta lying = meta_of("jpeg_turn1.jpg");
    struct img_meta turned = meta_of("jpeg_turn6.jpg");
    assert_int_equal(lying.width, 37);
    assert_int_equal(lying.height, 23);
    assert_int_equal(turned.width, 23);
    assert_int_equal(turned.height, 37);
}

static void test_meta_is_filled_when_the_pixels_are_broken(void **state)
{
    (void)state;
    struct buf bytes;
    golden_read(&bytes, "jpeg_turn6.jpg");
    struct img_meta meta;
    struct img_options options = {.meta = &meta};
    struct img image;
    assert_err(img_decode(&image, bytes.data, bytes.size - 100, &options), ERR_INVALID);
    assert_int_equal(meta.format, IMG_JPEG);
    assert_int_equal(meta.height, 37);
    assert_string_equal(meta.taken, "2024-05-01T12:30:59");
    buf_release(&bytes);
}

static void test_a_profile_other_than_srgb_is_told(void **state)
{
    (void)state;
    static const char *const endings[] = {"jpg", "png", "webp", "heic"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "profile_wide.%s", endings[i]);
        assert_true(meta_of(name).has_profile);
        (void)snprintf(name, sizeof(name), "profile_srgb.%s", endings[i]);
        assert_false(meta_of(name).has_profile);
    }
    assert_false(meta_of("jpeg_420.jpg").has_profile);
    assert_false(meta_of("avif_444.avif").has_profile);
}

/* One file a decoder, read before the threads start. */
static const char *const shared_names[] = {"jpeg_turn6.jpg", "png_adam7_rgba.png",
                                           "webp_alpha.webp", "heif_turned.heic",
                                           "gif_transparent.gif"};
enum { N_SHARED = sizeof(shared_names) / sizeof(shared_names[0]), N_THREADS = 4 };
static struct buf shared_files[N_SHARED];
static struct img shared_images[N_SHARED];

/* Returns NULL if all decoded to the same as on the main thread. cmocka's asserts are
 * for that thread alone. */
static void *decode_shared(void *unused)
{
    (void)unused;
    const void *wrong = NULL;
    for (size_t i = 0; i < 10 * N_SHARED; i++) {
        const struct buf *file = &shared_files[i % N_SHARED];
        const struct img *expected = &shared_images[i % N_SHARED];
        struct img image;
        if (img_decode(&image, file->data, file->size, NULL) != ERR_OK ||
            image.width != expected->width || image.height != expected->height ||
            memcmp(image.rgb, expected->rgb, (size_t)image.width * image.height * 3) !=
                0) {
            wrong = file;
        }
        img_release(&image);
    }
    return (void *)wrong;
}

static void test_pictures_come_out_alike_on_several_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHARED; i++) {
        struct buf *file = &shared_files[i];
        golden_read(file, shared_names[i]);
        assert_ok(img_decode(&shared_images[i], file->data, file->size, NULL));
    }
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, decode_shared, NULL), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    for (size_t i = 0; i < N_SHARED; i++) {
        img_release(&shared_images[i]);
        buf_release(&shared_files[i]);
    }
}

static void test_release_accepts_an_empty_image_and_empties(void **state)
{
    (void)state;
    struct img image = {0};
    img_release(&image);
    struct buf bytes;
    golden_read(&bytes, "png_rgb.png");
    assert_ok(img_decode(&image, bytes.data, bytes.size, NULL));
    img_release(&image);
    assert_null(image.rgb);
    assert_int_equal(image.width, 0);
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_equals_pillow),
        cmocka_unit_test(test_files_that_must_fail_do_and_say_why),
        cmocka_unit_test(test_a_header_past_the_limit_is_told_with_its_size),
        cmocka_unit_test(test_a_file_past_the_limit_is_refused_unread),
        cmocka_unit_test(test_truncated_files_are_refused),
        cmocka_unit_test(test_the_last_byte_is_missed_where_the_format_has_an_end),
        cmocka_unit_test(test_a_png_may_lack_its_end_but_no_pixel),
        cmocka_unit_test(test_damaged_files_give_a_picture_or_an_error),
        cmocka_unit_test(test_no_memory_is_an_error_never_a_wrong_picture),
        cmocka_unit_test(test_exif_is_read_from_jpeg_png_webp_and_heif),
        cmocka_unit_test(test_broken_exif_says_nothing_and_fails_nothing),
        cmocka_unit_test(test_a_picture_without_exif_has_only_size_and_format),
        cmocka_unit_test(test_meta_has_the_upright_size),
        cmocka_unit_test(test_meta_is_filled_when_the_pixels_are_broken),
        cmocka_unit_test(test_a_profile_other_than_srgb_is_told),
        cmocka_unit_test(test_pictures_come_out_alike_on_several_threads),
        cmocka_unit_test(test_release_accepts_an_empty_image_and_empties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
