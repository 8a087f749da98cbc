/*
 * datetime_test.c - db/datetime.h.
 */
#include "tests/test.h"

#include "db/datetime.h"

static void check(const char *text, int64_t seconds, int32_t nanos)
{
    struct datetime t;
    if (!datetime_parse(text, &t) || t.seconds != seconds || t.nanos != nanos) {
        print_error("'%s': %lld %d\n", text, (long long)t.seconds, t.nanos);
        fail();
    }
}

/* The numbers are `date -u -d TEXT +%s`. */
static void test_all_forms_of_one_moment(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "2024-06-15T12:30:00Z",      "2024-06-15t12:30:00z",
        "2024-06-15 12:30:00",       "2024-06-15T12:30:00",
        "2024-06-15T12:30",          "2024-06-15 12:30",
        "2024-06-15 12:30:00 UTC",   "2024-06-15T14:30:00+02:00",
        "2024-06-15T14:30:00+0200",  "2024-06-15T14:30:00+02",
        "2024-06-15T07:00:00-05:30", "2024-06-15T14:30:00 +02:00",
        " \t2024-06-15T12:30:00Z",   "2024-6-15T12:30:00.000Z",
        "2024-06-16T12:29:00+23:59", "2024-06-14T12:31:00-23:59",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        check(forms[i], 1718454600, 0);
    }
}

static void test_days_and_years(void **state)
{
    (void)state;
    check("1970-01-01", 0, 0);
    check("1969-12-31T23:59:59.5Z", -1, 500000000);
    check("2000-02-29", 951782400, 0);
    check("2024-02-29", 1709164800, 0);
    check("2024-03-01", 1709251200, 0);
    check("1900-03-01", -2203891200, 0);
    check("0001-01-01", -62135596800, 0);
    check("0000-02-29", -62162121600 - 0, 0);
    check("9999-12-31T23:59:59Z", 253402300799, 0);
}

static void test_fractions_are_kept_to_nanoseconds(void **state)
{
    (void)state;
    check("1970-01-01T00:00:00.1", 0, 100000000);
    check("1970-01-01T00:00:00.123456Z", 0, 123456000);
    check("1970-01-01T00:00:00.123456789+00:00", 0, 123456789);
    check("1970-01-01T00:00:00.1234567899999", 0, 123456789);
    check("2016-12-31T23:59:60Z", 1483228800, 0);
}

static void test_what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "now",
        "2024",
        "2024-06",
        "20240615",
        "24-06-15",
        "12024-06-15",
        "2024-00-01",
        "2024-13-01",
        "2024-06-00",
        "2024-06-31",
        "2023-02-29",
        "1900-02-29",
        "2024-06-15T",
        "2024-06-15T12",
        "2024-06-15T12:30Z",
        "2024-06-15T12:30+01:00",
        "2024-06-15T24:00:00",
        "2024-06-15T12:60:00",
        "2024-06-15T12:30:61",
        "2024-06-15T12:30:00.",
        "2024-06-15T12:30:00.Z",
        "2024-06-15T12:30:00+1",
        "2024-06-15T12:30:00+24:00",
        "2024-06-15T12:30:00+01:60",
        "2024-06-15T12:30:00+01:",
        "2024-06-15T12:30:00+01:0",
        "2024-06-15T12:30:00 ",
        "2024-06-15T12:30:00Z ",
        "2024-06-15T12:30:00ZZ",
        "2024-06-15T12:30:00UTC",
        "2024-06-15X12:30:00",
        "-2024-06-15",
        "2024/06/15",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct datetime t;
        if (datetime_parse(wrong[i], &t)) {
            print_error("'%s' was taken\n", wrong[i]);
            fail();
        }
    }
}

static void test_earlier_is_less(void **state)
{
    (void)state;
    struct datetime a = {5, 1}, b = {5, 2}, c = {6, 0};
    assert_true(datetime_compare(a, b) < 0 && datetime_compare(b, a) > 0);
    assert_true(datetime_compare(b, c) < 0 && datetime_compare(c, b) > 0);
    assert_int_equal(datetime_compare(a, a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_forms_of_one_moment),
        cmocka_unit_test(test_days_and_years),
        cmocka_unit_test(test_fractions_are_kept_to_nanoseconds),
        cmocka_unit_test(test_what_is_no_date_is_refused),
        cmocka_unit_test(test_earlier_is_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
