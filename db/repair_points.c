/*
 * repair_points.c - see repair.h.
 *
 * A point's record and its vectors are the truth; a bit for each slot that a point
 * names is all that has to be kept in memory for making the rest again.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/origin.h"
#include "db/repair.h"
#include "db/vectors.h"
#include "index/bitmap.h"

struct space_repair {
    struct vector_space in;
    struct record_space state;
    bool state_is_new; /* the record could not be read */
    uint64_t *named;   /* [n_words], a bit for each slot that a point names; owned */
    size_t n_words, capacity;
    uint32_t n_named;
    uint32_t end; /* one past the last of them */
};

struct points_repair {
    struct verify *v;
    struct txn *txn;
    struct space_repair spaces[LIMIT_SPACES_MAX];
    uint64_t n_points;
};

/* ---- Slots ---- */

static enum err name_slot(struct space_repair *s, uint32_t slot)
{
    size_t n =
        slot / RECORD_BLOCK_SLOTS * (RECORD_BLOCK_SLOTS / 64) + RECORD_BLOCK_SLOTS / 64;
    if (n > s->n_words) {
        uint64_t *named = alloc_grow(s->named, &s->capacity, n, sizeof *named);
        if (named == NULL) {
            return ERR_NOMEM;
        }
        memset(named + s->n_words, 0, (n - s->n_words) * sizeof *named);
        s->named = named;
        s->n_words = n;
    }
    bitmap_set(s->named, slot);
    s->n_named++;
    s->end = slot + 1 > s->end ? slot + 1 : s->end;
    return ERR_OK;
}

static bool is_named(const struct space_repair *s, uint32_t slot)
{
    return slot / 64 < s->n_words && bitmap_get(s->named, slot);
}

/* Writes whose the slot is, where the table says otherwise or nothing. */
static enum err fix_owner(struct points_repair *p, size_t i, struct duet_id id,
                          uint32_t slot)
{
    struct space_repair *s = &p->spaces[i];
    struct duet_id owner;
    struct bytes row;
    uint8_t ids[RECORD_SLOTS_BYTES] = {0};
    if (vector_id_get(s->in, slot, &owner) == ERR_OK &&
        duet_id_compare(owner, id) == 0) {
        return ERR_OK;
    }
    struct record_key key =
        record_key_chunk(s->in.collection, s->in.space, slot / RECORD_CHUNK_SLOTS);
    TRY(store_get(p->txn, STORE_SLOTS, store_key(&key), &row));
    if (row.data != NULL && row.n == sizeof ids) {
        memcpy(ids, row.data, sizeof ids);
    }
    record_id_write(id, ids + slot % RECORD_CHUNK_SLOTS * RECORD_ID_BYTES);
    verify_tell(p->v, DUET_DERIVED, &id, "the table of slots has it now");
    return store_put(p->txn, STORE_SLOTS, store_key(&key),
                     (struct bytes){ids, sizeof ids});
}

/* Takes the slot for the point, or the slot from the point where it holds no vector. */
static enum err take_slot(struct points_repair *p, size_t i, struct duet_id id,
                          uint32_t *slot, float *vector)
{
    struct space_repair *s = &p->spaces[i];
    enum err result = ERR_CORRUPT;
    if (*slot < LIMIT_SLOTS_MAX - 1 && !is_named(s, *slot)) {
        result = vector_get(s->in, *slot, vector);
    }
    if (result == ERR_OK && vector_check(vector, s->in.dim) != ERR_OK) {
        result = ERR_CORRUPT;
    }
    if (result == ERR_OK) {
        TRY(name_slot(s, *slot));
        return fix_owner(p, i, id, *slot);
    }
    if (result != ERR_CORRUPT) {
        return result;
    }
    verify_tell(p->v, DUET_DAMAGE, &id, "its vector '%s' is lost; it goes on without",
                p->v->record.spaces[i].name);
    *slot = RECORD_NO_SLOT;
    return ERR_OK;
}

/* ---- Points ---- */

static enum err write_point(struct points_repair *p, struct bytes key,
                            const struct record_point *point)
{
    struct buf record;
    buf_init(&record, LIMIT_PAYLOAD_BYTES + 256);
    enum err result = record_point_write(point, &record);
    if (result == ERR_OK) {
        result = store_put(p->txn, STORE_POINTS, key,
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

/* Whether space `i` is the shadow of one that the point has no vector in, or has no
 * more: those kept are the first `n`, which spaces come in before their shadows. */
static bool is_bare_shadow(const struct points_repair *p, size_t i,
                           const struct record_point *point, size_t n)
{
    const struct record_collection *c = &p->v->record;
    if (i < c->n_spaces) {
        return false;
    }
    struct record_point kept = *point;
    kept.n_vectors = n;
    return record_point_slot(&kept, c->spaces[i - c->n_spaces].number) ==
           RECORD_NO_SLOT;
}

/* Takes out of the point the vectors that are lost. Those of spaces that were removed
 * are not looked at: the sweep is on its way to them. */
static enum err repair_vectors(struct points_repair *p, struct duet_id id,
                               struct record_point *point, float *vector)
{
    size_t n_all = record_collection_n_all(&p->v->record);
    size_t n = 0;
    for (size_t v = 0; v < point->n_vectors; v++) {
        struct record_vector named = point->vectors[v];
        size_t i = 0;
        while (i < n_all && p->spaces[i].in.space != named.space) {
            i++;
        }
        if (i < n_all && !is_bare_shadow(p, i, point, n)) {
            TRY(take_slot(p, i, id, &named.slot, vector));
        } else if (i < n_all) {
            named.slot = RECORD_NO_SLOT;
        }
        if (named.slot != RECORD_NO_SLOT) {
            point->vectors[n++] = named;
        }
    }
    point->n_vectors = n;
    return ERR_OK;
}

/* Looks at a copy of the row, since writing may move the row itself. */
static enum err repair_point(struct points_repair *p, struct bytes key,
                             const struct buf *row, float *vector)
{
    struct duet_id id;
    struct record_point point;
    bool changed;
    enum err result = record_key_id(key, 4, &id);
    if (result == ERR_OK) {
        result = record_point_read(&point, (struct bytes){row->data, row->size});
    }
    if (result != ERR_OK) {
        verify_tell(p->v, DUET_DAMAGE, NULL,
                    "a point that cannot be read is taken out");
        return store_delete(p->txn, STORE_POINTS, key);
    }
    size_t n_vectors = point.n_vectors;
    TRY(repair_vectors(p, id, &point, vector));
    changed = point.n_vectors != n_vectors;
    p->n_points++;
    return changed ? write_point(p, key, &point) : ERR_OK;
}

/* Rows are taken one by one from their keys, so that writing disturbs no cursor. */
struct walk {
    enum store_table table;
    struct record_key at; /* the row to look at next */
    bool ended;
    struct buf key, value; /* copies of the row */
};

static enum err next_row(struct points_repair *p, struct walk *w)
{
    struct record_key prefix = record_key_collection(p->v->record.number);
    struct cursor cursor;
    bool first = w->key.size == 0;
    TRY(cursor_open(p->txn, w->table, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    if (!first) {
        /* The least key behind the last one: itself and a zero byte. */
        result = buf_append(&w->key, "", 1);
        if (result == ERR_OK) {
            result = cursor_seek(&cursor, (struct bytes){w->key.data, w->key.size});
        }
    }
    buf_clear(&w->key);
    buf_clear(&w->value);
    w->ended = result == ERR_OK && cursor.key.data == NULL;
    if (result == ERR_OK && !w->ended) {
        result = buf_append(&w->key, cursor.key.data, cursor.key.n);
    }
    if (result == ERR_OK && !w->ended) {
        result = buf_append(&w->value, cursor.value.data, cursor.value.n);
    }
    cursor_close(&cursor);
    return result;
}

static enum err walk_rows(struct points_repair *p, enum store_table table,
                          float *vector,
                          enum err (*repair)(struct points_repair *, struct bytes,
                                             const struct buf *, float *))
{
    struct walk w = {.table = table};
    buf_init(&w.key, 1024);
    buf_init(&w.value, SIZE_MAX / 2);
    enum err result = next_row(p, &w);
    while (result == ERR_OK && !w.ended) {
        result = repair(p, (struct bytes){w.key.data, w.key.size}, &w.value, vector);
        if (result == ERR_OK) {
            result = next_row(p, &w);
        }
    }
    buf_release(&w.key);
    buf_release(&w.value);
    return result;
}

/* ---- Sources ---- */

static enum err fix_source(struct points_repair *p, struct bytes key, struct duet_id id,
                           const struct db_source *source)
{
    uint32_t number = p->v->record.number;
    struct record_key point = record_key_point(number, id);
    struct record_key hash = record_key_hash(source->hash, number, id);
    struct bytes row;
    TRY(store_get(p->txn, STORE_POINTS, store_key(&point), &row));
    if (row.data == NULL) {
        verify_tell(p->v, DUET_DAMAGE, &id,
                    "a source without a point is taken out, so that its picture can be "
                    "added again");
        TRY(store_delete(p->txn, STORE_HASHES, store_key(&hash)));
        return store_delete(p->txn, STORE_SYSTEM, key);
    }
    TRY(store_get(p->txn, STORE_HASHES, store_key(&hash), &row));
    if (row.data != NULL) {
        return ERR_OK;
    }
    verify_tell(p->v, DUET_DERIVED, &id, "the table of content hashes has it now");
    return store_put(p->txn, STORE_HASHES, store_key(&hash), (struct bytes){"", 0});
}

static enum err repair_source(struct points_repair *p, struct bytes key,
                              const struct buf *row, float *unused)
{
    struct duet_id id;
    struct db_source source;
    struct buf path;
    (void)unused;
    buf_init(&path, LIMIT_PAYLOAD_BYTES);
    enum err result = record_key_id(key, 4, &id);
    if (result == ERR_OK) {
        result =
            record_source_read(&source, &path, (struct bytes){row->data, row->size});
    }
    if (result == ERR_CORRUPT) {
        verify_tell(p->v, DUET_DAMAGE, NULL,
                    "a source that cannot be read is taken out");
        result = store_delete(p->txn, STORE_SYSTEM, key);
    } else if (result == ERR_OK) {
        result = fix_source(p, key, id, &source);
    }
    buf_release(&path);
    return result;
}

/* ---- What vectors were made from ---- */

static enum err repair_origin(struct points_repair *p, struct bytes key,
                              const struct buf *row, float *unused)
{
    struct duet_id id;
    struct bytes point = {NULL, 0};
    size_t space;
    (void)unused;
    if (origin_key_read(key, &id, &space) == ERR_OK) {
        struct record_key point_key = record_key_point(p->v->record.number, id);
        TRY(store_get(p->txn, STORE_POINTS, store_key(&point_key), &point));
    }
    if (point.data == NULL) {
        verify_tell(p->v, DUET_DERIVED, NULL,
                    "what vectors of a point were made from that is not there is taken "
                    "out");
        return store_delete(p->txn, STORE_TEXTS, key);
    }
    if (origin_check((struct bytes){row->data, row->size}) == ERR_OK) {
        return ERR_OK;
    }
    verify_tell(p->v, DUET_DAMAGE, &id, "what its vector was made from is lost");
    return origin_forget(p->txn, key);
}

/* ---- Spaces ---- */

/* Block `i` of live bits, as the points have it. */
static enum err fix_block(struct points_repair *p, size_t space, uint32_t i,
                          bool *changed)
{
    struct space_repair *s = &p->spaces[space];
    struct record_key key = record_key_chunk(s->in.collection, s->in.space, i);
    struct bytes row;
    uint8_t block[RECORD_BLOCK_BYTES] = {0};
    for (size_t w = 0; w < RECORD_BLOCK_SLOTS / 64; w++) {
        size_t at = (size_t)i * (RECORD_BLOCK_SLOTS / 64) + w;
        record_live_set(block, w, at < s->n_words ? s->named[at] : 0);
    }
    static const uint8_t none[RECORD_BLOCK_BYTES]; /* what a missing row says */
    TRY(store_get(p->txn, STORE_LIVE, store_key(&key), &row));
    row = row.data == NULL ? (struct bytes){none, sizeof none} : row;
    if (row.n == sizeof block && memcmp(row.data, block, sizeof block) == 0) {
        return ERR_OK;
    }
    *changed = true;
    return store_put(p->txn, STORE_LIVE, store_key(&key),
                     (struct bytes){block, sizeof block});
}

/* The number of the last row of a table of the space, plus one. */
static enum err end_of(struct points_repair *p, size_t space, enum store_table table,
                       uint32_t *end)
{
    struct record_key prefix =
        record_key_space(p->v->record.number, p->spaces[space].in.space);
    struct cursor cursor;
    *end = 0;
    TRY(cursor_open(p->txn, table, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        uint32_t i;
        result = record_key_number(cursor.key, &i);
        if (result == ERR_OK) {
            *end = i + 1;
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

/* Takes out of the manifest what cannot be a segment of this space. */
static void fix_segments(struct points_repair *p, size_t space)
{
    struct record_space *state = &p->spaces[space].state;
    size_t n = 0;
    uint32_t end = 0;
    for (size_t i = 0; i < state->n_segments; i++) {
        const struct record_segment s = state->segments[i];
        if (s.first < end || s.n_slots > state->next_slot ||
            s.first > state->next_slot - s.n_slots) {
            verify_tell(p->v, DUET_DERIVED, NULL,
                        "segment %zu of the space '%s' is given up", i,
                        p->v->record.spaces[space].name);
            continue;
        }
        end = s.first + s.n_slots;
        state->segments[n++] = s;
        if (s.generation >= state->next_generation) {
            state->next_generation = s.generation + 1;
        }
    }
    state->n_segments = n;
}

static enum err fix_space(struct points_repair *p, size_t space)
{
    struct space_repair *s = &p->spaces[space];
    struct record_space before = s->state;
    uint32_t n_blocks;
    uint32_t n_chunks;
    bool changed = false;
    TRY(end_of(p, space, STORE_LIVE, &n_blocks));
    TRY(end_of(p, space, STORE_VECTORS, &n_chunks));
    size_t n_named = s->n_words / (RECORD_BLOCK_SLOTS / 64);
    n_blocks = n_named > n_blocks ? (uint32_t)n_named : n_blocks;
    for (uint32_t i = 0; i < n_blocks; i++) {
        TRY(fix_block(p, space, i, &changed));
    }
    if (changed) {
        verify_tell(p->v, DUET_DERIVED, NULL,
                    "the live bits of the space '%s' are those of its points now",
                    p->v->record.spaces[space].name);
    }
    if (s->state_is_new) {
        /* Past every slot that was ever used, and every file that there may be. */
        s->state.next_slot = n_chunks * RECORD_CHUNK_SLOTS;
        s->state.next_generation = (uint64_t)1 << 32;
    }
    s->state.next_slot = s->end > s->state.next_slot ? s->end : s->state.next_slot;
    s->state.n_live = s->n_named;
    fix_segments(p, space);
    if (!s->state_is_new && memcmp(&before, &s->state, sizeof before) == 0) {
        return ERR_OK;
    }
    verify_tell(p->v, DUET_DERIVED, NULL,
                "the space '%s' counts %u vectors in %u slots now",
                p->v->record.spaces[space].name, s->state.n_live, s->state.next_slot);
    return collection_space_put(p->txn, p->v->record.number, s->in.space, &s->state);
}

static enum err open_space(struct points_repair *p, size_t i)
{
    struct space_repair *s = &p->spaces[i];
    s->in = vector_space_of(p->txn, &p->v->record, i);
    enum err result =
        collection_space_get(p->txn, p->v->record.number, s->in.space, &s->state);
    if (result == ERR_CORRUPT) {
        s->state = (struct record_space){0};
        s->state_is_new = true;
        return ERR_OK;
    }
    return result;
}

static enum err repair_all(struct points_repair *p, float *vector, bool *changed)
{
    struct record_collection *c = &p->v->record;
    for (size_t i = 0; i < record_collection_n_all(c); i++) {
        TRY(open_space(p, i));
    }
    TRY(walk_rows(p, STORE_POINTS, vector, repair_point));
    TRY(walk_rows(p, STORE_SYSTEM, NULL, repair_source));
    TRY(walk_rows(p, STORE_TEXTS, NULL, repair_origin));
    for (size_t i = 0; i < record_collection_n_all(c); i++) {
        TRY(fix_space(p, i));
    }
    *changed = c->n_points != p->n_points;
    if (*changed) {
        c->n_points = p->n_points;
        verify_tell(p->v, DUET_DERIVED, NULL, "it counts %llu points now",
                    (unsigned long long)p->n_points);
    }
    return ERR_OK;
}

enum err repair_points(struct verify *v, struct txn *txn, bool *changed)
{
    struct points_repair *p = alloc_zero(1, sizeof *p);
    float *vector = alloc_array(LIMIT_DIM_MAX, sizeof *vector);
    *changed = false;
    enum err result = p == NULL || vector == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK) {
        p->v = v;
        p->txn = txn;
        result = repair_all(p, vector, changed);
    }
    for (size_t i = 0; p != NULL && i < LIMIT_SPACES_MAX; i++) {
        alloc_free(p->spaces[i].named);
    }
    alloc_free(p);
    alloc_free(vector);
    return result;
}
