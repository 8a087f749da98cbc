/*
 * bench_server.c - what HTTP and JSON cost: text-to-image queries over loopback, many
 * connections at a time, beside the same searches by the library in this process.
 *
 *     bench_server [POINTS [SECONDS [CONNECTIONS]]]       20000, 10 and 32
 *
 * Server, its client and the library's callers are all in this process, so that CPU time
 * can be told apart: the server's is the process's less the client's thread. Texts are
 * few and asked for before, so that their vectors are kept; results are not. A second
 * collection of 100 points makes searches so cheap that what is left is HTTP, JSON and
 * the way to the workers.
 */
#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/server.h"
#include "tests/index/vectors.h"

enum {
    BATCH = 1000,
    K = 10,
    N_TEXTS = 64,
    SMALL = 100,
    CONNECTIONS_MAX = 256,
    N_ROUNDS = 4
};

static size_t n_points = 20000, n_connections = 32;
static double seconds = 10;
static unsigned n_threads;
static char folder[] = "/tmp/duet-bench-XXXXXX";

static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_server: %s\n", duet_error_detail());
        exit(1);
    }
}

static void need_true(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "bench_server: %s failed\n", what);
        exit(1);
    }
}

static uint64_t ns_after(double s)
{
    return clock_monotonic_ns() + (uint64_t)(s * 1e9);
}

static void text_of(size_t i, char text[64])
{
    static const char *const what[] = {"dog",   "cat",  "car",  "boat",
                                       "house", "tree", "bird", "horse"};
    static const char *const how[] = {"red",  "blue",  "old", "small",
                                      "fast", "quiet", "wet", "bright"};
    snprintf(text, 64, "a photo of a %s %s", how[i / 8 % 8], what[i % 8]);
}

/* ---- The database -------------------------------------------------------------------- */

static void write_points(struct duet *db, const char *collection, const float *base,
                         size_t dim, size_t n)
{
    static struct duet_point_input points[BATCH];
    static struct duet_named_input inputs[BATCH];
    static const char payload[] = "{\"title\":\"a red bicycle\",\"price\":129.5}";
    for (size_t first = 0; first < n; first += BATCH) {
        size_t n_batch = n - first < BATCH ? n - first : BATCH;
        for (size_t i = 0; i < n_batch; i++) {
            inputs[i].space = "image";
            inputs[i].input = (struct duet_input){.kind = DUET_INPUT_VECTOR,
                                                  .vector = base + (first + i) * dim,
                                                  .n = dim};
            points[i] = (struct duet_point_input){.id = {.number = first + i},
                                                  .payload = payload,
                                                  .n_payload = sizeof payload - 1,
                                                  .vectors = &inputs[i],
                                                  .n_vectors = 1};
        }
        need(duet_upsert(db, collection, points, n_batch));
    }
    need(duet_seal(db, collection));
}

static void fill(struct duet *db)
{
    struct duet_model_info info;
    need(duet_model(db, &info));
    float *base = vectors_make(n_points < SMALL ? SMALL : n_points, info.dim, 1);
    need(duet_collection_create(db, "large", NULL, 0));
    need(duet_collection_create(db, "small", NULL, 0));
    write_points(db, "large", base, info.dim, n_points);
    write_points(db, "small", base, info.dim, SMALL);
    alloc_free(base);
    printf("server: %zu points of %zu floats, %u threads, %zu connections, %.0f s\n",
           n_points, info.dim, n_threads, n_connections, seconds);
}

/* ---- By the library ------------------------------------------------------------------- */

struct caller {
    struct duet *db;
    const char *collection;
    uint64_t end_ns;
    size_t n;
};

static void search_once(struct duet *db, const char *collection, size_t i)
{
    char text[64];
    struct duet_hits hits;
    struct duet_query query = DUET_QUERY_DEFAULT;
    text_of(i % N_TEXTS, text);
    query.input = duet_input_text(text);
    query.in = "image";
    query.k = K;
    query.payload = true;
    need(duet_search(db, collection, &query, &hits));
    duet_hits_release(&hits);
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    while (clock_monotonic_ns() < caller->end_ns) {
        search_once(caller->db, caller->collection, caller->n++);
    }
    return NULL;
}

/* What was done in some time; rounds are added up. */
struct figures {
    size_t n;
    double s, cpu_s;
};

static double per_second(const struct figures *f)
{
    return (double)f->n / f->s;
}

static double cpu_us(const struct figures *f)
{
    return f->cpu_s * 1e6 / (double)f->n;
}

static void measure_library(struct duet *db, const char *collection,
                            struct figures *sum)
{
    struct caller callers[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    uint64_t begin_ns = clock_monotonic_ns(), cpu_ns = clock_cpu_ns();
    uint64_t end_ns = ns_after(seconds / N_ROUNDS / 4); /* enough for a mean */
    for (size_t i = 0; i < n_threads; i++) {
        callers[i] = (struct caller){db, collection, end_ns, 0};
        need_true(pthread_create(&threads[i], NULL, call, &callers[i]) == 0,
                  "a thread");
    }
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
        sum->n += callers[i].n;
    }
    sum->s += (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    sum->cpu_s += (double)(clock_cpu_ns() - cpu_ns) / 1e9;
}

/* ---- By HTTP: one thread, epoll --------------------------------------------------------- */

struct connection {
    int fd;
    uint64_t asked_ns;
    size_t n; /* bytes of the reply so far */
    char reply[16 << 10];
};

struct client {
    const char *url, *collection;
    struct connection connections[CONNECTIONS_MAX];
    char requests[N_TEXTS][512];
    float *latencies_us; /* [max_replies] */
    size_t n_asked, n_replies, n_errors, max_replies;
    uint64_t cpu_ns;
};

static int connect_to(const char *url)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connecting");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void make_requests(struct client *c)
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        char text[64], body[256];
        text_of(i, text);
        snprintf(body, sizeof body,
                 "{\"query\":{\"text\":\"%s\"},\"using\":\"image\",\"limit\":%d,"
                 "\"with_payload\":true}",
                 text, K);
        snprintf(c->requests[i], sizeof c->requests[i],
                 "POST /collections/%s/points/query HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 c->collection, strlen(body), body);
    }
}

static void ask(struct client *c, struct connection *connection)
{
    const char *request = c->requests[c->n_asked++ % N_TEXTS];
    ssize_t n = (ssize_t)strlen(request);
    connection->n = 0;
    connection->asked_ns = clock_monotonic_ns();
    need_true(send(connection->fd, request, (size_t)n, MSG_NOSIGNAL) == n, "sending");
}

static bool is_complete(const struct connection *connection)
{
    static const char length_of[] = "\r\nContent-Length: ";
    const char *end = strstr(connection->reply, "\r\n\r\n");
    const char *length = strstr(connection->reply, length_of);
    return end != NULL && length != NULL &&
           connection->n >= (size_t)(end + 4 - connection->reply) +
                                strtoull(length + sizeof length_of - 1, NULL, 10);
}

static void take_reply(struct client *c, struct connection *connection)
{
    bool good = strncmp(connection->reply, "HTTP/1.1 200 ", 13) == 0;
    c->n_errors += good ? 0 : 1;
    if (c->n_replies < c->max_replies) {
        c->latencies_us[c->n_replies] =
            (float)(clock_monotonic_ns() - connection->asked_ns) / 1e3f;
    }
    c->n_replies++;
}

/* True when the whole reply is there. */
static bool receive(struct client *c, struct connection *connection)
{
    size_t room = sizeof connection->reply - 1 - connection->n;
    ssize_t n = recv(connection->fd, connection->reply + connection->n, room, 0);
    need_true(n > 0, "receiving");
    connection->n += (size_t)n;
    connection->reply[connection->n] = '\0';
    if (!is_complete(connection)) {
        return false;
    }
    take_reply(c, connection);
    return true;
}

static void *load(void *arg)
{
    struct client *c = arg;
    struct epoll_event events[CONNECTIONS_MAX];
    int epoll = epoll_create1(0);
    uint64_t end_ns = ns_after(seconds / N_ROUNDS), cpu_ns = clock_thread_cpu_ns();
    for (size_t i = 0; i < n_connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &c->connections[i]};
        c->connections[i].fd = connect_to(c->url);
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->connections[i].fd, &event);
        ask(c, &c->connections[i]);
    }
    size_t n_open = n_connections; /* with a request under way */
    while (n_open > 0) {
        int n = epoll_wait(epoll, events, CONNECTIONS_MAX, 60000);
        need_true(n > 0, "waiting a minute for a reply");
        for (int i = 0; i < n; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!receive(c, connection)) {
                continue;
            }
            if (clock_monotonic_ns() < end_ns) {
                ask(c, connection);
            } else {
                n_open--;
            }
        }
    }
    c->cpu_ns += clock_thread_cpu_ns() - cpu_ns;
    for (size_t i = 0; i < n_connections; i++) {
        close(c->connections[i].fd);
    }
    close(epoll);
    return NULL;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_latencies(struct client *c)
{
    size_t n = c->n_replies < c->max_replies ? c->n_replies : c->max_replies;
    qsort(c->latencies_us, n, sizeof *c->latencies_us, compare_floats);
    printf("  latency                 p50 %.2f, p95 %.2f, p99 %.2f ms\n",
           c->latencies_us[n / 2] / 1e3, c->latencies_us[n * 95 / 100] / 1e3,
           c->latencies_us[n * 99 / 100] / 1e3);
}

static struct client *client_new(const char *url, const char *collection)
{
    struct client *c = calloc(1, sizeof *c);
    c->url = url;
    c->collection = collection;
    c->max_replies = 10000000;
    c->latencies_us = calloc(c->max_replies, sizeof *c->latencies_us);
    make_requests(c);
    return c;
}

static void measure_server(struct client *c, struct figures *sum)
{
    pthread_t thread;
    size_t n = c->n_replies;
    uint64_t begin_ns = clock_monotonic_ns(), cpu_ns = clock_cpu_ns() - c->cpu_ns;
    need_true(pthread_create(&thread, NULL, load, c) == 0, "a thread");
    pthread_join(thread, NULL);
    sum->n += c->n_replies - n;
    sum->s += (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    sum->cpu_s += (double)(clock_cpu_ns() - c->cpu_ns - cpu_ns) / 1e9;
}

/* ---- Side by side ------------------------------------------------------------------------ */

/* In turns, so that what else the machine does falls on both. */
static void measure(struct duet *db, const char *url, const char *collection, size_t n)
{
    struct figures library = {0}, server = {0};
    struct client *c = client_new(url, collection);
    for (size_t i = 0; i < N_TEXTS; i++) {
        search_once(db, collection, i); /* from now on the texts' vectors are kept */
    }
    for (int i = 0; i < N_ROUNDS; i++) {
        measure_library(db, collection, &library);
        measure_server(c, &server);
    }
    printf("%s, %zu points\n", collection, n);
    printf("  by the library          %.0f/s, %.1f us of CPU each\n",
           per_second(&library), cpu_us(&library));
    printf("  by HTTP                 %.0f/s, %.1f us of CPU each; errors: %zu; the "
           "client "
           "took %.0f %% of a core\n",
           per_second(&server), cpu_us(&server), c->n_errors,
           100 * (double)c->cpu_ns / 1e9 / server.s);
    print_latencies(c);
    printf(
        "  HTTP, JSON, hand-over   %.1f us of CPU a request; %.0f %% of the library's "
        "rate, %.0f %% of that by CPU\n",
        cpu_us(&server) - cpu_us(&library),
        100 * per_second(&server) / per_second(&library),
        100 * cpu_us(&library) / cpu_us(&server));
    free(c->latencies_us);
    free(c);
}

static void *serve(void *server)
{
    need(net_server_run(server));
    return NULL;
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    struct duet *db;
    struct net_server *server;
    pthread_t thread;
    n_points = argc > 1 ? strtoull(argv[1], NULL, 10) : n_points;
    seconds = argc > 2 ? strtod(argv[2], NULL) : seconds;
    n_connections = argc > 3 ? strtoull(argv[3], NULL, 10) : n_connections;
    n_threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    if (n_points == 0 || seconds <= 0 || n_connections == 0 ||
        n_connections > CONNECTIONS_MAX || mkdtemp(folder) == NULL) {
        fprintf(stderr, "bench_server: bad numbers, or no room in /tmp\n");
        return 1;
    }
    need(duet_open(
        &db, &(struct duet_options){.path = folder, .write = true, .create = true}));
    fill(db);
    need(net_server_open(
        &server, db,
        &(struct net_server_options){.listen = "127.0.0.1:0", .n_threads = n_threads}));
    need_true(pthread_create(&thread, NULL, serve, server) == 0, "a thread");
    measure(db, net_server_url(server), "large", n_points);
    measure(db, net_server_url(server), "small", SMALL);
    net_server_stop(server);
    pthread_join(thread, NULL);
    net_server_close(server);
    duet_close(db);
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
