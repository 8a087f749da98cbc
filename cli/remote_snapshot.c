/*
 * remote_snapshot.c - see remote_snapshot.h.
 */
#include "cli/remote_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/remote_http.h"

enum { PART_BYTES = 32 << 20, ROUTE_MAX = 512 };

/* Names are of characters that need no escape in a URL. */
static void route_of(char route[ROUTE_MAX], const char *name)
{
    snprintf(route, ROUTE_MAX, "/snapshots/%.*s", DUET_SNAPSHOT_NAME_MAX, name);
}

static enum err read_snapshot(struct duet_snapshot *out, struct json_object *told)
{
    const char *name = NULL;
    const char *sum = NULL;
    *out = (struct duet_snapshot){.size_bytes =
                                      json_object_get_uint64(json_get(told, "size"))};
    FAIL_IF(json_get_string(told, "name", &name) != ERR_OK ||
                strlen(name) >= sizeof out->name,
            ERR_INTERNAL, "the server sent a snapshot without a name");
    strncpy(out->name, name, sizeof out->name - 1);
    if (json_get_string(told, "checksum", &sum) == ERR_OK &&
        strlen(sum) < sizeof out->sha256) {
        strncpy(out->sha256, sum, sizeof out->sha256 - 1);
    }
    return ERR_OK;
}

enum err remote_snapshot_create(const struct cli *cli, struct duet_snapshot *out)
{
    struct json_object *told;
    TRY(remote_ask(&told, cli, "/snapshots", ""));
    enum err result = read_snapshot(out, told);
    json_object_put(told);
    return result;
}

static enum err read_list(struct duet_snapshots *out, struct json_object *told)
{
    FAIL_IF(!json_object_is_type(told, json_type_array), ERR_INTERNAL,
            "the server sent no list of snapshots");
    size_t n = json_object_array_length(told);
    out->items = alloc_zero(n, sizeof *out->items);
    FAIL_IF(out->items == NULL, ERR_NOMEM, "out of memory");
    for (; out->n < n; out->n++) {
        TRY(read_snapshot(&out->items[out->n],
                          json_object_array_get_idx(told, out->n)));
    }
    return ERR_OK;
}

enum err remote_snapshots_list(const struct cli *cli, struct duet_snapshots *out)
{
    struct json_object *told;
    *out = (struct duet_snapshots){0};
    TRY(remote_ask(&told, cli, "/snapshots", NULL));
    enum err result = read_list(out, told);
    json_object_put(told);
    if (result != ERR_OK) {
        duet_snapshots_release(out);
    }
    return result;
}

enum err remote_snapshot_delete(const struct cli *cli, const char *name)
{
    char route[ROUTE_MAX];
    struct json_object *told;
    route_of(route, name);
    TRY(remote_ask_by(&told, cli, "DELETE", route, NULL));
    json_object_put(told);
    return ERR_OK;
}

enum err remote_snapshot_recover(const struct cli *cli, const char *name)
{
    struct json_object *told;
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "location", json_object_new_string(name));
    enum err result =
        remote_ask_by(&told, cli, "PUT", "/snapshots/recover", json_text(body));
    json_object_put(body);
    TRY(result);
    json_object_put(told);
    return ERR_OK;
}

static enum err send_parts(const struct cli *cli, const char *name,
                           const struct file_map *map)
{
    for (size_t at = 0; at < map->size; at += PART_BYTES) {
        char route[ROUTE_MAX];
        struct json_object *told;
        size_t n = map->size - at < PART_BYTES ? map->size - at : PART_BYTES;
        route_of(route, name);
        size_t end = strlen(route);
        snprintf(route + end, sizeof route - end, "?offset=%zu&total=%zu", at,
                 map->size);
        TRY(remote_put(&told, cli, route, map->data + at, n));
        json_object_put(told);
    }
    return ERR_OK;
}

enum err remote_snapshot_send(const struct cli *cli, const char *path)
{
    char name[DUET_SNAPSHOT_NAME_MAX];
    struct file_map map;
    snprintf(name, sizeof name, "sent-%" PRId64 ".snapshot", clock_wall_ms());
    TRY(file_map_open(&map, path, LIMIT_SNAPSHOT_BYTES));
    enum err result = map.size > 0 ? send_parts(cli, name, &map)
                                   : err_set(ERR_INVALID, "%s: is empty", path);
    file_map_close(&map);
    TRY(result);
    result = remote_snapshot_recover(cli, name);
    if (result == ERR_OK) {
        return remote_snapshot_delete(cli, name);
    }
    char sentence[ERR_DETAIL_MAX];
    memcpy(sentence, err_detail(), sizeof sentence);
    enum err ignored = remote_snapshot_delete(cli, name);
    (void)ignored;
    return err_set(result, "%s", sentence);
}
