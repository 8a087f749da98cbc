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
#include "db/index_choice.h"
#include "db/metadata.h"

enum {
    RECLAIM_ROWS = 2048 /* in one transaction; at 512 floats, 256 MiB of vectors */
};

enum err collection_check_name(const char *name, const char *what)
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

enum err collection_key_name(struct bytes key, char name[LIMIT_NAME_BYTES + 1])
{
    FAIL_IF(key.n > LIMIT_NAME_BYTES, ERR_CORRUPT, "a collection's name is too long");
    memcpy(name, key.data, key.n);
    name[key.n] = '\0';
    return ERR_OK;
}

enum err collection_is_there(struct txn *txn, const char *name, bool *there)
{
    struct bytes value;
    TRY(store_get(txn, STORE_COLLECTIONS, collection_name_key(name), &value));
    *there = value.data != NULL;
    return ERR_OK;
}

enum err collection_get(struct txn *txn, const char *name, struct record_collection *c)
{
    struct bytes key = collection_name_key(name);
    struct bytes value;
    TRY(collection_check_name(name, "collection"));
    TRY(store_get(txn, STORE_COLLECTIONS, key, &value));
    if (value.data == NULL) {
        struct bytes target;
        TRY(store_get(txn, STORE_ALIASES, key, &target));
        FAIL_IF(target.data == NULL, ERR_NOT_FOUND, "there is no collection '%s'",
                name);
        key = target;
        TRY(store_get(txn, STORE_COLLECTIONS, key, &value));
        FAIL_IF(value.data == NULL, ERR_CORRUPT,
                "the alias '%s' is of a collection that is not there", name);
    }
    TRY(record_collection_read(c, value));
    return collection_key_name(key, c->name);
}

enum err collection_put(struct txn *txn, const struct record_collection *c)
{
    struct buf record;
    buf_init(&record, LIMIT_SPACES_MAX * 512);
    enum err result = record_collection_write(c, &record);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_COLLECTIONS, collection_name_key(c->name),
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

enum err collection_space_get(struct txn *txn, uint32_t collection, size_t space,
                              struct record_space *state)
{
    struct record_key key = record_key_space(collection, space);
    struct bytes value;
    *state = (struct record_space){0};
    TRY(store_get(txn, STORE_SPACES, store_key(&key), &value));
    return value.data == NULL ? ERR_OK : record_space_read(state, value);
}

enum err collection_space_put(struct txn *txn, uint32_t collection, size_t space,
                              const struct record_space *state)
{
    struct record_key key = record_key_space(collection, space);
    struct buf record;
    buf_init(&record, 64 + RECORD_SEGMENTS_MAX * sizeof(struct record_segment));
    enum err result = record_space_write(state, &record);
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
            TRY(collection_check_name(spaces[i].name, "vector space"));
        }
        FAIL_IF(spaces[i].dim == 0 || spaces[i].dim > LIMIT_DIM_MAX, ERR_LIMIT,
                "a vector size of %zu is not between 1 and %d", spaces[i].dim,
                LIMIT_DIM_MAX);
        FAIL_IF(spaces[i].distance > DUET_MANHATTAN || spaces[i].datatype > DUET_UINT8,
                ERR_UNSUPPORTED, "that distance or datatype is not known");
        for (size_t j = 0; j < i; j++) {
            FAIL_IF(strcmp(spaces[i].name, spaces[j].name) == 0, ERR_INVALID,
                    "two vector spaces are called '%.64s'", spaces[i].name);
        }
    }
    return ERR_OK;
}

static void add_spaces(struct record_collection *c, const struct duet_space *spaces,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct record_space_def *def = &c->spaces[c->n_spaces++];
        snprintf(def->name, sizeof def->name, "%s", spaces[i].name);
        def->dim = (uint32_t)spaces[i].dim;
        def->distance = spaces[i].distance;
        def->datatype = spaces[i].datatype;
        def->number = c->next_space++;
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
        [DB_IMAGE] = {"image", info->dim, DUET_COSINE, DUET_FLOAT32},
        [DB_TEXT] = {"text", info->dim, DUET_COSINE, DUET_FLOAT32},
    };
    TRY(check_spaces(spaces, 2));
    add_spaces(c, spaces, 2);
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
    struct record_collection collection;
    const char *metadata; /* JSON; NULL: none */
    size_t n_metadata;
    enum duet_vector_index index;
};

enum err collection_take_number(struct txn *txn, uint32_t *number)
{
    struct bytes value;
    struct record_format format;
    TRY(store_get(txn, STORE_META, store_format_key(), &value));
    TRY(record_format_read(&format, value));
    *number = format.next_collection++;
    return store_put_format(txn, &format);
}

/* A name stands for one collection, be it its own or an alias. */
static enum err check_free(struct txn *txn, const char *name)
{
    struct bytes alias;
    bool there;
    TRY(collection_is_there(txn, name, &there));
    FAIL_IF(there, ERR_EXISTS, "there is a collection '%s' already", name);
    TRY(store_get(txn, STORE_ALIASES, collection_name_key(name), &alias));
    FAIL_IF(alias.data != NULL, ERR_EXISTS, "'%s' is the alias of a collection", name);
    return ERR_OK;
}

static enum err create_body(struct txn *txn, void *arg)
{
    struct create *create = arg;
    struct record_collection *c = &create->collection;
    size_t n;
    TRY(check_free(txn, c->name));
    TRY(store_count_rows(txn, STORE_COLLECTIONS, &n));
    FAIL_IF(n >= LIMIT_COLLECTIONS_MAX, ERR_LIMIT, "there are %d collections already",
            LIMIT_COLLECTIONS_MAX);
    TRY(collection_take_number(txn, &c->number));
    if (create->metadata != NULL) {
        struct record_key key = record_key_collection(c->number);
        TRY(store_put(txn, STORE_METADATA, store_key(&key),
                      (struct bytes){create->metadata, create->n_metadata}));
    }
    TRY(index_choice_put(txn, c, create->index));
    return collection_put(txn, c);
}

enum err duet_collection_create_with(struct duet *db, const char *name,
                                     const struct duet_collection_options *o)
{
    struct create create = {
        .metadata = o->metadata, .n_metadata = o->n_metadata, .index = o->index};
    struct record_collection *c = &create.collection;
    TRY(db_check_writable(db));
    TRY(collection_check_name(name, "collection"));
    TRY(metadata_check(o->metadata, o->n_metadata));
    snprintf(c->name, sizeof c->name, "%s", name);
    if (o->n_spaces == 0) {
        TRY(fill_cross_modal(db, c));
    } else {
        TRY(check_spaces(o->spaces, o->n_spaces));
        add_spaces(c, o->spaces, o->n_spaces);
    }
    return store_update(db->store, create_body, &create);
}

enum err duet_collection_create(struct duet *db, const char *name,
                                const struct duet_space *spaces, size_t n_spaces)
{
    const struct duet_collection_options options = {.spaces = spaces,
                                                    .n_spaces = n_spaces};
    return duet_collection_create_with(db, name, &options);
}

/* ---- Adding and removing spaces ---- */

struct space_change {
    const char *collection;
    const struct duet_space *space; /* to be added; NULL: one is to be removed */
    const char *name;               /* of that one */
};

/* As in the dialect, a space that is there as described is added already. */
static enum err space_add_body(struct txn *txn, void *arg)
{
    const struct space_change *change = arg;
    const struct duet_space *space = change->space;
    struct record_collection c;
    TRY(collection_get(txn, change->collection, &c));
    FAIL_IF(c.spaces[0].name[0] == '\0', ERR_INVALID,
            "the collection has one unnamed vector and takes no named ones beside it");
    for (size_t i = 0; i < c.n_spaces; i++) {
        const struct record_space_def *def = &c.spaces[i];
        if (strcmp(def->name, space->name) == 0) {
            FAIL_IF(def->dim != space->dim || def->distance != space->distance ||
                        def->datatype != space->datatype,
                    ERR_EXISTS, "there is another vector space '%.64s' already",
                    space->name);
            return ERR_OK;
        }
    }
    FAIL_IF(collection_is_cross_modal(&c), ERR_UNSUPPORTED,
            "the spaces of a cross-modal collection are those of its model");
    FAIL_IF(c.n_spaces == LIMIT_SPACES_MAX, ERR_LIMIT,
            "the collection has %d vector spaces already", LIMIT_SPACES_MAX);
    FAIL_IF(c.next_space == LIMIT_SPACES_EVER, ERR_LIMIT,
            "the collection has had %d vector spaces and can have no more",
            LIMIT_SPACES_EVER);
    add_spaces(&c, space, 1);
    return collection_put(txn, &c);
}

enum err duet_space_add(struct duet *db, const char *collection,
                        const struct duet_space *space)
{
    struct space_change change = {.collection = collection, .space = space};
    TRY(db_check_writable(db));
    TRY(collection_check_name(space->name, "vector space"));
    TRY(check_spaces(space, 1));
    return store_update(db->store, space_add_body, &change);
}

/* The rows of its vectors are taken back like those of a dropped collection. Points
 * still name the space's number, which is never given again. */
static enum err space_remove_body(struct txn *txn, void *arg)
{
    const struct space_change *change = arg;
    struct record_collection c;
    size_t i;
    TRY(collection_get(txn, change->collection, &c));
    TRY(collection_space_find(&c, change->name, &i));
    FAIL_IF(collection_is_cross_modal(&c), ERR_UNSUPPORTED,
            "the spaces of a cross-modal collection are those of its model");
    FAIL_IF(c.n_spaces == 1, ERR_INVALID,
            "'%.64s' is the collection's only vector space", change->name);
    struct record_key key = record_key_space(c.number, c.spaces[i].number);
    c.n_spaces--;
    memmove(&c.spaces[i], &c.spaces[i + 1], (c.n_spaces - i) * sizeof c.spaces[0]);
    TRY(store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0}));
    return collection_put(txn, &c);
}

enum err duet_space_remove(struct duet *db, const char *collection, const char *name)
{
    struct space_change change = {.collection = collection, .name = name};
    TRY(db_check_writable(db));
    TRY(store_update(db->store, space_remove_body, &change));
    builder_wake(db->builder);
    return ERR_OK;
}

/* ---- Dropping ---- */

static enum err drop_body(struct txn *txn, void *arg)
{
    const char *name = arg;
    struct record_collection c;
    bool there;
    TRY(collection_check_name(name, "collection"));
    TRY(collection_is_there(txn, name, &there));
    FAIL_IF(!there, ERR_NOT_FOUND, "there is no collection '%s'", name);
    TRY(collection_get(txn, name, &c));
    struct record_key key = record_key_collection(c.number);
    TRY(collection_drop_aliases(txn, name));
    TRY(store_delete(txn, STORE_COLLECTIONS, collection_name_key(name)));
    return store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0});
}

struct reclaim {
    struct record_key row;    /* in the table dropped; n == 0: none is left */
    struct record_key prefix; /* what its rows begin with */
    bool done;                /* it has no rows any more */
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

/* The tables that rows of what was dropped are in. */
static size_t tables_of(const struct record_key *row, const enum store_table **tables)
{
    /* Those of spaces first. */
    static const enum store_table all[] = {
        STORE_SLOTS,  STORE_VECTORS,  STORE_LIVE,    STORE_SPACES, STORE_SYSTEM,
        STORE_POINTS, STORE_METADATA, STORE_INDEXES, STORE_TERMS,  STORE_TEXTS};
    static const enum store_table terms[] = {STORE_TERMS};
    enum { TABLES_OF_A_SPACE = 4 };
    *tables = row->n == RECORD_DROPPED_INDEX_BYTES ? terms : all;
    return row->n == RECORD_DROPPED_INDEX_BYTES ? 1
           : row->n == 4                        ? sizeof all / sizeof all[0]
                                                : TABLES_OF_A_SPACE;
}

static enum err reclaim_body(struct txn *txn, void *arg)
{
    struct reclaim *reclaim = arg;
    const enum store_table *tables;
    struct bytes prefix = store_key(&reclaim->prefix);
    size_t n = tables_of(&reclaim->row, &tables);
    size_t budget = RECLAIM_ROWS;
    for (size_t i = 0; i < n && budget > 0; i++) {
        TRY(reclaim_table(txn, tables[i], prefix, &budget));
    }
    reclaim->done = budget > 0;
    return reclaim->done ? store_delete(txn, STORE_DROPPED, store_key(&reclaim->row))
                         : ERR_OK;
}

static enum err find_dropped(struct store *store, struct reclaim *reclaim)
{
    struct txn txn;
    struct cursor cursor;
    *reclaim = (struct reclaim){.done = false};
    TRY(store_read(store, &txn));
    enum err result = cursor_open(&txn, STORE_DROPPED, (struct bytes){"", 0}, &cursor);
    if (result == ERR_OK && cursor.key.data != NULL) {
        /* One that makes no sense is left alone: nothing else waits for it. */
        if (record_dropped_read(&reclaim->row, &reclaim->prefix, cursor.key) !=
            ERR_OK) {
            reclaim->row.n = 0;
        }
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
        if (reclaim.row.n == 0) {
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
static enum err fill_item(struct duet_collection *item,
                          const struct record_collection *c, struct bytes metadata)
{
    struct duet_space *spaces = alloc_zero(c->n_spaces, sizeof *spaces);
    *item = (struct duet_collection){
        .name = alloc_dup(c->name),
        .spaces = spaces,
        .n_spaces = spaces == NULL ? 0 : c->n_spaces,
        .model = alloc_dup(c->model),
        .model_space = alloc_dup(c->model_space),
        .metadata =
            metadata.data == NULL ? NULL : alloc_dup_n(metadata.data, metadata.n),
    };
    bool whole = spaces != NULL && item->name != NULL && item->model != NULL &&
                 item->model_space != NULL &&
                 (metadata.data == NULL || item->metadata != NULL);
    for (size_t i = 0; i < item->n_spaces; i++) {
        spaces[i].name = alloc_dup(c->spaces[i].name);
        spaces[i].dim = c->spaces[i].dim;
        spaces[i].distance = c->spaces[i].distance;
        spaces[i].datatype = c->spaces[i].datatype;
        whole = whole && spaces[i].name != NULL;
    }
    return whole ? ERR_OK : ERR_NOMEM;
}

static enum err add_item(struct duet_collections *list, struct txn *txn,
                         const struct record_collection *c)
{
    struct record_key key = record_key_collection(c->number);
    struct bytes metadata;
    TRY(store_get(txn, STORE_METADATA, store_key(&key), &metadata));
    if ((list->n & (list->n - 1)) == 0) { /* used up at 0, 1, 2, 4, ... */
        size_t capacity = list->n == 0 ? 1 : 2 * list->n;
        struct duet_collection *items =
            alloc_resize(list->items, capacity, sizeof *items);
        if (items == NULL) {
            return ERR_NOMEM;
        }
        list->items = items;
    }
    return fill_item(&list->items[list->n++], c, metadata);
}

static enum err list_all(struct txn *txn, struct duet_collections *out)
{
    struct cursor cursor;
    struct record_collection c;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        TRY_OUT(record_collection_read(&c, cursor.value));
        TRY_OUT(collection_key_name(cursor.key, c.name));
        TRY_OUT(add_item(out, txn, &c));
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
            result = add_item(out, &txn, &c);
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
        alloc_free((void *)(size_t)item->metadata);
    }
    alloc_free(list->items);
    *list = (struct duet_collections){0};
}
