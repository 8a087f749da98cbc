/*
 * weights_shrink_test.c - encoder/weights_shrink.h: what each kind of tensor becomes,
 * number by number.
 */
#include "tests/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "encoder/weights_shrink.h"

static char folder[] = "/tmp/duet-shrink-XXXXXX";
static char from[64], to[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(from, sizeof from, "%s/from.safetensors", folder);
    snprintf(to, sizeof to, "%s/to.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(from);
    unlink(to);
    return rmdir(folder);
}

static int remove_made(void **state)
{
    (void)state;
    unlink(to);
    return 0;
}

static void write_from(const char *header, const void *data, size_t n)
{
    struct buf bytes;
    uint64_t length = strlen(header);
    buf_init(&bytes, 1 << 20);
    assert_ok(buf_append(&bytes, &length, sizeof length));
    assert_ok(buf_append(&bytes, header, length));
    assert_ok(buf_append(&bytes, data, n));
    assert_ok(file_write(from, bytes.data, bytes.size));
    buf_release(&bytes);
}

static enum err shrink(enum wt_type type)
{
    const char *path = from;
    return wt_shrink(&path, 1, to, type);
}

static struct wt_file *open_made(void)
{
    struct wt_file *file;
    const char *path = to;
    assert_ok(wt_open(&file, &path, 1));
    return file;
}

/* A matrix of 2 x 3, a vector, a transposed matrix, and what no kernel reads. */
static const char all_kinds[] =
    "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"b.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
    "\"proj\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[32,40]},"
    "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[40,48]}}";
static const float numbers[] = {1.27f, -0.63f,       0, 0, 0, 0, 7.0f,
                                -8.5f, 0.333333343f, 2, 0, 0};

static void assert_near(float a, float b, float tolerance)
{
    if (!(fabsf(a - b) <= tolerance)) {
        fail_msg("%g is not %g", (double)a, (double)b);
    }
}

static void a_matrix_gets_a_scale_a_row(void **state)
{
    (void)state;
    struct wt_matrix matrix;
    float row[3];
    write_from(all_kinds, numbers, sizeof numbers);
    assert_ok(shrink(WT_I8));
    struct wt_file *file = open_made();
    assert_ok(wt_matrix(file, "a.weight", WT_WHOLE, 2, 3, &matrix));
    assert_int_equal(matrix.type, WT_I8);
    const int8_t *bytes = matrix.data;
    assert_int_equal(bytes[0], 127);
    assert_int_equal(bytes[1], -63);
    assert_int_equal(bytes[2], 0);
    assert_near(matrix.scale[0], 0.01f, 1e-7f);
    wt_row(&matrix, 1, 0, 3, row); /* of zeros alone: no division by zero */
    assert_true(row[0] == 0 && row[1] == 0 && row[2] == 0);
    wt_close(file);
}

static void vectors_stay_and_what_is_transposed_becomes_halves(void **state)
{
    (void)state;
    const float *bias;
    struct wt_matrix proj;
    float row[1];
    write_from(all_kinds, numbers, sizeof numbers);
    assert_ok(shrink(WT_I8));
    struct wt_file *file = open_made();
    assert_ok(wt_vector(file, "b.bias", WT_WHOLE, 2, &bias));
    assert_true(bias[0] == 7.0f && bias[1] == -8.5f);
    assert_ok(wt_transposed(file, "proj", 2, 1, &proj));
    assert_int_equal(proj.type, WT_F16);
    wt_row(&proj, 0, 0, 1, row);
    assert_near(row[0], 1 / 3.0f, 1e-4f);
    assert_false(wt_has(file, "ids"));
    wt_close(file);
}

static void halves_are_rounded_and_not_scaled(void **state)
{
    (void)state;
    struct wt_matrix matrix;
    float row[3];
    write_from(all_kinds, numbers, sizeof numbers);
    assert_ok(shrink(WT_F16));
    struct wt_file *file = open_made();
    assert_ok(wt_matrix(file, "a.weight", WT_WHOLE, 2, 3, &matrix));
    assert_int_equal(matrix.type, WT_F16);
    wt_row(&matrix, 0, 0, 3, row);
    assert_near(row[0], 1.27f, 5e-4f);
    assert_false(wt_has(file, "a.scale"));
    wt_close(file);
}

static void what_is_small_already_stays_to_the_bit(void **state)
{
    (void)state;
    static const char header[] =
        "{\"a.scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"a.weight\":{\"dtype\":\"I8\",\"shape\":[1,4],\"data_offsets\":[4,8]}}";
    static const unsigned char data[] = {0, 0, 0x80, 0x3f, 1, 2, 0x80, 0xff};
    struct wt_tensor tensor;
    write_from(header, data, sizeof data);
    assert_ok(shrink(WT_I8));
    struct wt_file *file = open_made();
    assert_ok(wt_find(file, "a.weight", &tensor));
    assert_memory_equal(tensor.data, data + 4, 4);
    wt_close(file);
}

/* What cannot be written is told by the tensor's name, and no file is left. */
static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    float wrong[12];
    memcpy(wrong, numbers, sizeof wrong);
    wrong[1] = 70000;
    write_from(all_kinds, wrong, sizeof wrong);
    assert_err(shrink(WT_F16), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "a.weight"));
    assert_int_equal(access(to, F_OK), -1);
    wrong[1] = NAN;
    write_from(all_kinds, wrong, sizeof wrong);
    assert_err(shrink(WT_I8), ERR_MODEL);
    assert_int_equal(access(to, F_OK), -1);
}

static void a_file_that_is_there_is_not_touched(void **state)
{
    (void)state;
    write_from(all_kinds, numbers, sizeof numbers);
    assert_ok(file_write(to, "mine", 4));
    assert_err(shrink(WT_I8), ERR_EXISTS);
    struct buf bytes;
    buf_init(&bytes, 16);
    assert_ok(file_read(to, &bytes));
    assert_string_equal(bytes.data, "mine");
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_matrix_gets_a_scale_a_row, remove_made),
        cmocka_unit_test_teardown(vectors_stay_and_what_is_transposed_becomes_halves,
                                  remove_made),
        cmocka_unit_test_teardown(halves_are_rounded_and_not_scaled, remove_made),
        cmocka_unit_test_teardown(what_is_small_already_stays_to_the_bit, remove_made),
        cmocka_unit_test_teardown(numbers_that_do_not_fit_are_refused, remove_made),
        cmocka_unit_test_teardown(a_file_that_is_there_is_not_touched, remove_made),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
