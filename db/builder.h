/*
 * builder.h - the thread of a writing process that seals segments, and does the other
 * slow work that no request should wait for: seal.h builds, collection.h takes back the
 * rows of dropped collections, payload_index.h gives rows to points that were there first, sweep.h deletes old files.
 *
 *     TRY(builder_start(&builder, db));
 *     builder_wake(builder);            // after each commit; cheap
 *     ...
 *     builder_stop(builder);            // finishes what is due
 *
 * Threads: builder_wake and builder_wait from any.
 */
#ifndef DB_BUILDER_H
#define DB_BUILDER_H

#include "base/error.h"

struct builder;
struct duet;

/* Starts the thread, which looks for work at once. */
enum err builder_start(struct builder **out, struct duet *db) ERR_CHECK;

/* Something was written. Accepts NULL. */
void builder_wake(struct builder *builder);

/* Waits until nothing is due. The result is that of the last build: after a failure it
 * is not tried again before the next wake. */
enum err builder_wait(struct builder *builder) ERR_CHECK;

/* Waits likewise, then ends the thread and frees. Accepts NULL. */
void builder_stop(struct builder *builder);

#endif
