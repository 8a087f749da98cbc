/*
 * buffer.h - a growing run of bytes that is born with its maximum.
 *
 *     struct buf text;
 *     buf_init(&text, LIMIT_PAYLOAD_BYTES);
 *     TRY_OUT(buf_printf(&text, "%zu points", n));
 *     ...
 *     buf_release(&text);
 *
 * Invariants: `data` is never NULL and data[size] is always NUL, so a buffer of text
 * can be read as a string at any time. One thread at a time.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

#include "base/error.h"

struct buf {
    char *data;      /* [size + 1]; owned by the buffer */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated, 0 before the first append */
    size_t max_size; /* `size` never grows past this */
};

/* Makes an empty buffer of at most `max_size` bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max_size);

/* Frees the bytes; the buffer is empty afterwards and may be used again. */
void buf_release(struct buf *b);

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);

/* Appends `n` bytes. ERR_LIMIT or ERR_NOMEM leave the buffer as it was. */
enum err buf_append(struct buf *b, const void *bytes, size_t n) ERR_CHECK;

/* Appends a formatted string, without its NUL. The same errors. */
enum err buf_printf(struct buf *b, const char *fmt, ...) ERR_CHECK ERR_PRINTF(2, 3);

/* Makes room for `n` more bytes and returns where they begin; the caller fills them
 * and then adds to `size`. NULL where buf_append would fail. */
char *buf_reserve(struct buf *b, size_t n);

/* Hands the bytes to the caller, who frees them with alloc_free; the buffer is empty
 * afterwards. NULL if memory is short. */
char *buf_take(struct buf *b);

#endif
