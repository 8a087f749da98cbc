/*
 * api_snapshots_test.c - the routes of snapshots: what they say, and what they refuse.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

#define OF_THINGS "/collections/things/snapshots"

static void test_a_snapshot_is_described(void **state)
{
    (void)state;
    static const char described[] =
        "{\"name\":\"a.snapshot\",\"creation_time\":\"1970-01-01T00:00:00\","
        "\"size\":3,\"checksum\":\"ab\"}";
    ask("POST", OF_THINGS "?wait=false", NULL);
    assert_answer(200, described);
    ask("POST", "/snapshots", NULL);
    assert_answer(200, described);
    ask("GET", OF_THINGS, NULL);
    assert_answer(200, "\"result\":[{\"name\":\"a.snapshot\"");
    ask("GET", "/snapshots", NULL);
    assert_answer(200, "\"result\":[{\"name\":\"a.snapshot\"");
    ask("GET", "/collections/nothing/snapshots", NULL);
    assert_answer(404, "there is no collection");
}

static void test_it_is_sent_as_a_file_and_deleted(void **state)
{
    (void)state;
    ask("GET", OF_THINGS "/a.snapshot", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, "application/octet-stream");
    ask("GET", OF_THINGS "/b.snapshot", NULL);
    assert_answer(404, "{\"status\":{\"error\":\"there is no snapshot");
    ask("GET", "/snapshots/a.snapshot", NULL);
    assert_int_equal(answer.status, 200);
    ask("DELETE", OF_THINGS "/a.snapshot", NULL);
    assert_answer(200, "\"result\":true");
    ask("DELETE", "/snapshots/b.snapshot", NULL);
    assert_answer(404, "there is no snapshot");
}

static void recover(int status, const char *body, const char *words)
{
    fake.recovered[0] = '\0';
    ask("PUT", OF_THINGS "/recover", body);
    assert_answer(status, words);
}

static void test_it_is_recovered_by_its_place(void **state)
{
    (void)state;
    recover(200, "{\"location\": \"a.snapshot\", \"priority\": \"snapshot\"}",
            "\"result\":true");
    assert_string_equal(fake.recovered, "things -");
    recover(200, "{\"location\": \"a.snapshot\", \"checksum\": \"cd\"}", "true");
    assert_string_equal(fake.recovered, "things cd");
    recover(404, "{\"location\": \"b.snapshot\"}", "location: there is no snapshot");
    recover(400, "{}", "location: is missing");
    recover(400, "{\"location\": 1}", "location: must be");
    recover(400, "{\"location\": \"a.snapshot\", \"where\": 1}", "where: is not known");
    assert_string_equal(fake.recovered, "");
}

static void test_a_form_with_a_snapshot_is_recovered(void **state)
{
    (void)state;
    static const char type[] = "multipart/form-data; boundary=b";
    static const char form[] = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n"
                               "\r\n1\r\n--b\r\nContent-Disposition: form-data; "
                               "name=\"snapshot\"; filename=\"s\"\r\n\r\nabc\r\n--b--";
    static const char other[] = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n"
                                "\r\n1\r\n--b--";
    fake.recovered[0] = '\0';
    ask_as(type, "POST", OF_THINGS "/upload?checksum=e%66&wait=true", form);
    assert_answer(200, "\"result\":true");
    assert_string_equal(fake.recovered, "things ef");
    ask_as(type, "POST", OF_THINGS "/upload", other);
    assert_answer(400, "no part called");
    ask_as("application/json", "POST", OF_THINGS "/upload", "{}");
    assert_answer(400, "must be multipart/form-data");
    ask("POST", OF_THINGS "/upload", NULL);
    assert_answer(400, "must be multipart/form-data");
}

static void test_parts_say_where_they_belong(void **state)
{
    (void)state;
    ask("PUT", OF_THINGS "/n.snapshot?offset=5&total=9", "abc");
    assert_answer(200, "\"result\":{\"received\":8,\"complete\":false}");
    assert_int_equal(fake.last_part.offset, 5);
    assert_int_equal(fake.last_part.total, 9);
    ask("PUT", OF_THINGS "/n.snapshot", "abc");
    assert_answer(200, "\"result\":{\"received\":3,\"complete\":true}");
    ask("PUT", OF_THINGS "/n.snapshot?offset=-1", "abc");
    assert_answer(400, "offset: must be a whole number");
    ask("PUT", OF_THINGS "/n.snapshot?total=1e3", "abc");
    assert_answer(400, "total: must be a whole number");
    ask("PUT", OF_THINGS "/n.snapshot?total=99999999999999999999", "abc");
    assert_answer(400, "total: must be a whole number");
    ask("PUT", OF_THINGS "/n.snapshot?total", "abc");
    assert_answer(400, "total: must be a whole number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_snapshot_is_described, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_it_is_sent_as_a_file_and_deleted,
                                        ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_it_is_recovered_by_its_place, ask_begin,
                                        ask_end),
        cmocka_unit_test_setup_teardown(test_a_form_with_a_snapshot_is_recovered,
                                        ask_begin, ask_end),
        cmocka_unit_test_setup_teardown(test_parts_say_where_they_belong, ask_begin,
                                        ask_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
