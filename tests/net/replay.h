/*
 * replay.h - requests of a file, against a real database, with the answers that they must
 * get: a line is {"method", "path", "body", "status", "result"}.
 *
 *     assert_true(replay_file("tests/golden/points/sequence.jsonl") > 100);
 *
 * Numbers with a fraction are compared to 1e-5, relative above 1.
 */
#ifndef TESTS_NET_REPLAY_H
#define TESTS_NET_REPLAY_H

#include "tests/db/db_test.h"

#include "base/buffer.h"
#include "base/file.h"
#include "net/api.h"

static inline bool replay_numbers_are_near(double a, double b)
{
    return fabs(a - b) <= 1e-5 * fmax(1, fabs(b));
}

static inline bool replay_is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_double) ||
           json_object_is_type(value, json_type_int);
}

static inline bool replay_equal(struct json_object *a, struct json_object *b);

static inline bool replay_arrays_equal(struct json_object *a, struct json_object *b)
{
    size_t n = json_object_array_length(a);
    bool same = n == json_object_array_length(b);
    for (size_t i = 0; same && i < n; i++) {
        same = replay_equal(json_object_array_get_idx(a, i),
                            json_object_array_get_idx(b, i));
    }
    return same;
}

static inline bool replay_objects_equal(struct json_object *a, struct json_object *b)
{
    bool same = json_object_object_length(a) == json_object_object_length(b);
    json_object_object_foreach(a, key, value)
    {
        struct json_object *other;
        same = same && json_object_object_get_ex(b, key, &other) &&
               replay_equal(value, other);
    }
    return same;
}

/* As JSON, but for the last digits of numbers with a fraction. */
static inline bool replay_equal(struct json_object *a, struct json_object *b)
{
    if (replay_is_number(a) && replay_is_number(b)) {
        bool whole = json_object_is_type(a, json_type_int) &&
                     json_object_is_type(b, json_type_int);
        return whole ? json_object_equal(a, b)
                     : replay_numbers_are_near(json_object_get_double(a),
                                               json_object_get_double(b));
    }
    if (json_object_get_type(a) != json_object_get_type(b)) {
        return false;
    }
    switch (json_object_get_type(a)) {
    case json_type_array:
        return replay_arrays_equal(a, b);
    case json_type_object:
        return replay_objects_equal(a, b);
    default:
        return json_object_equal(a, b) != 0;
    }
}

static inline void replay_run(const struct api *api, struct json_object *request,
                              struct api_call *call)
{
    const char *method = "", *path = "";
    assert_ok(json_get_string(request, "method", &method));
    assert_ok(json_get_string(request, "path", &path));
    struct json_object *body = json_get(request, "body");
    api_call_init(call, api);
    assert_int_equal(route_find(api_routes, api_n_routes, method, path, &call->match),
                     ROUTE_FOUND);
    call->body = body == NULL ? NULL : json_text(body);
    call->n_body = body == NULL ? 0 : strlen(call->body);
    api_call_run(call);
}

static inline void replay_line(const struct api *api, const char *line, size_t n,
                               size_t number)
{
    struct json_object *request, *answer;
    struct api_call call;
    size_t status = 0;
    assert_ok(json_parse(&request, line, n));
    assert_ok(json_get_size(request, "status", &status));
    replay_run(api, request, &call);
    assert_ok(json_parse(&answer, call.out.text.data, call.out.text.size));
    if (call.status != (int)status ||
        !replay_equal(json_get(answer, "result"), json_get(request, "result"))) {
        print_error("line %zu: status %d: %s\n  of: %.*s\n", number, call.status,
                    call.out.text.data, (int)n, line);
        fail();
    }
    json_object_put(answer);
    json_object_put(request);
    api_call_release(&call);
}

/* How many lines there were. */
static inline size_t replay_file(const char *path)
{
    struct test_db t;
    struct api api = {0};
    struct file_map map;
    size_t n_lines = 0;
    test_db_make(&t);
    api.db = t.db;
    assert_ok(metrics_open(&api.metrics, api_routes, api_n_routes));
    assert_ok(file_map_open(&map, path, SIZE_MAX));
    const char *text = (const char *)map.data;
    for (size_t at = 0; at < map.size;) {
        const char *end = memchr(text + at, '\n', map.size - at);
        size_t n = end == NULL ? map.size - at : (size_t)(end - text) - at;
        replay_line(&api, text + at, n, ++n_lines);
        at += n + 1;
    }
    file_map_close(&map);
    metrics_close(api.metrics);
    test_db_remove(&t);
    return n_lines;
}

#endif
