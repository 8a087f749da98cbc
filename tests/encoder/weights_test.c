/*
 * weights_test.c - encoder/weights.h. Each test writes the file that it opens: a header
 * as text and the data behind it.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "encoder/weights.h"

static char folder[] = "/tmp/duet-weights-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* Writes header, padded to a multiple of 8, and data; `length` is what the first eight
 * bytes say, or 0 for the truth. */
static void write_file(const char *header, uint64_t length, const void *data, size_t n)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    uint64_t padded = (strlen(header) + 7) / 8 * 8;
    uint64_t said = length == 0 ? padded : length;
    assert_ok(buf_append(&bytes, &said, sizeof said));
    assert_ok(buf_printf(&bytes, "%-*s", (int)padded, header));
    assert_ok(buf_append(&bytes, data, n));
    assert_ok(file_write(path, bytes.data, bytes.size));
    buf_release(&bytes);
}

static enum err open_path(struct wt_file **file)
{
    const char *const one = path;
    return wt_open(file, &one, 1);
}

static struct wt_file *open_file(const char *header, const void *data, size_t n)
{
    struct wt_file *file = NULL;
    write_file(header, 0, data, n);
    assert_ok(open_path(&file));
    return file;
}

/* With 16 zero bytes of data. */
static void assert_refused(const char *header, const char *because)
{
    static const char data[16];
    struct wt_file *file = (struct wt_file *)path;
    write_file(header, 0, data, sizeof data);
    assert_err(open_path(&file), ERR_MODEL);
    assert_null(file);
    assert_non_null(strstr(err_detail(), path));
    if (strstr(err_detail(), because) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err_detail(), because);
    }
}

static void test_tensors_are_found_by_name(void **state)
{
    (void)state;
    const float data[] = {1, 2, 3, 4, 5, 6};
    struct wt_tensor tensor;
    const float *vector;
    struct wt_file *file =
        open_file("{\"__metadata__\":{\"by\":\"us\"},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                  "\"a\":{\"dtype\":\"F32\",\"shape\":[1,4],\"data_offsets\":[8,24]}}",
                  data, sizeof data);
    assert_ok(wt_find(file, "a", &tensor));
    assert_int_equal(tensor.type, WT_F32);
    assert_int_equal(tensor.rank, 2);
    assert_int_equal(tensor.shape[0], 1);
    assert_int_equal(tensor.shape[1], 4);
    assert_int_equal(tensor.shape[2], 1);
    assert_memory_equal(tensor.data, data + 2, 16);
    assert_ok(wt_vector(file, "b", WT_WHOLE, 2, &vector));
    assert_true(vector[0] == 1 && vector[1] == 2);
    assert_true(wt_has(file, "b"));
    assert_false(wt_has(file, "__metadata__"));
    assert_false(wt_has(file, "c"));
    wt_close(file);
}

static void test_a_missing_or_misshapen_tensor_is_named(void **state)
{
    (void)state;
    static const char data[16];
    struct wt_tensor tensor;
    struct wt_matrix matrix;
    const float *vector;
    struct wt_file *file =
        open_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                  "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]}}",
                  data, sizeof data);
    assert_err(wt_find(file, "nowhere", &tensor), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "nowhere"));
    assert_non_null(strstr(err_detail(), path));
    assert_err(wt_vector(file, "a", WT_WHOLE, 3, &vector), ERR_MODEL);
    assert_err(wt_matrix(file, "a", WT_WHOLE, 2, 1, &matrix), ERR_MODEL);
    assert_err(wt_matrix(file, "a", WT_WHOLE, 1, 0, &matrix), ERR_MODEL);
    assert_err(wt_find(file, "ids", &tensor), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "I64"));
    wt_close(file);
}

static void test_a_tensor_of_rank_four_is_a_matrix_of_its_rows(void **state)
{
    (void)state;
    const float data[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct wt_matrix matrix;
    float row[3];
    struct wt_file *file = open_file(
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,1,2,2],\"data_offsets\":[0,32]}}", data,
        sizeof data);
    assert_ok(wt_matrix(file, "w", WT_WHOLE, 2, 4, &matrix));
    assert_null(matrix.scale);
    wt_row(&matrix, 1, 1, 3, row);
    assert_true(row[0] == 6 && row[1] == 7 && row[2] == 8);
    wt_close(file);
}

static void test_int8_rows_are_multiplied_by_their_scales(void **state)
{
    (void)state;
    struct {
        float scale[2];
        int8_t rows[2][3];
        char pad[2];
    } data = {{0.5f, 2.0f}, {{1, -2, 3}, {-128, 0, 127}}, {0}};
    struct wt_matrix matrix;
    float row[3];
    struct wt_file *file = open_file(
        "{\"l.scale\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"l.weight\":{\"dtype\":\"I8\",\"shape\":[2,3],\"data_offsets\":[8,14]},"
        "\"pad\":{\"dtype\":\"I8\",\"shape\":[2,1],\"data_offsets\":[14,16]}}",
        &data, sizeof data);
    assert_ok(wt_matrix(file, "l.weight", WT_WHOLE, 2, 3, &matrix));
    wt_row(&matrix, 0, 0, 3, row);
    assert_true(row[0] == 0.5f && row[1] == -1 && row[2] == 1.5f);
    wt_row(&matrix, 1, 0, 3, row);
    assert_true(row[0] == -256 && row[1] == 0 && row[2] == 254);
    assert_err(wt_matrix(file, "pad", WT_WHOLE, 2, 1, &matrix), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "pad.scale"));
    wt_close(file);
}

static void test_halves_widen_exactly(void **state)
{
    (void)state;
    const uint16_t f16[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x83ff,
                            0x8000, 0x7c00, 0x7e00, 0x3555};
    const float expected[] = {1,     -2,       65504,      0x1p-24f,   -1023 * 0x1p-24f,
                              -0.0f, INFINITY, (float)NAN, 0x1.554p-2f};
    enum { N = sizeof f16 / sizeof f16[0] };
    struct wt_matrix matrix;
    float row[N];
    struct wt_file *file =
        open_file("{\"h\":{\"dtype\":\"F16\",\"shape\":[1,9],\"data_offsets\":[0,18]}}",
                  f16, sizeof f16);
    assert_ok(wt_matrix(file, "h", WT_WHOLE, 1, N, &matrix));
    wt_row(&matrix, 0, 0, N, row);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(isnan(row[i]), isnan(expected[i]));
        assert_true(isnan(row[i]) || row[i] == expected[i]);
        assert_int_equal(signbit(row[i]) != 0, f16[i] >> 15);
    }
    wt_close(file);
}

static void test_bfloat16_is_the_upper_half_of_a_float(void **state)
{
    (void)state;
    const uint16_t bf16[] = {0x3f80, 0xc0a0};
    struct wt_matrix matrix;
    float row[2];
    struct wt_file *file =
        open_file("{\"h\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}",
                  bf16, sizeof bf16);
    assert_ok(wt_matrix(file, "h", WT_WHOLE, 1, 2, &matrix));
    wt_row(&matrix, 0, 0, 2, row);
    assert_true(row[0] == 1 && row[1] == -5);
    wt_close(file);
}

static void test_a_wrong_header_is_refused(void **state)
{
    (void)state;
    assert_refused("[]", "not a JSON object");
    assert_refused("{\"a\":", "not JSON");
    assert_refused("{\"a\":7}", "dtype");
    assert_refused("{\"a\":{\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]}}",
                   "F33");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "shape");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}", "data_offsets");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
                   "whole number");
    assert_refused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,16]}}",
        "whole number");
    assert_refused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,4],\"data_offsets\":[0,16]}}",
        "dimensions");
}

static void test_ranges_must_fit_shape_and_file(void **state)
{
    (void)state;
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
                   "asks for 12 bytes");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]}}",
                   "outside the file");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]}}",
                   "outside the file");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],"
                   "\"data_offsets\":[0,16]}}",
                   "overflows");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],"
                   "\"data_offsets\":[18446744073709551600,18446744073709551615]}}",
                   "outside the file");
}

static void test_tensors_may_not_overlap_nor_leave_gaps(void **state)
{
    (void)state;
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                   "\"b\" begins at byte 8");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
                   "\"b\" begins at byte 8");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
                   "4 bytes behind");
    assert_refused("{}", "16 bytes behind");
}

static void test_a_tensor_may_begin_at_an_odd_byte(void **state)
{
    (void)state;
    struct __attribute__((packed)) {
        int8_t pad;
        float numbers[3];
        uint16_t halves[1];
        int8_t rest;
    } data = {7, {1, -2, 3}, {0xc000}, 9};
    const float *vector;
    struct wt_matrix matrix;
    float row[3];
    struct wt_file *file =
        open_file("{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[1,13]},"
                  "\"h\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[13,15]},"
                  "\"c\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[15,16]}}",
                  &data, sizeof data);
    assert_ok(wt_vector(file, "b", WT_WHOLE, 3, &vector));
    assert_int_equal((uintptr_t)vector % sizeof *vector, 0);
    assert_true(vector[0] == 1 && vector[1] == -2 && vector[2] == 3);
    assert_ok(wt_matrix(file, "b", WT_WHOLE, 1, 3, &matrix));
    wt_row(&matrix, 0, 0, 3, row);
    assert_memory_equal(row, vector, sizeof row);
    assert_ok(wt_vector(file, "h", WT_WHOLE, 1, &vector)); /* halves are widened */
    assert_true(vector[0] == -2);
    assert_err(wt_vector(file, "a", WT_WHOLE, 1, &vector), ERR_MODEL);
    wt_close(file);
}

static void test_a_tensor_has_parts(void **state)
{
    (void)state;
    const float data[] = {1, 2, 3, 4, 5, 6};
    const float *vector;
    struct wt_matrix matrix;
    struct wt_file *file =
        open_file("{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}",
                  data, sizeof data);
    assert_ok(wt_matrix(file, "w", (struct wt_part){2, 3}, 1, 2, &matrix));
    assert_memory_equal(matrix.data, data + 4, 8);
    assert_ok(wt_vector(file, "w", (struct wt_part){1, 3}, 2, &vector));
    assert_memory_equal(vector, data + 2, 8);
    assert_err(wt_matrix(file, "w", (struct wt_part){0, 2}, 1, 2, &matrix), ERR_MODEL);
    assert_err(wt_vector(file, "w", (struct wt_part){0, 4}, 1, &vector), ERR_MODEL);
    wt_close(file);
}

static void test_a_transposed_matrix_reads_as_if_it_were_not(void **state)
{
    (void)state;
    const float data[] = {1, 2, 3, 4, 5, 6}; /* [2, 3] */
    struct wt_matrix matrix;
    float row[2];
    struct wt_file *file =
        open_file("{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
                  data, sizeof data);
    assert_ok(wt_transposed(file, "w", 3, 2, &matrix));
    wt_row(&matrix, 1, 0, 2, row);
    assert_true(row[0] == 2 && row[1] == 5);
    wt_row(&matrix, 2, 1, 1, row);
    assert_true(row[0] == 6);
    assert_err(wt_transposed(file, "w", 2, 3, &matrix), ERR_MODEL);
    wt_close(file);
}

/* The same bytes under another name. */
static void copy_file(const char *to)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_ok(file_read(path, &bytes));
    assert_ok(file_write(to, bytes.data, bytes.size));
    buf_release(&bytes);
}

static void test_shards_are_one_model(void **state)
{
    (void)state;
    const float one = 1, two = 2;
    char second[80];
    const char *const paths[] = {path, second};
    const float *vector;
    struct wt_file *file;
    snprintf(second, sizeof second, "%s/second.safetensors", folder);
    write_file("{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0,
               &two, sizeof two);
    copy_file(second);
    write_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0,
               &one, sizeof one);
    assert_ok(wt_open(&file, paths, 2));
    assert_ok(wt_vector(file, "a", WT_WHOLE, 1, &vector));
    assert_true(*vector == 1);
    assert_ok(wt_vector(file, "b", WT_WHOLE, 1, &vector));
    assert_true(*vector == 2);
    wt_close(file);
    copy_file(second); /* both have "a" now */
    assert_err(wt_open(&file, paths, 2), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "both have a tensor \"a\""));
    unlink(second);
    assert_err(wt_open(&file, paths, 2), ERR_MODEL);
    assert_non_null(strstr(err_detail(), second));
}

static void test_an_impossible_header_length_is_refused(void **state)
{
    (void)state;
    const uint64_t lengths[] = {4, 1000, 100u << 20, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct wt_file *file;
        write_file("{}", lengths[i], "", 0);
        assert_err(open_path(&file), ERR_MODEL);
        assert_null(file);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    struct buf bytes;
    static const char data[16];
    buf_init(&bytes, 4096);
    write_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 0,
               data, sizeof data);
    assert_ok(file_read(path, &bytes));
    for (size_t n = 0; n < bytes.size; n++) {
        struct wt_file *file;
        assert_ok(file_write(path, bytes.data, n));
        assert_err(open_path(&file), ERR_MODEL);
    }
    buf_release(&bytes);
}

static void test_a_missing_file_is_named(void **state)
{
    (void)state;
    struct wt_file *file;
    const char *const paths[] = {"/tmp/no/such.safetensors", folder};
    assert_err(wt_open(&file, paths, 1), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "/tmp/no/such.safetensors"));
    assert_err(wt_open(&file, paths + 1, 1), ERR_MODEL);
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    static const char data[16];
    struct wt_file *file = NULL;
    long n = 0;
    write_file("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 0,
               data, sizeof data);
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = open_path(&file);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
        assert_int_equal(file == NULL, result != ERR_OK);
    }
    assert_true(n > 3);
    wt_close(file);
}

static void test_closing_nothing_is_allowed(void **state)
{
    (void)state;
    wt_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_are_found_by_name),
        cmocka_unit_test(test_a_missing_or_misshapen_tensor_is_named),
        cmocka_unit_test(test_a_tensor_of_rank_four_is_a_matrix_of_its_rows),
        cmocka_unit_test(test_int8_rows_are_multiplied_by_their_scales),
        cmocka_unit_test(test_halves_widen_exactly),
        cmocka_unit_test(test_bfloat16_is_the_upper_half_of_a_float),
        cmocka_unit_test(test_a_wrong_header_is_refused),
        cmocka_unit_test(test_ranges_must_fit_shape_and_file),
        cmocka_unit_test(test_tensors_may_not_overlap_nor_leave_gaps),
        cmocka_unit_test(test_a_tensor_may_begin_at_an_odd_byte),
        cmocka_unit_test(test_a_tensor_has_parts),
        cmocka_unit_test(test_a_transposed_matrix_reads_as_if_it_were_not),
        cmocka_unit_test(test_shards_are_one_model),
        cmocka_unit_test(test_an_impossible_header_length_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_a_missing_file_is_named),
        cmocka_unit_test(test_no_memory_at_any_point_is_an_error_without_leaks),
        cmocka_unit_test(test_closing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
