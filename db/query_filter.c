/*
 * query_filter.c - the filter of a query is that of its prefetches, too. Both are merged
 * as the dialect does it: clause by clause, so that what stands in "should" here and there
 * are alternatives of one another. See query_tree.h.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/query_tree.h"

/* Puts the conditions of a clause, a list or a single one or none, behind `list`. */
static void add_conditions(struct json_object *list, struct json_object *clause)
{
    if (!json_object_is_type(clause, json_type_array)) {
        if (clause != NULL) {
            json_object_array_add(list, json_object_get(clause));
        }
        return;
    }
    for (size_t i = 0; i < json_object_array_length(clause); i++) {
        json_object_array_add(list,
                              json_object_get(json_object_array_get_idx(clause, i)));
    }
}

static struct json_object *merge_conditions(struct json_object *outer,
                                            struct json_object *inner)
{
    struct json_object *list = json_object_new_array();
    add_conditions(list, outer);
    add_conditions(list, inner);
    return list;
}

/* At least the larger count of all the conditions. */
static struct json_object *merge_min_should(struct json_object *outer,
                                            struct json_object *inner)
{
    if (outer == NULL || inner == NULL) {
        return json_object_get(outer != NULL ? outer : inner);
    }
    int64_t a = json_object_get_int64(json_get(outer, "min_count"));
    int64_t b = json_object_get_int64(json_get(inner, "min_count"));
    struct json_object *merged = json_object_new_object();
    json_object_object_add(
        merged, "conditions",
        merge_conditions(json_get(outer, "conditions"), json_get(inner, "conditions")));
    json_object_object_add(merged, "min_count", json_object_new_int64(a > b ? a : b));
    return merged;
}

static struct json_object *merge(struct json_object *outer, struct json_object *inner)
{
    static const char *const lists[] = {"must", "must_not", "should"};
    struct json_object *merged = json_object_new_object();
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct json_object *a = json_get(outer, lists[i]);
        struct json_object *b = json_get(inner, lists[i]);
        if (a != NULL || b != NULL) {
            json_object_object_add(merged, lists[i], merge_conditions(a, b));
        }
    }
    struct json_object *min_should =
        merge_min_should(json_get(outer, "min_should"), json_get(inner, "min_should"));
    if (min_should != NULL) {
        json_object_object_add(merged, "min_should", min_should);
    }
    return merged;
}

/* In place of the filter's own JSON, that merged with `outer`. */
static enum err merge_into(struct query_filter *f, struct json_object *outer)
{
    struct json_object *merged = merge(outer, f->json);
    json_object_put(f->json);
    f->json = merged;
    filter_free(f->filter);
    return filter_parse(&f->filter, json_text(merged));
}

static struct query_filter *find_same(const struct query_tree *tree,
                                      const struct query_filter *outer,
                                      const char *text)
{
    struct query_filter *f = tree->filters;
    while (f != NULL && (f->outer != outer || strcmp(f->text, text) != 0)) {
        f = f->next;
    }
    return f;
}

/* The JSON is only needed where something is merged with it. */
static enum err need_json(struct query_filter *f)
{
    return f->json != NULL ? ERR_OK : json_parse(&f->json, f->text, strlen(f->text));
}

/* `f` has its text and outer filter; this makes the rest. */
static enum err compile(struct query_filter *f)
{
    TRY(filter_parse(&f->filter,
                     f->text)); /* by itself: so mistakes have their place */
    if (f->outer == NULL) {
        return ERR_OK;
    }
    TRY(need_json(f));
    return merge_into(f, f->outer->json);
}

static enum err make_filter(struct query_tree *tree, struct query_filter **made,
                            const struct query_filter *outer, const char *text)
{
    *made = find_same(tree, outer, text);
    if (*made != NULL) {
        return ERR_OK;
    }
    TRY(query_take(tree, 1, sizeof **made, made));
    **made = (struct query_filter){.next = tree->filters, .outer = outer, .text = text};
    tree->filters = *made;
    return compile(*made);
}

enum err query_filter_make(struct query_tree *tree, struct query_node *node)
{
    const char *own = node->asked->filter;
    node->filter = node->parent == NULL ? NULL : node->parent->filter;
    enum err result = ERR_OK;
    if (own != NULL) {
        result = make_filter(tree, &node->filter, node->filter, own);
    }
    if (result == ERR_OK && node->filter != NULL && node->asked->n_prefetch > 0) {
        result = need_json(node->filter);
    }
    return result == ERR_OK ? ERR_OK : query_blame_member(tree, node, result);
}

void query_filter_release(struct query_filter *f)
{
    allowed_release(&f->allowed);
    filter_free(f->filter);
    json_object_put(f->json);
}
