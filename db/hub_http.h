/*
 * hub_http.h - requests to a hub by libcurl: answers into memory, files onto the disk,
 * gone on with where a connection was cut.
 *
 *     struct hub *hub;
 *     TRY(hub_open(&hub, &(struct hub_options){.base = "https://hub.example"}));
 *     TRY_OUT(hub_get(hub, "/api/models/o/n/revision/main", &text));
 *     TRY_OUT(hub_download(hub, &(struct hub_download){.path = "/o/n/resolve/…", …}));
 *     ...
 *     hub_close(hub);
 *
 * Redirects are followed here and not by libcurl, so that the token goes to the hub's
 * own origin (scheme, host and port) and nowhere else, and no answer leads from https to
 * http. Certificates are checked; proxies of the environment are used.
 *
 * A request that fails in a way that may pass (a cut or stalled connection, 408, 429,
 * 5xx) is tried again up to HUB_TRIES times with waits that double; a download begins
 * each time where the last one ended, and one that got on a good piece counts anew.
 *
 * Errors: ERR_NOT_FOUND (401 without a token, 404), ERR_INVALID (403, 401 with one),
 * ERR_TIMEOUT (not reached, or given up), ERR_CORRUPT (answers that cannot be right),
 * ERR_CANCELLED, ERR_LIMIT, ERR_IO, ERR_FULL, ERR_NOMEM.
 *
 * One thread at a time.
 */
#ifndef DB_HUB_HTTP_H
#define DB_HUB_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

enum { HUB_TRIES = 5 };

struct hub;

struct hub_options {
    const char *base;       /* "https://host[:port][/prefix]" */
    const char *token;      /* NULL or "": none */
    const char *what;       /* "owner/name", for messages */
    unsigned stall_seconds; /* 0: 30 */
    unsigned retry_ms;      /* 0: 500 */
    /* Called often during transfers and waits, with the bytes of the present file that
     * are there (0 for hub_get); false stops it. May be NULL. */
    bool (*go_on)(void *arg, uint64_t n_have);
    void (*note)(void *arg, const char *sentence); /* may be NULL */
    void *arg;
};

/* Strings are copied. ERR_INVALID: no base URL of http or https, or a token that no
 * header can carry. *out is NULL then. */
enum err hub_open(struct hub **out, const struct hub_options *options) ERR_CHECK;
void hub_close(struct hub *hub);

/* Appends the answer to `out`, whose maximum is the limit. */
enum err hub_get(struct hub *hub, const char *path, struct buf *out) ERR_CHECK;

struct hub_download {
    const char *path;   /* of the URL, already escaped */
    const char *name;   /* of the file, for messages */
    const char *file;   /* where its bytes go; what is there already is gone on with */
    uint64_t size;      /* bytes that it must have in the end */
    const char *commit; /* hex; another one in X-Repo-Commit is ERR_CORRUPT */
    const char *sha256; /* hex, "" if not known; the same for X-Linked-Etag */
};

/*
 * Fetches the rest of the file. What the server calls its version of it (ETag) is kept
 * in FILE.etag, so that a later run goes on with the same bytes only. On failure what
 * came stays. *n_fetched grows by the bytes that came.
 */
enum err hub_download(struct hub *hub, const struct hub_download *download,
                      uint64_t *n_fetched) ERR_CHECK;

#endif
