/*
 * tls.c - see tls.h.
 *
 * OpenSSL's defaults but for: nothing older than TLS 1.2, with forward secrecy; no
 * renegotiation, which lets a client make the server work for nothing; no passphrase
 * asked for on a terminal. A peer that closes the socket without TLS's own farewell has
 * closed it: HTTP says where a message ends.
 */
#include "net/tls.h"

#include <pthread.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/alloc.h"

struct tls {
    char *cert_path, *key_path;
    pthread_mutex_t lock; /* guards `context` */
    SSL_CTX *context;
};

/* OpenSSL's last error with `what` before it. */
static enum err tls_error(const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return err_set(ERR_INVALID, "%s: %s", what,
                   reason != NULL ? reason : "TLS can't use it");
}

static int no_passphrase(char *room, int n, int writing, void *arg)
{
    (void)room;
    (void)n;
    (void)writing;
    (void)arg;
    return -1;
}

static enum err set_up(SSL_CTX *context, const struct tls *tls)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        return tls_error("TLS");
    }
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert_path) != 1) {
        return tls_error(tls->cert_path);
    }
    if (SSL_CTX_use_PrivateKey_file(context, tls->key_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return tls_error(tls->key_path);
    }
    return ERR_OK;
}

enum err tls_reload(struct tls *tls)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    FAIL_IF(context == NULL, ERR_NOMEM, "out of memory");
    enum err result = set_up(context, tls);
    if (result != ERR_OK) {
        SSL_CTX_free(context);
        return result;
    }
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old); /* counted: connections hold their own references */
    return ERR_OK;
}

enum err tls_open(struct tls **out, const char *cert_path, const char *key_path)
{
    *out = NULL;
    struct tls *tls = alloc_zero(1, sizeof *tls);
    FAIL_IF(tls == NULL, ERR_NOMEM, "out of memory");
    pthread_mutex_init(&tls->lock, NULL);
    tls->cert_path = alloc_dup(cert_path);
    tls->key_path = alloc_dup(key_path);
    enum err result = tls->cert_path == NULL || tls->key_path == NULL
                          ? err_set(ERR_NOMEM, "out of memory")
                          : tls_reload(tls);
    if (result != ERR_OK) {
        tls_close(tls);
        return result;
    }
    *out = tls;
    return ERR_OK;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    alloc_free(tls->cert_path);
    alloc_free(tls->key_path);
    alloc_free(tls);
}

struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base)
{
    pthread_mutex_lock(&tls->lock);
    SSL *session = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (session == NULL) {
        ERR_clear_error();
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(session);
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

bool tls_is_used(struct bufferevent *bev)
{
    return bufferevent_openssl_get_ssl(bev) != NULL;
}
