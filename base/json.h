/*
 * json.h - JSON through json-c, strict and limited.
 *
 * A thin layer: whoever includes this uses json-c's `struct json_object` directly for
 * the rest. Ids are unsigned 64-bit on the wire and json-c keeps them whole.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Parses `n` bytes of UTF-8 as exactly one JSON value (strict syntax, at most
 * LIMIT_JSON_DEPTH deep, nothing behind it, no whole number of more than 64 bits, which
 * would come out as another). The caller releases *out with
 * json_object_put. ERR_INVALID (ERR_LIMIT where it is nested too deep) says what is
 * wrong and at which byte; *out is NULL then.
 * JSON's own null is also *out == NULL, with ERR_OK.
 */
enum err json_parse(struct json_object **out, const char *text, size_t n) ERR_CHECK;

/* The member `key` of an object; NULL where there is none, where it is null, or where
 * `object` is not an object. Borrowed from `object`. */
struct json_object *json_get(struct json_object *object, const char *key);

/* Members with a type. ERR_INVALID names `key` where it is missing or of another type;
 * *out is then untouched. The string is borrowed from `object`. */
enum err json_get_string(struct json_object *object, const char *key, const char **out)
    ERR_CHECK;
enum err json_get_size(struct json_object *object, const char *key, size_t *out)
    ERR_CHECK;
enum err json_get_double(struct json_object *object, const char *key, double *out)
    ERR_CHECK;
enum err json_get_bool(struct json_object *object, const char *key, bool *out)
    ERR_CHECK;

/* One value as one line of JSON; slashes are not escaped. Borrowed from `value`, until
 * it is next changed, printed or released. */
const char *json_text(struct json_object *value);

#endif
