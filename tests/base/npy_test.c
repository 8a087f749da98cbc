/* npy_test.c - see base/npy.h. The expected head is what numpy 2 writes, but for the
 * padding, which it leaves to the writer. */
#include "tests/test.h"

#include <string.h>

#include "base/npy.h"

static void assert_header(size_t n, size_t dim, const char *dictionary)
{
    char header[NPY_HEADER_BYTES];
    size_t length = strlen(dictionary);
    memset(header, '!', sizeof header);
    npy_header(header, n, dim);
    assert_memory_equal(header, "\x93NUMPY\x01\x00", 8);
    assert_int_equal((unsigned char)header[8], NPY_HEADER_BYTES - 10);
    assert_int_equal((unsigned char)header[9], 0);
    assert_memory_equal(header + 10, dictionary, length);
    for (size_t i = 10 + length; i < NPY_HEADER_BYTES - 1; i++) {
        assert_int_equal(header[i], ' ');
    }
    assert_int_equal(header[NPY_HEADER_BYTES - 1], '\n');
}

static void test_the_head_of_some_rows(void **state)
{
    (void)state;
    assert_header(3, 384,
                  "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }");
    assert_header(0, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1), }");
}

static void test_the_largest_numbers_fit(void **state)
{
    (void)state;
    assert_header(SIZE_MAX, SIZE_MAX,
                  "{'descr': '<f4', 'fortran_order': False, 'shape': "
                  "(18446744073709551615, 18446744073709551615), }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_of_some_rows),
        cmocka_unit_test(test_the_largest_numbers_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
