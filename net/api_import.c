/*
 * api_import.c - POST /collections/{c}/import: points as JSON lines, each answered by a
 * line of its own, so that a bad one costs its neighbours nothing. What is larger than
 * a body may be comes in several requests; each line stands for itself.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/api.h"
#include "net/api_input.h"
#include "net/api_point_out.h"
#include "net/each_point.h"
#include "net/http_err.h"

/* What the points that wait are made of. */
struct held {
    struct json_object *json;
    const struct duet_named_input *vectors;
};

struct import {
    struct api_call *call;
    struct each_point each;
    struct inputs inputs;
    struct held held[LIMIT_IMPORT_GROUP];
    size_t n_held;
    size_t n_written;
};

/* ---- The answer's lines --------------------------------------------------------- */

static void begin_line(struct json_out *out, size_t line, const char *status)
{
    out_begin(out, '{');
    out_key(out, "line");
    out_size(out, line);
    out_key(out, "status");
    out_string(out, status);
}

static void end_line(struct json_out *out)
{
    out_end(out, '}');
    out->needs_comma = false;
    if (out->failed == ERR_OK) {
        out->failed = buf_append(&out->text, "\n", 1);
    }
}

static void tell_failed(struct import *im, size_t line)
{
    char sentence[ERR_DETAIL_MAX];
    memcpy(sentence, err_detail(), sizeof sentence);
    begin_line(&im->call->out, line, "error");
    out_key(&im->call->out, "error");
    out_string(&im->call->out, sentence);
    end_line(&im->call->out);
}

static void tell(void *arg, size_t line, const struct duet_point_input *point,
                 enum err result)
{
    struct import *im = arg;
    if (result != ERR_OK) {
        tell_failed(im, line);
        return;
    }
    im->n_written++;
    begin_line(&im->call->out, line, "ok");
    out_key(&im->call->out, "id");
    point_write_id(&im->call->out, point->id);
    end_line(&im->call->out);
}

/* ---- Lines ---------------------------------------------------------------------- */

static void release_held(struct import *im)
{
    for (size_t i = 0; i < im->n_held; i++) {
        alloc_free((void *)(size_t)im->held[i].vectors);
        json_object_put(im->held[i].json);
    }
    im->n_held = 0;
    inputs_release(&im->inputs);
    inputs_init(&im->inputs, im->call->api, im->call->match.params[0]);
}

static enum err flush(struct import *im)
{
    enum err result = each_point_flush(&im->each);
    release_held(im);
    return result;
}

/* Puts the point among those that wait. */
static enum err read_line(struct import *im, const char *text, size_t n,
                          struct duet_point_input *point)
{
    struct held *held = &im->held[im->n_held++];
    *held = (struct held){.json = NULL};
    *point = (struct duet_point_input){.n_vectors = 0};
    TRY(json_parse(&held->json, text, n));
    struct field root = field_root(held->json);
    FAIL_IF(!json_object_is_type(held->json, json_type_object), ERR_INVALID,
            "must be an object");
    enum err result = api_read_point(&im->inputs, &root, true, point);
    held->vectors = point->vectors;
    return result;
}

/* `duet export` begins with what the collection is. */
static bool is_head(const char *text, size_t n)
{
    static const char head[] = "{\"collection\":";
    size_t n_head = sizeof head - 1;
    return n > n_head && strncmp(text, head, n_head) == 0;
}

static enum err take_line(struct import *im, size_t line, const char *text, size_t n)
{
    struct duet_point_input point;
    if (line == 1 && is_head(text, n)) {
        begin_line(&im->call->out, line, "skipped");
        end_line(&im->call->out);
        return ERR_OK;
    }
    enum err result = read_line(im, text, n, &point);
    if (result != ERR_OK && !each_point_is_fault(result)) {
        return result;
    }
    if (result != ERR_OK) {
        /* Those before it first, so that the answers keep the order. */
        char sentence[ERR_DETAIL_MAX];
        memcpy(sentence, err_detail(), sizeof sentence);
        TRY(flush(im));
        err_set(result, "%s", sentence);
        tell_failed(im, line);
        return ERR_OK;
    }
    TRY(each_point_add(&im->each, line, &point));
    if (im->each.n == 0) {
        release_held(im);
    }
    return ERR_OK;
}

static enum err take_lines(struct import *im)
{
    const char *at = im->call->body;
    const char *end = at + im->call->n_body;
    for (size_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline != NULL ? newline : end) - at);
        size_t n_text = n > 0 && at[n - 1] == '\r' ? n - 1 : n;
        FAIL_IF(line > LIMIT_IMPORT_LINES, ERR_LIMIT,
                "more than %d lines; send the rest in another request",
                LIMIT_IMPORT_LINES);
        if (n_text > 0) {
            TRY(take_line(im, line, at, n_text));
        }
        TRY(im->call->out.failed);
        at += n + (newline != NULL);
    }
    return flush(im);
}

/* What is no line's fault ends the answer: the lines told of before it are done, those
 * behind were not looked at. */
static void tell_stopped(struct import *im, enum err result)
{
    char sentence[ERR_DETAIL_MAX];
    struct json_out *out = &im->call->out;
    memcpy(sentence, err_detail(), sizeof sentence);
    im->call->status = http_status_of(result);
    out_begin(out, '{');
    out_key(out, "status");
    out_string(out, "stopped");
    out_key(out, "error");
    out_string(out, sentence);
    end_line(out);
}

enum err api_import(struct api_call *call)
{
    struct duet_collections list;
    TRY(duet_collections_list(call->api->db, call->match.params[0], &list));
    duet_collections_release(&list);
    struct import *im = alloc_zero(1, sizeof *im);
    FAIL_IF(im == NULL, ERR_NOMEM, "out of memory");
    uint64_t start_ns = clock_monotonic_ns();
    im->call = call;
    inputs_init(&im->inputs, call->api, call->match.params[0]);
    each_point_init(&im->each, call->api->db, call->match.params[0], tell, im);
    call->type = "application/x-ndjson";
    enum err result = take_lines(im);
    if (result != ERR_OK) {
        tell_stopped(im, result);
    }
    if (im->n_written > 0) {
        metrics_upsert(call->api->metrics, im->n_written,
                       (double)(clock_monotonic_ns() - start_ns) / 1e9);
    }
    release_held(im);
    inputs_release(&im->inputs);
    alloc_free(im);
    return ERR_OK;
}
