/*
 * api_import_test.c - points as JSON lines and pictures as forms, each answered for
 * itself, in front of a library that refuses what has "bad" in its payload.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define TYPE "multipart/form-data; boundary=b"
#define FIELD(name, value)                                                             \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define PICTURE(name)                                                                  \
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" name "\"\r\n"     \
    "Content-Type: image/png\r\n\r\n" name "\r\n"
#define END "--b--\r\n"

static void import(const char *lines, const char *expected)
{
    ask("POST", "/collections/things/import", lines);
    assert_string_equal(answer.type, "application/x-ndjson");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.text, expected);
}

static void upload(int status, const char *form, const char *words)
{
    ask_as(TYPE, "POST", "/collections/things/upload", form);
    assert_answer(status, words);
}

static void test_each_line_is_answered(void **state)
{
    (void)state;
    import("{\"id\": 1, \"vector\": [0.6, 0.8]}\n"
           "{\"id\": 2, \"vector\": {\"text\": \"a dog\"}, \"payload\": {\"a\": 1}}\r\n"
           "\n"
           "{\"id\": 3, \"vector\": {\"image\": \"QUJD\"}}",
           "{\"line\":1,\"status\":\"ok\",\"id\":1}\n"
           "{\"line\":2,\"status\":\"ok\",\"id\":2}\n"
           "{\"line\":4,\"status\":\"ok\",\"id\":3}\n");
    assert_int_equal(fake.n_points, 3);
    assert_int_equal(fake.n_upserts, 1); /* together */
    assert_int_equal(fake.last_input.kind, DUET_INPUT_IMAGE);
}

static void test_a_bad_line_costs_the_others_nothing(void **state)
{
    (void)state;
    import("{\"id\": 1, \"vector\": {}}\n"
           "not json\n"
           "{\"id\": 2, \"vector\": {}, \"payload\": {\"bad\": 1}}\n"
           "{\"id\": 3, \"vector\": {}}\n"
           "{\"vector\": {}}\n"
           "[]\n"
           "null\n"
           "{\"id\": 4, \"vector\": {\"image\": \"!\"}}\n"
           "{\"id\": 5, \"vector\": {}, \"what\": 1}\n"
           "{\"id\": 6, \"vector\": {}}",
           "{\"line\":1,\"status\":\"ok\",\"id\":1}\n"
           "{\"line\":2,\"status\":\"error\",\"error\":\"not JSON: null expected at "
           "byte 1\"}\n"
           "{\"line\":3,\"status\":\"error\",\"error\":\"is bad\"}\n"
           "{\"line\":4,\"status\":\"ok\",\"id\":3}\n"
           "{\"line\":5,\"status\":\"error\",\"error\":\"id: is missing\"}\n"
           "{\"line\":6,\"status\":\"error\",\"error\":\"must be an object\"}\n"
           "{\"line\":7,\"status\":\"error\",\"error\":\"must be an object\"}\n"
           "{\"line\":8,\"status\":\"error\",\"error\":\"vector.image: not base64: its "
           "length is not a multiple of 4\"}\n"
           "{\"line\":9,\"status\":\"error\",\"error\":\"what: is not known here\"}\n"
           "{\"line\":10,\"status\":\"ok\",\"id\":6}\n");
    assert_int_equal(fake.n_points, 3);
}

static void test_lines_of_an_export_are_taken(void **state)
{
    (void)state;
    import(
        "{\"collection\":\"things\",\"model\":\"tiny\"}\n"
        "{\"id\":1,\"payload\":{},\"vectors\":{\"image\":[0.6,0.8],\"text\":[1,0]}}\n"
        "{\"id\":2,\"payload\":{},\"vectors\":{\"\":[0.6,0.8]}}\n"
        "{\"id\":3,\"payload\":{},\"vectors\":{}}\n",
        "{\"line\":1,\"status\":\"skipped\"}\n"
        "{\"line\":2,\"status\":\"ok\",\"id\":1}\n"
        "{\"line\":3,\"status\":\"ok\",\"id\":2}\n"
        "{\"line\":4,\"status\":\"ok\",\"id\":3}\n");
    assert_string_equal(fake.last_in, "");
}

static void test_a_full_disk_ends_the_answer(void **state)
{
    (void)state;
    ask("POST", "/collections/none/import", "{}");
    assert_answer(404, "{\"status\":{\"error\":");
    fake.fail_upsert = ERR_FULL;
    ask("POST", "/collections/things/import", "bad\n{\"id\": 1, \"vector\": {}}\n");
    fake.fail_upsert = ERR_OK;
    assert_answer(507, "{\"line\":1,\"status\":\"error\"");
    assert_answer(507, "{\"status\":\"stopped\",\"error\":\"told to fail\"}\n");
}

static void test_many_lines_are_many_transactions(void **state)
{
    (void)state;
    static char lines[200 * 32];
    size_t n = 0;
    for (int i = 0; i < 200; i++) {
        n += (size_t)snprintf(lines + n, sizeof lines - n,
                              "{\"id\":%d,\"vector\":{}}\n", i % 20);
    }
    ask("POST", "/collections/things/import", lines);
    assert_answer(200, "{\"line\":200,\"status\":\"ok\",\"id\":19}\n");
    assert_int_equal(fake.n_upserts,
                     (200 + LIMIT_IMPORT_GROUP - 1) / LIMIT_IMPORT_GROUP);
}

static void test_pictures_come_with_what_stands_before_them(void **state)
{
    (void)state;
    upload(200,
           FIELD("id", "7") FIELD("payload", "{\"a\":1}") FIELD("text", "a dog")
               PICTURE("dog.png") PICTURE("cat.png") END,
           "\"result\":{\"points\":[{\"file\":\"dog.png\",\"status\":\"ok\",\"id\":7},"
           "{\"file\":\"cat.png\",\"status\":\"ok\",\"id\":1007}]}");
    assert_int_equal(fake.n_points, 2);
    assert_string_equal(fake.payloads[0], "{\"a\":1}");
    assert_string_equal(fake.payloads[1], "{}");
}

static void test_a_bad_picture_costs_the_others_nothing(void **state)
{
    (void)state;
    upload(
        200,
        FIELD("id", "x") PICTURE("a") FIELD("payload", "{\"bad\":1}") PICTURE("b")
            FIELD("id", "9") PICTURE("c") END,
        "[{\"file\":\"a\",\"status\":\"error\",\"error\":\"\\\"id\\\" must be a whole "
        "number or a UUID\"},{\"file\":\"b\",\"status\":\"error\",\"error\":\"is "
        "bad\"},{\"file\":\"c\",\"status\":\"ok\",\"id\":9}]");
    assert_int_equal(fake.n_points, 1);
}

static void test_a_wrong_form_writes_nothing(void **state)
{
    (void)state;
    upload(400, PICTURE("a") FIELD("what", "x") PICTURE("b") END,
           "\\\"what\\\" is not");
    upload(400, PICTURE("a") FIELD("id", "1") END, "fields stand before");
    upload(400, FIELD("id", "1") FIELD("id", "1") PICTURE("a") END, "stands twice");
    upload(400, END, "no file");
    upload(400, PICTURE("a"), "does not end");
    ask_as(TYPE, "POST", "/collections/none/upload", PICTURE("a") END);
    assert_answer(404, "there is no collection");
    assert_int_equal(fake.n_points, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, ask_begin, ask_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_line_is_answered),
        TEST(test_a_bad_line_costs_the_others_nothing),
        TEST(test_lines_of_an_export_are_taken),
        TEST(test_a_full_disk_ends_the_answer),
        TEST(test_many_lines_are_many_transactions),
        TEST(test_pictures_come_with_what_stands_before_them),
        TEST(test_a_bad_picture_costs_the_others_nothing),
        TEST(test_a_wrong_form_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
