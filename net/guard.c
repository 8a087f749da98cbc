/*
 * guard.c - see guard.h.
 */
#include "net/guard.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

/* Whether host[n] is `name`, alone or with a port behind it. */
static bool is_name_with_port(const char *host, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(host, name, n) != 0) {
        return false;
    }
    if (host[n] == '\0') {
        return true;
    }
    const char *port = host + n + 1;
    return host[n] == ':' && port[0] != '\0' &&
           strspn(port, "0123456789") == strlen(port);
}

bool guard_host_is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_name_with_port(host, names[i])) {
            return true;
        }
    }
    return false;
}

bool guard_origin_is_host(const char *origin, const char *host)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i]);
        if (strncasecmp(origin, schemes[i], n) == 0) {
            return strcasecmp(origin + n, host) == 0;
        }
    }
    return false;
}

/* Digests are compared, so that the length of the key does not show either. `key` NULL
 * is like nothing. */
static bool is_same(const char *key, const char *given)
{
    unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];
    const char *text = key != NULL ? key : "";
    SHA256((const unsigned char *)text, strlen(text), a);
    SHA256((const unsigned char *)given, strlen(given), b);
    return CRYPTO_memcmp(a, b, sizeof a) == 0 && key != NULL;
}

enum guard_access guard_access(const struct guard_keys *keys,
                               const char *api_key_header,
                               const char *authorization_header)
{
    static const char scheme[] = "Bearer ";
    const char *given = api_key_header;
    if (keys->key == NULL) {
        return GUARD_WRITE;
    }
    if (given == NULL && authorization_header != NULL &&
        strncasecmp(authorization_header, scheme, sizeof scheme - 1) == 0) {
        given = authorization_header + sizeof scheme - 1;
    }
    if (given == NULL) {
        return GUARD_NOTHING;
    }
    bool may_write = is_same(keys->key, given);
    bool may_read = is_same(keys->read_only, given);
    return may_write ? GUARD_WRITE : may_read ? GUARD_READ : GUARD_NOTHING;
}
