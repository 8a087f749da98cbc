/*
 * json_reader.h - JSON read where it stands, value by value, for files whose tree would
 * be many times their size: the vocabulary of a tokenizer has a million small values.
 *
 *     struct json_reader r;
 *     json_reader_init(&r, text, n);
 *     TRY(json_reader_open(&r, '{'));
 *     for (size_t i = 0;; i++) {
 *         bool more;
 *         TRY(json_reader_more(&r, '}', i, &more));
 *         if (!more) {
 *             break;
 *         }
 *         TRY(json_reader_key(&r, &key));
 *         TRY(json_reader_size(&r, &value));
 *     }
 *
 * The text must be valid UTF-8 (utf8_valid) and outlive the reader. Every function
 * moves behind what it read; ERR_INVALID says what was expected and at which byte. One
 * thread at a time.
 */
#ifndef BASE_JSON_READER_H
#define BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct json_reader {
    const char *text; /* [n], not owned */
    size_t n, at;
};

/* A value left unread: its bytes within the reader's text. */
struct json_span {
    const char *text; /* NULL: there is none */
    size_t n;
};

void json_reader_init(struct json_reader *r, const char *text, size_t n);

/* The next byte that is not white space, not moved over; NUL at the end. */
char json_reader_peek(struct json_reader *r);

/* Moves over `bracket`, one of "{[". */
enum err json_reader_open(struct json_reader *r, char bracket) ERR_CHECK;

/* Whether another element stands before `bracket`, one of "}]"; moves over the comma
 * before it, or over the bracket. `i` elements have been read. */
enum err json_reader_more(struct json_reader *r, char bracket, size_t i, bool *more)
    ERR_CHECK;

/* A string in place of what `out` held; it may hold NULs. ERR_LIMIT by `out`. */
enum err json_reader_string(struct json_reader *r, struct buf *out) ERR_CHECK;

/* The same and the colon behind it. */
enum err json_reader_key(struct json_reader *r, struct buf *out) ERR_CHECK;

/* A whole number, 0 or more. */
enum err json_reader_size(struct json_reader *r, size_t *out) ERR_CHECK;

/*
 * A number as Rust's serde_json reads it: digits into 64 bits, then one product or
 * quotient with a power of ten, so at times one unit in the last place off the nearest
 * double. Scores are compared with each other, and must tie where they tie there.
 * A number past the range of a double is ERR_INVALID.
 */
enum err json_reader_double(struct json_reader *r, double *out) ERR_CHECK;

/* Any value, unread and only checked for balanced brackets and closed strings, at most
 * LIMIT_JSON_DEPTH deep. */
enum err json_reader_skip(struct json_reader *r, struct json_span *out) ERR_CHECK;

/* ERR_INVALID where more than white space is left. */
enum err json_reader_end(struct json_reader *r) ERR_CHECK;

#endif
