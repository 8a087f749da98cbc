/*
 * hostile_test.c - thousands of requests that mean harm, at the real program. Each must
 * be answered or have its connection closed; the server must live on, answer a decent
 * request afterwards, and end without an error (nor a leak, built with sanitizers:
 * `make hostile N=10000`).
 *
 * Routes come from the server's own table, so that a new one is ill-treated too. The
 * seed is printed: HOSTILE_SEED=7 HOSTILE_N=500 does the same again.
 */
#include "tests/integration/program_server.h"

#include "base/clock.h"
#include "net/api.h"
#include "tests/net/raw_client.h"

enum { BODY_MAX = 160 << 10, HEAD_MAX = 80 << 10, REQUESTS_DEFAULT = 500 };

/* ---- Chance ------------------------------------------------------------------------- */

static uint64_t chance;

/* 0 to n - 1. */
static size_t pick(size_t n)
{
    chance ^= chance << 13; /* Marsaglia's xorshift64 */
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (size_t)((chance >> 11) % n);
}

static bool one_in(size_t n)
{
    return pick(n) == 0;
}

#define PICK(list) ((list)[pick(sizeof(list) / sizeof((list)[0]))])

/* ---- Text that grows, cut at its end ---------------------------------------------------- */

struct text {
    char *bytes;
    size_t n, max;
};

static void add_bytes(struct text *t, const char *bytes, size_t n)
{
    n = n < t->max - t->n ? n : t->max - t->n;
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
}

static void add(struct text *t, const char *words)
{
    add_bytes(t, words, strlen(words));
}

static void add_times(struct text *t, const char *words, size_t times)
{
    for (; times > 0 && t->n < t->max; times--) {
        add(t, words);
    }
}

static void add_noise(struct text *t, size_t n)
{
    for (; n > 0; n--) {
        char byte = (char)pick(256);
        add_bytes(t, &byte, 1);
    }
}

/* ---- Bodies ------------------------------------------------------------------------------ */

/* Right in themselves: what is done to them leads deep into the handlers. */
static const char *const bodies[] = {
    "{\"query\":{\"text\":\"a red dog\"},\"using\":\"text\",\"limit\":3,\"offset\":1,"
    "\"with_payload\":[\"a\"],\"with_vector\":true,\"score_threshold\":0.5,"
    "\"params\":{\"exact\":true,\"quantization\":{\"oversampling\":2.5}}}",
    "{\"query\":[0.1,0.2,0.3,0.4],\"filter\":{\"must\":[{\"key\":\"a.b[]\",\"match\":"
    "{\"any\":[1,2]}},{\"key\":\"n\",\"range\":{\"gte\":1,\"lt\":9.5}},"
    "{\"has_id\":[1,\"00000000-0000-0000-0000-000000000001\"]}],\"must_not\":"
    "{\"is_empty\":{\"key\":\"z\"}},\"min_should\":{\"conditions\":[{\"nested\":"
    "{\"key\":\"o\",\"filter\":{\"should\":[]}}}],\"min_count\":1}}}",
    "{\"filter\":{\"must\":[{\"key\":\"g\",\"geo_polygon\":{\"exterior\":{\"points\":"
    "[{\"lon\":0,\"lat\":0},{\"lon\":1,\"lat\":0},{\"lon\":1,\"lat\":1},"
    "{\"lon\":0,\"lat\":0}]}}},{\"key\":\"g\",\"geo_radius\":{\"center\":{\"lon\":1,"
    "\"lat\":1},\"radius\":100}}]},\"limit\":5,\"offset\":2}",
    "{\"points\":[{\"id\":1,\"vector\":{\"text\":\"a dog\"},\"payload\":{\"a\":1,"
    "\"b\":[true,null,\"x\"]}},{\"id\":2,\"vector\":{\"image\":{\"image\":"
    "\"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg==\"},\"text\":{\"text\":\"b\"}}}]}",
    "{\"batch\":{\"ids\":[1,2],\"vectors\":[[1,2],[3,4]],\"payloads\":[{},{}]},"
    "\"update_filter\":{},\"update_mode\":\"insert_only\"}",
    "{\"payload\":{\"a\":{\"b\":[1,2,3]}},\"points\":[1,2],\"key\":\"a.b[0]\"}",
    "{\"keys\":[\"a\",\"b[].c\",\"\\\"q.r\\\"\"],\"filter\":{}}",
    "{\"operations\":[{\"upsert\":{\"points\":[{\"id\":7,\"vector\":{}}]}},"
    "{\"delete\":{\"points\":[7]}},{\"clear_payload\":{\"points\":[1]}}]}",
    "{\"vectors\":{\"size\":4,\"distance\":\"Cosine\",\"datatype\":\"uint8\"},"
    "\"metadata\":{\"m\":1}}",
    "{\"actions\":[{\"create_alias\":{\"alias_name\":\"x\",\"collection_name\":"
    "\"things\"}},{\"rename_alias\":{\"old_alias_name\":\"x\",\"new_alias_name\":"
    "\"y\"}},{\"delete_alias\":{\"alias_name\":\"y\"}}]}",
    "{\"ids\":[1,2,3],\"with_payload\":{\"include\":[\"a\"]},\"with_vector\":[\"text\"]"
    "}",
    "{\"points\":[1],\"vector\":[\"text\"]}",
    "{\"query\":{\"image\":\"http://169.254.169.254/latest/meta-data/\"}}",
    "{\"query\":{\"recommend\":{\"positive\":[1],\"negative\":[[1,2]],\"strategy\":"
    "\"best_score\"}},\"prefetch\":[{\"query\":{\"text\":\"a\"},\"limit\":5}]}",
    "{\"query\":{\"fusion\":\"rrf\"},\"prefetch\":[{\"query\":1},{\"query\":2}]}",
    "{\"searches\":[{\"query\":{\"text\":\"a\"}},{\"query\":[1,2,3,4]}]}",
    "{\"key\":\"a\",\"limit\":10,\"exact\":true}",
    "{\"field_name\":\"a\",\"field_schema\":\"keyword\"}",
    "{\"input\":[\"a\",\"b\"],\"model\":\"default\",\"encoding_format\":\"base64\"}",
    "{\"labels\":[\"dog\",\"cat\"],\"image\":\"iVBORw0KGgo=\",\"points\":[1]}",
    "{\"location\":\"file:///etc/passwd\",\"priority\":\"snapshot\"}",
};

static const char *const values[] = {
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "-1e999",
    "1e-999",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "0.1e",
    "01",
    "NaN",
    "Infinity",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\xff\xfe\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xc0\x80\"",
    "\"../../etc/passwd\"",
    "\"data:image/png;base64,\"",
    "\"data:;base64,AAAA\"",
    "\"http://127.0.0.1:1/x\"",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[null]",
    "{\"\":{}}",
    "{\"a\":{\"a\":{\"a\":[]}}}",
    "",
    ",",
    "]",
    "}",
    "\"",
    "\\",
    "/**/1",
    "'x'",
    "\"a.b[\"",
    "\"[][]\"",
    "\"a[99999999999]\"",
};

/* Where a value begins that is not the `skip`-th: its bounds in text[n]. */
static void find_value(const char *text, size_t n, size_t *from, size_t *to)
{
    static const char ends[] = ",]}:";
    size_t start_at = pick(n);
    *from = *to = n;
    for (size_t i = start_at; i < n; i++) {
        if (strchr(":[,", text[i]) != NULL) {
            *from = i + 1;
            break;
        }
    }
    for (*to = *from; *to < n && strchr(ends, text[*to]) == NULL; (*to)++) {
    }
}

static void add_other_value(struct text *t)
{
    switch (pick(12)) {
    case 0:
        add(t, "\"");
        add_times(t, PICK(((const char *const[]){"a", "\xe7\x8b\x97", "\\n", "%00"})),
                  pick(40000));
        add(t, "\"");
        break;
    case 1:
        add_times(t, "[", 1 + pick(200));
        break;
    case 2:
        add(t, "[");
        add_times(t,
                  PICK(((const char *const[]){"1,", "{},", "\"\",", "1e38,", "[],"})),
                  pick(12000));
        add(t, "0]");
        break;
    default:
        add(t, PICK(values));
    }
}

/* A right body with some of its values replaced. */
static void add_wrong_values(struct text *t)
{
    static char from_room[BODY_MAX], to_room[BODY_MAX];
    struct text old = {.bytes = from_room, .max = BODY_MAX};
    add(&old, PICK(bodies));
    for (size_t changes = 1 + pick(3); changes > 0; changes--) {
        struct text new = {.bytes = to_room, .max = BODY_MAX};
        size_t from, to;
        find_value(old.bytes, old.n, &from, &to);
        add_bytes(&new, old.bytes, from);
        add_other_value(&new);
        add_bytes(&new, old.bytes + to, old.n - to);
        old.n = 0;
        add_bytes(&old, new.bytes, new.n);
    }
    add_bytes(t, old.bytes, old.n);
}

/* A right body with bytes changed, cut off, or said twice. */
static void add_broken(struct text *t)
{
    size_t from = t->n;
    add(t, PICK(bodies));
    size_t n = t->n - from;
    for (size_t changes = pick(4); changes > 0; changes--) {
        t->bytes[from + pick(n)] = (char)pick(256);
    }
    if (one_in(2)) {
        t->n = from + pick(n);
    } else if (one_in(4)) {
        add(t, PICK(bodies));
    }
}

static void add_deep(struct text *t)
{
    static const char *const openings[] = {
        "[",
        "{\"a\":",
        "{\"filter\":{\"must\":[",
        "{\"must\":[",
        "{\"query\":{\"nearest\":",
        "{\"prefetch\":[",
        "{\"payload\":{\"a\":[",
        "[[{\"a\":[",
    };
    add_times(t, PICK(openings), 1 + pick(one_in(2) ? 60 : 20000));
}

static void add_body(struct text *t)
{
    switch (pick(10)) {
    case 0:
        break;
    case 1:
        add_noise(t, pick(4000));
        break;
    case 2:
        add_deep(t);
        break;
    case 3:
    case 4:
        add_broken(t);
        break;
    case 5:
        add(t, PICK(bodies));
        break;
    default:
        add_wrong_values(t);
    }
}

/* ---- Heads ------------------------------------------------------------------------------- */

static const char *const segments[] = {
    "things",
    "things",
    "things",
    "1",
    "18446744073709551616",
    "-1",
    "..",
    ".",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%00",
    "%",
    "%zz",
    "%ff%fe",
    "a%2fb",
    "%e7%8b%97",
    "00000000-0000-0000-0000-000000000001",
    "{collection_name}",
    "'\"<script>",
    "a;b=c",
    "text",
    "image",
    "default",
    "index.html",
    "\xff\xfe",
    "con",
    "~root",
    "*",
    "$HOME",
};

static void add_segment(struct text *t)
{
    if (one_in(20)) {
        add_times(t, one_in(2) ? "a" : "%41", pick(2000));
    } else {
        add(t, PICK(segments));
    }
}

static void add_query(struct text *t)
{
    static const char *const queries[] = {
        "?wait=true",
        "?duet=true",
        "?details_level=99",
        "?",
        "?&&&=&",
        "?a=%00%zz",
        "?wait=true&wait=false",
        "?timeout=-1",
        "?limit=1e9",
        "?\xff",
        "#part",
        "?ordering=x",
    };
    if (one_in(3)) {
        add(t, PICK(queries));
    }
}

static void add_path(struct text *t, const char *pattern)
{
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '{') {
            add_segment(t);
            p = strchr(p, '}');
        } else {
            add_bytes(t, p, 1);
        }
    }
    if (one_in(15)) {
        add(t, "/");
        add_segment(t);
    }
    add_query(t);
}

static void add_request_line(struct text *t)
{
    static const char *const methods[] = {"GET",     "POST", "PUT",     "DELETE",
                                          "PATCH",   "HEAD", "OPTIONS", "TRACE",
                                          "CONNECT", "BREW", "get",     ""};
    static const char *const versions[] = {"HTTP/1.0",         "HTTP/0.9", "HTTP/9.9",
                                           "HTTP/1.",          "FTP/1.1",  "",
                                           "HTTP/1.1 HTTP/1.1"};
    const struct route *route = &api_routes[pick(api_n_routes)];
    if (one_in(60)) {
        add_noise(t, 1 + pick(300));
        return;
    }
    add(t, one_in(8) ? PICK(methods) : route->method);
    add(t, one_in(60) ? "\t" : " ");
    if (one_in(30)) {
        add(t, PICK(((const char *const[]){"http://localhost", "//", "http://[::1",
                                           "http://x@y:z", "*", "\\"})));
    }
    add_path(t, route->pattern);
    add(t, " ");
    add(t, one_in(30) ? PICK(versions) : "HTTP/1.1");
}

static void add_flood(struct text *t)
{
    if (one_in(2)) {
        add_times(t, "X-Flood: 1\r\n", pick(5000));
    } else {
        add(t, "X-Long: ");
        add_times(t, "0123456789abcdef", pick(4000));
        add(t, "\r\n");
    }
}

static void add_headers(struct text *t)
{
    static const char *const odd[] = {
        "Host: evil.example\r\n",
        "Origin: http://evil.example\r\n",
        "Expect: 100-continue\r\n",
        "Expect: 200-ok\r\n",
        "Connection: upgrade\r\nUpgrade: h2c\r\n",
        "Range: bytes=0-\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "X-Request-Id: a\tb\"\\\r\n",
        "Content-Type: \xff\r\n",
        "X: \0y\r\n",
        " folded\r\n",
        ":\r\n",
        "no colon\r\n",
        "Accept-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
        "api-key: x\r\n",
        "Authorization: Bearer \xff\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: x\r\n",
        "Connection: keep-alive\r\nKeep-Alive: timeout=99999\r\n",
        "Cookie: a=b; c\r\n",
    };
    if (!one_in(40)) {
        add(t, "Host: localhost\r\n");
    }
    for (size_t n = one_in(3) ? 1 + pick(4) : 0; n > 0; n--) {
        add(t, PICK(odd));
    }
    if (one_in(25)) {
        add_flood(t);
    }
}

/* ---- Sending ------------------------------------------------------------------------------ */

static char head_room[HEAD_MAX], body_room[BODY_MAX];

static void send_chunked(int fd, const struct text *body)
{
    static const char *const wrong[] = {"-1\r\n", "ffffffffffffffff\r\n", "zz\r\n",
                                        "\r\n", "5;x=y\r\nabc"};
    char size[32];
    for (size_t i = 0; i < body->n;) {
        size_t n = 1 + pick(body->n);
        n = n < body->n - i ? n : body->n - i;
        snprintf(size, sizeof size, "%zx\r\n", n);
        raw_send(fd, one_in(20) ? PICK(wrong) : size);
        raw_send_bytes(fd, body->bytes + i, n);
        raw_send(fd, "\r\n");
        i += n;
    }
    raw_send(fd, one_in(10) ? "0\r\nX: y" : "0\r\n\r\n");
}

/* How the length of the body is told, or lied about. */
static bool add_length(struct text *head, size_t n)
{
    static const char *const lengths[] = {
        "-1", "99999999999999999999", "0x10", "", "1, 2", "67108864", "2147483648"};
    char line[64];
    if (one_in(12)) {
        add(head, "Transfer-Encoding: chunked\r\n\r\n");
        return true;
    }
    if (one_in(12)) {
        snprintf(line, sizeof line, "Content-Length: %s\r\n\r\n", PICK(lengths));
    } else {
        size_t lie = one_in(10) ? n / 2 : one_in(10) ? n + 1 + pick(100) : n;
        snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", lie);
    }
    add(head, line);
    return false;
}

static void send_hostile(int fd)
{
    struct text head = {.bytes = head_room, .max = HEAD_MAX};
    struct text body = {.bytes = body_room, .max = BODY_MAX};
    add_request_line(&head);
    add(&head, one_in(40) ? "\n" : "\r\n");
    add_headers(&head);
    add_body(&body);
    bool chunked = add_length(&head, body.n);
    if (one_in(30)) {
        head.n = pick(head.n + 1);
    }
    raw_send_bytes(fd, head.bytes, head.n);
    if (chunked) {
        send_chunked(fd, &body);
    } else {
        raw_send_bytes(fd, body.bytes, one_in(20) ? pick(body.n + 1) : body.n);
    }
}

/* ---- What must hold -------------------------------------------------------------------- */

static size_t n_by_class[6]; /* [0]: closed without an answer */

/* A reply in JSON must be JSON, if all of it fits our room. */
static bool is_sound(const struct raw_reply *reply)
{
    const char *end = strstr(reply->text, "\r\n\r\n");
    struct json_object *json;
    if (reply->n == 0) {
        return true;
    }
    if (reply->status < 100 || reply->status > 599 || reply->status == 500) {
        return false;
    }
    bool is_json = strstr(reply->text, "Content-Type: application/json\r\n") != NULL &&
                   strncmp(reply->text, "HTTP/1.1 100", 12) != 0;
    if (end == NULL || !is_json || reply->n >= sizeof reply->text - 1) {
        return true;
    }
    const char *body = end + 4, *next = strstr(body, "HTTP/1.");
    size_t n = next != NULL ? (size_t)(next - body) : strlen(body);
    if (n == 0) {
        return true; /* to HEAD */
    }
    bool parses = json_parse(&json, body, n) == ERR_OK;
    json_object_put(json);
    return parses;
}

static void attack(const char *url, size_t i)
{
    int fd = raw_connect(url);
    if (fd < 0) {
        read_text(at("server.err"), ran.err);
        fail_msg("request %zu: nobody is there: %s", i, ran.err);
    }
    send_hostile(fd);
    if (one_in(30)) {
        struct linger at_once = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd); /* a reset, at whatever the server is doing */
        n_by_class[0]++;
        return;
    }
    shutdown(fd, SHUT_WR);
    struct raw_reply reply = raw_read(fd);
    sscanf(reply.text, "HTTP/%*d.%*d %d", &reply.status); /* in the request's version */
    if (!is_sound(&reply)) {
        fail_msg("request %zu:\n%.300s\n%.600s\ngave\n%.2000s", i, head_room, body_room,
                 reply.text);
    }
    n_by_class[reply.status / 100]++;
}

/* What was dropped or spoilt is made again, so that there is something to spoil. */
static void make_things(const char *url)
{
    static const char put[] =
        "{\"points\":[{\"id\":1,\"vector\":{\"text\":\"a red dog\"},\"payload\":"
        "{\"a\":{\"b\":[1,2]},\"n\":5}},{\"id\":2,\"vector\":{\"text\":\"cats\"}}]}";
    raw_ask(url, "PUT /collections/things", "Host: localhost\r\n", "{}");
    raw_ask(url, "PUT /collections/things/points", "Host: localhost\r\n", put);
}

static size_t number_from(const char *variable, size_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void test_hostile_requests_harm_nobody(void **state)
{
    (void)state;
    char url[SERVER_URL_MAX];
    size_t n = number_from("HOSTILE_N", REQUESTS_DEFAULT);
    size_t seed = number_from("HOSTILE_SEED", (size_t)clock_wall_ms());
    printf("note: HOSTILE_SEED=%zu HOSTILE_N=%zu\n", seed, n);
    chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    pid_t server =
        server_start((const char *const[]){"serve", "--listen", "127.0.0.1:0",
                                           "--max-body", "128K", NULL},
                     url);
    for (size_t i = 0; i < n; i++) {
        if (i % 50 == 0) {
            make_things(url);
        }
        attack(url, i);
    }
    make_things(url);
    struct raw_reply good =
        raw_ask(url, "POST /collections/things/points/query", "Host: localhost\r\n",
                "{\"query\":{\"text\":\"a red dog\"},\"using\":\"text\",\"limit\":1}");
    assert_int_equal(good.status, 200);
    server_stop(server);
    printf("note: closed %zu, 1xx %zu, 2xx %zu, 3xx %zu, 4xx %zu, 5xx %zu\n",
           n_by_class[0], n_by_class[1], n_by_class[2], n_by_class[3], n_by_class[4],
           n_by_class[5]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (!find_program()) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_hostile_requests_harm_nobody),
    };
    return cmocka_run_group_tests(tests, setup_models, teardown_models);
}
