/*
 * json_field.h - reads JSON that people wrote and says where it is wrong.
 *
 *     struct field root = field_root(json);
 *     struct field limit = field_get(&root, "limit");
 *     size_t k = 10;
 *     TRY(field_size(&limit, &k));       // stays 10 where there is none
 *     FAIL: "points[3].id: must be …"
 *
 * A field is a value and the way to it; a member that is absent or null is a field with
 * value NULL. Fields live on the stack and borrow their parent and the JSON. The
 * readers leave *out untouched where the field is absent, so that defaults are set
 * before; field_require turns absence into an error.
 */
#ifndef BASE_JSON_FIELD_H
#define BASE_JSON_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct field {
    const struct field *parent; /* NULL at the root */
    const char *key;            /* NULL for an item of an array */
    size_t i;                   /* the item's number */
    struct json_object *value;  /* borrowed; NULL: absent or null */
};

struct field field_root(struct json_object *value);
struct field field_get(const struct field *parent, const char *key);
struct field field_item(const struct field *parent, size_t i);

/* The number of items; 0 if it is no array. */
size_t field_length(const struct field *f);

/* Starts an error whose sentence begins with the path ("points[3].id: "). */
enum err field_fail(const struct field *f, enum err code, const char *fmt, ...)
    ERR_PRINTF(3, 4);

/* The same before the present detail, for an error that came from below. */
enum err field_prefix(const struct field *f, enum err code);

enum err field_require(const struct field *f) ERR_CHECK;

/* Must be an object (or absent) or an array of at most `max` items (or absent). */
enum err field_object(const struct field *f) ERR_CHECK;
enum err field_array(const struct field *f, size_t max) ERR_CHECK;

/* Typed values. A string is borrowed from the JSON and holds no NUL byte. */
enum err field_string(const struct field *f, const char **out) ERR_CHECK;
enum err field_size(const struct field *f, size_t *out) ERR_CHECK;
enum err field_bool(const struct field *f, bool *out) ERR_CHECK;
enum err field_float(const struct field *f, float *out) ERR_CHECK;

/* Any value as JSON text, borrowed from it; *out is NULL where it is absent. ERR_NOMEM.
 */
enum err field_text(const struct field *f, const char **out) ERR_CHECK;

/*
 * What a request may hold. A member that is not in the table is refused, as is one with
 * a reason; a null member never is, since clients send null for what they leave out.
 */
struct field_rule {
    const char *key;     /* NULL ends a table */
    const char *refused; /* why it gets ERR_UNSUPPORTED; NULL: it is allowed */
};

/* Applies the table to the object `f`. */
enum err field_check(const struct field *f, const struct field_rule *rules) ERR_CHECK;

#endif
