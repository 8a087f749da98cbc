/*
 * csv_value.h - what stands in a CSV file as JSON, and back: the rule of docs/CLI.md.
 *
 *     TRY(csv_value_parse(&value, "19.90", false));      // a number
 *     TRY(csv_value_put(payload, "price.eur", value));   // {"price": {"eur": 19.90}}
 *
 * No state; any thread.
 */
#ifndef CLI_CSV_VALUE_H
#define CLI_CSV_VALUE_H

#include <stdbool.h>

#include "base/json.h"

/*
 * The value of a cell, with `strings` always a string. Else what is written as JSON
 * writes a number, true, false, null, an array or an object is that (007, +1, 1.000,50
 * and whole numbers of more than 64 bits are not), and all other text is a string.
 * JSON's null is *out == NULL. The caller releases *out.
 */
enum err csv_value_parse(struct json_object **out, const char *text, bool strings)
    ERR_CHECK;

/* Puts the value into the object at the dotted path, where `path` leads through objects;
 * it is the object's then, or released. A path with an empty part ("a..b", ".") is one
 * name. ERR_INVALID: what it leads through is no object. */
enum err csv_value_put(struct json_object *object, const char *path,
                       struct json_object *value) ERR_CHECK;

/* The value at the dotted path, or of the member that is called so; NULL: there is none.
 * Borrowed. */
struct json_object *csv_value_get(struct json_object *object, const char *path);

/* Whether the value is an object that its members' paths stand for: it has some, and
 * none is called "" or has a dot in its name. */
bool csv_value_is_tree(struct json_object *value);

#endif
