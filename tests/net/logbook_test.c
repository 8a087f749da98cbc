/*
 * logbook_test.c - net/logbook.h, and net/request_id.h.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "net/logbook.h"
#include "net/request_id.h"

static char folder[] = "/tmp/duet-log-XXXXXX";
static char path[64], moved[64];
static char text[64 << 10]; /* of the file last read */

static int begin(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(moved, sizeof moved, "%s/log.1", folder);
    unlink(path);
    unlink(moved);
    return 0;
}

static int begin_all(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int end_all(void **state)
{
    begin(state);
    return rmdir(folder);
}

static void read_log(const char *from)
{
    FILE *file = fopen(from, "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static const struct logbook_request query = {
    .id = "abc",
    .client = "127.0.0.1:5",
    .method = "POST",
    .route = "/collections/{collection_name}/points/query",
    .collection = "my \"things\"\n",
    .status = 200,
    .ms = 12.3456,
    .n_in = 10,
    .n_out = 20,
    .is_query = true,
    .asked = "text",
    .n_compared = 7,
    .n_filter = 3,
};

static struct logbook *open_book(const struct logbook_options *options)
{
    struct logbook *book;
    struct logbook_options with_path = *options;
    with_path.path = path;
    assert_ok(logbook_open(&book, &with_path));
    return book;
}

static void test_a_request_is_one_object_a_line(void **state)
{
    (void)state;
    struct json_object *line;
    const char *collection, *level;
    double ms;
    size_t status;
    struct logbook *book =
        open_book(&(struct logbook_options){.json = true, .requests = true});
    logbook_request(book, &query);
    logbook_close(book);
    read_log(path);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_ok(json_parse(&line, text, strlen(text)));
    assert_ok(json_get_string(line, "collection", &collection));
    assert_string_equal(collection, query.collection);
    assert_ok(json_get_string(line, "level", &level));
    assert_string_equal(level, "info");
    assert_ok(json_get_double(line, "ms", &ms));
    assert_float_equal(ms, 12.346, 1e-9);
    assert_ok(json_get_size(line, "status", &status));
    assert_int_equal(status, 200);
    assert_null(json_get(line, "compared"));
    json_object_put(line);
}

static void test_text_lines_quote_what_would_break_them(void **state)
{
    (void)state;
    struct logbook *book = open_book(&(struct logbook_options){.requests = true});
    logbook_request(book, &query);
    logbook_close(book);
    read_log(path);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, " info msg=request id=abc client=127.0.0.1:5 "));
    assert_non_null(strstr(text, " collection=\"my \\\"things\\\"\\n\" status=200 "
                                 "ms=12.346 bytes_in=10 bytes=20\n"));
}

static void test_slow_queries_are_told_with_their_work(void **state)
{
    (void)state;
    struct logbook *book = open_book(&(struct logbook_options){.slow_ms = 12});
    struct logbook_request fast = query, other = query;
    fast.ms = 11.9;
    other.is_query = false;
    logbook_request(book, &fast);
    logbook_request(book, &other);
    logbook_request(book, &query);
    logbook_close(book);
    logbook_request(NULL, &query);
    read_log(path);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, " warning msg=\"slow query\" id=abc"));
    assert_non_null(strstr(text, " asked=text compared=7 filter_bytes=3\n"));
}

static void test_what_others_log_comes_here(void **state)
{
    (void)state;
    struct logbook *book = open_book(&(struct logbook_options){.json = true});
    log_set_taker(logbook_take, book);
    log_warn("a \"line\"\nof %d", 7);
    log_debug("not this");
    log_set_taker(NULL, NULL);
    logbook_close(book);
    read_log(path);
    assert_non_null(
        strstr(text, "\"level\":\"warning\",\"msg\":\"a \\\"line\\\"\\nof 7\"}\n"));
    assert_null(strstr(text, "not this"));
}

static void test_a_file_moved_away_is_begun_anew(void **state)
{
    (void)state;
    struct logbook *book = open_book(&(struct logbook_options){0});
    logbook_take(book, LOG_INFO, "first");
    assert_int_equal(rename(path, moved), 0);
    logbook_take(book, LOG_INFO, "second");
    assert_ok(logbook_reopen(book));
    logbook_take(book, LOG_INFO, "third");
    logbook_close(book);
    read_log(moved);
    assert_non_null(strstr(text, "msg=first\n"));
    assert_non_null(strstr(text, "msg=second\n"));
    read_log(path);
    assert_non_null(strstr(text, "msg=third\n"));
    assert_null(strstr(text, "second"));
}

static void test_a_file_that_cannot_be_opened_leaves_the_old_one(void **state)
{
    (void)state;
    struct logbook *book;
    struct logbook_options nowhere = {.path = "/nowhere/log"};
    assert_err(logbook_open(&book, &nowhere), ERR_NOT_FOUND);
    assert_null(book);
    book = open_book(&(struct logbook_options){0});
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_err(logbook_reopen(book), ERR_IO);
    logbook_take(book, LOG_INFO, "on");
    logbook_close(book);
    assert_int_equal(rmdir(path), 0);
    read_log(moved);
    assert_non_null(strstr(text, "msg=on\n"));
}

static void test_sane_ids_are_kept_and_others_replaced(void **state)
{
    (void)state;
    char id[REQUEST_ID_MAX], other[REQUEST_ID_MAX], longest[REQUEST_ID_MAX + 1];
    request_id_choose("Req-7_a.b:c", id);
    assert_string_equal(id, "Req-7_a.b:c");
    memset(longest, 'a', sizeof longest);
    longest[REQUEST_ID_MAX - 1] = '\0';
    request_id_choose(longest, id);
    assert_string_equal(id, longest);
    longest[REQUEST_ID_MAX - 1] = 'a';
    longest[REQUEST_ID_MAX] = '\0';
    const char *const bad[] = {NULL, "", "a b", "a\tb", "\xc3\xa4", "a\"b", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request_id_choose(bad[i], id);
        assert_int_equal(strlen(id), 16);
        assert_int_equal(strspn(id, "0123456789abcdef"), 16);
        request_id_choose(bad[i], other);
        assert_string_not_equal(id, other);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_is_one_object_a_line),
        TEST(test_text_lines_quote_what_would_break_them),
        TEST(test_slow_queries_are_told_with_their_work),
        TEST(test_what_others_log_comes_here),
        TEST(test_a_file_moved_away_is_begun_anew),
        TEST(test_a_file_that_cannot_be_opened_leaves_the_old_one),
        TEST(test_sane_ids_are_kept_and_others_replaced),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
