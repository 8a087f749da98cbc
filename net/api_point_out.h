/*
 * api_point_out.h - points in replies, and the fields of a request that say how much of
 * them: "with_payload", "with_vector".
 *
 *     struct point_view view;
 *     TRY(point_view_read(&root, false, &view));
 *     ... fetch ...
 *     point_write(&call->out, &view, &hit, true);
 *
 * One thread at a time; a view borrows the JSON that it was read from.
 */
#ifndef NET_API_POINT_OUT_H
#define NET_API_POINT_OUT_H

#include "net/field.h"
#include "net/json_out.h"

struct point_view {
    bool payload;               /* any of it */
    struct json_object *chosen; /* an array of paths; NULL: all of it */
    bool excludes;              /* `chosen` is left out, not kept */
    bool vectors;               /* any of them */
    struct json_object *spaces; /* an array of names; NULL: all of them */
    bool details; /* "duet": {"details": true}: source and space of each */
};

/* Reads "with_payload" (absent: `payload_default`), "with_vector" (absent: false) and
 * "duet" of a request. */
enum err point_view_read(const struct field *root, bool payload_default,
                         struct point_view *view) ERR_CHECK;

/* Reads the values of the first two into `view`, which holds the defaults. */
enum err point_view_read_parts(const struct field *with_payload,
                               const struct field *with_vector, struct point_view *view)
    ERR_CHECK;

/* Writes one point: a Record of the dialect, or with `scored` a ScoredPoint.
 * ERR_CORRUPT: its payload is no JSON. */
enum err point_write(struct json_out *out, const struct point_view *view,
                     const struct duet_hit *hit, bool scored) ERR_CHECK;

/* A value out of a payload. */
void point_write_value(struct json_out *out, const struct duet_value *value);

/* An id as the dialect writes it: a number, or a string. */
void point_write_id(struct json_out *out, struct duet_id id);

#endif
