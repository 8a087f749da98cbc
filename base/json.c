/*
 * json.c - see json.h.
 */
#include "base/json.h"

#include <limits.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/utf8.h"

static bool is_in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' ||
           c == '-';
}

/* What json-c takes and would not keep: whole numbers past 64 bits, which it turns into
 * the largest that fits, the words NaN and Infinity, which are not JSON, and whatever
 * stands behind a NUL, which it does not look at. `at` is outside of any string; moves
 * it behind one number or byte. */
static enum err check_bare(const char *text, size_t n, size_t *at)
{
    size_t first = *at;
    bool negative = text[*at] == '-';
    uint64_t value = 0, most = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
    bool fits = true;
    FAIL_IF(text[*at] == 'N' || text[*at] == 'I' || text[*at] == '\0', ERR_INVALID,
            "not JSON: unexpected character at byte %zu", *at);
    *at = first + negative;
    for (; *at < n && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(text[*at] - '0');
        fits = fits && value <= (most - digit) / 10;
        value = fits ? value * 10 + digit : value;
    }
    bool fraction =
        *at < n && (text[*at] == '.' || text[*at] == 'e' || text[*at] == 'E');
    FAIL_IF(!fits && !fraction, ERR_INVALID,
            "a whole number of more than 64 bits at byte %zu", first);
    while (fraction && *at < n && is_in_number(text[*at])) {
        ++*at;
    }
    *at += *at == first;
    return ERR_OK;
}

/* Behind the string that begins at `at`. */
static size_t skip_string(const char *text, size_t n, size_t at)
{
    for (at++; at < n && text[at] != '"'; at++) {
        at += text[at] == '\\';
    }
    return at + 1;
}

static enum err check_numbers(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n) {
        if (text[at] == '"') {
            at = skip_string(text, n, at);
        } else {
            TRY(check_bare(text, n, &at));
        }
    }
    return ERR_OK;
}

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
    FAIL_IF(code == json_tokener_error_depth, ERR_LIMIT,
            "JSON nested more than %d deep, at byte %zu", LIMIT_JSON_DEPTH,
            json_tokener_get_parse_end(tokener));
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
    TRY(check_numbers(text, n));
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
