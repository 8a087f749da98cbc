/*
 * duet_pictures.h - the pictures that duet_add would take in, told instead of added: for
 * programs that send them to a server, and want there what an add makes here.
 *
 *     static enum err send(void *arg, const struct duet_found_picture *picture) { ... }
 *     struct duet_add_options options = {.paths = paths, .n_paths = n};
 *     TRY(duet_pictures_walk(&options, send, NULL, &n_found));
 *
 * Threads, errors, strings: as duet.h.
 */
#ifndef DB_DUET_PICTURES_H
#define DB_DUET_PICTURES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/errcode.h"
#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One picture that can be decoded. All is borrowed, for the visit. */
struct duet_found_picture {
    const char *path;  /* canonical */
    const void *bytes; /* [n], of the file */
    size_t n;
    char hash[33];    /* of the bytes, as duet_hit has it */
    const char *text; /* its caption; NULL: none */
    bool has_id;      /* the list of pictures says one */
    struct duet_id id;
    const struct duet_found_facts *facts; /* for duet_found_payload */
};

/* Anything but ERR_OK ends the walk and is its result. */
typedef enum err duet_found_visit(void *arg, const struct duet_found_picture *picture);

/*
 * Visits the pictures of options->paths, jsonl and hidden, in the order of their paths, on
 * the caller's thread. options->failed is told of those that can't be read, and `arg` is
 * for it and for `visit`. *n_found: how many there are, in all. Errors as duet_add.
 */
DUET_CHECK enum err duet_pictures_walk(const struct duet_add_options *options,
                                       duet_found_visit *visit, void *arg,
                                       size_t *n_found);

/* The payload that an add would store for the picture, where `stored` is there (NULL:
 * nothing). *json is the caller's, duet_free. ERR_NOMEM. */
DUET_CHECK enum err duet_found_payload(const struct duet_found_picture *picture,
                                       const char *stored, char **json);

/* The id that an add into the database with this UUID ("uuid" of duet_stats) gives to the
 * file `path`, which may be gone by now. ERR_INVALID, ERR_NOT_FOUND. */
DUET_CHECK enum err duet_id_of_file_in(const char *uuid, const char *path,
                                       struct duet_id *out);

#ifdef __cplusplus
}
#endif

#endif
