/*
 * index_choice.h - which kind of index a space is to have, as its collection was told,
 * and why it has the one it has.
 *
 * The choice is a row of one byte in the table of metadata, under the collection and
 * the space; without one it is "auto". Threads: as the transaction's.
 */
#ifndef DB_INDEX_CHOICE_H
#define DB_INDEX_CHOICE_H

#include "db/record.h"
#include "db/store.h"
#include "index/ann.h"

/* What was chosen for the space of that number. ERR_CORRUPT. */
enum err index_choice_get(struct txn *txn, uint32_t collection, uint16_t space,
                          enum duet_vector_index *choice) ERR_CHECK;

/* Chooses for all spaces of a collection. ERR_UNSUPPORTED. */
enum err index_choice_put(struct txn *txn, const struct record_collection *collection,
                          enum duet_vector_index choice) ERR_CHECK;

/* The kind to build; ANN_AUTO leaves it to the size. Not for DUET_INDEX_SCAN. */
enum ann_kind index_choice_kind(enum duet_vector_index choice);

/* Whether the space gets segments at all. */
bool index_choice_is_indexed(const struct record_space_def *def,
                             enum duet_vector_index choice);

/* What is known of a space that the reason depends on. */
struct index_facts {
    const struct record_space_def *def;
    enum duet_vector_index choice;
    bool cross_modal;
    size_t seal_at;
    size_t n_vectors;
    const struct ann_info *largest; /* of its segments; NULL: it has none */
};

/* A sentence into reason[n]. */
void index_choice_reason(const struct index_facts *facts, char *reason, size_t n);

#endif
