/*
 * sweep.c - see sweep.h.
 */
#include "db/sweep.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"

struct visit {
    struct sweep *sweep;
    struct duet *db;
    bool at_once;
};

static enum err is_named(struct duet *db, struct segment_key key, bool *named)
{
    struct txn txn;
    struct record_space state;
    *named = false;
    TRY(store_read(db->store, &txn));
    enum err result = collection_space_get(&txn, key.collection, key.space, &state);
    store_end(&txn);
    TRY(result);
    for (size_t i = 0; i < state.n_segments; i++) {
        *named = *named || state.segments[i].generation == key.generation;
    }
    return ERR_OK;
}

/* The file's place in the list; n_files where it has none. */
static size_t find_file(const struct sweep *sweep, struct segment_key key)
{
    size_t i = 0;
    while (i < sweep->n_files && !segment_key_equal(sweep->files[i].key, key)) {
        i++;
    }
    return i;
}

/* Whether the grace time of an unnamed file is over; it begins with the first call. */
static bool grace_is_over(struct sweep *sweep, struct segment_key key)
{
    uint64_t now = clock_monotonic_ns();
    size_t i = find_file(sweep, key);
    if (i < sweep->n_files) {
        return now - sweep->files[i].since_ns >= SWEEP_GRACE_MS * UINT64_C(1000000);
    }
    if (sweep->n_files < SWEEP_FILES_MAX) {
        sweep->files[sweep->n_files++] = (struct sweep_file){key, now};
    }
    return false;
}

static void forget_file(struct sweep *sweep, struct segment_key key)
{
    size_t i = find_file(sweep, key);
    if (i < sweep->n_files) {
        sweep->files[i] = sweep->files[--sweep->n_files];
    }
}

/* A segment_visit. Temporary files, whose key is zero, belong to a build that died. */
static void visit_file(void *arg, struct segment_key key, const char *path)
{
    struct visit *v = arg;
    bool named = false;
    bool temporary = key.collection == 0;
    if (!temporary && (is_named(v->db, key, &named) != ERR_OK || named)) {
        return;
    }
    if (!temporary && !v->at_once && !grace_is_over(v->sweep, key)) {
        return;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        log_warn("%s: %s", path, strerror(errno));
    }
    segment_forget(v->db->segments, key);
    forget_file(v->sweep, key);
}

enum err sweep_files(struct sweep *sweep, struct duet *db, bool at_once)
{
    struct visit visit = {sweep, db, at_once};
    return segment_files_walk(db->segments, visit_file, &visit);
}
