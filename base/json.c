/*
 * json.c - see json.h.
 */
#include "base/json.h"

#include <limits.h>

#include "base/limits.h"
#include "base/utf8.h"

static enum err parse_with(struct json_tokener *tokener, struct json_object **out,
                           const char *text, size_t n)
{
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    *out = json_tokener_parse_ex(tokener, text, (int)n);
    enum json_tokener_error code = json_tokener_get_error(tokener);
    if (code == json_tokener_continue) { /* a bare number ends only at the NUL */
        *out = json_tokener_parse_ex(tokener, "", 1);
        code = json_tokener_get_error(tokener);
    }
    if (code == json_tokener_continue) {
        return err_set(ERR_INVALID, "not JSON: it ends early");
    }
    if (code != json_tokener_success) {
        return err_set(ERR_INVALID, "not JSON: %s at byte %zu",
                       json_tokener_error_desc(code),
                       json_tokener_get_parse_end(tokener));
    }
    return ERR_OK;
}

enum err json_parse(struct json_object **out, const char *text, size_t n)
{
    *out = NULL;
    FAIL_IF(n == 0, ERR_INVALID, "not JSON: it is empty");
    FAIL_IF(n > INT_MAX - 1, ERR_LIMIT, "JSON of more than 2 GiB");
    FAIL_IF(!utf8_valid(text, n), ERR_INVALID, "not JSON: it is not UTF-8");
    struct json_tokener *tokener = json_tokener_new_ex(LIMIT_JSON_DEPTH);
    FAIL_IF(tokener == NULL, ERR_NOMEM, "out of memory");
    enum err result = parse_with(tokener, out, text, n);
    json_tokener_free(tokener);
    return result;
}

struct json_object *json_get(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    if (json_object_is_type(object, json_type_object)) {
        json_object_object_get_ex(object, key, &value);
    }
    return value;
}

enum err json_get_string(struct json_object *object, const char *key, const char **out)
{
    struct json_object *value = json_get(object, key);
    FAIL_IF(!json_object_is_type(value, json_type_string), ERR_INVALID,
            "\"%s\" must be a string", key);
    *out = json_object_get_string(value);
    return ERR_OK;
}

enum err json_get_size(struct json_object *object, const char *key, size_t *out)
{
    struct json_object *value = json_get(object, key);
    FAIL_IF(!json_object_is_type(value, json_type_int) ||
                json_object_get_int64(value) < 0,
            ERR_INVALID, "\"%s\" must be a whole number, 0 or more", key);
    *out = json_object_get_uint64(value);
    return ERR_OK;
}

enum err json_get_double(struct json_object *object, const char *key, double *out)
{
    struct json_object *value = json_get(object, key);
    FAIL_IF(!json_object_is_type(value, json_type_double) &&
                !json_object_is_type(value, json_type_int),
            ERR_INVALID, "\"%s\" must be a number", key);
    *out = json_object_get_double(value);
    return ERR_OK;
}

enum err json_get_bool(struct json_object *object, const char *key, bool *out)
{
    struct json_object *value = json_get(object, key);
    FAIL_IF(!json_object_is_type(value, json_type_boolean), ERR_INVALID,
            "\"%s\" must be true or false", key);
    *out = json_object_get_boolean(value);
    return ERR_OK;
}

const char *json_text(struct json_object *value)
{
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
                                                     JSON_C_TO_STRING_NOSLASHESCAPE);
}
