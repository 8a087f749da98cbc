/*
 * words_test.c - db/words.h and db/siphash.h.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "db/siphash.h"
#include "db/words.h"

static struct words_how how; /* as without an index */

typedef bool test_of(const struct words *words, const char *text, size_t n);

static bool is_in(test_of *test, const char *wanted, const char *text)
{
    struct arena arena = ARENA_EMPTY;
    struct words words;
    assert_ok(words_parse(&words, &arena, &how, wanted, strlen(wanted)));
    bool found = test(&words, text, strlen(text));
    arena_release(&arena);
    return found;
}

static void test_all_any_and_in_order(void **state)
{
    (void)state;
    assert_true(is_in(words_all_in, "fox quick", "The quick, brown FOX!"));
    assert_true(is_in(words_all_in, "fox fox", "a fox"));
    assert_false(is_in(words_all_in, "fox dog", "The quick brown fox"));
    assert_false(is_in(words_all_in, "qui", "The quick brown fox"));
    assert_true(is_in(words_any_in, "dog FOX", "The quick brown fox"));
    assert_false(is_in(words_any_in, "dog cat", "The quick brown fox"));
    assert_true(is_in(words_phrase_in, "quick brown", "The quick, brown FOX!"));
    assert_false(is_in(words_phrase_in, "brown quick", "The quick, brown FOX!"));
    assert_false(is_in(words_phrase_in, "quick fox", "The quick, brown FOX!"));
}

static void test_no_words_are_in_no_text(void **state)
{
    (void)state;
    static test_of *const tests[] = {words_all_in, words_any_in, words_phrase_in};
    for (size_t i = 0; i < 3; i++) {
        assert_false(is_in(tests[i], "", "a b"));
        assert_false(is_in(tests[i], "!?", "! ?"));
        assert_false(is_in(tests[i], "a", ""));
        assert_false(is_in(tests[i], "", ""));
    }
}

/* Where the beginning of a phrase comes again within it, a search must step back. */
static void test_phrases_that_begin_again_within_themselves(void **state)
{
    (void)state;
    assert_true(is_in(words_phrase_in, "a b a c", "a b a b a c"));
    assert_true(is_in(words_phrase_in, "a a b", "a a a a b"));
    assert_true(is_in(words_phrase_in, "a b a b c", "a b a b a b c"));
    assert_false(is_in(words_phrase_in, "a a b", "a b a b a b"));
    assert_true(is_in(words_phrase_in, "x", "a x"));
}

static void test_scripts(void **state)
{
    (void)state;
    assert_true(is_in(words_all_in, "ÉTÉ", "l'été"));
    assert_true(is_in(words_all_in, "ёлка", "Ёлка!"));
    assert_true(is_in(words_all_in, "ΟΔΟΣ", "οδος"));
    assert_true(is_in(words_all_in, "海滩", "狗在 海滩"));
    assert_false(is_in(words_all_in, "海滩", "狗在海滩"));
    assert_true(is_in(words_all_in, "a", "a_b"));
    assert_true(is_in(words_all_in, "x", "\xff x"));
}

static void test_long_words_and_texts_have_limits(void **state)
{
    (void)state;
    char text[2 * LIMIT_FILTER_WORDS + 8];
    struct arena arena = ARENA_EMPTY;
    struct words words;
    memset(text, 'a', sizeof text);
    assert_ok(words_parse(&words, &arena, &how, text, LIMIT_FILTER_WORD_BYTES));
    assert_true(words_all_in(&words, text, LIMIT_FILTER_WORD_BYTES));
    assert_false(words_all_in(&words, text, LIMIT_FILTER_WORD_BYTES + 1));
    assert_false(words_phrase_in(&words, text, LIMIT_FILTER_WORD_BYTES + 1));
    assert_err(words_parse(&words, &arena, &how, text, LIMIT_FILTER_WORD_BYTES + 1),
               ERR_LIMIT);
    for (size_t i = 0; i < sizeof text; i += 2) {
        text[i] = ' ';
    }
    assert_ok(words_parse(&words, &arena, &how, text, 2 * LIMIT_FILTER_WORDS));
    assert_int_equal(words.n, 1);
    assert_int_equal(words.n_in_order, LIMIT_FILTER_WORDS);
    assert_err(words_parse(&words, &arena, &how, text, 2 * LIMIT_FILTER_WORDS + 2),
               ERR_LIMIT);
    arena_release(&arena);
}

/* qdrant_client.local.siphash.siphash24(bytes), 1.20.0. */
static void test_siphash(void **state)
{
    (void)state;
    static const uint8_t bytes[16] = {1, 2,  3,  4,  5,  6,  7,  8,
                                      9, 10, 11, 12, 13, 14, 15, 16};
    assert_true(siphash(bytes, 8) == UINT64_C(0xe923e493d35cbd59));
    assert_true(siphash(bytes, 16) == UINT64_C(0x1aa1ece474a22012));
    assert_true(siphash(bytes, 0) == UINT64_C(0x1e924b9d737700d7));
}

/* ---- Tokenizers ---- */

/* The words of a text with bars between them. */
static enum err add_word(void *arg, const char *word, size_t n)
{
    char *out = arg;
    size_t at = strlen(out);
    snprintf(out + at, 512 - at, "%s%.*s", at == 0 ? "" : "|", (int)n, word);
    return ERR_OK;
}

static void check_words(struct words_how h, const char *text, const char *wanted)
{
    char got[512] = "";
    assert_ok(words_each(&h, text, strlen(text), add_word, got));
    assert_string_equal(got, wanted);
}

static void test_each_tokenizer_splits_in_its_way(void **state)
{
    (void)state;
    const struct words_how word = {.tokenizer = WORDS_WORD};
    const struct words_how space = {.tokenizer = WORDS_WHITESPACE};
    const struct words_how many = {.tokenizer = WORDS_MULTILINGUAL};
    check_words(word, "The red-car, 2nd!", "the|red|car|2nd");
    check_words(word, "狗在海滩 2024年", "狗在海滩|2024年");
    check_words(space, " The red-car,\t2nd!\u3000x ", "the|red-car,|2nd!|x");
    check_words(many, "The red-car", "the|red|car");
    check_words(many, "狗在海", "狗|狗在|在|在海|海");
    check_words(many, "2024年ab", "2024|年|ab");
    check_words(many, "海，滩", "海|滩");
    check_words(many, "カラー", "カ|カラ|ラ|ラー|ー");
    check_words(many, "한국어 책", "한국어|책"); /* Korean has spaces */
    check_words(many, "ที่นี่", "ที่|ที่นี่|นี่");           /* marks stay with their letter */
    check_words(many, "हिन्दी", "हिन्दी");
    check_words(many, "\xff狗\xff在", "狗|在");
    check_words((struct words_how){WORDS_WORD, 2, 3, false}, "a bb ccc dddd", "bb|ccc");
    check_words((struct words_how){WORDS_PREFIX, 2, 3, false}, "a bb dddd", "bb|ddd");
    check_words((struct words_how){WORDS_WORD, 0, 0, true}, "Red CAR", "Red|CAR");
}

static void test_prefixes_and_twos(void **state)
{
    (void)state;
    how = (struct words_how){.tokenizer = WORDS_PREFIX};
    assert_true(is_in(words_all_in, "re ca", "A red car"));
    assert_true(is_in(words_all_in, "r re", "A red car"));
    assert_false(is_in(words_all_in, "ed", "A red car"));
    assert_true(is_in(words_any_in, "x ca", "A red car"));
    how = (struct words_how){.tokenizer = WORDS_MULTILINGUAL};
    assert_true(is_in(words_all_in, "海滩", "狗在海滩上"));
    assert_false(is_in(words_all_in, "滩海", "狗在海滩上"));
    assert_false(is_in(words_any_in, "海滩", "海 滩"));
    assert_true(is_in(words_all_in, "海", "狗在海滩上"));
    assert_true(is_in(words_phrase_in, "在海滩", "狗在海滩上"));
    assert_false(is_in(words_phrase_in, "狗海", "狗在海滩上"));
    assert_true(is_in(words_phrase_in, "red 海滩", "a red 海滩"));
    how = (struct words_how){.tokenizer = WORDS_WORD};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_any_and_in_order),
        cmocka_unit_test(test_no_words_are_in_no_text),
        cmocka_unit_test(test_phrases_that_begin_again_within_themselves),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_long_words_and_texts_have_limits),
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_each_tokenizer_splits_in_its_way),
        cmocka_unit_test(test_prefixes_and_twos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
