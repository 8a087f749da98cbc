/*
 * tok_normalize_test.c - encoder/tok_normalize.h step by step, what each does to the
 * alignments, and the characters of tok_unicode.h on which the reference differs from
 * utf8proc. The charsmap's own cases are in the goldens and in bad/.
 */
#include "tests/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/tok_normalize.h"
#include "encoder/tok_unicode.h"

static void set_text(struct tok_text *text, const char *s)
{
    text->n = 0;
    for (size_t i = 0, step; s[i] != '\0'; i += step) {
        int32_t c;
        step = utf8_next(s + i, strlen(s) - i, &c);
        struct tok_align align = {(uint32_t)i, (uint32_t)(i + step)};
        assert_ok(tok_text_append_at(text, s + i, step, align));
    }
}

/* `starts` is where each character of the result comes from; NULL: not asked. */
static void assert_step(const struct tok_normalizer *step, const char *in,
                        const char *expected, const uint32_t *starts)
{
    struct tok_text text = {0}, other = {0};
    struct tok_clock clock = {0};
    set_text(&text, in);
    assert_ok(tok_normalize(step, 1, &text, &other, 0, &clock));
    assert_int_equal(text.n, strlen(expected));
    if (text.n > 0) {
        assert_memory_equal(text.bytes, expected, text.n);
    }
    for (size_t i = 0, k = 0, n; starts != NULL && i < text.n; i += n, k++) {
        (void)tok_text_char(&text, i, &n);
        assert_int_equal(text.aligns[i].start, starts[k]);
    }
    tok_text_release(&text);
    tok_text_release(&other);
}

static void assert_kind(enum tok_normalizer_kind kind, const char *in,
                        const char *expected)
{
    struct tok_normalizer step = {.kind = kind, .left = true, .right = true};
    assert_step(&step, in, expected, NULL);
}

static void test_the_four_normal_forms(void **state)
{
    (void)state;
    assert_kind(TOK_NFC, "e\u0301 \u212b \ufb01", "\u00e9 \u00c5 \ufb01");
    assert_kind(TOK_NFD, "\u00e9\u1e69", "e\u0301s\u0323\u0307");
    assert_kind(TOK_NFKC, "\ufb01\u2460\uff21", "fi1A");
    assert_kind(TOK_NFKD, "\u00bd\u1e9b\u0323", "1\u20442s\u0323\u0307");
    assert_kind(TOK_NFC, "s\u0307\u0323", "\u1e69");
    assert_kind(TOK_NFC, "\u1112\u1161\u11ab", "\ud55c");
    assert_kind(TOK_NFD, "\ud55c", "\u1112\u1161\u11ab");
    assert_kind(TOK_NFC, "\u0301a", "\u0301a");
    assert_kind(TOK_NFC, "\u0958", "\u0915\u093c"); /* excluded from composition */
    assert_kind(TOK_NFC, "", "");
}

static void test_normal_forms_are_those_of_unicode_9(void **state)
{
    (void)state;
    assert_kind(TOK_NFKC, "\u32ff", "\u32ff");              /* era of 2019 */
    assert_kind(TOK_NFKD, "\U0001f16c", "\U0001f16c");      /* of 2019 */
    assert_kind(TOK_NFC, "a\u0eba\u0301", "a\u0eba\u0301"); /* a class since 2019 */
    assert_kind(TOK_STRIP_ACCENTS, "a\u0301\u08d3\u1cf2", "a\u08d3");
}

static void test_a_long_run_of_marks_is_sorted_in_time(void **state)
{
    (void)state;
    enum { MARKS = 30000 };
    char *in = alloc_array(4 * MARKS + 1, 1), *expected = alloc_array(4 * MARKS + 1, 1);
    assert_true(in != NULL && expected != NULL);
    for (size_t i = 0; i < MARKS; i++) {
        memcpy(in + 4 * i, "\u0301\u0323", 4);
        memcpy(expected + 2 * i, "\u0323", 2);
        memcpy(expected + 2 * MARKS + 2 * i, "\u0301", 2);
    }
    in[4 * MARKS] = expected[4 * MARKS] = '\0';
    assert_kind(TOK_NFD, in, expected);
    alloc_free(in);
    alloc_free(expected);
}

static void test_lower_case_is_of_each_character_alone(void **state)
{
    (void)state;
    assert_kind(TOK_LOWERCASE, "ABC \u00c9 \u0130 \u1e9e", "abc \u00e9 i\u0307 \u00df");
    assert_kind(TOK_LOWERCASE, "\u0391\u03a3", "\u03b1\u03c3"); /* no final sigma */
}

static void test_white_space_at_the_ends(void **state)
{
    (void)state;
    struct tok_normalizer left = {.kind = TOK_STRIP, .left = true};
    struct tok_normalizer right = {.kind = TOK_STRIP, .right = true};
    static const uint32_t starts[] = {4, 5, 6};
    assert_kind(TOK_STRIP, " \u3000a b\n", "a b");
    assert_kind(TOK_STRIP, " \t ", "");
    assert_kind(TOK_STRIP, "\u200ba", "\u200ba"); /* no white space to Unicode */
    assert_step(&left, " \u3000a b ", "a b ", NULL);
    assert_step(&left, " \u3000a b", "a b", starts);
    assert_step(&right, " a ", " a", NULL);
}

static void test_nmt_drops_controls_and_unifies_spaces(void **state)
{
    (void)state;
    assert_kind(TOK_NMT, "a\x01\tb\u200b\ufeff\u2581\xc2\x85", "a b   \xc2\x85");
    assert_kind(TOK_NMT, "\x01\x02", "");
}

static void test_bytes_become_printable(void **state)
{
    (void)state;
    assert_kind(TOK_BYTES, "a \u00e9\n", "a\u0120\u00c3\u00a9\u010a");
    for (int byte = 0; byte < 256; byte++) {
        int32_t c = tok_byte_char((unsigned char)byte);
        assert_true(c > ' ' && c < 0x144 && c != 0x7f && c != 0xad);
        for (int other = 0; other < byte; other++) {
            assert_int_not_equal(tok_byte_char((unsigned char)other), c);
        }
    }
}

static void test_prepend_leaves_nothing_alone(void **state)
{
    (void)state;
    char content[] = "x\u2581";
    static const uint32_t starts[] = {0, 0, 0, 1};
    struct tok_normalizer step = {
        .kind = TOK_PREPEND, .content = content, .n_content = strlen(content)};
    assert_step(&step, "ab", "x\u2581ab", starts);
    assert_step(&step, "", "", NULL);
}

static void test_replace_by_literal_and_by_regex(void **state)
{
    (void)state;
    char content[] = "_", literal[] = "aa";
    static const uint32_t starts[] = {1, 2, 4, 5};
    struct tok_normalizer step = {.kind = TOK_REPLACE,
                                  .content = content,
                                  .n_content = 1,
                                  .literal = literal,
                                  .n_literal = 2};
    assert_step(&step, "aab aaa", "_b _a", NULL);
    assert_step(&step, "aabaac", "_b_c", starts);
    step.literal = NULL;
    assert_ok(tok_regex_open(&step.regex, "\\s+", 3));
    assert_step(&step, "a \t\n\u3000b  ", "a_b_", NULL);
    tok_regex_close(step.regex);
    assert_ok(tok_regex_open(&step.regex, "x*", 2));
    assert_step(&step, "axb", "_a_b_",
                NULL); /* empty ones, never behind another match */
    tok_regex_close(step.regex);
}

static void test_words_of_rust_s_regex(void **state)
{
    (void)state;
    static const int32_t words[] = {'a', '0', '_', 0xe9, 0x301, 0x200d, 0x24b6, 0x72d7};
    static const int32_t others[] = {' ', '-', 0x2028, 0xb2, 0x1f600, 0x2460, 0x200b};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_true(tok_is_word(words[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(tok_is_word(others[i]));
    }
}

/* `expected` has a bar where a cluster ends. */
static void assert_clusters(const char *text, const char *expected)
{
    struct tok_grapheme g;
    char got[256] = "";
    size_t n = 0;
    tok_grapheme_begin(&g);
    for (size_t i = 0, step; text[i] != '\0'; i += step) {
        int32_t c;
        step = utf8_next(text + i, strlen(text) - i, &c);
        if (tok_grapheme_break(&g, c)) {
            got[n++] = '|';
        }
        memcpy(got + n, text + i, step);
        n += step;
    }
    assert_string_equal(got, expected);
}

static void test_grapheme_clusters(void **state)
{
    (void)state;
    assert_clusters("ab", "a|b");
    assert_clusters("e\u0301\u0323x", "e\u0301\u0323|x");
    assert_clusters("\r\n\n\u0301a", "\r\n|\n|\u0301|a");
    assert_clusters("\u1100\u1161\u11a8\uac00\u11a8",
                    "\u1100\u1161\u11a8|\uac00\u11a8");
    assert_clusters("\U0001f1e6\U0001f1e7\U0001f1e8",
                    "\U0001f1e6\U0001f1e7|\U0001f1e8");
    assert_clusters("\U0001f468\u200d\U0001f469x\u200d\U0001f469",
                    "\U0001f468\u200d\U0001f469|x\u200d|\U0001f469");
    assert_clusters("\u0915\u094d\u0915\u0915", "\u0915\u094d\u0915|\u0915");
    assert_clusters("\u0915\u0903\u0915", "\u0915\u0903|\u0915");
    assert_clusters("\u0600a", "\u0600a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_four_normal_forms),
        cmocka_unit_test(test_normal_forms_are_those_of_unicode_9),
        cmocka_unit_test(test_a_long_run_of_marks_is_sorted_in_time),
        cmocka_unit_test(test_lower_case_is_of_each_character_alone),
        cmocka_unit_test(test_white_space_at_the_ends),
        cmocka_unit_test(test_nmt_drops_controls_and_unifies_spaces),
        cmocka_unit_test(test_bytes_become_printable),
        cmocka_unit_test(test_prepend_leaves_nothing_alone),
        cmocka_unit_test(test_replace_by_literal_and_by_regex),
        cmocka_unit_test(test_words_of_rust_s_regex),
        cmocka_unit_test(test_grapheme_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
