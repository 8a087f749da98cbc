/*
 * api_test.c - net/api.h: envelopes, and the routes about the server itself.
 */
#include "tests/test.h"

#include <string.h>

#include "base/alloc.h"
#include "tests/net/ask.h"

#define COUNT "/collections/things/points/count"

static void test_a_result_stands_in_the_envelope(void **state)
{
    (void)state;
    ask("POST", COUNT, "{}");
    assert_answer(200, "{\"result\":{\"count\":0},\"status\":\"ok\",\"time\":");
    assert_string_equal(answer.type, "application/json");
}

static void test_an_error_leaves_nothing_of_the_result(void **state)
{
    (void)state;
    fake.fail = ERR_IO;
    ask("POST", COUNT, "{}");
    assert_answer(500, "{\"status\":{\"error\":\"told to fail\"},\"time\":");
    assert_null(strstr(answer.text, "result"));
}

static void test_every_error_of_the_library_has_its_status(void **state)
{
    (void)state;
    for (enum err code = ERR_NOMEM; code <= ERR_INTERNAL; code++) {
        fake.fail = code;
        ask("POST", COUNT, "{}");
        assert_in_range(answer.status, 400, 599);
        assert_answer(answer.status, "told to fail");
    }
}

static void test_a_body_must_be_one_json_object(void **state)
{
    (void)state;
    ask("POST", COUNT, "{\"exact\": ");
    assert_answer(400, "the body: not JSON: ");
    ask("POST", COUNT, "{} {}");
    assert_answer(400, "the body: not JSON");
    ask("POST", COUNT, "[]");
    assert_answer(400, "the JSON body: must be an object");
    ask("POST", COUNT, "null");
    assert_answer(400, "the JSON body: must be an object");
    ask("POST", COUNT, "{\"exact\": \"\xff\"}");
    assert_answer(400, "not UTF-8");
    ask("POST", COUNT, NULL);
    assert_answer(200, "count");
}

static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    char body[2001];
    memset(body, '[', 1000);
    memset(body + 1000, ']', 1000);
    body[2000] = '\0';
    ask("POST", COUNT, body);
    assert_answer(400, "the body: JSON nested more than 32 deep");
}

static void test_version_and_health_have_no_envelope(void **state)
{
    (void)state;
    ask("GET", "/", NULL);
    assert_answer(200, "{\"title\":\"Duet");
    assert_null(strstr(answer.text, "result"));
    ask("GET", "/healthz", NULL);
    assert_answer(200, "duet is up");
    assert_string_equal(answer.type, "text/plain; charset=utf-8");
}

static void test_the_page_and_its_files_are_there(void **state)
{
    (void)state;
    ask("GET", "/dashboard", NULL);
    assert_answer(200, "<!doctype html>");
    assert_string_equal(answer.type, "text/html; charset=utf-8");
    ask("GET", "/dashboard/style.css", NULL);
    assert_answer(200, ":root");
    ask("GET", "/dashboard/app.js", NULL);
    assert_answer(200, "from \"./server.js\"");
    ask("GET", "/dashboard/words.js", NULL);
    assert_answer(200, "WORDS");
    ask("GET", "/dashboard/dialogs.css", NULL);
    assert_answer(200, "dialog");
    ask("GET", "/dashboard/icon.svg", NULL);
    assert_answer(200, "<svg");
    ask("GET", "/dashboard/server.c", NULL);
    assert_answer(404, "no such file");
}

static void test_a_flag_of_the_url_is_a_whole_word(void **state)
{
    (void)state;
    struct api_call call = {.query = "waiting=true&duet=true&x"};
    assert_true(api_call_asks(&call, "duet"));
    assert_true(api_call_asks(&call, "x"));
    assert_false(api_call_asks(&call, "wait"));
    call.query = "duet=false";
    assert_false(api_call_asks(&call, "duet"));
    call.query = NULL;
    assert_false(api_call_asks(&call, "duet"));
}

static void test_short_memory_is_an_error_wherever_it_strikes(void **state)
{
    (void)state;
    static const char body[] =
        "{\"query\": {\"image\": \"Zm9v\"}, \"with_vector\": true}";
    fake.n_points = 1;
    int status = 0;
    for (long n = 0; status != 200; n++) {
        assert_true(n < 100);
        alloc_fail_after(n);
        ask("POST", "/collections/things/points/query", body);
        alloc_fail_after(-1);
        status = answer.status;
        assert_true(status == 503 || status == 200);
    }
}

static void test_short_memory_is_an_error_of_uploads_too(void **state)
{
    (void)state;
    static const char form[] = "multipart/form-data; boundary=b";
    static const struct {
        const char *type, *method, *path, *body;
    } asked[] = {
        {NULL, "POST", "/v1/embeddings",
         "{\"input\": [\"a\", \"data:image/png;base64,Zm9v\", {\"image\": \"Zm9v\"}], "
         "\"encoding_format\": \"base64\"}"},
        {NULL, "POST", "/collections/things/labels",
         "{\"labels\": [\"a\", \"b\"], \"templates\": [\"{}\"], \"filter\": {}}"},
        {NULL, "POST", "/collections/things/labels", "{\"image\": \"Zm9v\"}"},
        {NULL, "POST", "/collections/things/import",
         "{\"id\": 1, \"vector\": {\"image\": \"Zm9v\"}}\nbad\n"
         "{\"id\": 2, \"vectors\": {\"image\": [1, 2]}, \"payload\": {\"a\": 1}}"},
        {form, "POST", "/collections/things/upload",
         "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na dog\r\n--b\r\n"
         "Content-Disposition: form-data; name=\"f\"; "
         "filename=\"f\"\r\n\r\nabc\r\n--b--"},
        {form, "POST", "/collections/things/snapshots/upload",
         "--b\r\nContent-Disposition: form-data; "
         "name=\"snapshot\"\r\n\r\nabc\r\n--b--"},
        {NULL, "PUT", "/collections/things/snapshots/recover",
         "{\"location\": \"a.snapshot\"}"},
    };
    fake.n_points = 1;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        int status = 0;
        for (long n = 0; status != 200; n++) {
            assert_true(n < 200);
            alloc_fail_after(n);
            ask_as(asked[i].type, asked[i].method, asked[i].path, asked[i].body);
            alloc_fail_after(-1);
            status = answer.status;
            if (status != 503 && status != 200) {
                print_error("%s: %d %s\n", asked[i].path, status, answer.text);
                fail();
            }
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, ask_begin, ask_end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_result_stands_in_the_envelope),
        TEST(test_an_error_leaves_nothing_of_the_result),
        TEST(test_every_error_of_the_library_has_its_status),
        TEST(test_a_body_must_be_one_json_object),
        TEST(test_deep_nesting_is_refused),
        TEST(test_version_and_health_have_no_envelope),
        TEST(test_the_page_and_its_files_are_there),
        TEST(test_a_flag_of_the_url_is_a_whole_word),
        TEST(test_short_memory_is_an_error_wherever_it_strikes),
        TEST(test_short_memory_is_an_error_of_uploads_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
