/*
 * buffer.c - see buffer.h. Capacity doubles, so n appends cost O(n) copies.
 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static char empty[1] = ""; /* what `data` points to before the first append */

void buf_init(struct buf *b, size_t max_size)
{
    *b = (struct buf){.data = empty, .max_size = max_size};
}

void buf_release(struct buf *b)
{
    if (b->capacity > 0) {
        alloc_free(b->data);
    }
    buf_init(b, b->max_size);
}

void buf_clear(struct buf *b)
{
    b->size = 0;
    if (b->capacity > 0) {
        b->data[0] = '\0';
    }
}

static enum err grow(struct buf *b, size_t n)
{
    FAIL_IF(n > b->max_size - b->size, ERR_LIMIT, "more than %zu bytes", b->max_size);
    size_t needed = b->size + n + 1;
    if (needed <= b->capacity) {
        return ERR_OK;
    }
    size_t capacity = b->capacity == 0 ? 64 : b->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *data = alloc_resize(b->capacity == 0 ? NULL : b->data, capacity, 1);
    if (data == NULL) {
        return ERR_NOMEM;
    }
    data[b->size] = '\0';
    b->data = data;
    b->capacity = capacity;
    return ERR_OK;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (grow(b, n) != ERR_OK) {
        return NULL;
    }
    b->data[b->size + n] = '\0';
    return b->data + b->size;
}

enum err buf_append(struct buf *b, const void *bytes, size_t n)
{
    TRY(grow(b, n));
    if (n > 0) {
        memcpy(b->data + b->size, bytes, n);
    }
    b->size += n;
    b->data[b->size] = '\0';
    return ERR_OK;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    FAIL_IF(n < 0, ERR_INTERNAL, "a format string failed: %s", fmt);
    TRY(grow(b, (size_t)n));
    va_start(args, fmt);
    vsnprintf(b->data + b->size, (size_t)n + 1, fmt, args);
    va_end(args);
    b->size += (size_t)n;
    return ERR_OK;
}

char *buf_take(struct buf *b)
{
    if (grow(b, 0) != ERR_OK) {
        return NULL;
    }
    char *data = b->data;
    buf_init(b, b->max_size);
    return data;
}
