/*
 * error_test.c - base/error.h.
 */
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static void test_the_detail_is_the_last_sentence(void **state)
{
    (void)state;
    assert_int_equal(err_set(ERR_LIMIT, "%d is more than %d", 5, 4), ERR_LIMIT);
    assert_string_equal(err_detail(), "5 is more than 4");
}

static void test_a_prefix_goes_in_front(void **state)
{
    (void)state;
    (void)err_set(ERR_IO, "it ends early");
    assert_int_equal(err_prefix(ERR_IO, "photo %d", 7), ERR_IO);
    assert_string_equal(err_detail(), "photo 7: it ends early");
}

static void test_the_detail_may_be_quoted_in_the_next(void **state)
{
    (void)state;
    (void)err_set(ERR_IO, "inner");
    (void)err_set(ERR_IO, "outer of %s", err_detail());
    assert_string_equal(err_detail(), "outer of inner");
}

static void test_long_sentences_are_cut_and_ended(void **state)
{
    (void)state;
    char text[2 * ERR_DETAIL_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)err_set(ERR_IO, "%s", text);
    assert_int_equal(strlen(err_detail()), ERR_DETAIL_MAX - 1);
    (void)err_prefix(ERR_IO, "%.100s", text);
    assert_int_equal(strlen(err_detail()), ERR_DETAIL_MAX - 1);
    (void)err_prefix(ERR_IO, "%s", text);
    assert_int_equal(strlen(err_detail()), ERR_DETAIL_MAX - 1);
}

static void test_system_errors_have_the_right_codes(void **state)
{
    (void)state;
    assert_int_equal(err_errno(ENOENT, "f"), ERR_NOT_FOUND);
    assert_int_equal(err_errno(ENOSPC, "f"), ERR_FULL);
    assert_int_equal(err_errno(EACCES, "f"), ERR_IO);
    assert_string_equal(err_detail(), "f: Permission denied");
}

static void *detail_of_another_thread(void *arg)
{
    (void)arg;
    (void)err_set(ERR_IO, "theirs");
    return NULL;
}

static void test_each_thread_has_its_own_detail(void **state)
{
    (void)state;
    pthread_t thread;
    (void)err_set(ERR_IO, "mine");
    assert_int_equal(pthread_create(&thread, NULL, detail_of_another_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(err_detail(), "mine");
}

static void test_every_code_has_a_name(void **state)
{
    (void)state;
    for (int code = ERR_OK; code <= ERR_INTERNAL; code++) {
        assert_string_not_equal(err_name((enum err)code), "unknown");
    }
    assert_string_equal(err_name(ERR_INTERNAL), "internal");
    assert_string_equal(err_name((enum err)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_detail_is_the_last_sentence),
        cmocka_unit_test(test_a_prefix_goes_in_front),
        cmocka_unit_test(test_the_detail_may_be_quoted_in_the_next),
        cmocka_unit_test(test_long_sentences_are_cut_and_ended),
        cmocka_unit_test(test_system_errors_have_the_right_codes),
        cmocka_unit_test(test_each_thread_has_its_own_detail),
        cmocka_unit_test(test_every_code_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
