/*
 * repair.h - the parts of duet_repair: repair.c goes through the collections and files,
 * repair_points.c makes the derived rows of one collection again, repair_indexes.c sees to
 * its payload indexes.
 */
#ifndef DB_REPAIR_H
#define DB_REPAIR_H

#include "db/verify.h"

/*
 * Inside a writing transaction: makes live bits, slot tables, states of spaces, hashes
 * and counts of v->record again, from its points and sources; tells what it changed.
 * *changed says whether the collection's own record did.
 */
enum err repair_points(struct verify *v, struct txn *txn, bool *changed) ERR_CHECK;

/* After that: begins the payload indexes again that do not agree with the points, and
 * takes out definitions that cannot be read. */
enum err repair_indexes(struct verify *v, struct txn *txn) ERR_CHECK;

#endif
