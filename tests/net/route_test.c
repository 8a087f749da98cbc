/*
 * route_test.c - net/route.h, with the server's own table where that is what counts.
 */
#include "tests/test.h"

#include <string.h>

#include "net/api.h"
#include "tests/net/fake_db.h"

static struct route_match match;

static enum route_result find(const char *method, const char *path)
{
    return route_find(api_routes, api_n_routes, method, path, &match);
}

static void test_a_pattern_hands_out_its_segments_in_order(void **state)
{
    (void)state;
    assert_int_equal(find("GET", "/collections/things/points/42"), ROUTE_FOUND);
    assert_ptr_equal(match.route->run, api_point_get);
    assert_string_equal(match.params[0], "things");
    assert_string_equal(match.params[1], "42");
}

static void test_plain_text_and_method_tell_routes_apart(void **state)
{
    (void)state;
    assert_int_equal(find("POST", "/collections/things/points/query"), ROUTE_FOUND);
    assert_ptr_equal(match.route->run, api_points_query);
    assert_int_equal(find("PUT", "/collections/things/points"), ROUTE_FOUND);
    assert_ptr_equal(match.route->run, api_points_upsert);
    assert_int_equal(find("GET", "/"), ROUTE_FOUND);
    assert_ptr_equal(match.route->run, api_version);
}

static void test_head_is_get_and_a_last_slash_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(find("HEAD", "/healthz"), ROUTE_FOUND);
    assert_int_equal(find("GET", "/dashboard/"), ROUTE_FOUND);
    assert_ptr_equal(match.route->run, api_page_index);
    assert_int_equal(find("GET", "/dashboard//"), ROUTE_NO_PATH);
}

static void test_a_segment_is_decoded_after_the_path_is_split(void **state)
{
    (void)state;
    assert_int_equal(find("GET", "/collections/a%2Fb%20%E7%8B%97"), ROUTE_FOUND);
    assert_string_equal(match.params[0], "a/b \xe7\x8b\x97");
}

static void test_a_bad_segment_is_no_crash(void **state)
{
    (void)state;
    char path[400] = "/collections/";
    memset(path + strlen(path), 'a', 256);
    assert_int_equal(find("GET", path), ROUTE_BAD_PATH);
    path[strlen("/collections/") + 255] = '\0';
    assert_int_equal(find("GET", path), ROUTE_FOUND);
    assert_int_equal(find("GET", "/collections/%ff"), ROUTE_BAD_PATH);
    assert_int_equal(find("GET", "/collections/%00"), ROUTE_BAD_PATH);
    assert_int_equal(find("GET", "/collections/%4"), ROUTE_BAD_PATH);
    assert_int_equal(find("GET", "/collections/%"), ROUTE_BAD_PATH);
    assert_int_equal(find("GET", "/collections/%/points/1"), ROUTE_BAD_PATH);
}

static void test_what_is_not_there_is_told_apart_from_a_wrong_method(void **state)
{
    (void)state;
    assert_int_equal(find("GET", "/nowhere"), ROUTE_NO_PATH);
    assert_int_equal(find("GET", ""), ROUTE_NO_PATH);
    assert_int_equal(find("GET", "collections"), ROUTE_NO_PATH);
    assert_int_equal(find("GET", "/collections//points/1"), ROUTE_NO_PATH);
    assert_int_equal(find("DELETE", "/collections"), ROUTE_WRONG_METHOD);
    assert_string_equal(match.allow, "GET");
    assert_int_equal(find("DELETE", "/collections/a/points"), ROUTE_WRONG_METHOD);
    assert_string_equal(match.allow, "PUT, POST");
}

static void test_every_pattern_of_the_table_finds_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_n_routes; i++) {
        assert_int_equal(find(api_routes[i].method, api_routes[i].pattern),
                         ROUTE_FOUND);
        assert_ptr_equal(match.route, &api_routes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pattern_hands_out_its_segments_in_order),
        cmocka_unit_test(test_plain_text_and_method_tell_routes_apart),
        cmocka_unit_test(test_head_is_get_and_a_last_slash_is_nothing),
        cmocka_unit_test(test_a_segment_is_decoded_after_the_path_is_split),
        cmocka_unit_test(test_a_bad_segment_is_no_crash),
        cmocka_unit_test(test_what_is_not_there_is_told_apart_from_a_wrong_method),
        cmocka_unit_test(test_every_pattern_of_the_table_finds_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
