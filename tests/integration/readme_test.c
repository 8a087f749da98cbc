/*
 * readme_test.c - the README's curl commands, word for word but for the port, against the
 * real program. (Its C is compiled by library_test.c; its Python and JavaScript need
 * packages of other makers and are run by `make clients`.)
 *
 * Runs from the top of the tree, as tests/run.sh does.
 */
#include "tests/test.h"

#include "tests/integration/served.h"

static char folder[64];

static int begin(void **state)
{
    (void)state;
    test_folder_make(folder);
    served_start(folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    served_stop();
    test_folder_remove(folder);
    return 0;
}

static void ask(const char *method, const char *path, const char *body)
{
    struct served_reply reply;
    served_ask(&reply, method, path, NULL, body, body != NULL ? strlen(body) : 0);
    assert_int_equal(reply.status, 200);
    served_release(&reply);
}

/* Each command must print an answer that is a success. */
static void test_its_curl_commands_are_answered(void **state)
{
    (void)state;
    ask("PUT", "/collections/default", NULL);
    ask("PUT", "/collections/default/points",
        "{\"points\": [{\"id\": 1, \"vector\": {\"text\": \"a dog\"}}]}");
    assert_int_equal(setenv("T", folder, 1), 0);
    assert_int_equal(setenv("URL", served.url, 1), 0);
    int status = system(
        "tools/snippets.sh sh '^curl' | sed \"s|http://127.0.0.1:6333|$URL|\" "
        ">$T/curl.sh "
        "&& grep -q '^curl' $T/curl.sh && sh -e $T/curl.sh >$T/said && test $(grep -c "
        "'^curl' $T/curl.sh) = $(grep -o '\"status\":\"ok\"' $T/said | wc -l)");
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_curl_commands_are_answered),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
