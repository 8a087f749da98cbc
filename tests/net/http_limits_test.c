/*
 * http_limits_test.c - the corners of HTTP/1.1 that a client may sit in: pipelines, half
 * of a connection, bodies in pieces, methods without bodies, headers by the thousand.
 * What is too long or too slow is server_test.c's and conn_test.c's.
 */
#include "tests/test.h"

#include <signal.h>

#include "base/limits.h"
#include "tests/net/running.h"

static const struct net_server_options plain = {.n_threads = 2};
static const struct net_server_options small = {.n_threads = 1, .max_body = 1000};

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *p = strstr(text, words); p != NULL; p = strstr(p + 1, words)) {
        n++;
    }
    return n;
}

static void test_a_pipeline_is_answered_in_order(void **state)
{
    (void)state;
    enum { N = 50 };
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    for (int i = 0; i < N; i++) {
        raw_send_request(fd, QUERY, HOST, WORDS);
        raw_send_request(fd, "GET /nowhere", HOST, "");
    }
    raw_send_request(fd, "GET /healthz", HOST "Connection: close\r\n", "");
    struct raw_reply reply = raw_read(fd);
    assert_int_equal(count(reply.text, "HTTP/1.1 200 OK\r\n"), N + 1);
    assert_int_equal(count(reply.text, "HTTP/1.1 404 Not Found\r\n"), N);
    assert_non_null(strstr(reply.text, "is up"));
    assert_int_equal(fake.n_searches, N);
    stop(s);
}

/* A client that sends no more still gets what it asked for, or is closed on; it holds
 * nothing. */
static void test_a_half_closed_connection_ends(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int asked = raw_connect(s->url), torn = raw_connect(s->url);
    raw_send_request(asked, QUERY, HOST, WORDS);
    shutdown(asked, SHUT_WR);
    raw_send(torn, "POST /collections/things/points/query HTTP/1.1\r\n" HOST
                   "Content-Length: 100\r\n\r\n{\"qu");
    shutdown(torn, SHUT_WR);
    struct raw_reply reply = raw_read(asked);
    assert_true(reply.status == 200 || reply.status == 0);
    assert_int_equal(raw_read(torn).status, 0);
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 200);
    stop(s);
}

static void test_head_tells_the_length_and_no_body(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    raw_send_request(fd, "HEAD /collections", HOST, "");
    raw_send_request(fd, "HEAD /nowhere", HOST "Connection: close\r\n", "");
    struct raw_reply reply = raw_read(fd);
    assert_int_equal(count(reply.text, "HTTP/1.1 200"), 1);
    assert_int_equal(count(reply.text, "HTTP/1.1 404"), 1);
    assert_null(strchr(reply.text, '{'));
    stop(s);
}

static void test_options_and_trace_are_told_what_is_allowed(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply options =
        raw_ask(s->url, "OPTIONS /collections", HOST "Origin: http://evil\r\n", "");
    assert_int_equal(options.status, 403); /* no CORS: a foreign page learns nothing */
    options = raw_ask(s->url, "OPTIONS /collections", HOST, "");
    assert_int_equal(options.status, 405);
    assert_non_null(strstr(options.text, "Allow: GET\r\n"));
    assert_null(strstr(options.text, "Access-Control"));
    struct raw_reply trace = raw_ask(s->url, "TRACE /", HOST "X-Secret: 7\r\n", "");
    assert_int_equal(trace.status, 405);
    assert_null(strstr(trace.text, "X-Secret"));
    stop(s);
}

static void test_a_client_that_waits_to_be_let_is_let(void **state)
{
    (void)state;
    struct running *s = start(&small);
    int fd = raw_connect(s->url);
    char head[256];
    snprintf(head, sizeof head,
             QUERY " HTTP/1.1\r\n" HOST "Connection: close\r\nExpect: 100-continue\r\n"
                   "Content-Length: %zu\r\n\r\n",
             strlen(WORDS));
    raw_send(fd, head);
    assert_int_equal(raw_read_until(fd, "\r\n\r\n").status, 100);
    raw_send(fd, WORDS);
    assert_int_equal(raw_read(fd).status, 200);
    fd = raw_connect(s->url);
    raw_send(fd, QUERY " HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                       "Content-Length: 1001\r\n\r\n");
    assert_int_equal(raw_read_until(fd, "\r\n\r\n").status, 413);
    close(fd);
    stop(s);
}

static void test_a_body_may_come_in_chunks(void **state)
{
    (void)state;
    struct running *s = start(&small);
    char body[512];
    snprintf(body, sizeof body, "5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n", WORDS,
             strlen(WORDS) - 5, WORDS + 5);
    int fd = raw_connect(s->url);
    raw_send(fd, QUERY " HTTP/1.1\r\n" HOST
                       "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    raw_send(fd, body);
    assert_int_equal(raw_read(fd).status, 200);
    stop(s);
}

static void test_chunks_without_end_or_sense_are_cut_off(void **state)
{
    (void)state;
    static const char *const sizes[] = {"ffffffffffffffff\r\n",
                                        "7fffffffffffffff\r\n",
                                        "-1\r\n",
                                        "zz\r\n",
                                        "400\r\n",
                                        ""};
    struct running *s = start(&small);
    static char zeros[1024];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int fd = raw_connect(s->url);
        raw_send(fd, QUERY " HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        raw_send(fd, sizes[i]);
        raw_send_bytes(fd, zeros, sizeof zeros);
        shutdown(fd, SHUT_WR);
        int status = raw_read(fd).status;
        assert_true(status == 0 || status == 400 || status == 413);
    }
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 200);
    assert_int_equal(fake.n_searches, 1);
    stop(s);
}

static void test_a_length_that_is_no_length_is_refused(void **state)
{
    (void)state;
    static const char *const lengths[] = {"-1", "99999999999999999999", "0x10", "abc"};
    struct running *s = start(&small);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char head[256];
        int fd = raw_connect(s->url);
        snprintf(head, sizeof head,
                 QUERY " HTTP/1.1\r\n" HOST "Content-Length: %s\r\n\r\n", lengths[i]);
        raw_send(fd, head);
        shutdown(fd, SHUT_WR);
        int status = raw_read(fd).status;
        if (status != 0 && status != 400 && status != 413) {
            fail_msg("Content-Length: %s: %d", lengths[i], status);
        }
    }
    stop(s);
}

/* Two lengths, or a length beside chunks, are how requests are smuggled past a proxy
 * that reads the other one. The second request of each must not be run. */
static void test_a_request_of_doubtful_length_closes_its_connection(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Content-Length: 2\r\nContent-Length: 0\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n",
        "Content-Length : 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: 2\r\nHost: evil.example\r\n",
    };
    struct running *s = start(&plain);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        int fd = raw_connect(s->url);
        raw_send(fd, "POST /collections/things/points/count HTTP/1.1\r\n" HOST);
        raw_send(fd, headers[i]);
        raw_send(fd, "\r\n{}");
        raw_send_request(fd, QUERY, HOST, WORDS);
        struct raw_reply reply = raw_read(fd);
        bool refused = reply.status == 400 || reply.status == 413 || reply.status == 0;
        if (!refused || count(reply.text, "HTTP/1.1 ") > 1) {
            fail_msg("%s: %s", headers[i], reply.text);
        }
    }
    assert_int_equal(fake.n_searches, 0);
    stop(s);
}

static void test_headers_by_the_thousand_are_refused(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    raw_send(fd, "GET /healthz HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 10000; i++) {
        raw_send(fd, "X-Flood: 1234567890\r\n");
    }
    raw_send(fd, "\r\n");
    struct raw_reply reply = raw_read(fd);
    assert_true(reply.status == 400 || reply.status == 413 || reply.status == 0);
    assert_null(strstr(reply.text, "is up"));
    assert_int_equal(raw_ask(s->url, "GET /healthz", HOST, "").status, 200);
    stop(s);
}

static void test_a_path_never_leaves_its_segment(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /dashboard/..%2f..%2fetc%2fpasswd", 404},
        {"GET /dashboard/%2e%2e/healthz", 404},
        {"GET /../healthz", 404},
        {"GET //healthz", 404},
        {"GET /collections/%00", 400},
        {"GET /collections/%ff%fe", 400},
        {"GET /collections/%zz", 400},
        {"GET /collections/a%2Fb/exists", 200}, /* of one called "a/b" */
        {"GET http://localhost/healthz", 200},
    };
    struct running *s = start(&plain);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct raw_reply reply = raw_ask(s->url, cases[i].request, HOST, "");
        if (reply.status != cases[i].status) {
            fail_msg("%s: %d", cases[i].request, reply.status);
        }
    }
    stop(s);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipeline_is_answered_in_order),
        cmocka_unit_test(test_a_half_closed_connection_ends),
        cmocka_unit_test(test_head_tells_the_length_and_no_body),
        cmocka_unit_test(test_options_and_trace_are_told_what_is_allowed),
        cmocka_unit_test(test_a_client_that_waits_to_be_let_is_let),
        cmocka_unit_test(test_a_body_may_come_in_chunks),
        cmocka_unit_test(test_chunks_without_end_or_sense_are_cut_off),
        cmocka_unit_test(test_a_length_that_is_no_length_is_refused),
        cmocka_unit_test(test_a_request_of_doubtful_length_closes_its_connection),
        cmocka_unit_test(test_headers_by_the_thousand_are_refused),
        cmocka_unit_test(test_a_path_never_leaves_its_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
