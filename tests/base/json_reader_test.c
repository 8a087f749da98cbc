/*
 * json_reader_test.c - base/json_reader.h: strings, numbers and structure, and every
 * way in which they can be wrong.
 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/json_reader.h"
#include "base/limits.h"

static struct json_reader reader_of(const char *text)
{
    struct json_reader r;
    json_reader_init(&r, text, strlen(text));
    return r;
}

static void assert_string(const char *json, const char *expected, size_t n)
{
    struct json_reader r = reader_of(json);
    struct buf out;
    buf_init(&out, 1 << 10);
    assert_ok(json_reader_string(&r, &out));
    assert_ok(json_reader_end(&r));
    assert_int_equal(out.size, n);
    assert_memory_equal(out.data, expected, n);
    buf_release(&out);
}

static void test_strings_and_their_escapes(void **state)
{
    (void)state;
    assert_string("\"\"", "", 0);
    assert_string(" \"caf\xc3\xa9\" ", "caf\xc3\xa9", 5);
    assert_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    assert_string("\"\\u0041\\u00e9\\u2581\"", "A\xc3\xa9\xe2\x96\x81", 6);
    assert_string("\"\\uD83D\\ude00\"", "\xf0\x9f\x98\x80", 4);
    assert_string("\"a\\u0000b\"", "a\0b", 3);
}

static void test_bad_strings_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\n\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\n\"",
        "\"\\u\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_reader r = reader_of(bad[i]);
        struct buf out;
        buf_init(&out, 1 << 10);
        assert_err(json_reader_string(&r, &out), ERR_INVALID);
        buf_release(&out);
    }
}

static void test_a_string_past_its_limit_is_refused(void **state)
{
    (void)state;
    struct json_reader r = reader_of("\"12345\"");
    struct buf out;
    buf_init(&out, 4);
    assert_err(json_reader_string(&r, &out), ERR_LIMIT);
    buf_release(&out);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-1", "1.0", "1e3", "01", "true", "99999999999999999999"};
    size_t value = 7;
    struct json_reader r = reader_of(" 0");
    assert_ok(json_reader_size(&r, &value));
    assert_int_equal(value, 0);
    r = reader_of("18446744073709551615");
    assert_ok(json_reader_size(&r, &value));
    assert_true(value == UINT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r = reader_of(bad[i]);
        assert_err(json_reader_size(&r, &value), ERR_INVALID);
    }
}

static void assert_double(const char *json, double expected)
{
    double value;
    struct json_reader r = reader_of(json);
    assert_ok(json_reader_double(&r, &value));
    assert_ok(json_reader_end(&r));
    assert_true(value == expected);
}

static void test_numbers_are_those_of_serde_json(void **state)
{
    (void)state;
    assert_double("0", 0);
    assert_double("-3.5", -3.5);
    assert_double("1e3", 1000);
    assert_double("25E-1", 2.5);
    assert_double("0.000", 0);
    assert_double("0e999999999999", 0);
    assert_double("1e-400", 0);
    assert_double("123456789012345678901234567890", 123456789012345678901234567890.0);
    assert_double("-0.30000000000000000000000001", -0.3);
    /* 17 digits do not fit 53 bits: rounded twice there, and so here. */
    assert_double("-2.0154635906219482", -2.015463590621948);
    assert_double("-11.830850601196289", -11.830850601196287);
}

static void test_bad_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "-",        ".5",    "1.",
                                      "1e",  "1e+",      "00",    "NaN",
                                      "nan", "Infinity", "1e309", "-1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value;
        struct json_reader r = reader_of(bad[i]);
        assert_err(json_reader_double(&r, &value), ERR_INVALID);
    }
}

static void test_objects_are_read_in_order(void **state)
{
    (void)state;
    struct json_reader r = reader_of("{ \"a\" : 1 , \"b\":2}");
    struct buf key;
    bool more;
    size_t value, i = 0;
    buf_init(&key, 16);
    assert_ok(json_reader_open(&r, '{'));
    for (;; i++) {
        assert_ok(json_reader_more(&r, '}', i, &more));
        if (!more) {
            break;
        }
        assert_ok(json_reader_key(&r, &key));
        assert_ok(json_reader_size(&r, &value));
        assert_int_equal(key.data[0], "ab"[i]);
        assert_int_equal(value, i + 1);
    }
    assert_int_equal(i, 2);
    assert_ok(json_reader_end(&r));
    buf_release(&key);
}

static void test_a_missing_comma_or_colon_is_refused(void **state)
{
    (void)state;
    struct json_reader r = reader_of("1 2]");
    struct buf key;
    size_t value;
    bool more;
    assert_ok(json_reader_size(&r, &value));
    assert_err(json_reader_more(&r, ']', 1, &more), ERR_INVALID);
    r = reader_of("\"a\" 1");
    buf_init(&key, 16);
    assert_err(json_reader_key(&r, &key), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "':'"));
    assert_err(json_reader_open(&r, '{'), ERR_INVALID);
    r = reader_of("1 x");
    assert_ok(json_reader_size(&r, &value));
    assert_err(json_reader_end(&r), ERR_INVALID);
    buf_release(&key);
}

static void assert_skipped(const char *json, const char *span)
{
    struct json_reader r = reader_of(json);
    struct json_span out;
    assert_ok(json_reader_skip(&r, &out));
    assert_int_equal(out.n, strlen(span));
    assert_memory_equal(out.text, span, out.n);
}

static void test_any_value_can_be_skipped(void **state)
{
    (void)state;
    assert_skipped(" null,", "null");
    assert_skipped("-1.5e3]", "-1.5e3");
    assert_skipped("\"a]\\\"}\" ,", "\"a]\\\"}\"");
    assert_skipped("[1,{\"a\":[]},\"]\"] x", "[1,{\"a\":[]},\"]\"]");
    assert_skipped("{\"a\":{\"b\":1}}}", "{\"a\":{\"b\":1}}");
}

static void test_what_cannot_be_skipped_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "]",        ",",   "[1",
                                      "{\"a\":\"", "[\"\\\"]", "\"\\"};
    char deep[LIMIT_JSON_DEPTH + 2];
    struct json_span out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct json_reader r = reader_of(bad[i]);
        assert_err(json_reader_skip(&r, &out), ERR_INVALID);
    }
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    struct json_reader r = reader_of(deep);
    assert_err(json_reader_skip(&r, &out), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_and_their_escapes),
        cmocka_unit_test(test_bad_strings_are_refused),
        cmocka_unit_test(test_a_string_past_its_limit_is_refused),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_numbers_are_those_of_serde_json),
        cmocka_unit_test(test_bad_numbers_are_refused),
        cmocka_unit_test(test_objects_are_read_in_order),
        cmocka_unit_test(test_a_missing_comma_or_colon_is_refused),
        cmocka_unit_test(test_any_value_can_be_skipped),
        cmocka_unit_test(test_what_cannot_be_skipped_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
