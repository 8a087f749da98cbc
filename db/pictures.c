/*
 * pictures.c - see duet_pictures.h. Made of the parts of an add: its list, its sidecars,
 * its payloads.
 */
#include "db/duet_pictures.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "db/encode.h"
#include "db/ingest_list.h"
#include "db/ingest_payload.h"
#include "db/sidecar.h"
#include "db/uuid.h"
#include "encoder/image.h"

/* It is only looked at whether a picture can be decoded: so small that JPEGs are shrunk
 * on the way. */
enum { LOOK_SIDE = 64 };

struct duet_found_facts {
    const char *path;
    struct img_meta meta;
    struct sidecar notes;
};

struct look {
    const struct duet_add_options *options;
    duet_found_visit *visit;
    void *arg;
};

static void tell_failed(const struct look *look, const char *path, enum err code)
{
    char reason[ERR_DETAIL_MAX];
    snprintf(reason, sizeof reason, "%s", err_detail());
    if (look->options->failed != NULL) {
        look->options->failed(look->arg, path, code, reason);
    }
}

/* A callback of the walk. */
static void walk_failed(void *arg, const char *path, enum err code, const char *reason)
{
    const struct look *look = arg;
    if (look->options->failed != NULL) {
        look->options->failed(look->arg, path, code, reason);
    }
}

static void hash_hex(const void *bytes, size_t n, char hex[33])
{
    uint8_t hash[DB_HASH_BYTES];
    encode_hash(bytes, n, hash);
    for (size_t i = 0; i < DB_HASH_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
}

static enum err read_notes(struct sidecar *notes, const struct ingest_item *item)
{
    return item->notes != NULL ? sidecar_parse_json(notes, item->notes, item->n_notes)
                               : sidecar_read(notes, item->path);
}

static enum err check_picture(const struct file_map *map, struct img_meta *meta)
{
    struct img image;
    struct img_options options = {.target_side = LOOK_SIDE, .meta = meta};
    TRY(img_decode(&image, map->size > 0 ? (const void *)map->data : "", map->size,
                   &options));
    img_release(&image);
    return ERR_OK;
}

/* What is wrong with the picture itself goes to `failed`. */
static enum err visit_file(const struct look *look, const struct ingest_item *item,
                           const struct file_map *map)
{
    struct duet_found_facts facts = {.path = item->path};
    struct duet_found_picture picture = {.path = item->path,
                                         .bytes = map->data,
                                         .n = map->size,
                                         .has_id = item->has_id,
                                         .id = item->id,
                                         .facts = &facts};
    enum err result = read_notes(&facts.notes, item);
    if (result == ERR_OK) {
        result = check_picture(map, &facts.meta);
    }
    if (result != ERR_OK) {
        tell_failed(look, item->path, result);
        sidecar_release(&facts.notes);
        return ERR_OK;
    }
    hash_hex(map->data, map->size, picture.hash);
    picture.text = facts.notes.text;
    result = look->visit(look->arg, &picture);
    sidecar_release(&facts.notes);
    return result;
}

static enum err visit_item(const struct look *look, const struct ingest_item *item)
{
    struct file_map map;
    enum err result = file_map_open(&map, item->path, LIMIT_IMAGE_FILE_BYTES);
    if (result != ERR_OK) {
        tell_failed(look, item->path, result);
        return ERR_OK;
    }
    result = visit_file(look, item, &map);
    file_map_close(&map);
    return result;
}

enum err duet_pictures_walk(const struct duet_add_options *options,
                            duet_found_visit *visit, void *arg, size_t *n_found)
{
    struct look look = {options, visit, arg};
    struct ingest_list list;
    *n_found = 0;
    TRY(ingest_list_make(&list, options,
                         (struct walk_options){.failed = walk_failed, .arg = &look}));
    *n_found = list.n;
    enum err result = ERR_OK;
    for (size_t i = 0; i < list.n && result == ERR_OK; i++) {
        result = visit_item(&look, &list.items[i]);
    }
    ingest_list_release(&list);
    return result;
}

static enum err fill_payload(struct json_object *payload,
                             const struct duet_found_facts *facts)
{
    TRY(ingest_payload_set_path(payload, facts->path));
    TRY(ingest_payload_set_meta(payload, &facts->meta));
    return ingest_payload_set_notes(payload, &facts->notes);
}

enum err duet_found_payload(const struct duet_found_picture *picture,
                            const char *stored, char **json)
{
    struct json_object *payload;
    *json = NULL;
    TRY(ingest_payload_start(&payload, stored));
    enum err result = fill_payload(payload, picture->facts);
    if (result == ERR_OK) {
        *json = alloc_dup(json_text(payload));
        result = *json == NULL ? ERR_NOMEM : ERR_OK;
    }
    json_object_put(payload);
    return result;
}

enum err duet_id_of_file_in(const char *uuid, const char *path, struct duet_id *out)
{
    char canonical[PATH_MAX];
    struct duet_id space;
    *out = (struct duet_id){.is_uuid = true};
    FAIL_IF(duet_id_parse(&space, uuid) != ERR_OK || !space.is_uuid, ERR_INVALID,
            "a database's UUID is none");
    TRY(walk_canonical(canonical, path));
    return uuid_of_name(space.uuid, canonical, out->uuid);
}
