/*
 * walk.h - the pictures that some paths mean: files as they are, folders with all below
 * them.
 *
 *     struct walk walk;
 *     TRY(walk_paths(&walk, &(struct walk_options){.paths = paths, .n_paths = n}));
 *     ... walk.files[i].path ...
 *     walk_release(&walk);
 *
 * Which files are pictures: those whose names end like a picture's are taken unread,
 * those of well-known other kinds are passed over unread, and of the rest the first
 * bytes tell. Links to files are followed, links to folders only where they are named
 * themselves, so that no loop can arise. A folder that is a database of ours (its
 * thumbnails are pictures too) is passed over.
 *
 * Threads: no state is shared.
 */
#ifndef DB_WALK_H
#define DB_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A file to be looked at; its path is canonical. */
struct walk_file {
    char *path; /* owned by the walk */
    uint64_t size;
    int64_t mtime_ns; /* nanoseconds since 1970 */
};

struct walk {
    struct walk_file *files; /* [n], sorted by path, each once */
    size_t n;
    char **roots; /* [n_roots], the canonical forms of the paths given */
    size_t n_roots;
};

struct walk_options {
    const char *const *paths; /* [n_paths] */
    size_t n_paths;
    bool hidden; /* also what begins with a dot; a path that is named always counts */
    /* Called now and then with the number of files so far; false ends the walk with
     * ERR_CANCELLED. May be NULL. */
    bool (*found)(void *arg, size_t n);
    /* Called for what cannot be read below a path. May be NULL. */
    void (*failed)(void *arg, const char *path, enum err code, const char *reason);
    void *arg;
};

/* Lists the files. ERR_NOT_FOUND, ERR_INVALID or ERR_IO where a named path is not
 * there, or neither file nor folder; on any failure *out is empty. */
enum err walk_paths(struct walk *out, const struct walk_options *options) ERR_CHECK;

/* Accepts an empty walk. */
void walk_release(struct walk *walk);

/* The canonical form of `path`, also where the file is gone but its folder is there.
 * ERR_NOT_FOUND, ERR_LIMIT, ERR_IO. */
enum err walk_canonical(char out[PATH_MAX], const char *path) ERR_CHECK;

/* Canonical path, size and time of the regular file `path` (links followed) into *out,
 * whose path the caller frees with alloc_free. ERR_NOT_FOUND, ERR_INVALID, ERR_IO. */
enum err walk_stat(struct walk_file *out, const char *path) ERR_CHECK;

#endif
