/*
 * payload_value.h - what a value of a payload may stand for, beside a number or a string:
 * a moment, a place. Filters and indexes must read them alike. Any thread.
 */
#ifndef DB_PAYLOAD_VALUE_H
#define DB_PAYLOAD_VALUE_H

#include <stdbool.h>

#include "base/json.h"
#include "db/datetime.h"
#include "db/geo.h"
#include "db/record.h"

/* The bytes of a string, which may hold U+0000; borrowed from it. */
static inline struct bytes payload_value_string(struct json_object *value)
{
    return (struct bytes){json_object_get_string(value),
                          (size_t)json_object_get_string_len(value)};
}

/* A string that is a date and time, as datetime.h reads it. */
bool payload_value_time(struct json_object *value, struct datetime *out);

/* {"lat": …, "lon": …}, both finite; other members do not matter. */
bool payload_value_place(struct json_object *value, struct geo_point *out);

#endif
