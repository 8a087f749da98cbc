/*
 * query_points.c - see query_points.h.
 */
#include "db/query_points.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
    return duet_id_compare(*(const struct duet_id *)a, *(const struct duet_id *)b);
}

void query_ids_sort(struct query_ids *list)
{
    struct duet_id *ids = list->ids;
    size_t n_kept = 0;
    qsort(ids, list->n, sizeof *ids, compare_ids);
    for (size_t i = 0; i < list->n; i++) {
        if (n_kept == 0 || compare_ids(&ids[i], &ids[n_kept - 1]) != 0) {
            ids[n_kept++] = ids[i];
        }
    }
    list->n = n_kept;
}

bool query_mentions(const struct query_node *node, struct duet_id id)
{
    for (; node != NULL; node = node->parent) {
        for (size_t i = 0; i < node->n_mentioned; i++) {
            if (duet_id_compare(node->mentioned[i], id) == 0) {
                return true;
            }
        }
    }
    return false;
}

size_t query_count_mentioned(const struct query_node *node)
{
    size_t n = 0;
    for (; node != NULL; node = node->parent) {
        n += node->n_mentioned;
    }
    return n;
}

static const struct filter *filter_of(const struct query_node *node)
{
    return node->filter == NULL ? NULL : node->filter->filter;
}

/* What a word is, text indexes say. */
static enum err bind_words(struct query_points *p)
{
    const struct filter *filter = filter_of(p->node);
    memset(&p->indexes, 0, sizeof p->indexes);
    memset(&p->words, 0, sizeof p->words);
    if (filter == NULL) {
        return ERR_OK;
    }
    TRY(payload_indexes_load(&p->indexes, p->txn, p->collection->number));
    enum err result = filter_words_bind(&p->words, filter, &p->indexes);
    if (result != ERR_OK) {
        payload_indexes_release(&p->indexes);
    }
    return result;
}

enum err query_points_open(struct query_points *p, const struct query_node *node,
                           struct txn *txn, const struct record_collection *collection,
                           const struct query_ids *sources)
{
    p->found = false;
    p->node = node;
    p->sources = sources;
    p->at = 0;
    p->txn = txn;
    p->collection = collection;
    return sources != NULL
               ? bind_words(p)
               : matches_open(&p->matches, txn, collection, filter_of(node), NULL);
}

/* The next source, whether it passes or not. Its own prefetch has asked its filter; that
 * of this node may be another. */
static enum err next_source(struct query_points *p)
{
    struct bytes value;
    p->id = p->sources->ids[p->at++];
    struct record_key key = record_key_point(p->collection->number, p->id);
    TRY(store_get(p->txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_CORRUPT, "a point that was found is not there");
    TRY(record_point_read(&p->record, value));
    const struct filter *filter = filter_of(p->node);
    struct filter_point point = {p->id, p->collection, &p->record, &p->words};
    p->found = true;
    return filter == NULL ? ERR_OK : filter_matches(filter, &point, &p->found);
}

static enum err next_match(struct query_points *p)
{
    TRY(matches_next(&p->matches));
    p->found = p->matches.found;
    p->id = p->matches.id;
    p->record = p->matches.record;
    return ERR_OK;
}

enum err query_points_next(struct query_points *p)
{
    for (;;) {
        p->found = false;
        if (p->sources != NULL && p->at == p->sources->n) {
            return ERR_OK;
        }
        TRY(p->sources != NULL ? next_source(p) : next_match(p));
        if (!p->found && p->sources == NULL) {
            return ERR_OK;
        }
        if (p->found && !query_mentions(p->node, p->id)) {
            return ERR_OK;
        }
    }
}

void query_points_close(struct query_points *p)
{
    if (p->sources == NULL) {
        matches_close(&p->matches);
        return;
    }
    filter_words_release(&p->words);
    payload_indexes_release(&p->indexes);
}
