/*
 * hub_http.c - see hub_http.h. hub_reply.c reads the headers and says what a status
 * means; here are origins, redirects, tries, and where the bytes go.
 */
#include "db/hub_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "db/hub_reply.h"

enum {
    URL_BYTES_MAX = 16384, /* signed URLs of object stores are long */
    CONNECT_SECONDS = 15,
    STALL_SECONDS = 30,
    STALL_BYTES = 1000, /* a second */
    RETRY_MS = 500,
    RETRY_AFTER_MAX_MS = 60000,
    NAP_MS = 50,
    GOOD_PIECE = 1 << 20 /* bytes after which a failed try does not count */
};

struct hub {
    CURL *curl;
    struct hub_options options;
    char *base; /* without a '/' at the end; these three are owned */
    char *what;
    char *authorization; /* "Authorization: Bearer …"; NULL: no token */
    bool reached;        /* something has answered already */
};

/* One try: the request, where its bytes go, and what came back. */
struct transfer {
    struct hub *hub;
    const struct hub_download *download; /* NULL: into `answer` */
    struct buf *answer;
    int fd;          /* of download->file */
    uint64_t n_have; /* bytes in it, or in the answer */
    uint64_t n_came; /* over the network, in all tries */
    uint64_t n_best; /* the most that was ever in the file */
    bool begun;      /* the first bytes of the file's answer have come */
    bool unfit;      /* they do not follow those that are there */
    char etag[256];  /* of what is in the file; "": not known */
    struct hub_reply reply;
    enum err failed; /* what a callback of libcurl ended the transfer for */
};

/* ---- Opening ----------------------------------------------------------------- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_started;

static void start_curl(void)
{
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* scheme://host:port of a URL, in lower case, as "" where it is no URL of http(s). */
static enum err origin_of(const char *url, struct buf *origin)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    FAIL_IF(parts == NULL, ERR_NOMEM, "out of memory");
    enum err result = ERR_OK;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0)) {
        result = buf_printf(origin, "%s://%s:%s", scheme, host, port);
    }
    for (size_t i = 0; i < origin->size; i++) {
        char c = origin->data[i];
        origin->data[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return result;
}

static enum err check_base(const char *base)
{
    struct buf origin;
    buf_init(&origin, URL_BYTES_MAX);
    enum err result = origin_of(base, &origin);
    if (result == ERR_OK && (origin.size == 0 || strpbrk(base, "@?# ") != NULL)) {
        result = err_set(ERR_INVALID,
                         "'%.200s' is no hub: http(s)://HOST[:PORT][/PREFIX] is wanted",
                         base);
    }
    buf_release(&origin);
    return result;
}

static enum err set_token(struct hub *hub, const char *token)
{
    struct buf line;
    if (token == NULL || token[0] == '\0') {
        return ERR_OK;
    }
    for (const char *c = token; *c != '\0'; c++) {
        FAIL_IF(*c <= ' ' || *c > '~', ERR_INVALID,
                "the hub's token has characters that no token has");
    }
    buf_init(&line, 8192);
    enum err result = buf_printf(&line, "Authorization: Bearer %s", token);
    if (result == ERR_OK) {
        hub->authorization = buf_take(&line);
        result = hub->authorization == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_release(&line);
    return result;
}

static enum err copy_options(struct hub *hub, const struct hub_options *options)
{
    size_t n = strlen(options->base);
    while (n > 0 && options->base[n - 1] == '/') {
        n--;
    }
    hub->options = *options;
    hub->base = alloc_dup_n(options->base, n);
    hub->what = alloc_dup(options->what);
    if (hub->base == NULL || hub->what == NULL) {
        return ERR_NOMEM;
    }
    if (hub->options.stall_seconds == 0) {
        hub->options.stall_seconds = STALL_SECONDS;
    }
    if (hub->options.retry_ms == 0) {
        hub->options.retry_ms = RETRY_MS;
    }
    TRY(check_base(hub->base));
    return set_token(hub, options->token);
}

enum err hub_open(struct hub **out, const struct hub_options *options)
{
    *out = NULL;
    pthread_once(&curl_once, start_curl);
    FAIL_IF(curl_started != CURLE_OK, ERR_INTERNAL, "libcurl cannot be started: %s",
            curl_easy_strerror(curl_started));
    struct hub *hub = alloc_zero(1, sizeof *hub);
    if (hub == NULL) {
        return ERR_NOMEM;
    }
    enum err result = copy_options(hub, options);
    if (result == ERR_OK) {
        hub->curl = curl_easy_init();
        result = hub->curl == NULL ? err_set(ERR_NOMEM, "out of memory") : ERR_OK;
    }
    if (result != ERR_OK) {
        hub_close(hub);
        return result;
    }
    *out = hub;
    return ERR_OK;
}

void hub_close(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    curl_easy_cleanup(hub->curl);
    alloc_free(hub->authorization);
    alloc_free(hub->what);
    alloc_free(hub->base);
    alloc_free(hub);
}

/* ---- What libcurl calls ------------------------------------------------------- */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct transfer *transfer = arg;
    hub_reply_read(&transfer->reply, line, size * n);
    return size * n;
}

/* What the hub says of the file it is about to send must be what its list said. */
static enum err check_reply(const struct transfer *t)
{
    const struct hub_download *d = t->download;
    const struct hub_reply *r = &t->reply;
    FAIL_IF(r->commit[0] != '\0' && strcmp(r->commit, d->commit) != 0, ERR_CORRUPT,
            "%s: the hub sends it from commit %s, not %s", d->name, r->commit,
            d->commit);
    FAIL_IF(d->sha256[0] != '\0' && strlen(r->linked_etag) == 64 &&
                strcasecmp(r->linked_etag, d->sha256) != 0,
            ERR_CORRUPT, "%s: the hub sends another file than it listed", d->name);
    FAIL_IF(d->sha256[0] != '\0' && r->linked_size != UINT64_MAX &&
                r->linked_size != d->size,
            ERR_CORRUPT, "%s: the hub listed %llu bytes and sends %llu", d->name,
            (unsigned long long)d->size, (unsigned long long)r->linked_size);
    return ERR_OK;
}

static enum err begin_anew(struct transfer *t)
{
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0) {
        return err_errno(errno, "%s", t->download->file);
    }
    t->n_have = 0;
    t->etag[0] = '\0';
    return ERR_OK;
}

/* The version that is about to be written is kept beside the file. Weak tags promise
 * too little and are not taken (hub_reply.h). */
static enum err keep_etag(struct transfer *t)
{
    struct buf path;
    if (t->reply.etag[0] == '\0' || strcmp(t->etag, t->reply.etag) == 0) {
        return ERR_OK;
    }
    snprintf(t->etag, sizeof t->etag, "%s", t->reply.etag);
    buf_init(&path, PATH_MAX);
    enum err result = buf_printf(&path, "%s.etag", t->download->file);
    if (result == ERR_OK) {
        result = file_write_unsynced(path.data, t->etag, strlen(t->etag));
    }
    buf_release(&path);
    return result;
}

/* The first bytes of a file's answer tell where they belong: 206 goes on at the end of
 * what is there, 200 is the whole file anew. */
static enum err begin_file(struct transfer *t)
{
    const struct hub_reply *reply = &t->reply;
    TRY(check_reply(t));
    if (reply->status == 200) {
        TRY(begin_anew(t));
        return keep_etag(t);
    }
    bool fits =
        reply->range_first == t->n_have &&
        (reply->range_total == UINT64_MAX || reply->range_total == t->download->size) &&
        (t->etag[0] == '\0' || reply->etag[0] == '\0' ||
         strcmp(t->etag, reply->etag) == 0);
    t->unfit = !fits;
    FAIL_IF(!fits, ERR_CORRUPT, "%s: the hub goes on with other bytes than those here",
            t->download->name);
    return keep_etag(t);
}

static enum err write_file(struct transfer *t, const char *bytes, size_t n)
{
    FAIL_IF(n > t->download->size - t->n_have, ERR_CORRUPT,
            "%s: the hub sends more than the %llu bytes that it announced",
            t->download->name, (unsigned long long)t->download->size);
    while (n > 0) {
        ssize_t done = write(t->fd, bytes, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_errno(errno, "%s", t->download->file);
        }
        bytes += done;
        n -= (size_t)done;
        t->n_have += (uint64_t)done;
    }
    return ERR_OK;
}

/* What a server says beside an error or a redirect is not read. */
static enum err take_bytes(struct transfer *t, const char *bytes, size_t n)
{
    if (t->reply.status != 200 && t->reply.status != 206) {
        return ERR_OK;
    }
    if (t->download == NULL) {
        t->n_have += n;
        return buf_append(t->answer, bytes, n);
    }
    if (!t->begun) {
        t->begun = true;
        TRY(begin_file(t));
    }
    return write_file(t, bytes, n);
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    t->failed = take_bytes(t, bytes, size * n);
    t->n_came += size * n;
    return t->failed == ERR_OK ? size * n : 0;
}

static bool go_on(const struct hub *hub, uint64_t n_have)
{
    return hub->options.go_on == NULL || hub->options.go_on(hub->options.arg, n_have);
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down,
                       curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    struct transfer *t = arg;
    if (go_on(t->hub, t->download == NULL ? 0 : t->n_have)) {
        return 0;
    }
    t->failed = err_set(ERR_CANCELLED, "stopped");
    return 1;
}

/* ---- One try ------------------------------------------------------------------ */

static enum err add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    FAIL_IF(longer == NULL, ERR_NOMEM, "out of memory");
    *headers = longer;
    return ERR_OK;
}

static enum err add_range(const struct transfer *t, struct curl_slist **headers)
{
    char line[320];
    if (t->download == NULL || t->n_have == 0) {
        return ERR_OK;
    }
    snprintf(line, sizeof line, "Range: bytes=%llu-", (unsigned long long)t->n_have);
    TRY(add_header(headers, line));
    if (t->etag[0] == '\0') {
        return ERR_OK; /* the hash will tell */
    }
    snprintf(line, sizeof line, "If-Range: %s", t->etag);
    return add_header(headers, line);
}

/* The token goes to the hub's own origin and nowhere else. */
static enum err add_token(const struct hub *hub, const char *url,
                          struct curl_slist **headers)
{
    struct buf own, other;
    if (hub->authorization == NULL) {
        return ERR_OK;
    }
    buf_init(&own, URL_BYTES_MAX);
    buf_init(&other, URL_BYTES_MAX);
    enum err result = origin_of(hub->base, &own);
    if (result == ERR_OK) {
        result = origin_of(url, &other);
    }
    if (result == ERR_OK && own.size > 0 && strcmp(own.data, other.data) == 0) {
        result = add_header(headers, hub->authorization);
    }
    buf_release(&other);
    buf_release(&own);
    return result;
}

/* A company's own certificates, by the variables that curl and OpenSSL have for them;
 * without one those of the system. Checked they are in any case. */
static void set_certificates(CURL *curl)
{
    static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = getenv(names[i]);
        if (path != NULL && path[0] != '\0') {
            curl_easy_setopt(curl, CURLOPT_CAINFO, path);
            return;
        }
    }
}

static void set_options(struct transfer *t, const char *url, struct curl_slist *headers)
{
    CURL *curl = t->hub->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "duet/" DUET_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    set_certificates(curl);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)t->hub->options.stall_seconds);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

/* One request, without following. *code is libcurl's. */
static enum err perform(struct transfer *t, const char *url, CURLcode *code)
{
    struct curl_slist *headers = NULL;
    enum err result = add_range(t, &headers);
    if (result == ERR_OK) {
        result = add_token(t->hub, url, &headers);
    }
    if (result == ERR_OK) {
        set_options(t, url, headers);
        *code = curl_easy_perform(t->hub->curl);
        curl_easy_setopt(t->hub->curl, CURLOPT_HTTPHEADER, NULL);
    }
    curl_slist_free_all(headers);
    return result;
}

/* Where the answer redirects to, into `url`; *more is false where it does not. */
static enum err next_url(const struct transfer *t, struct buf *url, bool *more)
{
    char *next = NULL;
    struct buf origin;
    int status = t->reply.status;
    *more = status == 301 || status == 302 || status == 303 || status == 307 ||
            status == 308;
    if (!*more) {
        return ERR_OK;
    }
    curl_easy_getinfo(t->hub->curl, CURLINFO_REDIRECT_URL, &next);
    FAIL_IF(next == NULL, ERR_CORRUPT, "%s: a redirect to nowhere", t->hub->base);
    buf_init(&origin, URL_BYTES_MAX);
    enum err result = origin_of(next, &origin);
    bool secure = strncmp(url->data, "https:", 6) == 0;
    if (result == ERR_OK &&
        (origin.size == 0 || (secure && strncmp(origin.data, "https:", 6) != 0))) {
        result = err_set(ERR_CORRUPT, "%s: a redirect to '%.100s' is not followed",
                         t->hub->base, next);
    }
    buf_release(&origin);
    if (result == ERR_OK) {
        buf_clear(url);
        result = buf_append(url, next, strlen(next));
    }
    return result;
}

/* The requests of one try: the first, and where it redirects to. */
static enum err perform_all(struct transfer *t, struct buf *url, CURLcode *code)
{
    bool more = true;
    for (size_t i = 0; more; i++) {
        FAIL_IF(i > LIMIT_HUB_REDIRECTS, ERR_CORRUPT,
                "%s: more than %d redirects in a row", t->hub->base,
                LIMIT_HUB_REDIRECTS);
        TRY(perform(t, url->data, code));
        TRY(t->failed);
        t->hub->reached |= t->reply.status != 0;
        more = false;
        if (*code == CURLE_OK) {
            TRY(next_url(t, url, &more));
        }
    }
    return ERR_OK;
}

/* ---- Trying again -------------------------------------------------------------- */

/* A sleep that can be stopped. */
static enum err nap(struct hub *hub, uint64_t ms, uint64_t n_have)
{
    uint64_t end = clock_monotonic_ns() + ms * 1000000;
    while (clock_monotonic_ns() < end) {
        FAIL_IF(!go_on(hub, n_have), ERR_CANCELLED, "stopped");
        usleep(NAP_MS * 1000 < ms * 1000 ? NAP_MS * 1000 : (useconds_t)(ms * 1000));
    }
    return ERR_OK;
}

/* Whether a failure of libcurl's may pass. A host that was never reached is told at
 * once: no network, or a name misspelt. */
static bool may_pass(const struct hub *hub, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return hub->reached;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static enum err err_of_curl(const struct transfer *t, CURLcode code)
{
    const char *name = t->download == NULL ? t->hub->what : t->download->name;
    bool unlike = code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_HTTP2 ||
                  code == CURLE_UNSUPPORTED_PROTOCOL;
    return err_set(code == CURLE_OUT_OF_MEMORY ? ERR_NOMEM
                   : unlike                    ? ERR_CORRUPT
                                               : ERR_TIMEOUT,
                   "%s: %s: %s", t->hub->base, name, curl_easy_strerror(code));
}

/* How a try ended: ERR_OK with *again where it may be tried once more, ERR_OK without
 * it where all is well. */
static enum err judge(struct transfer *t, CURLcode code, bool *again)
{
    int status = t->reply.status;
    *again = false;
    if (code != CURLE_OK) {
        *again = may_pass(t->hub, code);
        return err_of_curl(t, code);
    }
    if (status == 416 && t->download != NULL && t->n_have > 0) {
        *again = true;
        TRY(begin_anew(t));
        return err_set(ERR_CORRUPT, "%s: the hub knows no such range",
                       t->download->name);
    }
    if (status != 200 && status != 206) {
        *again = hub_reply_may_pass(&t->reply);
        return hub_reply_error(&t->reply, t->hub->what, t->hub->base,
                               t->hub->authorization != NULL);
    }
    if (t->download != NULL && t->n_have < t->download->size) {
        *again = true;
        return err_set(ERR_CORRUPT, "%s: the hub sent %llu bytes of the %llu announced",
                       t->download->name, (unsigned long long)t->n_have,
                       (unsigned long long)t->download->size);
    }
    return ERR_OK;
}

static void prepare(struct transfer *t)
{
    hub_reply_init(&t->reply);
    t->failed = ERR_OK;
    t->begun = t->unfit = false;
    if (t->answer != NULL) {
        buf_clear(t->answer);
        t->n_have = 0;
    }
}

static enum err try_once(struct transfer *t, const char *path, bool *again)
{
    struct buf url;
    CURLcode code = CURLE_OK;
    prepare(t);
    *again = false;
    buf_init(&url, URL_BYTES_MAX);
    enum err result = buf_printf(&url, "%s%s", t->hub->base, path);
    if (result == ERR_OK) {
        result = perform_all(t, &url, &code);
    }
    buf_release(&url);
    if (result == ERR_OK) {
        return judge(t, code, again);
    }
    if (t->unfit) {
        *again = true;
        TRY(begin_anew(t));
        return err_set(ERR_CORRUPT,
                       "%s: the hub goes on with other bytes than those here",
                       t->download->name);
    }
    return result;
}

static void tell_retry(const struct hub *hub, uint64_t ms)
{
    char sentence[ERR_DETAIL_MAX + 64];
    if (hub->options.note != NULL) {
        snprintf(sentence, sizeof sentence, "%s; trying again in %.1f s", err_detail(),
                 (double)ms / 1000);
        hub->options.note(hub->options.arg, sentence);
    }
}

/* Whether a good piece came that was never there before. A hub that begins anew each
 * time and cuts at the same place sends a lot and gets nowhere. */
static bool got_on(struct transfer *t)
{
    if (t->n_have < t->n_best || t->n_have - t->n_best < GOOD_PIECE) {
        return false;
    }
    t->n_best = t->n_have;
    return true;
}

static enum err transfer(struct transfer *t, const char *path)
{
    for (unsigned tries = 1;; tries++) {
        bool again;
        enum err result = try_once(t, path, &again);
        if (got_on(t)) {
            tries = 1;
        }
        if (!again || tries >= HUB_TRIES) {
            return result;
        }
        uint64_t ms = (uint64_t)t->hub->options.retry_ms << (tries - 1);
        uint64_t asked = (uint64_t)t->reply.retry_after_seconds * 1000;
        ms = asked > ms ? asked : ms;
        ms = ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
        tell_retry(t->hub, ms);
        TRY(nap(t->hub, ms, t->download == NULL ? 0 : t->n_have));
    }
}

/* ---- The two kinds of request --------------------------------------------------- */

enum err hub_get(struct hub *hub, const char *path, struct buf *out)
{
    struct transfer t = {.hub = hub, .answer = out, .fd = -1};
    enum err result = transfer(&t, path);
    if (result == ERR_LIMIT) {
        return err_set(ERR_LIMIT, "%s: the hub's answer is over %zu bytes", hub->what,
                       out->max_size);
    }
    return result;
}

/* What is known of the bytes that are there already. More of them than the file has
 * cannot be its beginning. */
static enum err open_file(struct transfer *t)
{
    const struct hub_download *d = t->download;
    struct buf path, etag;
    struct stat st;
    t->fd = open(d->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (t->fd < 0 || fstat(t->fd, &st) != 0) {
        return err_errno(errno, "%s", d->file);
    }
    if ((uint64_t)st.st_size > d->size) {
        return begin_anew(t);
    }
    t->n_have = (uint64_t)lseek(t->fd, 0, SEEK_END);
    buf_init(&path, PATH_MAX);
    buf_init(&etag, sizeof t->etag - 1);
    enum err result = buf_printf(&path, "%s.etag", d->file);
    if (result == ERR_OK && file_read(path.data, &etag) == ERR_OK &&
        strcspn(etag.data, "\r\n") == etag.size) {
        snprintf(t->etag, sizeof t->etag, "%s", etag.data);
    }
    buf_release(&etag);
    buf_release(&path);
    return result;
}

static enum err close_file(struct transfer *t, enum err result)
{
    if (t->fd < 0) {
        return result;
    }
    if (result == ERR_OK && fsync(t->fd) != 0) {
        result = err_errno(errno, "%s", t->download->file);
    }
    if (close(t->fd) != 0 && result == ERR_OK) {
        result = err_errno(errno, "%s", t->download->file);
    }
    return result;
}

enum err hub_download(struct hub *hub, const struct hub_download *download,
                      uint64_t *n_fetched)
{
    struct transfer t = {.hub = hub, .download = download, .fd = -1};
    enum err result = open_file(&t);
    t.n_best = t.n_have;
    if (result == ERR_OK && t.n_have < download->size) {
        result = transfer(&t, download->path);
    }
    *n_fetched += t.n_came;
    return close_file(&t, result);
}
