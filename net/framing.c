/*
 * framing.c - see framing.h, and RFC 9112, sections 5.1, 6.1, 6.3 and 11.2.
 */
#include "net/framing.h"

#include <string.h>
#include <strings.h>

#include <event2/keyvalq_struct.h>

/* How many headers of that name there are; *value is the last one's. */
static size_t count(const struct evkeyvalq *headers, const char *name,
                    const char **value)
{
    size_t n = 0;
    for (const struct evkeyval *h = headers->tqh_first; h != NULL;
         h = h->next.tqe_next) {
        if (strcasecmp(h->key, name) == 0) {
            *value = h->value;
            n++;
        }
    }
    return n;
}

static bool names_are_sound(const struct evkeyvalq *headers)
{
    for (const struct evkeyval *h = headers->tqh_first; h != NULL;
         h = h->next.tqe_next) {
        if (h->key[0] == '\0' || strpbrk(h->key, " \t") != NULL) {
            return false;
        }
    }
    return true;
}

bool framing_is_sound(const struct evkeyvalq *headers)
{
    const char *length = "", *encoding = "chunked", *host;
    size_t n_lengths = count(headers, "Content-Length", &length);
    size_t n_encodings = count(headers, "Transfer-Encoding", &encoding);
    size_t n_hosts = count(headers, "Host", &host);
    return n_lengths + n_encodings <= 1 && n_hosts <= 1 &&
           strcasecmp(encoding, "chunked") == 0 &&
           (n_lengths == 0 || length[0] != '\0') &&
           strspn(length, "0123456789") == strlen(length) && names_are_sound(headers);
}
