/*
 * ingest_payload.c - see ingest_payload.h.
 */
#include "db/ingest_payload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* Takes over `value`; NULL is short memory. */
static enum err set(struct json_object *object, const char *key,
                    struct json_object *value)
{
    FAIL_IF(value == NULL || json_object_object_add(object, key, value) != 0, ERR_NOMEM,
            "out of memory");
    return ERR_OK;
}

/* A file's name may be any bytes, JSON is UTF-8: what is not becomes U+FFFD. (The
 * source record keeps the bytes.) */
static enum err set_string(struct json_object *object, const char *key,
                           const char *text)
{
    struct buf clean;
    buf_init(&clean, 3 * strlen(text));
    enum err result = utf8_append_valid(&clean, text, strlen(text));
    if (result == ERR_OK) {
        result =
            set(object, key, json_object_new_string_len(clean.data, (int)clean.size));
    }
    buf_release(&clean);
    return result;
}

enum err ingest_payload_start(struct json_object **out, const char *stored)
{
    *out = NULL;
    if (stored != NULL) {
        TRY(json_parse(out, stored, strlen(stored)));
    }
    if (*out == NULL) {
        *out = json_object_new_object();
    }
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

enum err ingest_payload_set_path(struct json_object *payload, const char *path)
{
    const char *slash = strrchr(path, '/');
    TRY(set_string(payload, "path", path));
    return set_string(payload, "file", slash == NULL ? path : slash + 1);
}

static enum err set_location(struct json_object *payload, const struct img_meta *meta)
{
    struct json_object *location = json_object_new_object();
    TRY(set(payload, "location", location));
    TRY(set(location, "lat", json_object_new_double(meta->latitude)));
    return set(location, "lon", json_object_new_double(meta->longitude));
}

enum err ingest_payload_set_meta(struct json_object *payload,
                                 const struct img_meta *meta)
{
    json_object_object_del(payload, "taken");
    json_object_object_del(payload, "camera");
    json_object_object_del(payload, "location");
    TRY(set(payload, "width", json_object_new_uint64(meta->width)));
    TRY(set(payload, "height", json_object_new_uint64(meta->height)));
    TRY(set_string(payload, "format", img_format_name(meta->format)));
    if (meta->taken[0] != '\0') {
        TRY(set_string(payload, "taken", meta->taken));
    }
    if (meta->camera[0] != '\0') {
        TRY(set_string(payload, "camera", meta->camera));
    }
    if (!isnan(meta->latitude) && !isnan(meta->longitude)) {
        TRY(set_location(payload, meta));
    }
    return ERR_OK;
}

static enum err set_members(struct json_object *payload, struct json_object *members)
{
    json_object_object_foreach(members, key, value)
    {
        FAIL_IF(json_object_object_add(payload, key, json_object_get(value)) != 0,
                ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

enum err ingest_payload_set_notes(struct json_object *payload,
                                  const struct sidecar *notes)
{
    json_object_object_del(payload, "text");
    json_object_object_del(payload, "captions");
    if (notes->payload != NULL) {
        TRY(set_members(payload, notes->payload));
    }
    if (notes->text != NULL) {
        TRY(set_string(payload, "text", notes->text));
    }
    if (notes->captions != NULL) {
        TRY(set(payload, "captions", json_object_get(notes->captions)));
    }
    return ERR_OK;
}
