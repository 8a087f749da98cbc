/*
 * payload_field.h - the values of one field of many payloads, one after another.
 *
 *     struct payload_field field;
 *     TRY(payload_field_open(&field, "offers[].price"));
 *     TRY_OUT(payload_field_walk(&field, record.payload, add_value, &sum));
 *     ...
 *     payload_field_close(&field);
 *
 * What is ordered by and counted is what filters ask: the values that the path leads
 * to, and of an array there its elements. Only the member that the path begins with is
 * parsed.
 *
 * Threads: a field does not change once it is open; any number of threads may walk.
 */
#ifndef DB_PAYLOAD_FIELD_H
#define DB_PAYLOAD_FIELD_H

#include "base/json_number.h"
#include "db/payload_path.h"
#include "db/payload_pick.h"

/* Not to be moved while it is open. */
struct payload_field {
    struct arena arena;
    struct payload_path path;
    struct bytes key; /* that the path begins with */
};

/* ERR_INVALID, ERR_LIMIT begin with "key: "; ERR_NOMEM. There is nothing to close then.
 */
enum err payload_field_open(struct payload_field *field, const char *path) ERR_CHECK;

/* Accepts a zeroed one. */
void payload_field_close(struct payload_field *field);

/* Calls `visit` with each value of the field in the JSON object `payload`, until it
 * returns true. ERR_CORRUPT: the payload is no JSON; ERR_NOMEM. */
enum err payload_field_walk(const struct payload_field *field, struct bytes payload,
                            payload_visit *visit, void *arg) ERR_CHECK;

/* A number as duet.h tells it. */
struct duet_value payload_value_of_number(struct json_number number);

#endif
