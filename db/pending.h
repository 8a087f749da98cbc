/*
 * pending.h - removals by filter that take several transactions, noted with the first of
 * them, so that one which a crash cut off is finished by the next writer.
 *
 *     struct pending p = {.number = 0, .collection = c.number, .from = id, .filter = f};
 *     TRY(pending_put(txn, &p));        // with each transaction but the last
 *     TRY(pending_delete(txn, &p));     // with the last
 *
 * A row of the table meta each. Threads: as the transaction's.
 */
#ifndef DB_PENDING_H
#define DB_PENDING_H

#include "db/store.h"

struct duet;

struct pending {
    uint32_t number;     /* of the row; 0: none yet */
    uint32_t collection; /* its number */
    struct duet_id from; /* points before this one were looked at */
    const char *filter;  /* JSON */
};

/* Writes or replaces the row; p->number is set where there was none. */
enum err pending_put(struct txn *txn, struct pending *p) ERR_CHECK;
enum err pending_delete(struct txn *txn, const struct pending *p) ERR_CHECK;

/* The first row behind number `after`; `filter`, which is cleared, holds what p->filter
 * points to. p->number is 0 where there is none; ERR_CORRUPT: that row, whose number is
 * set, makes no sense. */
enum err pending_next(struct txn *txn, uint32_t after, struct buf *filter,
                      struct pending *p) ERR_CHECK;

/* Finishes what is noted: for a writer that has just opened the database, before anybody
 * can write a point that an old filter would match. What cannot be finished is told in
 * the log and stays noted. */
void pending_finish(struct duet *db);

/* Goes on with one of them (point_where.c). */
enum err pending_go_on(struct duet *db, const char *collection, const struct pending *p)
    ERR_CHECK;

#endif
