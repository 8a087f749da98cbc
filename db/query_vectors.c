/*
 * query_vectors.c - spaces, and the vectors of stored points. See query_vectors.h.
 */
#include "db/query_vectors.h"

#include <string.h>

#include "db/collection.h"
#include "db/vectors.h"

/* ---- Spaces ---- */

static enum err choose_space(struct query_node *node, const struct record_collection *c)
{
    const char *in = node->asked->in;
    if (in != NULL && strcmp(in, "any") == 0) {
        node->in = c->n_spaces == 1 ? 0 : QUERY_ALL_SPACES;
        return ERR_OK;
    }
    if (in != NULL) {
        return collection_space_find(c, in, &node->in);
    }
    FAIL_IF(c->n_spaces > 1 && !collection_is_cross_modal(c), ERR_INVALID,
            "say which of the collection's %zu vector spaces to search", c->n_spaces);
    node->in = DB_IMAGE; /* also the only one there is */
    return ERR_OK;
}

enum err query_choose_spaces(struct query_tree *tree, const struct record_collection *c)
{
    for (struct query_node *node = tree->first; node != NULL; node = node->next) {
        if (!query_is_vector(node)) {
            continue;
        }
        enum err result = choose_space(node, c);
        if (result != ERR_OK) {
            return query_blame(tree, node, result);
        }
        if (node->filter != NULL && node->asked->n_prefetch == 0) {
            node->filter->spaces |=
                node->in == QUERY_ALL_SPACES ? UINT32_MAX : UINT32_C(1) << node->in;
        }
    }
    return ERR_OK;
}

/* ---- Points ---- */

/* Where a point's vector is looked for. */
struct lookup {
    struct txn *txn;
    const struct record_collection *collection;
    size_t space;
    bool any; /* another will do: in a cross-modal collection all can be compared */
};

/* The vector of the space asked for, else the first there is, if that will do. */
static enum err load_point(struct query_tree *tree, const struct lookup *l,
                           struct query_input *input)
{
    const struct record_collection *c = l->collection;
    struct record_key key = record_key_point(c->number, input->asked->id);
    struct bytes value;
    struct record_point point;
    char text[DUET_ID_TEXT_MAX];
    float *vector;
    duet_id_format(input->asked->id, text);
    TRY(store_get(l->txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_NOT_FOUND, "there is no point %s", text);
    TRY(record_point_read(&point, value));
    size_t from = l->space;
    uint32_t slot = record_point_slot(&point, c->spaces[from].number);
    for (size_t i = 0; i < c->n_spaces && l->any && slot == RECORD_NO_SLOT; i++) {
        from = i;
        slot = record_point_slot(&point, c->spaces[from].number);
    }
    FAIL_IF(slot == RECORD_NO_SLOT, ERR_INVALID,
            "point %s has no vector to search with", text);
    TRY(query_take(tree, c->spaces[from].dim, sizeof *vector, &vector));
    input->dim = c->spaces[from].dim;
    input->origin = from;
    input->vector = vector;
    return vector_get(vector_space_of(l->txn, c, from), slot, vector);
}

/* In the searched collection itself the points are left out of the results. */
static enum err load_points(struct query_tree *tree, struct query_node *node,
                            const struct lookup *lookup, bool same_collection)
{
    for (size_t i = 0; i < node->n_inputs; i++) {
        struct query_input *input = &node->inputs[i];
        if (input->asked->kind != DUET_INPUT_POINT) {
            continue;
        }
        enum err result = load_point(tree, lookup, input);
        if (result != ERR_OK) {
            return query_blame_input(tree, input, result);
        }
        if (same_collection) {
            node->mentioned[node->n_mentioned++] = input->asked->id;
        } else {
            input->origin = QUERY_ALL_SPACES;
        }
    }
    return ERR_OK;
}

/* The name of the space in which vectors are looked up: said, else that of the search. */
static enum err choose_lookup_space(struct lookup *lookup,
                                    const struct duet_query *asked)
{
    const char *name = asked->lookup_space != NULL ? asked->lookup_space : asked->in;
    struct query_node like = {.asked = &(struct duet_query){.in = name}};
    TRY(choose_space(&like, lookup->collection));
    lookup->space = like.in == QUERY_ALL_SPACES ? 0 : like.in;
    lookup->any =
        asked->lookup_space == NULL && collection_is_cross_modal(lookup->collection);
    return ERR_OK;
}

static bool names_points(const struct query_node *node)
{
    for (size_t i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i].asked->kind == DUET_INPUT_POINT) {
            return true;
        }
    }
    return false;
}

enum err query_load_points(struct query_tree *tree, struct query_node *node,
                           struct txn *txn, const struct record_collection *c)
{
    const struct duet_query *asked = node->asked;
    struct record_collection *from;
    if (!names_points(node)) {
        return ERR_OK;
    }
    TRY(query_take(tree, 1, sizeof *from, &from));
    *from = *c;
    struct lookup lookup = {.txn = txn, .collection = from};
    enum err result = asked->lookup_from == NULL
                          ? ERR_OK
                          : collection_get(txn, asked->lookup_from, from);
    if (result == ERR_OK) {
        result = choose_lookup_space(&lookup, asked);
    }
    if (result != ERR_OK) {
        return asked->lookup_from == NULL
                   ? query_blame(tree, node, result)
                   : query_blame_member(tree, node, err_prefix(result, "lookup_from"));
    }
    return load_points(tree, node, &lookup, from->number == c->number);
}
