/*
 * tok_json_test.c - tokenizer.json: what it may hold does what it says, and what is
 * wrong or unknown is refused with a sentence. That the ids equal the reference's is
 * tok_golden_test.c's business.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "encoder/tokenizer.h"

#define GOLDEN "tests/golden/tokenizers"

enum { IDS_MAX = 64 };

static char path[] = "/tmp/duet-tok-json-XXXXXX";

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

#define BPE_MODEL                                                                      \
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0,"      \
    "\"a\":1,\"b\":2,\"ab\":3,\" \":4,\"<s>\":5},\"merges\":[\"a b\"]}"
#define ADDED(flags)                                                                   \
    "\"added_tokens\":[{\"id\":5,\"content\":\"<s>\",\"special\":true," flags "}]"

static struct tok *open_text(const char *json)
{
    struct tok *tok;
    assert_ok(file_write_unsynced(path, json, strlen(json)));
    assert_ok(tok_open_json(&tok, path, false));
    return tok;
}

/* `expected` is the ids with a space between. */
static void assert_ids(const struct tok *tok, const char *text, const char *expected)
{
    int32_t ids[IDS_MAX];
    size_t n;
    bool truncated;
    char got[IDS_MAX * 8] = "";
    assert_ok(tok_encode(tok, text, strlen(text), ids, IDS_MAX, &n, &truncated));
    for (size_t i = 0, at = 0; i < n; i++) {
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%d", i > 0 ? " " : "",
                               (int)ids[i]);
    }
    assert_string_equal(got, expected);
}

static void assert_text_gives(const char *json, const char *text, const char *expected)
{
    struct tok *tok = open_text(json);
    assert_ids(tok, text, expected);
    tok_close(tok);
}

static void test_a_bare_model_is_enough(void **state)
{
    (void)state;
    assert_text_gives("{" BPE_MODEL "}", "ab ba", "3 4 2 1");
    assert_text_gives("{" BPE_MODEL "}", "", "");
    assert_text_gives("{" BPE_MODEL ",\"normalizer\":null,\"added_tokens\":null}",
                      "axb", "1 0 2");
}

static void test_added_tokens_take_the_spaces_they_say(void **state)
{
    (void)state;
    const char *plain = "{" BPE_MODEL "," ADDED(
        "\"lstrip\":false,\"rstrip\":false,\"single_word\":false,"
        "\"normalized\":false") "}";
    const char *strips =
        "{" BPE_MODEL "," ADDED("\"lstrip\":true,\"rstrip\":true,\"single_word\":false,"
                                "\"normalized\":false") "}";
    const char *single = "{" BPE_MODEL "," ADDED(
        "\"lstrip\":false,\"rstrip\":false,\"single_word\":true,"
        "\"normalized\":false") "}";
    assert_text_gives(plain, "a <s> b", "1 4 5 4 2");
    assert_text_gives(strips, "a  <s>  b", "1 5 2");
    assert_text_gives(strips, "<s> <s>", "5 5");
    assert_text_gives(single, "a<s>b <s>", "1 0 0 0 2 4 5");
}

static void test_the_template_surrounds_and_is_counted(void **state)
{
    (void)state;
    struct tok *tok =
        open_text("{" BPE_MODEL
                  ",\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"<s>\","
                  "5],\"sep\":[\"a\",1]}}");
    int32_t ids[3];
    size_t n;
    bool truncated;
    assert_int_equal(tok_n_special(tok), 2);
    assert_ids(tok, "b", "5 2 1");
    assert_ids(tok, "", "5 1");
    assert_ok(tok_encode(tok, "bb", 2, ids, 3, &n, &truncated));
    assert_true(truncated);
    assert_int_equal(n, 3);
    assert_ok(tok_encode(tok, "bb", 2, ids, 2, &n, &truncated));
    assert_true(truncated);
    assert_int_equal(n, 2);
    assert_err(tok_encode(tok, "bb", 2, ids, 1, &n, &truncated), ERR_INVALID);
    assert_err(tok_encode(tok, "b\xff", 2, ids, 3, &n, &truncated), ERR_INVALID);
    tok_close(tok);
}

static void test_tokens_are_found_by_name(void **state)
{
    (void)state;
    int32_t id = -7;
    struct tok *tok =
        open_text("{" BPE_MODEL
                  ",\"added_tokens\":[{\"id\":6,\"content\":\"<new>\",\"special\":true,"
                  "\"lstrip\":false,\"rstrip\":false,\"single_word\":false,"
                  "\"normalized\":false}]}");
    assert_int_equal(tok_vocabulary_size(tok), 7);
    assert_ok(tok_find(tok, "ab", &id));
    assert_int_equal(id, 3);
    assert_ok(tok_find(tok, "<new>", &id));
    assert_int_equal(id, 6);
    assert_err(tok_find(tok, "nothing", &id), ERR_NOT_FOUND);
    assert_int_equal(id, 6);
    assert_ids(tok, "a<new>", "1 6");
    tok_close(tok);
}

static void test_lower_case_comes_before_the_files_own_steps(void **state)
{
    (void)state;
    struct tok *tok;
    const char *json =
        "{" BPE_MODEL
        ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},"
        "\"content\":\"b\"}}";
    assert_ok(file_write_unsynced(path, json, strlen(json)));
    assert_ok(tok_open_json(&tok, path, true));
    assert_ids(tok, "AX", "3");
    tok_close(tok);
}

static void test_a_character_that_no_token_can_spell_is_an_error(void **state)
{
    (void)state;
    struct tok *tok = open_text(
        "{\"model\":{\"unk_token\":\"gone\",\"vocab\":{\"a\":0},\"merges\":[]}}");
    int32_t ids[4];
    size_t n;
    bool truncated;
    assert_ids(tok, "aa", "0 0");
    assert_err(tok_encode(tok, "ab", 2, ids, 4, &n, &truncated), ERR_MODEL);
    tok_close(tok);
    tok = open_text("{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",-1]]}}");
    assert_ids(tok, "aa", "0 0");
    assert_err(tok_encode(tok, "ab", 2, ids, 4, &n, &truncated), ERR_MODEL);
    tok_close(tok);
}

static void test_a_text_that_grows_without_end_is_stopped(void **state)
{
    (void)state;
    char many[3001];
    struct buf json;
    buf_init(&json, 1 << 20);
    memset(many, 'a', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    assert_ok(buf_printf(&json, "{" BPE_MODEL ",\"normalizer\":{\"type\":\"Sequence\","
                                "\"normalizers\":["));
    for (int i = 0; i < 2; i++) {
        assert_ok(buf_printf(&json,
                             "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
                             "\"content\":\"%s\"}",
                             i > 0 ? "," : "", many));
    }
    assert_ok(buf_printf(&json, "]}}"));
    struct tok *tok = open_text(json.data);
    int32_t ids[4];
    size_t n;
    bool truncated;
    assert_err(tok_encode(tok, "a", 1, ids, 4, &n, &truncated), ERR_LIMIT);
    tok_close(tok);
    buf_release(&json);
}

static void test_a_regex_that_backtracks_without_end_is_stopped(void **state)
{
    (void)state;
    static char text[4001];
    struct tok *tok = open_text(
        "{" BPE_MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":"
        "\"(a|aa)+$\"},\"behavior\":\"Isolated\",\"invert\":false}}");
    int32_t ids[4];
    size_t n;
    bool truncated;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 'b';
    assert_err(tok_encode(tok, text, sizeof text, ids, 4, &n, &truncated), ERR_MODEL);
    assert_ids(tok, "aab", "1 3");
    tok_close(tok);
}

/* One line of bad.txt: the file, the error, and words that its sentence must have. */
static void assert_refused(const char *name, const char *error, const char *words)
{
    struct tok *tok = NULL;
    char file[256];
    (void)snprintf(file, sizeof file, GOLDEN "/bad/%s.json", name);
    enum err result = tok_open_json(&tok, file, false);
    if (strcmp(err_name(result), error) != 0 ||
        (result != ERR_OK &&
         (strstr(err_detail(), words) == NULL || strstr(err_detail(), file) == NULL))) {
        fail_msg("%s gave %s (%s), not %s (%s)", name, err_name(result), err_detail(),
                 error, words);
    }
    assert_int_equal(tok == NULL, result != ERR_OK);
    tok_close(tok);
}

static void test_bad_files_are_refused_with_the_reason(void **state)
{
    (void)state;
    enum { FILES_MIN = 80 };
    struct buf list;
    size_t n = 0;
    buf_init(&list, 1 << 20);
    assert_ok(file_read(GOLDEN "/bad.txt", &list));
    for (char *p = list.data; *p != '\0'; n++) {
        char name[64], error[32], words[128];
        assert_int_equal(sscanf(p, "%63s %31s %127[^\n]", name, error, words), 3);
        assert_refused(name, error, words);
        p += strcspn(p, "\n") + 1;
    }
    assert_true(n >= FILES_MIN);
    buf_release(&list);
}

static void test_missing_files_are_told(void **state)
{
    (void)state;
    struct tok *tok;
    assert_err(tok_open_json(&tok, "/tmp/no/such/tokenizer.json", false), ERR_MODEL);
    assert_null(tok);
    assert_err(tok_open_bpe(&tok, "/tmp/no/such/vocab.json", "/tmp"), ERR_MODEL);
    assert_null(tok);
    assert_err(tok_open_bpe(&tok, GOLDEN "/clip-vocab.json", "/tmp/no/such"),
               ERR_MODEL);
    assert_null(tok);
}

static void test_a_bad_pair_of_files_is_refused(void **state)
{
    (void)state;
    static const char *const bad_merges[] = {"#version: 0.2\na\n", "a b c\n", "a b\n\n",
                                             "a notoken\n"};
    static const char *const bad_vocabs[] = {
        "{}",  "[]", "{\"a\":0}", "{\"a\":0,\"b\":0}", "{\"<|startoftext|>\":0}",
        "\xff"};
    struct tok *tok;
    for (size_t i = 0; i < sizeof bad_merges / sizeof bad_merges[0]; i++) {
        assert_ok(file_write_unsynced(path, bad_merges[i], strlen(bad_merges[i])));
        assert_err(tok_open_bpe(&tok, GOLDEN "/clip-vocab.json", path), ERR_MODEL);
        assert_non_null(strstr(err_detail(), path));
    }
    for (size_t i = 0; i < sizeof bad_vocabs / sizeof bad_vocabs[0]; i++) {
        assert_ok(file_write_unsynced(path, bad_vocabs[i], strlen(bad_vocabs[i])));
        assert_err(tok_open_bpe(&tok, path, GOLDEN "/clip-merges.txt"), ERR_MODEL);
        assert_non_null(strstr(err_detail(), path));
    }
}

enum { THREADS = 4, ROUNDS = 200 };

static const char *const shared_texts[THREADS] = {
    "A photo of a cat, isn't it?", "\u72d7 caf\u00e9 e\u0301\u0323 \ufb03 12",
    "\U0001f44d\U0001f3fd <|endoftext|>  x\ty", "\u0130STANBUL \u0958\u0301 $9.99"};

struct reader {
    const struct tok *tok;
    const char *text;
    int32_t ids[IDS_MAX];
    size_t n_ids;
    bool same; /* every round gave the first one's ids */
};

static void *encode_often(void *context)
{
    struct reader *r = context;
    r->same = true;
    for (int i = 0; i < ROUNDS && r->same; i++) {
        int32_t ids[IDS_MAX];
        size_t n;
        bool truncated;
        r->same = tok_encode(r->tok, r->text, strlen(r->text), ids, IDS_MAX, &n,
                             &truncated) == ERR_OK &&
                  n == r->n_ids && memcmp(ids, r->ids, n * sizeof *ids) == 0;
    }
    return NULL;
}

static void share(const char *file)
{
    struct tok *tok;
    struct reader readers[THREADS];
    pthread_t threads[THREADS];
    bool truncated;
    assert_ok(tok_open_json(&tok, file, false));
    for (size_t i = 0; i < THREADS; i++) {
        struct reader *r = &readers[i];
        *r = (struct reader){.tok = tok, .text = shared_texts[i]};
        assert_ok(tok_encode(tok, r->text, strlen(r->text), r->ids, IDS_MAX, &r->n_ids,
                             &truncated));
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, &readers[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(readers[i].same);
    }
    tok_close(tok);
}

static void test_threads_share_one_tokenizer(void **state)
{
    (void)state;
    share(GOLDEN "/clip.json");
    share(GOLDEN "/siglip.json");
    share(GOLDEN "/siglip2.json");
    share(GOLDEN "/bert.json");
}

/* Lets every allocation of opening and encoding fail in turn. */
static void torture(const char *file)
{
    static const char text[] =
        "A dog\xcc\x81 <|endoftext|> \xe7\x8b\x97 caf\xc3\xa9 </s> 12";
    struct tok *tok = NULL;
    int32_t ids[IDS_MAX];
    size_t n_ids;
    bool truncated;
    long n = 0;
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = tok_open_json(&tok, file, false);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
        assert_int_equal(tok == NULL, result != ERR_OK);
    }
    assert_true(n > 5);
    n = 0;
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result = tok_encode(tok, text, strlen(text), ids, IDS_MAX, &n_ids, &truncated);
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
    }
    assert_true(n > 5);
    tok_close(tok);
}

static void torture_pair(void)
{
    struct tok *tok = NULL;
    long n = 0;
    for (enum err result = ERR_NOMEM; result != ERR_OK; n++) {
        alloc_fail_after(n);
        result =
            tok_open_bpe(&tok, GOLDEN "/clip-vocab.json", GOLDEN "/clip-merges.txt");
        alloc_fail_after(-1);
        assert_true(result == ERR_NOMEM || result == ERR_OK);
        assert_int_equal(tok == NULL, result != ERR_OK);
    }
    assert_true(n > 5);
    tok_close(tok);
}

static void test_no_memory_at_any_point_is_an_error_without_leaks(void **state)
{
    (void)state;
    torture(GOLDEN "/clip.json");
    torture(GOLDEN "/siglip-first.json");
    torture(GOLDEN "/siglip-words.json");
    torture(GOLDEN "/siglip2.json");
    torture(GOLDEN "/bad/good-charsmap.json");
    torture_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bare_model_is_enough),
        cmocka_unit_test(test_added_tokens_take_the_spaces_they_say),
        cmocka_unit_test(test_the_template_surrounds_and_is_counted),
        cmocka_unit_test(test_tokens_are_found_by_name),
        cmocka_unit_test(test_lower_case_comes_before_the_files_own_steps),
        cmocka_unit_test(test_a_character_that_no_token_can_spell_is_an_error),
        cmocka_unit_test(test_a_text_that_grows_without_end_is_stopped),
        cmocka_unit_test(test_a_regex_that_backtracks_without_end_is_stopped),
        cmocka_unit_test(test_bad_files_are_refused_with_the_reason),
        cmocka_unit_test(test_missing_files_are_told),
        cmocka_unit_test(test_a_bad_pair_of_files_is_refused),
        cmocka_unit_test(test_threads_share_one_tokenizer),
        cmocka_unit_test(test_no_memory_at_any_point_is_an_error_without_leaks),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
