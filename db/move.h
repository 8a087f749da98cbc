/*
 * move.h - moving vectors out of what is mostly dead, so that its room comes back.
 *
 * A slot is never used again, and a chunk of 64 slots goes when all of it is dead: of
 * points that are deleted or updated here and there, chunks are left of which a few
 * slots live. So the vectors of a chunk of which no more than eleven in sixteen live are
 * written again, into new slots, as any update writes them; the chunk is dead then and
 * goes. The same is done to all chunks of a segment, or of the unsealed rest, where no
 * more than half of the slots live: an index has the dead in it as well.
 *
 * So for each vector that dies no more than eleven in five are moved out of chunks, at
 * some time; and, but for what is too little to be worth it, more than eleven in sixteen
 * of what is kept live. A point's record changes with its slots in one transaction, of
 * at most 256 vectors (and the rest of a chunk); searches go on beside it, in the state
 * before or after. A crash leaves some moved and the others not.
 *
 * Threads: one at a time, the builder's, or duet_compact's own.
 */
#ifndef DB_MOVE_H
#define DB_MOVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct duet;
struct mover;

/* What is due, as found by one look over all collections. */
struct move_todo {
    struct mover *movers; /* [n], owned */
    size_t n;
    bool is_much; /* more than what lives, somewhere: the writers are faster than the
                     moving, and had better wait */
    /* Called after each transaction of move_run; may be NULL. */
    void (*moved)(void *arg);
    void *arg;
};

/* Looks: for everything there is, or, without `all`, only where it gives back an eighth
 * of what lives and 256 slots at least. ERR_NOMEM, ERR_IO; then there is nothing to
 * release. */
enum err move_find(struct move_todo *todo, struct duet *db, bool all) ERR_CHECK;

/* Moves it; *n_moved counts the vectors. A collection that is damaged is left alone and
 * told of in the log. ERR_NOMEM, ERR_IO, ERR_FULL, ERR_LIMIT: what was moved stays
 * moved. */
enum err move_run(struct move_todo *todo, size_t *n_moved) ERR_CHECK;

/* Accepts a zeroed one. */
void move_todo_release(struct move_todo *todo);

#endif
