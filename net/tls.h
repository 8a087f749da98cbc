/*
 * tls.h - HTTPS: the certificate, and connections that speak TLS 1.2 or newer.
 *
 *     struct tls *tls;
 *     TRY(tls_open(&tls, "cert.pem", "key.pem"));
 *     struct bufferevent *bev = tls_bufferevent(tls, base);
 *     ...
 *     if (tls_reload(tls) != ERR_OK) { the old certificate stays in use }
 *     tls_close(tls);
 *
 * Connections that are open keep the certificate they began with. Any thread.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include <event2/bufferevent.h>

#include "base/error.h"

struct tls;

/* Reads the certificate (PEM, the chain behind it) and its key (PEM, not encrypted).
 * ERR_INVALID says which file is wrong. *out is NULL then. */
enum err tls_open(struct tls **out, const char *cert_path, const char *key_path)
    ERR_CHECK;

/* Connections still open stay usable. Accepts NULL. */
void tls_close(struct tls *tls);

/* Reads both files again. On failure nothing has changed. */
enum err tls_reload(struct tls *tls) ERR_CHECK;

/* A server's end of a connection that is to be; NULL if memory is short. */
struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base);

/* Whether a connection is encrypted. */
bool tls_is_used(struct bufferevent *bev);

#endif
