/*
 * collection.c - see collection.h, and duet_collection_create, _drop and _list.
 *
 * Dropping is two steps: one small transaction takes the name away and writes down that
 * rows remain; bounded transactions then take the rows. A crash between leaves nothing
 * but work for the next opening.
 */
#include "db/collection.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "db/database.h"

enum {
    RECLAIM_ROWS = 2048 /* in one transaction; at 512 floats, 256 MiB of vectors */
};

static struct bytes name_key(const char *name)
{
    return (struct bytes){name, strlen(name)};
}

static enum err check_name(const char *name, const char *what)
{
    size_t n = strlen(name);
    FAIL_IF(n == 0, ERR_INVALID, "the name of a %s is empty", what);
    FAIL_IF(n > LIMIT_NAME_BYTES, ERR_LIMIT,
            "the name of a %s has %zu bytes, more than %d", what, n, LIMIT_NAME_BYTES);
    FAIL_IF(!utf8_valid(name, n), ERR_INVALID, "the name of a %s is not UTF-8", what);
    for (const char *c = name; *c != '\0'; c++) {
        FAIL_IF((unsigned char)*c < 0x20 || *c == '/' || *c == 0x7f, ERR_INVALID,
                "the name of a %s has a slash or a control character", what);
    }
    return ERR_OK;
}

enum err collection_get(struct txn *txn, const char *name, struct record_collection *c)
{
    struct bytes value;
    TRY(check_name(name, "collection"));
    TRY(store_get(txn, STORE_COLLECTIONS, name_key(name), &value));
    FAIL_IF(value.data == NULL, ERR_NOT_FOUND, "there is no collection '%s'", name);
    return record_collection_read(c, value);
}

enum err collection_put(struct txn *txn, const char *name,
                        const struct record_collection *c)
{
    struct buf record;
    buf_init(&record, LIMIT_SPACES_MAX * 512);
    enum err result = record_collection_write(c, &record);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_COLLECTIONS, name_key(name),
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

enum err collection_space_get(struct txn *txn, uint32_t collection, size_t i,
                              struct record_space *space)
{
    struct record_key key = record_key_space(collection, i);
    struct bytes value;
    *space = (struct record_space){0};
    TRY(store_get(txn, STORE_SPACES, store_key(&key), &value));
    return value.data == NULL ? ERR_OK : record_space_read(space, value);
}

enum err collection_space_put(struct txn *txn, uint32_t collection, size_t i,
                              const struct record_space *space)
{
    struct record_key key = record_key_space(collection, i);
    struct buf record;
    buf_init(&record, 64 + RECORD_SEGMENTS_MAX * sizeof(struct record_segment));
    enum err result = record_space_write(space, &record);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_SPACES, store_key(&key),
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

enum err collection_space_find(const struct record_collection *c, const char *name,
                               size_t *i)
{
    char known[128] = "";
    size_t n = 0;
    for (*i = 0; *i < c->n_spaces; ++*i) {
        if (strcmp(c->spaces[*i].name, name) == 0) {
            return ERR_OK;
        }
        int added = snprintf(known + n, sizeof known - n, "%s'%s'", n == 0 ? "" : ", ",
                             c->spaces[*i].name);
        n = n + (size_t)added < sizeof known ? n + (size_t)added : sizeof known - 1;
    }
    return err_set(ERR_NOT_FOUND, "there is no vector space '%.64s', but %s", name,
                   known);
}

/* ---- Creating ---- */

static enum err check_spaces(const struct duet_space *spaces, size_t n)
{
    FAIL_IF(n > LIMIT_SPACES_MAX, ERR_LIMIT, "%zu vector spaces are more than %d", n,
            LIMIT_SPACES_MAX);
    for (size_t i = 0; i < n; i++) {
        /* The dialect's unnamed vector is a space with an empty name. */
        if (spaces[i].name[0] != '\0' || n > 1) {
            TRY(check_name(spaces[i].name, "vector space"));
        }
        FAIL_IF(spaces[i].dim == 0 || spaces[i].dim > LIMIT_DIM_MAX, ERR_LIMIT,
                "a vector size of %zu is not between 1 and %d", spaces[i].dim,
                LIMIT_DIM_MAX);
        FAIL_IF(spaces[i].distance != DUET_COSINE && spaces[i].distance != DUET_DOT,
                ERR_UNSUPPORTED, "that distance is not known");
        for (size_t j = 0; j < i; j++) {
            FAIL_IF(strcmp(spaces[i].name, spaces[j].name) == 0, ERR_INVALID,
                    "two vector spaces are called '%.64s'", spaces[i].name);
        }
    }
    return ERR_OK;
}

static void fill_spaces(struct record_collection *c, const struct duet_space *spaces,
                        size_t n)
{
    c->n_spaces = n;
    for (size_t i = 0; i < n; i++) {
        snprintf(c->spaces[i].name, sizeof c->spaces[i].name, "%s", spaces[i].name);
        c->spaces[i].dim = (uint32_t)spaces[i].dim;
        c->spaces[i].distance = spaces[i].distance;
    }
}

/* The two spaces of a cross-modal collection, bound to the database's model. */
static enum err fill_cross_modal(struct duet *db, struct record_collection *c)
{
    struct enc *enc;
    const char *fingerprint;
    TRY(db_encoder(db, &enc));
    TRY(enc_fingerprint(enc, &fingerprint));
    const struct enc_info *info = enc_info(enc);
    const struct duet_space spaces[] = {
        [DB_IMAGE] = {"image", info->dim, DUET_COSINE},
        [DB_TEXT] = {"text", info->dim, DUET_COSINE},
    };
    TRY(check_spaces(spaces, 2));
    fill_spaces(c, spaces, 2);
    FAIL_IF(strlen(db->model_name) > RECORD_MODEL_BYTES ||
                strlen(info->space) > RECORD_MODEL_BYTES,
            ERR_LIMIT, "the model's name or that of its space has more than %d bytes",
            RECORD_MODEL_BYTES);
    snprintf(c->model, sizeof c->model, "%s", db->model_name);
    snprintf(c->model_space, sizeof c->model_space, "%s", info->space);
    snprintf(c->fingerprint, sizeof c->fingerprint, "%s", fingerprint);
    return ERR_OK;
}

struct create {
    const char *name;
    struct record_collection collection;
};

/* Takes the next collection number from the format record. */
static enum err take_number(struct txn *txn, uint32_t *number)
{
    struct bytes value;
    struct record_format format;
    TRY(store_get(txn, STORE_META, store_format_key(), &value));
    TRY(record_format_read(&format, value));
    *number = format.next_collection++;
    return store_put_format(txn, &format);
}

static enum err count_collections(struct txn *txn, size_t *n)
{
    struct cursor cursor;
    *n = 0;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        ++*n;
        result = cursor_next(&cursor);
    }
    cursor_close(&cursor);
    return result;
}

static enum err create_body(struct txn *txn, void *arg)
{
    struct create *create = arg;
    struct bytes value;
    size_t n;
    TRY(store_get(txn, STORE_COLLECTIONS, name_key(create->name), &value));
    FAIL_IF(value.data != NULL, ERR_EXISTS, "there is a collection '%s' already",
            create->name);
    TRY(count_collections(txn, &n));
    FAIL_IF(n >= LIMIT_COLLECTIONS_MAX, ERR_LIMIT, "there are %d collections already",
            LIMIT_COLLECTIONS_MAX);
    TRY(take_number(txn, &create->collection.number));
    return collection_put(txn, create->name, &create->collection);
}

enum err duet_collection_create(struct duet *db, const char *name,
                                const struct duet_space *spaces, size_t n_spaces)
{
    struct create create = {.name = name};
    TRY(db_check_writable(db));
    TRY(check_name(name, "collection"));
    if (n_spaces == 0) {
        TRY(fill_cross_modal(db, &create.collection));
    } else {
        TRY(check_spaces(spaces, n_spaces));
        fill_spaces(&create.collection, spaces, n_spaces);
    }
    return store_update(db->store, create_body, &create);
}

/* ---- Dropping ---- */

static enum err drop_body(struct txn *txn, void *arg)
{
    const char *name = arg;
    struct record_collection c;
    TRY(collection_get(txn, name, &c));
    struct record_key key = record_key_collection(c.number);
    TRY(store_delete(txn, STORE_COLLECTIONS, name_key(name)));
    return store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0});
}

struct reclaim {
    struct record_key collection; /* its number as a prefix; n == 0: none is left */
    bool done;                    /* this collection has no rows any more */
};

/* The hash rows of a source begin with the hash, so they are found from the source. */
static enum err delete_hash_row(struct txn *txn, const struct cursor *source_row)
{
    struct db_source source;
    struct duet_id id;
    struct buf path;
    buf_init(&path, LIMIT_PAYLOAD_BYTES);
    enum err result = record_source_read(&source, &path, source_row->value);
    buf_release(&path);
    TRY(result);
    TRY(record_key_id(source_row->key, 4, &id));
    struct bytes number = {source_row->key.data, 4};
    struct record_key key = record_key_hash(source.hash, 0, id);
    memcpy(key.data + DB_HASH_BYTES, number.data, number.n);
    return store_delete(txn, STORE_HASHES, store_key(&key));
}

/* Deletes rows of one table until `budget` is used up. */
static enum err reclaim_table(struct txn *txn, enum store_table table,
                              struct bytes prefix, size_t *budget)
{
    struct cursor cursor;
    TRY(cursor_open(txn, table, prefix, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && *budget > 0 && cursor.key.data != NULL) {
        if (table == STORE_SYSTEM) {
            result = delete_hash_row(txn, &cursor);
        }
        if (result == ERR_OK) {
            result = cursor_delete(&cursor);
        }
        --*budget;
    }
    cursor_close(&cursor);
    return result;
}

static enum err reclaim_body(struct txn *txn, void *arg)
{
    static const enum store_table tables[] = {STORE_SYSTEM, STORE_POINTS,
                                              STORE_SLOTS,  STORE_VECTORS,
                                              STORE_LIVE,   STORE_SPACES};
    struct reclaim *reclaim = arg;
    struct bytes prefix = store_key(&reclaim->collection);
    size_t budget = RECLAIM_ROWS;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && budget > 0; i++) {
        TRY(reclaim_table(txn, tables[i], prefix, &budget));
    }
    reclaim->done = budget > 0;
    return reclaim->done ? store_delete(txn, STORE_DROPPED, prefix) : ERR_OK;
}

static enum err find_dropped(struct store *store, struct reclaim *reclaim)
{
    struct txn txn;
    struct cursor cursor;
    *reclaim = (struct reclaim){.done = false};
    TRY(store_read(store, &txn));
    enum err result = cursor_open(&txn, STORE_DROPPED, (struct bytes){"", 0}, &cursor);
    if (result == ERR_OK && cursor.key.data != NULL && cursor.key.n == 4) {
        memcpy(reclaim->collection.data, cursor.key.data, 4);
        reclaim->collection.n = 4;
    }
    cursor_close(&cursor);
    store_end(&txn);
    return result;
}

enum err collection_reclaim(struct store *store, size_t *n)
{
    for (*n = 0;; ++*n) {
        struct reclaim reclaim;
        TRY(find_dropped(store, &reclaim));
        if (reclaim.collection.n == 0) {
            return ERR_OK;
        }
        while (!reclaim.done) {
            TRY(store_update(store, reclaim_body, &reclaim));
        }
    }
}

enum err duet_collection_drop(struct duet *db, const char *name)
{
    TRY(db_check_writable(db));
    TRY(store_update(db->store, drop_body, (void *)(size_t)name));
    builder_wake(db->builder); /* it takes the rows back */
    return ERR_OK;
}

/* ---- Listing ---- */

/* One allocation an item: the strings lie behind the spaces. */
static enum err fill_item(struct duet_collection *item, const char *name,
                          const struct record_collection *c)
{
    struct duet_space *spaces = alloc_zero(c->n_spaces, sizeof *spaces);
    *item = (struct duet_collection){
        .name = alloc_dup(name),
        .spaces = spaces,
        .n_spaces = spaces == NULL ? 0 : c->n_spaces,
        .model = alloc_dup(c->model),
        .model_space = alloc_dup(c->model_space),
    };
    bool whole = spaces != NULL && item->name != NULL && item->model != NULL &&
                 item->model_space != NULL;
    for (size_t i = 0; i < item->n_spaces; i++) {
        spaces[i].name = alloc_dup(c->spaces[i].name);
        spaces[i].dim = c->spaces[i].dim;
        spaces[i].distance = c->spaces[i].distance;
        whole = whole && spaces[i].name != NULL;
    }
    return whole ? ERR_OK : ERR_NOMEM;
}

static enum err add_item(struct duet_collections *list, struct bytes key,
                         const struct record_collection *c)
{
    char name[LIMIT_NAME_BYTES + 1];
    FAIL_IF(key.n > LIMIT_NAME_BYTES, ERR_CORRUPT, "a collection's name is too long");
    memcpy(name, key.data, key.n);
    name[key.n] = '\0';
    struct duet_collection *items =
        alloc_resize(list->items, list->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    list->items = items;
    return fill_item(&items[list->n++], name, c);
}

static enum err list_all(struct txn *txn, struct duet_collections *out)
{
    struct cursor cursor;
    struct record_collection c;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        TRY_OUT(record_collection_read(&c, cursor.value));
        TRY_OUT(add_item(out, cursor.key, &c));
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

enum err duet_collections_list(struct duet *db, const char *name,
                               struct duet_collections *out)
{
    struct txn txn;
    struct record_collection c;
    *out = (struct duet_collections){0};
    TRY(store_read(db->store, &txn));
    enum err result;
    if (name == NULL) {
        result = list_all(&txn, out);
    } else {
        result = collection_get(&txn, name, &c);
        if (result == ERR_OK) {
            result = add_item(out, name_key(name), &c);
        }
    }
    store_end(&txn);
    if (result != ERR_OK) {
        duet_collections_release(out);
    }
    return result;
}

void duet_collections_release(struct duet_collections *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct duet_collection *item = &list->items[i];
        for (size_t s = 0; s < item->n_spaces; s++) {
            alloc_free((void *)(size_t)item->spaces[s].name);
        }
        alloc_free((void *)(size_t)item->spaces);
        alloc_free((void *)(size_t)item->name);
        alloc_free((void *)(size_t)item->model);
        alloc_free((void *)(size_t)item->model_space);
    }
    alloc_free(list->items);
    *list = (struct duet_collections){0};
}
