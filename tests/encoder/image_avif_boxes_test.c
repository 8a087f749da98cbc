/*
 * image_avif_boxes_test.c - AVIF files whose lists are made to use up memory and time
 * are refused before libavif reads them, and no others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "encoder/image_internal.h"
#include "tests/encoder/image_golden.h"

enum { FILE_BYTES_MAX = 8 << 20 };

static struct buf file;

static int begin_file(void **state)
{
    (void)state;
    buf_init(&file, FILE_BYTES_MAX);
    assert_ok(buf_append(&file,
                         "\0\0\0\x18"
                         "ftypavif\0\0\0\0avifmif1",
                         24));
    return 0;
}

static int end_file(void **state)
{
    (void)state;
    buf_release(&file);
    return 0;
}

static void put(uint64_t value, unsigned n_bytes)
{
    for (unsigned i = n_bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        assert_ok(buf_append(&file, &byte, 1));
    }
}

/* Begins a box, to be ended with what this returns. */
static size_t begin_box(const char *type)
{
    size_t at = file.size;
    put(0, 4);
    assert_ok(buf_append(&file, type, 4));
    return at;
}

static void end_box(size_t at)
{
    for (unsigned i = 0; i < 4; i++) {
        file.data[at + i] = (char)((file.size - at) >> (24 - 8 * i));
    }
}

static size_t begin_meta(void)
{
    size_t meta = begin_box("meta");
    put(0, 4);
    return meta;
}

/* Items of `n_extents` extents of `length` bytes, in fields of `n_length` bytes. */
static void put_locations(unsigned n, unsigned n_extents, unsigned n_length,
                          uint64_t length)
{
    size_t iloc = begin_box("iloc");
    put(2u << 24, 4);
    put(n_length << 12 | n_length << 8, 2);
    put(n, 4);
    for (unsigned i = 0; i < n; i++) {
        put(i + 1, 4);
        put(0, 2);
        put(0, 2);
        put(n_extents, 2);
        for (unsigned j = 0; j < n_extents * (n_length > 0); j++) {
            put(0, n_length);
            put(length, n_length);
        }
    }
    end_box(iloc);
}

static enum err check(void)
{
    size_t n_memory;
    return img_avif_check((const uint8_t *)file.data, file.size, &n_memory);
}

static void pass_golden(const struct golden *g, struct buf *bytes)
{
    size_t n_memory;
    if (img_sniff(bytes->data, bytes->size) != IMG_AVIF) {
        return;
    }
    if (img_avif_check((const uint8_t *)bytes->data, bytes->size, &n_memory) !=
            ERR_OK ||
        n_memory > (4u << 20)) {
        fail_msg("%s: %s", g->name, err_detail());
    }
}

static void test_golden_files_pass(void **state)
{
    (void)state;
    golden_for_each(pass_golden);
}

static void test_a_grid_of_a_thousand_tiles_passes(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    put_locations(1000, 1, 4, 5000);
    size_t iinf = begin_box("iinf");
    put(0, 4);
    put(1000, 2);
    for (unsigned i = 0; i < 1000; i++) {
        size_t infe = begin_box("infe");
        put(2u << 24, 4);
        put(i + 1, 2);
        put(0, 2);
        put(0x61763031, 4); /* av01 */
        put(0, 1);
        end_box(infe);
    }
    end_box(iinf);
    end_box(meta);
    assert_ok(check());
}

static void test_many_items_are_refused(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    put_locations(20000, 0, 0, 0);
    end_box(meta);
    assert_err(check(), ERR_LIMIT);
    struct img image;
    assert_err(img_decode(&image, file.data, file.size, NULL), ERR_LIMIT);
}

static void test_many_extents_of_no_bytes_are_refused(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    put_locations(100, 65535, 0, 0);
    end_box(meta);
    assert_err(check(), ERR_LIMIT);
}

static void test_items_that_overlap_are_refused(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    put_locations(100, 2, 4, 1000);
    end_box(meta);
    assert_err(check(), ERR_INVALID);
}

static void test_many_tracks_are_refused(void **state)
{
    (void)state;
    size_t moov = begin_box("moov");
    for (unsigned i = 0; i < 10000; i++) {
        end_box(begin_box("trak"));
    }
    end_box(moov);
    assert_err(check(), ERR_LIMIT);
}

static void test_boxes_without_an_end_are_counted(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    size_t iprp = begin_box("iprp");
    size_t ipma = begin_box("ipma");
    for (unsigned i = 0; i < 100000; i++) {
        put(0, 1);
    }
    (void)meta; /* their sizes stay 0: up to the end */
    (void)iprp;
    (void)ipma;
    assert_err(check(), ERR_LIMIT);
}

/* Nothing is read behind the end (the sanitizers watch), whatever the sizes say. */
static void test_cut_and_wild_files_are_walked_safely(void **state)
{
    (void)state;
    size_t meta = begin_meta();
    put_locations(3, 2, 4, 8);
    end_box(meta);
    for (size_t n = 0; n <= file.size; n++) {
        uint8_t *copy = malloc(n == 0 ? 1 : n);
        size_t n_memory;
        assert_non_null(copy);
        for (unsigned wild = 0; wild < 256; wild += 51) {
            memcpy(copy, file.data, n);
            if (n > 0) {
                copy[n - 1] = (uint8_t)wild;
            }
            enum err result = img_avif_check(copy, n, &n_memory);
            assert_true(result == ERR_OK || result == ERR_INVALID ||
                        result == ERR_LIMIT);
        }
        free(copy);
    }
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, begin_file, end_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_files_pass),
        FILE_TEST(test_a_grid_of_a_thousand_tiles_passes),
        FILE_TEST(test_many_items_are_refused),
        FILE_TEST(test_many_extents_of_no_bytes_are_refused),
        FILE_TEST(test_items_that_overlap_are_refused),
        FILE_TEST(test_many_tracks_are_refused),
        FILE_TEST(test_boxes_without_an_end_are_counted),
        FILE_TEST(test_cut_and_wild_files_are_walked_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
