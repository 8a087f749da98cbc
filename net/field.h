/*
 * field.h - the fields of a request (base/json_field.h), and the ids among them.
 */
#ifndef NET_FIELD_H
#define NET_FIELD_H

#include "base/json_field.h"
#include "db/duet.h"

/* A point's id: a whole number, or a UUID in a string. */
enum err field_id(const struct field *f, struct duet_id *out) ERR_CHECK;

#endif
