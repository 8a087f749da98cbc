/*
 * read_ahead.c - see read_ahead.h.
 */
#include "db/read_ahead.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    /* A chunk of 64 vectors takes some ten microseconds from memory, and a millisecond
     * from a disk that has to look for it. */
    COLD_NS = 300000,
    CHUNKS_AHEAD = 64 /* six megabytes at 384 floats */
};

void read_ahead_bytes(const void *at, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)at / page * page;
    madvise((void *)begin, (uintptr_t)at - begin + n, MADV_WILLNEED);
}

/* Announces the chunk that the cursor in front stands on, and goes on. */
static enum err step(struct read_ahead *ahead)
{
    uint32_t chunk;
    if (ahead->cursor.key.data == NULL) {
        return ERR_OK;
    }
    TRY(record_key_number(ahead->cursor.key, &chunk));
    if (chunk >= ahead->end) {
        ahead->cursor.key.data = NULL;
        return ERR_OK;
    }
    read_ahead_bytes(ahead->cursor.value.data, ahead->cursor.value.n);
    return cursor_next(&ahead->cursor);
}

static enum err begin(struct read_ahead *ahead, const struct vector_space *in,
                      uint32_t chunk)
{
    struct record_key start = record_key_chunk(in->collection, in->space, chunk);
    ahead->prefix = record_key_space(in->collection, in->space);
    TRY(cursor_open(in->txn, STORE_VECTORS, store_key(&ahead->prefix), &ahead->cursor));
    ahead->begun = true;
    TRY(cursor_seek(&ahead->cursor, store_key(&start)));
    for (size_t i = 0; i < CHUNKS_AHEAD; i++) {
        TRY(step(ahead));
    }
    return ERR_OK;
}

enum err read_ahead_of_chunk(struct read_ahead *ahead, const struct vector_space *in,
                             uint32_t chunk, uint32_t end)
{
    if (ahead->begun) {
        return step(ahead);
    }
    uint64_t now = clock_monotonic_ns();
    bool is_cold = ahead->last_ns != 0 && now - ahead->last_ns > COLD_NS;
    ahead->last_ns = now;
    ahead->end = end;
    return is_cold ? begin(ahead, in, chunk) : ERR_OK;
}

void read_ahead_close(struct read_ahead *ahead)
{
    if (ahead->begun) {
        cursor_close(&ahead->cursor);
    }
}
