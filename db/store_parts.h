/*
 * store_parts.h - what an open store is made of, and its transactions as LMDB has them.
 * For store.c, store_txn.c and commit.c alone.
 */
#ifndef DB_STORE_PARTS_H
#define DB_STORE_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <sys/types.h>

#include "db/commit.h"
#include "db/store.h"

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES]; /* NO_TABLE: an earlier format, only to be read */
    pthread_rwlock_t gate;
    struct record_format format;
    char path[PATH_MAX]; /* of data.mdb */
    dev_t device;        /* which file it is, for the list of open ones */
    ino_t inode;
    struct store *next_open;
    bool unmapped; /* a change of the map failed half-way: nothing works any more */
    struct commits commits;      /* the writes that wait */
    pthread_mutex_t jumps_mutex; /* over the next three */
    unsigned n_jumping;          /* transactions that expect jumps */
    void *jumps_map;             /* that was told so, [jumps_bytes]; NULL: none */
    size_t jumps_bytes;
};

/* The one place where LMDB's codes become ours. */
enum err store_result(const struct store *store, int rc) ERR_CHECK;

/* The same inside a writing transaction, which remembers a full map. */
enum err store_txn_result(struct txn *txn, int rc) ERR_CHECK;

/* Begins a writing transaction; it ends by store_commit or store_end. */
enum err store_begin(struct store *store, struct txn *txn) ERR_CHECK;

/* Commits durably. Whatever comes, the transaction is over. */
enum err store_commit(struct txn *txn) ERR_CHECK;

/* Begins a transaction within `parent`, which must not be used until it has ended, by
 * store_nested_commit or store_nested_end. It may write about `room` bytes. */
enum err store_nest(struct txn *parent, struct txn *child, size_t room) ERR_CHECK;

/* Makes what the child has done its parent's. Whatever comes, the child is over. */
enum err store_nested_commit(struct txn *parent, struct txn *child) ERR_CHECK;

/* Undoes it. Accepts one that is not open. */
void store_nested_end(struct txn *child);

/* The end of store_expect_jumps; accepts a transaction that did not. */
void store_end_jumps(struct txn *txn);

/* Bytes of the map. In a transaction, which keeps it as it is. */
size_t store_map_bytes(struct store *store);

/* Makes the map larger than `full_bytes`, the size at which it was found full; another
 * thread may have done it meanwhile. With no transaction open in this thread. */
enum err store_grow_map(struct store *store, size_t full_bytes) ERR_CHECK;

#endif
