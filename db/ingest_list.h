/*
 * ingest_list.h - what an add has to do: the pictures below its paths and those that a
 * JSONL file names, each once.
 */
#ifndef DB_INGEST_LIST_H
#define DB_INGEST_LIST_H

#include "base/buffer.h"
#include "db/duet.h"
#include "db/walk.h"

/* One picture to be looked at. Pointers are the list's. */
struct ingest_item {
    const char *path; /* canonical */
    uint64_t size;
    int64_t mtime_ns;
    const char *notes; /* [n_notes], its line of the JSONL file; NULL: a sidecar's */
    size_t n_notes;
    size_t line; /* of the JSONL file, from 1; 0: from a folder */
    bool has_id; /* the line says the id; else it comes from the path */
    struct duet_id id;
};

struct ingest_list {
    struct ingest_item *items; /* [n], sorted by path */
    size_t n;
    struct walk walk;         /* owns the paths from folders, and has the roots */
    struct walk_file *listed; /* [n_listed], owns the paths from the JSONL file */
    size_t n_listed;
    struct buf jsonl; /* the whole file */
};

/*
 * Lists the pictures that `options` mean; its `failed` and `progress` are not called,
 * but those of `walk_options`, whose other members are filled here. Errors as those of
 * walk_paths, and where the JSONL file cannot be read; a bad line only goes to `failed`
 * (as FILE:LINE). The list is empty on failure.
 */
enum err ingest_list_make(struct ingest_list *out,
                          const struct duet_add_options *options,
                          struct walk_options walk_options) ERR_CHECK;

void ingest_list_release(struct ingest_list *list);

#endif
