/*
 * matches.c - see matches.h.
 */
#include "db/matches.h"

#include <string.h>

/* Stands on the first named id that is at least `from`. */
static void seek_id(struct matches *m, const struct duet_id *from)
{
    size_t end = m->n_ids;
    while (from != NULL && m->at < end) {
        size_t middle = m->at + (end - m->at) / 2;
        if (duet_id_compare(m->ids[middle], *from) < 0) {
            m->at = middle + 1;
        } else {
            end = middle;
        }
    }
}

enum err matches_open(struct matches *m, struct txn *txn,
                      const struct record_collection *collection,
                      const struct filter *filter, const struct duet_id *from)
{
    memset(m, 0, sizeof *m);
    m->txn = txn;
    m->collection = collection;
    m->filter = filter;
    m->ids = filter == NULL ? NULL : filter_only_ids(filter, &m->n_ids);
    if (m->ids != NULL) {
        seek_id(m, from);
        return ERR_OK;
    }
    m->prefix = record_key_collection(collection->number);
    TRY(cursor_open(txn, STORE_POINTS, store_key(&m->prefix), &m->cursor));
    if (from == NULL) {
        return ERR_OK;
    }
    struct record_key start = record_key_point(collection->number, *from);
    enum err result = cursor_seek(&m->cursor, store_key(&start));
    if (result != ERR_OK) {
        matches_close(m);
    }
    return result;
}

/* The next point, whether it passes or not: value->data NULL at the end. */
static enum err next_named(struct matches *m, struct bytes *value)
{
    *value = (struct bytes){NULL, 0};
    while (value->data == NULL && m->at < m->n_ids) {
        m->id = m->ids[m->at++];
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

enum err matches_next(struct matches *m)
{
    m->found = false;
    for (;;) {
        struct bytes value;
        TRY(m->ids != NULL ? next_named(m, &value) : next_walked(m, &value));
        if (value.data == NULL) {
            return ERR_OK;
        }
        TRY(record_point_read(&m->record, value));
        m->found = true;
        if (m->filter != NULL) {
            struct filter_point point = {m->id, m->collection, &m->record};
            m->found = false;
            TRY(filter_matches(m->filter, &point, &m->found));
        }
        if (m->found) {
            return ERR_OK;
        }
    }
}

void matches_close(struct matches *m)
{
    cursor_close(&m->cursor);
}
