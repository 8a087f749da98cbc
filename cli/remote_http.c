/*
 * remote_http.c - see remote_http.h: requests by libcurl, answers by json-c.
 */
#include "cli/remote_http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    ANSWER_MAX_BYTES = 1 << 30, /* of LIMIT_K_MAX points with payloads of 100 KiB */
    URL_MAX_BYTES = 8192,
    CONNECT_SECONDS = 10,
    ANSWER_SECONDS = 120
};

struct request {
    CURL *curl;
    struct curl_slist *headers;
    struct buf answer;
};

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct buf *answer = arg;
    return buf_append(answer, bytes, size * n) == ERR_OK ? size * n : 0;
}

static enum err add_header(struct request *request, const char *line)
{
    struct curl_slist *headers = curl_slist_append(request->headers, line);
    FAIL_IF(headers == NULL, ERR_NOMEM, "out of memory");
    request->headers = headers;
    return ERR_OK;
}

static enum err add_api_key(struct request *request, const struct cli *cli)
{
    struct buf file, line;
    const char *key;
    buf_init(&file, CLI_API_KEY_MAX);
    buf_init(&line, CLI_API_KEY_MAX + 16);
    enum err result = cli_api_key(&key, cli, &file);
    if (result == ERR_OK && key != NULL) {
        result = buf_printf(&line, "api-key: %s", key);
        result = result == ERR_OK ? add_header(request, line.data) : result;
    }
    buf_release(&line);
    buf_release(&file);
    return result;
}

/* "URL/collections/NAME" and `route`. */
static enum err set_url(struct request *request, const struct cli *cli,
                        const char *route)
{
    struct buf url;
    size_t n = strlen(cli->url);
    while (n > 0 && cli->url[n - 1] == '/') {
        n--;
    }
    char *name = curl_easy_escape(request->curl, cli->collection, 0);
    FAIL_IF(name == NULL, ERR_NOMEM, "out of memory");
    buf_init(&url, URL_MAX_BYTES);
    enum err result =
        buf_printf(&url, "%.*s/collections/%s%s", (int)n, cli->url, name, route);
    if (result == ERR_OK &&
        curl_easy_setopt(request->curl, CURLOPT_URL, url.data) != CURLE_OK) {
        result = err_set(ERR_NOMEM, "out of memory");
    }
    curl_free(name);
    buf_release(&url);
    return result;
}

static void request_close(struct request *request)
{
    curl_slist_free_all(request->headers);
    curl_easy_cleanup(request->curl);
    buf_release(&request->answer);
}

/* A server's own certificate, by the variables that curl and OpenSSL have for it. */
static void set_certificates(CURL *curl)
{
    const char *path = getenv("CURL_CA_BUNDLE");
    if (path == NULL || path[0] == '\0') {
        path = getenv("SSL_CERT_FILE");
    }
    if (path != NULL && path[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_CAINFO, path);
    }
}

/* What all requests have. `curl` is taken over; NULL: none could be had. */
static enum err request_open(struct request *request, const struct cli *cli,
                             const char *route, CURL *curl)
{
    *request = (struct request){.curl = curl};
    buf_init(&request->answer, ANSWER_MAX_BYTES);
    FAIL_IF(request->curl == NULL, ERR_NOMEM, "libcurl cannot be started");
    TRY(set_url(request, cli, route));
    TRY(add_api_key(request, cli));
    curl_easy_setopt(request->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set_certificates(request->curl);
    curl_easy_setopt(request->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(request->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(request->curl, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
    curl_easy_setopt(request->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(request->curl, CURLOPT_WRITEDATA, &request->answer);
    return add_header(request, "Expect:"); /* no pause before a large picture */
}

/* `body` NULL: GET, or the method alone; it must live until the request is done. */
static enum err set_body(struct request *request, const char *method, const char *body)
{
    if (body != NULL) {
        TRY(add_header(request, "Content-Type: application/json"));
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(body));
    }
    if (method != NULL) {
        curl_easy_setopt(request->curl, CURLOPT_CUSTOMREQUEST, method);
    }
    return ERR_OK;
}

static enum err err_of_status(long status)
{
    switch (status) {
    case 400:
    case 401:
    case 403:
    case 422:
        return ERR_INVALID;
    case 404:
        return ERR_NOT_FOUND;
    case 408:
    case 504:
        return ERR_TIMEOUT;
    case 409:
        return ERR_CONFLICT;
    case 413:
        return ERR_LIMIT;
    case 429:
    case 503:
        return ERR_BUSY;
    case 507:
        return ERR_FULL;
    default:
        return ERR_INTERNAL;
    }
}

/* The member "result" of the answer, or the error that it tells of. */
static enum err read_answer(struct json_object **out, const struct request *request,
                            const struct cli *cli)
{
    long status = 0;
    struct json_object *answer = NULL;
    const char *sentence = NULL;
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    enum err parsed = json_parse(&answer, request->answer.data, request->answer.size);
    if (status != 200) {
        bool told = parsed == ERR_OK && json_get_string(json_get(answer, "status"),
                                                        "error", &sentence) == ERR_OK;
        enum err result = err_set(err_of_status(status), "%s: %s (HTTP %ld)", cli->url,
                                  told ? sentence : "the request failed", status);
        json_object_put(answer);
        return result;
    }
    *out = parsed == ERR_OK ? json_object_get(json_get(answer, "result")) : NULL;
    json_object_put(answer);
    FAIL_IF(*out == NULL, ERR_INTERNAL, "%s: it answers, but not as a duet server does",
            cli->url);
    return ERR_OK;
}

static enum err perform(struct json_object **out, struct request *request,
                        const struct cli *cli)
{
    curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, request->headers);
    CURLcode code = curl_easy_perform(request->curl);
    FAIL_IF(code != CURLE_OK, ERR_TIMEOUT, "%s: %s", cli->url,
            curl_easy_strerror(code));
    return read_answer(out, request, cli);
}

enum err remote_ask_by(struct json_object **out, const struct cli *cli,
                       const char *method, const char *route, const char *body)
{
    struct request request;
    *out = NULL;
    enum err result = request_open(&request, cli, route, curl_easy_init());
    if (result == ERR_OK) {
        result = set_body(&request, method, body);
    }
    if (result == ERR_OK) {
        result = perform(out, &request, cli);
    }
    request_close(&request);
    return result;
}

enum err remote_ask(struct json_object **out, const struct cli *cli, const char *route,
                    const char *body)
{
    return remote_ask_by(out, cli, NULL, route, body);
}

enum err remote_ask_json(struct json_object **out, const struct cli *cli,
                         const char *route, struct json_object *body)
{
    enum err result = remote_ask(out, cli, route, json_text(body));
    json_object_put(body);
    return result;
}

enum err remote_put(struct json_object **out, const struct cli *cli, const char *route,
                    const void *bytes, size_t n)
{
    struct request request;
    *out = NULL;
    enum err result = request_open(&request, cli, route, curl_easy_init());
    if (result == ERR_OK) {
        result = add_header(&request, "Content-Type: application/octet-stream");
    }
    if (result == ERR_OK) {
        curl_easy_setopt(request.curl, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(request.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
        curl_easy_setopt(request.curl, CURLOPT_POSTFIELDS, bytes);
        result = perform(out, &request, cli);
    }
    request_close(&request);
    return result;
}

/* ---- Forms ------------------------------------------------------------------ */

struct remote_form {
    CURL *curl;
    curl_mime *mime;
};

enum err remote_form_open(struct remote_form **out)
{
    struct remote_form *form = alloc_zero(1, sizeof *form);
    *out = NULL;
    FAIL_IF(form == NULL, ERR_NOMEM, "out of memory");
    form->curl = curl_easy_init();
    form->mime = form->curl != NULL ? curl_mime_init(form->curl) : NULL;
    if (form->mime == NULL) {
        remote_form_close(form);
        return err_set(ERR_NOMEM, "libcurl cannot be started");
    }
    *out = form;
    return ERR_OK;
}

void remote_form_close(struct remote_form *form)
{
    if (form != NULL) {
        curl_mime_free(form->mime);
        curl_easy_cleanup(form->curl);
        alloc_free(form);
    }
}

enum err remote_form_add(struct remote_form *form, const char *name,
                         const char *filename, const void *bytes, size_t n)
{
    curl_mimepart *part = curl_mime_addpart(form->mime);
    FAIL_IF(part == NULL || curl_mime_name(part, name) != CURLE_OK ||
                curl_mime_filename(part, filename) != CURLE_OK ||
                curl_mime_data(part, bytes, n) != CURLE_OK,
            ERR_NOMEM, "out of memory");
    return ERR_OK;
}

enum err remote_form_send(struct json_object **out, const struct cli *cli,
                          const char *route, struct remote_form *form)
{
    struct request request;
    *out = NULL;
    enum err result = request_open(&request, cli, route, form->curl);
    if (result == ERR_OK) {
        curl_easy_setopt(form->curl, CURLOPT_MIMEPOST, form->mime);
        result = perform(out, &request, cli);
    }
    request.curl = NULL; /* the form's */
    request_close(&request);
    remote_form_close(form);
    return result;
}
