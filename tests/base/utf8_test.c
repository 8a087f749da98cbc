/*
 * utf8_test.c - base/utf8.h.
 */
#include "tests/test.h"

#include <string.h>

#include "base/utf8.h"

static void test_well_formed_text_is_valid(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "a", "\xc3\xa9", "\xe7\x8c\xab", "\xf0\x9f\x90\x88", "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(utf8_valid(good[i], strlen(good[i])));
    }
    assert_true(utf8_valid("a\0b", 3));
}

static void test_ill_formed_text_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80",
        "ok\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(utf8_valid(bad[i], strlen(bad[i])));
    }
}

static void test_every_code_point_survives_put_and_next(void **state)
{
    (void)state;
    for (int32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        int32_t back = -1;
        if (c == 0xd800) {
            c = 0xe000; /* surrogates are no code points */
        }
        size_t n = utf8_put(c, bytes);
        assert_int_equal(utf8_next(bytes, n, &back), n);
        assert_int_equal(back, c);
        assert_int_equal(utf8_next(bytes, n - 1, &back), 0);
    }
}

static void test_what_is_no_utf8_is_replaced_byte_by_byte(void **state)
{
    (void)state;
    struct buf out;
    static const char text[] = "d\xf6g \xe7\x8b\x97 \xe7\x8b";
    buf_init(&out, 100);
    assert_ok(utf8_append_valid(&out, text, sizeof text - 1));
    assert_string_equal(out.data,
                        "d\xef\xbf\xbdg \xe7\x8b\x97 \xef\xbf\xbd\xef\xbf\xbd");
    buf_release(&out);
}

static void test_han_is_told_from_the_rest(void **state)
{
    (void)state;
    static const int32_t han[] = {0x2e80, 0x3400, 0x4e00, 0x9fff, 0xf900, 0x3134f};
    static const int32_t other[] = {'a', 0x2e7f, 0x3042, 0x33ff, 0xac00, 0x31350};
    for (size_t i = 0; i < 6; i++) {
        assert_true(utf8_is_han(han[i]));
        assert_false(utf8_is_han(other[i]));
    }
    assert_true(utf8_has_han("a \xe7\x8b\x97", 5));
    assert_false(utf8_has_han("a \xe7\x8b\x97", 4)); /* cut: not well-formed */
    assert_false(utf8_has_han("dog", 3));
    assert_false(utf8_has_han("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed_text_is_valid),
        cmocka_unit_test(test_ill_formed_text_is_not),
        cmocka_unit_test(test_what_is_no_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(test_every_code_point_survives_put_and_next),
        cmocka_unit_test(test_han_is_told_from_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
