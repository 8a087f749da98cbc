/*
 * tls_test.c - net/tls.h, and a server that speaks it.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "net/tls.h"
#include "tests/net/certificate.h"
#include "tests/net/running.h"

static char folder[] = "/tmp/duet-tls-XXXXXX";
static char cert_path[64], key_path[64], other_path[64];

static int begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    snprintf(other_path, sizeof other_path, "%s/other.pem", folder);
    certificate_write(cert_path, key_path, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(cert_path);
    unlink(key_path);
    unlink(other_path);
    return rmdir(folder);
}

static struct running *start_tls(unsigned request_seconds)
{
    return start(&(struct net_server_options){.n_threads = 2,
                                              .tls_cert = cert_path,
                                              .tls_key = key_path,
                                              .request_seconds = request_seconds});
}

/* ---- A client ----------------------------------------------------------------------- */

struct client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    bool is_open; /* the handshake went well */
};

static struct client client_open(const char *url, int max_version)
{
    struct client c = {.fd = raw_connect(url),
                       .context = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_max_proto_version(c.context, max_version);
    SSL_CTX_set_security_level(c.context, 0); /* old versions must be tried */
    assert_int_equal(SSL_CTX_load_verify_locations(c.context, cert_path, NULL), 1);
    c.ssl = SSL_new(c.context);
    SSL_set_fd(c.ssl, c.fd);
    SSL_set_tlsext_host_name(c.ssl, "localhost");
    c.is_open = SSL_connect(c.ssl) == 1;
    return c;
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    close(c->fd);
}

static void client_ask(struct client *c, const char *request_line, const char *headers,
                       const char *body)
{
    char text[4096];
    int n =
        snprintf(text, sizeof text, "%s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s",
                 request_line, headers, strlen(body), body);
    assert_int_equal(SSL_write(c->ssl, text, n), n);
}

/* Reads until `words` have come or the server has closed; whether they have. */
static bool client_reads(struct client *c, const char *words)
{
    char text[16 << 10] = "";
    size_t n = 0;
    while (strstr(text, words) == NULL) {
        int got = SSL_read(c->ssl, text + n, (int)(sizeof text - 1 - n));
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        text[n] = '\0';
    }
    return true;
}

static long serial_of_server(const char *url)
{
    struct client c = client_open(url, 0);
    assert_true(c.is_open);
    X509 *cert = SSL_get1_peer_certificate(c.ssl);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(cert));
    X509_free(cert);
    client_close(&c);
    return serial;
}

/* ---- The server ---------------------------------------------------------------------- */

static void test_requests_are_answered_over_tls(void **state)
{
    (void)state;
    struct running *s = start_tls(0);
    assert_int_equal(strncmp(s->url, "https://127.0.0.1:", 18), 0);
    struct client c = client_open(s->url, 0);
    assert_true(c.is_open);
    assert_int_equal(SSL_get_verify_result(c.ssl), X509_V_OK);
    assert_int_equal(SSL_version(c.ssl), TLS1_3_VERSION);
    for (int i = 0; i < 3; i++) {
        client_ask(&c, QUERY, HOST, WORDS);
        assert_true(client_reads(&c, "\"time\":"));
    }
    client_close(&c);
    stop(s);
}

static void test_nothing_older_than_1_2_is_spoken(void **state)
{
    (void)state;
    struct running *s = start_tls(0);
    struct client good = client_open(s->url, TLS1_2_VERSION);
    assert_true(good.is_open);
    assert_int_equal(SSL_version(good.ssl), TLS1_2_VERSION);
    client_close(&good);
    struct client old = client_open(s->url, TLS1_1_VERSION);
    assert_false(old.is_open);
    client_close(&old);
    stop(s);
}

static void test_plain_http_gets_no_answer(void **state)
{
    (void)state;
    struct running *s = start_tls(0);
    struct raw_reply reply = raw_ask(s->url, "GET /healthz", HOST, "");
    assert_int_equal(reply.status, 0);
    assert_null(strstr(reply.text, "duet"));
    assert_int_equal(serial_of_server(s->url), 1);
    stop(s);
}

/* One byte of a ClientHello now and then, or none at all. */
static void test_a_handshake_that_never_ends_is_cut_off(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct running *s = start_tls(1);
    int silent = raw_connect(s->url), slow = raw_connect(s->url);
    struct pollfd wait = {.fd = slow, .events = POLLIN};
    raw_send_bytes(slow, hello, sizeof hello - 1);
    int n_bytes = 0;
    while (poll(&wait, 1, 100) == 0) {
        raw_send(slow, "a");
        n_bytes++;
        assert_true(n_bytes < 600);
    }
    assert_int_equal(raw_read(slow).status, 0);
    assert_int_equal(raw_read(silent).status, 0);
    assert_int_equal(serial_of_server(s->url), 1);
    stop(s);
}

/* A finished handshake opens no endless time either. */
static void test_a_request_that_never_ends_is_cut_off(void **state)
{
    (void)state;
    struct running *s = start_tls(1);
    struct client idle = client_open(s->url, 0), slow = client_open(s->url, 0);
    uint64_t begin_ns = clock_monotonic_ns();
    assert_true(idle.is_open && slow.is_open);
    SSL_write(slow.ssl, "GET /healthz HTTP/1.1\r\nX: ", 26);
    while (SSL_write(slow.ssl, "a", 1) == 1) {
        usleep(100000);
        assert_true(clock_monotonic_ns() - begin_ns < UINT64_C(30000000000));
    }
    assert_false(client_reads(&idle, "\n"));
    client_close(&idle);
    client_close(&slow);
    stop(s);
}

static void test_a_reload_takes_the_new_certificate(void **state)
{
    (void)state;
    struct running *s = start_tls(0);
    struct client open = client_open(s->url, 0);
    certificate_write(cert_path, key_path, 2);
    assert_int_equal(serial_of_server(s->url), 1);
    net_server_reload(s->server);
    for (int i = 0; serial_of_server(s->url) != 2; i++) {
        assert_true(i < 500);
        usleep(10000);
    }
    client_ask(&open, "GET /healthz", HOST, ""); /* with the old one still */
    assert_true(client_reads(&open, "is up"));
    client_close(&open);
    stop(s);
    certificate_write(cert_path, key_path, 1);
}

static void test_a_broken_certificate_leaves_the_old_one(void **state)
{
    (void)state;
    struct tls *tls;
    assert_ok(tls_open(&tls, cert_path, key_path));
    int fd = open(cert_path, O_WRONLY | O_TRUNC);
    close(fd);
    assert_err(tls_reload(tls), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "cert.pem"));
    certificate_write(cert_path, other_path, 1); /* of another key */
    assert_err(tls_reload(tls), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "key.pem"));
    tls_close(tls);
    tls_close(NULL);
    certificate_write(cert_path, key_path, 1);
}

static void test_wrong_files_are_refused_at_the_start(void **state)
{
    (void)state;
    struct net_server *server;
    struct net_server_options options = {.listen = "127.0.0.1:0",
                                         .tls_cert = cert_path};
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
    options.tls_key = "/nowhere/key.pem";
    assert_err(net_server_open(&server, NULL, &options), ERR_INVALID);
    assert_non_null(strstr(err_detail(), "/nowhere/key.pem"));
    assert_null(server);
}

static void test_stopping_lets_a_request_under_way_end(void **state)
{
    (void)state;
    struct running *s = start_tls(0);
    struct client idle = client_open(s->url, 0), busy = client_open(s->url, 0);
    fake_set_held(true);
    client_ask(&busy, QUERY, HOST, WORDS);
    fake_wait_for_searches(1);
    net_server_stop(s->server);
    int late = raw_connect(s->url);
    while (late >= 0) {
        close(late);
        late = raw_connect(s->url);
    }
    fake_set_held(false);
    assert_true(client_reads(&busy, "\"status\":\"ok\""));
    join(s);
    assert_false(client_reads(&idle, "\n"));
    client_close(&idle);
    client_close(&busy);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_answered_over_tls),
        cmocka_unit_test(test_nothing_older_than_1_2_is_spoken),
        cmocka_unit_test(test_plain_http_gets_no_answer),
        cmocka_unit_test(test_a_handshake_that_never_ends_is_cut_off),
        cmocka_unit_test(test_a_request_that_never_ends_is_cut_off),
        cmocka_unit_test(test_a_reload_takes_the_new_certificate),
        cmocka_unit_test(test_a_broken_certificate_leaves_the_old_one),
        cmocka_unit_test(test_wrong_files_are_refused_at_the_start),
        cmocka_unit_test(test_stopping_lets_a_request_under_way_end),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
