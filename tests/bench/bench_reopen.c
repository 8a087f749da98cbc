/*
 * bench_reopen.c - how soon a large database answers after it was closed.
 *
 *     bench_reopen FOLDER [N_POINTS] [DIM]         1000000 of 384 unless said otherwise
 *
 * The database is made in FOLDER unless it is there, and stays: making it takes
 * minutes. Then each line is a new process that opens it for reading and asks one
 * thing, as medians of a few runs: with the files dropped from the page cache before
 * ("cold") and left there ("warm"). The last line reads data.mdb from front to back.
 * Vectors are random around some hundred centres. `bench/run.sh` runs it on a small
 * database in a temporary folder.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/duet.h"

enum { N_RUNS = 5, BATCH = 2000, N_CENTRES = 500, FEW = 10000, READ_BYTES = 1 << 20 };

static const char *folder;
static size_t dim;
static size_t n_points;

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_reopen: %s\n", duet_error_detail());
        exit(1);
    }
}

/* ---- The database ---- */

static float random_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (float)(*state >> 40) / 8388608.0f - 1.0f;
}

/* The vector of a point is told by its number. */
static void vector_of(size_t number, float *v)
{
    uint64_t centre = (number * 2654435761u % N_CENTRES + 1) * 88172645463325252u;
    uint64_t own = (number + 1) * 6364136223846793005u;
    for (size_t d = 0; d < dim; d++) {
        v[d] = random_number(&centre) + 0.7f * random_number(&own);
    }
}

static void put_batch(struct duet *db, const char *collection, size_t first, size_t n)
{
    static struct duet_point_input points[BATCH];
    static struct duet_named_input vectors[BATCH];
    static char payloads[BATCH][64];
    float *values = alloc_array(n * dim, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        vector_of(first + i, values + i * dim);
        snprintf(payloads[i], sizeof payloads[i], "{\"path\":\"/photos/%zu.jpg\"}",
                 first + i);
        vectors[i] = (struct duet_named_input){
            "v", {.kind = DUET_INPUT_VECTOR, .vector = values + i * dim, .n = dim}};
        points[i] = (struct duet_point_input){
            {.number = first + i}, payloads[i], strlen(payloads[i]), &vectors[i], 1};
    }
    check(duet_upsert(db, collection, points, n));
    alloc_free(values);
}

static void make_collection(struct duet *db, const char *name, size_t n)
{
    struct duet_space space = {"v", dim, DUET_COSINE, DUET_FLOAT32};
    check(duet_collection_create(db, name, &space, 1));
    for (size_t at = 0; at < n; at += BATCH) {
        put_batch(db, name, at, n - at < BATCH ? n - at : BATCH);
    }
}

static void make_database(void)
{
    struct duet *db;
    uint64_t start = clock_monotonic_ns();
    struct duet_options o = {
        .path = folder, .write = true, .create = true, .seal_at = n_points / 2 + 64};
    check(duet_open(&db, &o));
    make_collection(db, "few", FEW);
    make_collection(db, "all", n_points);
    check(duet_seal(db, "all"));
    duet_close(db);
    o.seal_at = 0; /* and what is left */
    check(duet_open(&db, &o));
    check(duet_seal(db, "all"));
    duet_close(db);
    printf("made in %.0f s\n", (double)(clock_monotonic_ns() - start) / 1e9);
}

/* ---- What is asked ---- */

static void get_one(struct duet *db)
{
    struct duet_hits got;
    struct duet_id id = {.number = n_points / 2};
    check(duet_get(db, "all", &id, 1, true, &got));
    duet_hits_release(&got);
}

static void search(struct duet *db, const char *collection, bool exact)
{
    struct duet_hits got;
    float *v = alloc_array(dim, sizeof *v);
    struct duet_query q = DUET_QUERY_DEFAULT;
    vector_of(n_points / 3, v);
    q.input = (struct duet_input){.kind = DUET_INPUT_VECTOR, .vector = v, .n = dim};
    q.exact = exact;
    check(duet_search(db, collection, &q, &got));
    if (!exact && got.n_candidates == 0) {
        fprintf(stderr, "bench_reopen: the index was not asked\n");
        exit(1);
    }
    duet_hits_release(&got);
    alloc_free(v);
}

static void search_few(struct duet *db)
{
    search(db, "few", true);
}

/* Points spread over the whole database, with their vectors. */
static void get_scattered(struct duet *db)
{
    struct duet_hits got;
    struct duet_id *ids = alloc_zero(FEW, sizeof *ids);
    for (size_t i = 0; i < FEW; i++) {
        ids[i].number = i * (n_points / FEW);
    }
    check(duet_get(db, "all", ids, FEW, true, &got));
    duet_hits_release(&got);
    alloc_free(ids);
}

static void search_index(struct duet *db)
{
    search(db, "all", false);
}

static void search_all(struct duet *db)
{
    search(db, "all", true);
}

/* ---- Measuring ---- */

static void data_path(char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/data.mdb", folder);
}

static void read_plainly(void)
{
    char path[PATH_MAX];
    data_path(path);
    char *bytes = alloc_array(READ_BYTES, 1);
    int fd = open(path, O_RDONLY);
    while (fd >= 0 && read(fd, bytes, READ_BYTES) > 0) {
    }
    close(fd);
    alloc_free(bytes);
}

static void drop_from_cache(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

static void drop_all(void)
{
    char path[PATH_MAX];
    data_path(path);
    drop_from_cache(path);
    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof path, "%s/segments/2-0-%d.ann", folder, i);
        drop_from_cache(path);
    }
}

/* Milliseconds of a new process that opens the database and asks. */
static double run_once(void (*ask)(struct duet *db))
{
    uint64_t start = clock_monotonic_ns();
    pid_t pid = fork();
    if (pid == 0) {
        struct duet *db;
        struct duet_options o = {.path = folder};
        if (ask == NULL) {
            read_plainly();
            _exit(0);
        }
        check(duet_open(&db, &o));
        ask(db);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status != 0) {
        exit(1);
    }
    return (double)(clock_monotonic_ns() - start) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(void (*ask)(struct duet *db), bool cold)
{
    double ms[N_RUNS];
    for (int i = 0; i < N_RUNS; i++) {
        if (cold) {
            drop_all();
        }
        ms[i] = run_once(ask);
    }
    qsort(ms, N_RUNS, sizeof *ms, compare);
    return ms[N_RUNS / 2];
}

static void measure(const char *what, void (*ask)(struct duet *db))
{
    double cold = median(ask, true);
    run_once(ask);
    printf("%-44s %10.1f ms cold %10.1f ms warm\n", what, cold, median(ask, false));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    struct stat st;
    char temporary[] = "/tmp/duet-reopen-XXXXXX";
    bool small = argc < 2;
    folder = small ? mkdtemp(temporary) : argv[1];
    n_points = argc > 2 ? strtoul(argv[2], NULL, 10) : small ? 20000 : 1000000;
    dim = argc > 3 ? strtoul(argv[3], NULL, 10) : 384;
    data_path(path);
    if (stat(path, &st) != 0) {
        make_database();
    }
    stat(path, &st);
    printf("%zu points of %zu numbers, data.mdb %.0f MB\n", n_points, dim,
           (double)st.st_size / 1e6);
    measure("open, get one point", get_one);
    measure("open, exact query over 10,000 points", search_few);
    measure("open, get 10,000 scattered points", get_scattered);
    measure("open, query by the index", search_index);
    measure("open, exact query over all", search_all);
    measure("read data.mdb plainly", NULL);
    if (small) {
        char command[80];
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        return system(command) == 0 ? 0 : 1;
    }
    return 0;
}
