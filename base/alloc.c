/*
 * alloc.c - see alloc.h. One gate in front of malloc decides whether an allocation may
 * succeed; everything else is size checking.
 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static atomic_long allowed = -1; /* allocations left to succeed; negative: no limit */

static int may_allocate(void)
{
    if (atomic_load_explicit(&allowed, memory_order_relaxed) < 0) {
        return 1;
    }
    if (atomic_fetch_sub(&allowed, 1) > 0) {
        return 1;
    }
    atomic_store(&allowed, 0);
    return 0;
}

static void *report(void *p, size_t n_bytes)
{
    if (p == NULL) {
        (void)err_set(ERR_NOMEM, "out of memory: %zu bytes asked for", n_bytes);
    }
    return p;
}

/* n * size in *total, at least 1; false on overflow. */
static int multiply(size_t n, size_t size, size_t *total)
{
    if (__builtin_mul_overflow(n, size, total) || *total > PTRDIFF_MAX) {
        *total = SIZE_MAX;
        return 0;
    }
    *total += *total == 0;
    return 1;
}

void *alloc_array(size_t n, size_t size)
{
    size_t total;
    if (!multiply(n, size, &total) || !may_allocate()) {
        return report(NULL, total);
    }
    return report(malloc(total), total);
}

void *alloc_zero(size_t n, size_t size)
{
    size_t total;
    if (!multiply(n, size, &total) || !may_allocate()) {
        return report(NULL, total);
    }
    return report(calloc(1, total), total);
}

void *alloc_resize(void *old, size_t n, size_t size)
{
    size_t total;
    if (!multiply(n, size, &total) || !may_allocate()) {
        return report(NULL, total);
    }
    return report(realloc(old, total), total);
}

void *alloc_grow(void *old, size_t *capacity, size_t n, size_t size)
{
    enum { ITEMS_MIN = 32 };
    if (n <= *capacity && old != NULL) {
        return old;
    }
    size_t room = n < SIZE_MAX / 2 && n < 2 * *capacity ? 2 * *capacity : n;
    room = room < ITEMS_MIN ? ITEMS_MIN : room;
    void *grown = alloc_resize(old, room, size);
    if (grown != NULL) {
        *capacity = room;
    }
    return grown;
}

void *alloc_aligned(size_t n)
{
    enum { ALIGNMENT = 64 };
    if (n > PTRDIFF_MAX - ALIGNMENT || !may_allocate()) {
        return report(NULL, n);
    }
    size_t rounded = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return report(aligned_alloc(ALIGNMENT, rounded == 0 ? ALIGNMENT : rounded), n);
}

char *alloc_dup_n(const char *s, size_t n)
{
    char *copy = alloc_array(n + 1, 1);
    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *alloc_dup(const char *s)
{
    return alloc_dup_n(s, strlen(s));
}

void alloc_free(void *p)
{
    free(p);
}

void alloc_fail_after(long n)
{
    atomic_store(&allowed, n);
}
