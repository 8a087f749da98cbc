/*
 * compact.c - see duet_compact in duet_keep.h.
 *
 * A slot is never used again, so a chunk of 64 vectors of which one lives takes the
 * room of 64. Such vectors are written again, into new slots, as any update writes
 * them; chunks that are dead thereby go, and segments of nothing but dead slots are
 * given up and their vectors sealed anew. Then data.mdb is copied without its free
 * pages and the copy put in its place.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/edit.h"
#include "index/bitmap.h"

enum {
    MOVE_AT_ONCE = 1024, /* vectors in a transaction */
    FULL_ENOUGH = 2      /* one in so many slots lives: what is emptier is moved */
};

struct mover {
    struct duet *db;
    char collection[LIMIT_NAME_BYTES + 1];
    struct record_collection record;
    size_t space;
    struct record_space state;        /* as it was found: newer slots are left alone */
    bool sparse[RECORD_SEGMENTS_MAX]; /* of its segments: which are mostly dead */
    uint32_t next;                    /* chunk to look at */
    size_t n_moved;
};

/* ---- Moving ---- */

static enum err count_live(struct vector_space in, uint32_t first, uint32_t n_slots,
                           size_t *n)
{
    *n = 0;
    for (uint32_t at = 0; at < n_slots; at += RECORD_CHUNK_SLOTS) {
        uint64_t word;
        TRY(vector_live_get(in, first + at, RECORD_CHUNK_SLOTS, &word));
        *n += bitmap_count(&word, RECORD_CHUNK_SLOTS);
    }
    return ERR_OK;
}

/* Whether the chunk, or the segment that it is in, is mostly dead. */
static enum err is_sparse(const struct mover *m, struct vector_space in, uint32_t chunk,
                          bool *sparse)
{
    uint32_t first = chunk * RECORD_CHUNK_SLOTS;
    uint32_t n_slots = RECORD_CHUNK_SLOTS;
    size_t n_live;
    TRY(count_live(in, first, n_slots, &n_live));
    *sparse = n_live > 0 && n_live * FULL_ENOUGH <= n_slots;
    for (size_t i = 0; i < m->state.n_segments && n_live > 0; i++) {
        const struct record_segment *s = &m->state.segments[i];
        bool inside = first >= s->first && first - s->first < s->n_slots;
        *sparse = *sparse || (inside && m->sparse[i]);
    }
    return ERR_OK;
}

static enum err look_at_segments(struct mover *m, struct txn *txn)
{
    struct vector_space in = vector_space_of(txn, &m->record, m->space);
    for (size_t i = 0; i < m->state.n_segments; i++) {
        size_t n_live;
        TRY(count_live(in, m->state.segments[i].first, m->state.segments[i].n_slots,
                       &n_live));
        m->sparse[i] = n_live * FULL_ENOUGH <= m->state.segments[i].n_slots;
    }
    return ERR_OK;
}

static enum err move_slot(struct mover *m, struct edit *edit, struct vector_space in,
                          uint32_t slot, float *vector)
{
    struct db_write write = {.keep = ~(UINT32_C(1) << m->space), .moved = true};
    TRY(vector_id_get(in, slot, &write.id));
    TRY(vector_get(in, slot, vector));
    write.vectors[m->space] = vector;
    m->n_moved++;
    return edit_write(edit, &write);
}

static enum err move_chunk(struct mover *m, struct edit *edit, struct vector_space in,
                           uint32_t chunk, float *vector)
{
    uint32_t first = chunk * RECORD_CHUNK_SLOTS;
    uint64_t word;
    TRY(vector_live_get(in, first, RECORD_CHUNK_SLOTS, &word));
    for (uint32_t i = 0; i < RECORD_CHUNK_SLOTS; i++) {
        if ((word >> i & 1) != 0) {
            TRY(move_slot(m, edit, in, first + i, vector));
        }
    }
    return ERR_OK;
}

/* The whole chunks before the first slot that was free when we came. */
static uint32_t n_chunks(const struct mover *m)
{
    return m->state.next_slot / RECORD_CHUNK_SLOTS;
}

static enum err move_some(struct mover *m, struct edit *edit, float *vector)
{
    struct vector_space in = vector_space_of(edit->txn, &m->record, m->space);
    size_t n_before = m->n_moved;
    while (m->next < n_chunks(m) && m->n_moved - n_before < MOVE_AT_ONCE) {
        bool sparse;
        TRY(is_sparse(m, in, m->next, &sparse));
        if (sparse) {
            TRY(move_chunk(m, edit, in, m->next, vector));
        }
        m->next++;
    }
    return edit_finish(edit);
}

/* A store_body; runs again where the map was full, from *m as it was. */
struct move_args {
    struct mover *m;
    struct mover before;
};

static enum err move_body(struct txn *txn, void *arg)
{
    struct move_args *args = arg;
    struct edit *edit = alloc_zero(1, sizeof *edit);
    float *vector = alloc_array(LIMIT_DIM_MAX, sizeof *vector);
    *args->m = args->before;
    enum err result = edit == NULL || vector == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK) {
        result = edit_open(edit, txn, args->m->collection);
        if (result == ERR_OK) {
            result = move_some(args->m, edit, vector);
            edit_release(edit);
        }
    }
    alloc_free(vector);
    alloc_free(edit);
    return result;
}

static enum err read_state(struct mover *m)
{
    struct txn txn;
    TRY(store_read(m->db->store, &txn));
    enum err result = collection_get(&txn, m->collection, &m->record);
    if (result == ERR_OK && m->space < m->record.n_spaces) {
        result = collection_space_get(&txn, m->record.number,
                                      m->record.spaces[m->space].number, &m->state);
        if (result == ERR_OK) {
            result = look_at_segments(m, &txn);
        }
    }
    store_end(&txn);
    return result;
}

static enum err move_collection(struct mover *m)
{
    m->space = 0;
    do {
        TRY(read_state(m));
        m->next = 0;
        while (m->space < m->record.n_spaces && m->next < n_chunks(m)) {
            struct move_args args = {m, *m};
            TRY(store_update(m->db->store, move_body, &args));
        }
        m->space++;
    } while (m->space < m->record.n_spaces);
    return ERR_OK;
}

static enum err move_all(struct duet *db, size_t *n_moved)
{
    struct duet_collections list;
    struct mover *m = alloc_zero(1, sizeof *m);
    if (m == NULL) {
        return ERR_NOMEM;
    }
    m->db = db;
    enum err result = duet_collections_list(db, NULL, &list);
    for (size_t i = 0; result == ERR_OK && i < list.n; i++) {
        snprintf(m->collection, sizeof m->collection, "%s", list.items[i].name);
        result = move_collection(m);
    }
    duet_collections_release(&list);
    *n_moved = m->n_moved;
    alloc_free(m);
    return result;
}

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
