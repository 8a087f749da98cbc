/*
 * base64.h - base64 (RFC 4648, section 4) and data URIs (RFC 2397) into bytes. Strict:
 * no white space, no foreign characters, padding as it must be. Any thread.
 */
#ifndef NET_BASE64_H
#define NET_BASE64_H

#include <stddef.h>

#include "base/error.h"

/*
 * Decodes text[n] into *bytes, the caller's (alloc_free), *n_bytes long. ERR_INVALID
 * where it is no base64; *bytes is NULL then.
 */
enum err base64_decode(const char *text, size_t n, unsigned char **bytes,
                       size_t *n_bytes) ERR_CHECK;

/*
 * Where the base64 of a data URI ("data:image/png;base64,iVBOR…") begins in text[n];
 * the text itself where it does not begin with "data:". ERR_INVALID: a data URI that is
 * not base64, or has no comma.
 */
enum err base64_find(const char *text, size_t n, const char **base64, size_t *n_base64)
    ERR_CHECK;

#endif
