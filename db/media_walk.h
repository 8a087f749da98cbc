/*
 * media_walk.h - the files in media/, one after another: for backups and checks.
 *
 * Threads: any; files that come or go meanwhile are seen or not.
 */
#ifndef DB_MEDIA_WALK_H
#define DB_MEDIA_WALK_H

#include "db/database.h"

enum media_kind {
    MEDIA_THUMBNAIL,
    MEDIA_ORIGINAL,
    MEDIA_OTHER /* a temporary of a crash, or not ours */
};

/* A file, borrowed for the call. */
struct media_file {
    enum media_kind kind;
    const char *name; /* below media/: "ab/cdef….jpg" */
    const char *path;
    uint8_t hash[DB_HASH_BYTES]; /* of the picture; all zero of another file */
};

/* What `name` is; fills all but the path. */
void media_file_parse(struct media_file *file, const char *name);

/* Anything but ERR_OK ends the walk and is its result. */
typedef enum err media_visit(void *arg, const struct media_file *file);
enum err media_walk(const struct duet *db, media_visit *visit, void *arg) ERR_CHECK;

/* Whether some bytes are a whole file of this kind: a thumbnail begins and ends as a
 * JPEG, an original has the hash that it is named by. */
bool media_is_sound(const struct media_file *file, const void *bytes, size_t n);

#endif
