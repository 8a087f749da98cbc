/*
 * hub_reply.h - the headers of a hub's answer, and what its status means in words.
 * No state; any thread.
 */
#ifndef DB_HUB_REPLY_H
#define DB_HUB_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "" and UINT64_MAX where a header is not there or too long to be one. The linked ones
 * are those of the hub itself, also after it redirected to a store of objects. */
struct hub_reply {
    int status;
    char etag[256];       /* strong, with its quotes */
    uint64_t range_first; /* of Content-Range */
    uint64_t range_total;
    unsigned retry_after_seconds; /* 0 where it is not said in seconds */
    char error[64];               /* X-Error-Code: "GatedRepo" */
    char commit[72];              /* X-Repo-Commit */
    char linked_etag[96];         /* X-Linked-Etag, without quotes */
    uint64_t linked_size;         /* X-Linked-Size */
};

/* Before the first request of a chain of redirects. */
void hub_reply_init(struct hub_reply *reply);

/* Takes in one line as libcurl hands it out; a status line forgets what the answer
 * before said, but for the commit and what is linked. */
void hub_reply_read(struct hub_reply *reply, const char *line, size_t n);

/* Whether the same request may succeed later. */
bool hub_reply_may_pass(const struct hub_reply *reply);

/* Starts the error that the status stands for. `what` is "owner/name", `base` the
 * hub's URL. */
enum err hub_reply_error(const struct hub_reply *reply, const char *what,
                         const char *base, bool with_token) ERR_CHECK;

#endif
