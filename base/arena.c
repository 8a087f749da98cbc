/*
 * arena.c - see arena.h.
 */
#include "base/arena.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/error.h"

/* What is before the bytes of a block; as large as the strictest alignment. */
struct arena_block {
    struct arena_block *before;
    max_align_t items[];
};

void *arena_array(struct arena *arena, size_t n, size_t size)
{
    if (size != 0 && n > (SIZE_MAX - sizeof(struct arena_block)) / size) {
        err_set(ERR_NOMEM, "out of memory");
        return NULL;
    }
    struct arena_block *block = alloc_zero(1, sizeof *block + n * size);
    if (block == NULL) {
        return NULL;
    }
    block->before = arena->last;
    arena->last = block;
    return block->items;
}

void arena_release(struct arena *arena)
{
    while (arena->last != NULL) {
        struct arena_block *block = arena->last;
        arena->last = block->before;
        alloc_free(block);
    }
}
