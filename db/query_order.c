/*
 * query_order.c - points in the order of a value, as a query. See query_sample.h.
 */
#include "base/alloc.h"
#include "db/order.h"
#include "db/query_sample.h"

/* Of some points only: each is looked at. */
static enum err walk_points(struct query_search *s, const struct query_node *node,
                            const struct query_ids *sources, const struct order *order,
                            struct order_list *found)
{
    struct query_points points;
    TRY(query_points_open(&points, node, &s->txn, &s->collection, sources));
    enum err result;
    for (;;) {
        TRY_OUT(query_points_next(&points));
        if (!points.found) {
            break;
        }
        TRY_OUT(order_add_point(order, found, points.id, points.record.payload));
    }
    order_list_sort(order, found);
out:
    query_points_close(&points);
    return result;
}

static enum err find_first(struct query_search *s, const struct query_node *node,
                           const struct query_ids *sources, const struct order *order,
                           struct order_list *found)
{
    if (sources != NULL || query_count_mentioned(node) > 0) {
        return walk_points(s, node, sources, order, found);
    }
    const struct filter *filter = node->filter == NULL ? NULL : node->filter->filter;
    return order_find(order, &s->txn, &s->collection, filter, found);
}

static enum err take_found(const struct order_list *found, struct query_list *list)
{
    list->hits = alloc_array(found->n, sizeof *list->hits);
    list->values = alloc_array(found->n, sizeof *list->values);
    if (list->hits == NULL || list->values == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < found->n; i++) {
        list->hits[i] = (struct rank_hit){
            .score = 1, .id = found->entries[i].id, .space = RANK_NO_SPACE};
        list->values[i] = found->entries[i].value;
    }
    list->n = found->n;
    return ERR_OK;
}

static enum err run(struct query_search *s, const struct query_node *node,
                    const struct query_ids *sources, const struct order *order,
                    struct query_list *list)
{
    struct order_list found;
    TRY(order_list_init(&found, node->k));
    enum err result = find_first(s, node, sources, order, &found);
    if (result == ERR_OK) {
        result = take_found(&found, list);
    }
    order_list_release(&found);
    return result;
}

enum err query_order(struct query_search *s, const struct query_node *node,
                     const struct query_ids *sources, struct query_list *list)
{
    struct order order;
    enum err result = order_open(&order, &node->asked->order);
    if (result != ERR_OK) {
        return query_blame(&s->tree, node, err_prefix(result, "query.order_by"));
    }
    result = order_bind(&order, &s->txn, s->collection.number);
    if (result == ERR_OK) {
        result = run(s, node, sources, &order, list);
    }
    order_close(&order);
    return result;
}
