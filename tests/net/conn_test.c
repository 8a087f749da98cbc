/*
 * conn_test.c - net/conn.h around an evhttp of its own; client and server take turns on
 * one thread.
 */
#include "tests/test.h"

#include <signal.h>
#include <string.h>

#include <event2/event.h>
#include <event2/http.h>

#include "net/conn.h"
#include "tests/net/raw_client.h"

static struct {
    struct event_base *base;
    struct evhttp *http;
    struct conn_table *conns;
    struct evhttp_request *waiting; /* the last request, not answered yet */
    char url[64];
    bool is_full;
    size_t n_settled;
} s;

static void on_full(void *arg, bool is_full)
{
    (void)arg;
    s.is_full = is_full;
}

static void on_settled(void *arg)
{
    (void)arg;
    s.n_settled++;
}

static struct conn *conn_of(struct evhttp_request *request)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    return conn_find(s.conns, evhttp_connection_get_bufferevent(evcon));
}

static void on_request(struct evhttp_request *request, void *arg)
{
    (void)arg;
    s.waiting = request;
    conn_set_state(conn_of(request), CONN_WORKING);
}

static void on_sent(struct evhttp_request *request, void *conn)
{
    (void)request;
    conn_set_state(conn, CONN_IDLE);
}

static void answer_it(void)
{
    assert_non_null(s.waiting);
    struct conn *conn = conn_of(s.waiting);
    conn_set_state(conn, CONN_WRITING);
    evhttp_request_set_on_complete_cb(s.waiting, on_sent, conn);
    evhttp_send_reply(s.waiting, 200, "OK", NULL);
    s.waiting = NULL;
}

/* Lets the server do what there is to do. */
static void turn(void)
{
    for (int i = 0; i < 20; i++) {
        event_base_loop(s.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
}

static int begin(void **state)
{
    (void)state;
    const struct conn_options options = {
        .max_connections = 2,
        .max_bytes = 1000,
        .request_seconds = 1,
        .full = on_full,
        .settled = on_settled,
    };
    memset(&s, 0, sizeof s);
    s.base = event_base_new();
    s.http = evhttp_new(s.base);
    assert_ok(conn_table_open(&s.conns, &options));
    evhttp_set_bevcb(s.http, conn_new, s.conns);
    evhttp_set_gencb(s.http, on_request, NULL);
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(s.http, "127.0.0.1", 0);
    struct sockaddr_in at;
    socklen_t n = sizeof at;
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &n);
    snprintf(s.url, sizeof s.url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    return 0;
}

static int end(void **state)
{
    (void)state;
    evhttp_free(s.http);
    conn_table_close(s.conns);
    event_base_free(s.base);
    return 0;
}

/* Whether the server has closed or cut the connection. */
static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_a_request_makes_its_connection_busy(void **state)
{
    (void)state;
    int fd = raw_connect(s.url);
    turn();
    assert_int_equal(conn_table_count(s.conns), 1);
    assert_int_equal(conn_table_busy(s.conns), 0);
    raw_send(fd, "GET / HTTP/1.1\r\n");
    turn();
    assert_int_equal(conn_table_busy(s.conns), 1);
    raw_send(fd, "\r\n");
    turn();
    assert_non_null(s.waiting);
    assert_int_equal(conn_table_busy(s.conns), 1);
    answer_it();
    turn();
    assert_int_equal(conn_table_busy(s.conns), 0);
    assert_int_equal(s.n_settled, 1);
    close(fd);
}

static void test_a_closed_connection_is_forgotten_at_the_tick(void **state)
{
    (void)state;
    int fd = raw_connect(s.url);
    raw_send(fd, "GET / HT");
    turn();
    close(fd);
    turn();
    conn_table_tick(s.conns);
    assert_int_equal(conn_table_count(s.conns), 0);
    assert_int_equal(conn_table_busy(s.conns), 0);
}

static void test_the_cap_is_told_and_taken_back(void **state)
{
    (void)state;
    int first = raw_connect(s.url);
    turn();
    assert_false(s.is_full);
    int second = raw_connect(s.url);
    turn();
    assert_true(s.is_full);
    close(first);
    turn();
    conn_table_tick(s.conns);
    assert_false(s.is_full);
    close(second);
}

static void test_bytes_past_the_budget_cut_the_connection(void **state)
{
    (void)state;
    char bytes[2000];
    memset(bytes, 'a', sizeof bytes);
    int fd = raw_connect(s.url);
    raw_send(fd, "PUT / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n");
    turn();
    assert_false(is_closed(fd));
    raw_send_bytes(fd, bytes, sizeof bytes);
    turn();
    assert_true(is_closed(fd));
    conn_table_tick(s.conns);
    assert_int_equal(conn_table_count(s.conns), 0);
    close(fd);
}

static void test_the_budget_is_given_back_with_each_reply(void **state)
{
    (void)state;
    char bytes[800];
    memset(bytes, 'a', sizeof bytes);
    int fd = raw_connect(s.url);
    for (int i = 0; i < 3; i++) {
        raw_send(fd, "PUT / HTTP/1.1\r\nContent-Length: 800\r\n\r\n");
        raw_send_bytes(fd, bytes, sizeof bytes);
        turn();
        answer_it();
        turn();
        assert_false(is_closed(fd));
        raw_read_until(fd, "\r\n\r\n");
    }
    close(fd);
}

static void test_time_counts_from_the_first_byte_not_the_last(void **state)
{
    (void)state;
    int fd = raw_connect(s.url);
    bool is_cut = false;
    raw_send(fd, "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 3000 && !is_cut; i++) {
        raw_send(fd, "a");
        turn();
        conn_table_tick(s.conns);
        is_cut = is_closed(fd);
    }
    assert_true(is_cut);
    close(fd);
}

static void test_an_idle_connection_is_under_no_clock(void **state)
{
    (void)state;
    int fd = raw_connect(s.url);
    turn();
    usleep(1100000);
    conn_table_tick(s.conns);
    turn();
    assert_false(is_closed(fd));
    close(fd);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_makes_its_connection_busy),
        TEST(test_a_closed_connection_is_forgotten_at_the_tick),
        TEST(test_the_cap_is_told_and_taken_back),
        TEST(test_bytes_past_the_budget_cut_the_connection),
        TEST(test_the_budget_is_given_back_with_each_reply),
        TEST(test_time_counts_from_the_first_byte_not_the_last),
        TEST(test_an_idle_connection_is_under_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
