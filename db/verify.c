/*
 * verify.c - see duet_verify in duet_keep.h: the pages, the tables that belong to no
 * collection, and the way through the collections.
 */
#include "db/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"

/* ---- Telling ---- */

static size_t *counter(struct duet_check_result *r, enum duet_finding_kind kind)
{
    return kind == DUET_DAMAGE    ? &r->n_damage
           : kind == DUET_DERIVED ? &r->n_derived
                                  : &r->n_leftovers;
}

void verify_tell(struct verify *v, enum duet_finding_kind kind,
                 const struct duet_id *id, const char *fmt, ...)
{
    char text[ERR_DETAIL_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ++*counter(v->result, kind);
    if (v->options->found != NULL) {
        const struct duet_finding finding = {
            kind, v->collection[0] == '\0' ? NULL : v->collection, id, text};
        v->options->found(v->options->arg, &finding);
    }
}

enum err verify_outcome(struct verify *v, enum err result, enum duet_finding_kind kind,
                        const struct duet_id *id)
{
    switch (result) {
    case ERR_OK:
        return ERR_OK;
    case ERR_CORRUPT:
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_VERSION:
    case ERR_NOT_FOUND:
        verify_tell(v, kind, id, "%s", err_detail());
        return ERR_OK;
    default:
        return result;
    }
}

/* ---- Rows without a collection ---- */

/* The numbers of all collections, those dropped with rows left among them. */
struct numbers {
    uint32_t *items; /* [n], owned */
    size_t n, capacity;
};

static bool has_number(const struct numbers *numbers, uint32_t number)
{
    for (size_t i = 0; i < numbers->n; i++) {
        if (numbers->items[i] == number) {
            return true;
        }
    }
    return false;
}

static enum err add_number(struct numbers *numbers, uint32_t number)
{
    uint32_t *items =
        alloc_grow(numbers->items, &numbers->capacity, numbers->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    numbers->items = items;
    items[numbers->n++] = number;
    return ERR_OK;
}

static uint32_t number_at(const void *key)
{
    const uint8_t *b = key;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The next row of the table that begins with none of the known numbers. Rows of one
 * collection are skipped at once. */
static enum err check_table(struct verify *v, enum store_table table,
                            const struct numbers *numbers)
{
    struct cursor cursor;
    TRY(cursor_open(&v->txn, table, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        uint32_t number = cursor.key.n < 4 ? 0 : number_at(cursor.key.data);
        if (!has_number(numbers, number)) {
            verify_tell(v, DUET_DAMAGE, NULL,
                        "the table '%s' has rows of collection number %u, which there "
                        "is not",
                        store_table_name(table), number);
        }
        if (number == UINT32_MAX) {
            break;
        }
        struct record_key next = record_key_collection(number + 1);
        result = cursor_seek(&cursor, store_key(&next));
    }
    cursor_close(&cursor);
    return result;
}

/* Each row of a hash has its source, unless its collection is being taken back. */
static enum err check_hash(struct verify *v, struct bytes row,
                           const struct numbers *numbers, const struct numbers *dropped)
{
    struct duet_id id;
    struct bytes value;
    struct db_source source;
    struct buf path;
    if (row.n < DB_HASH_BYTES + 4) {
        verify_tell(v, DUET_DERIVED, NULL, "a row of the table 'hashes' is too short");
        return ERR_OK;
    }
    uint32_t number = number_at((const uint8_t *)row.data + DB_HASH_BYTES);
    if (has_number(dropped, number)) {
        return ERR_OK;
    }
    enum err result = record_key_id(row, DB_HASH_BYTES + 4, &id);
    if (result != ERR_OK || !has_number(numbers, number)) {
        verify_tell(v, DUET_DERIVED, NULL, "a content hash belongs to no point");
        return ERR_OK;
    }
    struct record_key key = record_key_point(number, id);
    TRY(store_get(&v->txn, STORE_SYSTEM, store_key(&key), &value));
    buf_init(&path, LIMIT_PAYLOAD_BYTES);
    if (value.data == NULL || (record_source_read(&source, &path, value) == ERR_OK &&
                               memcmp(source.hash, row.data, DB_HASH_BYTES) != 0)) {
        verify_tell(v, DUET_DERIVED, &id,
                    "the table of content hashes has it under another picture's");
    }
    buf_release(&path);
    return ERR_OK;
}

static enum err check_hashes(struct verify *v, const struct numbers *numbers,
                             const struct numbers *dropped)
{
    struct cursor cursor;
    TRY(cursor_open(&v->txn, STORE_HASHES, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result = check_hash(v, cursor.key, numbers, dropped);
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

/* ---- Collections ---- */

static enum err check_format(struct verify *v, struct record_format *format)
{
    struct bytes value;
    *format = (struct record_format){.version = 0};
    TRY(store_get(&v->txn, STORE_META, store_format_key(), &value));
    return verify_outcome(v, record_format_read(format, value), DUET_DAMAGE, NULL);
}

static enum err read_dropped(struct verify *v, struct numbers *dropped)
{
    struct cursor cursor;
    TRY(cursor_open(&v->txn, STORE_DROPPED, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        if (cursor.key.n == 4) {
            result = add_number(dropped, number_at(cursor.key.data));
        }
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

/* The collection that the cursor stands on. */
static enum err check_collection(struct verify *v, const struct cursor *at,
                                 const struct record_format *format,
                                 struct numbers *numbers)
{
    size_t n = at->key.n < LIMIT_NAME_BYTES ? at->key.n : LIMIT_NAME_BYTES;
    memcpy(v->collection, at->key.data, n);
    v->collection[n] = '\0';
    v->result->n_collections++;
    enum err result = record_collection_read(&v->record, at->value);
    if (result != ERR_OK) {
        return verify_outcome(v, result, DUET_DAMAGE, NULL);
    }
    uint32_t number = v->record.number;
    if (number == 0 || number >= format->next_collection ||
        has_number(numbers, number)) {
        verify_tell(v, DUET_DAMAGE, NULL, "its number, %u, cannot be right", number);
    }
    TRY(add_number(numbers, number));
    TRY(verify_points(v));
    return verify_indexes(v);
}

static enum err check_collections(struct verify *v, const struct record_format *format,
                                  struct numbers *numbers)
{
    struct cursor cursor;
    TRY(cursor_open(&v->txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result = check_collection(v, &cursor, format, numbers);
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    v->collection[0] = '\0';
    return result;
}

/* Each alias must name a collection. */
static enum err check_aliases(struct verify *v)
{
    struct cursor cursor;
    struct bytes row;
    TRY(cursor_open(&v->txn, STORE_ALIASES, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result = store_get(&v->txn, STORE_COLLECTIONS, cursor.value, &row);
        if (result == ERR_OK && row.data == NULL) {
            verify_tell(v, DUET_DAMAGE, NULL, "the alias '%.*s' is of no collection",
                        (int)cursor.key.n, (const char *)cursor.key.data);
        }
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

static enum err check_tables(struct verify *v)
{
    static const enum store_table tables[] = {
        STORE_POINTS,  STORE_SYSTEM,   STORE_SPACES,  STORE_LIVE,  STORE_SLOTS,
        STORE_VECTORS, STORE_METADATA, STORE_INDEXES, STORE_TERMS, STORE_TEXTS};
    struct record_format format;
    struct numbers numbers = {0};
    struct numbers dropped = {0};
    enum err result;
    TRY_OUT(check_format(v, &format));
    TRY_OUT(check_collections(v, &format, &numbers));
    TRY_OUT(check_aliases(v));
    TRY_OUT(read_dropped(v, &dropped));
    TRY_OUT(check_hashes(v, &numbers, &dropped));
    for (size_t i = 0; i < dropped.n; i++) {
        TRY_OUT(add_number(&numbers, dropped.items[i]));
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        TRY_OUT(check_table(v, tables[i], &numbers));
    }
out:
    alloc_free(numbers.items);
    alloc_free(dropped.items);
    return result;
}

enum err duet_verify(struct duet *db, const struct duet_check_options *options,
                     struct duet_check_result *result)
{
    struct verify *v = alloc_zero(1, sizeof *v);
    *result = (struct duet_check_result){0};
    if (v == NULL) {
        return ERR_NOMEM;
    }
    v->db = db;
    v->options = options;
    v->result = result;
    buf_init(&v->bare, SIZE_MAX / 2);
    buf_init(&v->uploads, SIZE_MAX / 2);
    enum err outcome = store_check(db->store);
    if (outcome == ERR_OK) {
        outcome = store_read(db->store, &v->txn);
        if (outcome == ERR_OK) {
            outcome = check_tables(v);
            store_end(&v->txn);
        }
        if (outcome == ERR_OK) {
            outcome = verify_files(v);
        }
    }
    outcome = verify_outcome(v, outcome, DUET_DAMAGE, NULL);
    buf_release(&v->bare);
    buf_release(&v->uploads);
    alloc_free(v);
    return outcome;
}
