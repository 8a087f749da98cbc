/* phrases_test.c - lists of phrases, and their vectors kept between two runs: see
 * db/phrases.h and db/duet_encoder.h. */
#include "tests/test.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/phrases.h"
#include "tests/db/encoder_fixture.h"

enum { K = 8 };

static const char list_text[] =
    "# some words\ndog\r\n\n  cat \nred car\ndog\n  # no\n红猫";

static char list[96], cache[96];
static struct duet_phrase found[K];
static struct duet_phrases *phrases;

static int setup(void **state)
{
    encoder_setup(state);
    snprintf(list, sizeof list, "%s/list.txt", folder);
    snprintf(cache, sizeof cache, "%s/cache/deep", folder);
    assert_ok(file_write(list, list_text, strlen(list_text)));
    return 0;
}

static int teardown(void **state)
{
    duet_phrases_close(phrases);
    phrases = NULL;
    return encoder_teardown(state);
}

static enum err open_list(const char *file)
{
    struct duet_phrases_options options = {
        .file = file, .cache = cache, .n_threads = 2};
    duet_phrases_close(phrases);
    return duet_phrases_open(&phrases, encoder, &options);
}

static size_t describe(size_t k)
{
    size_t n;
    struct duet_input input = duet_input_file(picture);
    assert_ok(duet_describe(encoder, phrases, &input, k, found, &n));
    return n;
}

/* The one file in the cache. */
static const char *cached(void)
{
    static char path[512];
    DIR *entries = opendir(cache);
    assert_non_null(entries);
    size_t n = 0;
    for (struct dirent *e; (e = readdir(entries)) != NULL;) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", cache, e->d_name);
            n++;
        }
    }
    closedir(entries);
    assert_int_equal(n, 1);
    return path;
}

static void test_comments_and_blank_lines_are_no_phrases(void **state)
{
    (void)state;
    assert_ok(open_list(list));
    assert_int_equal(duet_phrases_count(phrases), 5);
    assert_string_equal(phrases->texts[0], "dog");
    assert_string_equal(phrases->texts[1], "cat");
    assert_string_equal(phrases->texts[4], "红猫");
}

static void test_a_byte_order_mark_is_no_phrases(void **state)
{
    (void)state;
    assert_ok(file_write(list,
                         "\xef\xbb\xbf"
                         "dog\ncat\n",
                         11));
    assert_ok(open_list(list));
    assert_int_equal(duet_phrases_count(phrases), 2);
    assert_string_equal(phrases->texts[0], "dog");
}

static void test_the_nearest_come_first_and_once(void **state)
{
    (void)state;
    assert_ok(open_list(list));
    size_t n = describe(K);
    assert_int_equal(n, 4); /* "dog" stands in the list twice */
    struct duet_input input = duet_input_file(picture);
    float image[TINY_DIM], text[TINY_DIM];
    assert_ok(duet_encode(encoder, &input, image, NULL));
    for (size_t i = 0; i < n; i++) {
        float score = 0;
        input = duet_input_text(found[i].text);
        assert_ok(duet_encode(encoder, &input, text, NULL));
        for (size_t j = 0; j < TINY_DIM; j++) {
            score += image[j] * text[j];
        }
        assert_true(fabsf(score - found[i].score) < 1e-5f);
        assert_true(i == 0 || found[i - 1].score >= found[i].score);
    }
    struct duet_phrase first = found[0];
    assert_int_equal(describe(1), 1);
    assert_string_equal(found[0].text, first.text);
}

static void test_the_cache_is_used(void **state)
{
    (void)state;
    struct stat before, after;
    assert_ok(open_list(list));
    size_t n = 5 * TINY_DIM * sizeof(float);
    float *fresh = phrases->vectors;
    phrases->vectors = NULL; /* kept over the next opening */
    assert_int_equal(stat(cached(), &before), 0);
    assert_ok(open_list(list));
    assert_memory_equal(phrases->vectors, fresh, n);
    assert_int_equal(stat(cached(), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* not written again */
    duet_free(fresh);
}

static void overwrite(const char *path, long at, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Each harm must be seen, and the file be whole again afterwards. */
static void test_a_broken_cache_is_made_anew(void **state)
{
    (void)state;
    struct buf whole, now;
    static const float wrong = 0.5f;
    buf_init(&whole, 1 << 16);
    buf_init(&now, 1 << 16);
    assert_ok(open_list(list));
    assert_ok(file_read(cached(), &whole));
    for (int harm = 0; harm < 7; harm++) {
        const char *path = cached();
        static const long places[] = {0, 8, 12, 20, 50, 70, 90};
        overwrite(path, places[harm], &wrong, sizeof wrong);
        assert_ok(open_list(list));
        buf_clear(&now);
        assert_ok(file_read(cached(), &now));
        assert_int_equal(now.size, whole.size);
        assert_memory_equal(now.data, whole.data, whole.size);
    }
    static const long sizes[] = {0, 3, 80, 100};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(truncate(cached(), sizes[i]), 0);
        assert_ok(open_list(list));
        assert_memory_equal(phrases->vectors, whole.data + 80, whole.size - 80);
    }
    buf_release(&now);
    buf_release(&whole);
}

static void test_another_list_or_model_is_another_cache(void **state)
{
    (void)state;
    assert_ok(open_list(list));
    assert_ok(file_write(list, "cat\nred\nred\nblue\ncar\n", 21));
    assert_ok(open_list(list));
    assert_int_equal(duet_phrases_count(phrases), 5);
    assert_int_equal(describe(K), 4);
    cached(); /* one list, one file */
    struct duet_encoder *first = encoder;
    tiny_model_write(folder, 2);
    assert_ok(duet_encoder_open(&encoder, folder));
    assert_ok(open_list(list));
    float vector[TINY_DIM];
    struct duet_input input = duet_input_text("cat");
    assert_ok(duet_encode(encoder, &input, vector, NULL));
    assert_memory_equal(phrases->vectors, vector, sizeof vector);
    duet_encoder_close(first);
}

static void test_without_a_place_for_it_all_works_too(void **state)
{
    (void)state;
    strcpy(cache, "/dev/null/no/folder");
    assert_ok(open_list(list));
    assert_int_equal(describe(K), 4);
    strcpy(cache, "");
    assert_ok(open_list(list));
    assert_int_equal(describe(K), 4);
}

static void test_lists_that_are_none_are_refused(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof path, "%s/bad", folder);
    assert_err(open_list(path), ERR_NOT_FOUND);
    assert_ok(file_write(path, "# nothing\n\n", 11));
    assert_err(open_list(path), ERR_INVALID);
    assert_ok(file_write(path, "dog\n\xff\n", 6));
    assert_err(open_list(path), ERR_INVALID);
    assert_ok(file_write(path, "dog\0cat\n", 8));
    assert_err(open_list(path), ERR_INVALID);
    assert_null(phrases);
}

static void test_our_own_lists_are_found(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, 4096);
    setenv("DUET_PHRASES", "db/phrases", 1);
    assert_ok(phrases_find("zh", &path));
    assert_string_equal(path.data, "db/phrases/zh.txt");
    buf_clear(&path);
    assert_err(phrases_find("xx", &path), ERR_NOT_FOUND);
    assert_int_equal(path.size, 0);
    assert_err(phrases_find("../en", &path), ERR_INVALID);
    assert_err(phrases_find("", &path), ERR_INVALID);
    unsetenv("DUET_PHRASES");
    buf_release(&path);
}

static void test_short_memory_is_an_error(void **state)
{
    (void)state;
    struct duet_phrases_options options = {
        .file = list, .cache = cache, .n_threads = 1};
    enum err result = ERR_NOMEM;
    for (long n = 0; result != ERR_OK; n++) {
        assert_in_range(n, 0, 1000);
        alloc_fail_after(n);
        result = duet_phrases_open(&phrases, encoder, &options);
        alloc_fail_after(-1);
        assert_true(result == ERR_OK || (result == ERR_NOMEM && phrases == NULL));
    }
    assert_int_equal(describe(K), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_comments_and_blank_lines_are_no_phrases),
        TEST(test_a_byte_order_mark_is_no_phrases),
        TEST(test_the_nearest_come_first_and_once),
        TEST(test_the_cache_is_used),
        TEST(test_a_broken_cache_is_made_anew),
        TEST(test_another_list_or_model_is_another_cache),
        TEST(test_without_a_place_for_it_all_works_too),
        TEST(test_lists_that_are_none_are_refused),
        TEST(test_our_own_lists_are_found),
        TEST(test_short_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
