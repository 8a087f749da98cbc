/*
 * payload_field.c - see payload_field.h.
 */
#include "db/payload_field.h"

#include <string.h>

enum err payload_field_open(struct payload_field *field, const char *path)
{
    *field = (struct payload_field){.arena = ARENA_EMPTY};
    enum err result = payload_path_parse(&field->path, &field->arena, path);
    if (result != ERR_OK) {
        arena_release(&field->arena);
        return err_prefix(result, "key");
    }
    const char *first = field->path.steps[0].key;
    field->key = (struct bytes){first, strlen(first)};
    return ERR_OK;
}

void payload_field_close(struct payload_field *field)
{
    arena_release(&field->arena);
}

struct walk {
    payload_visit *visit;
    void *arg;
};

/* A visit: an array at the path's end stands for its elements, but not theirs. */
static bool visit_values(void *arg, struct json_object *value)
{
    const struct walk *walk = arg;
    if (!json_object_is_type(value, json_type_array)) {
        return walk->visit(walk->arg, value);
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (walk->visit(walk->arg, json_object_array_get_idx(value, i))) {
            return true;
        }
    }
    return false;
}

enum err payload_field_walk(const struct payload_field *field, struct bytes payload,
                            payload_visit *visit, void *arg)
{
    struct json_object *picked;
    struct walk walk = {visit, arg};
    const struct payload_keys keys = {&field->key, 1};
    enum err result = payload_pick(&picked, payload, &keys);
    FAIL_IF(result == ERR_INVALID, ERR_CORRUPT, "a stored payload is not JSON");
    TRY(result);
    payload_path_any(&field->path, picked, visit_values, &walk);
    json_object_put(picked);
    return ERR_OK;
}

struct duet_value payload_value_of_number(struct json_number number)
{
    if (number.is_real) {
        return (struct duet_value){.kind = DUET_VALUE_REAL, .real = number.real};
    }
    if (number.whole > INT64_MAX) {
        return (struct duet_value){.kind = DUET_VALUE_LARGE, .large = number.whole};
    }
    return (struct duet_value){.kind = DUET_VALUE_INT,
                               .whole = number.below + (int64_t)number.whole};
}
