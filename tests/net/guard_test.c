/*
 * guard_test.c - net/guard.h.
 */
#include "tests/test.h"

#include "net/guard.h"

static void test_names_of_this_machine_are_loopback(void **state)
{
    (void)state;
    assert_true(guard_host_is_loopback("localhost"));
    assert_true(guard_host_is_loopback("LocalHost:6333"));
    assert_true(guard_host_is_loopback("127.0.0.1:1"));
    assert_true(guard_host_is_loopback("[::1]"));
    assert_true(guard_host_is_loopback("[::1]:6333"));
}

static void test_other_names_are_not(void **state)
{
    (void)state;
    assert_false(guard_host_is_loopback(""));
    assert_false(guard_host_is_loopback("evil.example"));
    assert_false(guard_host_is_loopback("localhost.evil.example"));
    assert_false(guard_host_is_loopback("localhost:"));
    assert_false(guard_host_is_loopback("localhost:80@evil.example"));
    assert_false(guard_host_is_loopback("127.0.0.1.evil.example"));
    assert_false(guard_host_is_loopback("127.0.0.2"));
    assert_false(guard_host_is_loopback("::1"));
    assert_false(guard_host_is_loopback(" localhost"));
}

static void test_an_origin_is_its_host(void **state)
{
    (void)state;
    assert_true(guard_origin_is_host("http://localhost:6333", "localhost:6333"));
    assert_true(guard_origin_is_host("https://Shop.example", "shop.example"));
    assert_false(guard_origin_is_host("http://localhost:6334", "localhost:6333"));
    assert_false(guard_origin_is_host("http://127.0.0.1:6333", "localhost:6333"));
    assert_false(guard_origin_is_host("localhost:6333", "localhost:6333"));
    assert_false(guard_origin_is_host("null", "null"));
    assert_false(guard_origin_is_host("", "localhost"));
}

static enum guard_access access_of(const char *api_key, const char *authorization)
{
    const struct guard_keys keys = {.key = "secret", .read_only = "looker"};
    return guard_access(&keys, api_key, authorization);
}

static void test_only_the_right_key_opens(void **state)
{
    (void)state;
    assert_int_equal(access_of("secret", NULL), GUARD_WRITE);
    assert_int_equal(access_of(NULL, "Bearer secret"), GUARD_WRITE);
    assert_int_equal(access_of(NULL, "bearer secret"), GUARD_WRITE);
    assert_int_equal(access_of(NULL, NULL), GUARD_NOTHING);
    assert_int_equal(access_of("", NULL), GUARD_NOTHING);
    assert_int_equal(access_of("secre", NULL), GUARD_NOTHING);
    assert_int_equal(access_of("secrets", NULL), GUARD_NOTHING);
    assert_int_equal(access_of(NULL, "secret"), GUARD_NOTHING);
    assert_int_equal(access_of(NULL, "Basic secret"), GUARD_NOTHING);
    assert_int_equal(access_of("wrong", "Bearer secret"), GUARD_NOTHING);
}

static void test_the_read_only_key_only_reads(void **state)
{
    (void)state;
    const struct guard_keys one = {.key = "secret"};
    assert_int_equal(access_of("looker", NULL), GUARD_READ);
    assert_int_equal(access_of(NULL, "Bearer looker"), GUARD_READ);
    assert_int_equal(guard_access(&one, "looker", NULL), GUARD_NOTHING);
    assert_int_equal(guard_access(&one, "", NULL), GUARD_NOTHING);
}

static void test_without_a_key_everyone_may_come(void **state)
{
    (void)state;
    const struct guard_keys none = {0};
    assert_int_equal(guard_access(&none, NULL, NULL), GUARD_WRITE);
    assert_int_equal(guard_access(&none, "any", NULL), GUARD_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_this_machine_are_loopback),
        cmocka_unit_test(test_other_names_are_not),
        cmocka_unit_test(test_an_origin_is_its_host),
        cmocka_unit_test(test_only_the_right_key_opens),
        cmocka_unit_test(test_the_read_only_key_only_reads),
        cmocka_unit_test(test_without_a_key_everyone_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
