/*
 * order_walk.h - the first k of an order by way of an index of the field, which has its
 * values in order already. For order.c alone.
 */
#ifndef DB_ORDER_WALK_H
#define DB_ORDER_WALK_H

#include "db/order.h"

/* The values that count where the field has that index; NULL: none. */
enum order_values order_values_of(const struct payload_index *index);

/* Adds the first of all points to the list, by the order's index. */
enum err order_walk(const struct order *order, struct txn *txn, uint32_t collection,
                    struct order_list *list) ERR_CHECK;

#endif
