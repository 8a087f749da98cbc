/*
 * order_walk.c - see order_walk.h.
 *
 * Rows come in the order of values, of which some are equal to us and not to the index:
 * 2 and 2.0, or two times of one microsecond. A point may have both, and counts once:
 * within a run of such values the list is searched before a point is added.
 */
#include "db/order_walk.h"

#include <string.h>

#include "db/payload_terms.h"

enum order_values order_values_of(const struct payload_index *index)
{
    if (index == NULL) {
        return ORDER_ALL;
    }
    switch (index->kind) {
    case DUET_INDEX_INTEGER:
    case DUET_INDEX_FLOAT:
        return ORDER_NUMBERS;
    case DUET_INDEX_DATETIME:
        return ORDER_TIMES;
    default:
        return ORDER_ALL;
    }
}

/* Where we are in a run of values that are equal to us. */
struct run {
    struct json_number value;
    struct term bytes; /* of its first row; n 0: no row yet */
    bool mixed;        /* not all of its rows have those bytes */
};

static void step(struct run *run, struct bytes bytes, struct json_number value)
{
    bool same =
        run->bytes.n == bytes.n && memcmp(run->bytes.data, bytes.data, bytes.n) == 0;
    if (!same && run->bytes.n > 0 && json_number_compare(run->value, value) == 0) {
        run->mixed = true;
        return;
    }
    if (!same) {
        *run = (struct run){.value = value, .bytes.n = bytes.n};
        memcpy(run->bytes.data, bytes.data, bytes.n);
    }
}

static bool is_listed(const struct order_list *list, const struct order_entry *entry)
{
    for (size_t i = 0; i < list->n; i++) {
        if (duet_id_compare(list->entries[i].id, entry->id) == 0 &&
            json_number_compare(list->entries[i].value, entry->value) == 0) {
            return true;
        }
    }
    return false;
}

static struct json_number number_of(const struct order *order, struct bytes value)
{
    return order->which == ORDER_TIMES ? order_number_of_time(term_time(value))
                                       : term_number(value);
}

/* Where a walk begins that is to meet all values that are equal to `start` to us; n 0:
 * at its end, from where what is not asked for is stepped over. */
static struct term begin_at(const struct order *order)
{
    const struct json_number *start = &order->start;
    if (!order->has_start) {
        return (struct term){.n = 0};
    }
    if (order->which != ORDER_TIMES) {
        return term_of_any_number(*start);
    }
    if (start->is_real || start->whole > INT64_MAX) {
        return (struct term){.n = 0};
    }
    int64_t us = start->below + (int64_t)start->whole;
    int64_t below = us % 1000000 < 0;
    struct datetime time = {.seconds = us / 1000000 - below};
    time.nanos = (int32_t)(us % 1000000 + below * 1000000) * 1000;
    time.nanos += order->descending ? 999 : 0;
    return term_of_time(time);
}

enum err order_walk(const struct order *order, struct txn *txn, uint32_t collection,
                    struct order_list *list)
{
    struct index_walk walk;
    struct run run = {.mixed = false};
    struct term from = begin_at(order);
    const struct index_walk_options options = {order->descending, {from.data, from.n}};
    TRY(index_walk_open(&walk, txn, collection, order->index, &options));
    enum err result;
    for (;;) {
        TRY_OUT(index_walk_next(&walk));
        if (!walk.found) {
            break;
        }
        struct order_entry entry = {number_of(order, walk.value), walk.id};
        if (order_list_ends(order, list, entry.value)) {
            break;
        }
        step(&run, walk.value, entry.value);
        if (order_takes(order, entry.value) &&
            !(run.mixed && is_listed(list, &entry))) {
            order_add(order, list, entry);
        }
    }
out:
    index_walk_close(&walk);
    return result;
}
