/*
 * fuzz_query.c - any query of the dialect (net/api_query*.c, db/query*.c), asked of a small
 * database. The first byte says of which route, the rest is the body. Every answer must be
 * JSON, and none the server's own fault.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "net/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { POINTS = 24 };

static const char *const routes[] = {
    "query", "query/batch", "query/groups", "search", "search/groups", "recommend",
};

static char folder[] = "/tmp/duet-fuzz-XXXXXX";
static struct api api;

static void require(bool holds)
{
    if (!holds) {
        fprintf(stderr, "%s\n", err_detail());
        abort();
    }
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void close_database(void)
{
    duet_close(api.db);
    metrics_close(api.metrics);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Points 0, 1, ... with two vectors each, but for some. */
static void write_points(const char *collection)
{
    for (size_t i = 0; i < POINTS; i++) {
        const float a[] = {(float)i, 1, (float)(i % 5)}, b[] = {(float)(i % 7), -1};
        const struct duet_named_input vectors[] = {
            {"a", {.kind = DUET_INPUT_VECTOR, .vector = a, .n = 3}},
            {"b", {.kind = DUET_INPUT_VECTOR, .vector = b, .n = 2}}};
        char payload[64];
        snprintf(payload, sizeof payload, "{\"n\":%zu,\"t\":[\"x\",\"y%zu\"]}", i % 4,
                 i % 3);
        const struct duet_point_input point = {.id = {.number = i},
                                               .payload = payload,
                                               .n_payload = strlen(payload),
                                               .vectors = vectors,
                                               .n_vectors = i % 6 == 5 ? 1 : 2};
        require(duet_upsert(api.db, collection, &point, 1) == ERR_OK);
    }
}

static void open_database(void)
{
    static const struct duet_space spaces[] = {{"a", 3, DUET_COSINE, DUET_FLOAT32},
                                               {"b", 2, DUET_EUCLID, DUET_FLOAT32}};
    require(mkdtemp(folder) != NULL);
    const struct duet_options options = {
        .path = folder, .write = true, .create = true, .n_threads = 1};
    require(duet_open(&api.db, &options) == ERR_OK);
    require(metrics_open(&api.metrics, api_routes, api_n_routes) == ERR_OK);
    atexit(close_database);
    static const char *const names[] = {"things", "other"};
    for (size_t i = 0; i < 2; i++) {
        require(duet_collection_create(api.db, names[i], spaces, 2) == ERR_OK);
        write_points(names[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct api_call call;
    struct json_object *answer;
    char path[64];
    if (api.db == NULL) {
        open_database();
    }
    if (n == 0) {
        return 0;
    }
    snprintf(path, sizeof path, "/collections/things/points/%s",
             routes[bytes[0] % (sizeof routes / sizeof routes[0])]);
    api_call_init(&call, &api);
    require(route_find(api_routes, api_n_routes, "POST", path, &call.match) ==
            ROUTE_FOUND);
    call.body = (const char *)bytes + 1;
    call.n_body = n - 1;
    api_call_run(&call);
    require(call.status != 500 && call.status != 503);
    require(json_parse(&answer, call.out.text.data, call.out.text.size) == ERR_OK);
    json_object_put(answer);
    api_call_release(&call);
    return 0;
}
