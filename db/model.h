/*
 * model.h - the database's model: opened by the first need, checked against what made
 * the collections. db_encoder (db_internal.h) is the way to it.
 * Threads: any.
 */
#ifndef DB_MODEL_H
#define DB_MODEL_H

#include "db/record.h"

/* Closes the model, if it was opened: nobody may use it any more. */
void model_release(struct duet *db);

/* The model for queries to the collection: ERR_CONFLICT where the database's model
 * makes vectors of another space, ERR_UNSUPPORTED where the collection holds plain
 * vectors. */
enum err model_for_search(struct duet *db, const struct record_collection *c,
                          struct enc **enc) ERR_CHECK;

/* The same for making vectors to be stored, which have to be of the very same weights:
 * the same space by others is spoken of once in the log. (It reads the whole model, as
 * a search should not have to.) */
enum err model_for_write(struct duet *db, const struct record_collection *c,
                         struct enc **enc) ERR_CHECK;

#endif
