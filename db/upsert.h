/*
 * upsert.h - points as users give them become points as the store takes them: all that
 * can be done before the transaction, which is most of the work.
 *
 *     struct upsert *u;
 *     TRY(upsert_prepare(&u, db, "default", points, n));
 *     ... in a transaction: edit_write(&edit, upsert_write(u, i)) ...
 *     upsert_keep_thumbnails(u);          // after its commit
 *     upsert_release(u);
 *
 * Threads: one at a time; encoding takes more of its own.
 */
#ifndef DB_UPSERT_H
#define DB_UPSERT_H

#include "db/record.h"

struct upsert;

#define UPSERT_ONLY_OPERATION SIZE_MAX

struct upsert_point {
    const struct duet_point_input *input;
    bool vectors_only; /* what it does not give stays as it is */
    /* For the detail of an error: the point's number, and that of its operation, which
     * is UPSERT_ONLY_OPERATION where there is no other. */
    size_t operation, i;
};

/* Looks over and encodes points[n], which must stay until the release. On failure *out
 * is NULL. Errors as duet_upsert. */
enum err upsert_prepare(struct upsert **out, struct duet *db, const char *collection,
                        const struct upsert_point *points, size_t n) ERR_CHECK;

/* The collection as it was then: whoever writes must see that its spaces are still
 * those. */
const struct record_collection *upsert_collection(const struct upsert *u);

/* The i-th point, to be written. */
struct db_write *upsert_write(struct upsert *u, size_t i);

/* The i-th point is not written: its picture is not kept, the content hash joins
 * `orphans`. */
enum err upsert_skip(struct upsert *u, size_t i, struct buf *orphans) ERR_CHECK;

/* After the commit. */
void upsert_keep_thumbnails(struct upsert *u);

/* Accepts NULL. */
void upsert_release(struct upsert *u);

#endif
