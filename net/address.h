/*
 * address.h - "HOST:PORT" into a listening socket. Any thread.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ADDRESS_URL_MAX = 320 }; /* bytes of "http://HOST:PORT" */

struct address {
    char host[256]; /* without brackets */
    char port[6];   /* "0": any free one */
};

/* Reads "127.0.0.1:6333", "[::1]:6333", "localhost:0", ":6333" (every interface).
 * ERR_INVALID. */
enum err address_parse(struct address *out, const char *text) ERR_CHECK;

/*
 * A bound, listening, non-blocking socket. *is_loopback: only this machine reaches it.
 * url[ADDRESS_URL_MAX] gets the address with the port that was got. ERR_BUSY: in use;
 * ERR_INVALID: no such host; ERR_IO.
 */
enum err address_listen(const struct address *address, int *fd, bool *is_loopback,
                        char *url) ERR_CHECK;

#endif
