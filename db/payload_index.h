/*
 * payload_index.h - the indexes of a collection's payloads: which there are, and their
 * rows.
 *
 *     struct payload_indexes indexes;
 *     TRY(payload_indexes_load(&indexes, &txn, collection.number));
 *     const struct payload_index *ix = payload_indexes_find(&indexes, &path);
 *     if (ix != NULL && ix->ready) {
 *         struct index_walk walk;
 *         TRY_OUT(index_walk_open(&walk, &txn, collection.number, ix, NULL));
 *         for (TRY_OUT(index_walk_next(&walk)); walk.found; ...) {
 *             ... walk.value, walk.id ...
 *         }
 *         index_walk_close(&walk);
 *     }
 *     payload_indexes_release(&indexes);
 *
 * A row is a value and the id of a point that has it; rows come in the order of values,
 * those of one value in the order of ids. db/edit.c keeps them in step with the points,
 * in the same transaction. Points that were there before an index get their rows in
 * bounded transactions, in the order of ids; until all have them the index is not
 * `ready` and nobody may believe its rows. What it says of words (a text index) holds
 * from its making on.
 *
 * Threads: as the transaction's; definitions do not change once they are loaded.
 */
#ifndef DB_PAYLOAD_INDEX_H
#define DB_PAYLOAD_INDEX_H

#include "base/json_number.h"
#include "db/datetime.h"
#include "db/geo.h"
#include "db/payload_path.h"
#include "db/payload_pick.h"
#include "db/store.h"
#include "db/words.h"

struct payload_index {
    uint16_t number; /* never used twice in a collection */
    enum duet_index_kind kind;
    bool ready;
    struct duet_id next; /* where not ready: points from this id on have no rows yet */
    uint64_t n_points;   /* with a value of the kind */
    const char *field;   /* as it was given */
    struct payload_path path;
    const char
        *params; /* the dialect's, a JSON object; NULL: only the kind was named */
    struct words_how how; /* of a text index */
};

struct payload_indexes {
    struct arena arena;
    struct payload_index *items; /* [n], by number */
    size_t n;
    struct payload_keys picks; /* the members of a payload that they are about */
};

/* All of a collection. On failure there is nothing to release. */
enum err payload_indexes_load(struct payload_indexes *out, struct txn *txn,
                              uint32_t collection) ERR_CHECK;
void payload_indexes_release(struct payload_indexes *indexes);

/* The one on that field; NULL where there is none. */
const struct payload_index *payload_indexes_find(const struct payload_indexes *indexes,
                                                 const struct payload_path *path);

/* Whether a row of the table of indexes can be read. ERR_CORRUPT and others. */
enum err payload_index_check(struct bytes key, struct bytes value) ERR_CHECK;

/* Writes the definition. */
enum err payload_index_put(struct txn *txn, uint32_t collection,
                           const struct payload_index *index) ERR_CHECK;

/* Whether points of that id have their rows. */
static inline bool payload_index_covers(const struct payload_index *index,
                                        struct duet_id id)
{
    return index->ready || duet_id_compare(id, index->next) < 0;
}

/* Gives points their rows until every index of the database is ready; where another
 * thread is at it as well, both do. */
enum err payload_indexes_build(struct store *store) ERR_CHECK;

/* Begins the index again under another number; the rows it has go. For repairs. */
enum err payload_index_begin_again(struct txn *txn, uint32_t collection,
                                   const struct payload_index *index) ERR_CHECK;

/* ---- Rows ---- */

enum { INDEX_ROW_MAX = 256 }; /* bytes of a row's key */

/* The key of a row; a row has no value of its own. */
struct index_row {
    uint8_t data[INDEX_ROW_MAX];
    size_t n;
};

/* `id` NULL: the beginning of the keys of all points that have the value. `value` is one
 * of payload_terms.h. */
struct index_row index_row_of(uint32_t collection, uint16_t index_number,
                              struct bytes value, const struct duet_id *id);

struct index_walk_options {
    bool descending;   /* values; ids of one value then descend as well */
    struct bytes from; /* begin at this value (payload_terms.h); n 0: at the end */
};

struct index_walk {
    bool found;
    struct bytes value; /* in the map: good until the next call or write */
    struct duet_id id;

    /* Private. */
    const struct payload_index *index;
    struct cursor cursor;
    struct record_key prefix;
    bool descending, begun;
};

/* `options` NULL: all zero. Nothing is found yet. Must not be moved while it is open. On
 * failure there is nothing to close. */
enum err index_walk_open(struct index_walk *walk, struct txn *txn, uint32_t collection,
                         const struct payload_index *index,
                         const struct index_walk_options *options) ERR_CHECK;
enum err index_walk_next(struct index_walk *walk) ERR_CHECK;

/* Accepts a zeroed one. */
void index_walk_close(struct index_walk *walk);

/* What the value of a row is. */
struct index_value {
    enum duet_index_kind kind;
    struct json_number number; /* integer and float: both have both kinds of numbers */
    bool flag;
    struct datetime time;
    uint8_t uuid[16];
    struct geo_point place;
    bool
        whole; /* of a keyword or text: not only its beginning (term_string reads it) */
};
struct index_value index_value_of(enum duet_index_kind kind, struct bytes value);

#endif
