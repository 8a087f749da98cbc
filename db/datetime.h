/*
 * datetime.h - moments in time as payloads write them.
 *
 *     struct datetime t;
 *     if (datetime_parse("2024-02-29T12:00:00.5+01:00", &t)) { ... }
 *
 * Taken is what the dialect takes: RFC 3339, and beside it a blank in place of the T,
 * no zone (UTC is meant), a zone of hours alone or without its colon, a blank before
 * the zone, "UTC", no seconds, and a date alone (its first moment). White space may
 * stand before it. Any thread.
 */
#ifndef DB_DATETIME_H
#define DB_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct datetime {
    int64_t seconds; /* since 1970, UTC */
    int32_t nanos;   /* 0 … 999,999,999; further digits are cut off */
};

/* False where `text` is none: the day does not exist, or something is left over. */
bool datetime_parse(const char *text, struct datetime *out);

/* Less than 0, 0 or more than 0. */
int datetime_compare(struct datetime a, struct datetime b);

#endif
