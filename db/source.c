/*
 * source.c - the system records of points: db_source_get, db_source_find_hash,
 * db_sources_walk. They are written in edit.c, with their points.
 */
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"

static enum err get_source(struct txn *txn, const char *collection, struct duet_id id,
                           struct buf *path, struct db_source *source)
{
    struct record_collection c;
    struct bytes value;
    TRY(collection_get(txn, collection, &c));
    struct record_key key = record_key_point(c.number, id);
    TRY(store_get(txn, STORE_SYSTEM, store_key(&key), &value));
    if (value.data == NULL) {
        char text[DUET_ID_TEXT_MAX];
        duet_id_format(id, text);
        return err_set(ERR_NOT_FOUND, "no picture was stored for point %s", text);
    }
    return record_source_read(source, path, value);
}

enum err db_source_get(struct duet *db, const char *collection, struct duet_id id,
                       struct buf *path, struct db_source *source)
{
    struct txn txn;
    TRY(store_read(db->store, &txn));
    enum err result = get_source(&txn, collection, id, path, source);
    store_end(&txn);
    return result;
}

/* Appends the ids of all keys the cursor stands on and after. */
static enum err collect_ids(struct cursor *cursor, struct duet_id **ids, size_t *n)
{
    while (cursor->key.data != NULL) {
        struct duet_id *more = alloc_resize(*ids, *n + 1, sizeof **ids);
        if (more == NULL) {
            return ERR_NOMEM;
        }
        *ids = more;
        TRY(record_key_id(cursor->key, cursor->prefix.n, &more[*n]));
        ++*n;
        TRY(cursor_next(cursor));
    }
    return ERR_OK;
}

enum err db_source_find_hash(struct duet *db, const char *collection,
                             const uint8_t hash[DB_HASH_BYTES], struct duet_id **ids,
                             size_t *n)
{
    struct txn txn;
    struct record_collection c;
    struct cursor cursor = {.mdb = NULL};
    *ids = NULL;
    *n = 0;
    TRY(store_read(db->store, &txn));
    enum err result;
    TRY_OUT(collection_get(&txn, collection, &c));
    struct record_key prefix = record_key_hash_prefix(hash, c.number);
    TRY_OUT(cursor_open(&txn, STORE_HASHES, store_key(&prefix), &cursor));
    TRY_OUT(collect_ids(&cursor, ids, n));
out:
    cursor_close(&cursor);
    store_end(&txn);
    if (result != ERR_OK) {
        alloc_free(*ids);
        *ids = NULL;
        *n = 0;
    }
    return result;
}

struct walk {
    const char *prefix;
    db_source_visit *visit;
    void *arg;
};

static enum err walk_rows(struct txn *txn, const struct record_collection *c,
                          const struct walk *walk)
{
    struct record_key prefix = record_key_collection(c->number);
    size_t n_prefix = strlen(walk->prefix);
    struct cursor cursor;
    struct buf path;
    TRY(cursor_open(txn, STORE_SYSTEM, store_key(&prefix), &cursor));
    buf_init(&path, PATH_MAX);
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        struct db_source source;
        struct duet_id id;
        TRY_OUT(record_key_id(cursor.key, prefix.n, &id));
        TRY_OUT(record_source_read(&source, &path, cursor.value));
        if (strncmp(source.path, walk->prefix, n_prefix) == 0) {
            TRY_OUT(walk->visit(walk->arg, id, &source));
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    buf_release(&path);
    cursor_close(&cursor);
    return result;
}

enum err db_sources_walk(struct duet *db, const char *collection, const char *prefix,
                         db_source_visit *visit, void *arg)
{
    struct txn txn;
    struct record_collection c;
    struct walk walk = {prefix, visit, arg};
    TRY(store_read(db->store, &txn));
    enum err result;
    TRY_OUT(collection_get(&txn, collection, &c));
    TRY_OUT(walk_rows(&txn, &c, &walk));
out:
    store_end(&txn);
    return result;
}
