/*
 * server_test.c - net/server.h with everything below it but the database: a real server
 * on a free port, on a thread, in front of a library that does as it is told.
 */
#include "tests/test.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "tests/net/running.h"

static const struct net_server_options plain = {.n_threads = 2};

/* ---- Answers -------------------------------------------------------------------- */

static void test_health_and_version_answer(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    assert_int_equal(raw_ask(s->url, "GET /healthz", HOST, "").status, 200);
    assert_int_equal(raw_ask(s->url, "GET /livez", HOST, "").status, 200);
    assert_int_equal(raw_ask(s->url, "GET /readyz", HOST, "").status, 200);
    struct raw_reply version = raw_ask(s->url, "GET /", HOST, "");
    assert_int_equal(version.status, 200);
    assert_non_null(strstr(version.text, "\"version\":\"0.0.1\""));
    stop(s);
}

static void test_a_query_is_answered_in_the_envelope(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply reply = raw_ask(s->url, QUERY, HOST, WORDS);
    assert_int_equal(reply.status, 200);
    assert_non_null(
        strstr(reply.text, "{\"result\":{\"points\":[]},\"status\":\"ok\""));
    stop(s);
}

static void test_an_error_is_told_in_the_dialects_envelope(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply reply = raw_ask(s->url, QUERY, HOST, "{\"query\": ");
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.text, "{\"status\":{\"error\":\"the body: not JSON"));
    assert_non_null(strstr(reply.text, "\"time\":"));
    assert_non_null(strstr(reply.text, "Content-Type: application/json"));
    stop(s);
}

static void test_errors_of_the_library_get_their_status(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    fake.fail = ERR_FULL;
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 507);
    fake.fail = ERR_CORRUPT;
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 500);
    fake.fail = ERR_OK;
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 200);
    stop(s);
}

static void test_a_wrong_method_is_told_the_right_ones(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply reply = raw_ask(s->url, "PATCH /healthz", HOST, "");
    assert_int_equal(reply.status, 405);
    assert_non_null(strstr(reply.text, "Allow: GET\r\n"));
    assert_int_equal(raw_ask(s->url, "TRACE /healthz", HOST, "").status, 405);
    assert_int_equal(raw_ask(s->url, "GET /nowhere", HOST, "").status, 404);
    stop(s);
}

static void test_a_dialect_route_not_done_yet_says_so(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply reply =
        raw_ask(s->url, "GET /collections/things/cluster", HOST, "");
    assert_int_equal(reply.status, 501);
    assert_non_null(strstr(reply.text, "is not supported: there is no cluster"));
    stop(s);
}

static void test_one_connection_carries_many_requests(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    for (int i = 0; i < 3; i++) {
        raw_send_request(fd, QUERY, HOST, WORDS);
        struct raw_reply reply = raw_read_until(fd, "\"time\":");
        assert_int_equal(reply.status, 200);
    }
    close(fd);
    stop(s);
}

static void test_requests_sent_ahead_are_answered_in_order(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    raw_send_request(fd, QUERY, HOST, WORDS);
    raw_send_request(fd, "GET /nowhere", HOST "Connection: close\r\n", "");
    struct raw_reply reply = raw_read(fd);
    const char *first = strstr(reply.text, "HTTP/1.1 200");
    const char *second = strstr(reply.text, "HTTP/1.1 404");
    assert_true(first != NULL && second != NULL && first < second);
    stop(s);
}

/* More than fits a socket: none of it may be dropped at the end of what the client says. */
static void test_a_client_that_has_said_all_gets_a_long_answer(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    int fd = raw_connect(s->url);
    raw_send(fd, "GET /openapi.json HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    struct raw_reply reply = raw_read(fd);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.n, sizeof reply.text - 1); /* all that is kept of it */
    stop(s);
}

static void test_metrics_count_what_was_answered(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    raw_ask(s->url, QUERY, HOST, WORDS);
    raw_ask(s->url, QUERY, HOST, "{");
    raw_ask(s->url, "GET /nowhere", HOST, "");
    struct raw_reply reply = raw_ask(s->url, "GET /metrics", HOST, "");
#define LABELS "method=\"POST\",route=\"/collections/{collection_name}/points/query\""
    assert_non_null(
        strstr(reply.text, "duet_http_requests_total{" LABELS ",status=\"200\"} 1\n"));
    assert_non_null(
        strstr(reply.text, "duet_http_requests_total{" LABELS ",status=\"400\"} 1\n"));
    assert_non_null(strstr(reply.text, "route=\"none\",status=\"404\"} 1\n"));
    assert_non_null(
        strstr(reply.text, "duet_search_seconds_count{input=\"text\"} 1\n"));
    assert_non_null(strstr(reply.text, "duet_points{collection=\"things\"} 0\n"));
    assert_non_null(strstr(reply.text, "process_resident_memory_bytes "));
    stop(s);
}

/* ---- Who may ask ------------------------------------------------------------------
 */

static void test_a_foreign_host_name_is_refused(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    assert_int_equal(
        raw_ask(s->url, "GET /collections", "Host: evil.example\r\n", "").status, 403);
    assert_int_equal(raw_ask(s->url, "GET /collections", "", "").status, 403);
    assert_int_equal(
        raw_ask(s->url, "GET /collections", "Host: 127.0.0.1:1\r\n", "").status, 200);
    stop(s);
}

static void test_a_page_of_another_origin_may_not_post(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    const char *foreign = HOST "Origin: http://evil.example\r\n";
    const char *sandboxed = HOST "Origin: null\r\n";
    const char *ours = HOST "Origin: http://localhost\r\n";
    assert_int_equal(raw_ask(s->url, QUERY, foreign, WORDS).status, 403);
    assert_int_equal(raw_ask(s->url, QUERY, sandboxed, WORDS).status, 403);
    assert_int_equal(raw_ask(s->url, QUERY, ours, WORDS).status, 200);
    assert_int_equal(fake.n_searches, 1);
    stop(s);
}

static void test_a_key_is_asked_for_but_not_by_health_and_page(void **state)
{
    (void)state;
    struct net_server_options options = {.n_threads = 1, .api_key = "secret"};
    struct running *s = start(&options);
    struct raw_reply refused = raw_ask(s->url, "GET /collections", HOST, "");
    assert_int_equal(refused.status, 401);
    assert_non_null(
        strstr(refused.text, "\"error\":\"this server asks for an API key"));
    assert_int_equal(
        raw_ask(s->url, "GET /collections", HOST "api-key: secreT\r\n", "").status,
        401);
    assert_int_equal(
        raw_ask(s->url, "GET /collections", HOST "api-key: secret\r\n", "").status,
        200);
    assert_int_equal(
        raw_ask(s->url, "GET /collections", HOST "Authorization: Bearer secret\r\n", "")
            .status,
        200);
    assert_int_equal(raw_ask(s->url, "GET /healthz", HOST, "").status, 200);
    assert_int_equal(raw_ask(s->url, "GET /dashboard", HOST, "").status, 200);
    assert_int_equal(raw_ask(s->url, "GET /metrics", HOST, "").status, 401);
    stop(s);
}

static void test_an_open_address_needs_a_key_or_a_word(void **state)
{
    (void)state;
    struct net_server *server;
    struct net_server_options options = {.listen = "0.0.0.0:0", .n_threads = 1};
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
    assert_null(server);
    options.insecure = true;
    assert_ok(net_server_open(&server, NULL, &options));
    net_server_close(server);
    options.insecure = false;
    options.api_key = "secret";
    assert_ok(net_server_open(&server, NULL, &options));
    net_server_close(server);
}

static void test_an_address_in_use_is_busy(void **state)
{
    (void)state;
    struct net_server *first, *second;
    struct net_server_options options = {.listen = "127.0.0.1:0", .n_threads = 1};
    assert_ok(net_server_open(&first, NULL, &options));
    options.listen = net_server_url(first) + strlen("http://");
    assert_err(net_server_open(&second, NULL, &options), ERR_BUSY);
    net_server_close(first);
}

/* ---- Limits ------------------------------------------------------------------------
 */

static void test_an_oversized_body_is_refused(void **state)
{
    (void)state;
    struct net_server_options options = {.n_threads = 1, .max_body = 1000};
    struct running *s = start(&options);
    char body[2001];
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    assert_int_equal(raw_ask(s->url, QUERY, HOST, body).status, 413);
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 200);
    stop(s);
}

static void test_oversized_headers_are_refused(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    size_t n = 2 * LIMIT_HEADER_BYTES;
    char *headers = malloc(n);
    memset(headers, 'a', n);
    int fd = raw_connect(s->url);
    raw_send(fd, "GET /healthz HTTP/1.1\r\nX: ");
    raw_send_bytes(fd, headers, n);
    raw_send(fd, "\r\n\r\n");
    struct raw_reply reply = raw_read(fd);
    assert_true(reply.status == 400 || reply.status == 413 || reply.status == 0);
    free(headers);
    assert_int_equal(raw_ask(s->url, "GET /healthz", HOST, "").status, 200);
    stop(s);
}

static void test_a_request_that_never_ends_is_cut_off(void **state)
{
    (void)state;
    struct net_server_options options = {.n_threads = 1, .request_seconds = 1};
    struct running *s = start(&options);
    int silent = raw_connect(s->url), slow = raw_connect(s->url);
    raw_send(silent, "GET /healthz HTTP/1.1\r\n");
    raw_send(slow, "POST /collections/things/points/query HTTP/1.1\r\nX: ");
    struct pollfd wait = {.fd = slow, .events = POLLIN};
    int n_bytes = 0;
    while (poll(&wait, 1, 100) == 0) { /* one byte now and then, for ever */
        raw_send(slow, "a");
        n_bytes++;
        assert_true(n_bytes < 600);
    }
    assert_int_equal(raw_read(slow).status, 0);
    assert_int_equal(raw_read(silent).status, 0);
    stop(s);
}

static void test_past_the_cap_connections_wait_for_their_turn(void **state)
{
    (void)state;
    enum { CAP = 12 };
    struct rlimit before, lower;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = before;
    lower.rlim_cur = 128 + CAP;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    struct running *s = start(&plain);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int fds[CAP + 1];
    for (size_t i = 0; i < CAP + 1; i++) {
        fds[i] = raw_connect(s->url);
        raw_send_request(fds[i], "GET /healthz", HOST, "");
        if (i < CAP) {
            assert_int_equal(raw_read_until(fds[i], "is up").status, 200);
        }
    }
    struct pollfd wait = {.fd = fds[CAP], .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 300), 0);
    close(fds[0]);
    assert_int_equal(raw_read_until(fds[CAP], "is up").status, 200);
    for (size_t i = 1; i < CAP + 1; i++) {
        close(fds[i]);
    }
    stop(s);
}

/* Until `n` of the connections have something to read. */
static void wait_for_answers(const int *fds, size_t n_fds, size_t n)
{
    static struct pollfd waits[LIMIT_QUEUED_REQUESTS + 16];
    size_t n_ready = 0;
    for (size_t i = 0; i < n_fds; i++) {
        waits[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    for (int tries = 0; n_ready < n; tries++) {
        assert_true(tries < 6000);
        n_ready = (size_t)poll(waits, n_fds, 10);
        if (n_ready < n) {
            usleep(10000);
        }
    }
}

static void test_a_full_queue_answers_503_and_health_goes_on(void **state)
{
    (void)state;
    enum { FIT = LIMIT_QUEUED_REQUESTS + 1, TOO_MANY = 5, N = FIT + TOO_MANY };
    struct net_server_options options = {.n_threads = 1};
    struct running *s = start(&options);
    static int fds[N];
    size_t n_answered = 0, n_refused = 0;
    fake_set_held(true);
    for (size_t i = 0; i < N; i++) {
        fds[i] = raw_connect(s->url);
        raw_send_request(fds[i], QUERY, HOST "Connection: close\r\n", WORDS);
        if (i == 0) {
            fake_wait_for_searches(1); /* it occupies the worker, not the queue */
        }
    }
    wait_for_answers(fds, N, TOO_MANY);
    assert_int_equal(raw_ask(s->url, "GET /healthz", HOST, "").status, 200);
    fake_set_held(false);
    for (size_t i = 0; i < N; i++) {
        struct raw_reply reply = raw_read(fds[i]);
        n_answered += reply.status == 200;
        n_refused += reply.status == 503 && strstr(reply.text, "Retry-After: 1\r\n");
    }
    assert_int_equal(n_answered, FIT);
    assert_int_equal(n_refused, TOO_MANY);
    stop(s);
}

/* ---- Leaving and stopping
 * ------------------------------------------------------------ */

static void test_a_client_that_leaves_harms_nobody(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    fake_set_held(true);
    for (size_t i = 1; i <= 2; i++) {
        int fd = raw_connect(s->url);
        raw_send_request(fd, QUERY, HOST, WORDS);
        fake_wait_for_searches(i);
        struct linger at_once = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
    }
    fake_set_held(false);
    assert_int_equal(raw_ask(s->url, QUERY, HOST, WORDS).status, 200);
    stop(s);
}

static void test_stopping_lets_a_request_under_way_end(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    fake_set_held(true);
    int idle = raw_connect(s->url), busy = raw_connect(s->url);
    raw_send_request(idle, "GET /healthz", HOST, "");
    raw_read_until(idle, "is up");
    raw_send_request(busy, QUERY, HOST, WORDS);
    fake_wait_for_searches(1);
    net_server_stop(s->server);
    net_server_stop(s->server); /* a second ^C changes nothing */
    int late = raw_connect(s->url);
    while (late >= 0) { /* refused once the stop is noticed */
        close(late);
        late = raw_connect(s->url);
    }
    fake_set_held(false);
    struct raw_reply reply = raw_read(busy);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.text, "Connection: close\r\n"));
    assert_non_null(strstr(reply.text, "\"status\":\"ok\""));
    join(s);
    assert_int_equal(raw_read(idle).status, 0);
}

static void test_a_server_that_never_ran_closes(void **state)
{
    (void)state;
    struct net_server *server;
    struct net_server_options options = {.listen = "127.0.0.1:0", .n_threads = 1};
    assert_ok(net_server_open(&server, NULL, &options));
    int fd = raw_connect(net_server_url(server)); /* in the kernel's backlog */
    net_server_close(server);
    close(fd);
    net_server_close(NULL);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_and_version_answer),
        cmocka_unit_test(test_a_query_is_answered_in_the_envelope),
        cmocka_unit_test(test_an_error_is_told_in_the_dialects_envelope),
        cmocka_unit_test(test_errors_of_the_library_get_their_status),
        cmocka_unit_test(test_a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(test_a_dialect_route_not_done_yet_says_so),
        cmocka_unit_test(test_one_connection_carries_many_requests),
        cmocka_unit_test(test_requests_sent_ahead_are_answered_in_order),
        cmocka_unit_test(test_a_client_that_has_said_all_gets_a_long_answer),
        cmocka_unit_test(test_metrics_count_what_was_answered),
        cmocka_unit_test(test_a_foreign_host_name_is_refused),
        cmocka_unit_test(test_a_page_of_another_origin_may_not_post),
        cmocka_unit_test(test_a_key_is_asked_for_but_not_by_health_and_page),
        cmocka_unit_test(test_an_open_address_needs_a_key_or_a_word),
        cmocka_unit_test(test_an_address_in_use_is_busy),
        cmocka_unit_test(test_an_oversized_body_is_refused),
        cmocka_unit_test(test_oversized_headers_are_refused),
        cmocka_unit_test(test_a_request_that_never_ends_is_cut_off),
        cmocka_unit_test(test_past_the_cap_connections_wait_for_their_turn),
        cmocka_unit_test(test_a_full_queue_answers_503_and_health_goes_on),
        cmocka_unit_test(test_a_client_that_leaves_harms_nobody),
        cmocka_unit_test(test_stopping_lets_a_request_under_way_end),
        cmocka_unit_test(test_a_server_that_never_ran_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
