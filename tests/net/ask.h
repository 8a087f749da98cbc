/*
 * ask.h - one call of the dialect without a network, in front of fake_db.h.
 *
 *     ask("POST", "/collections/things/points/count", "{}");
 *     assert_int_equal(answer.status, 200);
 *     assert_non_null(strstr(answer.text, "\"count\":0"));
 *
 * One thread; the answer stands until the next call.
 */
#ifndef TESTS_NET_ASK_H
#define TESTS_NET_ASK_H

#include "net/api.h"
#include "tests/net/fake_db.h"

static struct {
    int status;
    const char *type;
    const char *disposition;
    char text[16 << 10];
} answer;

static struct api ask_api;

static inline int ask_begin(void **state)
{
    (void)state;
    fake_reset();
    assert_ok(metrics_open(&ask_api.metrics, api_routes, api_n_routes));
    return 0;
}

/* The same with three points. */
static inline int ask_begin_with_points(void **state)
{
    ask_begin(state);
    fake.n_points = 3;
    for (size_t i = 0; i < fake.n_points; i++) {
        fake.ids[i] = i + 1;
        strcpy(fake.payloads[i], "{\"a\":1,\"b\":{\"c\":\"x\"}}");
    }
    return 0;
}

static inline int ask_end(void **state)
{
    (void)state;
    metrics_close(ask_api.metrics);
    return 0;
}

/* `path` may have a query string; `body` NULL: none; `type` of it, NULL: not said. */
static inline void ask_as(const char *type, const char *method, const char *path,
                          const char *body)
{
    struct api_call call;
    char plain[512];
    size_t n = strcspn(path, "?");
    snprintf(plain, sizeof plain, "%.*s", (int)n, path);
    api_call_init(&call, &ask_api);
    assert_int_equal(route_find(api_routes, api_n_routes, method, plain, &call.match),
                     ROUTE_FOUND);
    call.query = path[n] == '?' ? path + n + 1 : NULL;
    call.content_type = type;
    call.body = body;
    call.n_body = body != NULL ? strlen(body) : 0;
    api_call_run(&call);
    answer.status = call.status;
    answer.type = call.type;
    answer.disposition = call.disposition;
    snprintf(answer.text, sizeof answer.text, "%s", call.out.text.data);
    api_call_release(&call);
}

static inline void ask(const char *method, const char *path, const char *body)
{
    ask_as(NULL, method, path, body);
}

#define assert_answer(status_, text_)                                                  \
    do {                                                                               \
        if (answer.status != (status_) || strstr(answer.text, (text_)) == NULL) {      \
            print_error("status %d: %s\n", answer.status, answer.text);                \
            fail();                                                                    \
        }                                                                              \
    } while (0)

#endif
