/*
 * ingest_payload.h - the payload of a picture's point, as JSON:
 *
 *     {"path", "file", "text", "captions", "width", "height", "format", "taken",
 *      "camera", "location": {"lat", "lon"}, and what the user says}
 *
 * It is made from the one that is stored, so that members which came in another way
 * stay when a file changes or moves. The functions take a json-c object and change it;
 * all fail with ERR_NOMEM alone, and the object is then to be thrown away.
 */
#ifndef DB_INGEST_PAYLOAD_H
#define DB_INGEST_PAYLOAD_H

#include "base/json.h"
#include "db/sidecar.h"
#include "encoder/image.h"

/* The object of a stored payload, or an empty one for NULL; json_object_put. */
enum err ingest_payload_start(struct json_object **out, const char *stored) ERR_CHECK;

/* Sets what follows from the file's place. */
enum err ingest_payload_set_path(struct json_object *payload, const char *path)
    ERR_CHECK;

/* Sets what the picture says of itself; what it no longer says is removed. */
enum err ingest_payload_set_meta(struct json_object *payload,
                                 const struct img_meta *meta) ERR_CHECK;

/* Sets caption, translations and the user's members, which win over all others; an old
 * caption is removed. */
enum err ingest_payload_set_notes(struct json_object *payload,
                                  const struct sidecar *notes) ERR_CHECK;

#endif
