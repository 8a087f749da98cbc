/*
 * commit.h - writes of many threads, a group of them to a commit.
 *
 *     struct commits commits;
 *     commits_init(&commits);
 *     TRY(commits_run(&commits, store, body, arg));     // store_update
 *     ...
 *     commits_release(&commits);
 *
 * A commit waits for the disk, once, however much it holds. So writes queue up, and the
 * one in front, the leader, runs all that are there in one transaction on its own thread
 * while their threads wait: its own body at the bottom, each of the others in a
 * transaction nested in it, which is undone by itself where the body fails. Then it
 * commits, and everybody learns of the result. Who comes meanwhile is the next group;
 * nobody waits for company, so that a lone write costs what it did without groups.
 *
 * - A body that fails hurts nobody. The leader's own body has nothing before it to hurt:
 *   its transaction is given up, and the next in the queue leads.
 * - Where the commit fails, all of its group have failed, also those whose bodies had:
 *   what they found wrong may have been a neighbour's, which is not there now.
 * - A nested body that fills the map, or writes more than is left of
 *   LIMIT_COMMIT_BYTES, is undone and leads the next group, where it has all the room
 *   there is. So nothing nested is ever large: LMDB copies what a nested transaction
 *   changes, and gives pages that do not fit into memory to the disk before the commit.
 *
 * Threads: commits_run on any number; a thread's detail is that of its own write.
 */
#ifndef DB_COMMIT_H
#define DB_COMMIT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;
struct txn;

struct commit_write;

struct commits {
    pthread_mutex_t mutex; /* over what follows, and the links between writes */
    struct commit_write *first, *last; /* the first leads; NULL: nobody writes */
    uint64_t gather_ns;                /* LIMIT_COMMIT_MS; tests say more */
    uint64_t n_writes, n_commits;      /* so far, for tests and benchmarks */
};

void commits_init(struct commits *commits);
void commits_release(struct commits *commits);

/* Writes that wait or run, counted under the lock, which the caller holds. */
size_t commits_waiting(const struct commits *commits);

/* What store_update says. */
enum err commits_run(struct commits *commits, struct store *store,
                     enum err (*body)(struct txn *txn, void *arg), void *arg) ERR_CHECK;

#endif
