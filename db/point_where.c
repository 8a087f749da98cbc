/*
 * point_where.c - points by filter: duet_scroll_where, duet_count_where,
 * duet_remove_where.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/database.h"
#include "db/edit.h"
#include "db/hits.h"
#include "db/matches.h"
#include "db/media.h"
#include "db/pending.h"

/* `text` NULL: *filter is NULL as well. */
static enum err parse_filter(struct filter **filter, const char *text)
{
    *filter = NULL;
    return text == NULL ? ERR_OK : filter_parse(filter, text);
}

/* ---- Reading ---- */

static enum err scroll(struct txn *txn, const struct record_collection *c,
                       struct matches *m, size_t limit, struct duet_hits *out)
{
    struct hit_parts parts = {.payload = true};
    while (out->n < limit) {
        bool there;
        TRY(matches_next(m));
        if (!m->found) {
            break;
        }
        TRY(hits_append(out, txn, c, m->id, parts, &there));
    }
    return ERR_OK;
}

enum err duet_scroll_where(struct duet *db, const char *collection, const char *filter,
                           const struct duet_id *from, size_t limit,
                           struct duet_hits *out)
{
    struct txn txn = {0};
    struct record_collection c;
    struct matches m = {0};
    struct filter *compiled;
    *out = (struct duet_hits){0};
    FAIL_IF(limit > LIMIT_K_MAX, ERR_LIMIT, "a page of %zu points is more than %d",
            limit, LIMIT_K_MAX);
    TRY(parse_filter(&compiled, filter));
    enum err result;
    TRY_OUT(store_read(db->store, &txn));
    TRY_OUT(collection_get(&txn, collection, &c));
    TRY_OUT(matches_open_some(&m, &txn, &c, compiled, from, limit));
    TRY_OUT(scroll(&txn, &c, &m, limit, out));
out:
    matches_close(&m);
    store_end(&txn);
    filter_free(compiled);
    if (result != ERR_OK) {
        duet_hits_release(out);
    }
    return result;
}

enum err duet_count_where(struct duet *db, const char *collection, const char *filter,
                          size_t *out)
{
    struct txn txn = {0};
    struct record_collection c;
    struct matches m = {0};
    struct filter *compiled;
    *out = 0;
    if (filter == NULL) {
        return duet_count(db, collection, out);
    }
    TRY(parse_filter(&compiled, filter));
    enum err result;
    TRY_OUT(store_read(db->store, &txn));
    TRY_OUT(collection_get(&txn, collection, &c));
    TRY_OUT(matches_open(&m, &txn, &c, compiled, NULL));
    TRY_OUT(matches_count(&m, out));
out:
    matches_close(&m);
    store_end(&txn);
    filter_free(compiled);
    return result;
}

/* ---- Removing ----
 *
 * The long part, finding the points, is done in a reading transaction, where it is in
 * nobody's way. The writing one asks the filter again of those found: they may have
 * changed in between. A removal of several transactions is noted (pending.h), so that a
 * crash leaves it to the next writer and not half done.
 */

struct removal {
    const char *collection;
    struct filter *filter;
    struct pending pending; /* number 0: it was not noted, or not yet */
    struct pending noted;   /* the same, once the transaction under way is committed */
    struct duet_id *ids;    /* [n], owned */
    size_t n;
    bool last; /* there are no more behind these */
    size_t n_removed;
    struct buf orphans;
};

/* The next ids that match, from `from` on. */
static enum err find_some(struct duet *db, struct removal *r,
                          const struct duet_id *from)
{
    struct txn txn;
    struct record_collection c;
    struct matches m = {0};
    TRY(store_read(db->store, &txn));
    enum err result;
    r->n = 0;
    TRY_OUT(collection_get(&txn, r->collection, &c));
    TRY_OUT(matches_open_some(&m, &txn, &c, r->filter, from, LIMIT_BATCH_POINTS));
    do {
        TRY_OUT(matches_next(&m));
        if (m.found) {
            r->ids[r->n++] = m.id;
        }
    } while (m.found && r->n < LIMIT_BATCH_POINTS);
    r->last = !m.found;
out:
    matches_close(&m);
    store_end(&txn);
    return result;
}

/* Removes the point if it still matches. */
static enum err remove_one(struct edit *edit, struct removal *r,
                           const struct filter_words *words, struct duet_id id)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct bytes value;
    struct record_point record;
    bool matches, was_there;
    TRY(store_get(edit->txn, STORE_POINTS, store_key(&key), &value));
    if (value.data == NULL) {
        return ERR_OK;
    }
    TRY(record_point_read(&record, value));
    struct filter_point point = {id, &edit->collection, &record, words};
    TRY(filter_matches(r->filter, &point, &matches));
    if (!matches) {
        return ERR_OK;
    }
    TRY(edit_remove(edit, id, &was_there));
    r->n_removed++;
    return ERR_OK;
}

/* Notes that there is more to be removed, or no more. A removal of one transaction
 * leaves no note. */
static enum err note(struct txn *txn, struct removal *r, uint32_t collection)
{
    r->noted = r->pending;
    if (r->last) {
        r->noted.number = 0;
        return r->pending.number == 0 ? ERR_OK : pending_delete(txn, &r->pending);
    }
    r->noted.collection = collection;
    r->noted.from = r->ids[r->n - 1];
    return pending_put(txn, &r->noted);
}

static enum err remove_body(struct txn *txn, void *arg)
{
    struct removal *r = arg;
    struct filter_words words = {.items = NULL};
    struct edit *edit = alloc_zero(1, sizeof *edit);
    if (edit == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    r->n_removed = 0;
    TRY_OUT(edit_open(edit, txn, r->collection));
    TRY_OUT(filter_words_bind(&words, r->filter, &edit->rows.indexes));
    for (size_t i = 0; i < r->n; i++) {
        TRY_OUT(remove_one(edit, r, &words, r->ids[i]));
    }
    TRY_OUT(edit_finish(edit));
    TRY_OUT(note(txn, r, edit->collection.number));
    buf_release(&r->orphans);
    r->orphans = edit->orphans;
    buf_init(&edit->orphans, 0);
out:
    filter_words_release(&words);
    edit_release(edit);
    alloc_free(edit);
    return result;
}

/* The transaction that ends a noted removal where no point is left for one. */
static enum err end_body(struct txn *txn, void *arg)
{
    return note(txn, arg, 0);
}

/* One transaction's worth; the ids are all at least `from`. */
static enum err remove_some(struct duet *db, struct removal *r,
                            const struct duet_id *from)
{
    TRY(find_some(db, r, from));
    if (r->n == 0) {
        r->n_removed = 0;
        return r->pending.number == 0 ? ERR_OK : store_update(db->store, end_body, r);
    }
    TRY(store_update(db->store, remove_body, r));
    r->pending = r->noted;
    media_sweep(db, &r->orphans);
    builder_wake(db->builder);
    return ERR_OK;
}

/* From the last id on, which is gone or does not match any more, so that the walk ends
 * whatever others write meanwhile. */
static enum err remove_all(struct duet *db, struct removal *r,
                           const struct duet_id *start, size_t *n_removed)
{
    struct duet_id from;
    do {
        TRY(remove_some(db, r, start));
        *n_removed += r->n_removed;
        if (r->n > 0) {
            from = r->ids[r->n - 1];
            start = &from;
        }
    } while (!r->last);
    return ERR_OK;
}

static enum err remove_from(struct duet *db, struct removal *r,
                            const struct duet_id *from, size_t *n_removed)
{
    *n_removed = 0;
    TRY(filter_parse(&r->filter, r->pending.filter));
    buf_init(&r->orphans, 0);
    r->ids = alloc_array(LIMIT_BATCH_POINTS, sizeof *r->ids);
    enum err result = r->ids == NULL ? ERR_NOMEM : remove_all(db, r, from, n_removed);
    buf_release(&r->orphans);
    alloc_free(r->ids);
    filter_free(r->filter);
    return result;
}

/* A removal that failed is told as that, and not gone on with behind anybody's back. */
static enum err forget_body(struct txn *txn, void *arg)
{
    const struct removal *r = arg;
    return pending_delete(txn, &r->pending);
}

enum err duet_remove_where(struct duet *db, const char *collection, const char *filter,
                           size_t *n_removed)
{
    struct removal r = {.collection = collection, .pending = {.filter = filter}};
    char detail[ERR_DETAIL_MAX];
    size_t n = 0;
    if (n_removed != NULL) {
        *n_removed = 0;
    }
    TRY(db_check_writable(db));
    FAIL_IF(filter == NULL, ERR_INVALID,
            "say which points to remove: there is no filter");
    enum err result = remove_from(db, &r, NULL, &n);
    if (n_removed != NULL) {
        *n_removed = n;
    }
    if (result != ERR_OK && r.pending.number != 0) {
        memcpy(detail, err_detail(), sizeof detail);
        if (store_update(db->store, forget_body, &r) != ERR_OK) {
            return err_set(result, "%s; the next writer goes on with it", detail);
        }
        return err_set(result, "%s", detail);
    }
    return result;
}

enum err pending_go_on(struct duet *db, const char *collection, const struct pending *p)
{
    struct removal r = {.collection = collection, .pending = *p};
    size_t n;
    return remove_from(db, &r, &p->from, &n);
}
