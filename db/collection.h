/*
 * collection.h - the records of collections and of their spaces, inside a transaction.
 *
 *     struct record_collection c;
 *     TRY(collection_get(&txn, "default", &c));
 *     TRY(collection_space_get(&txn, &c, DB_IMAGE, &space));
 *
 * Threads: as the transaction's.
 */
#ifndef DB_COLLECTION_H
#define DB_COLLECTION_H

#include "db/store.h"

/* ERR_NOT_FOUND says which collection there is not; ERR_INVALID for a name that cannot
 * be one. */
enum err collection_get(struct txn *txn, const char *name, struct record_collection *c)
    ERR_CHECK;
enum err collection_put(struct txn *txn, const char *name,
                        const struct record_collection *c) ERR_CHECK;

/* The state of a space; all zero where nothing was ever written to it. */
enum err collection_space_get(struct txn *txn, uint32_t collection, size_t i,
                              struct record_space *space) ERR_CHECK;
enum err collection_space_put(struct txn *txn, uint32_t collection, size_t i,
                              const struct record_space *space) ERR_CHECK;

/* The number of the space called `name`. ERR_NOT_FOUND names those there are. */
enum err collection_space_find(const struct record_collection *c, const char *name,
                               size_t *i) ERR_CHECK;

/* Whether its vectors are made by a model: spaces "image" and "text" of one size. */
static inline bool collection_is_cross_modal(const struct record_collection *c)
{
    return c->model_space[0] != '\0';
}

/* Takes back the rows of collections that were dropped, in bounded transactions. Called
 * after a drop, and at opening for what a crash left. *n counts the collections. */
enum err collection_reclaim(struct store *store, size_t *n) ERR_CHECK;

#endif
