/*
 * guard.h - who may ask: the Host and Origin headers, and the key.
 *
 * A browser sends the requests of any page to any address, localhost included. Two
 * checks keep such pages out. The host name must be one of ours: a page of evil.example
 * whose name was made to resolve to 127.0.0.1 (DNS rebinding) still says evil.example.
 * And where a browser names the origin of a request that is not a plain GET, it must be
 * this server. Neither is needed to keep out who can't be made to send the key, but the
 * origin is checked all the same.
 *
 * Any thread.
 */
#ifndef NET_GUARD_H
#define NET_GUARD_H

#include <stdbool.h>

#include "base/error.h"

/* Whether a Host header ("localhost:6333", "[::1]") names this machine's loopback. */
bool guard_host_is_loopback(const char *host);

/* Whether an Origin header ("http://localhost:6333") is the page of that Host. */
bool guard_origin_is_host(const char *origin, const char *host);

/* What a request may do by the key that it shows. */
enum guard_access { GUARD_NOTHING, GUARD_READ, GUARD_WRITE };

struct guard_keys {
    const char *key;       /* may do everything; NULL: no key is asked for */
    const char *read_only; /* NULL: there is none */
};

/*
 * What the key of a request allows: the header `api-key: KEY` or
 * `Authorization: Bearer KEY` (either may be NULL). Takes the same time wherever a
 * wrong key differs, and whichever it is like.
 */
enum guard_access guard_access(const struct guard_keys *keys,
                               const char *api_key_header,
                               const char *authorization_header);

#endif
