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

#include <string.h>

#include "db/store.h"

/* Takes a name or an alias; c->name is the name. ERR_NOT_FOUND says which collection there is not; ERR_INVALID for a name that cannot
 * be one. */
enum err collection_get(struct txn *txn, const char *name, struct record_collection *c)
    ERR_CHECK;
/* Under c->name. */
enum err collection_put(struct txn *txn, const struct record_collection *c) ERR_CHECK;

/* Whether a string can be the name of a `what`. ERR_INVALID, ERR_LIMIT. */
enum err collection_check_name(const char *name, const char *what) ERR_CHECK;

/* Whether there is a collection of that very name; aliases don't count. */
enum err collection_is_there(struct txn *txn, const char *name, bool *there) ERR_CHECK;

/* The name that is a key. */
enum err collection_key_name(struct bytes key, char name[LIMIT_NAME_BYTES + 1])
    ERR_CHECK;
static inline struct bytes collection_name_key(const char *name)
{
    return (struct bytes){name, strlen(name)};
}

/* Takes the next collection number from the format record. */
enum err collection_take_number(struct txn *txn, uint32_t *number) ERR_CHECK;

/* Takes all aliases of a collection away (alias.c). */
enum err collection_drop_aliases(struct txn *txn, const char *name) ERR_CHECK;

/* The state of the space of that number; all zero where nothing was ever written to it. */
enum err collection_space_get(struct txn *txn, uint32_t collection, size_t space,
                              struct record_space *state) ERR_CHECK;
enum err collection_space_put(struct txn *txn, uint32_t collection, size_t space,
                              const struct record_space *state) ERR_CHECK;

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
