/*
 * sidecar.h - what is written beside a picture: its caption, translations of it, and
 * payload of the user's own.
 *
 *     struct sidecar notes;
 *     TRY(sidecar_read(&notes, "/photos/dog.jpg"));   // dog.json, else dog.txt
 *     if (notes.text != NULL) { ... }
 *     sidecar_release(&notes);
 *
 * dog.txt is UTF-8 text. Its first line that is not empty is the caption; lines
 * LANG.utf8=TEXT, as Tux Paint's stamps have them, are translations; other lines are
 * not read.
 *
 * dog.json is one object: "text" (or "caption", or "title") is the caption, "captions"
 * an object of translations by language, "payload" an object whose members become the
 * point's. The rest is not read. JSON that is no object says nothing of the picture.
 *
 * A line of a JSONL file is such an object too, with the picture's "path" (or "image")
 * and perhaps an "id".
 *
 * Threads: no state is shared.
 */
#ifndef DB_SIDECAR_H
#define DB_SIDECAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct sidecar {
    char *text;                   /* the caption; NULL if there is none */
    struct json_object *captions; /* {"zh_CN": "…"}; NULL if there are none */
    struct json_object *payload;  /* NULL if there is none */
    uint64_t hash;                /* of the bytes read; 0 only where there is no file */
};

/* Reads the notes of a picture; empty ones where there is no file. ERR_INVALID: not
 * UTF-8 or not JSON, the file is named; ERR_LIMIT: more than LIMIT_PAYLOAD_BYTES;
 * ERR_IO. *out is empty on failure. */
enum err sidecar_read(struct sidecar *out, const char *picture_path) ERR_CHECK;

/* The same from bytes: a .txt file, or one JSON value. */
enum err sidecar_parse_text(struct sidecar *out, const char *bytes, size_t n) ERR_CHECK;
enum err sidecar_parse_json(struct sidecar *out, const char *bytes, size_t n) ERR_CHECK;

/* Accepts empty notes. */
void sidecar_release(struct sidecar *notes);

#endif
