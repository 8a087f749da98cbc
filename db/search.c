/*
 * search.c - duet_search and duet_search_many: from questions to points.
 *
 * A question is a tree (query_tree.h): its texts and pictures become vectors, then it is
 * run within one reading transaction (query_run.h), and what it found is read. Scores are
 * always exact, and what was written a moment ago is found (nearest.h).
 */
#include <string.h>

#include "base/alloc.h"
#include "db/query_hits.h"

static enum err fill_hits(struct query_search *s, const struct query_node *root,
                          const struct query_list *list, struct duet_hits *out)
{
    for (size_t i = root->asked->offset; i < list->n; i++) {
        TRY(query_append_hit(s, root, list, i, out));
    }
    out->truncated = query_is_truncated(&s->tree, root);
    return ERR_OK;
}

static enum err run_root(struct query_search *s, const struct query_node *root,
                         struct duet_hits *out)
{
    struct query_list list;
    s->work = (struct nearest_work){0};
    TRY(query_run(s, root, &list));
    enum err result = fill_hits(s, root, &list, out);
    out->n_compared = s->work.n_compared;
    out->n_candidates = s->work.n_candidates;
    query_list_release(&list);
    return result;
}

static enum err run_all(struct query_search *s, const char *collection,
                        const struct duet_query *queries, size_t n,
                        struct duet_hits *outs)
{
    TRY(query_begin(s, collection, queries, n));
    for (size_t i = 0; i < n; i++) {
        TRY(run_root(s, &s->tree.roots[i], &outs[i]));
    }
    return ERR_OK;
}

static enum err search(const struct query_search *how, const char *collection,
                       const struct duet_query *queries, size_t n,
                       struct duet_hits *outs)
{
    memset(outs, 0, n * sizeof *outs);
    struct query_search *s = alloc_zero(1, sizeof *s); /* too large for a small stack */
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->db = how->db;
    s->options = how->options;
    enum err result = run_all(s, collection, queries, n, outs);
    query_end(s);
    alloc_free(s);
    for (size_t i = 0; i < n && result != ERR_OK; i++) {
        duet_hits_release(&outs[i]);
    }
    return result;
}

enum err duet_search(struct duet *db, const char *collection,
                     const struct duet_query *query, struct duet_hits *out)
{
    return search(&(struct query_search){.db = db}, collection, query, 1, out);
}

enum err duet_search_many(struct duet *db, const char *collection,
                          const struct duet_query *queries, size_t n,
                          struct duet_hits *outs)
{
    const struct query_search how = {.db = db, .options = {.many = true}};
    FAIL_IF(n > LIMIT_BATCH_QUERIES, ERR_LIMIT, "%zu queries are more than %d", n,
            LIMIT_BATCH_QUERIES);
    return search(&how, collection, queries, n, outs);
}
