/*
 * payload_edit.h - changes inside a JSON object, at the paths of the dialect.
 *
 *     struct payload_path path;
 *     TRY(payload_path_parse(&path, "a.b[0].\"c d\"[]"));
 *     TRY(payload_set(object, &path, values));
 *
 * A path is keys, with `.` between them, and indices [3] or [] (all items) behind a
 * key. A key is letters, digits, `_` and `-`, or anything in double quotes.
 *
 * What a path means where the object has no such place is the dialect's: setting makes
 * objects on the way, also in place of what is no object; an index into what is no
 * array makes an empty one; one past the end does nothing. Deleting makes nothing, and
 * of a single item of an array it is nothing, since asking twice would delete two.
 *
 * Threads: pure functions on the caller's objects.
 */
#ifndef DB_PAYLOAD_EDIT_H
#define DB_PAYLOAD_EDIT_H

#include "base/json.h"
#include "base/limits.h"

struct payload_step {
    const char *key; /* [n], into the path's text; NULL: an index */
    size_t n;
    bool all; /* of an index: all items */
    size_t i; /* else this one */
};

struct payload_path {
    struct payload_step steps[LIMIT_JSON_DEPTH];
    size_t n; /* 1 or more */
};

/* The path keeps pointing into `text`. ERR_INVALID; ERR_LIMIT where it is deeper than
 * any JSON can be. */
enum err payload_path_parse(struct payload_path *path, const char *text) ERR_CHECK;

/* Puts copies of the members of `values` into `object`; a null removes its key.
 * ERR_NOMEM. */
enum err payload_merge(struct json_object *object, struct json_object *values)
    ERR_CHECK;

/* The same into the object at the path. ERR_NOMEM. */
enum err payload_set(struct json_object *object, const struct payload_path *path,
                     struct json_object *values) ERR_CHECK;

/* Removes what is at the path; a path that ends in [] empties the array. */
void payload_delete(struct json_object *object, const struct payload_path *path);

#endif
