/*
 * move.c - see move.h. A look in a reading transaction finds the spaces where something
 * is due; then chunk after chunk is moved, each judged again in the transaction that
 * moves it, since points come and go meanwhile.
 */
#include "db/move.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/edit.h"
#include "index/bitmap.h"

enum {
    MOVE_AT_ONCE = 256, /* vectors in a transaction */
    CHUNK_LIVE_MAX =
        RECORD_CHUNK_SLOTS * 11 / 16, /* of its slots: more, and it stays */
    DEAD_SHARE = 8,    /* dead slots worth the work: an eighth of those that live, */
    DEAD_MIN = 256,    /* and four chunks */
    PAUSE_NS = 1000000 /* between transactions: others who write get their turn */
};

/* Slots [first, first + n_slots) that are sparse as a whole: all chunks are moved. */
struct range {
    uint32_t first;
    uint32_t n_slots;
};

/* One space, and what is to be moved in it. */
struct mover {
    struct duet *db;
    char name[LIMIT_NAME_BYTES + 1]; /* of the collection */
    uint32_t collection;             /* its number */
    uint16_t space;
    uint32_t n_chunks; /* used up when we came: newer ones are left alone */
    struct range sparse[RECORD_SEGMENTS_MAX + 1];
    size_t n_sparse;
    uint32_t next; /* the chunk to go on at */
    size_t n_moved;
};

/* ---- Looking for what is due ---- */

/* As one whole, of n_slots. */
static bool is_half_dead(size_t n_live, size_t n_slots)
{
    return n_live * 2 <= n_slots;
}

/* What one walk over a space counts. */
struct look {
    size_t n_live[RECORD_SEGMENTS_MAX]; /* by segment */
    size_t n_behind;       /* live slots behind the last segment, in chunks used up */
    uint32_t first_behind; /* the first chunk of them */
    size_t dead_slots;     /* in chunks to be moved: what is to be had */
};

/* The segment that the chunk is in, or n_segments where it is in none. */
static size_t segment_of(const struct record_space *s, uint32_t chunk)
{
    uint32_t slot = chunk * RECORD_CHUNK_SLOTS;
    size_t i = 0;
    while (i < s->n_segments &&
           !(slot >= s->segments[i].first &&
             slot - s->segments[i].first < s->segments[i].n_slots)) {
        i++;
    }
    return i;
}

static uint32_t end_of_segments(const struct record_space *s)
{
    if (s->n_segments == 0) {
        return 0;
    }
    const struct record_segment *last = &s->segments[s->n_segments - 1];
    return (last->first + last->n_slots) / RECORD_CHUNK_SLOTS;
}

static void count_chunk(const struct mover *m, const struct record_space *s,
                        const struct vector_walk *c, struct look *look)
{
    size_t n_live = bitmap_count(&c->live, RECORD_CHUNK_SLOTS);
    size_t i = segment_of(s, c->chunk);
    if (c->chunk >= m->n_chunks) {
        return;
    }
    if (n_live <= CHUNK_LIVE_MAX) {
        look->dead_slots += RECORD_CHUNK_SLOTS - n_live;
    }
    if (i < s->n_segments) {
        look->n_live[i] += n_live;
    } else if (c->chunk >= end_of_segments(s)) {
        look->first_behind = look->n_behind == 0 ? c->chunk : look->first_behind;
        look->n_behind += n_live;
    }
}

static void add_range(struct mover *m, uint32_t first, uint32_t n_slots, size_t n_live,
                      struct look *look)
{
    if (n_live > 0 && is_half_dead(n_live, n_slots)) {
        m->sparse[m->n_sparse++] = (struct range){first, n_slots};
        look->dead_slots += n_slots - n_live;
    }
}

/* Segments that are mostly dead, and the rest behind them where it would make one: that
 * is due however little it is, for it is not sealed before. */
static void find_ranges(struct mover *m, const struct record_space *s,
                        struct look *look, bool *due)
{
    for (size_t i = 0; i < s->n_segments; i++) {
        add_range(m, s->segments[i].first, s->segments[i].n_slots, look->n_live[i],
                  look);
    }
    size_t n_before = m->n_sparse;
    if (look->n_behind >= m->db->seal_at) {
        uint32_t first = look->first_behind * RECORD_CHUNK_SLOTS;
        add_range(m, first, m->n_chunks * RECORD_CHUNK_SLOTS - first, look->n_behind,
                  look);
    }
    *due = m->n_sparse > n_before;
}

static enum err look_at_space(struct mover *m, struct vector_space in, bool all,
                              bool *due, bool *is_much)
{
    struct record_space state;
    struct look look = {.dead_slots = 0};
    struct vector_walk c;
    TRY(collection_space_get(in.txn, m->collection, m->space, &state));
    m->n_chunks = state.next_slot / RECORD_CHUNK_SLOTS;
    TRY(vector_walk_open(&c, in, 0));
    enum err result = vector_walk_next(&c);
    while (result == ERR_OK && c.live != 0) {
        count_chunk(m, &state, &c, &look);
        result = vector_walk_next(&c);
    }
    vector_walk_close(&c);
    TRY(result);
    find_ranges(m, &state, &look, due);
    size_t worth = state.n_live / DEAD_SHARE;
    worth = all ? 1 : worth > DEAD_MIN ? worth : DEAD_MIN;
    *due = *due || look.dead_slots >= worth;
    *is_much = *due && look.dead_slots >= DEAD_MIN && look.dead_slots > state.n_live;
    return ERR_OK;
}

static enum err add_mover(struct move_todo *todo, const struct mover *m)
{
    struct mover *grown = alloc_resize(todo->movers, todo->n + 1, sizeof *todo->movers);
    if (grown == NULL) {
        return ERR_NOMEM;
    }
    todo->movers = grown;
    todo->movers[todo->n++] = *m;
    return ERR_OK;
}

static enum err look_at_collection(struct duet *db, struct txn *txn,
                                   const struct cursor *cursor, bool all,
                                   struct move_todo *todo)
{
    struct record_collection c;
    struct mover m = {.db = db};
    TRY(record_collection_read(&c, cursor->value));
    TRY(collection_key_name(cursor->key, m.name));
    m.collection = c.number;
    for (size_t i = 0; i < c.n_spaces; i++) {
        bool due;
        bool is_much;
        m.space = c.spaces[i].number;
        m.n_sparse = 0;
        TRY(look_at_space(&m, vector_space_of(txn, &c, i), all, &due, &is_much));
        if (due) {
            TRY(add_mover(todo, &m));
        }
        todo->is_much = todo->is_much || is_much;
    }
    return ERR_OK;
}

/* One collection that is damaged costs the others nothing. */
static enum err pass_over_damage(enum err result)
{
    if (result == ERR_CORRUPT) {
        log_write(LOG_DEBUG, "moving vectors: %s", err_detail());
        return ERR_OK;
    }
    return result;
}

void move_todo_release(struct move_todo *todo)
{
    alloc_free(todo->movers);
    *todo = (struct move_todo){.movers = NULL};
}

enum err move_find(struct move_todo *todo, struct duet *db, bool all)
{
    *todo = (struct move_todo){.movers = NULL};
    struct txn txn;
    struct cursor cursor = {.mdb = NULL};
    enum err result;
    TRY(store_read(db->store, &txn));
    TRY_OUT(cursor_open(&txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    while (cursor.key.data != NULL) {
        TRY_OUT(pass_over_damage(look_at_collection(db, &txn, &cursor, all, todo)));
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    store_end(&txn);
    if (result != ERR_OK) {
        move_todo_release(todo);
    }
    return result;
}

/* ---- Moving ---- */

static bool is_to_go(const struct mover *m, const struct vector_walk *c)
{
    uint32_t slot = c->chunk * RECORD_CHUNK_SLOTS;
    bool go = bitmap_count(&c->live, RECORD_CHUNK_SLOTS) <= CHUNK_LIVE_MAX;
    for (size_t i = 0; i < m->n_sparse && !go; i++) {
        go = slot >= m->sparse[i].first &&
             slot - m->sparse[i].first < m->sparse[i].n_slots;
    }
    return go;
}

/* The next chunk to be moved; *live 0: there is none any more. */
static enum err find_chunk(struct mover *m, struct vector_space in, uint64_t *live)
{
    struct vector_walk c;
    *live = 0;
    TRY(vector_walk_open(&c, in, m->next));
    enum err result = vector_walk_next(&c);
    while (result == ERR_OK && c.live != 0 && c.chunk < m->n_chunks &&
           !is_to_go(m, &c)) {
        result = vector_walk_next(&c);
    }
    vector_walk_close(&c);
    TRY(result);
    *live = c.chunk < m->n_chunks ? c.live : 0;
    m->next = *live != 0 ? c.chunk : m->n_chunks;
    return ERR_OK;
}

static enum err move_chunk(struct mover *m, struct edit *edit, struct vector_space in,
                           size_t place, uint64_t live)
{
    float vector[LIMIT_DIM_MAX];
    for (uint64_t left = live; left != 0; left &= left - 1) {
        struct db_write write = {.moved = true, .keep = ~(UINT32_C(1) << place)};
        uint32_t slot = m->next * RECORD_CHUNK_SLOTS + (uint32_t)__builtin_ctzll(left);
        TRY(vector_id_get(in, slot, &write.id));
        TRY(vector_get(in, slot, vector));
        write.vectors[place] = vector;
        TRY(edit_write(edit, &write));
        m->n_moved++;
    }
    m->next++;
    return ERR_OK;
}

static enum err move_some(struct mover *m, struct edit *edit, size_t place)
{
    struct vector_space in = vector_space_of(edit->txn, &edit->collection, place);
    size_t end = m->n_moved + MOVE_AT_ONCE;
    uint64_t live;
    TRY(find_chunk(m, in, &live));
    while (live != 0) {
        TRY(move_chunk(m, edit, in, place, live));
        if (m->n_moved >= end) {
            break;
        }
        TRY(find_chunk(m, in, &live));
    }
    return edit_finish(edit);
}

/* Where the collection or the space is another by now, there is nothing to be moved. */
static enum err move_in(struct mover *m, struct edit *edit)
{
    size_t place = 0;
    while (place < edit->collection.n_spaces &&
           edit->collection.spaces[place].number != m->space) {
        place++;
    }
    if (edit->collection.number != m->collection ||
        place == edit->collection.n_spaces) {
        m->next = m->n_chunks;
        return ERR_OK;
    }
    return move_some(m, edit, place);
}

/* A store_body's argument; it runs again where the map was full, from *m as it was. */
struct move_args {
    struct mover *m;
    struct mover before;
};

static enum err move_body(struct txn *txn, void *arg)
{
    struct move_args *args = arg;
    struct edit *edit = alloc_zero(1, sizeof *edit); /* too large for a small stack */
    *args->m = args->before;
    if (edit == NULL) {
        return ERR_NOMEM;
    }
    enum err result = edit_open(edit, txn, args->m->name);
    if (result == ERR_OK) {
        result = move_in(args->m, edit);
        edit_release(edit);
    } else if (result == ERR_NOT_FOUND) { /* dropped meanwhile */
        args->m->next = args->m->n_chunks;
        result = ERR_OK;
    }
    alloc_free(edit);
    return result;
}

static enum err move_space(const struct move_todo *todo, struct mover *m)
{
    static const struct timespec pause = {0, PAUSE_NS};
    while (m->next < m->n_chunks) {
        struct move_args args = {m, *m};
        TRY(store_update(m->db->store, move_body, &args));
        if (todo->moved != NULL) {
            todo->moved(todo->arg);
        }
        nanosleep(&pause, NULL);
    }
    return ERR_OK;
}

enum err move_run(struct move_todo *todo, size_t *n_moved)
{
    enum err result = ERR_OK;
    *n_moved = 0;
    for (size_t i = 0; i < todo->n && result == ERR_OK; i++) {
        result = pass_over_damage(move_space(todo, &todo->movers[i]));
        *n_moved += todo->movers[i].n_moved;
    }
    return result;
}
