/*
 * allowed.c - see allowed.h.
 */
#include "db/allowed.h"

#include "base/alloc.h"
#include "db/collection.h"
#include "db/matches.h"
#include "db/vectors.h"
#include "index/bitmap.h"

enum { SLOTS_A_POINT = 20 }; /* measured: 20 ns a slot, 400 a record */

/* Empty bitmaps of the spaces; *n_slots of each are in use. */
static enum err make_bitmaps(struct allowed *allowed, struct txn *txn,
                             const struct record_collection *c, uint32_t spaces,
                             uint32_t n_slots[LIMIT_SPACES_MAX])
{
    for (size_t i = 0; i < c->n_spaces; i++) {
        struct record_space state;
        if ((spaces >> i & 1) == 0) {
            continue;
        }
        TRY(collection_space_get(txn, c->number, c->spaces[i].number, &state));
        n_slots[i] = state.next_slot;
        allowed->slots[i] = alloc_zero(bitmap_words(state.next_slot), sizeof(uint64_t));
        if (allowed->slots[i] == NULL) {
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

static enum err allow(struct allowed *allowed, const struct record_collection *c,
                      const struct record_point *record,
                      const uint32_t n_slots[LIMIT_SPACES_MAX])
{
    for (size_t i = 0; i < c->n_spaces; i++) {
        uint32_t slot = record_point_slot(record, c->spaces[i].number);
        if (allowed->slots[i] == NULL || slot == RECORD_NO_SLOT) {
            continue;
        }
        FAIL_IF(slot >= n_slots[i], ERR_CORRUPT,
                "a point's vector is in a slot never used");
        bitmap_set(allowed->slots[i], slot);
    }
    return ERR_OK;
}

/* One by one, from the points' records. */
static enum err find_by_points(struct allowed *allowed, struct matches *m,
                               const uint32_t n_slots[LIMIT_SPACES_MAX])
{
    for (;;) {
        TRY(matches_next(m));
        if (!m->found) {
            return ERR_OK;
        }
        TRY(allow(allowed, m->collection, &m->record, n_slots));
    }
}

/* ---- Where the ids are known and many: the tables of slots say whose each is ---- */

static enum err allow_chunk(uint64_t *word, struct vector_space in, uint32_t chunk,
                            uint64_t live, const struct id_set *ids, size_t *near)
{
    struct bytes row;
    *word = 0;
    TRY(vector_ids_get(in, chunk, &row));
    FAIL_IF(row.data == NULL, ERR_CORRUPT, "a slot that lives belongs to no point");
    for (; live != 0; live &= live - 1) {
        unsigned i = (unsigned)__builtin_ctzll(live);
        struct duet_id id;
        TRY(record_id_read(&id, (const uint8_t *)row.data + i * RECORD_ID_BYTES));
        *word |= (uint64_t)id_set_has_near(ids, id, near) << i;
    }
    return ERR_OK;
}

static enum err find_in_space(uint64_t *words, struct vector_space in, uint32_t n_slots,
                              const struct id_set *ids)
{
    uint64_t live[RECORD_BLOCK_SLOTS / RECORD_CHUNK_SLOTS] = {0};
    uint32_t n_chunks = (n_slots + RECORD_CHUNK_SLOTS - 1) / RECORD_CHUNK_SLOTS;
    uint32_t in_block = RECORD_BLOCK_SLOTS / RECORD_CHUNK_SLOTS;
    size_t near = 0;
    for (uint32_t i = 0; i < n_chunks; i++) {
        if (i % in_block == 0) {
            TRY(vector_live_get(in, i * RECORD_CHUNK_SLOTS, RECORD_BLOCK_SLOTS, live));
        }
        if (live[i % in_block] != 0) {
            TRY(allow_chunk(&words[i], in, i, live[i % in_block], ids, &near));
        }
    }
    return ERR_OK;
}

static enum err find_by_slots(struct allowed *allowed, const struct matches *m,
                              const uint32_t n_slots[LIMIT_SPACES_MAX])
{
    for (size_t i = 0; i < m->collection->n_spaces; i++) {
        if (allowed->slots[i] != NULL) {
            TRY(find_in_space(allowed->slots[i],
                              vector_space_of(m->txn, m->collection, i), n_slots[i],
                              &m->plan.ids));
        }
    }
    return ERR_OK;
}

/* Finding a point's record costs what it does to look at some slots. */
static bool slots_are_cheaper(const struct matches *m,
                              const uint32_t n_slots[LIMIT_SPACES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < LIMIT_SPACES_MAX; i++) {
        n += n_slots[i];
    }
    return m->plan.indexed && m->plan.exact &&
           n / SLOTS_A_POINT < id_set_size(&m->plan.ids);
}

enum err allowed_find(struct allowed *allowed, struct txn *txn,
                      const struct record_collection *c, const struct filter *filter,
                      uint32_t spaces)
{
    uint32_t n_slots[LIMIT_SPACES_MAX] = {0};
    struct matches m;
    TRY(make_bitmaps(allowed, txn, c, spaces, n_slots));
    TRY(matches_open(&m, txn, c, filter, NULL));
    enum err result = slots_are_cheaper(&m, n_slots)
                          ? find_by_slots(allowed, &m, n_slots)
                          : find_by_points(allowed, &m, n_slots);
    matches_close(&m);
    return result;
}

void allowed_release(struct allowed *allowed)
{
    for (size_t i = 0; i < LIMIT_SPACES_MAX; i++) {
        alloc_free(allowed->slots[i]);
        allowed->slots[i] = NULL;
    }
}
