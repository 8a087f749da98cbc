/*
 * query_tree.h - a query and its prefetches, checked, with what their search needs beside.
 *
 *     struct query_tree tree;
 *     TRY_OUT(query_tree_make(&tree, queries, n, &(struct query_tree_options){0}));
 *     for (struct query_node *node = tree.first; node != NULL; node = node->next) { ... }
 *     query_tree_release(&tree);
 *
 * A tree may have several roots: those of one request. Its nodes live in its arena and
 * borrow what the caller's struct duet_query points to.
 *
 * One thread at a time.
 */
#ifndef DB_QUERY_TREE_H
#define DB_QUERY_TREE_H

#include "base/arena.h"
#include "base/json.h"
#include "db/allowed.h"

enum { QUERY_ALL_SPACES = LIMIT_SPACES_MAX };

/* A vector that a query is asked with, as it was given: not yet made fit for a space. */
struct query_input {
    struct query_node *of;
    const struct duet_input *asked;
    float weight;
    const float *vector; /* [dim]; the caller's or the tree's */
    size_t dim;
    size_t origin;  /* the space it comes from; QUERY_ALL_SPACES: unknown */
    bool truncated; /* a text longer than the model reads */
};

/* A filter, shared by all nodes that have none of their own in addition, and by those that
 * say the same: it is asked of all points once. */
struct query_filter {
    struct query_filter *next;
    const struct query_filter *outer; /* what it is merged with; NULL: nothing */
    const char *text;                 /* of the node's own */
    struct json_object *json; /* what filters further down are merged with; or NULL */
    struct filter *filter;
    uint32_t spaces; /* bit i: some node wants to know the slots of space i */
    bool is_found;
    struct allowed allowed; /* once it is_found */
};

struct query_node {
    struct query_node *next; /* of all in the tree: parents before their prefetches */
    const struct duet_query *asked;
    struct query_node *parent;   /* NULL: a root */
    size_t i;                    /* its place among its like */
    struct query_node *prefetch; /* [asked->n_prefetch] */
    struct query_input *inputs;  /* [n_inputs] */
    size_t n_inputs;
    struct query_filter *filter; /* of it and all above it; NULL: none */
    size_t k;                    /* results wanted, those of the offset too */
    size_t in;                   /* the space searched, or QUERY_ALL_SPACES */
    struct duet_id *mentioned; /* [n_mentioned] points it is asked with, left out of its
                                    results and of those of its prefetches */
    size_t n_mentioned;
};

struct query_tree_options {
    bool many;         /* errors name the root: "searches[3]" */
    size_t prefetch_k; /* of every prefetch, whatever it asks for; 0: that */
};

struct query_tree {
    struct arena arena;
    struct query_node *roots; /* [n_roots] */
    size_t n_roots;
    struct query_node *first, *last;
    size_t n_inputs, n_prefetch; /* n_prefetch: of the root being made */
    bool is_encoded;             /* texts or pictures of it have become vectors */
    struct query_filter *filters;
    struct query_tree_options options;
};

/* ERR_INVALID, ERR_LIMIT, with the place of the mistake. Release it in any case. */
enum err query_tree_make(struct query_tree *tree, const struct duet_query *queries,
                         size_t n, const struct query_tree_options *options) ERR_CHECK;

/* Accepts a zeroed one. */
void query_tree_release(struct query_tree *tree);

/* `n` items of the tree's memory. */
enum err query_take(struct query_tree *tree, size_t n, size_t size, void *out)
    ERR_CHECK;

/* query_check.c: whether the node by itself makes sense. */
enum err query_check(const struct query_node *node) ERR_CHECK;

/* query_filter.c: gives the node its filter, merged with that of its parent. */
enum err query_filter_make(struct query_tree *tree, struct query_node *node) ERR_CHECK;
void query_filter_release(struct query_filter *filter);

static inline bool query_is_fusion(const struct query_node *node)
{
    return node->asked->kind == DUET_QUERY_RRF || node->asked->kind == DUET_QUERY_DBSF;
}

/* Whether it is about vectors, and so about a space. */
static inline bool query_is_vector(const struct query_node *node)
{
    return node->asked->kind <= DUET_QUERY_RECOMMEND;
}

/* ---- The place of a mistake, before the present detail (query_blame.c) ---- */

/* "searches[1].prefetch[0]: ". Nothing where the node is the only root. */
enum err query_blame(const struct query_tree *tree, const struct query_node *node,
                     enum err code);

/* The same where the detail begins with a member: "prefetch[0].filter.must: ". */
enum err query_blame_member(const struct query_tree *tree,
                            const struct query_node *node, enum err code);

/* "prefetch[0].query.recommend.positive[2]: ". */
enum err query_blame_input(const struct query_tree *tree,
                           const struct query_input *input, enum err code);

#endif
