/*
 * reembed_walk.c - see reembed.h.
 */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "db/database.h"
#include "db/origin.h"
#include "db/reembed.h"
#include "db/vectors.h"

enum { SLOTS_AT_ONCE = 8192 }; /* looked at in one transaction */

void reembed_item_release(struct reembed_item *item)
{
    alloc_free(item->text);
    alloc_free((void *)(size_t)item->source.path);
    alloc_free(item->vector);
    alloc_free(item->reason);
    *item = (struct reembed_item){.slot = 0};
}

/* ---- One vector ---- */

static enum err read_source(struct txn *txn, const struct record_key *key,
                            struct reembed_item *item)
{
    struct bytes value;
    struct buf path;
    TRY(store_get(txn, STORE_SYSTEM, store_key(key), &value));
    FAIL_IF(value.data == NULL, ERR_CORRUPT, "a picture's source is not there");
    buf_init(&path, PATH_MAX);
    enum err result = record_source_read(&item->source, &path, value);
    item->source.path = result == ERR_OK ? alloc_dup(path.data) : NULL;
    if (result == ERR_OK && item->source.path == NULL) {
        result = ERR_NOMEM;
    }
    buf_release(&path);
    return result;
}

/* Copies what the vector was made from. */
static enum err read_origin(struct txn *txn, const struct record_collection *c,
                            struct reembed_item *item)
{
    struct record_key key = record_key_point(c->number, item->id);
    struct db_origin origin;
    TRY(origin_get(txn, c, item->id, item->space, &origin));
    item->kind = origin.kind;
    if (origin.kind == DB_OF_TEXT) {
        item->text = alloc_dup_n(origin.text, origin.n);
        item->n = origin.n;
        return item->text == NULL ? ERR_NOMEM : ERR_OK;
    }
    return origin.kind == DB_OF_NUMBERS ? ERR_OK : read_source(txn, &key, item);
}

/* Whether the vector in that slot is still to be made; then item->id is whose. */
static enum err is_missing(struct vector_space in, const struct record_collection *c,
                           struct reembed_item *item, bool *missing)
{
    struct bytes value;
    struct record_point point;
    *missing = false;
    TRY(vector_id_get(in, item->slot, &item->id));
    struct record_key key = record_key_point(c->number, item->id);
    TRY(store_get(in.txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_CORRUPT,
            "a vector belongs to a point that is not there; 'duet repair' mends it");
    TRY(record_point_read(&point, value));
    FAIL_IF(record_point_slot(&point, in.space) != item->slot, ERR_CORRUPT,
            "a vector belongs to a point that has another; 'duet repair' mends it");
    *missing = c->n_shadows == 0 ||
               record_point_slot(&point, c->spaces[c->n_spaces + item->space].number) ==
                   RECORD_NO_SLOT;
    return ERR_OK;
}

static enum err take_slot(struct vector_space in, const struct record_collection *c,
                          struct reembed_item *item, size_t *n)
{
    bool missing;
    TRY(is_missing(in, c, item, &missing));
    if (missing) {
        enum err result = read_origin(in.txn, c, item);
        if (result != ERR_OK) {
            reembed_item_release(item);
            return result;
        }
        ++*n;
    }
    return ERR_OK;
}

/* ---- Many ---- */

/* Goes on in the space at hand until the items or the budget are used up, or the slots,
 * `end` of them. */
static enum err walk_space(struct reembed_walk *w, struct txn *txn,
                           const struct record_collection *c, uint32_t end,
                           struct reembed_item *items, size_t n_max, size_t *n)
{
    struct vector_space in = vector_space_of(txn, c, w->space);
    uint32_t *next = &w->next[w->space];
    uint32_t stop = end - *next < SLOTS_AT_ONCE ? end : *next + SLOTS_AT_ONCE;
    while (*next < stop && *n < n_max) {
        uint64_t word;
        uint32_t first = *next / RECORD_CHUNK_SLOTS * RECORD_CHUNK_SLOTS;
        TRY(vector_live_get(in, first, RECORD_CHUNK_SLOTS, &word));
        uint32_t chunk_end =
            stop - first < RECORD_CHUNK_SLOTS ? stop : first + RECORD_CHUNK_SLOTS;
        for (; *next < chunk_end && *n < n_max; ++*next) {
            if ((word >> (*next - first) & 1) == 0) {
                continue;
            }
            items[*n] = (struct reembed_item){.space = w->space, .slot = *next};
            TRY(take_slot(in, c, &items[*n], n));
        }
    }
    return ERR_OK;
}

static uint16_t first_shadow(const struct record_collection *c)
{
    return c->n_shadows == 0 ? 0 : c->spaces[c->n_spaces].number;
}

enum err reembed_walk_check(const struct reembed_walk *w,
                            const struct record_collection *c)
{
    FAIL_IF(c->number != w->number || first_shadow(c) != w->shadow, ERR_CONFLICT,
            "the collection '%s' was changed meanwhile: try again", c->name);
    return ERR_OK;
}

static enum err begin_walk(struct reembed_walk *w, const struct record_collection *c)
{
    FAIL_IF(!collection_is_cross_modal(c), ERR_UNSUPPORTED,
            "this collection holds plain vectors: no model made them");
    FAIL_IF(c->n_spaces != DB_ORIGINS, ERR_CORRUPT,
            "a cross-modal collection has %zu vector spaces", c->n_spaces);
    if (w->number == 0) {
        w->number = c->number;
        w->shadow = first_shadow(c);
    }
    return reembed_walk_check(w, c);
}

static enum err count(struct reembed_walk *w, struct txn *txn,
                      const struct record_collection *c)
{
    struct record_space state;
    w->n_total = w->n_shadow = 0;
    for (size_t i = 0; i < record_collection_n_all(c); i++) {
        TRY(collection_space_get(txn, c->number, c->spaces[i].number, &state));
        *(i < c->n_spaces ? &w->n_total : &w->n_shadow) += state.n_live;
    }
    return ERR_OK;
}

static enum err walk_in(struct reembed_walk *w, struct txn *txn,
                        struct reembed_item *items, size_t n_max, size_t *n)
{
    struct record_collection c;
    struct record_space state;
    TRY(collection_get(txn, w->collection, &c));
    TRY(begin_walk(w, &c));
    TRY(count(w, txn, &c));
    TRY(collection_space_get(txn, c.number, c.spaces[w->space].number, &state));
    TRY(walk_space(w, txn, &c, state.next_slot, items, n_max, n));
    if (w->next[w->space] == state.next_slot) {
        w->space++;
    }
    return ERR_OK;
}

enum err reembed_walk_next(struct reembed_walk *w, struct reembed_item *items,
                           size_t n_max, size_t *n, bool *at_end)
{
    struct txn txn;
    *n = 0;
    *at_end = false;
    TRY(store_read(w->db->store, &txn));
    enum err result = walk_in(w, &txn, items, n_max, n);
    store_end(&txn);
    if (result != ERR_OK) {
        while (*n > 0) {
            reembed_item_release(&items[--*n]);
        }
        return result;
    }
    *at_end = w->space == DB_ORIGINS;
    w->space = *at_end ? 0 : w->space;
    return ERR_OK;
}

enum err reembed_walk_is_over(const struct reembed_walk *w, struct txn *txn,
                              const struct record_collection *c, bool *over)
{
    struct record_space state;
    *over = true;
    for (size_t i = 0; i < c->n_spaces; i++) {
        TRY(collection_space_get(txn, c->number, c->spaces[i].number, &state));
        *over = *over && state.next_slot == w->next[i];
    }
    return ERR_OK;
}
