/*
 * order.c - see order.h, and duet_scroll_ordered.
 */
#include "db/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/datetime.h"
#include "db/hits.h"
#include "db/order_walk.h"

/* ---- Values ---- */

/* Within ±2.6e17: years have four digits. */
static int64_t microseconds(struct datetime t)
{
    return t.seconds * 1000000 + t.nanos / 1000;
}

static struct json_number whole_number(int64_t value)
{
    if (value < 0) {
        return (struct json_number){.below = value};
    }
    return (struct json_number){.whole = (uint64_t)value};
}

struct json_number order_number_of_time(struct datetime time)
{
    return whole_number(microseconds(time));
}

bool order_number(enum order_values which, struct json_object *value,
                  struct json_number *out)
{
    struct datetime time;
    if (!json_object_is_type(value, json_type_string)) {
        return which != ORDER_TIMES && json_number_get(value, out);
    }
    const char *text = json_object_get_string(value);
    if (which == ORDER_NUMBERS ||
        strlen(text) != (size_t)json_object_get_string_len(value) ||
        !datetime_parse(text, &time)) {
        return false;
    }
    *out = order_number_of_time(time);
    return true;
}

/* ---- What is asked for ---- */

static enum err read_start(struct order *order, const char *text)
{
    struct json_object *value;
    enum err result = json_parse(&value, text, strlen(text));
    if (result != ERR_OK) {
        return err_prefix(result, "start_from");
    }
    order->has_start = order_number(ORDER_ALL, value, &order->start);
    json_object_put(value);
    FAIL_IF(!order->has_start, ERR_INVALID, "start_from: must be a number or a date");
    return ERR_OK;
}

enum err order_open(struct order *order, const struct duet_order *by)
{
    memset(order, 0, sizeof *order);
    order->descending = by->descending;
    if (by->start_from != NULL) {
        TRY(read_start(order, by->start_from));
    }
    return payload_field_open(&order->field, by->key);
}

enum err order_bind(struct order *order, struct txn *txn, uint32_t collection)
{
    TRY(payload_indexes_load(&order->indexes, txn, collection));
    const struct payload_index *index =
        payload_indexes_find(&order->indexes, &order->field.path);
    order->which = order_values_of(index);
    order->index = order->which != ORDER_ALL && index->ready ? index : NULL;
    return ERR_OK;
}

void order_close(struct order *order)
{
    payload_indexes_release(&order->indexes);
    payload_field_close(&order->field);
}

/* Negative where `a` stands before `b`. */
static int compare_values(const struct order *order, struct json_number a,
                          struct json_number b)
{
    int by_value = json_number_compare(a, b);
    return order->descending ? -by_value : by_value;
}

bool order_takes(const struct order *order, struct json_number value)
{
    return !order->has_start || compare_values(order, value, order->start) >= 0;
}

static int compare(const struct order *order, const struct order_entry *a,
                   const struct order_entry *b)
{
    int by_value = compare_values(order, a->value, b->value);
    return by_value != 0 ? by_value : duet_id_compare(a->id, b->id);
}

/* ---- The first k ---- */

enum err order_list_init(struct order_list *list, size_t k)
{
    *list =
        (struct order_list){.k = k, .entries = alloc_array(k, sizeof *list->entries)};
    return list->entries == NULL ? ERR_NOMEM : ERR_OK;
}

void order_list_release(struct order_list *list)
{
    alloc_free(list->entries);
    alloc_free(list->values);
    *list = (struct order_list){0};
}

static void sift_up(const struct order *order, struct order_entry *heap, size_t i)
{
    struct order_entry entry = heap[i];
    while (i > 0 && compare(order, &heap[(i - 1) / 2], &entry) < 0) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = entry;
}

static void sift_down(const struct order *order, struct order_entry *heap, size_t n)
{
    struct order_entry entry = heap[0];
    size_t i = 0;
    for (size_t last = 1; last < n; last = 2 * i + 1) {
        if (last + 1 < n && compare(order, &heap[last], &heap[last + 1]) < 0) {
            last++;
        }
        if (compare(order, &entry, &heap[last]) >= 0) {
            break;
        }
        heap[i] = heap[last];
        i = last;
    }
    heap[i] = entry;
}

void order_add(const struct order *order, struct order_list *list,
               struct order_entry entry)
{
    if (list->n < list->k) {
        list->entries[list->n++] = entry;
        sift_up(order, list->entries, list->n - 1);
    } else if (list->k > 0 && compare(order, &entry, &list->entries[0]) < 0) {
        list->entries[0] = entry;
        sift_down(order, list->entries, list->n);
    }
}

bool order_list_ends(const struct order *order, const struct order_list *list,
                     struct json_number value)
{
    return list->n == list->k &&
           (list->k == 0 || compare_values(order, value, list->entries[0].value) > 0);
}

/* Takes the last from the root to the end, again and again. */
void order_list_sort(const struct order *order, struct order_list *list)
{
    for (size_t n = list->n; n > 1; n--) {
        struct order_entry last = list->entries[0];
        list->entries[0] = list->entries[n - 1];
        sift_down(order, list->entries, n - 1);
        list->entries[n - 1] = last;
    }
}

/* ---- Looking at all that matches ---- */

struct adding {
    const struct order *order;
    struct order_list *list; /* whose `values` are the point's */
    bool failed;             /* memory is short */
};

/* A visit. */
static bool add_value(void *arg, struct json_object *value)
{
    struct adding *a = arg;
    struct order_list *list = a->list;
    struct json_number number;
    if (!order_number(a->order->which, value, &number) ||
        !order_takes(a->order, number)) {
        return false;
    }
    struct json_number *values =
        alloc_grow(list->values, &list->capacity, list->n_values + 1, sizeof *values);
    if (values == NULL) {
        a->failed = true;
        return true;
    }
    list->values = values;
    list->values[list->n_values++] = number;
    return false;
}

static int compare_numbers(const void *a, const void *b)
{
    return json_number_compare(*(const struct json_number *)a,
                               *(const struct json_number *)b);
}

/* Of the point's values equal ones count once. */
enum err order_add_point(const struct order *order, struct order_list *list,
                         struct duet_id id, struct bytes payload)
{
    struct adding adding = {.order = order, .list = list};
    list->n_values = 0;
    TRY(payload_field_walk(&order->field, payload, add_value, &adding));
    if (adding.failed) {
        return ERR_NOMEM;
    }
    if (list->n_values > 1) {
        qsort(list->values, list->n_values, sizeof *list->values, compare_numbers);
    }
    for (size_t i = 0; i < list->n_values; i++) {
        if (i == 0 || compare_numbers(&list->values[i], &list->values[i - 1]) != 0) {
            order_add(order, list, (struct order_entry){list->values[i], id});
        }
    }
    return ERR_OK;
}

static enum err find_by_scan(const struct order *order, struct txn *txn,
                             const struct record_collection *collection,
                             const struct filter *filter, struct order_list *list)
{
    struct matches m;
    TRY(matches_open(&m, txn, collection, filter, NULL));
    enum err result;
    do {
        TRY_OUT(matches_next(&m));
        if (m.found) {
            TRY_OUT(order_add_point(order, list, m.id, m.record.payload));
        }
    } while (m.found);
out:
    matches_close(&m);
    return result;
}

enum err order_find(const struct order *order, struct txn *txn,
                    const struct record_collection *collection,
                    const struct filter *filter, struct order_list *list)
{
    TRY(filter == NULL && order->index != NULL
            ? order_walk(order, txn, collection->number, list)
            : find_by_scan(order, txn, collection, filter, list));
    order_list_sort(order, list);
    return ERR_OK;
}

/* ---- Hits ---- */

static enum err fill_hits(struct txn *txn, const struct record_collection *c,
                          const struct order_list *list,
                          const struct duet_ordered *what, struct duet_hits *out)
{
    struct hit_parts parts = {.payload = what->payload, .vectors = what->vectors};
    for (size_t i = what->offset; i < list->n; i++) {
        bool there;
        TRY(hits_append(out, txn, c, list->entries[i].id, parts, &there));
        FAIL_IF(!there, ERR_CORRUPT, "a point that was found is not there");
        out->hits[out->n - 1].order = payload_value_of_number(list->entries[i].value);
    }
    return ERR_OK;
}

enum err duet_scroll_ordered(struct duet *db, const char *collection,
                             const struct duet_ordered *what, struct duet_hits *out)
{
    struct txn txn = {0};
    struct record_collection c;
    struct filter *filter = NULL;
    struct order order = {0};
    struct order_list list = {0};
    *out = (struct duet_hits){0};
    FAIL_IF(what->limit > LIMIT_K_MAX || what->offset > LIMIT_K_MAX - what->limit,
            ERR_LIMIT, "limit and offset together are more than %d", LIMIT_K_MAX);
    TRY(order_open(&order, &what->by));
    enum err result;
    if (what->filter != NULL) {
        TRY_OUT(filter_parse(&filter, what->filter));
    }
    TRY_OUT(order_list_init(&list, what->limit + what->offset));
    TRY_OUT(store_read(db->store, &txn));
    TRY_OUT(collection_get(&txn, collection, &c));
    TRY_OUT(order_bind(&order, &txn, c.number));
    TRY_OUT(order_find(&order, &txn, &c, filter, &list));
    TRY_OUT(fill_hits(&txn, &c, &list, what, out));
out:
    store_end(&txn);
    order_list_release(&list);
    filter_free(filter);
    order_close(&order);
    if (result != ERR_OK) {
        duet_hits_release(out);
    }
    return result;
}
