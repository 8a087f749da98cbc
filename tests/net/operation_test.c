/*
 * operation_test.c - what whoever runs a server relies on: keys that only read, ids and
 * logs of requests, telemetry, pictures from nowhere else than said.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>

#include "base/json.h"
#include "net/api.h"
#include "tests/net/running.h"

#define POINTS "/collections/things/points"
#define LOOKER HOST "api-key: looker\r\n"

static char log_path[] = "/tmp/duet-operation-XXXXXX";

static const struct net_server_options plain = {.n_threads = 1};

static int begin(void **state)
{
    (void)state;
    int fd = mkstemp(log_path);
    return fd < 0 || close(fd) != 0;
}

static int end(void **state)
{
    (void)state;
    return unlink(log_path);
}

/* ---- A key that only reads ------------------------------------------------------------ */

static void test_a_read_only_key_reads_and_does_not_write(void **state)
{
    (void)state;
    static const struct {
        const char *request, *body;
        int status;
    } cases[] = {
        {"GET /collections", "", 200},
        {"GET /metrics", "", 200},
        {"GET " POINTS "/1", "", 404},
        {"POST " POINTS, "{\"ids\": [1]}", 200},
        {"POST " POINTS "/query", WORDS, 200},
        {"POST " POINTS "/scroll", "{}", 200},
        {"POST " POINTS "/count", "{}", 200},
        {"PUT " POINTS, "{}", 403},
        {"POST " POINTS "/delete", "{}", 403},
        {"POST " POINTS "/payload", "{}", 403},
        {"POST " POINTS "/batch", "{}", 403},
        {"PUT /collections/other", "{}", 403},
        {"DELETE /collections/things", "", 403},
        {"POST /collections/aliases", "{}", 403},
        {"PATCH /collections/things", "{}", 403},
    };
    struct running *s = start(&(struct net_server_options){
        .n_threads = 1, .api_key = "secret", .read_only_api_key = "looker"});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct raw_reply reply =
            raw_ask(s->url, cases[i].request, LOOKER, cases[i].body);
        if (reply.status != cases[i].status) {
            fail_msg("%s: %d: %s", cases[i].request, reply.status, reply.text);
        }
    }
    assert_int_equal(raw_ask(s->url, "GET /collections", HOST, "").status, 401);
    assert_int_equal(
        raw_ask(s->url, "GET /collections", HOST "api-key: looke\r\n", "").status, 401);
    assert_int_equal(raw_ask(s->url, "DELETE /collections/things",
                             HOST "Authorization: Bearer secret\r\n", "")
                         .status,
                     200);
    stop(s);
}

/* Which routes that are no GET may be used with a read-only key is decided one by one:
 * a route that reads and is missing here is closed to such keys. */
static void test_routes_that_change_something_do_not_say_they_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct route *route = &api_routes[i];
        bool is_post = strcmp(route->method, "POST") == 0;
        if (route_reads(route) && strcmp(route->method, "GET") != 0 && !is_post) {
            fail_msg("%s %s says that it reads", route->method, route->pattern);
        }
    }
}

static void test_a_read_only_key_needs_another_key(void **state)
{
    (void)state;
    struct net_server *server;
    struct net_server_options options = {.listen = "127.0.0.1:0",
                                         .read_only_api_key = "looker"};
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
    options.api_key = "looker";
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
    options.api_key = "secret";
    options.read_only_api_key = "";
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
}

/* ---- Ids and logs ---------------------------------------------------------------------- */

static void test_a_request_gets_its_id_back(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply given =
        raw_ask(s->url, "GET /healthz", HOST "X-Request-Id: mine-7\r\n", "");
    assert_non_null(strstr(given.text, "\r\nX-Request-Id: mine-7\r\n"));
    struct raw_reply strange =
        raw_ask(s->url, "GET /nowhere", HOST "X-Request-Id: a b\r\n", "");
    assert_int_equal(strange.status, 404);
    assert_non_null(strstr(strange.text, "\r\nX-Request-Id: "));
    assert_null(strstr(strange.text, "X-Request-Id: a b"));
    stop(s);
}

/* The log's file, as a string. */
static const char *read_log(void)
{
    static char text[64 << 10];
    FILE *file = fopen(log_path, "r");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_requests_and_slow_queries_are_logged(void **state)
{
    (void)state;
    struct running *s = start(&(struct net_server_options){.n_threads = 1,
                                                           .log_file = log_path,
                                                           .log_json = true,
                                                           .log_requests = true,
                                                           .slow_query_ms = 1});
    fake_set_held(true);
    int fd = raw_connect(s->url);
    raw_send_request(fd, QUERY, HOST "X-Request-Id: q7\r\nConnection: close\r\n",
                     "{\"query\": {\"text\": \"a secret\"}, \"filter\": {}}");
    fake_wait_for_searches(1);
    usleep(5000);
    fake_set_held(false);
    assert_int_equal(raw_read(fd).status, 200);
    raw_ask(s->url, "GET /nowhere", HOST "X-Request-Id: n8\r\n", "");
    stop(s);
    const char *log = read_log();
    assert_non_null(strstr(log, "\"msg\":\"serving at http://127.0.0.1:"));
    assert_non_null(strstr(log, "\"msg\":\"request\",\"id\":\"q7\",\"client\":\"127."));
    assert_non_null(
        strstr(log, "\"level\":\"warning\",\"msg\":\"slow query\",\"id\":\"q7\""));
    assert_non_null(strstr(log, "\"collection\":\"things\",\"status\":200"));
    assert_non_null(strstr(log, "\"asked\":\"text\",\"compared\":0,\"filter_bytes\":"));
    assert_non_null(strstr(log, "\"id\":\"n8\""));
    assert_non_null(strstr(log, "\"msg\":\"no longer serving at http://"));
    assert_null(strstr(log, "a secret"));
}

static void test_a_log_moved_away_is_begun_anew(void **state)
{
    (void)state;
    char moved[64];
    snprintf(moved, sizeof moved, "%s.1", log_path);
    struct running *s = start(&(struct net_server_options){
        .n_threads = 1, .log_file = log_path, .log_requests = true});
    raw_ask(s->url, "GET /healthz", HOST "X-Request-Id: before\r\n", "");
    assert_int_equal(rename(log_path, moved), 0);
    net_server_reload(s->server);
    for (int i = 0; access(log_path, F_OK) != 0; i++) {
        assert_true(i < 500);
        usleep(10000);
    }
    raw_ask(s->url, "GET /healthz", HOST "X-Request-Id: after\r\n", "");
    stop(s);
    assert_non_null(strstr(read_log(), "id=after"));
    assert_null(strstr(read_log(), "id=before"));
    unlink(moved);
}

static void test_telemetry_is_as_the_contract_has_it(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    raw_ask(s->url, QUERY, HOST, WORDS);
    struct raw_reply reply = raw_ask(s->url, "GET /telemetry", HOST, "");
    assert_int_equal(reply.status, 200);
    struct json_object *json;
    const char *body = strstr(reply.text, "\r\n\r\n") + 4;
    assert_ok(json_parse(&json, body, strlen(body)));
    struct json_object *result = json_get(json, "result");
    struct json_object *app = json_get(result, "app");
    struct json_object *rest = json_get(json_get(result, "requests"), "rest");
    struct json_object *grpc = json_get(json_get(result, "requests"), "grpc");
    struct json_object *query =
        json_get(json_get(rest, "responses"),
                 "POST /collections/{collection_name}/points/query");
    size_t n;
    const char *text;
    assert_ok(json_get_string(result, "id", &text));
    assert_ok(json_get_string(app, "name", &text));
    assert_ok(json_get_string(app, "version", &text));
    assert_ok(json_get_string(app, "startup", &text));
    assert_int_equal(strlen(text), strlen("2026-01-01T00:00:00Z"));
    assert_ok(
        json_get_size(json_get(result, "collections"), "number_of_collections", &n));
    assert_int_equal(n, 1);
    assert_ok(json_get_size(json_get(query, "200"), "count", &n));
    assert_int_equal(n, 1);
    assert_non_null(json_get(grpc, "responses"));
    json_object_put(json);
    stop(s);
}

/* ---- Pictures by URL --------------------------------------------------------------------- */

struct peer {
    int fd;
    char url[64], address[32];
    pthread_t thread;
};

/* Answers one request with seven bytes that are said to be a picture. */
static void *give_picture(void *arg)
{
    struct peer *peer = arg;
    char request[2048];
    int fd = accept(peer->fd, NULL, NULL);
    if (recv(fd, request, sizeof request, 0) > 0) {
        raw_send(fd, "HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\nPICTURE");
    }
    close(fd);
    return NULL;
}

static void peer_start(struct peer *peer)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(peer->fd, 4), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(peer->address, sizeof peer->address, "127.0.0.1:%u", ntohs(at.sin_port));
    snprintf(peer->url, sizeof peer->url, "http://%s/a.png", peer->address);
    assert_int_equal(pthread_create(&peer->thread, NULL, give_picture, peer), 0);
}

static struct raw_reply ask_by_url(const struct running *s, const char *url)
{
    char body[256];
    snprintf(body, sizeof body, "{\"query\": {\"image\": \"%s\"}}", url);
    return raw_ask(s->url, QUERY, HOST, body);
}

static void test_pictures_by_url_come_from_listed_hosts(void **state)
{
    (void)state;
    struct peer peer;
    peer_start(&peer);
    struct running *s = start(&(struct net_server_options){
        .n_threads = 1, .allow_private_image_urls = peer.address});
    assert_int_equal(ask_by_url(s, peer.url).status, 200);
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    assert_int_equal(fake.last_input.kind, DUET_INPUT_IMAGE);
    assert_int_equal(fake.last_input.n, strlen("PICTURE"));
    struct raw_reply other = ask_by_url(s, "https://127.0.0.1/a.png");
    assert_int_equal(other.status, 400);
    assert_non_null(strstr(other.text, "query.image: pictures are not fetched from"));
    struct raw_reply metrics = raw_ask(s->url, "GET /metrics", HOST, "");
    assert_non_null(
        strstr(metrics.text, "duet_image_urls_total{result=\"fetched\"} 1\n"));
    assert_non_null(
        strstr(metrics.text, "duet_image_urls_total{result=\"failed\"} 1\n"));
    stop(s);
}

static void test_pictures_by_url_are_refused_where_none_is_listed(void **state)
{
    (void)state;
    struct running *s = start(&plain);
    struct raw_reply reply = ask_by_url(s, "https://images.example.org/a.png");
    assert_int_equal(reply.status, 501);
    assert_non_null(strstr(reply.text, "--allow-image-urls"));
    stop(s);
    struct net_server *server;
    struct net_server_options wrong = {.listen = "127.0.0.1:0",
                                       .allow_image_urls = "*"};
    assert_err(net_server_open(&server, NULL, &wrong), ERR_INVALID);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_only_key_reads_and_does_not_write),
        cmocka_unit_test(test_routes_that_change_something_do_not_say_they_read),
        cmocka_unit_test(test_a_read_only_key_needs_another_key),
        cmocka_unit_test(test_a_request_gets_its_id_back),
        cmocka_unit_test(test_requests_and_slow_queries_are_logged),
        cmocka_unit_test(test_a_log_moved_away_is_begun_anew),
        cmocka_unit_test(test_telemetry_is_as_the_contract_has_it),
        cmocka_unit_test(test_pictures_by_url_come_from_listed_hosts),
        cmocka_unit_test(test_pictures_by_url_are_refused_where_none_is_listed),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
