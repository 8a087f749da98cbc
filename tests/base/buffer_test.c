/*
 * buffer_test.c - base/buffer.h.
 */
#include "tests/test.h"

#include "base/alloc.h"
#include "base/buffer.h"

static void test_an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_string_equal(b.data, "");
    assert_int_equal(b.size, 0);
    buf_release(&b);
}

static void test_append_keeps_the_bytes_and_the_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++) {
        assert_ok(buf_printf(&b, "%d,", i % 10));
    }
    assert_int_equal(b.size, 200);
    assert_int_equal(b.data[200], '\0');
    assert_memory_equal(b.data + 194, "7,8,9,", 6);
    buf_release(&b);
}

static void test_the_maximum_is_exact_and_leaves_the_buffer_alone(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_ok(buf_append(&b, "abcd", 4));
    assert_err(buf_append(&b, "e", 1), ERR_LIMIT);
    assert_err(buf_printf(&b, "%s", "e"), ERR_LIMIT);
    assert_string_equal(b.data, "abcd");
    buf_release(&b);
}

static void test_no_memory_is_an_error_not_a_crash(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    alloc_fail_after(0);
    enum err result = buf_append(&b, "abc", 3);
    char *room = buf_reserve(&b, 3);
    alloc_fail_after(-1);
    assert_err(result, ERR_NOMEM);
    assert_null(room);
    assert_int_equal(b.size, 0);
    buf_release(&b);
}

static void test_take_hands_over_the_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_ok(buf_append(&b, "abc", 3));
    char *bytes = buf_take(&b);
    assert_string_equal(bytes, "abc");
    assert_string_equal(b.data, "");
    alloc_free(bytes);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(test_append_keeps_the_bytes_and_the_nul),
        cmocka_unit_test(test_the_maximum_is_exact_and_leaves_the_buffer_alone),
        cmocka_unit_test(test_no_memory_is_an_error_not_a_crash),
        cmocka_unit_test(test_take_hands_over_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
