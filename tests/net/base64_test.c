/*
 * base64_test.c - net/base64.h.
 */
#include "tests/test.h"

#include <string.h>

#include "base/alloc.h"
#include "net/base64.h"

static void check_decodes(const char *text, const void *expected, size_t n_expected)
{
    unsigned char *bytes;
    size_t n;
    assert_ok(base64_decode(text, strlen(text), &bytes, &n));
    assert_int_equal(n, n_expected);
    assert_memory_equal(bytes, expected, n);
    alloc_free(bytes);
}

static void check_refused(const char *text)
{
    unsigned char *bytes;
    size_t n;
    assert_err(base64_decode(text, strlen(text), &bytes, &n), ERR_INVALID);
    assert_null(bytes);
}

static void test_the_vectors_of_rfc_4648_decode(void **state)
{
    (void)state;
    check_decodes("Zg==", "f", 1);
    check_decodes("Zm8=", "fo", 2);
    check_decodes("Zm9v", "foo", 3);
    check_decodes("Zm9vYg==", "foob", 4);
    check_decodes("Zm9vYmE=", "fooba", 5);
    check_decodes("Zm9vYmFy", "foobar", 6);
    check_decodes("+/+/", "\xfb\xff\xbf", 3);
}

static void test_what_is_not_strict_base64_is_refused(void **state)
{
    (void)state;
    check_refused("");
    check_refused("Zg");
    check_refused("Zg=");
    check_refused("Z===");
    check_refused("====");
    check_refused("Zg==Zg==");
    check_refused("Z=g=");
    check_refused(" Zg==   ");
    check_refused("Zm9v\nYg=");
    check_refused("Zm9-");
    check_refused("/etc/passwd?");
}

static void test_only_the_given_length_is_read(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t n;
    assert_ok(base64_decode("Zm9v!!!", 4, &bytes, &n));
    assert_int_equal(n, 3);
    alloc_free(bytes);
}

static void check_found(const char *text, const char *expected)
{
    const char *base64;
    size_t n;
    assert_ok(base64_find(text, strlen(text), &base64, &n));
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(base64, expected, n);
}

static void test_a_data_uri_gives_its_base64(void **state)
{
    (void)state;
    check_found("data:image/png;base64,Zm9v", "Zm9v");
    check_found("DATA:;BASE64,Zm9v", "Zm9v");
    check_found("data:image/svg+xml;charset=utf-8;base64,Zg==", "Zg==");
    check_found("Zm9v", "Zm9v");
}

static void test_a_data_uri_without_base64_is_refused(void **state)
{
    (void)state;
    const char *base64;
    size_t n;
    assert_err(base64_find("data:text/plain,hello", 21, &base64, &n), ERR_INVALID);
    assert_err(base64_find("data:image/png;base64", 21, &base64, &n), ERR_INVALID);
    assert_err(base64_find("data:,", 6, &base64, &n), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_4648_decode),
        cmocka_unit_test(test_what_is_not_strict_base64_is_refused),
        cmocka_unit_test(test_only_the_given_length_is_read),
        cmocka_unit_test(test_a_data_uri_gives_its_base64),
        cmocka_unit_test(test_a_data_uri_without_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
