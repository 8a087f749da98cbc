/*
 * ingest_prune.c - see ingest_prune.h. That a root is there and has pictures is
 * duet_add's to see to before it prunes: a disk that is not mounted must not empty the
 * database.
 */
#include "db/ingest_prune.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

/* The ids of points whose files are gone. */
struct gone {
    struct duet_id *ids; /* [n] */
    size_t n, capacity;
    const char *root;
    bool folder; /* `root` is one: all below it counts, else it alone */
};

static enum err visit_source(void *arg, struct duet_id id,
                             const struct db_source *source)
{
    struct gone *gone = arg;
    struct stat st;
    bool is_gone =
        stat(source->path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
    if (!is_gone || (!gone->folder && strcmp(source->path, gone->root) != 0)) {
        return ERR_OK;
    }
    if (gone->n == gone->capacity) {
        size_t capacity = gone->capacity == 0 ? 64 : 2 * gone->capacity;
        struct duet_id *ids = alloc_resize(gone->ids, capacity, sizeof *ids);
        FAIL_IF(ids == NULL, ERR_NOMEM, "out of memory");
        gone->ids = ids;
        gone->capacity = capacity;
    }
    gone->ids[gone->n++] = id;
    return ERR_OK;
}

static enum err remove_gone(struct duet *db, const char *collection,
                            const struct gone *gone, size_t *n_pruned)
{
    for (size_t i = 0; i < gone->n; i += LIMIT_ADD_GROUP) {
        size_t n_removed;
        size_t n = gone->n - i < LIMIT_ADD_GROUP ? gone->n - i : LIMIT_ADD_GROUP;
        TRY(duet_remove(db, collection, gone->ids + i, n, &n_removed));
        *n_pruned += n_removed;
    }
    return ERR_OK;
}

static enum err prune_root(struct duet *db, const char *collection, const char *root,
                           size_t *n_pruned)
{
    char prefix[PATH_MAX + 1];
    struct stat st;
    bool folder = stat(root, &st) == 0 && S_ISDIR(st.st_mode);
    struct gone gone = {.root = root, .folder = folder};
    snprintf(prefix, sizeof prefix, "%s%s", root,
             folder && strcmp(root, "/") != 0 ? "/" : "");
    enum err result = db_sources_walk(db, collection, prefix, visit_source, &gone);
    if (result == ERR_OK) {
        result = remove_gone(db, collection, &gone, n_pruned);
    }
    alloc_free(gone.ids);
    return result;
}

enum err ingest_prune(struct duet *db, const char *collection, const struct walk *walk,
                      size_t *n_pruned)
{
    for (size_t i = 0; i < walk->n_roots; i++) {
        TRY(prune_root(db, collection, walk->roots[i], n_pruned));
    }
    return ERR_OK;
}
