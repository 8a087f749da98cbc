/*
 * sweep.h - deleting the segment files that no manifest names any more.
 *
 * A reader in another process may have seen the manifest before it was switched and be
 * about to open the old file, so a file is deleted a minute after it was first seen
 * unnamed; at the opening of a database at once, since no manifest was switched lately.
 * (A reader that comes too late all the same compares one by one.)
 *
 * Threads: one at a time, the builder's.
 */
#ifndef DB_SWEEP_H
#define DB_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/segment.h"

enum {
    SWEEP_GRACE_MS = 60000,
    SWEEP_FILES_MAX = 256 /* waiting for their deletion; more wait unlisted */
};

struct duet;

struct sweep_file {
    struct segment_key key;
    uint64_t since_ns; /* when it was first seen unnamed */
};

/* All zero at first. */
struct sweep {
    struct sweep_file files[SWEEP_FILES_MAX];
    size_t n_files;
};

/* Looks through segments/ and deletes what is due; with `at_once` no grace is given. */
enum err sweep_files(struct sweep *sweep, struct duet *db, bool at_once) ERR_CHECK;

#endif
