/*
 * arena.h - many small blocks of memory that go away together.
 *
 *     struct arena arena = ARENA_EMPTY;
 *     struct thing *things = arena_array(&arena, n, sizeof *things);
 *     ...
 *     arena_release(&arena);
 *
 * For trees that are built once and freed whole: no part of them needs an owner. One
 * thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *last; /* owned, each pointing to the one before it */
};

#define ARENA_EMPTY ((struct arena){NULL})

/* `n` items of `size` bytes, cleared to zero; NULL as alloc_zero. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/* Frees all blocks; the arena is empty afterwards. */
void arena_release(struct arena *arena);

#endif
