/*
 * payload_edit.h - changes inside a JSON object, at the paths of the dialect.
 *
 *     struct payload_path path;
 *     TRY(payload_path_parse(&path, &arena, "a.b[0].\"c d\"[]"));
 *     TRY(payload_set(object, &path, values));
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

#include "db/payload_path.h"

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
