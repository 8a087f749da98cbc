/*
 * image_url.h - pictures named by URL, fetched from hosts that the server's owner has
 * listed and from nowhere else.
 *
 *     struct image_urls *urls;
 *     TRY(image_urls_open(&urls, "images.example.org,*.cdn.example.net", NULL, 4));
 *     struct image_url_budget budget = IMAGE_URL_BUDGET;       // one a request
 *     TRY(image_url_fetch(urls, "https://…", &budget, &bytes, &n));
 *     ...
 *     image_urls_close(urls);
 *
 * Whoever may write a URL into a request makes this machine open a connection, from
 * inside whatever network it stands in. So the name of the host must be listed, and the
 * address that is connected to, whichever way the name led to it, must be public: it is
 * looked at when the socket is made, so that no second look-up can slip another one in.
 * Both are asked again for every redirect. Nothing that identifies us is sent, proxies
 * of the environment are not used.
 *
 * A list has commas between: `HOST` (the scheme's own port), `HOST:PORT`, `*.DOMAIN`
 * (what is below it, not itself), `*.DOMAIN:PORT`. The second list names HOST:PORT, in
 * full, that may be at any address; it is for pictures inside one's own network.
 *
 * Any thread; a fetch keeps its thread for up to LIMIT_IMAGE_URL_SECONDS.
 */
#ifndef NET_IMAGE_URL_H
#define NET_IMAGE_URL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"

struct image_urls;

/* NULL or "" is an empty list. At most `n_at_once` fetches are under way (0: 1), so that
 * slow hosts leave threads to others. ERR_INVALID names what is wrong in a list. Where
 * both are empty *out is NULL, which image_url_fetch takes, too. */
enum err image_urls_open(struct image_urls **out, const char *allowed,
                         const char *allowed_private, unsigned n_at_once) ERR_CHECK;

/* Accepts NULL. */
void image_urls_close(struct image_urls *urls);

/* What one request may still fetch, however many URLs are in it. */
struct image_url_budget {
    size_t n_urls, n_bytes;
    uint64_t ns; /* of time */
};
#define IMAGE_URL_BUDGET                                                               \
    ((struct image_url_budget){.n_urls = LIMIT_IMAGE_URLS,                             \
                               .n_bytes = LIMIT_IMAGE_URLS_BYTES,                      \
                               .ns = LIMIT_IMAGE_URLS_SECONDS * UINT64_C(1000000000)})

/*
 * The bytes of the picture, the caller's (alloc_free), and what is left of the budget.
 * Whether they are a picture is not looked at. ERR_UNSUPPORTED: no list at all;
 * ERR_INVALID: no URL, a host not listed, an address not public, a wrong answer;
 * ERR_LIMIT: too large, or too many; ERR_TIMEOUT; ERR_BUSY: as many as may be are
 * under way; ERR_NOMEM.
 */
enum err image_url_fetch(struct image_urls *urls, const char *url,
                         struct image_url_budget *budget, unsigned char **bytes,
                         size_t *n) ERR_CHECK;

/* How many have been fetched, and how many have not, for whatever reason; 0 for NULL. */
struct image_url_stats {
    uint64_t n_fetched, n_failed;
};
struct image_url_stats image_url_stats(struct image_urls *urls);

#endif
