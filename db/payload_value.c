/*
 * payload_value.c - see payload_value.h.
 */
#include "db/payload_value.h"

#include <math.h>
#include <string.h>

#include "base/json_number.h"

bool payload_value_time(struct json_object *value, struct datetime *out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return false;
    }
    struct bytes text = payload_value_string(value);
    return strlen(text.data) == text.n && datetime_parse(text.data, out);
}

bool payload_value_place(struct json_object *value, struct geo_point *out)
{
    struct json_number number;
    struct json_object *lat = json_get(value, "lat");
    struct json_object *lon = json_get(value, "lon");
    if (!json_number_get(lat, &number) || !json_number_get(lon, &number)) {
        return false;
    }
    *out = (struct geo_point){json_object_get_double(lat), json_object_get_double(lon)};
    return isfinite(out->lat) && isfinite(out->lon);
}
