/*
 * text_cache_test.c - db/text_cache.h.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "db/text_cache.h"

enum { DIM = 3 };

static struct text_cache *cache;

static int begin(void **state)
{
    (void)state;
    assert_ok(text_cache_open(&cache, DIM));
    return 0;
}

static int end(void **state)
{
    (void)state;
    text_cache_close(cache);
    return 0;
}

static void put(const char *text, float value)
{
    const float vector[DIM] = {value, -value, 0.5f};
    text_cache_put(cache, text, strlen(text), vector, value > 100);
}

/* The first number of the text's vector; -1 where it is not there. */
static float get(const char *text)
{
    float vector[DIM];
    bool truncated;
    if (!text_cache_get(cache, text, strlen(text), vector, &truncated)) {
        return -1;
    }
    assert_true(vector[1] == -vector[0] && vector[2] == 0.5f);
    assert_int_equal(truncated, vector[0] > 100);
    return vector[0];
}

static void test_what_was_put_is_got(void **state)
{
    (void)state;
    put("a dog", 1);
    put("a do", 2);
    put("", 300);
    assert_true(get("a dog") == 1);
    assert_true(get("a do") == 2);
    assert_true(get("") == 300);
    assert_true(get("a dogs") == -1);
    put("a dog", 9); /* the same text has the same vector: the first stays */
    assert_true(get("a dog") == 1);
    struct text_cache_stats stats = text_cache_stats(cache);
    assert_int_equal(stats.n_texts, 3);
    assert_int_equal(stats.n_hits, 4);
    assert_int_equal(stats.n_misses, 1);
}

static void test_bytes_that_end_strings_are_part_of_a_text(void **state)
{
    (void)state;
    const float one[DIM] = {1, -1, 0.5f}, two[DIM] = {2, -2, 0.5f};
    float got[DIM];
    bool truncated;
    text_cache_put(cache, "a\0b", 3, one, false);
    text_cache_put(cache, "a\0c", 3, two, false);
    assert_true(text_cache_get(cache, "a\0c", 3, got, &truncated));
    assert_true(got[0] == 2);
    assert_false(text_cache_get(cache, "a", 1, got, &truncated));
}

static void test_the_one_asked_for_longest_ago_goes(void **state)
{
    (void)state;
    char text[32];
    for (int i = 0; i < TEXT_CACHE_ENTRIES; i++) {
        snprintf(text, sizeof text, "text %d", i);
        put(text, (float)i);
    }
    assert_true(get("text 0") == 0);
    put("another", 7);
    assert_true(get("text 0") == 0);
    assert_true(get("text 1") == -1);
    assert_true(get("text 2") == 2);
    for (int i = 0; i < 3 * TEXT_CACHE_ENTRIES; i++) {
        snprintf(text, sizeof text, "new %d", i);
        put(text, (float)i);
    }
    assert_true(get("text 0") == -1);
    assert_int_equal(text_cache_stats(cache).n_texts, TEXT_CACHE_ENTRIES);
}

static void test_long_texts_are_not_kept(void **state)
{
    (void)state;
    char text[TEXT_CACHE_TEXT_BYTES + 2];
    memset(text, 'a', sizeof text);
    text[TEXT_CACHE_TEXT_BYTES + 1] = '\0';
    put(text, 1);
    assert_true(get(text) == -1);
    text[TEXT_CACHE_TEXT_BYTES] = '\0';
    put(text, 2);
    assert_true(get(text) == 2);
}

static void test_short_memory_keeps_nothing(void **state)
{
    (void)state;
    struct text_cache *other;
    alloc_fail_after(0);
    put("a dog", 1);
    enum err result = text_cache_open(&other, DIM);
    alloc_fail_after(-1);
    assert_int_equal(result, ERR_NOMEM);
    assert_null(other);
    assert_true(get("a dog") == -1);
    text_cache_close(NULL);
}

static void *use_it(void *arg)
{
    unsigned x = (unsigned)(size_t)arg;
    char text[32];
    for (int i = 0; i < 20000; i++) {
        x = x * 1103515245u + 12345u;
        unsigned which = (x >> 8) % 6000;
        snprintf(text, sizeof text, "text %u", which);
        float got = get(text);
        if (got == -1) {
            put(text, (float)which);
        } else if (got != (float)which) {
            return arg;
        }
    }
    return NULL;
}

static void test_many_threads_get_what_was_put(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *failed;
    for (size_t i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, use_it, (void *)(i + 1));
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_put_is_got),
        TEST(test_bytes_that_end_strings_are_part_of_a_text),
        TEST(test_the_one_asked_for_longest_ago_goes),
        TEST(test_long_texts_are_not_kept),
        TEST(test_short_memory_keeps_nothing),
        TEST(test_many_threads_get_what_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
