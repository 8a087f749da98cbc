/*
 * beyond_test.c - snapshots, and what the server does beyond the dialect, through the
 * real program: pictures as forms, JSON lines, labels, embeddings.
 */
#include "tests/test.h"

#include "base/alloc.h"
#include "tests/integration/served.h"
#include "tests/picture.h"

enum { BODY_MAX = 1 << 20 };

#define FORM "multipart/form-data; boundary=bound"

static char folder[64];
static struct served_reply reply;
static char body[BODY_MAX];
static size_t n_body;

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
    served_release(&reply);
    served_stop();
    test_folder_remove(folder);
    return 0;
}

static void ask_raw(const char *method, const char *path, const char *type,
                    const void *bytes, size_t n)
{
    served_release(&reply);
    served_ask(&reply, method, path, type, bytes, n);
}

static void ask(const char *method, const char *path, const char *json)
{
    ask_raw(method, path, NULL, json, json != NULL ? strlen(json) : 0);
}

#define assert_reply(status_, text_)                                                   \
    do {                                                                               \
        if (reply.status != (status_) || strstr(reply.text.data, (text_)) == NULL) {   \
            print_error("status %ld: %.2000s\n", reply.status, reply.text.data);       \
            fail();                                                                    \
        }                                                                              \
    } while (0)

static void add(const void *bytes, size_t n)
{
    assert_true(n_body + n <= BODY_MAX);
    memcpy(body + n_body, bytes, n);
    n_body += n;
}

static void add_text(const char *text)
{
    add(text, strlen(text));
}

/* Picture `seed`, its bytes in a static buffer. */
static const char *picture(uint32_t seed, size_t *n)
{
    static char bytes[BODY_MAX / 4];
    char path[96];
    snprintf(path, sizeof path, "%s/picture.ppm", folder);
    picture_write(path, seed);
    FILE *file = fopen(path, "rb");
    *n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bytes;
}

static void add_field(const char *name, const char *value)
{
    add_text("--bound\r\nContent-Disposition: form-data; name=\"");
    add_text(name);
    add_text("\"\r\n\r\n");
    add_text(value);
    add_text("\r\n");
}

static void add_file(const char *name, const void *bytes, size_t n)
{
    add_text("--bound\r\nContent-Disposition: form-data; name=\"file\"; filename=\"");
    add_text(name);
    add_text("\"\r\n\r\n");
    add(bytes, n);
    add_text("\r\n");
}

/* Three pictures, the second of which is none. */
static void upload_three(void)
{
    size_t n;
    n_body = 0;
    add_field("id", "1");
    add_field("text", "a red dog");
    add_field("payload", "{\"price\": 3}");
    const char *bytes = picture(1, &n);
    add_file("a.ppm", bytes, n);
    add_file("b.ppm", "not a picture", 13);
    bytes = picture(2, &n);
    add_file("c.ppm", bytes, n);
    add_text("--bound--\r\n");
    ask_raw("POST", "/collections/things/upload", FORM, body, n_body);
}

static size_t count(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/collections/%s/points/count", name);
    ask("POST", path, "{}");
    size_t n = 0;
    assert_ok(json_get_size(json_get(reply.json, "result"), "count", &n));
    return n;
}

static int make(void **state)
{
    (void)state;
    ask("PUT", "/collections/things", NULL);
    assert_reply(200, "true");
    upload_three();
    return 0;
}

static int drop(void **state)
{
    (void)state;
    ask("DELETE", "/collections/things", NULL);
    return 0;
}

static void test_pictures_come_as_a_form(void **state)
{
    (void)state;
    upload_three(); /* again: the same ids */
    assert_reply(200, "{\"file\":\"a.ppm\",\"status\":\"ok\",\"id\":1},"
                      "{\"file\":\"b.ppm\",\"status\":\"error\",\"error\":\"");
    assert_reply(200, "{\"file\":\"c.ppm\",\"status\":\"ok\",\"id\":\"");
    assert_int_equal(count("things"), 2);
    ask("GET", "/collections/things/points/1", NULL);
    assert_reply(200, "\"payload\":{\"price\": 3}");
    assert_reply(200, "\"text\":[");
    ask("GET", "/collections/things/points/1/image", NULL);
    assert_int_equal(reply.status, 200);
    assert_memory_equal(reply.text.data, "\xff\xd8", 2);
}

static void test_lines_come_in_and_are_answered(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"id\": 10, \"vector\": {\"text\": \"a cat\"}}\n"
        "{\"id\": 11, \"vector\": {\"image\": \"aGVsbG8=\"}}\n"
        "{\"id\": 12, \"vector\": {\"text\": \"cats\"}, \"payload\": {\"a\": 1}}\n";
    ask_raw("POST", "/collections/things/import", "application/x-ndjson", lines,
            strlen(lines));
    assert_reply(200, "{\"line\":1,\"status\":\"ok\",\"id\":10}\n"
                      "{\"line\":2,\"status\":\"error\",\"error\":\"");
    assert_reply(200, "{\"line\":3,\"status\":\"ok\",\"id\":12}\n");
    assert_int_equal(count("things"), 4);
}

static void test_pictures_get_labels(void **state)
{
    (void)state;
    ask("POST", "/collections/things/labels",
        "{\"ids\": [1], \"labels\": [\"red\", \"blue dog\"]}");
    assert_reply(200, "\"points\":[{\"id\":1,\"labels\":[{\"label\":\"");
    struct json_object *labels =
        json_get(json_object_array_get_idx(
                     json_get(json_get(reply.json, "result"), "points"), 0),
                 "labels");
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        double score = 0;
        assert_ok(
            json_get_double(json_object_array_get_idx(labels, i), "score", &score));
        sum += score;
    }
    assert_true(sum > 0.999 && sum < 1.001);
    ask("POST", "/collections/things/labels", "{\"filter\": {}}");
    assert_reply(200, "\"next_page_offset\":null");
}

static void test_texts_become_vectors_as_openai_does_it(void **state)
{
    (void)state;
    ask("POST", "/v1/embeddings", "{\"input\": [\"a red dog\", \"cats\"]}");
    assert_reply(200, "\"object\":\"list\"");
    struct json_object *data = json_get(reply.json, "data");
    assert_int_equal(json_object_array_length(data), 2);
    struct json_object *vector =
        json_get(json_object_array_get_idx(data, 0), "embedding");
    /* The same vector as the stored one of the same text. */
    static char query[64 << 10];
    snprintf(query, sizeof query, "{\"query\": %s, \"using\": \"text\", \"limit\": 1}",
             json_text(vector));
    ask("POST", "/collections/things/points/query", query);
    assert_reply(200, "\"id\":1");
    double score = 0;
    assert_ok(
        json_get_double(json_object_array_get_idx(
                            json_get(json_get(reply.json, "result"), "points"), 0),
                        "score", &score));
    assert_true(score > 0.9999);
    ask("POST", "/v1/embeddings", "{\"input\": [1, 2]}");
    assert_reply(400, "{\"error\":{\"message\":\"");
}

/* ---- Snapshots -------------------------------------------------------------------- */

static const char *create_snapshot(const char *path)
{
    static char name[256];
    const char *said = "";
    ask("POST", path, NULL);
    assert_reply(200, "\"checksum\":\"");
    assert_ok(json_get_string(json_get(reply.json, "result"), "name", &said));
    snprintf(name, sizeof name, "%s", said);
    return name;
}

static void test_a_snapshot_comes_back(void **state)
{
    (void)state;
    char path[512], location[512];
    const char *name = create_snapshot("/collections/things/snapshots");
    ask("POST", "/collections/things/points/delete", "{\"filter\": {}}");
    assert_int_equal(count("things"), 0);
    snprintf(location, sizeof location, "{\"location\": \"%s\"}", name);
    ask("PUT", "/collections/things/snapshots/recover", location);
    assert_reply(200, "\"result\":true");
    assert_int_equal(count("things"), 2);
    ask("GET", "/collections/things/points/1/image", NULL);
    assert_int_equal(reply.status, 200);
    snprintf(location, sizeof location,
             "{\"location\": \"file://%s/db/snapshots/things/%s\"}", folder, name);
    ask("PUT", "/collections/copy/snapshots/recover", location);
    assert_reply(200, "\"result\":true");
    assert_int_equal(count("copy"), 2);
    ask("DELETE", "/collections/copy", NULL);
    ask("PUT", "/collections/copy/snapshots/recover",
        "{\"location\": \"file:///etc/passwd\"}");
    assert_reply(400, "location: only files in the database's own folder");
    snprintf(path, sizeof path, "/collections/things/snapshots/%s", name);
    ask("DELETE", path, NULL);
    assert_reply(200, "true");
    ask("GET", path, NULL);
    assert_reply(404, "there is no snapshot");
}

/* What was downloaded goes up again, as a form and in parts, byte for byte. */
static void test_a_snapshot_travels(void **state)
{
    (void)state;
    char path[512];
    const char *name = create_snapshot("/collections/things/snapshots");
    snprintf(path, sizeof path, "/collections/things/snapshots/%s", name);
    ask("GET", path, NULL);
    assert_int_equal(reply.status, 200);
    size_t n = reply.text.size;
    char *bytes = buf_take(&reply.text);
    assert_true(n > 10000);
    n_body = 0;
    add_text("--bound\r\nContent-Disposition: form-data; name=\"snapshot\"; "
             "filename=\"s\"\r\n\r\n");
    add(bytes, n);
    add_text("\r\n--bound--\r\n");
    ask_raw("POST", "/collections/formed/snapshots/upload", FORM, body, n_body);
    assert_reply(200, "\"result\":true");
    assert_int_equal(count("formed"), 2);
    for (size_t at = 0, step = n / 3; at < n; at += step) {
        size_t part = n - at < step ? n - at : step;
        snprintf(path, sizeof path,
                 "/collections/parted/snapshots/p.snapshot?offset=%zu&total=%zu", at,
                 n);
        ask_raw("PUT", path, "application/octet-stream", bytes + at, part);
        assert_reply(200, at + part == n ? "\"complete\":true" : "\"complete\":false");
    }
    ask("PUT", "/collections/parted/snapshots/recover",
        "{\"location\": \"p.snapshot\"}");
    assert_reply(200, "\"result\":true");
    assert_int_equal(count("parted"), 2);
    bytes[n / 2] = (char)(bytes[n / 2] ^ 4);
    n_body = 0;
    add_text("--bound\r\nContent-Disposition: form-data; name=\"snapshot\"; "
             "filename=\"s\"\r\n\r\n");
    add(bytes, n);
    add_text("\r\n--bound--\r\n");
    ask_raw("POST", "/collections/formed/snapshots/upload", FORM, body, n_body);
    assert_reply(400, "damaged");
    assert_int_equal(count("formed"), 2);
    alloc_free(bytes);
    ask("DELETE", "/collections/formed", NULL);
    ask("DELETE", "/collections/parted", NULL);
}

static void test_a_snapshot_of_all_is_a_backup(void **state)
{
    (void)state;
    char path[512];
    const char *name = create_snapshot("/snapshots");
    snprintf(path, sizeof path, "/snapshots/%s", name);
    ask("GET", path, NULL);
    assert_int_equal(reply.status, 200);
    assert_memory_equal(reply.text.data, "duet-bak", 8);
    ask("GET", "/snapshots", NULL);
    assert_reply(200, name);
    ask("DELETE", path, NULL);
    assert_reply(200, "true");
    ask("GET", "/snapshots/..%2fdata.mdb", NULL);
    assert_reply(400, "a snapshot's name is of letters");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pictures_come_as_a_form),
        TEST(test_lines_come_in_and_are_answered),
        TEST(test_pictures_get_labels),
        TEST(test_texts_become_vectors_as_openai_does_it),
        TEST(test_a_snapshot_comes_back),
        TEST(test_a_snapshot_travels),
        TEST(test_a_snapshot_of_all_is_a_backup),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
