/*
 * payload_rows.h - keeps the rows of a collection's indexes in step with its points,
 * within one transaction.
 *
 *     struct payload_rows rows;
 *     TRY(payload_rows_open(&rows, txn, collection.number));
 *     TRY_OUT(payload_rows_change(&rows, id, before, after));   // payloads as JSON text
 *     TRY_OUT(payload_rows_finish(&rows));
 *     ...
 *     payload_rows_release(&rows);
 *
 * Only rows of values that come or go are touched. Threads: as the transaction's.
 */
#ifndef DB_PAYLOAD_ROWS_H
#define DB_PAYLOAD_ROWS_H

#include "db/payload_terms.h"

struct payload_rows {
    struct txn *txn;
    uint32_t collection;
    struct payload_indexes indexes;
    bool changed[LIMIT_INDEXES_MAX]; /* whose count did */
    struct terms before, after;
};

/* On failure there is nothing to release. */
enum err payload_rows_open(struct payload_rows *rows, struct txn *txn,
                           uint32_t collection) ERR_CHECK;

/* The payload of a point changes; data NULL: it was not there, or goes. Both are read
 * before anything is written, so that they may be in the map. */
enum err payload_rows_change(struct payload_rows *rows, struct duet_id id,
                             struct bytes before, struct bytes after) ERR_CHECK;

/* Writes the definitions whose counts have changed. */
enum err payload_rows_finish(struct payload_rows *rows) ERR_CHECK;

/* Accepts a zeroed one. */
void payload_rows_release(struct payload_rows *rows);

#endif
