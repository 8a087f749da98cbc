/*
 * tokenizer_test.c - encoder/tokenizer.h, on a small vocabulary written here. That the
 * ids of a real vocabulary equal the reference's is golden_test.c's business.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "encoder/tokenizer.h"

enum { MAX = 256 };

static char folder[] = "/tmp/duet-tokenizer-XXXXXX";
static char path[64];
static struct tok *lower, *cased;

static const char *const vocabulary[] = {
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "dog",
    "dogs",
    "##s",
    "play",
    "##ing",
    "cafe",
    "i",
    "狗",
    "豈",
    ",",
    "$",
    "[",
    "]",
    "sep",
    "Dog",
    "é",
    "x",
    "##x",
    "strasse",
    "ß",
    "\xe1\x84\x92",
    "##\xe1\x85\xa1",
    "##\xe1\x86\xab",
};

static void write_vocabulary(const char *end_of_line)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < sizeof vocabulary / sizeof vocabulary[0]; i++) {
        assert_ok(buf_printf(&text, "%s%s", vocabulary[i], end_of_line));
    }
    assert_ok(file_write(path, text.data, text.size));
    buf_release(&text);
}

static int open_both(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    write_vocabulary("\n");
    return tok_open(&lower, path, true) != ERR_OK ||
           tok_open(&cased, path, false) != ERR_OK;
}

static int close_both(void **state)
{
    (void)state;
    tok_close(lower);
    tok_close(cased);
    unlink(path);
    return rmdir(folder);
}

/* `expected` is the tokens between [CLS] and [SEP], with a space between. */
static void assert_tokens(const struct tok *tok, const char *text, const char *expected)
{
    int32_t ids[MAX];
    size_t n;
    bool truncated;
    struct buf got;
    buf_init(&got, 1 << 16);
    assert_ok(tok_encode(tok, text, strlen(text), ids, MAX, &n, &truncated));
    assert_false(truncated);
    assert_string_equal(vocabulary[ids[0]], "[CLS]");
    assert_string_equal(vocabulary[ids[n - 1]], "[SEP]");
    for (size_t i = 1; i + 1 < n; i++) {
        assert_ok(buf_printf(&got, "%s%s", i == 1 ? "" : " ", vocabulary[ids[i]]));
    }
    assert_string_equal(got.data, expected);
    buf_release(&got);
}

static void test_words_are_cut_into_the_longest_pieces(void **state)
{
    (void)state;
    assert_tokens(lower, "dog dogs playing", "dog dogs play ##ing");
    assert_tokens(lower, "plays", "play ##s");
}

static void test_a_word_with_an_unknown_part_is_unknown_as_a_whole(void **state)
{
    (void)state;
    assert_tokens(lower, "dog playful dog", "dog [UNK] dog");
}

static void test_empty_text_is_the_two_marks(void **state)
{
    (void)state;
    assert_tokens(lower, "", "");
    assert_tokens(lower, " \t\n\u3000\u2028", "");
}

static void test_every_white_space_separates(void **state)
{
    (void)state;
    assert_tokens(lower, "dog\tdog\r\ndog\u00a0dog\u3000dog", "dog dog dog dog dog");
}

static void test_controls_and_private_use_vanish(void **state)
{
    (void)state;
    assert_tokens(lower, "d\u00ado\u200b\x01g\xc2\x85\ufffd\ue000", "dog");
    assert_tokens(lower, "do\u200dg", "dog");
}

static void test_case_and_accents_go_only_where_wanted(void **state)
{
    (void)state;
    assert_tokens(lower, "DOG Caf\u00e9 cafe\u0301 \u0130", "dog cafe cafe i");
    assert_tokens(cased, "Dog DOG \u00e9 e\u0301", "Dog [UNK] \u00e9 [UNK]");
}

static void test_sharp_s_keeps_its_own_letter(void **state)
{
    (void)state;
    assert_tokens(lower, "\u00df \u1e9e strasse", "\u00df \u00df strasse");
}

static void test_ideographs_stand_alone_and_lose_their_compatibility(void **state)
{
    (void)state;
    assert_tokens(lower, "dog\u72d7\u72d7dog", "dog 狗 狗 dog");
    assert_tokens(lower, "\uf900", "豈");
}

static void test_hangul_is_taken_apart(void **state)
{
    (void)state;
    assert_tokens(lower, "\ud55c", "\xe1\x84\x92 ##\xe1\x85\xa1 ##\xe1\x86\xab");
    assert_tokens(cased, "\ud55c", "[UNK]");
}

static void test_punctuation_is_split_off(void **state)
{
    (void)state;
    assert_tokens(lower, "dog,dog$", "dog , dog $");
    assert_tokens(lower, "dog\u3002dog", "dog [UNK] dog");
}

static void test_what_unicode_8_did_not_know_is_ordinary(void **state)
{
    (void)state;
    assert_tokens(lower, "dog\u061d dog", "[UNK] dog");     /* punctuation of 2021 */
    assert_tokens(lower, "dog\U0001E944 dog", "[UNK] dog"); /* mark of 2016 */
    assert_tokens(lower, "dog\u0378 dog", "[UNK] dog");     /* unassigned */
    assert_tokens(lower, "dog\u166ddog", "dog [UNK] dog");  /* punctuation of old */
    assert_tokens(lower, "dog\u1734", "dog");               /* mark of old */
}

static void test_special_tokens_written_out_count_as_themselves(void **state)
{
    (void)state;
    assert_tokens(lower, "dog[SEP]dog[MASK][PAD]", "dog [SEP] dog [MASK] [PAD]");
    assert_tokens(lower, "[sep] [SEP", "[ sep ] [ sep");
}

static void test_a_word_of_over_100_characters_is_unknown(void **state)
{
    (void)state;
    char text[102];
    int32_t ids[MAX];
    size_t n;
    bool truncated;
    memset(text, 'x', sizeof text);
    assert_ok(tok_encode(lower, text, 100, ids, MAX, &n, &truncated));
    assert_int_equal(n, 102);
    assert_ok(tok_encode(lower, text, 101, ids, MAX, &n, &truncated));
    assert_int_equal(n, 3);
    assert_string_equal(vocabulary[ids[1]], "[UNK]");
}

static void test_truncation_is_exact_and_reported(void **state)
{
    (void)state;
    const char *text = "dog dogs plays";
    int32_t all[MAX], ids[MAX];
    size_t n, n_all;
    bool truncated;
    assert_ok(tok_encode(lower, text, strlen(text), all, 6, &n_all, &truncated));
    assert_int_equal(n_all, 6);
    assert_false(truncated);
    for (size_t max = 2; max < 6; max++) {
        ids[max] = -7;
        assert_ok(tok_encode(lower, text, strlen(text), ids, max, &n, &truncated));
        assert_true(truncated);
        assert_int_equal(n, max);
        assert_memory_equal(ids, all, (max - 1) * sizeof *ids);
        assert_int_equal(ids[max - 1], all[n_all - 1]);
        assert_int_equal(ids[max], -7);
    }
    assert_err(tok_encode(lower, text, strlen(text), ids, 1, &n, &truncated),
               ERR_INVALID);
}

static void test_ill_formed_utf8_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"dog \xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf",
                                      "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t ids[MAX] = {-7};
        size_t n = 99;
        bool truncated;
        assert_err(tok_encode(lower, bad[i], strlen(bad[i]), ids, MAX, &n, &truncated),
                   ERR_INVALID);
        assert_int_equal(ids[0], -7);
        assert_int_equal(n, 99);
    }
}

static void test_tokens_are_found_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"[PAD]", "[MASK]", "dog", "##s", "\u72d7"};
    int32_t id = -7;
    assert_int_equal(tok_n_special(lower), 2);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_ok(tok_find(lower, names[i], &id));
        assert_string_equal(vocabulary[id], names[i]);
    }
    assert_err(tok_find(lower, "cat", &id), ERR_NOT_FOUND);
    assert_err(tok_find(lower, "##dog", &id), ERR_NOT_FOUND);
    assert_string_equal(vocabulary[id], "\u72d7");
}

static void test_the_lines_may_end_in_any_way(void **state)
{
    (void)state;
    struct tok *tok;
    write_vocabulary("\r\n");
    assert_ok(tok_open(&tok, path, true));
    assert_int_equal(tok_vocabulary_size(tok), tok_vocabulary_size(lower));
    assert_tokens(tok, "dogs playing", "dogs play ##ing");
    tok_close(tok);
    assert_ok(file_write(path, "[UNK]\n[CLS]\n[SEP]\ndog", 21));
    assert_ok(tok_open(&tok, path, true));
    assert_int_equal(tok_vocabulary_size(tok), 4);
    tok_close(tok);
}

static void test_a_vocabulary_without_its_marks_is_refused(void **state)
{
    (void)state;
    struct tok *tok = lower;
    assert_ok(file_write(path, "[UNK]\n[CLS]\ndog\n", 16));
    assert_err(tok_open(&tok, path, true), ERR_MODEL);
    assert_null(tok);
    assert_non_null(strstr(err_detail(), path));
    assert_non_null(strstr(err_detail(), "[SEP]"));
    assert_ok(file_write(path, "", 0));
    assert_err(tok_open(&tok, path, true), ERR_MODEL);
    assert_err(tok_open(&tok, "/tmp/no/such/vocab.txt", true), ERR_MODEL);
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    struct tok *tok = NULL;
    long n = 0;
    write_vocabulary("\n");
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = tok_open(&tok, path, true);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
        assert_int_equal(tok == NULL, result != ERR_OK);
    }
    assert_true(n > 2);
    tok_close(tok);
    tok_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_cut_into_the_longest_pieces),
        cmocka_unit_test(test_a_word_with_an_unknown_part_is_unknown_as_a_whole),
        cmocka_unit_test(test_empty_text_is_the_two_marks),
        cmocka_unit_test(test_every_white_space_separates),
        cmocka_unit_test(test_controls_and_private_use_vanish),
        cmocka_unit_test(test_case_and_accents_go_only_where_wanted),
        cmocka_unit_test(test_sharp_s_keeps_its_own_letter),
        cmocka_unit_test(test_ideographs_stand_alone_and_lose_their_compatibility),
        cmocka_unit_test(test_hangul_is_taken_apart),
        cmocka_unit_test(test_punctuation_is_split_off),
        cmocka_unit_test(test_what_unicode_8_did_not_know_is_ordinary),
        cmocka_unit_test(test_special_tokens_written_out_count_as_themselves),
        cmocka_unit_test(test_a_word_of_over_100_characters_is_unknown),
        cmocka_unit_test(test_truncation_is_exact_and_reported),
        cmocka_unit_test(test_ill_formed_utf8_is_refused_and_writes_nothing),
        cmocka_unit_test(test_tokens_are_found_by_name),
        cmocka_unit_test(test_the_lines_may_end_in_any_way),
        cmocka_unit_test(test_a_vocabulary_without_its_marks_is_refused),
        cmocka_unit_test(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
