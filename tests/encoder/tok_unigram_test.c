/*
 * tok_unigram_test.c - encoder/tok_unigram.h and the vocabulary and prefix search below
 * it. The first example is the reference's own.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "encoder/tok_prefix.h"
#include "encoder/tok_unigram.h"

enum { IDS_MAX = 32 };

struct scored {
    const char *token;
    double score;
};

static const struct scored pieces[] = {
    {"<unk>", 0}, {"a", 0},   {"b", 0},     {"c", 0},       {"d", 0},    {"cd", 1},
    {"ab", 2},    {"abc", 5}, {"abcd", 10}, {"\u72d7", -1}, {"xy", -30}, {"<0x7A>", 0},
};

static struct tok_unigram *open_pieces(const struct scored *list, size_t n,
                                       int32_t unknown, bool byte_fallback)
{
    struct tok_vocab vocab;
    struct tok_unigram *model;
    double *scores = alloc_array(n, sizeof *scores);
    tok_vocab_init(&vocab);
    assert_non_null(scores);
    for (size_t i = 0; i < n; i++) {
        assert_ok(tok_vocab_add(&vocab, list[i].token, strlen(list[i].token), i));
        scores[i] = list[i].score;
    }
    assert_ok(tok_vocab_seal(&vocab));
    assert_ok(tok_unigram_open(&model, &vocab, &scores, unknown, byte_fallback));
    assert_null(scores);
    return model;
}

static void assert_tokens(const struct tok_unigram *model, const struct scored *list,
                          const char *text, const char *expected)
{
    struct tok_unigram_work work = {0};
    int32_t ids[IDS_MAX];
    struct tok_out out = {.ids = ids, .max = IDS_MAX};
    char got[IDS_MAX * 8] = "";
    assert_ok(tok_unigram_encode(model, text, strlen(text), &work, &out));
    for (size_t i = 0, at = 0; i < out.n; i++) {
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%s", i > 0 ? " " : "",
                               list[ids[i]].token);
    }
    assert_string_equal(got, expected);
    tok_unigram_work_release(&work);
}

#define N_PIECES (sizeof pieces / sizeof pieces[0])

static void test_the_best_path_wins(void **state)
{
    (void)state;
    struct tok_unigram *model = open_pieces(pieces, N_PIECES, 0, false);
    assert_tokens(model, pieces, "abcdacd", "abcd a cd");
    assert_tokens(model, pieces, "abc", "abc");
    assert_tokens(model, pieces, "", "");
    assert_tokens(model, pieces, "\u72d7\u72d7ab", "\u72d7 \u72d7 ab");
    tok_unigram_close(model);
}

static void test_unknown_characters_are_one_token(void **state)
{
    (void)state;
    struct tok_unigram *model = open_pieces(pieces, N_PIECES, 0, false);
    assert_tokens(model, pieces, "axb", "a <unk> b");
    assert_tokens(model, pieces, "a\u00e9\u00e9xb", "a <unk> b");
    assert_tokens(model, pieces, "zzz", "<unk>");
    tok_unigram_close(model);
    model = open_pieces(pieces, N_PIECES, 0, true);
    assert_tokens(model, pieces, "azzb", "a <0x7A> <0x7A> b");
    assert_tokens(model, pieces, "azqb", "a <unk> b"); /* not all of it has bytes */
    tok_unigram_close(model);
}

static void test_of_equal_sums_the_first_found_stays(void **state)
{
    (void)state;
    static const struct scored equal[] = {{"<unk>", -9}, {"a", -1},  {"b", -1},
                                          {"c", -1},     {"ab", -2}, {"bc", -2}};
    struct tok_unigram *model =
        open_pieces(equal, sizeof equal / sizeof equal[0], 0, false);
    assert_tokens(model, equal, "abc", "a bc");
    tok_unigram_close(model);
}

static void test_without_an_unknown_token_there_is_an_error(void **state)
{
    (void)state;
    struct tok_unigram *model = open_pieces(pieces, N_PIECES, TOK_NONE, false);
    struct tok_unigram_work work = {0};
    int32_t ids[IDS_MAX];
    struct tok_out out = {.ids = ids, .max = IDS_MAX};
    assert_err(tok_unigram_encode(model, "aq", 2, &work, &out), ERR_MODEL);
    tok_unigram_work_release(&work);
    tok_unigram_close(model);
    tok_unigram_close(NULL);
}

static void test_a_vocabulary_has_every_id_once(void **state)
{
    (void)state;
    struct tok_vocab vocab;
    tok_vocab_init(&vocab);
    assert_ok(tok_vocab_add(&vocab, "b", 1, 1));
    assert_err(tok_vocab_add(&vocab, "c", 1, 1), ERR_MODEL);
    assert_err(tok_vocab_add(&vocab, "c", 1, LIMIT_MODEL_TOKENS), ERR_MODEL);
    assert_err(tok_vocab_seal(&vocab), ERR_MODEL);
    tok_vocab_release(&vocab);
    assert_ok(tok_vocab_add(&vocab, "", 0, 0));
    assert_ok(tok_vocab_add(&vocab, "a\0b", 3, 1));
    assert_ok(tok_vocab_seal(&vocab));
    assert_int_equal(tok_vocab_find(&vocab, "a\0b", 3), 1);
    assert_int_equal(tok_vocab_find(&vocab, "a", 1), TOK_NONE);
    assert_int_equal(tok_vocab_find(&vocab, "", 0), 0);
    tok_vocab_release(&vocab);
}

static void test_a_walk_meets_every_prefix(void **state)
{
    (void)state;
    static const char bytes[] = "abcabaxyb";
    static const struct tok_span spans[] = {{0, 3}, {3, 2}, {5, 1}, {6, 3}, {6, 1}};
    static const int32_t hits[] = {2, 1, 0};
    struct tok_prefix set;
    assert_ok(tok_prefix_open(&set, bytes, spans, 5));
    struct tok_walk walk = tok_walk_begin(&set);
    for (size_t i = 0; i < 3; i++) {
        assert_true(tok_walk_step(&set, &walk, "abc"[i]));
        assert_int_equal(tok_walk_hit(&set, &walk), hits[i]);
    }
    assert_false(tok_walk_step(&set, &walk, 'd'));
    walk = tok_walk_begin(&set);
    assert_true(tok_walk_step(&set, &walk, 'x'));
    assert_int_equal(tok_walk_hit(&set, &walk), 4);
    assert_true(tok_walk_step(&set, &walk, 'y'));
    assert_int_equal(tok_walk_hit(&set, &walk), TOK_NONE);
    walk = tok_walk_begin(&set);
    assert_false(tok_walk_step(&set, &walk, (char)0xff));
    tok_prefix_close(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_path_wins),
        cmocka_unit_test(test_unknown_characters_are_one_token),
        cmocka_unit_test(test_of_equal_sums_the_first_found_stays),
        cmocka_unit_test(test_without_an_unknown_token_there_is_an_error),
        cmocka_unit_test(test_a_vocabulary_has_every_id_once),
        cmocka_unit_test(test_a_walk_meets_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
