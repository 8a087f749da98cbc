/*
 * tok_bpe_test.c - encoder/tok_bpe.h: the order of merges, what happens to unknown
 * characters under each option, and that a text without a cut does not take forever.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "encoder/tok_bpe.h"

enum { IDS_MAX = 32 };

static const char *const tokens[] = {"<unk>",  "a",     "b",   "c",      "ab",
                                     "bc",     "abc",   "aa",  "aaaa",   "a</w>",
                                     "ab</w>", "b</w>", "##b", "<0xC3>", "<0xA9>"};
static const char *const merges[][2] = {{"a", "b"}, {"ab", "c"},  {"b", "c"},
                                        {"a", "a"}, {"aa", "aa"}, {"a", "b</w>"}};

static const struct tok_bpe_options plain = {
    .unknown = "<unk>", .prefix = "", .suffix = ""};

static void fill(struct tok_vocab *vocab)
{
    tok_vocab_init(vocab);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        assert_ok(tok_vocab_add(vocab, tokens[i], strlen(tokens[i]), i));
    }
    assert_ok(tok_vocab_seal(vocab));
}

static struct tok_bpe *open_bpe(const struct tok_bpe_options *options)
{
    struct tok_vocab vocab;
    struct tok_bpe *bpe;
    fill(&vocab);
    assert_ok(tok_bpe_open(&bpe, &vocab, options));
    for (size_t i = 0; i < sizeof merges / sizeof merges[0]; i++) {
        assert_ok(tok_bpe_add_merge(bpe, merges[i][0], strlen(merges[i][0]),
                                    merges[i][1], strlen(merges[i][1])));
    }
    assert_ok(tok_bpe_seal(bpe));
    return bpe;
}

/* `expected` is the tokens with a space between. */
static void assert_tokens(const struct tok_bpe_options *options, const char *text,
                          const char *expected)
{
    struct tok_bpe *bpe = open_bpe(options);
    struct tok_bpe_work work = {0};
    int32_t ids[IDS_MAX];
    struct tok_out out = {.ids = ids, .max = IDS_MAX};
    char got[IDS_MAX * 8] = "";
    assert_ok(tok_bpe_encode(bpe, text, strlen(text), &work, &out));
    for (size_t i = 0, at = 0; i < out.n; i++) {
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%s", i > 0 ? " " : "",
                               tokens[ids[i]]);
    }
    assert_string_equal(got, expected);
    tok_bpe_work_release(&work);
    tok_bpe_close(bpe);
}

static void test_the_oldest_merge_goes_first(void **state)
{
    (void)state;
    assert_tokens(&plain, "abc", "abc");
    assert_tokens(&plain, "bc", "bc");
    assert_tokens(&plain, "aab", "a ab");
    assert_tokens(&plain, "aaa", "aa a");
    assert_tokens(&plain, "aaaaa", "aaaa a");
    assert_tokens(&plain, "cab", "c ab");
}

static void test_unknown_characters(void **state)
{
    (void)state;
    struct tok_bpe_options fused = plain, dropped = plain, bytes = plain;
    fused.fuse_unknown = true;
    dropped.unknown = NULL;
    bytes.byte_fallback = true;
    assert_tokens(&plain, "axyb", "a <unk> <unk> b");
    assert_tokens(&fused, "axyb", "a <unk> b");
    assert_tokens(&fused, "xyz", "<unk>");
    assert_tokens(&dropped, "axyb", "ab");
    assert_tokens(&bytes, "a\u00e9b", "a <0xC3> <0xA9> b");
    assert_tokens(&bytes, "a\u00e8b", "a <unk> b");
    assert_tokens(&bytes, "x\u00e9b", "<0xC3> <0xA9> <unk> b"); /* as the reference */
}

static void test_prefix_and_suffix_are_part_of_the_characters(void **state)
{
    (void)state;
    struct tok_bpe_options suffix = plain, prefix = plain;
    suffix.suffix = "</w>";
    prefix.prefix = "##";
    assert_tokens(&suffix, "ab", "ab</w>");
    assert_tokens(&suffix, "a", "a</w>");
    assert_tokens(&suffix, "ac", "a <unk>");
    struct tok_vocab vocab;
    struct tok_bpe *bpe;
    fill(&vocab);
    assert_ok(tok_bpe_open(&bpe, &vocab, &prefix));
    assert_ok(tok_bpe_add_merge(bpe, "a", 1, "##b", 3));
    assert_err(tok_bpe_add_merge(bpe, "a", 1, "b", 1), ERR_MODEL);
    tok_bpe_close(bpe);
}

static void test_a_piece_that_is_a_token_may_stay_whole(void **state)
{
    (void)state;
    struct tok_bpe_options whole = plain;
    whole.ignore_merges = true;
    assert_tokens(&whole, "<unk>", "<unk>");
    assert_tokens(&plain, "<0xC3>", "<unk> <unk> <unk> <unk> <unk> <unk>");
    assert_tokens(&whole, "<0xC3>", "<0xC3>");
}

static void test_of_two_equal_merges_the_later_counts(void **state)
{
    (void)state;
    struct tok_vocab vocab;
    struct tok_bpe *bpe;
    struct tok_bpe_work work = {0};
    int32_t ids[IDS_MAX];
    struct tok_out out = {.ids = ids, .max = IDS_MAX};
    fill(&vocab);
    assert_ok(tok_bpe_open(&bpe, &vocab, &plain));
    assert_ok(tok_bpe_add_merge(bpe, "a", 1, "b", 1));
    assert_ok(tok_bpe_add_merge(bpe, "b", 1, "c", 1));
    assert_ok(tok_bpe_add_merge(bpe, "a", 1, "b", 1));
    assert_ok(tok_bpe_seal(bpe));
    assert_ok(tok_bpe_encode(bpe, "abc", 3, &work, &out));
    assert_int_equal(out.n, 2);
    assert_string_equal(tokens[ids[0]], "a");
    assert_string_equal(tokens[ids[1]], "bc");
    tok_bpe_work_release(&work);
    tok_bpe_close(bpe);
}

static void test_output_stops_where_there_is_no_room(void **state)
{
    (void)state;
    struct tok_bpe *bpe = open_bpe(&plain);
    struct tok_bpe_work work = {0};
    int32_t ids[3] = {-7, -7, -7};
    struct tok_out out = {.ids = ids, .max = 2};
    assert_ok(tok_bpe_encode(bpe, "ccc", 3, &work, &out));
    assert_true(out.truncated);
    assert_int_equal(out.n, 2);
    assert_int_equal(ids[2], -7);
    tok_bpe_work_release(&work);
    tok_bpe_close(bpe);
}

/* Merging by passes over the text would take minutes here. */
static void test_a_long_text_takes_no_long_time(void **state)
{
    (void)state;
    enum { LONG = 1 << 20, SECONDS_MAX = 20 };
    struct tok_bpe *bpe = open_bpe(&plain);
    struct tok_bpe_work work = {0};
    char *text = alloc_array(LONG, 1);
    int32_t *ids = alloc_array(LONG, sizeof *ids);
    assert_true(text != NULL && ids != NULL);
    struct tok_out out = {.ids = ids, .max = LONG};
    memset(text, 'a', LONG);
    clock_t start = clock();
    assert_ok(tok_bpe_encode(bpe, text, LONG, &work, &out));
    assert_true(clock() - start < SECONDS_MAX * CLOCKS_PER_SEC);
    assert_int_equal(out.n, LONG / 4);
    alloc_free(ids);
    alloc_free(text);
    tok_bpe_work_release(&work);
    tok_bpe_close(bpe);
}

static void test_a_merge_of_no_tokens_is_refused(void **state)
{
    (void)state;
    struct tok_vocab vocab;
    struct tok_bpe *bpe;
    fill(&vocab);
    assert_ok(tok_bpe_open(&bpe, &vocab, &plain));
    assert_err(tok_bpe_add_merge(bpe, "x", 1, "a", 1), ERR_MODEL);
    assert_err(tok_bpe_add_merge(bpe, "a", 1, "x", 1), ERR_MODEL);
    assert_err(tok_bpe_add_merge(bpe, "c", 1, "a", 1), ERR_MODEL);
    assert_non_null(strstr(err_detail(), "\"ca\""));
    tok_bpe_close(bpe);
    tok_bpe_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_merge_goes_first),
        cmocka_unit_test(test_unknown_characters),
        cmocka_unit_test(test_prefix_and_suffix_are_part_of_the_characters),
        cmocka_unit_test(test_a_piece_that_is_a_token_may_stay_whole),
        cmocka_unit_test(test_of_two_equal_merges_the_later_counts),
        cmocka_unit_test(test_output_stops_where_there_is_no_room),
        cmocka_unit_test(test_a_long_text_takes_no_long_time),
        cmocka_unit_test(test_a_merge_of_no_tokens_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
