/*
 * recall.c - duet_recall: what the gauge (gauge.h) has read, with names.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/gauge.h"

void duet_recalls_release(struct duet_recalls *recalls)
{
    alloc_free(recalls->items);
    *recalls = (struct duet_recalls){.items = NULL};
}

/* What was read of the collection's spaces; out->items has room for all of it. */
static void add_of_collection(struct duet_recalls *out,
                              const struct gauge_reading *readings, size_t n,
                              const struct record_collection *c)
{
    for (size_t i = 0; i < n; i++) {
        const struct gauge_reading *r = &readings[i];
        for (size_t s = 0; s < c->n_spaces; s++) {
            if (r->key.collection != c->number || r->key.space != c->spaces[s].number) {
                continue;
            }
            struct duet_recall_item *item = &out->items[out->n++];
            double recall = r->n_found / r->n_true;
            *item = (struct duet_recall_item){.cross_modal = r->key.cross_modal,
                                              .n_checks = r->n_checks,
                                              .recall = recall > 0 ? recall : 0};
            snprintf(item->collection, sizeof item->collection, "%s", c->name);
            snprintf(item->space, sizeof item->space, "%s", c->spaces[s].name);
        }
    }
}

static enum err add_all(struct duet_recalls *out, const struct gauge_reading *readings,
                        size_t n, struct txn *txn)
{
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        struct record_collection c;
        TRY_OUT(record_collection_read(&c, cursor.value));
        TRY_OUT(collection_key_name(cursor.key, c.name));
        add_of_collection(out, readings, n, &c);
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

static enum err add_named(struct duet *db, const char *collection,
                          const struct gauge_reading *readings, size_t n,
                          struct duet_recalls *out)
{
    struct txn txn;
    struct record_collection c;
    TRY(store_read(db->store, &txn));
    enum err result;
    if (collection == NULL) {
        result = add_all(out, readings, n, &txn);
    } else {
        result = collection_get(&txn, collection, &c);
        if (result == ERR_OK) {
            add_of_collection(out, readings, n, &c);
        }
    }
    store_end(&txn);
    return result;
}

enum err duet_recall(struct duet *db, const char *collection, struct duet_recalls *out)
{
    *out = (struct duet_recalls){.items = NULL};
    struct gauge_reading *readings = alloc_array(GAUGE_READINGS_MAX, sizeof *readings);
    out->items = alloc_array(GAUGE_READINGS_MAX, sizeof *out->items);
    if (readings == NULL || out->items == NULL) {
        alloc_free(readings);
        duet_recalls_release(out);
        return ERR_NOMEM;
    }
    size_t n = gauge_read(db->gauge, readings, GAUGE_READINGS_MAX);
    enum err result = add_named(db, collection, readings, n, out);
    alloc_free(readings);
    if (result != ERR_OK) {
        duet_recalls_release(out);
    }
    return result;
}
