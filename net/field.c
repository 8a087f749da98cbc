/*
 * field.c - see field.h.
 */
#include "net/field.h"

enum err field_id(const struct field *f, struct duet_id *out)
{
    TRY(field_require(f));
    if (json_object_is_type(f->value, json_type_int) &&
        json_object_get_int64(f->value) >= 0) {
        *out = (struct duet_id){.number = json_object_get_uint64(f->value)};
        return ERR_OK;
    }
    struct duet_id id = {0};
    if (json_object_is_type(f->value, json_type_string) &&
        duet_id_parse(&id, json_object_get_string(f->value)) == ERR_OK && id.is_uuid) {
        *out = id;
        return ERR_OK;
    }
    return field_fail(f, ERR_INVALID, "must be a whole number or a UUID");
}
