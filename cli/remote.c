/*
 * remote.c - see remote.h: requests by libcurl, answers by json-c.
 */
#include "cli/remote.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

enum {
    ANSWER_MAX_BYTES = 1 << 30, /* of LIMIT_K_MAX points with payloads of 100 KiB */
    URL_MAX_BYTES = 8192,
    CONNECT_SECONDS = 10,
    ANSWER_SECONDS = 120
};

/* ---- One request ------------------------------------------------------------ */

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

/* `body` NULL: GET, else POST; it must live until the request is done. */
static enum err request_open(struct request *request, const struct cli *cli,
                             const char *route, const char *body)
{
    *request = (struct request){.curl = curl_easy_init()};
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
    if (body != NULL) {
        TRY(add_header(request, "Content-Type: application/json"));
        TRY(add_header(request, "Expect:")); /* no pause before a large picture */
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(request->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(body));
    }
    curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, request->headers);
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

/* Asks, and hands out the answer's "result" (json_object_put). */
static enum err ask(struct json_object **out, const struct cli *cli, const char *route,
                    const char *body)
{
    struct request request;
    *out = NULL;
    enum err result = request_open(&request, cli, route, body);
    if (result == ERR_OK) {
        CURLcode code = curl_easy_perform(request.curl);
        result = code == CURLE_OK ? read_answer(out, &request, cli)
                                  : err_set(ERR_TIMEOUT, "%s: %s", cli->url,
                                            curl_easy_strerror(code));
    }
    request_close(&request);
    return result;
}

/* As ask; takes over `body`. */
static enum err ask_json(struct json_object **out, const struct cli *cli,
                         const char *route, struct json_object *body)
{
    enum err result = ask(out, cli, route, json_text(body));
    json_object_put(body);
    return result;
}

/* ---- Hits -------------------------------------------------------------------- */

static enum err read_id(struct duet_id *id, struct json_object *value)
{
    FAIL_IF(value == NULL, ERR_INTERNAL, "the server sent a point without an id");
    *id = (struct duet_id){0};
    if (json_object_is_type(value, json_type_int)) {
        id->number = json_object_get_uint64(value);
        return ERR_OK;
    }
    return duet_id_parse(id, json_object_get_string(value));
}

/* A copy of the member, NULL where the server does not tell. */
static enum err read_detail(char **out, struct json_object *details, const char *key)
{
    const char *text = NULL;
    if (json_get_string(details, key, &text) == ERR_OK) {
        *out = alloc_dup(text);
        FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

static enum err read_hit(struct duet_hit *hit, struct json_object *point)
{
    char *space = NULL;
    struct json_object *payload = json_get(point, "payload");
    TRY(read_id(&hit->id, json_get(point, "id")));
    hit->score = (float)json_object_get_double(json_get(point, "score"));
    hit->payload = alloc_dup(payload != NULL ? json_text(payload) : "{}");
    FAIL_IF(hit->payload == NULL, ERR_NOMEM, "out of memory");
    TRY(read_detail(&hit->source, json_get(point, "duet"), "source"));
    TRY(read_detail(&space, json_get(point, "duet"), "space"));
    hit->space = space;
    return ERR_OK;
}

static enum err read_hits(struct duet_hits *hits, struct json_object *points)
{
    *hits = (struct duet_hits){0};
    FAIL_IF(!json_object_is_type(points, json_type_array), ERR_INTERNAL,
            "the server sent no list of points");
    size_t n = json_object_array_length(points);
    hits->hits = alloc_zero(n, sizeof *hits->hits);
    FAIL_IF(hits->hits == NULL, ERR_NOMEM, "out of memory");
    hits->n = n;
    for (size_t i = 0; i < n; i++) {
        enum err result =
            read_hit(&hits->hits[i], json_object_array_get_idx(points, i));
        if (result != ERR_OK) {
            duet_hits_release(hits);
            return result;
        }
    }
    return ERR_OK;
}

/* Asks for what a hit shows: the payload, and by our own extension space and source. */
static void want_parts(struct json_object *body)
{
    struct json_object *duet = json_object_new_object();
    json_object_object_add(duet, "details", json_object_new_boolean(true));
    json_object_object_add(body, "with_payload", json_object_new_boolean(true));
    json_object_object_add(body, "duet", duet);
}

/* ---- The questions ------------------------------------------------------------ */

static struct json_object *id_json(struct duet_id id)
{
    char text[DUET_ID_TEXT_MAX];
    duet_id_format(id, text);
    return id.is_uuid ? json_object_new_string(text)
                      : json_object_new_uint64(id.number);
}

static struct json_object *ids_json(const struct duet_id *ids, size_t n)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < n; i++) {
        json_object_array_add(array, id_json(ids[i]));
    }
    return array;
}

static enum err base64_of_file(struct json_object **out, const char *path)
{
    struct file_map map;
    TRY(file_map_open(&map, path, LIMIT_BODY_BYTES / 4 * 3));
    unsigned char *text = alloc_array((map.size + 2) / 3 * 4 + 1, 1);
    if (text == NULL) {
        file_map_close(&map);
        return err_set(ERR_NOMEM, "out of memory");
    }
    int n = EVP_EncodeBlock(text, map.data, (int)map.size);
    *out = json_object_new_string_len((const char *)text, n);
    alloc_free(text);
    file_map_close(&map);
    return ERR_OK;
}

/* A text, a picture or a point's id. */
static enum err input_json(struct json_object **out, const struct duet_input *input)
{
    struct json_object *value = NULL;
    bool picture = input->kind == DUET_INPUT_FILE;
    if (input->kind == DUET_INPUT_POINT) {
        *out = id_json(input->id);
        return ERR_OK;
    }
    if (picture) {
        TRY(base64_of_file(&value, input->path));
    } else {
        value = json_object_new_string_len(input->bytes, (int)input->n);
    }
    *out = json_object_new_object();
    json_object_object_add(*out, picture ? "image" : "text", value);
    return ERR_OK;
}

/* Parts of a mix, our own extension: texts and pictures, with a member more. */
static enum err add_parts(struct json_object *query, const struct duet_query *q)
{
    struct json_object *duet = json_object_new_object();
    struct json_object *parts = json_object_new_array();
    json_object_object_add(duet, "mix", parts);
    json_object_object_add(query, "duet", duet);
    for (size_t i = 0; i < q->n_examples; i++) {
        struct json_object *part;
        TRY(input_json(&part, &q->examples[i].input));
        json_object_object_add(part, "weight",
                               json_object_new_double((double)q->examples[i].weight));
        json_object_array_add(parts, part);
    }
    return ERR_OK;
}

static enum err add_examples(struct json_object *query, const struct duet_query *q)
{
    static const char *const strategies[] = {"average_vector", "best_score",
                                             "sum_scores"};
    struct json_object *recommend = json_object_new_object();
    struct json_object *lists[] = {json_object_new_array(), json_object_new_array()};
    json_object_object_add(recommend, "negative", lists[0]);
    json_object_object_add(recommend, "positive", lists[1]);
    json_object_object_add(recommend, "strategy",
                           json_object_new_string(strategies[q->strategy]));
    json_object_object_add(query, "recommend", recommend);
    for (size_t i = 0; i < q->n_examples; i++) {
        struct json_object *example;
        TRY(input_json(&example, &q->examples[i].input));
        json_object_array_add(lists[q->examples[i].weight > 0], example);
    }
    return ERR_OK;
}

static enum err query_json(struct json_object **out, const struct duet_query *q)
{
    if (q->kind == DUET_QUERY_NEAREST) {
        return input_json(out, &q->input);
    }
    *out = json_object_new_object();
    enum err result =
        q->kind == DUET_QUERY_MIX ? add_parts(*out, q) : add_examples(*out, q);
    if (result != ERR_OK) {
        json_object_put(*out);
        *out = NULL;
    }
    return result;
}

/* The filter's JSON as the member "filter". */
static enum err add_filter(struct json_object *body, const char *filter)
{
    struct json_object *value;
    if (filter == NULL) {
        return ERR_OK;
    }
    enum err result = json_parse(&value, filter, strlen(filter));
    if (result != ERR_OK) {
        return err_prefix(result, "filter");
    }
    FAIL_IF(value == NULL, ERR_INVALID, "filter: must be an object");
    json_object_object_add(body, "filter", value);
    return ERR_OK;
}

/* As ask_json, with the filter. */
static enum err ask_where(struct json_object **out, const struct cli *cli,
                          const char *route, struct json_object *body)
{
    enum err result = add_filter(body, cli->filter);
    if (result != ERR_OK) {
        json_object_put(body);
        return result;
    }
    return ask_json(out, cli, route, body);
}

enum err remote_search(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_query *query)
{
    struct json_object *input, *result;
    *hits = (struct duet_hits){0};
    TRY(query_json(&input, query));
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "query", input);
    json_object_object_add(body, "limit", json_object_new_uint64(query->k));
    want_parts(body);
    if (query->in != NULL) {
        json_object_object_add(body, "using", json_object_new_string(query->in));
    }
    if (query->exact) {
        struct json_object *params = json_object_new_object();
        json_object_object_add(params, "exact", json_object_new_boolean(true));
        json_object_object_add(body, "params", params);
    }
    TRY(ask_where(&result, cli, "/points/query", body));
    enum err read = read_hits(hits, json_get(result, "points"));
    struct json_object *truncated = json_get(json_get(result, "duet"), "truncated");
    hits->truncated = json_object_get_boolean(truncated);
    json_object_put(result);
    return read;
}

enum err remote_get(struct duet_hits *hits, const struct cli *cli,
                    const struct duet_id *ids, size_t n)
{
    struct json_object *result;
    struct json_object *body = json_object_new_object();
    *hits = (struct duet_hits){0};
    json_object_object_add(body, "ids", ids_json(ids, n));
    want_parts(body);
    TRY(ask_json(&result, cli, "/points", body));
    enum err read = read_hits(hits, result);
    json_object_put(result);
    return read;
}

enum err remote_scroll(struct duet_hits *hits, const struct cli *cli,
                       const struct duet_id *from, size_t limit)
{
    struct json_object *result;
    struct json_object *body = json_object_new_object();
    *hits = (struct duet_hits){0};
    json_object_object_add(body, "limit", json_object_new_uint64(limit));
    want_parts(body);
    if (from != NULL) {
        json_object_object_add(body, "offset", id_json(*from));
    }
    TRY(ask_where(&result, cli, "/points/scroll", body));
    enum err read = read_hits(hits, json_get(result, "points"));
    json_object_put(result);
    return read;
}

/* The dialect does not say how many were there, so they are asked for first. */
enum err remote_remove(size_t *n_removed, const struct cli *cli,
                       const struct duet_id *ids, size_t n)
{
    struct duet_hits hits;
    struct json_object *result;
    *n_removed = 0;
    TRY(remote_get(&hits, cli, ids, n));
    size_t n_there = hits.n;
    duet_hits_release(&hits);
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "points", ids_json(ids, n));
    TRY(ask_json(&result, cli, "/points/delete?wait=true", body));
    json_object_put(result);
    *n_removed = n_there;
    return ERR_OK;
}

static enum err count_where(size_t *n, const struct cli *cli)
{
    struct json_object *result;
    *n = 0;
    TRY(ask_where(&result, cli, "/points/count", json_object_new_object()));
    enum err read = json_get_size(result, "count", n);
    json_object_put(result);
    return read;
}

/* As with ids: counted first. */
enum err remote_remove_where(size_t *n_removed, const struct cli *cli)
{
    struct json_object *result;
    size_t n_there;
    *n_removed = 0;
    TRY(count_where(&n_there, cli));
    TRY(ask_where(&result, cli, "/points/delete?wait=true", json_object_new_object()));
    json_object_put(result);
    *n_removed = n_there;
    return ERR_OK;
}

enum err remote_stats(const struct cli *cli)
{
    struct json_object *result;
    size_t n_matching = 0;
    if (cli->filter != NULL) {
        TRY(count_where(&n_matching, cli));
    }
    TRY(ask(&result, cli, "", NULL));
    if (cli->filter != NULL) {
        json_object_object_add(result, "matching", json_object_new_uint64(n_matching));
    }
    puts(json_text(result));
    json_object_put(result);
    return ERR_OK;
}
