/*
 * bench_filter.c - what a filter costs, by a look at every point and by an index: the
 * slots that a search may find (db/allowed.h), a count, and the first page of ten.
 *
 *     bench_filter [POINTS]       200,000 if not said
 *
 * Each point has a payload of some 200 bytes; conditions are passed by 100 % of the
 * points to 0.01 % of them, which lie anywhere among the others. Medians of nine calls by
 * an index and of three without (where a count costs what the slots do), in one read
 * transaction each, in milliseconds of processor time, which other work on the machine
 * disturbs least.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/allowed.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/matches.h"

enum { DIM = 4, BATCH = 5000, SHARES = 5, CALLS_MAX = 9, PAYLOAD_MAX = 512 };

static const double shares[SHARES] = {1, 0.1, 0.01, 0.001, 0.0001};

static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_filter: %s\n", err_detail());
        exit(1);
    }
}

/* ---- Points ---- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* How many of the shares a point is in: all are in the first. */
static size_t level_of(double u)
{
    size_t level = 0;
    while (level + 1 < SHARES && u < shares[level + 1]) {
        level++;
    }
    return level;
}

/* "kind" has one name a level; "words" has a word for each share that the point is in;
 * a share of the "price"s and of the "place"s is as large as it says. */
static size_t write_payload(char *out, uint64_t *random)
{
    double u = (double)(next_random(random) >> 11) * 0x1p-53;
    size_t level = level_of(u);
    size_t n = (size_t)snprintf(
        out, PAYLOAD_MAX,
        "{\"file\":\"/photos/2024/%012llx.jpg\",\"size\":%llu,\"kind\":\"kind%zu\","
        "\"price\":%.6f,\"place\":{\"lat\":%.6f,\"lon\":%.6f},\"words\":\"a photo",
        (unsigned long long)next_random(random) >> 16,
        (unsigned long long)next_random(random) % 9000000, level, u * 1000,
        u * 160 - 80, (double)(next_random(random) >> 11) * 0x1p-53 * 340 - 170);
    for (size_t i = 0; i <= level; i++) {
        n += (size_t)snprintf(out + n, PAYLOAD_MAX - n, " share%zu", i);
    }
    n += (size_t)snprintf(out + n, PAYLOAD_MAX - n, "\"}");
    return n;
}

static void write_points(struct duet *db, size_t n_points)
{
    static char payloads[BATCH][PAYLOAD_MAX];
    static struct duet_point_input points[BATCH];
    static const float vector[DIM] = {0.6f, 0.8f};
    struct duet_named_input input = {
        "v", {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = DIM}};
    uint64_t random = 88172645463325252u;
    for (size_t at = 0; at < n_points; at += BATCH) {
        size_t n = n_points - at < BATCH ? n_points - at : BATCH;
        for (size_t i = 0; i < n; i++) {
            points[i] = (struct duet_point_input){.id = {.number = at + i},
                                                  .payload = payloads[i],
                                                  .vectors = &input,
                                                  .n_vectors = 1};
            points[i].n_payload = write_payload(payloads[i], &random);
        }
        need(duet_upsert(db, "c", points, n));
    }
}

/* ---- Filters ---- */

static void write_filter(char *out, size_t size, const char *field, size_t share)
{
    double part = shares[share];
    if (strcmp(field, "price") == 0) {
        snprintf(out, size, "{\"must\":{\"key\":\"price\",\"range\":{\"lt\":%f}}}",
                 part * 1000);
    } else if (strcmp(field, "words") == 0) {
        snprintf(out, size,
                 "{\"must\":{\"key\":\"words\",\"match\":{\"text\":\"share%zu\"}}}",
                 share);
    } else if (strcmp(field, "place") == 0) {
        snprintf(
            out, size,
            "{\"must\":{\"key\":\"place\",\"geo_bounding_box\":{\"top_left\":{\"lat\":"
            "%f,\"lon\":-175},\"bottom_right\":{\"lat\":-85,\"lon\":175}}}}",
            part * 160 - 80);
    } else {
        size_t n = (size_t)snprintf(out, size,
                                    "{\"must\":{\"key\":\"kind\",\"match\":{"
                                    "\"any\":[");
        for (size_t i = share; i < SHARES; i++) {
            n += (size_t)snprintf(out + n, size - n, "%s\"kind%zu\"",
                                  i == share ? "" : ",", i);
        }
        snprintf(out + n, size - n, "]}}}");
    }
}

/* ---- Measuring ---- */

struct bench {
    struct duet *db;
    struct filter *filter;
    struct txn txn;
    struct record_collection c;
    size_t n_found;
    size_t n_calls;
};

static void find_slots(struct bench *b)
{
    struct allowed allowed = {{NULL}};
    need(allowed_find(&allowed, &b->txn, &b->c, b->filter, 1));
    allowed_release(&allowed);
}

static void count(struct bench *b)
{
    struct matches m;
    need(matches_open(&m, &b->txn, &b->c, b->filter, NULL));
    need(matches_count(&m, &b->n_found));
    matches_close(&m);
}

static void read_page(struct bench *b)
{
    struct matches m;
    need(matches_open_some(&m, &b->txn, &b->c, b->filter, NULL, 10));
    for (size_t i = 0; i < 10; i++) {
        need(matches_next(&m));
    }
    matches_close(&m);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double processor_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double median_ms(struct bench *b, void (*call)(struct bench *b))
{
    double ms[CALLS_MAX];
    for (size_t i = 0; i < b->n_calls; i++) {
        need(store_read(b->db->store, &b->txn));
        need(collection_get(&b->txn, "c", &b->c));
        double start = processor_ms();
        call(b);
        ms[i] = processor_ms() - start;
        store_end(&b->txn);
    }
    qsort(ms, b->n_calls, sizeof ms[0], compare_doubles);
    return ms[b->n_calls / 2];
}

struct row {
    double slots, count, page;
    size_t n_found;
};

static struct row measure(struct duet *db, const char *field, size_t share,
                          size_t n_calls)
{
    char text[512];
    struct bench b = {.db = db, .n_calls = n_calls};
    struct row row = {.count = 0};
    write_filter(text, sizeof text, field, share);
    need(filter_parse(&b.filter, text));
    row.slots = median_ms(&b, find_slots);
    row.page = median_ms(&b, read_page);
    if (n_calls == CALLS_MAX) {
        row.count = median_ms(&b, count);
        row.n_found = b.n_found;
    }
    filter_free(b.filter);
    return row;
}

static const struct {
    const char *field, *schema, *what;
} cases[] = {
    {"kind", "\"keyword\"", "match any"},
    {"price", "\"float\"", "range"},
    {"words", "\"text\"", "match text"},
    {"place", "\"geo\"", "bounding box"},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void print_row(const char *what, const struct row *b, const struct row *a)
{
    printf("%-14s %9zu | %9.3f %9.3f | %9.3f %9.3f %9.3f\n", what, a->n_found, b->slots,
           b->page, a->slots, a->page, a->count);
}

static void print_head(void)
{
    printf("%-14s %9s | %19s | %29s\n", "", "", "every point asked", "by an index");
    printf("%-14s %9s | %9s %9s | %9s %9s %9s\n", "filter", "points", "slots", "page",
           "slots", "page", "count");
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
    static struct row before[CASES][SHARES];
    size_t n_points = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    char folder[] = "/tmp/duet-bench-XXXXXX";
    struct duet *db;
    struct duet_space space = {"v", DIM, DUET_COSINE, DUET_FLOAT32};
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    log_set_level(LOG_ERROR);
    need(duet_open(
        &db, &(struct duet_options){.path = folder, .write = true, .create = true}));
    need(duet_collection_create(db, "c", &space, 1));
    write_points(db, n_points);
    need(duet_seal(db, "c"));
    printf("filters on %zu points\n", n_points);
    for (size_t i = 0; i < CASES * SHARES; i++) {
        before[i / SHARES][i % SHARES] =
            measure(db, cases[i / SHARES].field, i % SHARES, 3);
    }
    for (size_t c = 0; c < CASES; c++) {
        double start = processor_ms();
        need(duet_index_create(db, "c", cases[c].field, cases[c].schema));
        printf("index on \"%s\" made in %.0f ms\n", cases[c].field,
               processor_ms() - start);
    }
    print_head();
    for (size_t i = 0; i < CASES * SHARES; i++) {
        struct row after = measure(db, cases[i / SHARES].field, i % SHARES, CALLS_MAX);
        print_row(cases[i / SHARES].what, &before[i / SHARES][i % SHARES], &after);
    }
    duet_close(db);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
