/*
 * rig.h - what the larger measuring programs of this folder share: stages, each a
 * process of its own so that its memory is its own; sizes of files; medians.
 *
 *     struct rig_cost cost;
 *     struct my_numbers *out = rig_shared(sizeof *out);   // filled by the child
 *     rig_stage(build, out, &cost);                       // forks, runs, waits
 *
 * An open database does not survive fork(), so a stage opens and closes its own, and the
 * parent has none. A program names itself in rig_name. What fails ends the program with a
 * sentence and exit status 1: a measurement that is half wrong is of no use.
 */
#ifndef TESTS_BENCH_RIG_H
#define TESTS_BENCH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/duet.h"

extern const char *rig_name; /* set by the program, for its messages */

/* Ends the program where `result` is an error of the library. */
void rig_check(enum err result);

/* Ends the program with a sentence. */
void rig_fail(const char *what) __attribute__((noreturn));

/* ---- Time and memory ---- */

double rig_wall_s(void);

/* Of the calling thread alone: other programs on the machine do not count. */
double rig_thread_s(void);

/* The value below which `share` of the values are, 0.5 for the median; sorts them. 0 of
 * none. */
double rig_quantile(double *values, size_t n, double share);

struct rig_cost {
    double wall_s, cpu_s; /* of the whole process */
    double rss_mb;        /* its largest resident set, mapped files among it */
    double anon_mb;       /* its largest resident anonymous memory, as sampled */
};

/* `n` cleared bytes that a stage and its parent share; until the end of the program. */
void *rig_shared(size_t n);

/* Runs `run(arg)` in a child and waits for it. */
void rig_stage(void (*run)(void *arg), void *arg, struct rig_cost *cost);

/* ---- Files ---- */

/* The bytes of a file, or of all files in a folder; 0 where there is none. */
uint64_t rig_file_bytes(const char *path);

/* Takes the file, or those of the folder, out of the page cache where it is clean. */
void rig_drop_cache(const char *path);

/* A folder with all that is in it. */
void rig_remove_folder(const char *path);

/* `folder`/`name`; ends the program where it does not fit. */
enum { RIG_PATH_BYTES = 1024 };
void rig_path(char path[RIG_PATH_BYTES], const char *folder, const char *name);

#endif
