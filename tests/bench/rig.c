/*
 * rig.c - see rig.h.
 */
#include "tests/bench/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { SAMPLE_NS = 10000000, FOLDERS_OPEN = 16 };

const char *rig_name = "rig";

void rig_check(enum err result)
{
    if (result != ERR_OK) {
        rig_fail(duet_error_detail());
    }
}

void rig_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", rig_name, what);
    exit(1);
}

/* ---- Time ---- */

double rig_wall_s(void)
{
    return (double)clock_monotonic_ns() * 1e-9;
}

double rig_thread_s(void)
{
    return (double)clock_thread_cpu_ns() * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double rig_quantile(double *values, size_t n, double share)
{
    if (n == 0) {
        return 0;
    }
    qsort(values, n, sizeof *values, compare);
    size_t i = (size_t)(share * (double)n);
    return values[i < n ? i : n - 1];
}

/* ---- Stages ---- */

void *rig_shared(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        rig_fail("no shared memory");
    }
    return p;
}

/* Resident anonymous memory in MB. */
static double anon_mb_now(void)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kb = strtod(line + 8, NULL);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return kb / 1000;
}

struct sampler {
    atomic_bool stop;
    double largest;
};

static void *sample(void *arg)
{
    struct sampler *s = arg;
    while (!atomic_load(&s->stop)) {
        double now = anon_mb_now();
        s->largest = now > s->largest ? now : s->largest;
        nanosleep(&(struct timespec){.tv_nsec = SAMPLE_NS}, NULL);
    }
    return NULL;
}

/* In the child. */
static void run_stage(void (*run)(void *arg), void *arg, double *anon_mb)
{
    struct sampler sampler = {.largest = 0};
    pthread_t thread;
    if (pthread_create(&thread, NULL, sample, &sampler) != 0) {
        rig_fail("no thread");
    }
    run(arg);
    atomic_store(&sampler.stop, true);
    pthread_join(thread, NULL);
    *anon_mb = sampler.largest;
    fflush(stdout);
    _exit(0);
}

void rig_stage(void (*run)(void *arg), void *arg, struct rig_cost *cost)
{
    int status;
    struct rusage usage;
    double *anon_mb = rig_shared(sizeof *anon_mb);
    double start = rig_wall_s();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        run_stage(run, arg, anon_mb);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
        rig_fail("a stage failed");
    }
    *cost = (struct rig_cost){
        .wall_s = rig_wall_s() - start,
        .cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
        .rss_mb = (double)usage.ru_maxrss * 1024 / 1e6,
        .anon_mb = *anon_mb,
    };
    munmap(anon_mb, sizeof *anon_mb);
}

/* ---- Files: nftw() takes no argument for its callback ---- */

static uint64_t n_bytes;

static int add_bytes(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    n_bytes += flag == FTW_F ? (uint64_t)st->st_size : 0;
    return 0;
}

uint64_t rig_file_bytes(const char *path)
{
    n_bytes = 0;
    (void)nftw(path, add_bytes, FOLDERS_OPEN, FTW_PHYS);
    return n_bytes;
}

static int drop_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    int fd = flag == FTW_F ? open(path, O_RDONLY) : -1;
    if (fd >= 0) {
        (void)fdatasync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return 0;
}

void rig_drop_cache(const char *path)
{
    (void)nftw(path, drop_file, FOLDERS_OPEN, FTW_PHYS);
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void rig_remove_folder(const char *path)
{
    if (nftw(path, remove_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) != 0 &&
        errno != ENOENT) {
        rig_fail("a folder cannot be removed");
    }
}

void rig_path(char path[RIG_PATH_BYTES], const char *folder, const char *name)
{
    int n = snprintf(path, RIG_PATH_BYTES, "%s/%s", folder, name);
    if (n < 0 || n >= RIG_PATH_BYTES) {
        rig_fail("the path is too long");
    }
}
