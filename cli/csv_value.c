/*
 * csv_value.c - see csv_value.h.
 */
#include "cli/csv_value.h"

#include <math.h>
#include <string.h>

/* Whether what was parsed says all that the text does. */
static bool is_kept(struct json_object *value)
{
    return !json_object_is_type(value, json_type_string) &&
           (!json_object_is_type(value, json_type_double) ||
            isfinite(json_object_get_double(value)));
}

enum err csv_value_parse(struct json_object **out, const char *text, bool strings)
{
    size_t n = strlen(text);
    bool may_be = n > 0 && strchr("-0123456789tfn[{", text[0]) != NULL;
    *out = NULL;
    if (!strings && may_be && json_parse(out, text, n) == ERR_OK) {
        if (*out == NULL || is_kept(*out)) {
            return ERR_OK;
        }
        json_object_put(*out);
    }
    *out = json_object_new_string(text);
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

/* Whether a path has parts: dots, and something on each side of each. */
static bool has_parts(const char *path)
{
    size_t n = strlen(path);
    return strchr(path, '.') != NULL && path[0] != '.' && path[n - 1] != '.' &&
           strstr(path, "..") == NULL;
}

static enum err add(struct json_object *object, const char *key,
                    struct json_object *value)
{
    if (json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return err_set(ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

/* The object that is the member name[n], made where there is none. */
static enum err enter(struct json_object **object, const char *name, size_t n)
{
    char key[1024];
    struct json_object *member;
    FAIL_IF(n >= sizeof key, ERR_LIMIT, "a column's name is too long");
    memcpy(key, name, n);
    key[n] = '\0';
    if (!json_object_object_get_ex(*object, key, &member)) {
        member = json_object_new_object();
        FAIL_IF(member == NULL, ERR_NOMEM, "out of memory");
        TRY(add(*object, key, member));
    }
    FAIL_IF(!json_object_is_type(member, json_type_object), ERR_INVALID,
            "the column '%.64s' is no object", key);
    *object = member;
    return ERR_OK;
}

enum err csv_value_put(struct json_object *object, const char *path,
                       struct json_object *value)
{
    const char *dot = has_parts(path) ? strchr(path, '.') : NULL;
    while (dot != NULL) {
        enum err result = enter(&object, path, (size_t)(dot - path));
        if (result != ERR_OK) {
            json_object_put(value);
            return result;
        }
        path = dot + 1;
        dot = strchr(path, '.');
    }
    return add(object, path, value);
}

struct json_object *csv_value_get(struct json_object *object, const char *path)
{
    struct json_object *value = json_get(object, path);
    const char *dot = value == NULL && has_parts(path) ? strchr(path, '.') : NULL;
    if (dot == NULL) {
        return value;
    }
    char key[1024];
    size_t n = (size_t)(dot - path);
    if (n >= sizeof key) {
        return NULL;
    }
    memcpy(key, path, n);
    key[n] = '\0';
    return csv_value_get(json_get(object, key), dot + 1);
}

bool csv_value_is_tree(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_object) ||
        json_object_object_length(value) == 0) {
        return false;
    }
    json_object_object_foreach(value, name, member)
    {
        (void)member;
        if (name[0] == '\0' || strchr(name, '.') != NULL) {
            return false;
        }
    }
    return true;
}
