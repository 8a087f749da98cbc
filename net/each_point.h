/*
 * each_point.h - many points of which a bad one costs the others nothing: they are
 * written in groups, each one transaction, and where a group is refused its points are
 * written one by one.
 *
 *     struct each_point each;
 *     each_point_init(&each, db, "things", tell, &answer);
 *     TRY_OUT(each_point_add(&each, i, &point));       // point's memory is the caller's
 *     TRY_OUT(each_point_flush(&each));
 *
 * One thread.
 */
#ifndef NET_EACH_POINT_H
#define NET_EACH_POINT_H

#include "base/error.h"
#include "base/limits.h"
#include "db/duet.h"

/* Whether an error is the fault of a point, and not of the disk or of the database. */
bool each_point_is_fault(enum err code);

struct each_point {
    struct duet *db;
    const char *collection;
    struct duet_point_input points[LIMIT_IMPORT_GROUP];
    size_t i[LIMIT_IMPORT_GROUP]; /* what each is called by whoever added it */
    size_t n;
    /* Called for each point, in order, once it is on disk or refused: the reason is in
     * the error detail then. */
    void (*tell)(void *arg, size_t i, const struct duet_point_input *point,
                 enum err result);
    void *arg;
};

void each_point_init(struct each_point *each, struct duet *db, const char *collection,
                     void (*tell)(void *arg, size_t i,
                                  const struct duet_point_input *point,
                                  enum err result),
                     void *arg);

/* What the point points to must live until it has been told of. A full group is
 * written. Errors are those that are no point's fault; the points told of as ERR_OK are
 * on disk all the same. */
enum err each_point_add(struct each_point *each, size_t i,
                        const struct duet_point_input *point) ERR_CHECK;

/* Writes what waits. */
enum err each_point_flush(struct each_point *each) ERR_CHECK;

#endif
