/*
 * api_order.h - "order_by" of a request: a path, or {"key", "direction", "start_from"}.
 *
 *     struct duet_ordered what = DUET_ORDERED_DEFAULT;
 *     struct field order_by = field_get(&root, "order_by");
 *     TRY(api_order_read(&order_by, &what.by));
 *
 * What is read borrows the JSON. Any thread.
 */
#ifndef NET_API_ORDER_H
#define NET_API_ORDER_H

#include "net/field.h"

/* ERR_INVALID, also where the field is absent. */
enum err api_order_read(const struct field *f, struct duet_order *out) ERR_CHECK;

#endif
