/*
 * api_service.c - the server about itself: version, health, metrics, telemetry.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/api.h"
#include "net/image_url.h"
#include "net/request_id.h"

/* The only route whose answer has no envelope though it is JSON, as in the dialect. */
enum err api_version(struct api_call *call)
{
    struct json_out *out = &call->out;
    out_begin(out, '{');
    out_key(out, "title");
    out_string(out, "Duet - cross-modal vector search");
    out_key(out, "version");
    out_string(out, duet_version());
    out_end(out, '}');
    return ERR_OK;
}

enum err api_health(struct api_call *call)
{
    call->type = "text/plain; charset=utf-8";
    return buf_printf(&call->out.text, "duet is up\n");
}

/* A label's value, with the three characters escaped that the text form knows. */
static enum err put_label(struct buf *out, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        switch (*c) {
        case '\n':
            TRY(buf_append(out, "\\n", 2));
            break;
        case '"':
        case '\\':
            TRY(buf_append(out, "\\", 1));
            TRY(buf_append(out, c, 1));
            break;
        default:
            TRY(buf_append(out, c, 1));
        }
    }
    return ERR_OK;
}

static enum err write_collections(struct api_call *call,
                                  const struct duet_collections *list)
{
    struct buf *out = &call->out.text;
    TRY(buf_printf(out, "# HELP duet_points Points of a collection.\n"
                        "# TYPE duet_points gauge\n"));
    for (size_t i = 0; i < list->n; i++) {
        size_t n;
        if (duet_count(call->api->db, list->items[i].name, &n) != ERR_OK) {
            continue; /* dropped in between */
        }
        TRY(buf_printf(out, "duet_points{collection=\""));
        TRY(put_label(out, list->items[i].name));
        TRY(buf_printf(out, "\"} %zu\n", n));
    }
    return ERR_OK;
}

static enum err write_image_urls(struct api_call *call)
{
    struct image_url_stats stats = image_url_stats(call->api->image_urls);
    return buf_printf(&call->out.text,
                      "# HELP duet_image_urls_total Pictures named by URL.\n"
                      "# TYPE duet_image_urls_total counter\n"
                      "duet_image_urls_total{result=\"fetched\"} %llu\n"
                      "duet_image_urls_total{result=\"failed\"} %llu\n",
                      (unsigned long long)stats.n_fetched,
                      (unsigned long long)stats.n_failed);
}

static enum err write_recall(struct api_call *call)
{
    struct duet_recalls recalls;
    TRY(duet_recall(call->api->db, NULL, &recalls));
    enum err result = metrics_write_recall(&recalls, &call->out.text);
    duet_recalls_release(&recalls);
    return result;
}

enum err api_metrics(struct api_call *call)
{
    struct duet_collections list;
    struct duet_encode_stats encoding;
    call->type = "text/plain; version=0.0.4; charset=utf-8";
    TRY(metrics_write(call->api->metrics, &call->out.text));
    duet_encode_stats(call->api->db, &encoding);
    TRY(metrics_write_encoding(&encoding, &call->out.text));
    TRY(write_image_urls(call));
    TRY(write_recall(call));
    TRY(duet_collections_list(call->api->db, NULL, &list));
    enum err result = write_collections(call, &list);
    duet_collections_release(&list);
    return result;
}

/* ---- Telemetry ------------------------------------------------------------------- */

static char process_id[REQUEST_ID_MAX];

static void choose_process_id(void)
{
    request_id_choose(NULL, process_id);
}

static void write_app(struct api_call *call)
{
    struct json_out *out = &call->out;
    time_t started = (time_t)metrics_started_s(call->api->metrics);
    char text[32];
    struct tm utc;
    gmtime_r(&started, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    out_key(out, "app");
    out_begin(out, '{');
    out_key(out, "name");
    out_string(out, "duet");
    out_key(out, "version");
    out_string(out, duet_version());
    out_key(out, "startup");
    out_string(out, text);
    out_end(out, '}');
}

static void write_number(struct json_out *out, const char *outer, const char *inner,
                         size_t n)
{
    out_key(out, outer);
    out_begin(out, '{');
    out_key(out, inner);
    out_size(out, n);
    out_end(out, '}');
}

/* {"rest": {"responses": …}, "grpc": {"responses": {}}}: there is no gRPC here, and the
 * contract wants its object all the same. */
static void write_requests(struct api_call *call)
{
    struct json_out *out = &call->out;
    out_key(out, "requests");
    out_begin(out, '{');
    out_key(out, "rest");
    out_begin(out, '{');
    out_key(out, "responses");
    metrics_write_responses(call->api->metrics, out);
    out_end(out, '}');
    out_key(out, "grpc");
    out_begin(out, '{');
    out_key(out, "responses");
    out_begin(out, '{');
    out_end(out, '}');
    out_end(out, '}');
    out_end(out, '}');
}

/* Sent to nobody: it is told to who asks, and holds no names. */
enum err api_telemetry(struct api_call *call)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct json_out *out = &call->out;
    struct duet_collections list;
    TRY(duet_collections_list(call->api->db, NULL, &list));
    size_t n = list.n;
    duet_collections_release(&list);
    pthread_once(&once, choose_process_id);
    out_begin(out, '{');
    out_key(out, "id");
    out_string(out, process_id);
    write_app(call);
    write_number(out, "collections", "number_of_collections", n);
    write_requests(call);
    out_end(out, '}');
    return ERR_OK;
}
