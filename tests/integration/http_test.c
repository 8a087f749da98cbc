/*
 * http_test.c - the real program as a server: build/duet serve on a free port, asked
 * over HTTP in both directions, then ill-treated.
 *
 * The model is a tiny one with random weights: a text finds the same text and a picture
 * the same picture, but what lies between them means nothing. BUILD names the folder of
 * the program.
 */
#include "tests/test.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/json.h"
#include "tests/db/db_test.h"
#include "tests/integration/served.h"
#include "tests/net/raw_client.h"
#include "tests/picture.h"

enum { REPLY_MAX = 1 << 20, BODY_MAX = 64 << 10 };

static char folder[64]; /* of model and database */

static int begin(void **state)
{
    (void)state;
    test_folder_make(folder);
    served_start(folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    served_stop();
    test_folder_remove(folder);
    return 0;
}

/* ---- Asking -------------------------------------------------------------------------
 */

struct reply {
    long status;
    struct json_object *json; /* NULL where it is none */
    char *text;               /* [n] */
    size_t n;
};

static size_t keep(char *bytes, size_t size, size_t n, void *arg)
{
    struct reply *reply = arg;
    if (reply->n + size * n >= REPLY_MAX) {
        return 0;
    }
    memcpy(reply->text + reply->n, bytes, size * n);
    reply->n += size * n;
    reply->text[reply->n] = '\0';
    return size * n;
}

/* The reply is released with reply_release. May be called on any thread. */
static struct reply http(const char *method, const char *path, const char *body)
{
    struct reply reply = {.text = calloc(REPLY_MAX, 1)};
    char target[512];
    CURL *curl = curl_easy_init();
    snprintf(target, sizeof target, "%s%s", served.url, path);
    curl_easy_setopt(curl, CURLOPT_URL, target);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    }
    curl_easy_cleanup(curl);
    if (json_parse(&reply.json, reply.text, reply.n) != ERR_OK) {
        reply.json = NULL;
    }
    return reply;
}

static void reply_release(struct reply *reply)
{
    json_object_put(reply->json);
    free(reply->text);
}

/* The "result" of a reply that must be a success; borrowed. */
static struct json_object *result_of(const struct reply *reply)
{
    if (reply->status != 200) {
        print_error("status %ld: %s\n", reply->status, reply->text);
        fail();
    }
    assert_string_equal(json_object_get_string(json_get(reply->json, "status")), "ok");
    assert_true(json_object_is_type(json_get(reply->json, "time"), json_type_double));
    return json_get(reply->json, "result");
}

/* A refusal in the dialect's envelope, with these words in its sentence. */
static void check_refused(long status, const char *words, const char *method,
                          const char *path, const char *body)
{
    struct reply reply = http(method, path, body);
    const char *sentence = "";
    if (reply.status != status ||
        json_get_string(json_get(reply.json, "status"), "error", &sentence) != ERR_OK ||
        strstr(sentence, words) == NULL) {
        print_error("%s %s: status %ld: %s\n", method, path, reply.status, reply.text);
        fail();
    }
    assert_true(json_object_is_type(json_get(reply.json, "time"), json_type_double));
    reply_release(&reply);
}

/* The i-th point of a query's or a scroll's result. */
static struct json_object *point(struct json_object *result, size_t i)
{
    struct json_object *points = json_get(result, "points");
    assert_true(i < json_object_array_length(points));
    return json_object_array_get_idx(points, i);
}

static int64_t id_of(struct json_object *hit)
{
    return json_object_get_int64(json_get(hit, "id"));
}

static double score_of(struct json_object *hit)
{
    return json_object_get_double(json_get(hit, "score"));
}

static size_t n_points(struct json_object *result)
{
    return json_object_array_length(json_get(result, "points"));
}

/* ---- Three things, each with a picture and a text
 * --------------------------------------- */

enum { N_THINGS = 3 };
static const char *const texts[N_THINGS] = {"a red dog", "blue cats and a car", "狗"};

/* Picture `seed` as base64, in one static buffer a call. */
static const char *picture_base64(uint32_t seed)
{
    static char base64[4][BODY_MAX];
    static unsigned next;
    unsigned char bytes[BODY_MAX / 2];
    char path[96];
    snprintf(path, sizeof path, "%s/picture.ppm", folder);
    picture_write(path, seed);
    FILE *file = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    char *text = base64[next++ % 4];
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
    return text;
}

static int make_things(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    assert_ok(buf_printf(&body, "{\"points\":["));
    for (unsigned i = 0; i < N_THINGS; i++) {
        assert_ok(
            buf_printf(&body,
                       "%s{\"id\":%u,\"vector\":{\"image\":{\"image\":\"%s\"},"
                       "\"text\":{\"text\":\"%s\"}},\"payload\":{\"name\":\"%s\"}}",
                       i > 0 ? "," : "", i + 1, picture_base64(i), texts[i], texts[i]));
    }
    assert_ok(buf_printf(&body, "]}"));
    struct reply made = http("PUT", "/collections/things", NULL);
    struct reply put = http("PUT", "/collections/things/points?wait=true", body.data);
    assert_true(json_object_get_boolean(result_of(&made)));
    assert_string_equal(json_object_get_string(json_get(result_of(&put), "status")),
                        "completed");
    reply_release(&made);
    reply_release(&put);
    buf_release(&body);
    return 0;
}

static int drop_things(void **state)
{
    (void)state;
    struct reply dropped = http("DELETE", "/collections/things", NULL);
    assert_true(json_object_get_boolean(result_of(&dropped)));
    reply_release(&dropped);
    return 0;
}

static struct reply query(const char *fmt, const char *input)
{
    static _Thread_local char body[BODY_MAX];
    snprintf(body, sizeof body, fmt, input);
    return http("POST", "/collections/things/points/query", body);
}

/* All things, best first, with scores that go down. */
static void check_ranked(struct json_object *result)
{
    assert_int_equal(n_points(result), N_THINGS);
    for (size_t i = 1; i < N_THINGS; i++) {
        assert_true(score_of(point(result, i - 1)) >= score_of(point(result, i)));
    }
}

/* ---- Tests: both directions
 * ---------------------------------------------------------------- */

static void test_words_find_pictures(void **state)
{
    (void)state;
    struct reply reply =
        query("{\"query\":{\"text\":\"%s\"},\"duet\":{\"details\":true}}", "a dog");
    struct json_object *result = result_of(&reply);
    check_ranked(result);
    const char *space = "";
    assert_ok(json_get_string(json_get(point(result, 0), "duet"), "space", &space));
    assert_string_equal(space, "image");
    reply_release(&reply);
}

static void test_a_picture_finds_texts(void **state)
{
    (void)state;
    struct reply reply = query("{\"query\":{\"image\":\"%s\"},\"using\":\"text\","
                               "\"duet\":{\"details\":true}}",
                               picture_base64(1));
    struct json_object *result = result_of(&reply);
    check_ranked(result);
    const char *space = "";
    assert_ok(json_get_string(json_get(point(result, 0), "duet"), "space", &space));
    assert_string_equal(space, "text");
    reply_release(&reply);
}

static void test_a_picture_finds_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_THINGS; i++) {
        struct reply reply =
            query("{\"query\":{\"image\":\"data:image/x-portable-pixmap;base64,%s\"},"
                  "\"limit\":1,\"with_payload\":true}",
                  picture_base64(i));
        struct json_object *hit = point(result_of(&reply), 0);
        const char *name = "";
        assert_int_equal(id_of(hit), i + 1);
        assert_true(score_of(hit) > 0.999);
        assert_ok(json_get_string(json_get(hit, "payload"), "name", &name));
        assert_string_equal(name, texts[i]);
        reply_release(&reply);
    }
}

static void test_a_text_finds_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_THINGS; i++) {
        struct reply reply =
            query("{\"query\":{\"text\":\"%s\"},\"using\":\"text\"}", texts[i]);
        struct json_object *hit = point(result_of(&reply), 0);
        assert_int_equal(id_of(hit), i + 1);
        assert_true(score_of(hit) > 0.999);
        reply_release(&reply);
    }
}

static void test_any_is_both_spaces_by_rank(void **state)
{
    (void)state;
    struct reply reply =
        query("{\"query\":{\"text\":\"%s\"},\"using\":\"any\"}", texts[0]);
    check_ranked(result_of(&reply));
    reply_release(&reply);
}

static void test_a_stored_point_finds_others(void **state)
{
    (void)state;
    struct reply reply = query("{\"query\":%s,\"using\":\"image\"}", "2");
    struct json_object *result = result_of(&reply);
    assert_int_equal(n_points(result), N_THINGS - 1);
    assert_int_not_equal(id_of(point(result, 0)), 2);
    assert_int_not_equal(id_of(point(result, 1)), 2);
    reply_release(&reply);
}

static void test_a_stored_vector_is_what_was_searched(void **state)
{
    (void)state;
    struct reply got = http("GET", "/collections/things/points/3", NULL);
    struct json_object *vectors = json_get(result_of(&got), "vector");
    struct json_object *image = json_get(vectors, "image");
    assert_int_equal(json_object_array_length(image), TINY_DIM);
    assert_int_equal(json_object_array_length(json_get(vectors, "text")), TINY_DIM);
    struct reply reply =
        query("{\"query\":%s,\"params\":{\"exact\":true}}", json_text(image));
    assert_int_equal(id_of(point(result_of(&reply), 0)), 3);
    reply_release(&reply);
    reply_release(&got);
}

static void test_an_uploaded_picture_has_a_thumbnail(void **state)
{
    (void)state;
    struct reply reply = http("GET", "/collections/things/points/1/image", NULL);
    assert_int_equal(reply.status, 200);
    assert_true(reply.n > 100);
    assert_memory_equal(reply.text, "\xff\xd8\xff", 3);
    reply_release(&reply);
}

/* ---- Tests: what is stored
 * -------------------------------------------------------------------- */

static size_t count_things(void)
{
    struct reply reply = http("POST", "/collections/things/points/count", "{}");
    size_t n = 0;
    assert_ok(json_get_size(result_of(&reply), "count", &n));
    reply_release(&reply);
    return n;
}

static void test_points_are_walked_counted_and_deleted(void **state)
{
    (void)state;
    assert_int_equal(count_things(), N_THINGS);
    struct reply walk =
        http("POST", "/collections/things/points/scroll", "{\"limit\":2}");
    struct json_object *result = result_of(&walk);
    assert_int_equal(id_of(point(result, 0)), 1);
    assert_int_equal(id_of(point(result, 1)), 2);
    assert_int_equal(json_object_get_int64(json_get(result, "next_page_offset")), 3);
    reply_release(&walk);
    struct reply gone =
        http("POST", "/collections/things/points/delete", "{\"points\":[2,77]}");
    result_of(&gone);
    reply_release(&gone);
    assert_int_equal(count_things(), N_THINGS - 1);
    check_refused(404, "2", "GET", "/collections/things/points/2", NULL);
}

static void test_collections_are_described(void **state)
{
    (void)state;
    struct reply reply = http("GET", "/collections/things", NULL);
    struct json_object *result = result_of(&reply);
    size_t n = 0;
    assert_ok(json_get_size(result, "points_count", &n));
    assert_int_equal(n, N_THINGS);
    struct json_object *spaces =
        json_get(json_get(json_get(result, "config"), "params"), "vectors");
    assert_ok(json_get_size(json_get(spaces, "image"), "size", &n));
    assert_int_equal(n, TINY_DIM);
    assert_non_null(json_get(spaces, "text"));
    reply_release(&reply);
}

static void test_plain_vectors_need_no_model(void **state)
{
    (void)state;
    struct reply made = http("PUT", "/collections/plain",
                             "{\"vectors\":{\"size\":2,\"distance\":\"Dot\"}}");
    struct reply put = http("PUT", "/collections/plain/points",
                            "{\"points\":[{\"id\":1,\"vector\":[1,0]},"
                            "{\"id\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\","
                            "\"vector\":[0,3]}]}");
    struct reply asked = http("POST", "/collections/plain/points/query",
                              "{\"query\":[0,1],\"with_vector\":true}");
    result_of(&made);
    result_of(&put);
    struct json_object *first = point(result_of(&asked), 0);
    assert_string_equal(json_object_get_string(json_get(first, "id")),
                        "6f9619ff-8b86-d011-b42d-00cf4fc964ff");
    assert_true(score_of(first) == 3);
    assert_true(json_object_is_type(json_get(first, "vector"), json_type_array));
    check_refused(501, "no model", "POST", "/collections/plain/points/query",
                  "{\"query\":{\"text\":\"a dog\"}}");
    check_refused(400, "", "POST", "/collections/plain/points/query",
                  "{\"query\":[1,2,3]}");
    reply_release(&made);
    reply_release(&put);
    reply_release(&asked);
    struct reply dropped = http("DELETE", "/collections/plain", NULL);
    result_of(&dropped);
    reply_release(&dropped);
}

static void test_what_was_acknowledged_is_there_after_a_restart(void **state)
{
    (void)state;
    struct reply before =
        query("{\"query\":{\"text\":\"%s\"},\"with_vector\":true}", "blue");
    served_stop();
    served_start(folder);
    struct reply after =
        query("{\"query\":{\"text\":\"%s\"},\"with_vector\":true}", "blue");
    assert_string_equal(json_text(result_of(&before)), json_text(result_of(&after)));
    reply_release(&before);
    reply_release(&after);
}

/* ---- Tests: ill-treatment
 * ------------------------------------------------------------------------ */

static void test_wrong_requests_are_told_what_is_wrong(void **state)
{
    (void)state;
    static const char path[] = "/collections/things/points/query";
    check_refused(400, "not JSON", "POST", path, "{\"query\":");
    check_refused(400, "not UTF-8", "POST", path, "{\"query\":{\"text\":\"\xff\"}}");
    check_refused(400, "query.text: is empty", "POST", path,
                  "{\"query\":{\"text\":\"\"}}");
    check_refused(400, "limit: must be 1 or more", "POST", path,
                  "{\"query\":{\"text\":\"a\"},\"limit\":0}");
    check_refused(400, "limit: is more than", "POST", path,
                  "{\"query\":{\"text\":\"a\"},\"limit\":1000000000}");
    check_refused(400, "filter.must[1].range.gte: must be a number", "POST", path,
                  "{\"query\":{\"text\":\"a\"},\"filter\":{\"must\":[{\"key\":\"a\","
                  "\"match\":{\"value\":1}},{\"key\":\"b\",\"range\":{\"gte\":[]}}]}}");
    check_refused(404, "", "POST", path,
                  "{\"query\":{\"text\":\"a\"},\"using\":\"x\"}");
    check_refused(404, "", "POST", path, "{\"query\":77}");
    check_refused(404, "nothing", "POST", "/collections/nothing/points/query",
                  "{\"query\":{\"text\":\"a\"}}");
    check_refused(405, "method", "PATCH", path, "{}");
    check_refused(404, "path", "GET", "/nowhere", NULL);
    check_refused(409, "things", "PUT", "/collections/things", NULL);
}

static void test_a_k_beyond_the_count_finds_all(void **state)
{
    (void)state;
    struct reply reply =
        query("{\"query\":{\"text\":\"%s\"},\"limit\":10000}", "a dog");
    assert_int_equal(n_points(result_of(&reply)), N_THINGS);
    reply_release(&reply);
}

static void test_a_broken_picture_fails_the_whole_upsert(void **state)
{
    (void)state;
    check_refused(400, "", "POST", "/collections/things/points/query",
                  "{\"query\":{\"image\":\"Zm9vYmFy\"}}");
    check_refused(400, "point 1: ", "PUT", "/collections/things/points",
                  "{\"points\":[{\"id\":50,\"vector\":{\"text\":\"a dog\"}},"
                  "{\"id\":51,\"vector\":{\"image\":\"Zm9vYmFy\"}}]}");
    assert_int_equal(count_things(), N_THINGS);
}

static void test_a_body_past_the_limit_is_refused_unread(void **state)
{
    (void)state;
    int fd = raw_connect(served.url);
    raw_send(fd, "PUT /collections/things/points HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 80000000\r\n\r\n{");
    assert_int_equal(raw_read(fd).status, 413);
    assert_int_equal(count_things(), N_THINGS);
}

static void test_noise_gets_an_answer_or_a_closed_door(void **state)
{
    (void)state;
    static const char *const noises[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x01\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffff\r\n",
    };
    for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
        int fd = raw_connect(served.url);
        raw_send(fd, noises[i]);
        shutdown(fd, SHUT_WR);
        struct raw_reply reply = raw_read(fd);
        assert_true(reply.status == 0 || reply.status >= 400);
    }
    assert_int_equal(count_things(), N_THINGS);
}

static void *ask_often(void *failures)
{
    for (int i = 0; i < 25; i++) {
        struct reply reply =
            query("{\"query\":{\"text\":\"%s\"},\"using\":\"text\"}", texts[i % 3]);
        bool right =
            reply.status == 200 &&
            id_of(json_object_array_get_idx(
                json_get(json_get(reply.json, "result"), "points"), 0)) == i % 3 + 1;
        *(int *)failures += !right;
        reply_release(&reply);
    }
    return NULL;
}

static void test_many_clients_at_once_get_their_own_answers(void **state)
{
    (void)state;
    enum { N = 8 };
    pthread_t threads[N];
    int failures[N] = {0};
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &failures[i]), 0);
    }
    for (size_t i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
}

/* As many texts as are encoded at once or more, no two alike, each asked for by many
 * clients at a time. */
enum { N_TEXTS = 36, N_CLIENTS = 16 };

static void text_of(size_t i, char text[32])
{
    static const char *const words[] = {"dog", "cats", "red", "blue", "car", "and"};
    snprintf(text, 32, "%s %s", words[i / 6], words[i % 6]);
}

static void put_texts(void)
{
    struct buf body;
    char text[32];
    buf_init(&body, 1 << 20);
    assert_ok(buf_printf(&body, "{\"points\":["));
    for (size_t i = 0; i < N_TEXTS; i++) {
        text_of(i, text);
        assert_ok(buf_printf(&body,
                             "%s{\"id\":%zu,\"vector\":{\"text\":{\"text\":\"%s\"}}}",
                             i > 0 ? "," : "", 100 + i, text));
    }
    assert_ok(buf_printf(&body, "]}"));
    struct reply put = http("PUT", "/collections/things/points?wait=true", body.data);
    assert_non_null(result_of(&put));
    reply_release(&put);
    buf_release(&body);
}

/* The right answer is the text itself, at full score. */
static void *ask_texts(void *arg)
{
    int *failures = arg;
    for (size_t i = 0; i < N_TEXTS; i++) {
        char text[32];
        text_of(i, text);
        struct reply reply =
            query("{\"query\":{\"text\":\"%s\"},\"using\":\"text\",\"limit\":1}", text);
        struct json_object *points = json_get(json_get(reply.json, "result"), "points");
        struct json_object *hit =
            points != NULL ? json_object_array_get_idx(points, 0) : NULL;
        *failures += reply.status != 200 || hit == NULL ||
                     id_of(hit) != (int64_t)(100 + i) || score_of(hit) < 0.9999;
        reply_release(&reply);
    }
    return NULL;
}

/* A figure of /metrics. */
static long figure(const struct reply *metrics, const char *name)
{
    char line[128];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *found = strstr(metrics->text, line);
    assert_non_null(found);
    return strtol(found + strlen(line), NULL, 10);
}

static void test_many_texts_at_once_find_what_they_say(void **state)
{
    (void)state;
    pthread_t threads[N_CLIENTS];
    int failures[N_CLIENTS] = {0};
    put_texts();
    for (size_t i = 0; i < N_CLIENTS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_texts, &failures[i]), 0);
    }
    for (size_t i = 0; i < N_CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
    struct reply metrics = http("GET", "/metrics", NULL);
    long encoded = figure(&metrics, "duet_encode_batch_size_sum{input=\"text\"}");
    long kept = figure(&metrics, "duet_text_cache_hits_total");
    assert_true(encoded >= 2 * N_TEXTS); /* once as points, once as queries */
    assert_true(kept > 0);
    assert_true(encoded + kept >= (N_CLIENTS + 1) * N_TEXTS);
    reply_release(&metrics);
}

static void test_sigterm_lets_a_request_under_way_end(void **state)
{
    (void)state;
    static const char head[] = "POST /collections/things/points/count HTTP/1.1\r\n"
                               "Host: localhost\r\nContent-Length: 2\r\n\r\n{";
    int fd = raw_connect(served.url), status;
    raw_send(fd, head);
    struct reply health = http("GET", "/healthz", NULL); /* the part has been read */
    reply_release(&health);
    assert_int_equal(kill(served.pid, SIGTERM), 0);
    int late = raw_connect(served.url);
    while (late >= 0) { /* refused once the signal is noticed */
        close(late);
        late = raw_connect(served.url);
    }
    raw_send(fd, "}");
    struct raw_reply reply = raw_read(fd);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.text, "\"count\":3"));
    assert_int_equal(waitpid(served.pid, &status, 0), served.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    served_start(folder);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_things, drop_things)
    const struct CMUnitTest tests[] = {
        TEST(test_words_find_pictures),
        TEST(test_a_picture_finds_texts),
        TEST(test_a_picture_finds_itself),
        TEST(test_a_text_finds_itself),
        TEST(test_any_is_both_spaces_by_rank),
        TEST(test_a_stored_point_finds_others),
        TEST(test_a_stored_vector_is_what_was_searched),
        TEST(test_an_uploaded_picture_has_a_thumbnail),
        TEST(test_points_are_walked_counted_and_deleted),
        TEST(test_collections_are_described),
        TEST(test_plain_vectors_need_no_model),
        TEST(test_what_was_acknowledged_is_there_after_a_restart),
        TEST(test_wrong_requests_are_told_what_is_wrong),
        TEST(test_a_k_beyond_the_count_finds_all),
        TEST(test_a_broken_picture_fails_the_whole_upsert),
        TEST(test_a_body_past_the_limit_is_refused_unread),
        TEST(test_noise_gets_an_answer_or_a_closed_door),
        TEST(test_many_clients_at_once_get_their_own_answers),
        TEST(test_many_texts_at_once_find_what_they_say),
        TEST(test_sigterm_lets_a_request_under_way_end),
    };
    int result = cmocka_run_group_tests(tests, begin, end);
    curl_global_cleanup();
    return result;
}
