/*
 * http_err.h - which HTTP status tells of which error: the only place that knows.
 * Any thread.
 */
#ifndef NET_HTTP_ERR_H
#define NET_HTTP_ERR_H

#include "base/errcode.h"

/* The status of a result; 200 for ERR_OK, 500 for a code this table does not know. */
int http_status_of(enum err code);

/* "Not Found"; "Unknown" for a status that this server never sends. Never NULL. */
const char *http_reason(int status);

#endif
