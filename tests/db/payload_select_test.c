/*
 * payload_select_test.c - db/payload_select.c.
 */
#include "tests/test.h"

#include <string.h>

#include "db/duet.h"

static const char PAYLOAD[] =
    "{\"a\":{\"b\":1,\"c\":[2]},\"aa\":{\"b\":3},\"a.b\":4,"
    "\"l\":[{\"b\":5,\"c\":6},7,[{\"b\":8}]],\"n\":null,\"big\":18446744073709551615}";

/* Up to three paths. */
static void check(bool excludes, const char *const paths[3], const char *expected)
{
    struct duet_selection selection = {.paths = paths, .excludes = excludes};
    char *kept;
    while (selection.n < 3 && paths[selection.n] != NULL) {
        selection.n++;
    }
    assert_ok(duet_payload_select(PAYLOAD, &selection, &kept));
    assert_string_equal(kept, expected);
    duet_free(kept);
}

#define KEEPS(expected, ...) check(false, (const char *const[3]){__VA_ARGS__}, expected)
#define LEAVES(expected, ...) check(true, (const char *const[3]){__VA_ARGS__}, expected)

static void test_members_are_kept(void **state)
{
    (void)state;
    KEEPS("{}", NULL);
    KEEPS("{}", "none");
    KEEPS("{\"aa\":{\"b\":3},\"n\":null}", "n", "aa");
    KEEPS("{\"a\":{\"b\":1}}", "a.b");
    KEEPS("{\"a\":{\"b\":1,\"c\":[2]}}", "a.b", "a"); /* the shorter takes all */
    KEEPS("{\"a\":{\"b\":1,\"c\":[2]}}", "a.c", "a.b", "a.d");
    KEEPS("{\"a.b\":4}", "\"a.b\"");
    KEEPS("{\"n\":null}", "n.x");
    KEEPS("{\"big\":18446744073709551615}", "big");
}

static void test_elements_are_kept(void **state)
{
    (void)state;
    KEEPS("{\"l\":[{\"c\":6},7,[]]}", "l[].c");
    KEEPS("{\"l\":[{},7,[{\"b\":8}]]}", "l[][].b");
    KEEPS("{\"l\":[{\"b\":5,\"c\":6},7,[{\"b\":8}]]}", "l[]");
    KEEPS("{\"l\":[]}", "l.c");
    KEEPS("{\"l\":[]}", "l[0]");
    KEEPS("{\"a\":{}}", "a[]"); /* no array */
}

static void test_the_rest_is_left(void **state)
{
    (void)state;
    LEAVES("{\"a\":{\"c\":[2]},\"aa\":{\"b\":3},\"a.b\":4,\"n\":null,"
           "\"big\":18446744073709551615}",
           "a.b", "l");
    LEAVES("{\"a\":{\"b\":1,\"c\":[]},\"aa\":{\"b\":3},\"a.b\":4,\"l\":[{\"c\":6},7,[{"
           "\"b\":8}]],\"n\":null,\"big\":18446744073709551615}",
           "l[].b", "a.c[]");
    LEAVES(PAYLOAD, "a.d", "l[0]", "n.x");
}

static void test_paths_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a..b", "a[", "[0]", "a b"};
    char *kept;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct duet_selection selection = {.paths = &bad[i], .n = 1};
        assert_err(duet_payload_select("{}", &selection, &kept), ERR_INVALID);
        assert_null(kept);
    }
    const struct duet_selection many = {.paths = bad, .n = DUET_SELECTED_MAX + 1};
    assert_err(duet_payload_select("{}", &many, &kept), ERR_LIMIT);
    const struct duet_selection none = {.n = 0};
    assert_err(duet_payload_select("{", &none, &kept), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_kept),
        cmocka_unit_test(test_elements_are_kept),
        cmocka_unit_test(test_the_rest_is_left),
        cmocka_unit_test(test_paths_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
