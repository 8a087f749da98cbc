/*
 * payload_edit.c - see payload_edit.h.
 */
#include "db/payload_edit.h"

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
    return set_at(&(struct place){object, steps->key, 0}, steps + 1, n - 1, values);
}

static enum err set_items(const struct place *place, const struct payload_step *steps,
                          size_t n, struct json_object *values)
{
    struct json_object *array = place_get(place);
    if (!json_object_is_type(array, json_type_array)) {
        return place_put(place, json_object_new_array());
    }
    size_t n_items = json_object_array_length(array);
    size_t first = steps->every ? 0 : steps->i;
    size_t end = steps->every ? n_items : steps->i < n_items ? steps->i + 1 : 0;
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
    struct place place = {object, path->steps[0].key, 0};
    return set_at(&place, path->steps + 1, path->n - 1, values);
}

/* ---- Deleting ---- */

static void delete_at(struct json_object *value, const struct payload_step *steps,
                      size_t n);

static void delete_member(struct json_object *object, const struct payload_step *steps,
                          size_t n)
{
    if (!json_object_is_type(object, json_type_object)) {
        return;
    }
    if (n == 1) {
        json_object_object_del(object, steps->key);
    } else {
        delete_at(json_get(object, steps->key), steps + 1, n - 1);
    }
}

static void delete_items(struct json_object *array, const struct payload_step *steps,
                         size_t n)
{
    if (!json_object_is_type(array, json_type_array)) {
        return;
    }
    size_t n_items = json_object_array_length(array);
    if (n == 1) {
        if (steps->every && n_items > 0) {
            json_object_array_del_idx(array, 0, n_items);
        }
        return;
    }
    size_t first = steps->every ? 0 : steps->i;
    size_t end = steps->every ? n_items : steps->i < n_items ? steps->i + 1 : 0;
    for (size_t i = first; i < end; i++) {
        delete_at(json_object_array_get_idx(array, i), steps + 1, n - 1);
    }
}

static void delete_at(struct json_object *value, const struct payload_step *steps,
                      size_t n)
{
    if (steps->key != NULL) {
        delete_member(value, steps, n);
    } else {
        delete_items(value, steps, n);
    }
}

void payload_delete(struct json_object *object, const struct payload_path *path)
{
    delete_at(object, path->steps, path->n);
}
