/*
 * query_run.c - see query_run.h.
 */
#include "db/query_run.h"

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/query_sample.h"
#include "db/query_score.h"
#include "db/query_vectors.h"

enum {
    FUSION_DEPTH_MIN = 100 /* of each space's list where all spaces are searched */
};

void query_list_release(struct query_list *list)
{
    alloc_free(list->hits);
    alloc_free(list->values);
    *list = (struct query_list){0};
}

/* Takes over what `rank` holds. */
static void take_rank(struct query_list *list, struct rank *rank)
{
    rank_sort(rank);
    list->hits = rank->hits;
    list->n = rank->n;
    *rank = (struct rank){0};
}

/* ---- What becomes of a list at its end ---- */

/* Of comparisons only what is better than the threshold passes, of a fusion also what is
 * equal to it: so the dialect has it. */
static bool passes_threshold(const struct query_node *node,
                             const struct query_list *list, float score)
{
    const struct duet_query *q = node->asked;
    if (!q->has_threshold || q->kind == DUET_QUERY_SAMPLE) {
        return true;
    }
    bool is_fused = query_is_fusion(node) || node->in == QUERY_ALL_SPACES;
    float bar = list->is_distance ? -q->score_threshold : q->score_threshold;
    return is_fused ? score >= bar : score > bar;
}

/* Leaves out the points that the query is asked with, and all past the threshold and k. */
static void finish_list(const struct query_node *node, struct query_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n && n < node->k; i++) {
        struct rank_hit hit = list->hits[i];
        if (!passes_threshold(node, list, hit.score)) {
            break;
        }
        if (query_mentions(node, hit.id)) {
            continue;
        }
        if (list->values != NULL) {
            list->values[n] = list->values[i];
        }
        list->hits[n++] = hit;
    }
    list->n = n;
}

/* ---- Vectors ---- */

static enum err run_space(struct query_search *s, const struct query_node *node,
                          size_t space, const struct query_ids *sources,
                          struct query_list *list)
{
    struct rank rank;
    size_t k = node->k + query_count_mentioned(node);
    if (node->in == QUERY_ALL_SPACES && k < FUSION_DEPTH_MIN) {
        k = FUSION_DEPTH_MIN;
    }
    TRY(rank_init(&rank, k));
    enum err result = query_rank_space(s, node, space, sources, &rank);
    if (result == ERR_OK) {
        take_rank(list, &rank);
    }
    rank_release(&rank);
    return result;
}

static enum err run_one_space(struct query_search *s, const struct query_node *node,
                              const struct query_ids *sources, struct query_list *list)
{
    enum duet_distance distance = s->collection.spaces[node->in].distance;
    TRY(run_space(s, node, node->in, sources, list));
    list->is_distance =
        query_is_nearest(node) && duet_distance_is_smaller_nearer(distance);
    return ERR_OK;
}

static enum err fuse(const struct duet_query *query, const struct query_list *lists,
                     size_t n, size_t k, struct query_list *list)
{
    struct rank rank;
    TRY(rank_init(&rank, k));
    enum err result = query_fuse(query, lists, n, &rank);
    if (result == ERR_OK) {
        take_rank(list, &rank);
    }
    rank_release(&rank);
    return result;
}

static enum err run_all_spaces(struct query_search *s, const struct query_node *node,
                               const struct query_ids *sources, struct query_list *list)
{
    const struct duet_query by_rank = {.kind = DUET_QUERY_RRF};
    struct query_list lists[LIMIT_SPACES_MAX] = {{0}};
    size_t n = s->collection.n_spaces;
    enum err result = ERR_OK;
    for (size_t i = 0; i < n && result == ERR_OK; i++) {
        result = run_space(s, node, i, sources, &lists[i]);
    }
    if (result == ERR_OK) {
        size_t k = node->k + query_count_mentioned(node);
        result = fuse(&by_rank, lists, n, k, list);
    }
    for (size_t i = 0; i < n; i++) {
        query_list_release(&lists[i]);
    }
    return result;
}

/* What a node finds of all points, or of `sources`. */
static enum err run_among(struct query_search *s, const struct query_node *node,
                          const struct query_ids *sources, struct query_list *list)
{
    switch (node->asked->kind) {
    case DUET_QUERY_SAMPLE:
        return query_sample(s, node, sources, list);
    case DUET_QUERY_ALL:
        return query_take_first(s, node, sources, list);
    case DUET_QUERY_ORDER:
        return query_order(s, node, sources, list);
    default:
        return node->in == QUERY_ALL_SPACES ? run_all_spaces(s, node, sources, list)
                                            : run_one_space(s, node, sources, list);
    }
}

/* ---- Prefetches ---- */

/* The points of all lists, each once. */
static enum err gather_ids(const struct query_list *lists, size_t n_lists,
                           struct query_ids *out)
{
    size_t n = 0;
    struct duet_id *ids = alloc_array(query_count_hits(lists, n_lists), sizeof *ids);
    if (ids == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n_lists; i++) {
        for (size_t j = 0; j < lists[i].n; j++) {
            ids[n++] = lists[i].hits[j].id;
        }
    }
    *out = (struct query_ids){ids, n};
    query_ids_sort(out);
    return ERR_OK;
}

static enum err run_over(struct query_search *s, const struct query_node *node,
                         const struct query_list *lists, struct query_list *list)
{
    struct query_ids sources;
    size_t n = node->asked->n_prefetch;
    if (query_is_fusion(node)) {
        return fuse(node->asked, lists, n, node->k, list);
    }
    TRY(gather_ids(lists, n, &sources));
    enum err result = run_among(s, node, &sources, list);
    alloc_free(sources.ids);
    return result;
}

static enum err run_prefetches(struct query_search *s, const struct query_node *node,
                               struct query_list *list)
{
    size_t n = node->asked->n_prefetch;
    struct query_list *lists = alloc_zero(n, sizeof *lists);
    if (lists == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < n && result == ERR_OK; i++) {
        result = query_run(s, &node->prefetch[i], &lists[i]);
    }
    if (result == ERR_OK) {
        result = run_over(s, node, lists, list);
    }
    for (size_t i = 0; i < n; i++) {
        query_list_release(&lists[i]);
    }
    alloc_free(lists);
    return result;
}

/* Recursive; the tree is LIMIT_QUERY_DEPTH deep at most. */
enum err query_run(struct query_search *s, const struct query_node *node,
                   struct query_list *list)
{
    *list = (struct query_list){0};
    enum err result = node->asked->n_prefetch > 0 ? run_prefetches(s, node, list)
                                                  : run_among(s, node, NULL, list);
    if (result != ERR_OK) {
        query_list_release(list);
        return result;
    }
    finish_list(node, list);
    return ERR_OK;
}

/* ---- From beginning to end ---- */

static enum err read_collection(struct query_search *s, const char *name)
{
    TRY(collection_get(&s->txn, name, &s->collection));
    return query_choose_spaces(&s->tree, &s->collection);
}

/* What is searched, in the transaction of the search. The collection is read again: while
 * the question was encoded, it may have been dropped and made anew, or have got another
 * model. */
static enum err begin_search(struct query_search *s, const char *collection)
{
    TRY(store_read(s->db->store, &s->txn));
    TRY(read_collection(s, collection));
    TRY(query_check_model(s->db, &s->collection, &s->tree));
    struct query_node *node = s->tree.first;
    for (; node != NULL; node = node->next) {
        TRY(query_load_points(&s->tree, node, &s->txn, &s->collection));
    }
    return ERR_OK;
}

enum err query_begin(struct query_search *s, const char *collection,
                     const struct duet_query *queries, size_t n)
{
    TRY(query_tree_make(&s->tree, queries, n, &s->options));
    TRY(store_read(s->db->store, &s->txn));
    enum err result = read_collection(s, collection);
    store_end(&s->txn);
    TRY(result);
    TRY(query_encode(s->db, &s->collection, &s->tree));
    return begin_search(s, collection);
}

void query_end(struct query_search *s)
{
    store_end(&s->txn);
    query_tree_release(&s->tree);
}
