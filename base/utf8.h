/*
 * utf8.h - Unicode through utf8proc. Any thread.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* Whether `n` bytes are well-formed UTF-8 (no surrogates, nothing overlong). */
bool utf8_valid(const char *text, size_t n);

/* Appends `n` bytes, those that are not well-formed UTF-8 as U+FFFD each: names of
 * files may be anything. ERR_LIMIT, ERR_NOMEM. */
enum err utf8_append_valid(struct buf *out, const char *text, size_t n) ERR_CHECK;

/* Decodes the code point at text[0] into *code_point. Returns its length in bytes, or 0
 * where n == 0 or the bytes there are not well-formed. */
size_t utf8_next(const char *text, size_t n, int32_t *code_point);

/* Encodes into dst[4]; returns the length in bytes. `code_point` must be valid. */
size_t utf8_put(int32_t code_point, char *dst);

/* Whether the code point is a letter or a digit of any script (categories L and N); and
 * its lower-case form, one code point for one. */
bool utf8_is_alnum(int32_t code_point);
int32_t utf8_lower(int32_t code_point);

/* Whether the code point is white space; and whether it is a mark that belongs to the
 * letter before it (categories Mn, Mc and Me). */
bool utf8_is_space(int32_t code_point);
bool utf8_is_mark(int32_t code_point);

/* Whether the code point is of a script that is written without spaces between words:
 * Han, kana, Thai, Lao, Khmer, Burmese. Korean has spaces. */
bool utf8_is_unspaced(int32_t code_point);

/* Whether the code point is a Han ideograph or a radical of one; and whether a text has
 * any, up to the first byte that is not well-formed. */
bool utf8_is_han(int32_t code_point);
bool utf8_has_han(const char *text, size_t n);

#endif
