/*
 * allowed.c - see allowed.h.
 */
#include "db/allowed.h"

#include "base/alloc.h"
#include "db/collection.h"
#include "db/matches.h"
#include "index/bitmap.h"

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

enum err allowed_find(struct allowed *allowed, struct txn *txn,
                      const struct record_collection *c, const struct filter *filter,
                      uint32_t spaces)
{
    uint32_t n_slots[LIMIT_SPACES_MAX] = {0};
    struct matches m;
    TRY(make_bitmaps(allowed, txn, c, spaces, n_slots));
    TRY(matches_open(&m, txn, c, filter, NULL));
    enum err result;
    do {
        TRY_OUT(matches_next(&m));
        if (m.found) {
            TRY_OUT(allow(allowed, c, &m.record, n_slots));
        }
    } while (m.found);
out:
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
