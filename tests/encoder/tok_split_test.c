/*
 * tok_split_test.c - encoder/tok_split.h: each step and each behaviour, by pieces shown
 * with bars between; and the limits of encoder/tok_regex.h.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/tok_split.h"
#include "encoder/tok_vocab.h"

static void set_piece(struct tok_pieces *pieces, const char *text, uint32_t shift)
{
    tok_pieces_clear(pieces);
    for (size_t i = 0; text[i] != '\0'; i++) {
        struct tok_align align = {shift + (uint32_t)i, shift + (uint32_t)i + 1};
        assert_ok(tok_text_append_at(&pieces->text, text + i, 1, align));
    }
    struct tok_piece piece = {0, strlen(text), shift, TOK_NONE};
    assert_ok(tok_pieces_add(pieces, piece));
}

static void assert_split(const struct tok_splitter *steps, size_t n, const char *text,
                         const char *expected)
{
    struct tok_pieces pieces = {0}, other = {0};
    struct tok_clock clock = {0};
    char got[256] = "";
    set_piece(&pieces, text, 0);
    assert_ok(tok_split(steps, n, &pieces, &other, &clock));
    for (size_t i = 0, at = 0; i < pieces.n; i++) {
        const struct tok_piece *piece = &pieces.items[i];
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%.*s", i > 0 ? "|" : "",
                               (int)(piece->end - piece->begin),
                               pieces.text.bytes + piece->begin);
    }
    assert_string_equal(got, expected);
    tok_pieces_release(&pieces);
    tok_pieces_release(&other);
}

static void test_the_five_behaviours(void **state)
{
    (void)state;
    static const char *const expected[] = {
        [TOK_REMOVED] = "the|final|countdown",
        [TOK_ISOLATED] = "the|-|final|-|-|countdown",
        [TOK_MERGED_WITH_PREVIOUS] = "the-|final-|-|countdown",
        [TOK_MERGED_WITH_NEXT] = "the|-final|-|-countdown",
        [TOK_CONTIGUOUS] = "the|-|final|--|countdown",
    };
    char dash[] = "-";
    for (int i = TOK_REMOVED; i <= TOK_CONTIGUOUS; i++) {
        struct tok_splitter step = {.kind = TOK_SPLIT_LITERAL,
                                    .behaviour = (enum tok_split_behaviour)i,
                                    .literal = dash,
                                    .n_literal = 1};
        assert_split(&step, 1, "the-final--countdown", expected[i]);
    }
}

static void test_inverted_matches_are_what_is_kept(void **state)
{
    (void)state;
    struct tok_splitter step = {
        .kind = TOK_SPLIT_REGEX, .behaviour = TOK_REMOVED, .invert = true};
    assert_ok(tok_regex_open(&step.regex, "'s|[a-z]+|[0-9]", 15));
    assert_split(&step, 1, "dog's 42,cat", "dog|'s|4|2|cat");
    assert_split(&step, 1, "!?", "");
    tok_splitter_release(&step);
}

static void test_classes_of_characters(void **state)
{
    (void)state;
    static const struct tok_splitter space = {.kind = TOK_SPLIT_SPACE},
                                     words = {.kind = TOK_SPLIT_WORDS},
                                     marks = {.kind = TOK_SPLIT_PUNCTUATION,
                                              .behaviour = TOK_ISOLATED},
                                     digits = {.kind = TOK_SPLIT_DIGIT,
                                               .behaviour = TOK_CONTIGUOUS};
    assert_split(&space, 1, " a\t\u3000b\u00a0c ", "a|b|c");
    assert_split(&words, 1, "a-b?! c_\u00e9 ..", "a|-|b|?!|c_\u00e9|..");
    assert_split(&marks, 1, "a,b$\u3002", "a|,|b|$|\u3002");
    assert_split(&digits, 1, "a12b\u0663", "a|12|b|\u0663");
}

static void test_metaspace(void **state)
{
    (void)state;
    char mark[] = "_";
    struct tok_splitter step = {.kind = TOK_SPLIT_METASPACE,
                                .behaviour = TOK_MERGED_WITH_NEXT,
                                .literal = mark,
                                .n_literal = 1,
                                .scheme = TOK_PREFIX_ALWAYS,
                                .split = true};
    assert_split(&step, 1, "a b", "_a|_b");
    assert_split(&step, 1, " a  b ", "_a|_|_b|_");
    assert_split(&step, 1, "_a", "_a");
    step.split = false;
    assert_split(&step, 1, "a b", "_a_b");
    step.scheme = TOK_PREFIX_NEVER;
    assert_split(&step, 1, "a b", "a_b");
    /* "first": only where the text began, not every piece. */
    struct tok_splitter steps[] = {{.kind = TOK_SPLIT_SPACE}, step};
    steps[1].scheme = TOK_PREFIX_FIRST;
    assert_split(steps, 2, "a b", "_a|b");
    assert_split(steps, 2, " a b", "a|b");
    steps[1].scheme = TOK_PREFIX_ALWAYS;
    assert_split(steps, 2, "a b", "_a|_b");
}

static void test_bytes_are_cut_and_spelled(void **state)
{
    (void)state;
    struct tok_splitter step = {.kind = TOK_SPLIT_BYTES, .behaviour = TOK_ISOLATED};
    assert_split(&step, 1, "a \u00e9", "a\u0120\u00c3\u00a9");
    step.scheme = TOK_PREFIX_ALWAYS;
    assert_ok(tok_regex_open(&step.regex, " ?\\p{L}+", 8));
    assert_split(&step, 1, "ab cd", "\u0120ab|\u0120cd");
    tok_splitter_release(&step);
}

static void test_tokens_already_found_stay(void **state)
{
    (void)state;
    static const struct tok_splitter steps[] = {{.kind = TOK_SPLIT_SPACE},
                                                {.kind = TOK_SPLIT_BYTES}};
    struct tok_pieces pieces = {0}, other = {0};
    struct tok_clock clock = {0};
    set_piece(&pieces, "a b", 0);
    pieces.items[0].id = 7;
    assert_ok(tok_split(steps, 2, &pieces, &other, &clock));
    assert_int_equal(pieces.n, 1);
    assert_int_equal(pieces.items[0].id, 7);
    tok_pieces_release(&pieces);
    tok_pieces_release(&other);
}

static void test_regexes_that_could_cost_too_much_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "(a)\\1",  "(?<=a)b",    "(?>a)",   "(?=a+)b", "(?!(ab)*)", "(?~a)", "\\k<x>",
        "(?<x>a)", "(?=[a]{2})", "(*FAIL)", "a\\Kb",   "\\Ga",      "(?"};
    static const char *const good[] = {
        "(?:a|b)+", "\\s+(?!\\S)", "(?i:'s)",  "[+*(?<=]+",
        "\\(\\?>",  "a(?=b|c)d+",  "[^\\]+]*", ""};
    struct tok_regex *regex;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_err(tok_regex_open(&regex, bad[i], strlen(bad[i])), ERR_UNSUPPORTED);
        assert_null(regex);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(tok_regex_open(&regex, good[i], strlen(good[i])));
        tok_regex_close(regex);
    }
    assert_err(tok_regex_open(&regex, "(a", 2), ERR_MODEL);
    assert_err(tok_regex_open(&regex, "\xff", 1), ERR_MODEL);
    tok_regex_close(NULL);
}

static void test_a_match_may_be_as_long_as_the_text(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    struct tok_regex *regex;
    struct tok_clock clock = {0};
    struct tok_search search;
    char *text = alloc_array(LONG, 1);
    size_t begin, end;
    bool found;
    assert_non_null(text);
    memset(text, 'a', LONG);
    text[LONG / 2] = ' ';
    assert_ok(tok_regex_open(&regex, "[a-z]+", 6));
    tok_search_begin(&search, regex, &clock, text, LONG);
    assert_ok(tok_search_next(&search, &found, &begin, &end));
    assert_true(found && begin == 0 && end == LONG / 2);
    assert_ok(tok_search_next(&search, &found, &begin, &end));
    assert_true(found && begin == LONG / 2 + 1 && end == LONG);
    assert_ok(tok_search_next(&search, &found, &begin, &end));
    assert_false(found);
    tok_regex_close(regex);
    alloc_free(text);
}

/* Every start is tried to the end of the text: the clock ends it. */
static void test_a_quadratic_regex_meets_the_clock(void **state)
{
    (void)state;
    enum { LONG = 4 << 20 };
    struct tok_regex *regex;
    struct tok_clock clock = {0};
    struct tok_search search;
    char *text = alloc_array(LONG, 1);
    size_t begin, end;
    bool found;
    assert_non_null(text);
    memset(text, 'a', LONG);
    assert_ok(tok_regex_open(&regex, "[a-z]+1|[a-z]+2", 15));
    tok_search_begin(&search, regex, &clock, text, LONG);
    assert_err(tok_search_next(&search, &found, &begin, &end), ERR_MODEL);
    tok_regex_close(regex);
    alloc_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_five_behaviours),
        cmocka_unit_test(test_inverted_matches_are_what_is_kept),
        cmocka_unit_test(test_classes_of_characters),
        cmocka_unit_test(test_metaspace),
        cmocka_unit_test(test_bytes_are_cut_and_spelled),
        cmocka_unit_test(test_tokens_already_found_stay),
        cmocka_unit_test(test_regexes_that_could_cost_too_much_are_refused),
        cmocka_unit_test(test_a_match_may_be_as_long_as_the_text),
        cmocka_unit_test(test_a_quadratic_regex_meets_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
