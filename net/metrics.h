/*
 * metrics.h - what /metrics tells, in Prometheus' text form.
 *
 *     metrics_request(metrics, i_route, status, seconds);
 *     metrics_search(metrics, DUET_INPUT_TEXT, seconds);
 *     TRY(metrics_write(metrics, &gauges, &text));
 *
 * Counters are atomic: any thread may count at any time, and a reader may see a request
 * in one counter a moment before it is in another.
 */
#ifndef NET_METRICS_H
#define NET_METRICS_H

#include <stddef.h>

#include "base/buffer.h"
#include "db/duet.h"
#include "net/json_out.h"
#include "net/route.h"

struct metrics;

/* `routes` must outlive the metrics; their patterns are the labels. */
enum err metrics_open(struct metrics **out, const struct route *routes, size_t n_routes)
    ERR_CHECK;

/* Accepts NULL. */
void metrics_close(struct metrics *m);

/* One request answered. `i_route` == n_routes: it matched no route. */
void metrics_request(struct metrics *m, size_t i_route, int status, double seconds);

/* One search that succeeded, the encoding of its input included. */
void metrics_search(struct metrics *m, enum duet_input_kind kind, double seconds);

/* "text", "vector", …; "other" for what has no name. */
const char *metrics_input_name(enum duet_input_kind kind);

/* One upsert that succeeded, the encoding included. */
void metrics_upsert(struct metrics *m, size_t n_points, double seconds);

/* What is counted elsewhere. */
struct metrics_gauges {
    size_t n_connections, n_waiting;
};
void metrics_set_gauges(struct metrics *m, const struct metrics_gauges *gauges);

/* Appends everything but the figures of the database. */
enum err metrics_write(struct metrics *m, struct buf *out) ERR_CHECK;

/* Writes the dialect's {"METHOD PATTERN": {"STATUS": {"count": …}}}, as /telemetry has
 * it, and the time of the start. */
void metrics_write_responses(struct metrics *m, struct json_out *out);
double metrics_started_s(const struct metrics *m); /* since 1970 */

/* Appends what the model has been doing. */
enum err metrics_write_encoding(const struct duet_encode_stats *stats, struct buf *out)
    ERR_CHECK;

/* Appends what the recall gauge has read (metrics_recall.c). */
enum err metrics_write_recall(const struct duet_recalls *recalls, struct buf *out)
    ERR_CHECK;

#endif
