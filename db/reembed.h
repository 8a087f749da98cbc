/*
 * reembed.h - the parts of duet_reembed (duet_keep.h): one file finds the vectors that
 * are still to be made (reembed_walk.c), one makes them (reembed_encode.c), one writes
 * them and switches over (reembed.c).
 *
 * The new vectors go into shadows of the collection's spaces (record_collection). A slot
 * is never used twice, so a vector and what it was made from are read in one
 * transaction, encoded with none open, and written by another if the point's slot is
 * still the same. What is written to the collection meanwhile takes slots behind those
 * that were looked at: when all slots were, no vector is missing, and that is cheap to
 * ask within the transaction that switches.
 *
 * Threads: one call, but for the encoding.
 */
#ifndef DB_REEMBED_H
#define DB_REEMBED_H

#include "db/collection.h"
#include "db/encode.h"

enum { REEMBED_GROUP_MAX = 256 }; /* vectors in one transaction */

/* A vector to be made. */
struct reembed_item {
    struct duet_id id;
    size_t space;  /* DB_IMAGE, DB_TEXT */
    uint32_t slot; /* of the old one */
    enum db_origin_kind kind;
    char *text; /* [n], of DB_OF_TEXT; owned */
    size_t n;
    struct db_source source; /* of the others but DB_OF_NUMBERS; path is owned */
    float *vector;           /* [dim of the model], once it is made; owned */
    enum err result;         /* ERR_OK: it was made, or can be */
    char *reason;            /* of another result; owned, NULL where memory was short */
};

void reembed_item_release(struct reembed_item *item);

/* Keeps the result and, of a failure, the detail. */
void reembed_item_set(struct reembed_item *item, enum err result);

/* Whether a failure is that of what the vector was made from; else going on would make
 * no sense. */
bool reembed_is_lost(enum err result);

/* ---- Finding ---- */

/* How far the slots of a collection were looked at. All zero at first; when all were, it
 * is at its end until there are new ones. */
struct reembed_walk {
    struct duet *db;
    const char *collection;
    uint32_t number;           /* of the collection; 0 before the first step */
    uint16_t shadow;           /* number of the first shadow; 0: there are none */
    size_t space;              /* being looked at */
    uint32_t next[DB_ORIGINS]; /* of each space */
    size_t n_total, n_shadow;  /* vectors in the spaces, and in their shadows */
};

/* Puts up to n_max vectors that no shadow has into items[*n], after looking at no more
 * than some thousand slots; *at_end: there are no slots left. ERR_CONFLICT: the
 * collection or its shadows are others than at the first step. */
enum err reembed_walk_next(struct reembed_walk *walk, struct reembed_item *items,
                           size_t n_max, size_t *n, bool *at_end) ERR_CHECK;

/* Whether nothing was written to the spaces since the walk came to its end. */
enum err reembed_walk_is_over(const struct reembed_walk *walk, struct txn *txn,
                              const struct record_collection *c, bool *over) ERR_CHECK;

/* Whether the collection is the one that was walked, with the same shadows.
 * ERR_CONFLICT. */
enum err reembed_walk_check(const struct reembed_walk *walk,
                            const struct record_collection *c) ERR_CHECK;

/* ---- Making ---- */

struct reembed_model {
    struct duet *db;
    struct encode_model encode;
    unsigned n_threads;
};

/* Looks whether the vector can be made, without making it. */
void reembed_look(const struct duet *db, struct reembed_item *item);

/* Makes the vectors of items[n]; each has its result. ERR_NOMEM: not all were tried. */
enum err reembed_encode(const struct reembed_model *model, struct reembed_item *items,
                        size_t n) ERR_CHECK;

#endif
