/*
 * matches.c - see matches.h.
 */
#include "db/matches.h"

#include <string.h>

/* What the indexes make of the filter; where they name points, we stand on the first
 * that is at least `from`. */
static enum err plan(struct matches *m, const struct duet_id *from, size_t n_wanted)
{
    TRY(payload_indexes_load(&m->indexes, m->txn, m->collection->number));
    TRY(filter_words_bind(&m->words, m->filter, &m->indexes));
    const struct filter_in in = {.txn = m->txn,
                                 .collection = m->collection,
                                 .indexes = &m->indexes,
                                 .words = &m->words};
    TRY(filter_plan_make(&m->plan, &in, m->filter, n_wanted));
    if (m->plan.indexed && from != NULL) {
        m->at = id_set_below(&m->plan.ids, *from);
    }
    return ERR_OK;
}

static enum err walk_all(struct matches *m, const struct duet_id *from)
{
    m->prefix = record_key_collection(m->collection->number);
    TRY(cursor_open(m->txn, STORE_POINTS, store_key(&m->prefix), &m->cursor));
    if (from == NULL) {
        return ERR_OK;
    }
    struct record_key start = record_key_point(m->collection->number, *from);
    return cursor_seek(&m->cursor, store_key(&start));
}

enum err matches_open_some(struct matches *m, struct txn *txn,
                           const struct record_collection *collection,
                           const struct filter *filter, const struct duet_id *from,
                           size_t n_wanted)
{
    memset(m, 0, sizeof *m);
    m->txn = txn;
    m->collection = collection;
    m->filter = filter;
    enum err result = filter == NULL ? ERR_OK : plan(m, from, n_wanted);
    if (result == ERR_OK && !m->plan.indexed) {
        result = walk_all(m, from);
    }
    if (result != ERR_OK) {
        matches_close(m);
    }
    return result;
}

enum err matches_open(struct matches *m, struct txn *txn,
                      const struct record_collection *collection,
                      const struct filter *filter, const struct duet_id *from)
{
    return matches_open_some(m, txn, collection, filter, from, FILTER_PLAN_ALL);
}

/* The next point, whether it passes or not: value->data NULL at the end. */
static enum err next_named(struct matches *m, struct bytes *value)
{
    *value = (struct bytes){NULL, 0};
    while (value->data == NULL && m->at < id_set_size(&m->plan.ids)) {
        m->id = id_set_get(&m->plan.ids, m->at++);
        struct record_key key = record_key_point(m->collection->number, m->id);
        TRY(store_get(m->txn, STORE_POINTS, store_key(&key), value));
    }
    return ERR_OK;
}

/* The cursor stands on the point that was given last, but for the first time. */
static enum err next_walked(struct matches *m, struct bytes *value)
{
    *value = (struct bytes){NULL, 0};
    if (m->at++ > 0 && m->cursor.key.data != NULL) {
        TRY(cursor_next(&m->cursor));
    }
    if (m->cursor.key.data == NULL) {
        return ERR_OK;
    }
    *value = m->cursor.value;
    return record_key_id(m->cursor.key, m->prefix.n, &m->id);
}

static enum err ask(struct matches *m, bool *passes)
{
    *passes = true;
    if (m->filter == NULL || (m->plan.indexed && m->plan.exact)) {
        return ERR_OK;
    }
    struct filter_point point = {m->id, m->collection, &m->record, &m->words};
    return filter_matches(m->filter, &point, passes);
}

enum err matches_next(struct matches *m)
{
    m->found = false;
    for (;;) {
        struct bytes value;
        TRY(m->plan.indexed ? next_named(m, &value) : next_walked(m, &value));
        if (value.data == NULL) {
            return ERR_OK;
        }
        TRY(record_point_read(&m->record, value));
        TRY(ask(m, &m->found));
        if (m->found) {
            return ERR_OK;
        }
    }
}

enum err matches_count(struct matches *m, size_t *n)
{
    *n = 0;
    if (m->plan.indexed && m->plan.exact && m->plan.present) {
        *n = id_set_size(&m->plan.ids) - m->at;
        m->at += *n;
    }
    for (;;) {
        TRY(matches_next(m));
        if (!m->found) {
            return ERR_OK;
        }
        ++*n;
    }
}

void matches_close(struct matches *m)
{
    cursor_close(&m->cursor);
    filter_plan_release(&m->plan);
    filter_words_release(&m->words);
    payload_indexes_release(&m->indexes);
}
