/*
 * image_sniff_test.c - formats by their first bytes.
 */
#include <string.h>

#include "encoder/image_internal.h"
#include "tests/encoder/image_golden.h"

/* The kinds of golden files begin with the name of their format. */
static void sniff_golden(const struct golden *g, struct buf *bytes)
{
    const char *name = img_format_name(img_sniff(bytes->data, bytes->size));
    /* The others are named for what they show: "profile_wide.heic". */
    if (strncmp(g->name, "profile_", 8) != 0 &&
        strncmp(g->name, name, strlen(name)) != 0) {
        fail_msg("%s was taken for %s", g->name, name);
    }
}

static void test_each_golden_file_is_told_by_its_bytes(void **state)
{
    (void)state;
    golden_for_each(sniff_golden);
}

static void test_short_and_foreign_bytes_are_unknown(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "\xFF\xD8",
                                        "RIFF",   "RIFF....WAVE",
                                        "P6",     "P3 1 1 1",
                                        "GIF88a", "<html>",
                                        "II*.",   "hello there, this is long enough"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(img_sniff(texts[i], strlen(texts[i])), IMG_UNKNOWN);
    }
}

static void test_a_heif_with_an_avif_brand_is_avif(void **state)
{
    (void)state;
    char box[] = "\0\0\0\x1C"
                 "ftypmif1\0\0\0\0miafavif....avis";
    assert_int_equal(img_sniff(box, 28), IMG_AVIF);
    assert_int_equal(img_sniff(box, 24), IMG_AVIF);
    assert_int_equal(img_sniff(box, 23), IMG_HEIF); /* cut within the brand */
    memcpy(box + 20, "heic", 4);
    assert_int_equal(img_sniff(box, 32), IMG_HEIF); /* "avis" is behind the box */
    box[3] = 32;
    assert_int_equal(img_sniff(box, 32), IMG_AVIF);
    box[3] = 1; /* a box that says less than it has */
    assert_int_equal(img_sniff(box, 32), IMG_HEIF);
    memcpy(box + 8, "avif", 4);
    assert_int_equal(img_sniff(box, 12), IMG_AVIF);
}

static void test_tga_needs_a_whole_plausible_header(void **state)
{
    (void)state;
    uint8_t header[18] = {[2] = 2, [12] = 1, [14] = 1, [16] = 24};
    assert_int_equal(img_sniff(header, 18), IMG_TGA);
    assert_int_equal(img_sniff(header, 17), IMG_UNKNOWN);
    header[16] = 23;
    assert_int_equal(img_sniff(header, 18), IMG_UNKNOWN);
    header[16] = 24;
    header[12] = 0;
    assert_int_equal(img_sniff(header, 18), IMG_UNKNOWN);
}

static void refused(const char *bytes, size_t n, enum err code, const char *word)
{
    assert_err(img_sniff_refuse((const uint8_t *)bytes, n), code);
    assert_non_null(strstr(err_detail(), word));
}

static void test_what_is_refused_is_named(void **state)
{
    (void)state;
    refused("II*\0", 4, ERR_UNSUPPORTED, "TIFF");
    refused("<svg xmlns=", 11, ERR_UNSUPPORTED, "SVG");
    refused("<!DocType HTML>", 15, ERR_INVALID, "web page");
    refused("%PDF-1.7", 8, ERR_INVALID, "PDF");
    refused("....ftypisom", 12, ERR_INVALID, "film");
    refused("abc", 3, ERR_INVALID, "no known format");
}

static void test_a_number_that_is_no_format_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(img_format_name((enum img_format)99), "unknown");
    assert_string_equal(img_format_name(IMG_HDR), "hdr");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_golden_file_is_told_by_its_bytes),
        cmocka_unit_test(test_short_and_foreign_bytes_are_unknown),
        cmocka_unit_test(test_a_heif_with_an_avif_brand_is_avif),
        cmocka_unit_test(test_tga_needs_a_whole_plausible_header),
        cmocka_unit_test(test_what_is_refused_is_named),
        cmocka_unit_test(test_a_number_that_is_no_format_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
