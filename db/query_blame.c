/*
 * query_blame.c - where in a query a mistake is, as the dialect calls the place: a tree of
 * prefetches with ten texts is not corrected by "the text is empty". See query_tree.h.
 */
#include <stdio.h>
#include <string.h>

#include "db/query_tree.h"

enum { PATH_BYTES = 64 + LIMIT_QUERY_DEPTH * 32 };

/* Writes the node's path, "" for the only root. */
static void write_path(char path[PATH_BYTES], const struct query_tree *tree,
                       const struct query_node *node)
{
    const struct query_node *way[LIMIT_QUERY_DEPTH + 2] = {NULL};
    size_t n = 0, at = 0;
    for (; node != NULL && n < LIMIT_QUERY_DEPTH + 2; node = node->parent) {
        way[n++] = node;
    }
    path[0] = '\0';
    while (n-- > 0) {
        if (way[n]->parent == NULL && !tree->options.many) {
            continue;
        }
        at += (size_t)snprintf(
            path + at, PATH_BYTES - at, "%s%s[%zu]", at > 0 ? "." : "",
            way[n]->parent == NULL ? "searches" : "prefetch", way[n]->i);
    }
}

enum err query_blame(const struct query_tree *tree, const struct query_node *node,
                     enum err code)
{
    char path[PATH_BYTES];
    write_path(path, tree, node);
    return path[0] == '\0' ? code : err_prefix(code, "%s", path);
}

enum err query_blame_member(const struct query_tree *tree,
                            const struct query_node *node, enum err code)
{
    char path[PATH_BYTES], detail[ERR_DETAIL_MAX];
    write_path(path, tree, node);
    if (path[0] == '\0') {
        return code;
    }
    memccpy(detail, err_detail(), '\0', sizeof detail);
    return err_set(code, "%s.%s", path, detail);
}

/* Its number among the examples of the same sign. */
static size_t place_of(const struct query_input *input)
{
    size_t place = 0;
    for (const struct query_input *i = input->of->inputs; i < input; i++) {
        place += (i->weight > 0) == (input->weight > 0);
    }
    return place;
}

enum err query_blame_input(const struct query_tree *tree,
                           const struct query_input *input, enum err code)
{
    const struct query_node *node = input->of;
    char path[PATH_BYTES];
    write_path(path, tree, node);
    const char *dot = path[0] == '\0' ? "" : ".";
    switch (node->asked->kind) {
    case DUET_QUERY_MIX:
        return err_prefix(code, "%s%squery.duet.mix[%zu]", path, dot,
                          (size_t)(input - node->inputs));
    case DUET_QUERY_RECOMMEND:
        return err_prefix(code, "%s%squery.recommend.%s[%zu]", path, dot,
                          input->weight > 0 ? "positive" : "negative", place_of(input));
    default: /* the only input of the only query needs no address */
        return path[0] == '\0' ? code : err_prefix(code, "%s.query", path);
    }
}
