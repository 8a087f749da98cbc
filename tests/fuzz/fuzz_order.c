/*
 * fuzz_order.c - any path, JSON to start from, and payload, a line each: what an order and
 * a facet make of the payload's values. The list of the first k is in order, holds the
 * first of all values, and a facet counts each of its values once for the one point.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/facet.h"
#include "db/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { K = 3 };

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

struct seen {
    const struct order *order;
    struct order_list *list;
    struct facet *facet;
    size_t n;
    struct json_number first;
};

/* A visit. */
static bool take(void *arg, struct json_object *value)
{
    struct seen *seen = arg;
    struct json_number number;
    need(facet_add(seen->facet, 1, value) == ERR_OK);
    if (order_number(ORDER_ALL, value, &number) && order_takes(seen->order, number)) {
        int side = seen->n == 0 ? 0 : json_number_compare(number, seen->first);
        if (seen->n++ == 0 || (seen->order->descending ? side > 0 : side < 0)) {
            seen->first = number;
        }
        need(payload_value_of_number(number).kind != DUET_VALUE_NONE);
        order_add(seen->order, seen->list, (struct order_entry){.value = number});
    }
    return false;
}

static void check_list(const struct seen *seen)
{
    const struct order_list *list = seen->list;
    need(list->n == (seen->n < K ? seen->n : K));
    need(list->n == 0 || json_number_compare(list->entries[0].value, seen->first) == 0);
    for (size_t i = 1; i < list->n; i++) {
        int side =
            json_number_compare(list->entries[i - 1].value, list->entries[i].value);
        need(seen->order->descending ? side >= 0 : side <= 0);
    }
}

static void check_facets(struct facet *facet)
{
    struct duet_facets facets;
    need(facet_take(facet, K, &facets) == ERR_OK);
    for (size_t i = 0; i < facets.n; i++) {
        need(facets.hits[i].n_points == 1);
    }
    duet_facets_release(&facets);
}

static void walk(const struct duet_order *by, struct bytes payload)
{
    struct order order;
    struct order_list list = {0};
    struct facet facet = {0};
    if (order_open(&order, by) != ERR_OK) {
        return;
    }
    struct seen seen = {.order = &order, .list = &list, .facet = &facet};
    need(order_list_init(&list, K) == ERR_OK && facet_init(&facet) == ERR_OK);
    if (payload_field_walk(&order.field, payload, take, &seen) == ERR_OK) {
        order_list_sort(&order, &list);
        check_list(&seen);
        check_facets(&facet);
    }
    facet_release(&facet);
    order_list_release(&list);
    order_close(&order);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = strndup((const char *)bytes, n);
    char *start = strchr(text, '\n');
    char *payload = start == NULL ? NULL : strchr(start + 1, '\n');
    if (payload != NULL) {
        *start++ = '\0';
        *payload++ = '\0';
        struct duet_order by = {.key = text,
                                .start_from = *start == '\0' ? NULL : start};
        walk(&by, (struct bytes){payload, strlen(payload)});
        by.descending = true;
        walk(&by, (struct bytes){payload, strlen(payload)});
    }
    free(text);
    return 0;
}
