/*
 * order.h - the first k points of a collection in the order of a value of their
 * payloads, within one transaction.
 *
 *     struct order order;
 *     struct order_list list;
 *     TRY(order_open(&order, &(struct duet_order){.key = "price"}));
 *     TRY_OUT(order_list_init(&list, 100));
 *     TRY_OUT(order_bind(&order, &txn, collection.number));
 *     TRY_OUT(order_find(&order, &txn, &collection, filter, &list));
 *     for (size_t i = 0; i < list.n; i++) {
 *         use(list.entries[i].id, list.entries[i].value);
 *     }
 *     ...
 *     order_list_release(&list);
 *     order_close(&order);
 *
 * The order is total: by value, as asked; of equal values by id, upwards. A point with
 * several values stands there once for each, and once for those that are equal. The best
 * k are kept in a heap: memory does not depend on how many there are. Without a filter an
 * index of the field is walked (order_walk.h) until no later value can enter; otherwise
 * all that matches is looked at.
 *
 * Threads: an order does not change once it is bound. A list belongs to one thread.
 */
#ifndef DB_ORDER_H
#define DB_ORDER_H

#include "base/json_number.h"
#include "db/datetime.h"
#include "db/matches.h"
#include "db/payload_field.h"
#include "db/payload_index.h"

/* Which values of a field count: with an index on it those of the index's kind, so that
 * an answer does not depend on which way it was found. */
enum order_values { ORDER_ALL, ORDER_NUMBERS, ORDER_TIMES };

/* Not to be moved while it is open. */
struct order {
    struct payload_field field;
    bool descending;
    bool has_start;
    struct json_number start; /* the first value that counts */

    enum order_values which;
    struct payload_indexes indexes;    /* of the collection, once it is bound */
    const struct payload_index *index; /* the one that gives the order; NULL: none */
};

struct order_entry {
    struct json_number value;
    struct duet_id id;
};

struct order_list {
    struct order_entry
        *entries; /* [k], a heap with the last at the root until sorted */
    size_t k, n;
    struct json_number *values; /* [n_values], private: of the point being added */
    size_t n_values, capacity;
};

/* ERR_INVALID, ERR_LIMIT name what is wrong of `by`; there is nothing to close then. */
enum err order_open(struct order *order, const struct duet_order *by) ERR_CHECK;

/* Looks whether there is an index on the field, in the transaction that is to be searched.
 * Once, before any point is asked; without it all values count and none helps. */
enum err order_bind(struct order *order, struct txn *txn, uint32_t collection)
    ERR_CHECK;

/* Accepts a zeroed one. */
void order_close(struct order *order);

/* Memory for `k` entries is taken at once. ERR_NOMEM. */
enum err order_list_init(struct order_list *list, size_t k) ERR_CHECK;
void order_list_release(struct order_list *list);

/* Finds the first k of the points that pass `filter` (NULL: all do), and sorts them. */
enum err order_find(const struct order *order, struct txn *txn,
                    const struct record_collection *collection,
                    const struct filter *filter, struct order_list *list) ERR_CHECK;

/* ---- For whoever walks the points, or an index of values, instead ---- */

/* Adds a point, once for each of its values. ERR_CORRUPT, ERR_NOMEM. */
enum err order_add_point(const struct order *order, struct order_list *list,
                         struct duet_id id, struct bytes payload) ERR_CHECK;

/* Whether the value may be among what is asked for, by start_from. */
bool order_takes(const struct order *order, struct json_number value);

/* Adds an entry, if it is among the first k so far; the same one twice is two. */
void order_add(const struct order *order, struct order_list *list,
               struct order_entry entry);

/* Whether the list is full, and `value` and all behind it cannot enter any more. */
bool order_list_ends(const struct order *order, const struct order_list *list,
                     struct json_number value);

void order_list_sort(const struct order *order, struct order_list *list);

/* The number that a value of a payload is ordered by: itself, or a date's microseconds.
 * False where it is neither, or does not count. */
bool order_number(enum order_values which, struct json_object *value,
                  struct json_number *out);
struct json_number order_number_of_time(struct datetime time);

#endif
