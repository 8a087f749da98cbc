/*
 * verify.h - the parts of duet_verify: one file looks at the tables (verify.c), one at
 * the points and vectors of a collection (verify_points.c), one at its payload indexes
 * (verify_indexes.c), one at the files beside data.mdb (verify_files.c).
 *
 * Each function tells what it finds by verify_tell and goes on; it fails only where it
 * cannot look. One thread.
 */
#ifndef DB_VERIFY_H
#define DB_VERIFY_H

#include "db/database.h"
#include "db/duet_keep.h"

struct verify {
    struct duet *db;
    const struct duet_check_options *options;
    struct duet_check_result *result;
    struct txn txn;
    char collection[LIMIT_NAME_BYTES + 1]; /* at hand; "" for the whole database */
    struct record_collection record;       /* of it */
    /* Hashes of pictures with files of their own that had no thumbnail when we came by:
     * [n, DB_HASH_BYTES]. A writer puts it after its commit, so we look again. */
    struct buf bare;
    struct buf uploads; /* the same of uploads whose own bytes were not there */
};

/* Tells of something. `id` may be NULL. */
void verify_tell(struct verify *v, enum duet_finding_kind kind,
                 const struct duet_id *id, const char *fmt, ...) ERR_PRINTF(4, 5);

/* Passes on what is no news of the database's soundness (short memory, a disk that does
 * not read) and tells the rest: the detail, of this kind. */
enum err verify_outcome(struct verify *v, enum err result, enum duet_finding_kind kind,
                        const struct duet_id *id) ERR_CHECK;

/* The points of the collection at hand, its spaces and sources. */
enum err verify_points(struct verify *v) ERR_CHECK;

/* Its payload indexes. */
enum err verify_indexes(struct verify *v) ERR_CHECK;

/* One of them, in a transaction of the caller's; *sound: nothing was told. */
struct payload_index;
struct payload_indexes;
enum err verify_index(struct verify *v, struct txn *txn,
                      const struct payload_index *index, bool *sound) ERR_CHECK;

/* Calls `found` for the number of each index that has rows and is not there. */
typedef enum err verify_stray(struct txn *txn, uint32_t collection, uint16_t number);
enum err verify_stray_indexes(struct verify *v, struct txn *txn,
                              const struct payload_indexes *indexes,
                              verify_stray *found) ERR_CHECK;

/* Segments named by the state of a space of the collection at hand. */
enum err verify_segments(struct verify *v, size_t space,
                         const struct record_space *state) ERR_CHECK;

/* media/, segments/ and what a crash left; with no transaction open. */
enum err verify_files(struct verify *v) ERR_CHECK;

#endif
