/*
 * address_test.c - net/address.h.
 */
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#include "net/address.h"

static void check_parses(const char *text, const char *host, const char *port)
{
    struct address address;
    assert_ok(address_parse(&address, text));
    assert_string_equal(address.host, host);
    assert_string_equal(address.port, port);
}

static void check_refused(const char *text)
{
    struct address address;
    assert_err(address_parse(&address, text), ERR_INVALID);
}

static void test_hosts_and_ports_are_split(void **state)
{
    (void)state;
    check_parses("127.0.0.1:6333", "127.0.0.1", "6333");
    check_parses("localhost:0", "localhost", "0");
    check_parses("[::1]:80", "::1", "80");
    check_parses(":6333", "", "6333");
}

static void test_what_is_no_address_is_refused(void **state)
{
    (void)state;
    check_refused("");
    check_refused("localhost");
    check_refused("localhost:");
    check_refused("localhost:http");
    check_refused("localhost:65536");
    check_refused("localhost:-1");
    check_refused("::1:6333");
}

static void test_listening_tells_the_port_that_was_got(void **state)
{
    (void)state;
    struct address address;
    char url[ADDRESS_URL_MAX];
    bool is_loopback;
    int fd;
    assert_ok(address_parse(&address, "127.0.0.1:0"));
    assert_ok(address_listen(&address, &fd, &is_loopback, url));
    assert_true(fd >= 0);
    assert_true(is_loopback);
    assert_memory_equal(url, "http://127.0.0.1:", strlen("http://127.0.0.1:"));
    assert_string_not_equal(strrchr(url, ':'), ":0");
    close(fd);
}

static void test_every_interface_is_no_loopback(void **state)
{
    (void)state;
    struct address address;
    char url[ADDRESS_URL_MAX];
    bool is_loopback;
    int fd;
    assert_ok(address_parse(&address, "0.0.0.0:0"));
    assert_ok(address_listen(&address, &fd, &is_loopback, url));
    assert_false(is_loopback);
    close(fd);
}

static void test_an_address_of_another_machine_is_refused(void **state)
{
    (void)state;
    struct address address;
    char url[ADDRESS_URL_MAX];
    bool is_loopback;
    int fd;
    assert_ok(address_parse(&address, "192.0.2.1:0"));
    assert_err(address_listen(&address, &fd, &is_loopback, url), ERR_IO);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_and_ports_are_split),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_listening_tells_the_port_that_was_got),
        cmocka_unit_test(test_every_interface_is_no_loopback),
        cmocka_unit_test(test_an_address_of_another_machine_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
