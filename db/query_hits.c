/*
 * query_hits.c - see query_hits.h.
 */
#include "db/query_hits.h"

#include "base/alloc.h"
#include "db/payload_field.h"

enum err query_append_hit(struct query_search *s, const struct query_node *root,
                          const struct query_list *list, size_t i,
                          struct duet_hits *out)
{
    const struct rank_hit *found = &list->hits[i];
    struct hit_parts parts = {.payload = root->asked->payload,
                              .vectors = root->asked->vectors};
    bool there;
    TRY(hits_append(out, &s->txn, &s->collection, found->id, parts, &there));
    FAIL_IF(!there, ERR_CORRUPT, "a vector belongs to a point that is not there");
    struct duet_hit *hit = &out->hits[out->n - 1];
    if (list->values != NULL) {
        hit->order = payload_value_of_number(list->values[i]);
    }
    hit->score = list->is_distance ? -found->score : found->score;
    if (found->space == RANK_NO_SPACE) {
        return ERR_OK;
    }
    hit->space = alloc_dup(s->collection.spaces[found->space].name);
    return hit->space == NULL ? ERR_NOMEM : ERR_OK;
}

static bool is_below(const struct query_node *node, const struct query_node *root)
{
    while (node->parent != NULL) {
        node = node->parent;
    }
    return node == root;
}

bool query_is_truncated(const struct query_tree *tree, const struct query_node *root)
{
    for (const struct query_node *node = tree->first; node != NULL; node = node->next) {
        for (size_t i = 0; i < node->n_inputs; i++) {
            if (node->inputs[i].truncated && is_below(node, root)) {
                return true;
            }
        }
    }
    return false;
}
