/*
 * builder.h - the two threads of a writing process that do the slow work which no
 * request should wait for. One gives room back: collection.h takes back the rows of
 * dropped collections, payload_index.h finishes indexes, move.h empties what is mostly dead. The other makes segments:
 * seal.h builds, sweep.h deletes old files. They are two because a build takes minutes,
 * and what dies meanwhile would pile up in the store, whose file never shrinks.
 *
 *     TRY(builder_start(&builder, db));
 *     builder_wake(builder);            // after each commit
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

/* Starts the threads, which look for work at once. */
enum err builder_start(struct builder **out, struct duet *db) ERR_CHECK;

/* Something was written, and no transaction is open in this thread. Returns at once,
 * but while vectors are moved (move.h) takes turns with that, four of its transactions to
 * one; and
 * where more is dead than lives, waits until they are moved, or the file would grow
 * without need. Two seconds at the most. Accepts NULL. */
void builder_wake(struct builder *builder);

/* Waits until nothing is due. The result is that of the last pass: after a failure it is
 * not tried again before the next wake. */
enum err builder_wait(struct builder *builder) ERR_CHECK;

/* Waits likewise, then ends the threads and frees. Accepts NULL. */
void builder_stop(struct builder *builder);

#endif
