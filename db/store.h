/*
 * store.h - the tables of a database: LMDB, and all that is known here about it.
 *
 *     struct txn txn;
 *     TRY(store_read(store, &txn));
 *     TRY_OUT(store_get(&txn, STORE_POINTS, key, &value));   // value.data NULL: none
 *     ...
 *     store_end(&txn);
 *
 *     TRY(store_update(store, body, &arg));     // body(txn, arg), committed durably
 *
 * LMDB's codes are translated in one function (store.c), and no file but store*.c sees
 * them. Commits are synchronous. The map is reserved, not allocated: 1 TiB, halved
 * while the system refuses; where it fills up it is grown with no transaction open.
 *
 * Threads: any number of transactions on as many threads; each transaction belongs to
 * one thread from beginning to end. Writers wait for one another. A thread may hold one
 * transaction at a time. Processes: one may write (lock.h sees to it), any number read.
 *
 * Memory: values point into the map and are good until the transaction ends, or, in a
 * writing one, until the next put or delete. They are not aligned.
 */
#ifndef DB_STORE_H
#define DB_STORE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/record.h"

enum store_table {
    STORE_META,        /* "format" -> record_format */
    STORE_COLLECTIONS, /* name -> record_collection */
    STORE_DROPPED,     /* number of a dropped collection, or collection and space, whose
                          rows remain -> nothing */
    STORE_POINTS,      /* collection, id -> record_point */
    STORE_SYSTEM,      /* collection, id -> source */
    STORE_HASHES,      /* content hash, collection, id -> nothing */
    STORE_SPACES,      /* collection, space -> record_space */
    STORE_LIVE,        /* collection, space, block -> live bits */
    STORE_SLOTS,       /* collection, space, chunk -> ids */
    STORE_VECTORS,     /* collection, space, chunk -> vectors */
    STORE_ALIASES,     /* another name of a collection -> its name */
    STORE_METADATA,    /* collection -> JSON object */
    STORE_INDEXES,     /* collection, index -> its definition; collection -> the number
                          of the next one */
    STORE_TERMS,       /* collection, index, value, id -> what the index keeps of it */
    STORE_TEXTS,       /* collection, id, space -> what its vector was made from */
    STORE_TABLES
};

struct store;

struct store_options {
    const char *folder;
    bool write;
    bool create;      /* with write */
    size_t map_bytes; /* 0: LIMIT_MAP_BYTES; for tests of a full map */
};

/* Opens the folder's data.mdb, checked as store_check.h says. One of an earlier format
 * gets its missing tables where it is opened for writing, in one transaction; one opened
 * for reading only is read as if they were empty. ERR_NOT_FOUND, ERR_CORRUPT,
 * ERR_VERSION, ERR_IO, ERR_FULL; ERR_BUSY where this process has it open already. *out
 * is NULL then. */
enum err store_open(struct store **out, const struct store_options *options) ERR_CHECK;

/* With no transaction open. Accepts NULL. */
void store_close(struct store *store);

/* What the database says of itself, as it was at opening. */
const struct record_format *store_format(const struct store *store);

/* Frees the pages that readers held who died. At opening, and now and then. */
enum err store_drop_dead_readers(struct store *store) ERR_CHECK;

/* Bytes of data.mdb that hold something. */
enum err store_size(struct store *store, size_t *bytes) ERR_CHECK;

/* Reads every page in use, which opening does not. ERR_CORRUPT says which is bad. */
enum err store_check(struct store *store) ERR_CHECK;

/* The pinned name of a table. */
const char *store_table_name(enum store_table table);

/* Writes a copy without free pages to `path`, which must not be there, durably. A
 * writer may go on meanwhile. On failure the file is gone. ERR_IO, ERR_FULL. */
enum err store_copy(struct store *store, const char *path) ERR_CHECK;

/*
 * Puts the file `path` in the place of the folder's data.mdb, which must be closed in
 * this process and held by the writer's lock. Other processes keep those who come away
 * for that moment; one that has the database open already has to leave first: ERR_BUSY,
 * and nothing is changed. ERR_IO.
 */
enum err store_replace(const char *folder, const char *path) ERR_CHECK;

/* ---- Transactions ---- */

struct txn {
    struct store *store;
    MDB_txn *mdb;  /* NULL: not open */
    bool map_full; /* a write failed for want of room in the map */
    bool jumps;    /* store_expect_jumps was called */

    /* Of a write that shares its commit with others (commit.h). */
    size_t n_bytes; /* written so far, about */
    size_t room;    /* that may be written; 0: any */
    bool too_large; /* a write failed since it was more */
};

/* Begins a reading transaction: the database as of now. */
enum err store_read(struct store *store, struct txn *txn) ERR_CHECK;

/* Ends it; accepts one that is not open. */
void store_end(struct txn *txn);

/* Until the transaction ends, the system is not to read around each page that comes from
 * the disk: for a few rows here and there, of a file that turned out not to be in
 * memory. (It may be set to read megabytes around each, and would read all of a large
 * file for a few hundred rows.) `inside` is any value of the map. Advice, for all
 * threads. */
void store_expect_jumps(struct txn *txn, const void *inside);

typedef enum err store_body(struct txn *txn, void *arg);

/*
 * Runs `body` in a writing transaction and commits it durably where it returns ERR_OK;
 * otherwise nothing is changed and its result is passed on. Where the map is full it is
 * grown and `body` runs again, so body must start from its arguments each time.
 *
 * Writes of several threads at once share one commit, each in a transaction of its own
 * within it (commit.h): `body` may run on another thread that writes, while this one
 * waits, and must not take for its own what belongs to a thread.
 */
enum err store_update(struct store *store, store_body *body, void *arg) ERR_CHECK;

/* ---- Single rows ---- */

/* The key of record_format in STORE_META. */
static inline struct bytes store_format_key(void)
{
    return (struct bytes){"format", 6};
}

static inline struct bytes store_key(const struct record_key *key)
{
    return (struct bytes){key->data, key->n};
}

/* value->data is NULL where there is no such row. */
enum err store_get(struct txn *txn, enum store_table table, struct bytes key,
                   struct bytes *value) ERR_CHECK;

/* Writes or replaces. `value` must not point into the map. */
enum err store_put(struct txn *txn, enum store_table table, struct bytes key,
                   struct bytes value) ERR_CHECK;

/* Writes a row whose key is behind all others of its table, on pages filled to the
 * brim. ERR_CORRUPT where it is not behind them. */
enum err store_append(struct txn *txn, enum store_table table, struct bytes key,
                      struct bytes value) ERR_CHECK;

/* Writes what the database says of itself. */
enum err store_put_format(struct txn *txn, const struct record_format *format)
    ERR_CHECK;

/* One that is not there is fine. */
enum err store_delete(struct txn *txn, enum store_table table, struct bytes key)
    ERR_CHECK;

/* How many rows the table has; LMDB knows, whatever their number. */
enum err store_count_rows(struct txn *txn, enum store_table table, size_t *n) ERR_CHECK;

/* ---- Walks over rows with one prefix, in the order of keys ---- */

struct cursor {
    struct txn *txn;
    MDB_cursor *mdb; /* NULL: not open */
    struct bytes prefix;
    struct bytes key, value; /* of the row we stand on; key.data NULL: past the end */
};

/* Opens a cursor and stands on the first row whose key begins with `prefix`, which must
 * stay where it is. On failure the cursor is not open. */
enum err cursor_open(struct txn *txn, enum store_table table, struct bytes prefix,
                     struct cursor *cursor) ERR_CHECK;

/* Stands on the first row with the prefix and a key of at least `key`. */
enum err cursor_seek(struct cursor *cursor, struct bytes key) ERR_CHECK;
enum err cursor_next(struct cursor *cursor) ERR_CHECK;

/* The same backwards: on the last row with the prefix and a key less than `key`. */
enum err cursor_seek_before(struct cursor *cursor, struct bytes key) ERR_CHECK;
enum err cursor_previous(struct cursor *cursor) ERR_CHECK;

/* Deletes the row we stand on and stands on the next. */
enum err cursor_delete(struct cursor *cursor) ERR_CHECK;

/* How many rows have the prefix: all of them are walked over. */
enum err store_count(struct txn *txn, enum store_table table, struct bytes prefix,
                     size_t *n) ERR_CHECK;

/* Before the transaction ends. Accepts one that is not open. */
void cursor_close(struct cursor *cursor);

#endif
