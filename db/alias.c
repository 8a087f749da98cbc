/*
 * alias.c - duet_aliases_change and duet_aliases_list. A row of the table says which
 * name an alias stands for; collection_get reads it where there is no collection of a
 * name.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"

static enum err get(struct txn *txn, const char *alias, bool *there,
                    char target[LIMIT_NAME_BYTES + 1])
{
    struct bytes value;
    TRY(store_get(txn, STORE_ALIASES, collection_name_key(alias), &value));
    *there = value.data != NULL;
    return *there ? collection_key_name(value, target) : ERR_OK;
}

static enum err put(struct txn *txn, const char *alias, const char *target)
{
    bool is_collection;
    TRY(collection_check_name(alias, "alias"));
    TRY(collection_is_there(txn, alias, &is_collection));
    FAIL_IF(is_collection, ERR_EXISTS, "there is a collection '%s'", alias);
    return store_put(txn, STORE_ALIASES, collection_name_key(alias),
                     collection_name_key(target));
}

/* An alias of an alias is refused, as in the dialect: so no circle can come about. */
static enum err create(struct txn *txn, const struct duet_alias_change *change)
{
    char target[LIMIT_NAME_BYTES + 1];
    bool there, is_switch;
    size_t n;
    TRY(collection_check_name(change->to, "collection"));
    TRY(collection_is_there(txn, change->to, &there));
    FAIL_IF(!there, ERR_NOT_FOUND, "there is no collection '%s'", change->to);
    TRY(collection_check_name(change->alias, "alias"));
    TRY(get(txn, change->alias, &is_switch, target));
    TRY(store_count_rows(txn, STORE_ALIASES, &n));
    FAIL_IF(n >= LIMIT_ALIASES_MAX && !is_switch, ERR_LIMIT,
            "there are %d aliases already", LIMIT_ALIASES_MAX);
    return put(txn, change->alias, change->to);
}

static enum err rename_alias(struct txn *txn, const struct duet_alias_change *change)
{
    char target[LIMIT_NAME_BYTES + 1];
    bool there;
    TRY(get(txn, change->alias, &there, target));
    FAIL_IF(!there, ERR_NOT_FOUND, "there is no alias '%s'", change->alias);
    TRY(store_delete(txn, STORE_ALIASES, collection_name_key(change->alias)));
    return put(txn, change->to, target);
}

static enum err change_one(struct txn *txn, const struct duet_alias_change *change)
{
    TRY(collection_check_name(change->alias, "alias"));
    switch (change->kind) {
    case DUET_ALIAS_CREATE:
        return create(txn, change);
    case DUET_ALIAS_RENAME:
        return rename_alias(txn, change);
    default:
        return store_delete(txn, STORE_ALIASES, collection_name_key(change->alias));
    }
}

struct changes {
    const struct duet_alias_change *items;
    size_t n;
};

static enum err change_body(struct txn *txn, void *arg)
{
    const struct changes *changes = arg;
    for (size_t i = 0; i < changes->n; i++) {
        enum err result = change_one(txn, &changes->items[i]);
        if (result != ERR_OK) {
            return err_prefix(result, "action %zu", i);
        }
    }
    return ERR_OK;
}

enum err duet_aliases_change(struct duet *db, const struct duet_alias_change *changes,
                             size_t n)
{
    struct changes all = {changes, n};
    TRY(db_check_writable(db));
    FAIL_IF(n > LIMIT_ALIASES_MAX, ERR_LIMIT, "%zu changes at once are more than %d", n,
            LIMIT_ALIASES_MAX);
    return store_update(db->store, change_body, &all);
}

static bool is_name(struct bytes value, const char *name)
{
    return value.n == strlen(name) && memcmp(value.data, name, value.n) == 0;
}

enum err collection_drop_aliases(struct txn *txn, const char *name)
{
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_ALIASES, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result =
            is_name(cursor.value, name) ? cursor_delete(&cursor) : cursor_next(&cursor);
    }
    cursor_close(&cursor);
    return result;
}

/* ---- Listing ---- */

static enum err add_item(struct duet_aliases *list, const struct cursor *row)
{
    if ((list->n & (list->n - 1)) == 0) { /* used up at 0, 1, 2, 4, ... */
        size_t capacity = list->n == 0 ? 1 : 2 * list->n;
        struct duet_alias *items = alloc_resize(list->items, capacity, sizeof *items);
        if (items == NULL) {
            return ERR_NOMEM;
        }
        list->items = items;
    }
    struct duet_alias *item = &list->items[list->n++];
    *item = (struct duet_alias){
        .alias = alloc_dup_n(row->key.data, row->key.n),
        .collection = alloc_dup_n(row->value.data, row->value.n),
    };
    return item->alias == NULL || item->collection == NULL ? ERR_NOMEM : ERR_OK;
}

/* Those of the collection `of`; NULL: all. */
static enum err list(struct txn *txn, const char *of, struct duet_aliases *out)
{
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_ALIASES, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        if (of == NULL || is_name(cursor.value, of)) {
            TRY_OUT(add_item(out, &cursor));
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

enum err duet_aliases_list(struct duet *db, const char *collection,
                           struct duet_aliases *out)
{
    struct txn txn;
    struct record_collection c;
    *out = (struct duet_aliases){0};
    TRY(store_read(db->store, &txn));
    enum err result =
        collection == NULL ? ERR_OK : collection_get(&txn, collection, &c);
    if (result == ERR_OK) {
        result = list(&txn, collection == NULL ? NULL : c.name, out);
    }
    store_end(&txn);
    if (result != ERR_OK) {
        duet_aliases_release(out);
    }
    return result;
}

void duet_aliases_release(struct duet_aliases *aliases)
{
    for (size_t i = 0; i < aliases->n; i++) {
        alloc_free((void *)(size_t)aliases->items[i].alias);
        alloc_free((void *)(size_t)aliases->items[i].collection);
    }
    alloc_free(aliases->items);
    *aliases = (struct duet_aliases){0};
}
