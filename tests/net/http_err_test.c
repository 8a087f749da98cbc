/*
 * http_err_test.c - net/http_err.h.
 */
#include "tests/test.h"

#include "net/http_err.h"

static void test_what_a_client_can_mend_is_4xx(void **state)
{
    (void)state;
    assert_int_equal(http_status_of(ERR_INVALID), 400);
    assert_int_equal(http_status_of(ERR_LIMIT), 400);
    assert_int_equal(http_status_of(ERR_CONFLICT), 400);
    assert_int_equal(http_status_of(ERR_NOT_FOUND), 404);
    assert_int_equal(http_status_of(ERR_EXISTS), 409);
}

static void test_what_it_cannot_is_5xx(void **state)
{
    (void)state;
    assert_int_equal(http_status_of(ERR_IO), 500);
    assert_int_equal(http_status_of(ERR_UNSUPPORTED), 501);
    assert_int_equal(http_status_of(ERR_BUSY), 503);
    assert_int_equal(http_status_of(ERR_NOMEM), 503);
    assert_int_equal(http_status_of(ERR_FULL), 507);
}

static void test_every_code_has_a_status_with_a_reason(void **state)
{
    (void)state;
    assert_int_equal(http_status_of(ERR_OK), 200);
    for (enum err code = ERR_NOMEM; code <= ERR_INTERNAL; code++) {
        assert_in_range(http_status_of(code), 400, 599);
        assert_string_not_equal(http_reason(http_status_of(code)), "Unknown");
    }
    assert_int_equal(http_status_of((enum err)999), 500);
    assert_string_equal(http_reason(418), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_client_can_mend_is_4xx),
        cmocka_unit_test(test_what_it_cannot_is_5xx),
        cmocka_unit_test(test_every_code_has_a_status_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
