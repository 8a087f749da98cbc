/*
 * metrics.c - see metrics.h.
 *
 * Histograms have fixed bounds, a factor of two to two and a half apart, from half a
 * millisecond (an answer from memory) to ten seconds. Sums are kept in nanoseconds so
 * that they are atomic integers.
 */
#include "net/metrics.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/http_err.h"

static const double bounds_s[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                  0.1,    0.25,  0.5,    1,     2.5,  5,     10};
enum { N_BOUNDS = sizeof bounds_s / sizeof bounds_s[0] };

/* Every status that this server sends; the last also counts any other. */
static const int statuses[] = {200, 400, 401, 403, 404, 405, 409, 501, 503, 507, 500};
enum { N_STATUSES = sizeof statuses / sizeof statuses[0] };

struct histogram {
    atomic_ullong buckets[N_BOUNDS + 1]; /* not cumulative; the last: past all bounds */
    atomic_ullong sum_ns;
};

struct route_counts {
    atomic_ullong by_status[N_STATUSES];
    struct histogram seconds;
};

enum { N_KINDS = DUET_INPUT_POINT + 1 };
static const char *const kind_names[N_KINDS] = {
    [DUET_INPUT_NONE] = "other", /* mixes, recommendations, fusions, batches ... */
    [DUET_INPUT_VECTOR] = "vector", [DUET_INPUT_TEXT] = "text",
    [DUET_INPUT_IMAGE] = "image",   [DUET_INPUT_POINT] = "point",
};

struct metrics {
    const struct route *routes;
    size_t n_routes;
    struct histogram search[N_KINDS];
    struct histogram upsert;
    atomic_ullong n_upserted;
    atomic_size_t n_connections, n_waiting;
    double started;               /* seconds since 1970 */
    struct route_counts counts[]; /* [n_routes + 1] */
};

enum err metrics_open(struct metrics **out, const struct route *routes, size_t n_routes)
{
    struct metrics *m = alloc_zero(1, sizeof *m + (n_routes + 1) * sizeof m->counts[0]);
    *out = m;
    FAIL_IF(m == NULL, ERR_NOMEM, "out of memory");
    m->routes = routes;
    m->n_routes = n_routes;
    m->started = (double)clock_wall_ms() / 1e3;
    return ERR_OK;
}

void metrics_close(struct metrics *m)
{
    alloc_free(m);
}

static void observe(struct histogram *h, double seconds)
{
    size_t i = 0;
    while (i < N_BOUNDS && seconds > bounds_s[i]) {
        i++;
    }
    atomic_fetch_add(&h->buckets[i], 1);
    atomic_fetch_add(&h->sum_ns, (unsigned long long)(seconds * 1e9));
}

void metrics_request(struct metrics *m, size_t i_route, int status, double seconds)
{
    size_t i = 0;
    while (i < N_STATUSES - 1 && statuses[i] != status) {
        i++;
    }
    atomic_fetch_add(&m->counts[i_route].by_status[i], 1);
    observe(&m->counts[i_route].seconds, seconds);
}

void metrics_search(struct metrics *m, enum duet_input_kind kind, double seconds)
{
    observe(&m->search[kind], seconds);
}

const char *metrics_input_name(enum duet_input_kind kind)
{
    size_t i = (size_t)kind;
    return i < N_KINDS && kind_names[i] != NULL ? kind_names[i] : "other";
}

void metrics_upsert(struct metrics *m, size_t n_points, double seconds)
{
    atomic_fetch_add(&m->n_upserted, n_points);
    observe(&m->upsert, seconds);
}

void metrics_set_gauges(struct metrics *m, const struct metrics_gauges *gauges)
{
    atomic_store(&m->n_connections, gauges->n_connections);
    atomic_store(&m->n_waiting, gauges->n_waiting);
}

static enum err write_head(struct buf *out, const char *name, const char *type,
                           const char *help)
{
    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static enum err write_gauge(struct buf *out, const char *name, const char *help,
                            double value)
{
    TRY(write_head(out, name, "gauge", help));
    return buf_printf(out, "%s %.15g\n", name, value);
}

static enum err write_counter(struct buf *out, const char *name, const char *help,
                              double value)
{
    TRY(write_head(out, name, "counter", help));
    return buf_printf(out, "%s %.15g\n", name, value);
}

/* `labels` is `kind="text"` or "". A histogram that counted nothing is left out. */
static enum err write_histogram(struct buf *out, const char *name, const char *labels,
                                struct histogram *h)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    unsigned long long counts[N_BOUNDS + 1], total = 0;
    for (size_t i = 0; i <= N_BOUNDS; i++) {
        total += atomic_load(&h->buckets[i]);
        counts[i] = total;
    }
    if (total == 0) {
        return ERR_OK;
    }
    for (size_t i = 0; i < N_BOUNDS; i++) {
        TRY(buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, labels, comma,
                       bounds_s[i], counts[i]));
    }
    TRY(buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, labels, comma,
                   total));
    TRY(buf_printf(out, "%s_sum{%s} %.9g\n", name, labels,
                   (double)atomic_load(&h->sum_ns) / 1e9));
    return buf_printf(out, "%s_count{%s} %llu\n", name, labels, total);
}

/* The labels of route i, in room[256]. */
static const char *route_labels(const struct metrics *m, size_t i, char *room)
{
    if (i == m->n_routes) {
        return "method=\"\",route=\"none\"";
    }
    snprintf(room, 256, "method=\"%s\",route=\"%s\"", m->routes[i].method,
             m->routes[i].pattern);
    return room;
}

static enum err write_requests(struct metrics *m, struct buf *out)
{
    char room[256];
    TRY(write_head(out, "duet_http_requests_total", "counter",
                   "Requests answered, by route and status."));
    for (size_t i = 0; i <= m->n_routes; i++) {
        for (size_t s = 0; s < N_STATUSES; s++) {
            unsigned long long n = atomic_load(&m->counts[i].by_status[s]);
            if (n > 0) {
                TRY(buf_printf(out, "duet_http_requests_total{%s,status=\"%d\"} %llu\n",
                               route_labels(m, i, room), statuses[s], n));
            }
        }
    }
    TRY(write_head(out, "duet_http_request_seconds", "histogram",
                   "Time from a complete request to its reply."));
    for (size_t i = 0; i <= m->n_routes; i++) {
        TRY(write_histogram(out, "duet_http_request_seconds", route_labels(m, i, room),
                            &m->counts[i].seconds));
    }
    return ERR_OK;
}

static void write_statuses(struct route_counts *counts, struct json_out *out)
{
    for (size_t s = 0; s < N_STATUSES; s++) {
        unsigned long long n = atomic_load(&counts->by_status[s]);
        if (n > 0) {
            char status[16];
            snprintf(status, sizeof status, "%d", statuses[s]);
            out_key(out, status);
            out_begin(out, '{');
            out_key(out, "count");
            out_size(out, n);
            out_end(out, '}');
        }
    }
}

static bool is_used(struct route_counts *counts)
{
    bool used = false;
    for (size_t s = 0; s < N_STATUSES; s++) {
        used = used || atomic_load(&counts->by_status[s]) > 0;
    }
    return used;
}

void metrics_write_responses(struct metrics *m, struct json_out *out)
{
    out_begin(out, '{');
    for (size_t i = 0; i < m->n_routes; i++) {
        if (is_used(&m->counts[i])) {
            char name[256];
            snprintf(name, sizeof name, "%s %s", m->routes[i].method,
                     m->routes[i].pattern);
            out_key(out, name);
            out_begin(out, '{');
            write_statuses(&m->counts[i], out);
            out_end(out, '}');
        }
    }
    out_end(out, '}');
}

double metrics_started_s(const struct metrics *m)
{
    return m->started;
}

static enum err write_work(struct metrics *m, struct buf *out)
{
    TRY(write_head(out, "duet_search_seconds", "histogram",
                   "Searches by what was asked with; texts and images are encoded in "
                   "this time, vectors and points are not."));
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kind_names[i] != NULL) {
            char labels[32];
            snprintf(labels, sizeof labels, "input=\"%s\"", kind_names[i]);
            TRY(write_histogram(out, "duet_search_seconds", labels, &m->search[i]));
        }
    }
    TRY(write_head(out, "duet_upsert_seconds", "histogram",
                   "Upsert requests, encoding and disk included."));
    TRY(write_histogram(out, "duet_upsert_seconds", "", &m->upsert));
    return write_counter(out, "duet_upserted_points_total",
                         "Points written by upserts since the start.",
                         (double)atomic_load(&m->n_upserted));
}

/* A figure of /proc/self/status, in bytes ("RssAnon:   1234 kB"); 0 if unknown. */
static double status_bytes(const char *key)
{
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return 0;
    }
    char line[256];
    unsigned long long kib = 0;
    size_t n = strlen(key);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, n) == 0 && sscanf(line + n, ": %llu", &kib) == 1) {
            break;
        }
    }
    fclose(file);
    return (double)kib * 1024;
}

static double count_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    int n = -3; /* ".", ".." and the folder itself */
    while (readdir(folder) != NULL) {
        n++;
    }
    closedir(folder);
    return n;
}

static enum err write_process(struct metrics *m, struct buf *out)
{
    TRY(write_gauge(out, "process_resident_memory_bytes",
                    "Memory in use, mapped files included.", status_bytes("VmRSS")));
    TRY(write_gauge(out, "duet_process_anonymous_memory_bytes",
                    "Memory in use that is not a mapped file.",
                    status_bytes("RssAnon")));
    TRY(write_gauge(out, "process_virtual_memory_bytes",
                    "Address space, the database's reserved map included.",
                    status_bytes("VmSize")));
    TRY(write_gauge(out, "process_open_fds", "Open files.", count_open_files()));
    TRY(write_counter(out, "process_cpu_seconds_total", "Processor time used.",
                      (double)clock_cpu_ns() / 1e9));
    return write_gauge(out, "process_start_time_seconds", "Start, since 1970.",
                       m->started);
}

enum err metrics_write(struct metrics *m, struct buf *out)
{
    TRY(write_head(out, "duet_info", "gauge", "The program's version."));
    TRY(buf_printf(out, "duet_info{version=\"%s\"} 1\n", duet_version()));
    TRY(write_requests(m, out));
    TRY(write_work(m, out));
    TRY(write_gauge(out, "duet_http_connections", "Open connections.",
                    (double)atomic_load(&m->n_connections)));
    TRY(write_gauge(out, "duet_http_requests_waiting", "Requests waiting for a worker.",
                    (double)atomic_load(&m->n_waiting)));
    return write_process(m, out);
}

/* The model's work. */

enum { N_ENCODED = 2 };
static const char *const encoded_names[N_ENCODED] = {"text", "image"};

static enum err write_batch_sizes(const char *kind,
                                  const struct duet_encode_kind_stats *stats,
                                  struct buf *out)
{
    enum { N = sizeof stats->batches_by_size / sizeof stats->batches_by_size[0] };
    unsigned long long total = 0;
    for (unsigned i = 0; i < N; i++) {
        total += stats->batches_by_size[i];
        TRY(buf_printf(out,
                       "duet_encode_batch_size_bucket{input=\"%s\",le=\"%u\"} %llu\n",
                       kind, 1u << i, total));
    }
    TRY(buf_printf(out,
                   "duet_encode_batch_size_bucket{input=\"%s\",le=\"+Inf\"} %llu\n",
                   kind, total));
    return buf_printf(out,
                      "duet_encode_batch_size_sum{input=\"%s\"} %llu\n"
                      "duet_encode_batch_size_count{input=\"%s\"} %llu\n",
                      kind, (unsigned long long)stats->n_items, kind, total);
}

/* A figure of each kind under one name. */
struct encode_figure {
    const char *name, *type, *help;
    double values[N_ENCODED];
};

static enum err write_figure(const struct encode_figure *f, struct buf *out)
{
    TRY(write_head(out, f->name, f->type, f->help));
    for (size_t i = 0; i < N_ENCODED; i++) {
        TRY(buf_printf(out, "%s{input=\"%s\"} %.15g\n", f->name, encoded_names[i],
                       f->values[i]));
    }
    return ERR_OK;
}

enum err metrics_write_encoding(const struct duet_encode_stats *stats, struct buf *out)
{
    const struct duet_encode_kind_stats *t = &stats->texts, *p = &stats->images;
    const struct encode_figure figures[] = {
        {"duet_encode_seconds_total",
         "counter",
         "Time in the model's towers, over all threads.",
         {t->seconds, p->seconds}},
        {"duet_encode_wait_seconds_total",
         "counter",
         "Time that texts and images waited for a thread to encode them.",
         {t->wait_seconds, p->wait_seconds}},
        {"duet_encode_busy_total",
         "counter",
         "Texts and images refused because too many waited.",
         {(double)t->n_busy, (double)p->n_busy}},
        {"duet_encode_timeouts_total",
         "counter",
         "Texts and images given up because they waited too long.",
         {(double)t->n_timeouts, (double)p->n_timeouts}},
        {"duet_encode_waiting",
         "gauge",
         "Texts and images waiting to be encoded.",
         {(double)t->n_waiting, (double)p->n_waiting}},
    };
    TRY(write_counter(out, "duet_text_cache_hits_total",
                      "Texts of queries whose vector was kept from an earlier one.",
                      (double)stats->n_cache_hits));
    TRY(write_counter(out, "duet_text_cache_misses_total",
                      "Texts of queries that had to be encoded.",
                      (double)stats->n_cache_misses));
    TRY(write_gauge(out, "duet_text_cache_texts", "Texts kept with their vectors.",
                    (double)stats->n_cached));
    TRY(write_head(out, "duet_encode_batch_size", "histogram",
                   "How many texts or images were encoded together."));
    TRY(write_batch_sizes(encoded_names[0], t, out));
    TRY(write_batch_sizes(encoded_names[1], p, out));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        TRY(write_figure(&figures[i], out));
    }
    return ERR_OK;
}
