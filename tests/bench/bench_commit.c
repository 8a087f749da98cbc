/*
 * bench_commit.c - durable writes of one point each, by one and by many threads.
 *
 *     bench_commit [SECONDS [DIM]]      3 for each number of threads, and 384
 *
 * Each thread writes a point of its own, waits until it is on disk, and writes the next.
 * Beside it stands what the disk itself does: a page appended and synced, again and
 * again, by one thread. The folder is made in $TMPDIR, or /tmp: in memory (/dev/shm) a
 * sync costs nothing, and what is left is the work itself.
 */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/duet.h"

enum { THREADS_MAX = 64, SAMPLES_MAX = 1 << 16, PAGE = 4096 };

static const size_t thread_counts[] = {1, 4, 16, 64};

static size_t dim = 384;
static double seconds = 3;
static char folder[256];
static struct duet *db;
static atomic_bool done;

struct worker {
    pthread_t thread;
    size_t number;
    size_t n;     /* writes */
    float *times; /* [n < SAMPLES_MAX], ms */
};

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_commit: %s\n", duet_error_detail());
        exit(1);
    }
}

static double now_ms(void)
{
    return (double)clock_monotonic_ns() * 1e-6;
}

static void write_one(size_t id, const float *vector)
{
    static const char payload[] = "{\"title\":\"a red bicycle\",\"price\":129.5}";
    struct duet_named_input input = {
        NULL, {.kind = DUET_INPUT_VECTOR, .vector = vector, .n = dim}};
    struct duet_point_input point = {.id = {.number = id},
                                     .payload = payload,
                                     .n_payload = sizeof payload - 1,
                                     .vectors = &input,
                                     .n_vectors = 1};
    check(duet_upsert(db, "c", &point, 1));
}

static void *write_until_done(void *arg)
{
    struct worker *w = arg;
    float *vector = calloc(dim, sizeof *vector);
    while (!atomic_load(&done)) {
        for (size_t i = 0; i < dim; i++) {
            vector[i] = (float)((w->number * 7919 + w->n * 31 + i) % 101) - 50;
        }
        double start = now_ms();
        write_one(w->number << 32 | w->n, vector);
        if (w->n < SAMPLES_MAX) {
            w->times[w->n] = (float)(now_ms() - start);
        }
        w->n++;
    }
    free(vector);
    return NULL;
}

static int compare_floats(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void report(struct worker *workers, size_t n_threads, double ms)
{
    static float all[THREADS_MAX * SAMPLES_MAX];
    size_t n = 0, n_writes = 0;
    for (size_t i = 0; i < n_threads; i++) {
        size_t kept = workers[i].n < SAMPLES_MAX ? workers[i].n : SAMPLES_MAX;
        memcpy(all + n, workers[i].times, kept * sizeof *all);
        n += kept;
        n_writes += workers[i].n;
    }
    qsort(all, n, sizeof *all, compare_floats);
    printf("%3zu threads: %7.0f writes/s, half of them in %.2f ms, 99 %% in %.2f ms\n",
           n_threads, (double)n_writes / ms * 1e3, (double)all[n / 2],
           (double)all[n * 99 / 100]);
}

static void measure(size_t n_threads)
{
    static struct worker workers[THREADS_MAX];
    atomic_store(&done, false);
    for (size_t i = 0; i < n_threads; i++) {
        workers[i].number = i + 1;
        workers[i].n = 0;
        workers[i].times = malloc(SAMPLES_MAX * sizeof(float));
    }
    double start = now_ms();
    for (size_t i = 0; i < n_threads; i++) {
        pthread_create(&workers[i].thread, NULL, write_until_done, &workers[i]);
    }
    usleep((unsigned)(seconds * 1e6));
    atomic_store(&done, true);
    for (size_t i = 0; i < n_threads; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    report(workers, n_threads, now_ms() - start);
    for (size_t i = 0; i < n_threads; i++) {
        free(workers[i].times);
    }
}

/* What one sync costs here. */
static void measure_disk(void)
{
    char path[sizeof folder + 16];
    static char page[PAGE];
    snprintf(path, sizeof path, "%s/sync", folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    size_t n = 0;
    double start = now_ms();
    while (now_ms() - start < seconds * 1e3) {
        if (pwrite(fd, page, PAGE, (off_t)(n++ * PAGE)) != PAGE || fdatasync(fd) != 0) {
            perror(path);
            exit(1);
        }
    }
    printf("the disk itself: %.2f ms for a page and a sync\n",
           (now_ms() - start) / (double)n);
    close(fd);
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
    seconds = argc > 1 ? strtod(argv[1], NULL) : seconds;
    dim = argc > 2 ? strtoul(argv[2], NULL, 10) : dim;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/duet-bench-XXXXXX",
             tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    printf("one point of %zu numbers a write, durable\n", dim);
    measure_disk();
    for (size_t i = 0; i < sizeof thread_counts / sizeof thread_counts[0]; i++) {
        const struct duet_space space = {"v", dim, DUET_COSINE, DUET_FLOAT32};
        check(duet_open(&db, &(struct duet_options){
                                 .path = folder, .write = true, .create = true}));
        check(duet_collection_create(db, "c", &space, 1));
        measure(thread_counts[i]);
        check(duet_collection_drop(db, "c"));
        duet_close(db);
    }
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
