/*
 * api_order.c - see api_order.h.
 */
#include "net/api_order.h"

#include <string.h>

static enum err read_direction(const struct field *f, bool *descending)
{
    const char *text = "asc";
    TRY(field_string(f, &text));
    *descending = strcmp(text, "desc") == 0;
    return *descending || strcmp(text, "asc") == 0
               ? ERR_OK
               : field_fail(f, ERR_INVALID, "must be \"asc\" or \"desc\"");
}

enum err api_order_read(const struct field *f, struct duet_order *out)
{
    static const struct field_rule rules[] = {
        {"key", NULL}, {"direction", NULL}, {"start_from", NULL}, {NULL, NULL}};
    *out = (struct duet_order){.key = NULL};
    TRY(field_require(f));
    if (json_object_is_type(f->value, json_type_string)) {
        return field_string(f, &out->key);
    }
    if (!json_object_is_type(f->value, json_type_object)) {
        return field_fail(f, ERR_INVALID, "must be a path or an object");
    }
    TRY(field_check(f, rules));
    struct field key = field_get(f, "key");
    struct field direction = field_get(f, "direction");
    struct field start_from = field_get(f, "start_from");
    TRY(field_require(&key));
    TRY(field_string(&key, &out->key));
    TRY(read_direction(&direction, &out->descending));
    return field_text(&start_from, &out->start_from);
}
