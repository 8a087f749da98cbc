/*
 * index_choice.c - see index_choice.h, and duet_collection_set_index.
 */
#include "db/index_choice.h"

#include <stdio.h>
#include <string.h>

#include "db/collection.h"
#include "db/database.h"

static const char *const NAMES[] = {
    [DUET_INDEX_AUTO] = "auto", [DUET_INDEX_SCAN] = "scan", [DUET_INDEX_PQ] = "pq",
    [DUET_INDEX_IVF] = "ivf",   [DUET_INDEX_HNSW] = "hnsw",
};
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

const char *duet_vector_index_name(enum duet_vector_index choice)
{
    return (unsigned)choice < N_NAMES ? NAMES[choice] : "unknown";
}

enum err duet_vector_index_parse(const char *name, enum duet_vector_index *out)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            *out = (enum duet_vector_index)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID,
                   "'%.40s' is no index: there are auto, scan, pq, ivf and hnsw", name);
}

/* ---- The row ---- */

enum err index_choice_get(struct txn *txn, uint32_t collection, uint16_t space,
                          enum duet_vector_index *choice)
{
    struct record_key key = record_key_space(collection, space);
    struct bytes value;
    *choice = DUET_INDEX_AUTO;
    TRY(store_get(txn, STORE_METADATA, store_key(&key), &value));
    if (value.data == NULL) {
        return ERR_OK;
    }
    uint8_t number = value.n == 1 ? *(const uint8_t *)value.data : UINT8_MAX;
    FAIL_IF(number >= N_NAMES, ERR_CORRUPT, "the choice of an index is none");
    *choice = (enum duet_vector_index)number;
    return ERR_OK;
}

struct change {
    const char *collection;
    const char *space;
    enum duet_vector_index choice;
};

static enum err put_choice(struct txn *txn, const struct record_collection *c, size_t i,
                           enum duet_vector_index choice)
{
    struct record_key key = record_key_space(c->number, c->spaces[i].number);
    uint8_t number = (uint8_t)choice;
    FAIL_IF(c->spaces[i].distance == DUET_MANHATTAN && choice > DUET_INDEX_SCAN,
            ERR_UNSUPPORTED, "no index compares by the Manhattan distance of '%s'",
            c->spaces[i].name);
    if (choice == DUET_INDEX_AUTO) {
        return store_delete(txn, STORE_METADATA, store_key(&key));
    }
    return store_put(txn, STORE_METADATA, store_key(&key), (struct bytes){&number, 1});
}

enum err index_choice_put(struct txn *txn, const struct record_collection *c,
                          enum duet_vector_index choice)
{
    FAIL_IF((unsigned)choice >= N_NAMES, ERR_INVALID, "no such index: %d", (int)choice);
    for (size_t i = 0; i < c->n_spaces; i++) {
        TRY(put_choice(txn, c, i, choice));
    }
    return ERR_OK;
}

static enum err change_body(struct txn *txn, void *arg)
{
    const struct change *change = arg;
    struct record_collection c;
    size_t i;
    TRY(collection_get(txn, change->collection, &c));
    if (change->space == NULL) {
        return index_choice_put(txn, &c, change->choice);
    }
    TRY(collection_space_find(&c, change->space, &i));
    return put_choice(txn, &c, i, change->choice);
}

enum err duet_collection_set_index(struct duet *db, const char *collection,
                                   const char *space, enum duet_vector_index choice)
{
    struct change change = {collection, space, choice};
    TRY(db_check_writable(db));
    FAIL_IF((unsigned)choice >= N_NAMES, ERR_INVALID, "no such index: %d", (int)choice);
    TRY(store_update(db->store, change_body, &change));
    builder_wake(db->builder);
    return ERR_OK;
}

/* ---- What follows ---- */

enum ann_kind index_choice_kind(enum duet_vector_index choice)
{
    switch (choice) {
    case DUET_INDEX_PQ:
        return ANN_PQ_FASTSCAN;
    case DUET_INDEX_IVF:
        return ANN_IVF_PQ_FASTSCAN;
    case DUET_INDEX_HNSW:
        return ANN_HNSW;
    default:
        return ANN_AUTO;
    }
}

/* No index that we have compares by the sum of differences: those are scanned. */
bool index_choice_is_indexed(const struct record_space_def *def,
                             enum duet_vector_index choice)
{
    return def->distance != DUET_MANHATTAN && choice != DUET_INDEX_SCAN;
}

static void reason_of_scan(const struct index_facts *f, char *reason, size_t n)
{
    if (f->choice == DUET_INDEX_SCAN) {
        snprintf(reason, n, "chosen: every vector is compared");
    } else if (f->def->distance == DUET_MANHATTAN) {
        snprintf(reason, n, "no index compares by the Manhattan distance");
    } else {
        snprintf(reason, n, "%zu vectors: below %zu a scan takes a millisecond or two",
                 f->n_vectors, f->seal_at);
    }
}

void index_choice_reason(const struct index_facts *f, char *reason, size_t n)
{
    if (f->largest == NULL) {
        reason_of_scan(f, reason, n);
        return;
    }
    if (f->choice != DUET_INDEX_AUTO) {
        snprintf(reason, n, "chosen: %s", duet_vector_index_name(f->choice));
        return;
    }
    const char *why = f->cross_modal ? "cross-modal: graphs lose text queries"
                                     : "codes take a fifteenth of a graph's memory";
    bool lists = f->largest->kind == ANN_IVF_PQ_FASTSCAN;
    snprintf(reason, n, "%s; %zu vectors in a segment: %s %d %s", why, f->largest->n,
             lists ? "from" : "below", ANN_IVF_MIN,
             lists ? "on lists of codes are faster" : "all codes are looked at");
}
