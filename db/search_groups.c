/*
 * search_groups.c - duet_search_groups: the ranked list of all that a query finds, by
 * groups.
 *
 * How far down the list must be read for all groups to be full is not known before. So it
 * is asked for a few times what the groups hold, and for more while they are not full and
 * the list has not ended: what comes out is as if the whole list had been read.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/query_group.h"
#include "db/query_hits.h"

enum { FIRST_SHARE = 4, GROWTH = 4 };

struct grouped_search {
    struct query_search search;
    const struct duet_grouping *grouping;
    struct grouper grouper;
    struct query_list list;
};

static enum err add_point(struct grouped_search *s, size_t i)
{
    struct record_key key =
        record_key_point(s->search.collection.number, s->list.hits[i].id);
    struct bytes value;
    struct record_point point;
    TRY(store_get(&s->search.txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_CORRUPT, "a point that was found is not there");
    TRY(record_point_read(&point, value));
    return grouper_add(&s->grouper, i, point.payload);
}

/* The list of `k` results into groups. */
static enum err group_list(struct grouped_search *s, size_t k)
{
    struct query_node *root = &s->search.tree.roots[0];
    query_list_release(&s->list);
    grouper_clear(&s->grouper);
    root->k = k;
    TRY(query_run(&s->search, root, &s->list));
    for (size_t i = 0; i < s->list.n && !grouper_is_full(&s->grouper); i++) {
        TRY(add_point(s, i));
    }
    return ERR_OK;
}

/* A sample is drawn once. */
static enum err group_all(struct grouped_search *s)
{
    const struct duet_query *q = s->search.tree.roots[0].asked;
    size_t n_points = (size_t)s->search.collection.n_points;
    size_t k = q->k * s->grouping->size * FIRST_SHARE;
    for (;; k *= GROWTH) {
        bool is_all = k >= n_points || q->kind == DUET_QUERY_SAMPLE;
        TRY(group_list(s, is_all ? n_points : k));
        if (is_all || grouper_is_full(&s->grouper) || s->list.n < k) {
            return ERR_OK;
        }
    }
}

/* ---- The answer ---- */

static enum err fill_group(struct grouped_search *s, struct grouper_group *from,
                           const struct record_collection *lookup,
                           struct duet_group *to)
{
    const struct duet_grouping *g = s->grouping;
    bool there;
    for (size_t i = 0; i < from->n; i++) {
        TRY(query_append_hit(&s->search, &s->search.tree.roots[0], &s->list,
                             from->members[i], &to->hits));
    }
    if (lookup != NULL && from->has_id) {
        struct hit_parts parts = {.payload = g->lookup_payload,
                                  .vectors = g->lookup_vectors};
        TRY(hits_append(&to->lookup, &s->search.txn, lookup, from->id, parts, &there));
    }
    to->value = from->value;
    from->value = NULL;
    return ERR_OK;
}

static enum err fill_groups(struct grouped_search *s,
                            const struct record_collection *lookup,
                            struct duet_groups *out)
{
    struct grouper *g = &s->grouper;
    out->items = alloc_zero(g->n, sizeof *out->items);
    if (out->items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < g->n; i++) {
        out->n++;
        TRY(fill_group(s, &g->items[i], lookup, &out->items[i]));
    }
    out->truncated = query_is_truncated(&s->search.tree, &s->search.tree.roots[0]);
    return ERR_OK;
}

static enum err find_lookup(struct grouped_search *s, struct record_collection **found)
{
    const char *name = s->grouping->lookup;
    *found = NULL;
    if (name == NULL) {
        return ERR_OK;
    }
    TRY(query_take(&s->search.tree, 1, sizeof **found, found));
    enum err result = collection_get(&s->search.txn, name, *found);
    return result == ERR_OK ? ERR_OK : err_prefix(result, "with_lookup");
}

static enum err run(struct grouped_search *s, const char *collection,
                    const struct duet_query *query, struct duet_groups *out)
{
    struct record_collection *lookup;
    FAIL_IF(query->offset != 0, ERR_INVALID,
            "groups are not skipped: offset must be 0");
    TRY(grouper_open(&s->grouper, s->grouping, query->k));
    TRY(query_begin(&s->search, collection, query, 1));
    TRY(find_lookup(s, &lookup));
    TRY(group_all(s));
    return fill_groups(s, lookup, out);
}

enum err duet_search_groups(struct duet *db, const char *collection,
                            const struct duet_query *query,
                            const struct duet_grouping *grouping,
                            struct duet_groups *out)
{
    *out = (struct duet_groups){0};
    struct grouped_search *s = alloc_zero(1, sizeof *s);
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->search.db = db;
    s->search.options.prefetch_k = LIMIT_K_MAX;
    s->grouping = grouping;
    enum err result = run(s, collection, query, out);
    query_list_release(&s->list);
    grouper_release(&s->grouper);
    query_end(&s->search);
    alloc_free(s);
    if (result != ERR_OK) {
        duet_groups_release(out);
    }
    return result;
}

void duet_groups_release(struct duet_groups *groups)
{
    for (size_t i = 0; i < groups->n; i++) {
        alloc_free(groups->items[i].value);
        duet_hits_release(&groups->items[i].hits);
        duet_hits_release(&groups->items[i].lookup);
    }
    alloc_free(groups->items);
    *groups = (struct duet_groups){0};
}
