/*
 * api_service.c - the server about itself: version, health, metrics.
 */
#include <string.h>

#include "net/api.h"

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

enum err api_metrics(struct api_call *call)
{
    struct duet_collections list;
    struct duet_encode_stats encoding;
    call->type = "text/plain; version=0.0.4; charset=utf-8";
    TRY(metrics_write(call->api->metrics, &call->out.text));
    duet_encode_stats(call->api->db, &encoding);
    TRY(metrics_write_encoding(&encoding, &call->out.text));
    TRY(duet_collections_list(call->api->db, NULL, &list));
    enum err result = write_collections(call, &list);
    duet_collections_release(&list);
    return result;
}
