/*
 * bench_search_cold.c - how long `duet search "a dog on a beach"` takes from nothing: a
 * new process that loads the libraries, opens the database, reads the model, encodes
 * the words and searches.
 *
 *     BUILD=build bench_search_cold [N_POINTS]      10000 unless said otherwise
 *
 * "cached" leaves the files in the page cache, as they are for whoever searches twice;
 * "not cached" drops the database and the model from it before each run (shared
 * libraries stay: other programs use them too). The vectors are random, which is no
 * easier than real ones. CPU is what the process itself used: on a machine that does
 * other work too, the wall time holds the waiting as well.
 */
#include <dirent.h>
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

enum { N_RUNS = 15, BATCH = 1000 };

/* Wall and CPU milliseconds of the runs. */
struct times {
    double wall_ms[N_RUNS];
    double cpu_ms[N_RUNS];
};

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_search_cold: %s\n", duet_error_detail());
        exit(1);
    }
}

/* ---- The database -----------------------------------------------------------------
 */

static float random_number(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (float)(state >> 40) / 8388608.0f - 1.0f;
}

static void put_batch(struct duet *db, size_t first, size_t n, size_t dim)
{
    struct duet_point_input points[BATCH];
    struct duet_named_input vectors[BATCH];
    char(*payloads)[160] = alloc_array(n, sizeof *payloads);
    float *values = alloc_array(n * dim, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < dim; d++) {
            values[i * dim + d] = random_number();
        }
        snprintf(payloads[i], sizeof payloads[0],
                 "{\"path\":\"/photos/2024/%zu.jpg\",\"text\":\"photo number %zu\"}",
                 first + i, first + i);
        vectors[i] = (struct duet_named_input){
            "image", {.kind = DUET_INPUT_VECTOR, .vector = values + i * dim, .n = dim}};
        points[i] = (struct duet_point_input){.id = {.number = first + i},
                                              .payload = payloads[i],
                                              .n_payload = strlen(payloads[i]),
                                              .vectors = &vectors[i],
                                              .n_vectors = 1};
    }
    check(duet_upsert(db, "default", points, n));
    alloc_free(values);
    alloc_free(payloads);
}

/* Fills the database; `model` gets the model's folder. */
static void make_database(const char *path, size_t n_points, char model[PATH_MAX])
{
    struct duet *db;
    struct duet_model_info info;
    struct duet_options options = {.path = path, .write = true, .create = true};
    check(duet_open(&db, &options));
    check(duet_model(db, &info));
    snprintf(model, PATH_MAX, "%s", info.folder);
    check(duet_collection_create(db, "default", NULL, 0));
    for (size_t first = 0; first < n_points; first += BATCH) {
        size_t left = n_points - first;
        put_batch(db, first, left < BATCH ? left : BATCH, info.dim);
    }
    check(duet_seal(db, "default"));
    duet_close(db);
}

/* ---- The page cache -----------------------------------------------------------------
 */

static void drop_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fdatasync(fd); /* dirty pages would stay */
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

/* Drops the files of a folder, and of those right below it. */
static void drop_folder(const char *path, int depth)
{
    struct stat st;
    char entry_path[PATH_MAX];
    DIR *folder = opendir(path);
    struct dirent *entry = folder == NULL ? NULL : readdir(folder);
    while (entry != NULL) {
        int n = snprintf(entry_path, sizeof entry_path, "%s/%s", path, entry->d_name);
        bool fits = n > 0 && (size_t)n < sizeof entry_path;
        if (fits && entry->d_name[0] != '.' && stat(entry_path, &st) == 0) {
            if (S_ISREG(st.st_mode)) {
                drop_file(entry_path);
            } else if (depth > 0) {
                drop_folder(entry_path, depth - 1);
            }
        }
        entry = readdir(folder);
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* ---- The runs
 * ------------------------------------------------------------------------ */

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void run_search(const char *program, const char *database, double *wall_ms,
                       double *cpu_ms)
{
    struct rusage usage;
    int status;
    uint64_t start = clock_monotonic_ns();
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        execl(program, "duet", "--db", database, "search", "a dog on a beach", NULL);
        _exit(99);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
        fprintf(stderr, "bench_search_cold: %s failed\n", program);
        exit(1);
    }
    *wall_ms = (double)(clock_monotonic_ns() - start) * 1e-6;
    *cpu_ms = (seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)) * 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *label, struct times *times)
{
    qsort(times->wall_ms, N_RUNS, sizeof(double), compare_doubles);
    qsort(times->cpu_ms, N_RUNS, sizeof(double), compare_doubles);
    printf("  %-12s %7.1f %7.1f %7.1f %9.1f\n", label, times->wall_ms[0],
           times->wall_ms[N_RUNS / 2], times->wall_ms[N_RUNS - 1],
           times->cpu_ms[N_RUNS / 2]);
}

static void measure(const char *program, const char *database, const char *model)
{
    struct times cached, uncached;
    run_search(program, database, &cached.wall_ms[0], &cached.cpu_ms[0]);
    for (size_t i = 0; i < N_RUNS; i++) {
        run_search(program, database, &cached.wall_ms[i], &cached.cpu_ms[i]);
    }
    for (size_t i = 0; i < N_RUNS; i++) {
        drop_folder(database, 1);
        drop_folder(model, 0);
        run_search(program, database, &uncached.wall_ms[i], &uncached.cpu_ms[i]);
    }
    printf("  %-12s %7s %7s %7s %9s\n", "ms", "best", "median", "worst", "CPU");
    print_times("cached", &cached);
    print_times("not cached", &uncached);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/duet-bench-XXXXXX";
    char program[PATH_MAX], model[PATH_MAX], command[64];
    const char *build = getenv("BUILD");
    size_t n_points = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
    snprintf(program, sizeof program, "%s/duet", build != NULL ? build : "build");
    if (n_points == 0 || mkdtemp(folder) == NULL) {
        fprintf(stderr, "usage: bench_search_cold [N_POINTS]\n");
        return 2;
    }
    make_database(folder, n_points, model);
    printf("duet search, cold: a new process each, %zu pictures, %d runs\n", n_points,
           N_RUNS);
    measure(program, folder, model);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
