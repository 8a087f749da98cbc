/*
 * image_url_test.c - net/image_url.h against a server of our own that answers by path:
 *
 *     /ok /untyped /type /status /empty     one answer each
 *     /to/URL                               a redirect to URL
 *     /again                                a redirect to itself
 *     /huge /announced                      a body without end; one announced as such
 *     /slow                                 a byte now and then
 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/image_url.h"

static struct {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_int n_requests;
    char last_head[4096];
} peer;

/* ---- The other server --------------------------------------------------------------- */

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void say_endless(int fd)
{
    static char zeros[64 << 10];
    say(fd, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n");
    while (send(fd, zeros, sizeof zeros, MSG_NOSIGNAL) > 0) {
    }
}

static void say_slowly(int fd)
{
    say(fd, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n");
    while (say(fd, "x")) {
        usleep(20000);
    }
}

static void redirect(int fd, const char *target)
{
    char head[4096];
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n"
             "Connection: close\r\n\r\n",
             target);
    say(fd, head);
}

static void answer(int fd, const char *path)
{
    static const struct {
        const char *path, *reply;
    } plain[] = {
        {"/ok", "HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\nPICTURE"},
        {"/untyped", "HTTP/1.0 200 OK\r\n\r\nPICTURE"},
        {"/type", "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>secret"},
        {"/status", "HTTP/1.0 403 No\r\nContent-Type: image/png\r\n\r\nPICTURE"},
        {"/empty", "HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n"},
        {"/announced", "HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n"
                       "Content-Length: 999999999999\r\n\r\nP"},
        {"/nothing", "gibberish\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(path, plain[i].path) == 0) {
            say(fd, plain[i].reply);
        }
    }
    if (strncmp(path, "/to/", 4) == 0) {
        redirect(fd, path + 4);
    } else if (strcmp(path, "/again") == 0) {
        redirect(fd, "/again");
    } else if (strcmp(path, "/huge") == 0) {
        say_endless(fd);
    } else if (strcmp(path, "/slow") == 0) {
        say_slowly(fd);
    }
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(peer.fd, NULL, NULL);
        char path[2048] = "";
        if (fd < 0) {
            return NULL;
        }
        ssize_t n = recv(fd, peer.last_head, sizeof peer.last_head - 1, 0);
        peer.last_head[n > 0 ? n : 0] = '\0';
        atomic_fetch_add(&peer.n_requests, 1);
        sscanf(peer.last_head, "GET %2047s", path);
        answer(fd, path);
        close(fd);
    }
}

static int begin(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(peer.fd, 16), 0);
    assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&at, &n), 0);
    peer.port = ntohs(at.sin_port);
    return pthread_create(&peer.thread, NULL, serve, NULL);
}

static int end(void **state)
{
    (void)state;
    shutdown(peer.fd, SHUT_RDWR);
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    return 0;
}

/* ---- Asking ------------------------------------------------------------------------- */

/* Where "%u" stands in a list or URL, the port of our server is put. */
static const char *with_port(const char *format)
{
    static char rooms[4][2048];
    static unsigned next;
    char *room = rooms[next++ % 4];
    const char *mark = strstr(format, "%u");
    if (mark == NULL) {
        return format;
    }
    snprintf(room, sizeof rooms[0], "%.*s%u%s", (int)(mark - format), format, peer.port,
             mark + 2);
    return room;
}

static struct image_url_budget budget;

static enum err fetch(const char *allowed, const char *allowed_private, const char *url)
{
    struct image_urls *urls;
    unsigned char *bytes;
    size_t n;
    assert_ok(
        image_urls_open(&urls, with_port(allowed), with_port(allowed_private), 2));
    budget = IMAGE_URL_BUDGET;
    budget.ns = 2000000000; /* no test waits longer */
    enum err result = image_url_fetch(urls, with_port(url), &budget, &bytes, &n);
    if (result == ERR_OK) {
        assert_int_equal(n, 7);
        assert_memory_equal(bytes, "PICTURE", 7);
    } else {
        assert_null(bytes);
    }
    alloc_free(bytes);
    image_urls_close(urls);
    return result;
}

#define OURS "127.0.0.1:%u"

/* The fetch fails with these words, and our server has not been asked. */
static void assert_unasked(const char *allowed, const char *url, const char *words)
{
    int before = atomic_load(&peer.n_requests);
    enum err result = fetch(allowed, "", url);
    if (result != ERR_INVALID || strstr(err_detail(), words) == NULL) {
        fail_msg("%s gave %s (%s)", url, err_name(result), err_detail());
    }
    assert_int_equal(atomic_load(&peer.n_requests), before);
}

static void test_a_listed_host_and_port_may_be_at_a_private_address(void **state)
{
    (void)state;
    assert_ok(fetch("", OURS, "http://127.0.0.1:%u/ok"));
    assert_ok(fetch("", OURS, "HTTP://127.0.0.1:%u/ok#part"));
    assert_ok(fetch("", OURS, "http://127.0.0.1:%u/untyped"));
    assert_non_null(strstr(peer.last_head, "User-Agent: duet/"));
    assert_int_equal(budget.n_urls, LIMIT_IMAGE_URLS - 1);
    assert_int_equal(budget.n_bytes, LIMIT_IMAGE_URLS_BYTES - 7);
}

static void test_without_a_list_nothing_is_fetched(void **state)
{
    (void)state;
    struct image_urls *urls;
    unsigned char *bytes;
    size_t n;
    assert_ok(image_urls_open(&urls, NULL, "", 2));
    assert_null(urls);
    budget = IMAGE_URL_BUDGET;
    assert_err(image_url_fetch(NULL, "http://127.0.0.1/", &budget, &bytes, &n),
               ERR_UNSUPPORTED);
}

static void test_hosts_not_listed_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://127.0.0.1:%u/ok",
        "http://images.example/x",
        "http://images.example.org./",
        "http://images.example.org.evil.example/",
        "http://ximages.example.org/",
        "https://images.example.org:8443/",
        "http://images.example.org:443/",
        "http://cdn.example.net/",
        "http://evilcdn.example.net/",
        "http://cdn.example.net.evil.example/",
        "http://[::1]:%u/ok",
        "http://2130706433:%u/ok",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_unasked("images.example.org,*.cdn.example.net", urls[i],
                       "are not fetched from");
    }
}

/* Whatever the name is, the address that is connected to must be public. */
static void test_a_listed_name_at_a_private_address_is_refused(void **state)
{
    (void)state;
    assert_unasked("127.0.0.1:%u", "http://127.0.0.1:%u/ok", "not public");
    assert_unasked("localhost:%u", "http://localhost:%u/ok", "not public");
    assert_unasked("[::1]:%u", "http://[::1]:%u/ok", "not public");
    assert_unasked("[::ffff:127.0.0.1]:%u", "http://[::ffff:127.0.0.1]:%u/ok",
                   "not public");
    assert_unasked("[::ffff:7f00:1]:%u", "http://[::ffff:7f00:1]:%u/ok", "not public");
    assert_unasked("169.254.169.254", "http://169.254.169.254/latest/meta-data/",
                   "not public");
    assert_unasked("10.0.0.1", "http://10.0.0.1/", "not public");
    assert_unasked("0.0.0.0:%u", "http://0.0.0.0:%u/ok", "not public");
}

/* 127.0.0.1 in octal, hexadecimal, as one number, with parts left out. */
static void test_other_spellings_of_an_address_are_that_address(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://2130706433:%u/ok", "http://0x7f000001:%u/ok", "http://0177.0.0.1:%u/ok",
        "http://127.1:%u/ok",      "http://0x7f.1:%u/ok",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_unasked("127.0.0.1:%u", urls[i], "not public");
        assert_ok(fetch("", OURS, urls[i]));
    }
}

static void test_strange_urls_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://images.example.org@127.0.0.1:%u/ok",
        "http://127.0.0.1:%u@images.example.org/",
        "http://user:word@127.0.0.1:%u/ok",
        "http://",
        "http:///ok",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:%u:80/",
        "https://[::1/",
        "http:// 127.0.0.1/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        int before = atomic_load(&peer.n_requests);
        assert_err(fetch("images.example.org", OURS, urls[i]), ERR_INVALID);
        assert_int_equal(atomic_load(&peer.n_requests), before);
    }
    assert_err(fetch("", OURS, "ftp://127.0.0.1:%u/ok"), ERR_INVALID);
    assert_err(fetch("", OURS, "file:///etc/passwd"), ERR_INVALID);
    assert_err(fetch("", OURS, "gopher://127.0.0.1:%u/_x"), ERR_INVALID);
}

static void test_redirects_are_followed_and_asked_again(void **state)
{
    (void)state;
    assert_ok(fetch("", OURS, "http://127.0.0.1:%u/to//ok"));
    assert_ok(fetch("", OURS, "http://127.0.0.1:%u/to//to//ok"));
    static const char *const urls[] = {
        "http://127.0.0.1:%u/to/http://169.254.169.254/latest/",
        "http://127.0.0.1:%u/to/http://[::1]:1/",
        "http://127.0.0.1:%u/to/http://[::ffff:127.0.0.1]:1/",
        "http://127.0.0.1:%u/to/http://2130706433:1/",
        "http://127.0.0.1:%u/to/http://localhost:1/",
        "http://127.0.0.1:%u/to/http://images.example.org@127.0.0.1/",
        "http://127.0.0.1:%u/to/file:///etc/passwd",
        "http://127.0.0.1:%u/to/gopher://127.0.0.1/",
        "http://127.0.0.1:%u/to//to/http://10.0.0.1/",
        "http://127.0.0.1:%u/to/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_err(fetch("169.254.169.254,10.0.0.1", OURS, urls[i]), ERR_INVALID);
    }
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/again"), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "too often"));
}

static void test_bodies_have_limits(void **state)
{
    (void)state;
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/huge"), ERR_LIMIT);
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/announced"), ERR_LIMIT);
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/empty"), ERR_INVALID);
}

static void test_a_slow_host_is_given_up(void **state)
{
    (void)state;
    uint64_t begin_ns = clock_monotonic_ns();
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/slow"), ERR_TIMEOUT);
    assert_true(clock_monotonic_ns() - begin_ns < UINT64_C(10000000000));
    assert_true(budget.ns < 100000000);
}

static void test_answers_that_are_no_picture_are_refused(void **state)
{
    (void)state;
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/type"), ERR_INVALID);
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/status"), ERR_INVALID);
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/nothing"), ERR_INVALID);
    assert_err(fetch("", OURS, "http://127.0.0.1:%u/hang-up"), ERR_INVALID);
}

static void test_a_request_has_a_budget(void **state)
{
    (void)state;
    struct image_urls *urls;
    unsigned char *bytes;
    size_t n;
    const char *url = with_port("http://127.0.0.1:%u/ok");
    assert_ok(image_urls_open(&urls, NULL, with_port(OURS), 2));
    budget = IMAGE_URL_BUDGET;
    budget.n_urls = 1;
    assert_ok(image_url_fetch(urls, url, &budget, &bytes, &n));
    alloc_free(bytes);
    assert_err(image_url_fetch(urls, url, &budget, &bytes, &n), ERR_LIMIT);
    budget = IMAGE_URL_BUDGET;
    budget.n_bytes = 6;
    assert_err(image_url_fetch(urls, url, &budget, &bytes, &n), ERR_LIMIT);
    budget.n_bytes = 0;
    assert_err(image_url_fetch(urls, url, &budget, &bytes, &n), ERR_LIMIT);
    budget = IMAGE_URL_BUDGET;
    budget.ns = 0;
    assert_err(image_url_fetch(urls, url, &budget, &bytes, &n), ERR_TIMEOUT);
    image_urls_close(urls);
}

static void *fetch_slowly(void *urls)
{
    struct image_url_budget own = IMAGE_URL_BUDGET;
    unsigned char *bytes;
    size_t n;
    own.ns = 1000000000;
    enum err result =
        image_url_fetch(urls, with_port("http://127.0.0.1:%u/slow"), &own, &bytes, &n);
    return result == ERR_TIMEOUT ? NULL : urls;
}

static void test_only_so_many_are_fetched_at_once(void **state)
{
    (void)state;
    struct image_urls *urls;
    pthread_t thread;
    unsigned char *bytes;
    size_t n;
    void *failed;
    int before = atomic_load(&peer.n_requests);
    assert_ok(image_urls_open(&urls, NULL, with_port(OURS), 0)); /* one, then */
    pthread_create(&thread, NULL, fetch_slowly, urls);
    while (atomic_load(&peer.n_requests) == before) {
        usleep(1000);
    }
    budget = IMAGE_URL_BUDGET;
    assert_err(image_url_fetch(urls, "http://127.0.0.1:1/", &budget, &bytes, &n),
               ERR_BUSY);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_err(image_url_fetch(urls, "http://127.0.0.1:1/", &budget, &bytes, &n),
               ERR_INVALID);
    assert_int_equal(image_url_stats(urls).n_failed, 3);
    image_urls_close(urls);
}

static void test_proxies_of_the_environment_are_not_used(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    assert_ok(fetch("", OURS, "http://127.0.0.1:%u/ok"));
    unsetenv("http_proxy");
    unsetenv("all_proxy");
}

static void test_wrong_lists_are_refused(void **state)
{
    (void)state;
    struct image_urls *urls;
    static const char *const lists[] = {
        "http://example.org", "example.org/x",   "*",      "*.",         "a.*.example",
        "user@host",          "host:",           "host:0", "host:65536", "host:80x",
        "example.org.",       "ok.example, b?d", "-:--:",
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (image_urls_open(&urls, lists[i], NULL, 2) != ERR_INVALID) {
            fail_msg("%s", lists[i]);
        }
        assert_null(urls);
    }
    assert_err(image_urls_open(&urls, NULL, "host", 2), ERR_INVALID);
    assert_err(image_urls_open(&urls, NULL, "*.example.org:80", 2), ERR_INVALID);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_listed_host_and_port_may_be_at_a_private_address),
        cmocka_unit_test(test_without_a_list_nothing_is_fetched),
        cmocka_unit_test(test_hosts_not_listed_are_refused),
        cmocka_unit_test(test_a_listed_name_at_a_private_address_is_refused),
        cmocka_unit_test(test_other_spellings_of_an_address_are_that_address),
        cmocka_unit_test(test_strange_urls_are_refused),
        cmocka_unit_test(test_redirects_are_followed_and_asked_again),
        cmocka_unit_test(test_bodies_have_limits),
        cmocka_unit_test(test_a_slow_host_is_given_up),
        cmocka_unit_test(test_answers_that_are_no_picture_are_refused),
        cmocka_unit_test(test_a_request_has_a_budget),
        cmocka_unit_test(test_only_so_many_are_fetched_at_once),
        cmocka_unit_test(test_proxies_of_the_environment_are_not_used),
        cmocka_unit_test(test_wrong_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
