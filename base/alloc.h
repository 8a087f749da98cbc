/*
 * alloc.h - all memory comes through here.
 *
 * Tests can count allocations and make the n-th one fail (alloc_fail_after), which is
 * how every out-of-memory path is walked. Functions return NULL when memory is short
 * and set the error detail; the caller returns ERR_NOMEM.
 *
 * Every function may be called on any thread.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* `n` items of `size` bytes, not cleared; NULL if short of memory or n * size
 * overflows. n == 0 gives a pointer that may be freed and not read. */
void *alloc_array(size_t n, size_t size);

/* The same, cleared to zero. */
void *alloc_zero(size_t n, size_t size);

/* Resizes `old` (NULL: a new one) to `n` items; on failure `old` stays as it was. */
void *alloc_resize(void *old, size_t n, size_t size);

/* `old`, which has room for *capacity items, with room for `n`: itself, or a copy of at
 * least twice the room, and *capacity says how much. NULL leaves both as they were. */
void *alloc_grow(void *old, size_t *capacity, size_t n, size_t size);

/* `n` bytes at an address divisible by 64, for vectors; freed with alloc_free. */
void *alloc_aligned(size_t n);

/* A copy of `s`; alloc_dup_n copies `n` bytes and ends them with a NUL. */
char *alloc_dup(const char *s);
char *alloc_dup_n(const char *s, size_t n);

/* Accepts NULL. */
void alloc_free(void *p);

/* For tests: lets `n` allocations of this process succeed and every later one fail
 * until called again; a negative `n` turns this off. */
void alloc_fail_after(long n);

#endif
