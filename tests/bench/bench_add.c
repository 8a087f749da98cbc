/*
 * bench_add.c - what adding a folder costs beyond the work that cannot be saved:
 * reading, decoding, resizing and encoding its pictures and captions.
 *
 *     bench_add [FOLDER [THREADS]]     Tux Paint's stamps, and all cores, if not said
 *
 * "bare" does that work alone, with as many threads, and throws the vectors away; the
 * sum of its threads' CPU seconds divided by the cores is the least that an add can
 * take. "add" is duet_add into a new database; "again" is the second run over the same
 * folder. The goal: add's wall time at most 1.1 times bare CPU / cores. On a machine
 * that does other work too, compare the CPU seconds.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "db/duet.h"
#include "db/sidecar.h"
#include "db/walk.h"
#include "encoder/encoder.h"
#include "encoder/image.h"
#include "encoder/model_path.h"

/* The bare work, shared by its threads. */
struct bare {
    struct enc *enc;
    const struct walk *walk;
    atomic_size_t next;
    atomic_size_t n_failed;
    atomic_ullong cpu_ns;
};

static void check(enum err result)
{
    if (result != ERR_OK) {
        fprintf(stderr, "bench_add: %s\n", duet_error_detail());
        exit(1);
    }
}

static enum err encode_file(struct enc *enc, const char *path, struct buf *bytes)
{
    struct img image;
    struct sidecar notes;
    float vector[LIMIT_DIM_MAX];
    struct img_options options = {.target_side = enc_info(enc)->decode_side};
    buf_clear(bytes);
    TRY(file_read(path, bytes));
    TRY(img_decode(&image, bytes->data, bytes->size, &options));
    enum err result = enc_image(enc, &image, vector);
    img_release(&image);
    TRY(result);
    TRY(sidecar_read(&notes, path));
    if (notes.text != NULL) {
        result = enc_text(enc, notes.text, strlen(notes.text), vector, NULL);
    }
    sidecar_release(&notes);
    return result;
}

static void *bare_work(void *arg)
{
    struct bare *bare = arg;
    struct buf bytes;
    uint64_t start = clock_thread_cpu_ns();
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    size_t i = atomic_fetch_add(&bare->next, 1);
    while (i < bare->walk->n) {
        if (encode_file(bare->enc, bare->walk->files[i].path, &bytes) != ERR_OK) {
            atomic_fetch_add(&bare->n_failed, 1);
        }
        i = atomic_fetch_add(&bare->next, 1);
    }
    buf_release(&bytes);
    atomic_fetch_add(&bare->cpu_ns, clock_thread_cpu_ns() - start);
    return NULL;
}

/* Returns the CPU seconds. */
static double run_bare(const struct walk *walk, unsigned n_threads)
{
    pthread_t threads[LIMIT_THREADS_MAX];
    struct buf folder;
    struct bare bare = {.walk = walk};
    buf_init(&folder, PATH_MAX);
    check(enc_find_model("default", &folder));
    check(enc_open(&bare.enc, folder.data));
    uint64_t start = clock_monotonic_ns();
    for (unsigned i = 0; i < n_threads; i++) {
        pthread_create(&threads[i], NULL, bare_work, &bare);
    }
    for (unsigned i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    double wall = (double)(clock_monotonic_ns() - start) * 1e-9;
    double cpu = (double)bare.cpu_ns * 1e-9;
    printf("  %-8s %8.2f %8.2f %10.1f %8zu\n", "bare", wall, cpu,
           (double)walk->n / wall, (size_t)bare.n_failed);
    enc_close(bare.enc);
    buf_release(&folder);
    return cpu;
}

static struct duet_add_progress run_add(struct duet *db, const char *folder,
                                        const char *label)
{
    struct duet_add_progress done;
    struct duet_add_options options = {.paths = &folder, .n_paths = 1};
    check(duet_add(db, "default", &options, &done));
    printf("  %-8s %8.2f %8.2f %10.1f %8zu\n", label, done.seconds, done.cpu_seconds,
           (double)done.n_found / done.seconds, done.n_failed);
    return done;
}

static void measure(const char *folder, const char *database, unsigned n_threads)
{
    struct duet *db;
    struct walk walk;
    struct duet_options options = {
        .path = database, .write = true, .create = true, .n_threads = n_threads};
    check(walk_paths(&walk, &(struct walk_options){.paths = &folder, .n_paths = 1}));
    printf("adding %zu pictures of %s, %u threads\n", walk.n, folder, n_threads);
    printf("  %-8s %8s %8s %10s %8s\n", "s", "wall", "CPU", "pictures/s", "failed");
    double least = run_bare(&walk, n_threads) / n_threads;
    check(duet_open(&db, &options));
    struct duet_add_progress done = run_add(db, folder, "add");
    run_add(db, folder, "again");
    printf("  add: %.2f x bare CPU / cores of wall time (goal 1.10), %.2f x its CPU\n",
           done.seconds / least, done.cpu_seconds / (least * n_threads));
    duet_close(db);
    walk_release(&walk);
}

int main(int argc, char **argv)
{
    char database[] = "/tmp/duet-bench-XXXXXX";
    char command[64];
    const char *folder = argc > 1 ? argv[1] : "/usr/share/tuxpaint/stamps";
    long n_threads = argc > 2 ? atol(argv[2]) : sysconf(_SC_NPROCESSORS_ONLN);
    if (access(folder, R_OK) != 0 || n_threads < 1 || n_threads > LIMIT_THREADS_MAX) {
        printf("adding a folder: skipped, no pictures at %s\n", folder);
        return 0;
    }
    if (mkdtemp(database) == NULL) {
        perror(database);
        return 1;
    }
    measure(folder, database, (unsigned)n_threads);
    snprintf(command, sizeof command, "rm -rf %s", database);
    return system(command) == 0 ? 0 : 1;
}
