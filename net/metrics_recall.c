/*
 * metrics_recall.c - the recall gauge's readings in /metrics; see metrics.h.
 */
#include "net/metrics.h"

/* A label's value: backslashes, quotes and ends of lines are escaped. */
static enum err write_label(struct buf *out, const char *name, const char *value)
{
    TRY(buf_printf(out, "%s=\"", name));
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n') {
            TRY(buf_append(out, "\\n", 2));
            continue;
        }
        if (*c == '\\' || *c == '"') {
            TRY(buf_append(out, "\\", 1));
        }
        TRY(buf_append(out, c, 1));
    }
    return buf_append(out, "\"", 1);
}

static enum err write_sample(struct buf *out, const char *name,
                             const struct duet_recall_item *item, double value)
{
    TRY(buf_printf(out, "%s{", name));
    TRY(write_label(out, "collection", item->collection));
    TRY(buf_printf(out, ","));
    TRY(write_label(out, "space", item->space));
    return buf_printf(out, ",side=\"%s\"} %.9g\n",
                      item->cross_modal ? "cross_modal" : "same_side", value);
}

enum err metrics_write_recall(const struct duet_recalls *recalls, struct buf *out)
{
    TRY(buf_printf(out,
                   "# HELP duet_recall Share of the true results that the index found, "
                   "of answers compared with a scan since the start.\n"
                   "# TYPE duet_recall gauge\n"));
    for (size_t i = 0; i < recalls->n; i++) {
        TRY(write_sample(out, "duet_recall", &recalls->items[i],
                         recalls->items[i].recall));
    }
    TRY(buf_printf(out, "# HELP duet_recall_checks_total Answers compared so.\n"
                        "# TYPE duet_recall_checks_total counter\n"));
    for (size_t i = 0; i < recalls->n; i++) {
        TRY(write_sample(out, "duet_recall_checks_total", &recalls->items[i],
                         (double)recalls->items[i].n_checks));
    }
    return ERR_OK;
}
