/*
 * id_test.c - ids as text, and UUIDs: db/id.c, db/uuid.c.
 */
#include "tests/db/db_test.h"

#include "db/uuid.h"

static void check_round(const char *given, const char *expected)
{
    struct duet_id id;
    char text[DUET_ID_TEXT_MAX];
    assert_ok(duet_id_parse(&id, given));
    duet_id_format(id, text);
    assert_string_equal(text, expected);
}

static void test_numbers_up_to_the_largest(void **state)
{
    (void)state;
    check_round("0", "0");
    check_round("007", "7");
    check_round("9007199254740993", "9007199254740993"); /* more than a double holds */
    check_round("18446744073709551615", "18446744073709551615");
}

static void test_the_forms_of_a_uuid(void **state)
{
    (void)state;
    static const char canonical[] = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    check_round(canonical, canonical);
    check_round("0A1B2C3D4E5F60718293A4B5C6D7E8F9", canonical);
    check_round("urn:uuid:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", canonical);
    check_round("00000000000000000000000000000001", /* 32 digits are not a number */
                "00000000-0000-0000-0000-000000000001");
}

static void test_what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "-1",
        "+1",
        " 1",
        "1.0",
        "0x10",
        "18446744073709551616",
        "99999999999999999999999999",
        "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f",
        "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f90",
        "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9",
        "0a1b2c3d-4e5f6071-8293-a4b5c6d7e8f9-",
        "ga1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        "urn:uuid:",
        "urn:uuid:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct duet_id id;
        assert_err(duet_id_parse(&id, bad[i]), ERR_INVALID);
    }
}

static void test_numbers_come_before_uuids(void **state)
{
    (void)state;
    struct duet_id number = test_id(UINT64_MAX);
    struct duet_id uuid = {.is_uuid = true};
    assert_true(duet_id_compare(number, uuid) < 0);
    assert_true(duet_id_compare(uuid, number) > 0);
    assert_true(duet_id_compare(test_id(1), test_id(2)) < 0);
    assert_int_equal(duet_id_compare(uuid, uuid), 0);
}

static void test_a_named_uuid_is_that_of_the_standard(void **state)
{
    (void)state;
    /* Python: uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"), from its documentation. */
    struct duet_id dns;
    struct duet_id id = {.is_uuid = true};
    char text[DUET_ID_TEXT_MAX];
    assert_ok(duet_id_parse(&dns, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
    assert_ok(uuid_of_name(dns.uuid, "python.org", id.uuid));
    duet_id_format(id, text);
    assert_string_equal(text, "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

static void test_random_uuids_differ_and_say_their_version(void **state)
{
    (void)state;
    uint8_t a[16];
    uint8_t b[16];
    assert_ok(uuid_random(a));
    assert_ok(uuid_random(b));
    assert_int_equal(a[6] >> 4, 4);
    assert_int_equal(a[8] >> 6, 2);
    assert_memory_not_equal(a, b, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_up_to_the_largest),
        cmocka_unit_test(test_the_forms_of_a_uuid),
        cmocka_unit_test(test_what_is_no_id_is_refused),
        cmocka_unit_test(test_numbers_come_before_uuids),
        cmocka_unit_test(test_a_named_uuid_is_that_of_the_standard),
        cmocka_unit_test(test_random_uuids_differ_and_say_their_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
