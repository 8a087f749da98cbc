/*
 * multipart.h - the parts of a multipart/form-data body (RFC 7578), for uploads.
 *
 *     struct multipart form;
 *     struct multipart_part part;
 *     TRY(multipart_begin(&form, call->content_type, call->body, call->n_body));
 *     for (;;) {
 *         bool more;
 *         TRY(multipart_next(&form, &part, &more));
 *         if (!more) break;
 *         use(part.name, part.bytes, part.n);
 *     }
 *
 * Why a reader of our own: Debian's libraries are for other ends. GMime reads mail, and
 * brings GLib, GPGME and IDN along; apreq2 is Apache's; libmicrohttpd's post processor
 * needs one of its own connections. What is read here is a small part of MIME: no
 * nesting, no transfer encodings, no continued lines; tests/fuzz/fuzz_multipart.c goes
 * through it.
 *
 * Strict: what is not closed by its boundary, or has no name, is refused. The bytes of
 * parts point into the body. No state but the struct; any thread.
 */
#ifndef NET_MULTIPART_H
#define NET_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* bytes, RFC 2046 */
    MULTIPART_NAME_MAX = 256     /* bytes of a name, a file name, a type; with NUL */
};

struct multipart {
    const char *at, *end;
    char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* "\r\n--" and the boundary */
    size_t n_delimiter;
    size_t n_parts; /* seen so far */
};

struct multipart_part {
    char name[MULTIPART_NAME_MAX];
    char filename[MULTIPART_NAME_MAX]; /* as the sender called it; never a path of ours.
                                          "" where there is none */
    char type[MULTIPART_NAME_MAX];     /* "image/png"; "" where it is not said */
    const char *bytes;                 /* [n] */
    size_t n;
};

/* ERR_INVALID: another content type (or NULL), or none of its boundaries in the body. */
enum err multipart_begin(struct multipart *m, const char *content_type,
                         const char *body, size_t n) ERR_CHECK;

/* *more is false behind the last part. ERR_INVALID, ERR_LIMIT (LIMIT_FORM_PARTS,
 * LIMIT_FORM_HEAD_BYTES), ERR_UNSUPPORTED: a transfer encoding. */
enum err multipart_next(struct multipart *m, struct multipart_part *part, bool *more)
    ERR_CHECK;

#endif
