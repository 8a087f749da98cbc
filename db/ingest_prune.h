/*
 * ingest_prune.h - removes the points of pictures that are no longer there.
 */
#ifndef DB_INGEST_PRUNE_H
#define DB_INGEST_PRUNE_H

#include "db/db_internal.h"
#include "db/walk.h"

/* Removes the points whose files, at or below one of the walk's roots, are gone;
 * *n_pruned counts up, also on failure. Errors as those of duet_remove. */
enum err ingest_prune(struct duet *db, const char *collection, const struct walk *walk,
                      size_t *n_pruned) ERR_CHECK;

#endif
