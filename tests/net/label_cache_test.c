/*
 * label_cache_test.c - lists of labels kept by net/label_cache.h.
 */
#include "tests/test.h"

#include <pthread.h>

#include "base/limits.h"
#include "net/label_cache.h"
#include "tests/net/fake_db.h"

static struct label_cache *cache;

static int begin(void **state)
{
    (void)state;
    fake_reset();
    fake.n_label_lists = 0;
    assert_ok(label_cache_open(&cache));
    return 0;
}

static int end(void **state)
{
    (void)state;
    label_cache_close(cache);
    return 0;
}

static struct label_use take(const char *label, const char *template)
{
    struct label_use use;
    const struct duet_label_options options = {.labels = &label,
                                               .n_labels = 1,
                                               .templates = &template,
                                               .n_templates = template != NULL};
    assert_ok(label_cache_take(cache, NULL, &options, &use));
    assert_non_null(use.labels);
    return use;
}

static void take_and_give(const char *label, const char *template)
{
    struct label_use use = take(label, template);
    label_cache_give(cache, &use);
    assert_null(use.labels);
}

static void test_the_same_labels_are_made_once(void **state)
{
    (void)state;
    take_and_give("dog", NULL);
    take_and_give("dog", NULL);
    assert_int_equal(fake.n_label_lists, 1);
    take_and_give("dog", "a {}");
    take_and_give("do", NULL);
    assert_int_equal(fake.n_label_lists, 3);
}

static void test_the_list_used_longest_ago_goes(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    assert_int_equal(sizeof names / sizeof names[0], LIMIT_LABELS_KEPT);
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++) {
        take_and_give(names[i], NULL);
    }
    take_and_give("a", NULL); /* now "b" is the oldest */
    take_and_give("new", NULL);
    assert_int_equal(fake.n_label_lists, LIMIT_LABELS_KEPT + 1);
    take_and_give("a", NULL);
    assert_int_equal(fake.n_label_lists, LIMIT_LABELS_KEPT + 1);
    take_and_give("b", NULL);
    assert_int_equal(fake.n_label_lists, LIMIT_LABELS_KEPT + 2);
}

static void test_labels_in_use_stay(void **state)
{
    (void)state;
    struct label_use held = take("held", NULL);
    char name[2] = "a";
    for (; name[0] <= 'z'; name[0]++) {
        take_and_give(name, NULL);
    }
    struct label_use again = take("held", NULL);
    assert_ptr_equal(again.labels, held.labels);
    label_cache_give(cache, &again);
    label_cache_give(cache, &held);
}

static void test_what_has_no_room_ends_with_its_use(void **state)
{
    (void)state;
    struct label_use uses[LIMIT_LABELS_KEPT];
    char name[2] = "a";
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++, name[0]++) {
        uses[i] = take(name, NULL);
        assert_non_null(uses[i].entry);
    }
    struct label_use one_more = take("more", NULL);
    assert_null(one_more.entry);
    label_cache_give(cache, &one_more);
    for (size_t i = 0; i < LIMIT_LABELS_KEPT; i++) {
        label_cache_give(cache, &uses[i]);
    }
}

static void test_a_failure_is_not_kept(void **state)
{
    (void)state;
    struct label_use use;
    const char *label = "dog";
    const struct duet_label_options options = {.labels = &label, .n_labels = 1};
    fake.fail = ERR_MODEL;
    assert_err(label_cache_take(cache, NULL, &options, &use), ERR_MODEL);
    label_cache_give(cache, &use);
    fake.fail = ERR_OK;
    take_and_give("dog", NULL);
    assert_int_equal(fake.n_label_lists, 1);
}

static void *take_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        char name[2] = {(char)('a' + i % 20), '\0'};
        take_and_give(name, NULL);
    }
    return NULL;
}

static void test_threads_share_them(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_often, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_the_same_labels_are_made_once),
        TEST(test_the_list_used_longest_ago_goes),
        TEST(test_labels_in_use_stay),
        TEST(test_what_has_no_room_ends_with_its_use),
        TEST(test_a_failure_is_not_kept),
        TEST(test_threads_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
