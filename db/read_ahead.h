/*
 * read_ahead.h - telling the system which parts of the map are about to be read, where
 * they turn out to be on disk.
 *
 * The system reads ahead by itself where one page follows another. Candidates of an
 * index do not, nor do the chunks of a space whose points were updated for long: each
 * lies in a run of pages of its own, somewhere in the file, and a disk that is asked for
 * one at a time spends its time waiting. What is in memory costs nothing here: the
 * clock tells the difference, and only then anything is announced.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_READ_AHEAD_H
#define DB_READ_AHEAD_H

#include "db/vectors.h"

/* Bytes of the map that will be read soon. Advice: nothing comes of it where it fails. */
void read_ahead_bytes(const void *at, size_t n);

/* A walk over chunks with another one some chunks in front of it. Zero at first; not to
 * be moved once it has begun. */
struct read_ahead {
    bool begun;
    uint64_t last_ns; /* when the chunk before was read */
    uint32_t end;
    struct record_key prefix;
    struct cursor cursor; /* in front */
};

/* Before chunk number `chunk` of the walk up to `end` is read, for each. ERR_CORRUPT. */
enum err read_ahead_of_chunk(struct read_ahead *ahead, const struct vector_space *in,
                             uint32_t chunk, uint32_t end) ERR_CHECK;

/* Accepts a zeroed one. */
void read_ahead_close(struct read_ahead *ahead);

#endif
