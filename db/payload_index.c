/*
 * payload_index.c - see payload_index.h: definitions as they are stored, and the walk
 * over rows.
 */
#include "db/payload_index.h"

#include <stdlib.h>
#include <string.h>

#include "db/payload_schema.h"
#include "db/payload_terms.h"

/* ---- Definitions ---- */

static enum err copy_text(struct arena *arena, struct bytes text, const char **out)
{
    char *copy = arena_array(arena, text.n + 1, 1);
    if (copy == NULL) {
        return ERR_NOMEM;
    }
    memcpy(copy, text.data, text.n);
    *out = copy;
    return ERR_OK;
}

/* A text index's words, of its parameters. */
static enum err read_how(struct payload_index *index)
{
    struct payload_schema schema;
    const char *text = index->params == NULL ? "\"text\"" : index->params;
    TRY(payload_schema_parse(&schema, text));
    index->how = schema.how;
    payload_schema_release(&schema);
    return ERR_OK;
}

static enum err read_index(struct payload_indexes *out, struct bytes key,
                           struct bytes value)
{
    struct record_index record;
    struct payload_index *index = &out->items[out->n];
    FAIL_IF(out->n == LIMIT_INDEXES_MAX, ERR_CORRUPT,
            "a collection has more than %d indexes", LIMIT_INDEXES_MAX);
    TRY(record_key_index_number(key, &index->number));
    TRY(record_index_read(&record, value));
    index->kind = record.kind;
    index->ready = record.ready;
    index->next = record.next;
    index->n_points = record.n_points;
    TRY(copy_text(&out->arena, record.field, &index->field));
    if (record.params.n > 0) {
        TRY(copy_text(&out->arena, record.params, &index->params));
    }
    TRY(payload_path_parse(&index->path, &out->arena, index->field));
    if (index->kind == DUET_INDEX_TEXT) {
        TRY(read_how(index));
    }
    out->n++;
    return ERR_OK;
}

/* The keys that their paths begin with, once each. */
static enum err find_picks(struct payload_indexes *out)
{
    size_t n = 0;
    struct bytes *keys = arena_array(&out->arena, out->n, sizeof *keys);
    if (keys == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < out->n; i++) {
        const char *first = out->items[i].path.steps[0].key;
        keys[i] = (struct bytes){first, strlen(first)};
    }
    qsort(keys, out->n, sizeof *keys, payload_key_compare);
    for (size_t i = 0; i < out->n; i++) {
        if (n == 0 || payload_key_compare(&keys[i], &keys[n - 1]) != 0) {
            keys[n++] = keys[i];
        }
    }
    out->picks = (struct payload_keys){keys, n};
    return ERR_OK;
}

/* The row of the next number, whose key is the collection's alone, comes first. */
static enum err read_all(struct payload_indexes *out, struct cursor *cursor,
                         size_t n_prefix)
{
    if (cursor->key.data == NULL) {
        return ERR_OK;
    }
    out->items = arena_array(&out->arena, LIMIT_INDEXES_MAX, sizeof *out->items);
    if (out->items == NULL) {
        return ERR_NOMEM;
    }
    while (cursor->key.data != NULL) {
        if (cursor->key.n > n_prefix) {
            TRY(read_index(out, cursor->key, cursor->value));
        }
        TRY(cursor_next(cursor));
    }
    return out->n == 0 ? ERR_OK : find_picks(out);
}

enum err payload_indexes_load(struct payload_indexes *out, struct txn *txn,
                              uint32_t collection)
{
    struct record_key prefix = record_key_collection(collection);
    struct cursor cursor;
    *out = (struct payload_indexes){.n = 0};
    TRY(cursor_open(txn, STORE_INDEXES, store_key(&prefix), &cursor));
    enum err result = read_all(out, &cursor, prefix.n);
    cursor_close(&cursor);
    if (result != ERR_OK) {
        payload_indexes_release(out);
    }
    return result;
}

enum err payload_index_check(struct bytes key, struct bytes value)
{
    struct payload_index item = {.number = 0};
    struct payload_indexes one = {.items = &item};
    uint16_t next;
    if (key.n == 4) {
        return record_next_index_read(&next, value);
    }
    enum err result = read_index(&one, key, value);
    arena_release(&one.arena);
    return result;
}

void payload_indexes_release(struct payload_indexes *indexes)
{
    arena_release(&indexes->arena);
    *indexes = (struct payload_indexes){.n = 0};
}

const struct payload_index *payload_indexes_find(const struct payload_indexes *indexes,
                                                 const struct payload_path *path)
{
    for (size_t i = 0; i < indexes->n; i++) {
        if (payload_path_equal(&indexes->items[i].path, path)) {
            return &indexes->items[i];
        }
    }
    return NULL;
}

enum err payload_index_put(struct txn *txn, uint32_t collection,
                           const struct payload_index *index)
{
    struct record_key key = record_key_index(collection, index->number);
    const char *params = index->params == NULL ? "" : index->params;
    struct record_index record = {
        .kind = index->kind,
        .ready = index->ready,
        .n_points = index->n_points,
        .next = index->next,
        .field = {index->field, strlen(index->field)},
        .params = {params, strlen(params)},
    };
    struct buf value;
    buf_init(&value, LIMIT_PAYLOAD_BYTES);
    enum err result = record_index_write(&record, &value);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_INDEXES, store_key(&key),
                           (struct bytes){value.data, value.size});
    }
    buf_release(&value);
    return result;
}

/* ---- Rows ---- */

static void add(struct index_row *row, const void *bytes, size_t n)
{
    memcpy(row->data + row->n, bytes, n);
    row->n += n;
}

struct index_row index_row_of(uint32_t collection, uint16_t index_number,
                              struct bytes value, const struct duet_id *id)
{
    struct record_key prefix = record_key_index(collection, index_number);
    struct index_row row = {.n = 0};
    add(&row, prefix.data, prefix.n);
    add(&row, value.data, value.n);
    if (id != NULL) {
        struct record_key key = record_key_point(collection, *id);
        add(&row, key.data + 4, key.n - 4);
    }
    return row;
}

/* The first row of the walk. */
static enum err begin(struct index_walk *walk, struct bytes from)
{
    struct index_row row = index_row_of(
        0, walk->index->number, from.n > 0 ? from : (struct bytes){"", 0}, NULL);
    memcpy(row.data, walk->prefix.data, walk->prefix.n);
    if (!walk->descending) {
        return cursor_seek(&walk->cursor, (struct bytes){row.data, row.n});
    }
    if (from.n > 0) {
        row.data[row.n++] = 0xff; /* ids begin with 0 or 1 */
    } else {
        /* Behind all rows of the index: the number of the next one. */
        struct record_key next = walk->prefix;
        for (size_t i = next.n; i > 0 && ++next.data[i - 1] == 0; i--) {
        }
        memcpy(row.data, next.data, next.n);
        row.n = next.n;
    }
    return cursor_seek_before(&walk->cursor, (struct bytes){row.data, row.n});
}

enum err index_walk_open(struct index_walk *walk, struct txn *txn, uint32_t collection,
                         const struct payload_index *index,
                         const struct index_walk_options *options)
{
    struct bytes from = {NULL, 0};
    *walk = (struct index_walk){.index = index,
                                .prefix = record_key_index(collection, index->number)};
    if (options != NULL) {
        walk->descending = options->descending;
        from = options->from;
    }
    TRY(cursor_open(txn, STORE_TERMS, store_key(&walk->prefix), &walk->cursor));
    enum err result = begin(walk, from);
    if (result != ERR_OK) {
        index_walk_close(walk);
    }
    return result;
}

/* The cursor stands on the row that was given last, but for the first time. */
enum err index_walk_next(struct index_walk *walk)
{
    struct cursor *cursor = &walk->cursor;
    walk->found = false;
    if (walk->begun && cursor->key.data != NULL) {
        TRY(walk->descending ? cursor_previous(cursor) : cursor_next(cursor));
    }
    walk->begun = true;
    if (cursor->key.data == NULL) {
        return ERR_OK;
    }
    walk->value = (struct bytes){(const char *)cursor->key.data + walk->prefix.n,
                                 cursor->key.n - walk->prefix.n};
    TRY(term_length(walk->index->kind, walk->value, &walk->value.n));
    TRY(record_key_id(cursor->key, walk->prefix.n + walk->value.n, &walk->id));
    walk->found = true;
    return ERR_OK;
}

void index_walk_close(struct index_walk *walk)
{
    cursor_close(&walk->cursor);
}

struct index_value index_value_of(enum duet_index_kind kind, struct bytes value)
{
    struct index_value v = {.kind = kind};
    switch (kind) {
    case DUET_INDEX_INTEGER:
    case DUET_INDEX_FLOAT:
        v.number = term_number(value);
        break;
    case DUET_INDEX_BOOL:
        v.flag = *(const uint8_t *)value.data != 0;
        break;
    case DUET_INDEX_DATETIME:
        v.time = term_time(value);
        break;
    case DUET_INDEX_UUID:
        memcpy(v.uuid, value.data, sizeof v.uuid);
        break;
    case DUET_INDEX_GEO:
        v.place = term_place(value);
        break;
    default:
        v.whole = term_string_is_whole(value);
        break;
    }
    return v;
}
