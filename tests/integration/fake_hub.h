/*
 * fake_hub.h - a hub in this process, for tests of pulls: what a Hugging Face hub
 * answers, over plain HTTP on 127.0.0.1, and what goes wrong with it.
 *
 *     struct fake_hub hub;
 *     fake_hub_start(&hub, "owner/tiny");
 *     fake_hub_add_folder(&hub, folder);      // files; *.safetensors are large ones
 *     hub.cut_after = 1000;                   // before the request that it is for
 *     ... hub.url ...
 *     fake_hub_stop(&hub);
 *
 * There are two servers, as with the real one: the hub itself, and, under another name
 * and port ("localhost"), the store of large files that it redirects to. Each serves
 * one connection at a time and closes it after one answer.
 *
 * Threads: the behaviours are set, and what was seen is read, while nothing is asked.
 */
#ifndef TESTS_INTEGRATION_FAKE_HUB_H
#define TESTS_INTEGRATION_FAKE_HUB_H

#include "tests/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

#define FAKE_COMMIT "0123456789abcdef0123456789abcdef01234567"
#define FAKE_COMMIT_2 "89abcdef0123456789abcdef0123456789abcdef"

enum { FAKE_FILES_MAX = 40, FAKE_REQUEST_MAX = 16384 };

struct fake_file {
    char name[300];
    struct buf bytes;
    bool large;
    char sha256[65], blob[41];
    char listed_hash[65];  /* "": the right one */
    long long listed_size; /* -1: the right one */
    char etag[80];
};

struct fake_hub {
    char url[64];  /* of the hub */
    char name[64]; /* "owner/tiny" */
    const char *commit;
    const char *licence;
    struct fake_file files[FAKE_FILES_MAX];
    size_t n_files;

    /* How it behaves. */
    const char *want_token; /* NULL: it asks for none */
    int api_status;         /* 0: well */
    int file_status;        /* of all files; 0: well */
    int fail_times;         /* that many answers are 503 first */
    const char *error_code; /* X-Error-Code beside a status */
    size_t cut_after;   /* bytes of a large file before the connection ends; 0: all */
    int cut_times;      /* how often; then it is well */
    size_t stall_after; /* bytes of a large file before nothing more comes; 0: all */
    int stall_times;
    bool ignore_range;   /* 200 and the whole file, whatever was asked for */
    bool refuse_range;   /* 416 to any range */
    bool wrong_range;    /* 206 with another range than was asked for */
    bool endless;        /* redirects to itself */
    bool down;           /* redirects to another scheme */
    bool no_redirect;    /* large files come from the hub itself */
    bool relative;       /* redirects within the hub first, by a relative Location */
    bool too_long;       /* sends a byte more than listed */
    const char *raw_api; /* the answer to the list, as it stands; NULL: a right one */
    bool moved_commit;   /* X-Repo-Commit is another one */

    /* What it saw. */
    int n_requests, n_large; /* in all; of the store of large files */
    int n_ranges;            /* asked of the store */
    int n_whole;             /* large files sent from their first byte */
    char last_range[80], last_if_range[120];
    char own_token[120], store_token[120]; /* the last Authorization; "" if none */

    pthread_mutex_t lock;
    pthread_t threads[2];
    int listeners[2]; /* the hub, the store */
    int ports[2];
    bool stopped;
};

/* ---- Files -------------------------------------------------------------------- */

static inline void fake_hex(const EVP_MD *type, const char *head, size_t n_head,
                            const struct buf *bytes, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(context, type, NULL), 1);
    assert_int_equal(EVP_DigestUpdate(context, head, n_head), 1);
    assert_int_equal(EVP_DigestUpdate(context, bytes->data, bytes->size), 1);
    assert_int_equal(EVP_DigestFinal_ex(context, digest, &n), 1);
    EVP_MD_CTX_free(context);
    for (unsigned i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

static inline struct fake_file *fake_hub_add(struct fake_hub *hub, const char *name,
                                             const void *bytes, size_t n)
{
    char head[40];
    assert_true(hub->n_files < FAKE_FILES_MAX);
    struct fake_file *file = &hub->files[hub->n_files++];
    size_t length = strlen(name);
    snprintf(file->name, sizeof file->name, "%s", name);
    buf_init(&file->bytes, 1 << 24);
    assert_ok(buf_append(&file->bytes, bytes, n));
    file->large = length > 12 && strcmp(name + length - 12, ".safetensors") == 0;
    file->listed_hash[0] = '\0';
    file->listed_size = -1;
    fake_hex(EVP_sha256(), "", 0, &file->bytes, file->sha256);
    int n_head = snprintf(head, sizeof head, "blob %zu", n);
    fake_hex(EVP_sha1(), head, (size_t)n_head + 1, &file->bytes, file->blob);
    memcpy(file->etag, "\"store-", 7);
    memcpy(file->etag + 7, file->sha256, 16);
    memcpy(file->etag + 23, "\"", 2);
    return file;
}

/* NULL where there is none. */
static inline struct fake_file *fake_hub_find(struct fake_hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->n_files; i++) {
        if (strcmp(hub->files[i].name, name) == 0) {
            return &hub->files[i];
        }
    }
    return NULL;
}

/* For tests, which know that it is there. */
static inline struct fake_file *fake_hub_file(struct fake_hub *hub, const char *name)
{
    struct fake_file *file = fake_hub_find(hub, name);
    if (file == NULL) {
        print_error("the hub has no %s\n", name);
        abort();
    }
    return file;
}

static inline void fake_hub_add_folder(struct fake_hub *hub, const char *from)
{
    DIR *dir = opendir(from);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            char path[1024];
            struct buf bytes;
            buf_init(&bytes, 1 << 24);
            snprintf(path, sizeof path, "%s/%s", from, entry->d_name);
            assert_ok(file_read(path, &bytes));
            (void)fake_hub_add(hub, entry->d_name, bytes.data, bytes.size);
            buf_release(&bytes);
        }
    }
    closedir(dir);
}

static inline void fake_hub_clear(struct fake_hub *hub)
{
    pthread_mutex_lock(&hub->lock); /* the last answer may still be under way */
    for (size_t i = 0; i < hub->n_files; i++) {
        buf_release(&hub->files[i].bytes);
    }
    hub->n_files = 0;
    pthread_mutex_unlock(&hub->lock);
}

/* ---- Answers ------------------------------------------------------------------- */

struct fake_request {
    char path[2048];
    char range[80], if_range[120], token[120];
    int which; /* 0: the hub, 1: the store */
};

static inline bool fake_send(int fd, const void *bytes, size_t n)
{
    for (const char *p = bytes; n > 0;) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static inline void fake_answer(int fd, int status, const char *headers,
                               const void *body, size_t n)
{
    char head[4096];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d Whatever\r\nConnection: close\r\n"
                          "Content-Length: %zu\r\n%s\r\n",
                          status, n, headers);
    (void)(fake_send(fd, head, (size_t)length) && fake_send(fd, body, n));
}

static inline void fake_json_string(struct buf *out, const char *text)
{
    assert_ok(buf_printf(out, "\""));
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < ' ' || *c == '"' || *c == '\\') {
            assert_ok(buf_printf(out, "\\u%04x", *c));
        } else {
            assert_ok(buf_append(out, c, 1));
        }
    }
    assert_ok(buf_printf(out, "\""));
}

static inline void fake_list(struct fake_hub *hub, int fd)
{
    struct buf out;
    buf_init(&out, 1 << 22);
    assert_ok(buf_printf(&out,
                         "{\"id\":\"%s\",\"sha\":\"%s\",\"gated\":false,\"private\":"
                         "false,\"cardData\":{\"license\":\"%s\"},\"siblings\":[",
                         hub->name, hub->commit, hub->licence));
    for (size_t i = 0; i < hub->n_files; i++) {
        const struct fake_file *f = &hub->files[i];
        long long size =
            f->listed_size >= 0 ? f->listed_size : (long long)f->bytes.size;
        assert_ok(buf_printf(&out, "%s{\"rfilename\":", i == 0 ? "" : ","));
        fake_json_string(&out, f->name);
        const char *hash = f->listed_hash[0] != '\0' ? f->listed_hash
                           : f->large                ? f->sha256
                                                     : f->blob;
        if (f->large) {
            assert_ok(
                buf_printf(&out,
                           ",\"size\":%lld,\"blobId\":\"%040d\",\"lfs\":{"
                           "\"sha256\":\"%s\",\"size\":%lld,\"pointerSize\":134}}",
                           size, 0, hash, size));
        } else {
            assert_ok(
                buf_printf(&out, ",\"size\":%lld,\"blobId\":\"%s\"}", size, hash));
        }
    }
    assert_ok(buf_printf(&out, "]}"));
    const char *body = hub->raw_api != NULL ? hub->raw_api : out.data;
    fake_answer(fd, 200, "Content-Type: application/json\r\n", body, strlen(body));
    buf_release(&out);
}

/* Waits until the other side has gone, or the hub is stopped. */
static inline void fake_stall(struct fake_hub *hub, int fd)
{
    char byte;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        pthread_mutex_lock(&hub->lock);
        bool stopped = hub->stopped;
        pthread_mutex_unlock(&hub->lock);
        if (stopped || (poll(&p, 1, 20) > 0 && recv(fd, &byte, 1, 0) <= 0)) {
            return;
        }
    }
}

/* The bytes of a file, from the range asked for, with all that may go wrong. */
static inline void fake_bytes(struct fake_hub *hub, int fd, struct fake_file *f,
                              const struct fake_request *r, const char *more)
{
    char headers[2048], range[120] = "", head[4096];
    size_t first = 0, n = f->bytes.size;
    bool ranged = r->range[0] != '\0' && !hub->ignore_range &&
                  (r->if_range[0] == '\0' || strcmp(r->if_range, f->etag) == 0);
    if (ranged) {
        first = (size_t)strtoull(r->range + strlen("bytes="), NULL, 10);
    }
    if (ranged && (hub->refuse_range || first >= n)) {
        snprintf(headers, sizeof headers, "Content-Range: bytes */%zu\r\n", n);
        fake_answer(fd, 416, headers, "", 0);
        return;
    }
    if (ranged && hub->wrong_range) {
        first = first / 2;
    }
    if (ranged) {
        snprintf(range, sizeof range, "Content-Range: bytes %zu-%zu/%zu\r\n", first,
                 n - 1, n);
    }
    if (f->large && first == 0) {
        hub->n_whole++;
    }
    n -= first;
    size_t n_told = n + (hub->too_long ? 1 : 0);
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d OK\r\nConnection: close\r\nContent-Length: "
                          "%zu\r\nETag: %s\r\n%s%s\r\n",
                          ranged ? 206 : 200, n_told, f->etag, range, more);
    size_t n_sent = n;
    bool stall = f->large && hub->stall_after > 0 && hub->stall_times > 0;
    bool cut = f->large && hub->cut_after > 0 && hub->cut_times > 0;
    if (stall) {
        n_sent = hub->stall_after < n ? hub->stall_after : n;
        hub->stall_times--;
    } else if (cut) {
        n_sent = hub->cut_after < n ? hub->cut_after : n;
        hub->cut_times--;
    }
    (void)(fake_send(fd, head, (size_t)length) &&
           fake_send(fd, f->bytes.data + first, n_sent) &&
           (!hub->too_long || fake_send(fd, "x", 1)));
    if (stall) {
        pthread_mutex_unlock(&hub->lock); /* others may ask meanwhile */
        fake_stall(hub, fd);
        pthread_mutex_lock(&hub->lock);
    }
}

static inline bool fake_refused(struct fake_hub *hub, int fd,
                                const struct fake_request *r, int status)
{
    char headers[200] = "";
    if (hub->fail_times > 0) {
        hub->fail_times--;
        fake_answer(fd, 503, "", "", 0);
        return true;
    }
    if (status == 0 && hub->want_token != NULL && r->which == 0) {
        char want[120];
        snprintf(want, sizeof want, "Bearer %s", hub->want_token);
        status = strcmp(r->token, want) == 0 ? 0 : 401;
    }
    if (status == 0) {
        return false;
    }
    if (hub->error_code != NULL) {
        snprintf(headers, sizeof headers, "X-Error-Code: %s\r\n", hub->error_code);
    }
    fake_answer(fd, status, headers, "no", 2);
    return true;
}

/* GET /owner/tiny/resolve/COMMIT/FILE. */
static inline void fake_resolve(struct fake_hub *hub, int fd,
                                const struct fake_request *r, const char *path)
{
    char headers[3072], more[512];
    struct fake_file *f = fake_hub_find(hub, path);
    if (f == NULL) {
        fake_answer(fd, 404, "X-Error-Code: EntryNotFound\r\n", "", 0);
        return;
    }
    if (hub->relative && strncmp(r->path, "/moved", 6) != 0) {
        snprintf(headers, sizeof headers, "Location: /moved%s\r\n", r->path);
        fake_answer(fd, 307, headers, "", 0);
        return;
    }
    if (hub->endless || hub->down) {
        snprintf(headers, sizeof headers, "Location: %s%s\r\n",
                 hub->down ? "file://" : "", r->path);
        fake_answer(fd, 302, headers, "", 0);
        return;
    }
    snprintf(more, sizeof more, "X-Repo-Commit: %s\r\n",
             hub->moved_commit ? FAKE_COMMIT_2 : hub->commit);
    if (!f->large || hub->no_redirect) {
        fake_bytes(hub, fd, f, r, more);
        return;
    }
    snprintf(headers, sizeof headers,
             "%sX-Linked-Etag: \"%s\"\r\nX-Linked-Size: %zu\r\nLocation: "
             "http://localhost:%d/store/%s?sig=1\r\n",
             more, f->sha256, f->bytes.size, hub->ports[1], f->name);
    fake_answer(fd, 302, headers, "", 0);
}

static inline void fake_route(struct fake_hub *hub, int fd,
                              const struct fake_request *r)
{
    char prefix[200];
    const char *path = strncmp(r->path, "/moved", 6) == 0 ? r->path + 6 : r->path;
    if (r->which == 1) {
        char name[300];
        struct fake_file *f = NULL;
        if (sscanf(r->path, "/store/%299[^?]", name) == 1) {
            f = fake_hub_find(hub, name);
        }
        if (f != NULL && !fake_refused(hub, fd, r, 0)) {
            fake_bytes(hub, fd, f, r, "");
        }
        return;
    }
    snprintf(prefix, sizeof prefix, "/api/models/%s/revision/", hub->name);
    if (strncmp(path, prefix, strlen(prefix)) == 0) {
        if (!fake_refused(hub, fd, r, hub->api_status)) {
            fake_list(hub, fd);
        }
        return;
    }
    snprintf(prefix, sizeof prefix, "/%s/resolve/%s/", hub->name, hub->commit);
    if (strncmp(path, prefix, strlen(prefix)) == 0) {
        if (!fake_refused(hub, fd, r, hub->file_status)) {
            fake_resolve(hub, fd, r, path + strlen(prefix));
        }
        return;
    }
    fake_answer(fd, 404, "X-Error-Code: RepoNotFound\r\n", "", 0);
}

/* ---- Requests ------------------------------------------------------------------ */

static inline void fake_header(const char *request, const char *name, char *dst,
                               size_t size)
{
    const char *line = strcasestr(request, name);
    dst[0] = '\0';
    if (line != NULL) {
        line += strlen(name);
        snprintf(dst, size, "%.*s", (int)strcspn(line, "\r\n"), line);
    }
}

static inline void fake_serve(struct fake_hub *hub, int which, int fd)
{
    char text[FAKE_REQUEST_MAX] = "";
    struct fake_request r = {.which = which};
    size_t n = 0;
    while (n + 1 < sizeof text && strstr(text, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0) {
            return;
        }
        n += (size_t)got;
        text[n] = '\0';
    }
    if (sscanf(text, "GET %2047s ", r.path) != 1) {
        return;
    }
    fake_header(text, "\r\nRange: ", r.range, sizeof r.range);
    fake_header(text, "\r\nIf-Range: ", r.if_range, sizeof r.if_range);
    fake_header(text, "\r\nAuthorization: ", r.token, sizeof r.token);
    pthread_mutex_lock(&hub->lock);
    hub->n_requests++;
    hub->n_large += which;
    memcpy(which == 0 ? hub->own_token : hub->store_token, r.token, sizeof r.token);
    if (r.range[0] != '\0' && (which == 1 || hub->no_redirect)) {
        hub->n_ranges++;
        memcpy(hub->last_range, r.range, sizeof r.range);
        memcpy(hub->last_if_range, r.if_range, sizeof r.if_range);
    }
    fake_route(hub, fd, &r);
    pthread_mutex_unlock(&hub->lock);
}

struct fake_server {
    struct fake_hub *hub;
    int which;
};

static inline void *fake_loop(void *arg)
{
    struct fake_server *server = arg;
    struct fake_hub *hub = server->hub;
    int listener = hub->listeners[server->which];
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            break;
        }
        fake_serve(hub, server->which, fd);
        shutdown(fd, SHUT_WR);
        char rest[256];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (poll(&p, 1, 200) > 0 && recv(fd, rest, sizeof rest, 0) > 0) {
        }
        close(fd);
    }
    free(server);
    return NULL;
}

static inline void fake_listen(struct fake_hub *hub, int which)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    hub->listeners[which] = fd;
    hub->ports[which] = ntohs(address.sin_port);
    struct fake_server *server = malloc(sizeof *server);
    assert_non_null(server);
    *server = (struct fake_server){hub, which};
    assert_int_equal(pthread_create(&hub->threads[which], NULL, fake_loop, server), 0);
}

static inline void fake_hub_start(struct fake_hub *hub, const char *name)
{
    memset(hub, 0, sizeof *hub);
    hub->commit = FAKE_COMMIT;
    hub->licence = "mit";
    snprintf(hub->name, sizeof hub->name, "%s", name);
    pthread_mutex_init(&hub->lock, NULL);
    fake_listen(hub, 0);
    fake_listen(hub, 1);
    snprintf(hub->url, sizeof hub->url, "http://127.0.0.1:%d", hub->ports[0]);
}

static inline void fake_hub_stop(struct fake_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->stopped = true;
    pthread_mutex_unlock(&hub->lock);
    for (int i = 0; i < 2; i++) {
        shutdown(hub->listeners[i], SHUT_RDWR);
        pthread_join(hub->threads[i], NULL);
        close(hub->listeners[i]);
    }
    fake_hub_clear(hub);
    pthread_mutex_destroy(&hub->lock);
}

#endif
