/*
 * payload_rows.c - see payload_rows.h.
 */
#include "db/payload_rows.h"

#include <string.h>

enum err payload_rows_open(struct payload_rows *rows, struct txn *txn,
                           uint32_t collection)
{
    memset(rows, 0, sizeof *rows);
    rows->txn = txn;
    rows->collection = collection;
    terms_init(&rows->before);
    terms_init(&rows->after);
    return payload_indexes_load(&rows->indexes, txn, collection);
}

void payload_rows_release(struct payload_rows *rows)
{
    payload_indexes_release(&rows->indexes);
    terms_release(&rows->before);
    terms_release(&rows->after);
}

/* What the indexes look at of a payload; NULL where there is none. One that was stored
 * and is no JSON has no values. */
static enum err parse(const struct payload_rows *rows, struct bytes payload,
                      struct json_object **out)
{
    *out = NULL;
    if (payload.data == NULL) {
        return ERR_OK;
    }
    enum err result = payload_pick(out, payload, &rows->indexes.picks);
    return result == ERR_INVALID ? ERR_OK : result;
}

static enum err put_row(struct payload_rows *rows, uint16_t number, struct bytes value,
                        struct duet_id id)
{
    struct index_row row = index_row_of(rows->collection, number, value, &id);
    return store_put(rows->txn, STORE_TERMS, (struct bytes){row.data, row.n},
                     (struct bytes){"", 0});
}

static enum err delete_row(struct payload_rows *rows, uint16_t number,
                           struct bytes value, struct duet_id id)
{
    struct index_row row = index_row_of(rows->collection, number, value, &id);
    return store_delete(rows->txn, STORE_TERMS, (struct bytes){row.data, row.n});
}

/* Which of two sorted lists is to go on: less than 0 the one that was, more than 0 the
 * one that will be, 0 both. */
static int compare_next(const struct payload_rows *rows, size_t b, size_t a)
{
    if (b == rows->before.n || a == rows->after.n) {
        return b == rows->before.n ? 1 : -1;
    }
    struct bytes x = terms_get(&rows->before, b), y = terms_get(&rows->after, a);
    return payload_key_compare(&x, &y);
}

/* Out with the rows that were, in with those that will be, but for those of both. */
static enum err change_rows(struct payload_rows *rows, uint16_t number,
                            struct duet_id id)
{
    size_t b = 0, a = 0;
    while (b < rows->before.n || a < rows->after.n) {
        int order = compare_next(rows, b, a);
        if (order < 0) {
            TRY(delete_row(rows, number, terms_get(&rows->before, b), id));
        } else if (order > 0) {
            TRY(put_row(rows, number, terms_get(&rows->after, a), id));
        }
        b += order <= 0 ? 1 : 0;
        a += order >= 0 ? 1 : 0;
    }
    return ERR_OK;
}

static enum err change_index(struct payload_rows *rows, size_t i, struct duet_id id,
                             struct json_object *before, struct json_object *after)
{
    struct payload_index *index = &rows->indexes.items[i];
    TRY(terms_find(&rows->before, index, before));
    TRY(terms_find(&rows->after, index, after));
    TRY(change_rows(rows, index->number, id));
    if (rows->before.counts != rows->after.counts) {
        index->n_points += rows->after.counts ? 1 : 0;
        index->n_points -= rows->before.counts && index->n_points > 0 ? 1 : 0;
        rows->changed[i] = true;
    }
    return ERR_OK;
}

static bool same_bytes(struct bytes a, struct bytes b)
{
    return a.data != NULL && b.data != NULL && a.n == b.n &&
           memcmp(a.data, b.data, a.n) == 0;
}

enum err payload_rows_change(struct payload_rows *rows, struct duet_id id,
                             struct bytes before, struct bytes after)
{
    struct json_object *was, *will_be;
    if (rows->indexes.n == 0 || same_bytes(before, after)) {
        return ERR_OK;
    }
    TRY(parse(rows, before, &was));
    enum err result = parse(rows, after, &will_be);
    for (size_t i = 0; result == ERR_OK && i < rows->indexes.n; i++) {
        if (payload_index_covers(&rows->indexes.items[i], id)) {
            result = change_index(rows, i, id, was, will_be);
        }
    }
    json_object_put(was);
    json_object_put(will_be);
    return result;
}

enum err payload_rows_finish(struct payload_rows *rows)
{
    for (size_t i = 0; i < rows->indexes.n; i++) {
        if (rows->changed[i]) {
            TRY(payload_index_put(rows->txn, rows->collection,
                                  &rows->indexes.items[i]));
        }
    }
    return ERR_OK;
}
