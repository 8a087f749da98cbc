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

static void test_only_the_right_key_opens(void **state)
{
    (void)state;
    assert_true(guard_key_is_right("secret", "secret", NULL));
    assert_true(guard_key_is_right("secret", NULL, "Bearer secret"));
    assert_true(guard_key_is_right("secret", NULL, "bearer secret"));
    assert_false(guard_key_is_right("secret", NULL, NULL));
    assert_false(guard_key_is_right("secret", "", NULL));
    assert_false(guard_key_is_right("secret", "secre", NULL));
    assert_false(guard_key_is_right("secret", "secrets", NULL));
    assert_false(guard_key_is_right("secret", NULL, "secret"));
    assert_false(guard_key_is_right("secret", NULL, "Basic secret"));
    assert_false(guard_key_is_right("secret", "wrong", "Bearer secret"));
}

static void test_without_a_key_everyone_may_come(void **state)
{
    (void)state;
    assert_true(guard_key_is_right(NULL, NULL, NULL));
    assert_true(guard_key_is_right(NULL, "any", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_this_machine_are_loopback),
        cmocka_unit_test(test_other_names_are_not),
        cmocka_unit_test(test_an_origin_is_its_host),
        cmocka_unit_test(test_only_the_right_key_opens),
        cmocka_unit_test(test_without_a_key_everyone_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
