/*
 * openapi_test.c - /openapi.json and the table of routes say the same, and every route of
 * the dialect is known: it does something, or answers 501 with a reason.
 */
#include "tests/test.h"

#include <string.h>

#include "tests/net/ask.h"

static struct json_object *doc;

static int begin(void **state)
{
    struct api_call call;
    ask_begin(state);
    api_call_init(&call, &ask_api);
    assert_int_equal(
        route_find(api_routes, api_n_routes, "GET", "/openapi.json", &call.match),
        ROUTE_FOUND);
    api_call_run(&call);
    assert_int_equal(call.status, 200);
    assert_string_equal(call.type, "application/json");
    assert_ok(json_parse(&doc, call.out.text.data, call.out.text.size));
    api_call_release(&call);
    return 0;
}

static int end(void **state)
{
    json_object_put(doc);
    return ask_end(state);
}

/* The page's files are for people, and this description describes all else. */
static bool is_described(const struct route *route)
{
    return route->run != api_unsupported && route->run != api_page_index &&
           route->run != api_page_file && route->run != api_openapi;
}

static struct json_object *operation(const struct route *route)
{
    char method[16];
    size_t n = strlen(route->method);
    for (size_t i = 0; i <= n; i++) {
        method[i] = (char)(route->method[i] | (i < n ? 0x20 : 0));
    }
    return json_get(json_get(json_get(doc, "paths"), route->pattern), method);
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct route *route = &api_routes[i];
        if ((operation(route) != NULL) != is_described(route)) {
            print_error("%s %s: run tools/openapi.py\n", route->method, route->pattern);
            fail();
        }
    }
}

static void test_what_is_described_is_there(void **state)
{
    (void)state;
    json_object_object_foreach(json_get(doc, "paths"), path, operations)
    {
        json_object_object_foreach(operations, method, described)
        {
            char name[16];
            struct route_match match;
            size_t n = strlen(method);
            for (size_t i = 0; i <= n; i++) {
                name[i] = (char)(method[i] & (i < n ? ~0x20 : 0xff));
            }
            assert_non_null(described);
            assert_int_equal(route_find(api_routes, api_n_routes, name, path, &match),
                             ROUTE_FOUND);
            assert_string_equal(match.route->pattern, path);
            assert_true(is_described(match.route));
        }
    }
}

/* Every "$ref" leads somewhere. */
static void check_references(struct json_object *value)
{
    const char *ref = "";
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            check_references(json_object_array_get_idx(value, i));
        }
    }
    if (!json_object_is_type(value, json_type_object)) {
        return;
    }
    if (json_get_string(value, "$ref", &ref) == ERR_OK) {
        static const char begins[] = "#/components/schemas/";
        assert_memory_equal(ref, begins, sizeof begins - 1);
        assert_non_null(json_get(json_get(json_get(doc, "components"), "schemas"),
                                 ref + sizeof begins - 1));
    }
    json_object_object_foreach(value, key, member)
    {
        (void)key;
        check_references(member);
    }
}

static void test_its_references_lead_somewhere(void **state)
{
    (void)state;
    check_references(doc);
}

/* A path of the pattern, each name in braces become "1". */
static void fill_pattern(const char *pattern, char *path)
{
    while (*pattern != '\0') {
        if (*pattern == '{') {
            *path++ = '1';
            pattern = strchr(pattern, '}') + 1;
        } else {
            *path++ = *pattern++;
        }
    }
    *path = '\0';
}

static void test_what_is_not_done_says_so(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < api_n_routes; i++) {
        char path[256];
        if (api_routes[i].run == api_unsupported) {
            fill_pattern(api_routes[i].pattern, path);
            ask(api_routes[i].method, path, "{\"any\": 1}");
            assert_answer(501, " is not supported");
            n++;
        }
    }
    assert_true(n > 20);
    ask("GET", "/collections/things/shards", NULL);
    assert_answer(501, "/shards is not supported: a collection is one shard");
    ask("GET", "/cluster", NULL);
    assert_answer(501, "is not supported: there is no cluster");
    ask("POST", "/collections/things/points/search/matrix/pairs", "{}");
    assert_answer(501, "is not supported yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_what_is_described_is_there),
        cmocka_unit_test(test_its_references_lead_somewhere),
        cmocka_unit_test(test_what_is_not_done_says_so),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
