/*
 * image_url.c - see image_url.h.
 *
 * The URL is taken apart once, by libcurl, and libcurl is handed the parts and not the
 * text: two parsers that disagree about a strange URL would be a hole. libcurl also
 * turns the many ways to write an IPv4 address (0x7f.1, 2130706433) into one, so that
 * such a host is compared with the lists in its plain form.
 */
#include "net/image_url.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "db/duet.h"
#include "net/public_address.h"

enum { REDIRECTS_MAX = 3, CONNECT_SECONDS = 5, ENTRIES_MAX = 256, HOST_MAX = 256 };

struct entry {
    char host[HOST_MAX]; /* lower case; of "*.example.org" it is ".example.org" */
    unsigned port;       /* 0: the scheme's own */
    bool is_private;     /* of the second list */
};

struct image_urls {
    unsigned n_at_once;
    atomic_uint n_fetching;
    atomic_ullong n_fetched, n_failed;
    size_t n_entries;
    struct entry entries[ENTRIES_MAX];
};

/* ---- Lists ------------------------------------------------------------------------ */

static void copy_lower(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
    }
    to[n] = '\0';
}

/* "HOST", "HOST:PORT" or "[::1]:PORT" of n bytes: the length of the host, brackets
 * included, and the port (0: none). False where it is none of these. */
static bool split_port(const char *text, size_t n, size_t *n_host, unsigned *port)
{
    const char *end = text[0] == '[' ? memchr(text, ']', n) : NULL;
    const char *from = end != NULL ? end : text;
    const char *colon = memchr(from, ':', n - (size_t)(from - text));
    *n_host = colon != NULL ? (size_t)(colon - text) : n;
    *port = 0;
    if (colon == NULL) {
        return true;
    }
    size_t n_digits = n - *n_host - 1;
    for (size_t i = 1; i <= n_digits; i++) {
        if (colon[i] < '0' || colon[i] > '9' || n_digits > 5) {
            return false;
        }
        *port = *port * 10 + (unsigned)(colon[i] - '0');
    }
    return *port >= 1 && *port <= 65535;
}

/* Lists say plain hosts: what a URL would carry beside one, or what is no name, is a
 * mistake that must not pass as an entry which never matches. */
static bool is_host(const char *host, size_t n)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789-._[]:";
    char lower[HOST_MAX];
    if (n == 0 || n >= HOST_MAX) {
        return false;
    }
    copy_lower(lower, host, n);
    return strspn(lower, good) == n && lower[n - 1] != '.';
}

static enum err add_entry(struct image_urls *urls, const char *text, size_t n,
                          bool is_private)
{
    size_t n_host;
    unsigned port;
    bool is_good = split_port(text, n, &n_host, &port);
    bool below = n_host > 2 && text[0] == '*' && text[1] == '.';
    const char *host = below ? text + 1 : text;
    n_host -= below ? 1 : 0;
    is_good = is_good && is_host(below ? host + 1 : host, below ? n_host - 1 : n_host);
    FAIL_IF(!is_good, ERR_INVALID, "'%.*s' is no HOST, HOST:PORT or *.DOMAIN",
            n > 80 ? 80 : (int)n, text);
    FAIL_IF(is_private && (below || port == 0), ERR_INVALID,
            "'%.*s': private addresses are allowed by HOST:PORT, in full",
            n > 80 ? 80 : (int)n, text);
    FAIL_IF(urls->n_entries == ENTRIES_MAX, ERR_LIMIT, "more than %d hosts are listed",
            ENTRIES_MAX);
    struct entry *entry = &urls->entries[urls->n_entries++];
    copy_lower(entry->host, host, n_host);
    entry->port = port;
    entry->is_private = is_private;
    return ERR_OK;
}

static enum err add_list(struct image_urls *urls, const char *list, bool is_private)
{
    const char *p = list != NULL ? list : "";
    while (*p != '\0') {
        p += strspn(p, ", \t");
        size_t n = strcspn(p, ", \t");
        if (n > 0) {
            TRY(add_entry(urls, p, n, is_private));
        }
        p += n;
    }
    return ERR_OK;
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void start_curl(void)
{
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err image_urls_open(struct image_urls **out, const char *allowed,
                         const char *allowed_private, unsigned n_at_once)
{
    *out = NULL;
    struct image_urls *urls = alloc_zero(1, sizeof *urls);
    FAIL_IF(urls == NULL, ERR_NOMEM, "out of memory");
    urls->n_at_once = n_at_once > 0 ? n_at_once : 1;
    pthread_once(&curl_once, start_curl);
    enum err result = curl_started == CURLE_OK
                          ? add_list(urls, allowed, false)
                          : err_set(ERR_INTERNAL, "libcurl cannot be started");
    if (result == ERR_OK) {
        result = add_list(urls, allowed_private, true);
    }
    if (result != ERR_OK || urls->n_entries == 0) {
        image_urls_close(urls);
        return result;
    }
    *out = urls;
    return ERR_OK;
}

void image_urls_close(struct image_urls *urls)
{
    alloc_free(urls);
}

static bool entry_matches(const struct entry *entry, const char *host, unsigned port,
                          unsigned default_port)
{
    if (port != (entry->port != 0 ? entry->port : default_port)) {
        return false;
    }
    size_t n = strlen(host), n_entry = strlen(entry->host);
    if (entry->host[0] != '.') {
        return strcmp(host, entry->host) == 0;
    }
    return n > n_entry && strcmp(host + n - n_entry, entry->host) == 0;
}

/* ---- One request ------------------------------------------------------------------- */

struct fetch {
    struct image_urls *urls;
    CURL *curl;
    CURLU *url;          /* of the present hop */
    bool is_secure;      /* https, which no redirect may leave */
    bool may_be_private; /* the present hop is on the second list */
    bool was_refused;    /* an address was not public */
    uint64_t deadline_ns;
    struct buf body;
    enum err failed; /* what a callback ended the transfer for */
};

static enum err check_host(struct fetch *f, const char *host, unsigned port)
{
    char lower[HOST_MAX];
    size_t n = strlen(host);
    bool is_listed = false;
    FAIL_IF(n >= sizeof lower, ERR_INVALID, "the host's name is too long");
    copy_lower(lower, host, n);
    f->may_be_private = false;
    for (size_t i = 0; i < f->urls->n_entries; i++) {
        const struct entry *entry = &f->urls->entries[i];
        if (entry_matches(entry, lower, port, f->is_secure ? 443 : 80)) {
            is_listed = true;
            f->may_be_private = f->may_be_private || entry->is_private;
        }
    }
    FAIL_IF(!is_listed, ERR_INVALID,
            "pictures are not fetched from %.100s, port %u (--allow-image-urls)", lower,
            port);
    return ERR_OK;
}

/* The present hop's parts: scheme, host and port must be allowed. */
static enum err check_url(struct fetch *f)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    enum err result = err_set(ERR_INVALID, "it is no URL of http or https");
    if (curl_url_get(f->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(f->url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(f->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0)) {
        bool is_secure = strcasecmp(scheme, "https") == 0;
        if (f->is_secure && !is_secure) {
            result = err_set(ERR_INVALID, "it is redirected from https to http");
        } else {
            f->is_secure = is_secure;
            result = check_host(f, host, (unsigned)strtoul(port, NULL, 10));
        }
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return result;
}

/* libcurl asks for each socket with the address that it is about to connect to: the
 * only place where that address is certain. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    struct fetch *f = arg;
    (void)purpose;
    if (!f->may_be_private && !address_is_public(&address->addr)) {
        f->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct fetch *f = arg;
    f->failed = buf_append(&f->body, bytes, size * n);
    return f->failed == ERR_OK ? size * n : 0;
}

static enum err set_up(struct fetch *f)
{
    char agent[64];
    CURL *curl = f->curl;
    snprintf(agent, sizeof agent, "duet/%s", duet_version());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, f);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->body.max_size);
    FAIL_IF(curl_easy_setopt(curl, CURLOPT_CURLU, f->url) != CURLE_OK, ERR_NOMEM,
            "out of memory");
    return ERR_OK;
}

static enum err err_of_curl(const struct fetch *f, CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(ERR_TIMEOUT, "its host took too long");
    case CURLE_OUT_OF_MEMORY:
        return err_set(ERR_NOMEM, "out of memory");
    case CURLE_FILESIZE_EXCEEDED:
        return err_set(ERR_LIMIT, "it has more than %zu bytes", f->body.max_size);
    default:
        break;
    }
    FAIL_IF(f->was_refused, ERR_INVALID,
            "its host is at an address that is not public");
    return err_set(ERR_INVALID, "it could not be fetched: %s",
                   curl_easy_strerror(code));
}

/* The request of the present hop; *status is what was answered. */
static enum err perform(struct fetch *f, long *status)
{
    uint64_t now = clock_monotonic_ns();
    FAIL_IF(now >= f->deadline_ns, ERR_TIMEOUT, "its host took too long");
    buf_clear(&f->body);
    f->failed = ERR_OK;
    f->was_refused = false;
    curl_easy_setopt(f->curl, CURLOPT_TIMEOUT_MS,
                     (long)((f->deadline_ns - now) / 1000000 + 1));
    CURLcode code = curl_easy_perform(f->curl);
    FAIL_IF(f->failed == ERR_LIMIT, ERR_LIMIT, "it has more than %zu bytes",
            f->body.max_size);
    TRY(f->failed);
    if (code != CURLE_OK) {
        return err_of_curl(f, code);
    }
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, status);
    return ERR_OK;
}

/* Makes where the answer leads the present hop. */
static enum err follow(struct fetch *f)
{
    char *next = NULL;
    curl_easy_getinfo(f->curl, CURLINFO_REDIRECT_URL, &next);
    FAIL_IF(next == NULL, ERR_INVALID, "it is redirected to nowhere");
    CURLUcode code = curl_url_set(f->url, CURLUPART_URL, next, CURLU_DISALLOW_USER);
    FAIL_IF(code != CURLUE_OK, ERR_INVALID, "it is redirected to what is no URL");
    curl_easy_setopt(f->curl, CURLOPT_CURLU, f->url);
    return check_url(f);
}

static enum err check_answer(const struct fetch *f, long status)
{
    char *type = NULL;
    FAIL_IF(status != 200, ERR_INVALID, "its host answered with status %ld", status);
    curl_easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &type);
    FAIL_IF(type != NULL && strncasecmp(type, "image/", 6) != 0 &&
                strncasecmp(type, "application/octet-stream", 24) != 0 &&
                strncasecmp(type, "binary/octet-stream", 19) != 0,
            ERR_INVALID, "its host says that it is '%.60s' and no picture", type);
    FAIL_IF(f->body.size == 0, ERR_INVALID, "its host sent nothing");
    return ERR_OK;
}

static enum err fetch_all(struct fetch *f, const char *url)
{
    long status = 0;
    CURLUcode code = curl_url_set(f->url, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    FAIL_IF(code != CURLUE_OK, ERR_INVALID, "it is no URL that is taken here: %s",
            curl_url_strerror(code));
    TRY(check_url(f));
    TRY(set_up(f));
    for (int i = 0;; i++) {
        TRY(perform(f, &status));
        if (status < 300 || status > 399) {
            return check_answer(f, status);
        }
        FAIL_IF(i == REDIRECTS_MAX, ERR_INVALID, "it is redirected too often");
        TRY(follow(f));
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum err fetch_within(struct image_urls *urls, const char *url,
                             struct image_url_budget *budget, unsigned char **bytes,
                             size_t *n)
{
    uint64_t begin = clock_monotonic_ns();
    uint64_t limit_ns = LIMIT_IMAGE_URL_SECONDS * UINT64_C(1000000000);
    struct fetch f = {.urls = urls, .curl = curl_easy_init(), .url = curl_url()};
    f.deadline_ns = begin + (budget->ns < limit_ns ? budget->ns : limit_ns);
    buf_init(&f.body, smaller(budget->n_bytes, LIMIT_IMAGE_URL_BYTES));
    enum err result = f.curl == NULL || f.url == NULL
                          ? err_set(ERR_NOMEM, "out of memory")
                          : fetch_all(&f, url);
    if (result == ERR_OK) {
        *n = f.body.size;
        budget->n_bytes -= f.body.size;
        *bytes = (unsigned char *)buf_take(&f.body);
        result = *bytes == NULL ? err_set(ERR_NOMEM, "out of memory") : ERR_OK;
    }
    curl_easy_cleanup(f.curl);
    curl_url_cleanup(f.url);
    buf_release(&f.body);
    uint64_t spent = clock_monotonic_ns() - begin;
    budget->ns -= spent < budget->ns ? spent : budget->ns;
    return result;
}

/* No more than so many at once. */
static enum err fetch_in_turn(struct image_urls *urls, const char *url,
                              struct image_url_budget *budget, unsigned char **bytes,
                              size_t *n)
{
    enum err result;
    if (atomic_fetch_add(&urls->n_fetching, 1) < urls->n_at_once) {
        result = fetch_within(urls, url, budget, bytes, n);
    } else {
        result = err_set(ERR_BUSY, "the server is busy: %u pictures are being fetched",
                         urls->n_at_once);
    }
    atomic_fetch_sub(&urls->n_fetching, 1);
    return result;
}

enum err image_url_fetch(struct image_urls *urls, const char *url,
                         struct image_url_budget *budget, unsigned char **bytes,
                         size_t *n)
{
    *bytes = NULL;
    *n = 0;
    FAIL_IF(urls == NULL, ERR_UNSUPPORTED,
            "pictures are not fetched from URLs here (--allow-image-urls); send the "
            "file as base64");
    FAIL_IF(budget->n_urls == 0, ERR_LIMIT, "a request may have %d URLs of pictures",
            LIMIT_IMAGE_URLS);
    FAIL_IF(budget->n_bytes == 0, ERR_LIMIT,
            "the pictures of this request's URLs have more than %u bytes together",
            LIMIT_IMAGE_URLS_BYTES);
    budget->n_urls--;
    enum err result = fetch_in_turn(urls, url, budget, bytes, n);
    atomic_fetch_add(result == ERR_OK ? &urls->n_fetched : &urls->n_failed, 1);
    return result;
}

struct image_url_stats image_url_stats(struct image_urls *urls)
{
    struct image_url_stats stats = {0};
    if (urls != NULL) {
        stats.n_fetched = atomic_load(&urls->n_fetched);
        stats.n_failed = atomic_load(&urls->n_failed);
    }
    return stats;
}
