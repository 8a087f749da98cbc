/*
 * writer_lock.h - one process at a time may write a database.
 *
 * The lock is a flock on the file `writer.lock` in the database's folder. The kernel
 * gives it back when its holder dies, however that happens. The file's text is one
 * line, "PID URL", for whoever finds it taken; the URL is empty unless the holder
 * serves.
 *
 * Threads: one at a time.
 */
#ifndef DB_WRITER_LOCK_H
#define DB_WRITER_LOCK_H

#include "base/error.h"

struct writer_lock {
    int fd; /* -1: not held */
};

/* Takes the lock or fails at once: ERR_BUSY, naming the holder; ERR_IO. */
enum err writer_lock_take(struct writer_lock *lock, const char *folder) ERR_CHECK;

/* Writes `url` into the lock's file; NULL: none. */
enum err writer_lock_announce(struct writer_lock *lock, const char *url) ERR_CHECK;

/* Accepts one that is not held. */
void writer_lock_release(struct writer_lock *lock);

#endif
