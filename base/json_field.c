/*
 * json_field.c - see json_field.h.
 */
#include "base/json_field.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of a path in an error: deeper ones are cut, the sentence behind them is not. */
enum { PATH_MAX_BYTES = 160 };

struct field field_root(struct json_object *value)
{
    return (struct field){.value = value};
}

struct field field_get(const struct field *parent, const char *key)
{
    return (struct field){
        .parent = parent, .key = key, .value = json_get(parent->value, key)};
}

struct field field_item(const struct field *parent, size_t i)
{
    return (struct field){
        .parent = parent, .i = i, .value = json_object_array_get_idx(parent->value, i)};
}

size_t field_length(const struct field *f)
{
    return json_object_is_type(f->value, json_type_array)
               ? json_object_array_length(f->value)
               : 0;
}

/* Writes the path of `f` into room[size]; returns its length. */
static size_t format_path(const struct field *f, char *room, size_t size)
{
    if (f->parent == NULL) {
        room[0] = '\0';
        return 0;
    }
    size_t n = format_path(f->parent, room, size);
    int step = f->key == NULL
                   ? snprintf(room + n, size - n, "[%zu]", f->i)
                   : snprintf(room + n, size - n, "%s%s", n > 0 ? "." : "", f->key);
    size_t n_after = n + (size_t)step;
    return n_after < size ? n_after : size - 1;
}

enum err field_prefix(const struct field *f, enum err code)
{
    char path[PATH_MAX_BYTES];
    size_t n = format_path(f, path, sizeof path);
    return err_prefix(code, "%s", n > 0 ? path : "the JSON body");
}

enum err field_fail(const struct field *f, enum err code, const char *fmt, ...)
{
    char sentence[ERR_DETAIL_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    err_set(code, "%s", sentence);
    return field_prefix(f, code);
}

enum err field_require(const struct field *f)
{
    return f->value == NULL ? field_fail(f, ERR_INVALID, "is missing") : ERR_OK;
}

/* Absent or of the type. */
static bool may_be(const struct field *f, enum json_type type)
{
    return f->value == NULL || json_object_is_type(f->value, type);
}

enum err field_object(const struct field *f)
{
    return may_be(f, json_type_object)
               ? ERR_OK
               : field_fail(f, ERR_INVALID, "must be an object");
}

enum err field_array(const struct field *f, size_t max)
{
    if (!may_be(f, json_type_array)) {
        return field_fail(f, ERR_INVALID, "must be an array");
    }
    if (field_length(f) > max) {
        return field_fail(f, ERR_LIMIT, "has %zu items, more than %zu", field_length(f),
                          max);
    }
    return ERR_OK;
}

enum err field_string(const struct field *f, const char **out)
{
    if (!may_be(f, json_type_string)) {
        return field_fail(f, ERR_INVALID, "must be a string");
    }
    if (f->value == NULL) {
        return ERR_OK;
    }
    const char *text = json_object_get_string(f->value);
    if (strlen(text) != (size_t)json_object_get_string_len(f->value)) {
        return field_fail(f, ERR_INVALID, "must not hold the character U+0000");
    }
    *out = text;
    return ERR_OK;
}

enum err field_size(const struct field *f, size_t *out)
{
    if (f->value == NULL) {
        return ERR_OK;
    }
    if (!may_be(f, json_type_int) || json_object_get_int64(f->value) < 0) {
        return field_fail(f, ERR_INVALID, "must be a whole number, 0 or more");
    }
    *out = json_object_get_uint64(f->value);
    return ERR_OK;
}

enum err field_bool(const struct field *f, bool *out)
{
    if (!may_be(f, json_type_boolean)) {
        return field_fail(f, ERR_INVALID, "must be true or false");
    }
    if (f->value != NULL) {
        *out = json_object_get_boolean(f->value);
    }
    return ERR_OK;
}

enum err field_float(const struct field *f, float *out)
{
    if (!may_be(f, json_type_double) && !may_be(f, json_type_int)) {
        return field_fail(f, ERR_INVALID, "must be a number");
    }
    if (f->value == NULL) {
        return ERR_OK;
    }
    float value = (float)json_object_get_double(f->value);
    if (!isfinite(value)) {
        return field_fail(f, ERR_INVALID, "is too large for a 32-bit float");
    }
    *out = value;
    return ERR_OK;
}

enum err field_text(const struct field *f, const char **out)
{
    *out = f->value == NULL ? NULL : json_text(f->value);
    FAIL_IF(f->value != NULL && *out == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static const struct field_rule *find_rule(const struct field_rule *rules,
                                          const char *key)
{
    for (; rules->key != NULL; rules++) {
        if (strcmp(rules->key, key) == 0) {
            return rules;
        }
    }
    return NULL;
}

enum err field_check(const struct field *f, const struct field_rule *rules)
{
    TRY(field_object(f));
    if (f->value == NULL) {
        return ERR_OK;
    }
    json_object_object_foreach(f->value, key, value)
    {
        if (value == NULL) {
            continue;
        }
        struct field member = {.parent = f, .key = key, .value = value};
        const struct field_rule *rule = find_rule(rules, key);
        if (rule == NULL) {
            return field_fail(&member, ERR_INVALID, "is not known here");
        }
        if (rule->refused != NULL) {
            return field_fail(&member, ERR_UNSUPPORTED, "%s", rule->refused);
        }
    }
    return ERR_OK;
}
