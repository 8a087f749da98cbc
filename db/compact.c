/*
 * compact.c - see duet_compact in duet_keep.h.
 *
 * What is mostly dead is emptied, as move.h says, down to the last chunk; segments of
 * nothing but dead slots are given up and their vectors sealed anew. Then data.mdb is
 * copied without its free pages and the copy put in its place.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/database.h"
#include "db/duet_keep.h"
#include "db/move.h"

/* ---- Files ---- */

static void add_size(void *arg, struct segment_key key, const char *path)
{
    uint64_t *bytes = arg;
    struct stat st;
    (void)key;
    *bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static enum err disk_use(const struct duet *db, uint64_t *bytes)
{
    char path[PATH_MAX];
    struct stat st;
    *bytes = 0;
    TRY(segment_files_walk(db->segments, add_size, bytes));
    int n = snprintf(path, sizeof path, "%s/data.mdb", db->folder);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    *bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    return ERR_OK;
}

/* With the builder stopped: nothing but us uses the store. */
static enum err shrink_store(struct duet *db)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/compact.mdb", db->folder);
    FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
    unlink(path); /* of a crash */
    TRY(store_copy(db->store, path));
    store_close(db->store);
    db->store = NULL;
    enum err result = store_replace(db->folder, path);
    if (result != ERR_OK) {
        unlink(path);
    }
    return result;
}

static enum err move_all(struct duet *db, size_t *n_moved)
{
    struct move_todo todo;
    TRY(move_find(&todo, db, true));
    enum err result = move_run(&todo, n_moved);
    move_todo_release(&todo);
    return result;
}

static enum err compact(struct duet *db, struct duet_compact_result *result)
{
    TRY(disk_use(db, &result->bytes_before));
    TRY(builder_wait(db->builder)); /* what is dropped is taken back first */
    TRY(move_all(db, &result->n_moved));
    TRY(builder_wait(db->builder));
    builder_stop(db->builder);
    db->builder = NULL;
    return shrink_store(db);
}

enum err duet_compact(const struct duet_options *options,
                      struct duet_compact_result *result)
{
    struct duet *db;
    struct duet_options o = *options;
    *result = (struct duet_compact_result){0};
    o.write = true;
    TRY(duet_open(&db, &o));
    enum err outcome = compact(db, result);
    duet_close(db);
    TRY(outcome);
    /* A writer's opening looks the new file over, and deletes old segments at once. */
    TRY(duet_open(&db, &o));
    outcome = builder_wait(db->builder);
    if (outcome == ERR_OK) {
        outcome = disk_use(db, &result->bytes_after);
    }
    duet_close(db);
    return outcome;
}
