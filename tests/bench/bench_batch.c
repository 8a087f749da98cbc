/*
 * bench_batch.c - what gathering calls into batches gains: encoder/pool.h against the
 * same callers, each calling the encoder itself, with as many at a time.
 *
 *     bench_batch [WORKERS]       as many as cores, if not said
 *
 * Callers call again as soon as they are answered. Both ways take turns, a third of a
 * second each, so that other work on the machine disturbs both alike; processor time a
 * call is what it disturbs least. Texts are queries of 5 to 13 tokens.
 */
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "encoder/model_path.h"
#include "encoder/pool.h"

enum { CALLERS_MAX = 64, ROUNDS = 3, CALLS_MAX = 1 << 16, PAIRS = 300 };

static const uint64_t ROUND_NS = 300000000;

static const char *const queries[] = {
    "a dog on a beach",
    "two children playing football in the park",
    "red car",
    "an old house by the sea in winter",
    "birthday cake with candles",
    "a cat asleep on a laptop keyboard",
    "mountains at sunset",
    "people waiting for a train on a crowded platform",
};
enum { N_QUERIES = sizeof queries / sizeof queries[0] };

enum kind { TEXTS, PICTURES };

/* What all callers of one measurement share. */
struct bench {
    struct enc *enc;
    struct enc_pool *pool;
    sem_t places; /* for the direct way: n_workers at a time */
    float *pixels;
    enum kind kind;
    bool pooled;
    uint64_t end_ns;
    atomic_size_t n_calls;
    double ms[CALLS_MAX]; /* [n_calls] */
};

struct figures {
    double a_second, p50_ms, p99_ms, cpu_ms, batch;
};

static void need(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_batch: %s\n", err_detail());
        exit(1);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls. */

static enum err call_direct(struct bench *b, const char *text, float *vector)
{
    const float *pixels = b->pixels;
    struct enc_tokens tokens;
    const struct enc_tokens *one = &tokens;
    if (b->kind == TEXTS) {
        TRY(enc_tokenize(b->enc, text, strlen(text), &tokens));
    }
    sem_wait(&b->places);
    enum err result = b->kind == TEXTS ? enc_embed_tokens(b->enc, &one, 1, &vector)
                                       : enc_embed_pixels(b->enc, &pixels, 1, &vector);
    sem_post(&b->places);
    return result;
}

static enum err call_pool(struct bench *b, const char *text, float *vector)
{
    const float *pixels = b->pixels;
    if (b->kind == TEXTS) {
        return enc_pool_text(b->pool, NULL, text, strlen(text), vector);
    }
    return enc_pool_pixels(b->pool, NULL, &pixels, 1, &vector);
}

static double time_call(struct bench *b, const char *text)
{
    float vector[LIMIT_DIM_MAX];
    uint64_t start = clock_monotonic_ns();
    need(b->pooled ? call_pool(b, text, vector) : call_direct(b, text, vector));
    return (double)(clock_monotonic_ns() - start) / 1e6;
}

static void *keep_calling(void *arg)
{
    struct bench *b = arg;
    for (size_t i = 0; clock_monotonic_ns() < b->end_ns; i++) {
        double ms = time_call(b, queries[i % N_QUERIES]);
        size_t at = atomic_fetch_add(&b->n_calls, 1);
        if (at < CALLS_MAX) {
            b->ms[at] = ms;
        }
    }
    return NULL;
}

/* One way, for one round; returns its calls a second, and adds its CPU time. */
static double run_round(struct bench *b, size_t n_callers, double *cpu_ms)
{
    pthread_t threads[CALLERS_MAX];
    size_t before = atomic_load(&b->n_calls);
    uint64_t start = clock_monotonic_ns(), cpu_start = clock_cpu_ns();
    b->end_ns = start + ROUND_NS;
    for (size_t i = 0; i < n_callers; i++) {
        if (pthread_create(&threads[i], NULL, keep_calling, b) != 0) {
            need(err_set(ERR_IO, "no thread could be started"));
        }
    }
    for (size_t i = 0; i < n_callers; i++) {
        pthread_join(threads[i], NULL);
    }
    double seconds = (double)(clock_monotonic_ns() - start) / 1e9;
    *cpu_ms += (double)(clock_cpu_ns() - cpu_start) / 1e6;
    return (double)(atomic_load(&b->n_calls) - before) / seconds;
}

static double mean_batch(const struct enc_pool_stats *a, const struct enc_pool_stats *z,
                         enum kind kind)
{
    const struct enc_pool_kind_stats *from = kind == TEXTS ? &a->texts : &a->pictures;
    const struct enc_pool_kind_stats *to = kind == TEXTS ? &z->texts : &z->pictures;
    uint64_t batches = to->n_batches - from->n_batches;
    return batches == 0 ? 0 : (double)(to->n_items - from->n_items) / (double)batches;
}

/* Both ways in turns; figures[0] are those of the direct one. */
static void measure(struct bench *ways[2], size_t n_callers, struct figures figures[2])
{
    double a_second[2][ROUNDS], cpu_ms[2] = {0};
    struct enc_pool_stats before = enc_pool_stats(ways[1]->pool);
    ways[0]->n_calls = ways[1]->n_calls = 0;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t w = 0; w < 2; w++) {
            a_second[w][r] = run_round(ways[w], n_callers, &cpu_ms[w]);
        }
    }
    struct enc_pool_stats after = enc_pool_stats(ways[1]->pool);
    for (size_t w = 0; w < 2; w++) {
        size_t n = ways[w]->n_calls, kept = n < CALLS_MAX ? n : CALLS_MAX;
        qsort(ways[w]->ms, kept, sizeof(double), compare_doubles);
        qsort(a_second[w], ROUNDS, sizeof(double), compare_doubles);
        figures[w] = (struct figures){.a_second = a_second[w][ROUNDS / 2],
                                      .p50_ms = ways[w]->ms[kept / 2],
                                      .p99_ms = ways[w]->ms[kept * 99 / 100],
                                      .cpu_ms = cpu_ms[w] / (double)n};
    }
    figures[1].batch = mean_batch(&before, &after, ways[1]->kind);
}

static void print_table(struct bench *ways[2], enum kind kind, size_t step)
{
    printf("%8s | %8s %8s %8s %8s | %8s %8s %8s %8s %8s\n", "callers", "direct/s",
           "p50 ms", "p99 ms", "CPU ms", "pool/s", "p50 ms", "p99 ms", "CPU ms",
           "batch");
    for (size_t n = 1; n <= CALLERS_MAX; n *= step) {
        struct figures f[2];
        ways[0]->kind = ways[1]->kind = kind;
        measure(ways, n, f);
        printf("%8zu | %8.1f %8.2f %8.2f %8.2f | %8.1f %8.2f %8.2f %8.2f %8.1f\n", n,
               f[0].a_second, f[0].p50_ms, f[0].p99_ms, f[0].cpu_ms, f[1].a_second,
               f[1].p50_ms, f[1].p99_ms, f[1].cpu_ms, f[1].batch);
    }
}

/* A lone caller: call by call, so that both see the same machine, and in an order by
 * lot, so that no rhythm of the machine falls on one of them. */
static void print_lone(struct bench *ways[2])
{
    static double ms[2][PAIRS];
    unsigned seed = 1;
    ways[0]->kind = ways[1]->kind = TEXTS;
    for (size_t i = 0; i < PAIRS; i++) {
        size_t first = rand_r(&seed) % 2;
        ms[first][i] = time_call(ways[first], queries[0]);
        ms[1 - first][i] = time_call(ways[1 - first], queries[0]);
    }
    qsort(ms[0], PAIRS, sizeof(double), compare_doubles);
    qsort(ms[1], PAIRS, sizeof(double), compare_doubles);
    printf("one caller, one text, in turns: direct %.3f ms, pool %.3f ms (medians), "
           "best %.3f and %.3f\n",
           ms[0][PAIRS / 2], ms[1][PAIRS / 2], ms[0][0], ms[1][0]);
}

/* The pixels are noise: the towers take as long for any. */
static void open_bench(struct bench *b, size_t n_workers)
{
    struct buf folder;
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    const char *wait_us = getenv("BENCH_WAIT_US"); /* to try other waits */
    options.n_workers = n_workers;
    options.wait_ns = wait_us != NULL ? strtoul(wait_us, NULL, 10) * 1000u : 0;
    buf_init(&folder, PATH_MAX);
    need(enc_find_model("default", &folder));
    need(enc_open(&b->enc, folder.data));
    need(enc_pool_open(&b->pool, b->enc, &options));
    buf_release(&folder);
    sem_init(&b->places, 0, (unsigned)n_workers);
    size_t n = enc_n_pixels(b->enc);
    b->pixels = alloc_array(n, sizeof(float));
    need(b->pixels != NULL ? ERR_OK : ERR_NOMEM);
    for (size_t i = 0; i < n; i++) {
        b->pixels[i] = (float)((i * 2654435761u) % 2001) / 1000.0f - 1.0f;
    }
}

int main(int argc, char **argv)
{
    static struct bench direct, pooled;
    struct bench *ways[2] = {&direct, &pooled};
    long cores = argc > 1 ? atol(argv[1]) : sysconf(_SC_NPROCESSORS_ONLN);
    size_t n_workers = cores < 1             ? 1
                       : cores > CALLERS_MAX ? CALLERS_MAX
                                             : (size_t)cores;
    for (size_t w = 0; w < 2; w++) {
        open_bench(ways[w], n_workers);
        ways[w]->pooled = w == 1;
    }
    printf("callers of the model, %zu encode at a time\n", n_workers);
    print_lone(ways);
    printf("texts\n");
    print_table(ways, TEXTS, 2);
    printf("pictures\n");
    print_table(ways, PICTURES, 8);
    for (size_t w = 0; w < 2; w++) {
        enc_pool_close(ways[w]->pool);
        enc_close(ways[w]->enc);
        sem_destroy(&ways[w]->places);
        alloc_free(ways[w]->pixels);
    }
    return 0;
}
