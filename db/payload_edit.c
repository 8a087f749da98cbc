/*
 * payload_edit.c - see payload_edit.h. json-c asks for keys that end in NUL, so that a
 * step's key is copied out of the path where it is used.
 */
#include "db/payload_edit.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

/* ---- Paths ---- */

/* Letters of other scripts are any bytes that are not ASCII. */
static bool is_key_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' ||
           (unsigned char)c >= 0x80;
}

static enum err bad_path(const char *text)
{
    return err_set(ERR_INVALID, "\"%.200s\" is no path into a payload", text);
}

static enum err add_step(struct payload_path *path, struct payload_step step)
{
    FAIL_IF(path->n == LIMIT_JSON_DEPTH, ERR_LIMIT,
            "a path into a payload has more than %d steps", LIMIT_JSON_DEPTH);
    path->steps[path->n++] = step;
    return ERR_OK;
}

/* A key at *p, which is moved behind it. */
static enum err parse_key(struct payload_path *path, const char *text, const char **p)
{
    struct payload_step step = {.key = *p};
    if (**p == '"') {
        step.key++;
        const char *end = strchr(step.key, '"');
        if (end == NULL) {
            return bad_path(text);
        }
        step.n = (size_t)(end - step.key);
        *p = end + 1;
        return add_step(path, step);
    }
    while (is_key_byte(**p)) {
        ++*p;
    }
    step.n = (size_t)(*p - step.key);
    return step.n == 0 ? bad_path(text) : add_step(path, step);
}

/* An index at *p, which stands on its '['. */
static enum err parse_index(struct payload_path *path, const char *text, const char **p)
{
    struct payload_step step = {.all = (*p)[1] == ']'};
    for (++*p; isdigit((unsigned char)**p); ++*p) {
        size_t digit = (size_t)(**p - '0');
        if (step.i > (SIZE_MAX - digit) / 10) {
            return bad_path(text);
        }
        step.i = step.i * 10 + digit;
    }
    bool has_digits = isdigit((unsigned char)(*p)[-1]) != 0;
    if (**p != ']' || (!step.all && !has_digits)) {
        return bad_path(text);
    }
    ++*p;
    return add_step(path, step);
}

enum err payload_path_parse(struct payload_path *path, const char *text)
{
    const char *p = text;
    path->n = 0;
    for (;;) {
        TRY(parse_key(path, text, &p));
        while (*p == '[') {
            TRY(parse_index(path, text, &p));
        }
        if (*p == '\0') {
            return ERR_OK;
        }
        if (*p != '.') {
            return bad_path(text);
        }
        p++;
    }
}

/* ---- Places: a member of an object or an item of an array ---- */

struct place {
    struct json_object *parent;
    const char *key; /* NULL: item i */
    size_t i;
};

static struct json_object *place_get(const struct place *place)
{
    return place->key != NULL ? json_get(place->parent, place->key)
                              : json_object_array_get_idx(place->parent, place->i);
}

/* Takes `value` over, also where it fails. */
static enum err place_put(const struct place *place, struct json_object *value)
{
    int rc = -1;
    if (value != NULL) {
        rc = place->key != NULL
                 ? json_object_object_add(place->parent, place->key, value)
                 : json_object_array_put_idx(place->parent, place->i, value);
    }
    if (rc != 0) {
        json_object_put(value);
        return err_set(ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

enum err payload_merge(struct json_object *object, struct json_object *values)
{
    json_object_object_foreach(values, key, value)
    {
        struct json_object *copy = NULL;
        struct place place = {object, key, 0};
        if (value == NULL) {
            json_object_object_del(object, key);
            continue;
        }
        int rc = json_object_deep_copy(value, &copy, NULL);
        FAIL_IF(rc != 0, ERR_NOMEM, "out of memory");
        TRY(place_put(&place, copy));
    }
    return ERR_OK;
}

/* What is at `place`, or a new object where that is none. */
static enum err place_object(const struct place *place, struct json_object **object)
{
    *object = place_get(place);
    if (!json_object_is_type(*object, json_type_object)) {
        TRY(place_put(place, json_object_new_object()));
        *object = place_get(place);
    }
    return ERR_OK;
}

/* ---- Setting ---- */

static enum err set_at(const struct place *place, const struct payload_step *steps,
                       size_t n, struct json_object *values);

static enum err set_member(const struct place *place, const struct payload_step *steps,
                           size_t n, struct json_object *values)
{
    struct json_object *object;
    TRY(place_object(place, &object));
    char *key = alloc_dup_n(steps->key, steps->n);
    if (key == NULL) {
        return ERR_NOMEM;
    }
    enum err result = set_at(&(struct place){object, key, 0}, steps + 1, n - 1, values);
    alloc_free(key);
    return result;
}

static enum err set_items(const struct place *place, const struct payload_step *steps,
                          size_t n, struct json_object *values)
{
    struct json_object *array = place_get(place);
    if (!json_object_is_type(array, json_type_array)) {
        return place_put(place, json_object_new_array());
    }
    size_t n_items = json_object_array_length(array);
    size_t first = steps->all ? 0 : steps->i;
    size_t end = steps->all ? n_items : steps->i < n_items ? steps->i + 1 : 0;
    for (size_t i = first; i < end; i++) {
        TRY(set_at(&(struct place){array, NULL, i}, steps + 1, n - 1, values));
    }
    return ERR_OK;
}

static enum err set_at(const struct place *place, const struct payload_step *steps,
                       size_t n, struct json_object *values)
{
    struct json_object *object;
    if (n > 0) {
        return steps->key != NULL ? set_member(place, steps, n, values)
                                  : set_items(place, steps, n, values);
    }
    TRY(place_object(place, &object));
    return payload_merge(object, values);
}

enum err payload_set(struct json_object *object, const struct payload_path *path,
                     struct json_object *values)
{
    char *key = alloc_dup_n(path->steps[0].key, path->steps[0].n);
    if (key == NULL) {
        return ERR_NOMEM;
    }
    struct place place = {object, key, 0};
    enum err result = set_at(&place, path->steps + 1, path->n - 1, values);
    alloc_free(key);
    return result;
}

/* ---- Deleting ---- */

static void delete_member(struct json_object *object, const struct payload_step *steps,
                          size_t n);

static void delete_at(struct json_object *value, const struct payload_step *steps,
                      size_t n)
{
    if (steps->key != NULL) {
        delete_member(value, steps, n);
        return;
    }
    if (!json_object_is_type(value, json_type_array)) {
        return;
    }
    size_t n_items = json_object_array_length(value);
    if (n == 1) {
        if (steps->all && n_items > 0) {
            json_object_array_del_idx(value, 0, n_items);
        }
        return;
    }
    size_t first = steps->all ? 0 : steps->i;
    size_t end = steps->all ? n_items : steps->i < n_items ? steps->i + 1 : 0;
    for (size_t i = first; i < end; i++) {
        delete_at(json_object_array_get_idx(value, i), steps + 1, n - 1);
    }
}

/* The key is looked for without a copy: deleting needs no memory, and cannot fail. */
static void delete_member(struct json_object *object, const struct payload_step *steps,
                          size_t n)
{
    if (!json_object_is_type(object, json_type_object)) {
        return;
    }
    struct json_object_iter member;
    json_object_object_foreachC(object, member)
    {
        if (strlen(member.key) == steps->n &&
            memcmp(member.key, steps->key, steps->n) == 0) {
            break;
        }
    }
    if (member.entry == NULL) {
        return;
    }
    if (n == 1) {
        json_object_object_del(object, member.key);
    } else {
        delete_at(member.val, steps + 1, n - 1);
    }
}

void payload_delete(struct json_object *object, const struct payload_path *path)
{
    delete_at(object, path->steps, path->n);
}
