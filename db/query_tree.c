/*
 * query_tree.c - see query_tree.h.
 */
#include "db/query_tree.h"

#include <string.h>

#include "base/alloc.h"

enum err query_take(struct query_tree *tree, size_t n, size_t size, void *out)
{
    void *items = arena_array(&tree->arena, n, size);
    memcpy(out, &items, sizeof items);
    return items == NULL ? ERR_NOMEM : ERR_OK;
}

/* One of the node's inputs, or its only one. */
static struct query_input make_input(struct query_node *node, size_t i)
{
    const struct duet_query *q = node->asked;
    bool one = q->kind == DUET_QUERY_NEAREST;
    const struct duet_input *asked = one ? &q->input : &q->examples[i].input;
    struct query_input input = {.of = node,
                                .asked = asked,
                                .weight = one ? 1 : q->examples[i].weight,
                                .origin = QUERY_ALL_SPACES};
    if (asked->kind == DUET_INPUT_VECTOR) {
        input.vector = asked->vector;
        input.dim = asked->n;
    }
    return input;
}

static enum err make_inputs(struct query_tree *tree, struct query_node *node)
{
    const struct duet_query *q = node->asked;
    size_t n = q->kind == DUET_QUERY_NEAREST ? 1
               : query_is_vector(node)       ? q->n_examples
                                             : 0;
    FAIL_IF(n > LIMIT_BATCH_INPUTS - tree->n_inputs, ERR_LIMIT,
            "the queries of one request are asked with more than %d vectors, texts, "
            "pictures and points",
            LIMIT_BATCH_INPUTS);
    TRY(query_take(tree, n, sizeof *node->inputs, &node->inputs));
    TRY(query_take(tree, n, sizeof *node->mentioned, &node->mentioned));
    for (size_t i = 0; i < n; i++) {
        node->inputs[i] = make_input(node, i);
    }
    node->n_inputs = n;
    tree->n_inputs += n;
    return ERR_OK;
}

static size_t depth_of(const struct query_node *node)
{
    size_t depth = 0;
    for (; node->parent != NULL; node = node->parent) {
        depth++;
    }
    return depth;
}

static enum err check_size(struct query_tree *tree, const struct query_node *node)
{
    size_t n = node->asked->n_prefetch;
    FAIL_IF(n > LIMIT_QUERY_PREFETCHES - tree->n_prefetch, ERR_LIMIT,
            "the query has more than %d prefetches", LIMIT_QUERY_PREFETCHES);
    FAIL_IF(n > 0 && depth_of(node) == LIMIT_QUERY_DEPTH, ERR_LIMIT,
            "prefetches stand in one another more than %d deep", LIMIT_QUERY_DEPTH);
    tree->n_prefetch += n;
    return ERR_OK;
}

static size_t results_wanted(const struct query_tree *tree,
                             const struct query_node *node)
{
    const struct duet_query *q = node->asked;
    if (node->parent == NULL) {
        return q->k + q->offset;
    }
    return tree->options.prefetch_k != 0 ? tree->options.prefetch_k : q->k;
}

/* The node itself; its prefetches are left to be made. */
static enum err make_node(struct query_tree *tree, struct query_node *node)
{
    TRY(query_check(node));
    TRY(check_size(tree, node));
    TRY(make_inputs(tree, node));
    node->k = results_wanted(tree, node);
    size_t n = node->asked->n_prefetch;
    return query_take(tree, n, sizeof *node->prefetch, &node->prefetch);
}

static void append(struct query_tree *tree, struct query_node *node)
{
    if (tree->last == NULL) {
        tree->first = node;
    } else {
        tree->last->next = node;
    }
    tree->last = node;
}

/* Makes `node` and all below it, by walking the list that it appends to. */
static enum err make_branch(struct query_tree *tree, struct query_node *node)
{
    append(tree, node);
    tree->n_prefetch = 0;
    for (; node != NULL; node = node->next) {
        enum err result = make_node(tree, node);
        if (result != ERR_OK) {
            return query_blame(tree, node, result);
        }
        TRY(query_filter_make(tree, node));
        for (size_t i = 0; i < node->asked->n_prefetch; i++) {
            node->prefetch[i].asked = &node->asked->prefetch[i];
            node->prefetch[i].parent = node;
            node->prefetch[i].i = i;
            append(tree, &node->prefetch[i]);
        }
    }
    return ERR_OK;
}

enum err query_tree_make(struct query_tree *tree, const struct duet_query *queries,
                         size_t n, const struct query_tree_options *options)
{
    *tree = (struct query_tree){.options = *options};
    TRY(query_take(tree, n, sizeof *tree->roots, &tree->roots));
    tree->n_roots = n;
    for (size_t i = 0; i < n; i++) {
        tree->roots[i].asked = &queries[i];
        tree->roots[i].i = i;
        TRY(make_branch(tree, &tree->roots[i]));
    }
    return ERR_OK;
}

void query_tree_release(struct query_tree *tree)
{
    for (struct query_filter *f = tree->filters; f != NULL; f = f->next) {
        query_filter_release(f);
    }
    arena_release(&tree->arena);
    *tree = (struct query_tree){0};
}
