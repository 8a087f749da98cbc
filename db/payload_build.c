/*
 * payload_build.c - making and removing payload indexes: duet_index_create,
 * duet_index_remove, duet_indexes_list, and giving rows to the points that were there
 * before an index.
 *
 * Whoever makes an index gives out the rows himself, and returns when all are there. The
 * builder does the same when it looks for work, which is how an index that a crash cut
 * short gets the rest. Each transaction reads from the definition where to go on and
 * writes how far it came, so that any number of threads may be at it.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/payload_index.h"
#include "db/payload_schema.h"
#include "db/payload_terms.h"

/* Of one transaction, which other writers wait for: some 50 ms. */
enum { BUILD_ROWS = 16384, BUILD_POINTS = 16384, BUILD_BYTES = 16 << 20 };

/* ---- Making ---- */

struct create {
    const char *collection, *field;
    struct payload_path path;
    const struct payload_schema *schema;
};

static enum err take_number(struct txn *txn, uint32_t collection, uint16_t *number)
{
    struct record_key key = record_key_collection(collection);
    struct bytes row;
    struct buf value;
    *number = 0;
    TRY(store_get(txn, STORE_INDEXES, store_key(&key), &row));
    if (row.data != NULL) {
        TRY(record_next_index_read(number, row));
    }
    FAIL_IF(*number == UINT16_MAX, ERR_LIMIT,
            "the collection has had %d indexes and can have no more", UINT16_MAX);
    buf_init(&value, 16);
    enum err result = record_next_index_write((uint16_t)(*number + 1), &value);
    if (result == ERR_OK) {
        result = store_put(txn, STORE_INDEXES, store_key(&key),
                           (struct bytes){value.data, value.size});
    }
    buf_release(&value);
    return result;
}

/* Its rows are taken back like those of a dropped collection. */
static enum err take_out(struct txn *txn, uint32_t collection, uint16_t number)
{
    struct record_key key = record_key_index(collection, number);
    struct record_key dropped = record_key_dropped_index(collection, number);
    TRY(store_delete(txn, STORE_INDEXES, store_key(&key)));
    return store_put(txn, STORE_DROPPED, store_key(&dropped), (struct bytes){"", 0});
}

static enum err put_new(struct txn *txn, uint32_t collection, bool ready,
                        const struct payload_index *as)
{
    struct payload_index index = *as;
    index.ready = ready;
    index.n_points = 0;
    index.next = (struct duet_id){.number = 0}; /* the least of all */
    TRY(take_number(txn, collection, &index.number));
    return payload_index_put(txn, collection, &index);
}

enum err payload_index_begin_again(struct txn *txn, uint32_t collection,
                                   const struct payload_index *index)
{
    TRY(take_out(txn, collection, index->number));
    return put_new(txn, collection, false, index);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static enum err create_in(struct txn *txn, const struct create *create,
                          const struct record_collection *c,
                          const struct payload_indexes *indexes)
{
    const struct payload_index *present = payload_indexes_find(indexes, &create->path);
    if (present != NULL && present->kind == create->schema->kind &&
        same_text(present->params, create->schema->params)) {
        return ERR_OK;
    }
    FAIL_IF(present == NULL && indexes->n == LIMIT_INDEXES_MAX, ERR_LIMIT,
            "the collection has %d indexes already", LIMIT_INDEXES_MAX);
    if (present != NULL) {
        TRY(take_out(txn, c->number, present->number));
    }
    const struct payload_index index = {.kind = create->schema->kind,
                                        .field = create->field,
                                        .params = create->schema->params};
    return put_new(txn, c->number, c->n_points == 0, &index);
}

static enum err create_body(struct txn *txn, void *arg)
{
    const struct create *create = arg;
    struct record_collection c;
    struct payload_indexes indexes;
    TRY(collection_get(txn, create->collection, &c));
    TRY(payload_indexes_load(&indexes, txn, c.number));
    enum err result = create_in(txn, create, &c, &indexes);
    payload_indexes_release(&indexes);
    return result;
}

enum err duet_index_create(struct duet *db, const char *collection, const char *field,
                           const char *schema)
{
    struct payload_schema parsed;
    struct arena arena = ARENA_EMPTY;
    struct create create = {collection, field, {NULL, 0}, &parsed};
    TRY(db_check_writable(db));
    FAIL_IF(strlen(field) > LIMIT_INDEX_FIELD_BYTES, ERR_LIMIT,
            "field_name: %zu bytes are more than %d", strlen(field),
            LIMIT_INDEX_FIELD_BYTES);
    TRY(payload_schema_parse(&parsed, schema));
    enum err result = payload_path_parse(&create.path, &arena, field);
    if (result == ERR_OK) {
        result = store_update(db->store, create_body, &create);
    } else {
        result = err_prefix(result, "field_name");
    }
    arena_release(&arena);
    payload_schema_release(&parsed);
    TRY(result);
    TRY(payload_indexes_build(db->store));
    builder_wake(db->builder); /* it takes the rows of a replaced one back */
    return ERR_OK;
}

/* ---- Removing ---- */

static enum err remove_body(struct txn *txn, void *arg)
{
    const struct create *create = arg;
    struct record_collection c;
    struct payload_indexes indexes;
    TRY(collection_get(txn, create->collection, &c));
    TRY(payload_indexes_load(&indexes, txn, c.number));
    const struct payload_index *index = payload_indexes_find(&indexes, &create->path);
    enum err result = index == NULL ? ERR_OK : take_out(txn, c.number, index->number);
    payload_indexes_release(&indexes);
    return result;
}

enum err duet_index_remove(struct duet *db, const char *collection, const char *field)
{
    struct arena arena = ARENA_EMPTY;
    struct create create = {.collection = collection};
    TRY(db_check_writable(db));
    enum err result = payload_path_parse(&create.path, &arena, field);
    result = result == ERR_OK ? store_update(db->store, remove_body, &create)
                              : err_prefix(result, "field_name");
    arena_release(&arena);
    builder_wake(db->builder);
    return result;
}

/* ---- Rows of points that were there before ---- */

struct build {
    uint32_t collection;
    uint16_t number;
    bool found; /* there is one that is not ready */
    struct terms terms;
};

/* The first index of the database that is not ready. */
static enum err find_unready(struct store *store, struct build *build)
{
    struct txn txn;
    struct cursor cursor;
    struct record_index record;
    build->found = false;
    TRY(store_read(store, &txn));
    enum err result = cursor_open(&txn, STORE_INDEXES, (struct bytes){"", 0}, &cursor);
    while (result == ERR_OK && cursor.key.data != NULL && !build->found) {
        /* One that cannot be read is told by duet_verify. */
        if (cursor.key.n == 6 && record_index_read(&record, cursor.value) == ERR_OK &&
            !record.ready) {
            struct bytes collection = {cursor.key.data, 4};
            build->found = true;
            TRY_OUT(record_key_index_number(cursor.key, &build->number));
            TRY_OUT(record_key_collection_number(collection, &build->collection));
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    store_end(&txn);
    return result;
}

static enum err put_rows(struct txn *txn, const struct build *build, struct duet_id id)
{
    for (size_t i = 0; i < build->terms.n; i++) {
        struct index_row row = index_row_of(build->collection, build->number,
                                            terms_get(&build->terms, i), &id);
        TRY(store_put(txn, STORE_TERMS, (struct bytes){row.data, row.n},
                      (struct bytes){"", 0}));
    }
    return ERR_OK;
}

/* A payload that is no JSON has no values: duet_verify tells of it. */
static enum err index_point(struct txn *txn, struct build *build,
                            struct payload_index *index, struct bytes payload)
{
    const char *first = index->path.steps[0].key;
    struct bytes key = {first, strlen(first)};
    struct payload_keys picks = {&key, 1};
    struct json_object *json;
    enum err result = payload_pick(&json, payload, &picks);
    if (result == ERR_INVALID) {
        return ERR_OK;
    }
    TRY(result);
    result = terms_find(&build->terms, index, json);
    json_object_put(json);
    TRY(result);
    index->n_points += build->terms.counts ? 1 : 0;
    return put_rows(txn, build, index->next);
}

/* Goes on from index->next for as much as one transaction may do. */
static enum err build_some(struct txn *txn, struct build *build,
                           struct payload_index *index, struct cursor *points)
{
    size_t n_rows = 0, n_points = 0, n_bytes = 0;
    struct record_key start = record_key_point(build->collection, index->next);
    TRY(cursor_seek(points, store_key(&start)));
    while (points->key.data != NULL) {
        struct record_point point;
        TRY(record_key_id(points->key, 4, &index->next));
        if (n_rows >= BUILD_ROWS || n_points >= BUILD_POINTS ||
            n_bytes >= BUILD_BYTES) {
            return ERR_OK;
        }
        TRY(record_point_read(&point, points->value));
        TRY(index_point(txn, build, index, point.payload));
        n_rows += build->terms.n;
        n_bytes += point.payload.n;
        n_points++;
        TRY(cursor_next(points));
    }
    index->ready = true;
    return ERR_OK;
}

static enum err build_index(struct txn *txn, struct build *build,
                            struct payload_index *index)
{
    struct record_key prefix = record_key_collection(build->collection);
    struct cursor points;
    TRY(cursor_open(txn, STORE_POINTS, store_key(&prefix), &points));
    enum err result = build_some(txn, build, index, &points);
    cursor_close(&points);
    return result == ERR_OK ? payload_index_put(txn, build->collection, index) : result;
}

/* A store_body. It may be gone or ready by now: then there is nothing to do. */
static enum err build_body(struct txn *txn, void *arg)
{
    struct build *build = arg;
    struct payload_indexes indexes;
    enum err result = ERR_OK;
    TRY(payload_indexes_load(&indexes, txn, build->collection));
    for (size_t i = 0; i < indexes.n && result == ERR_OK; i++) {
        struct payload_index *index = &indexes.items[i];
        if (index->number == build->number && !index->ready) {
            result = build_index(txn, build, index);
        }
    }
    payload_indexes_release(&indexes);
    return result;
}

enum err payload_indexes_build(struct store *store)
{
    struct build build = {.found = false};
    terms_init(&build.terms);
    enum err result;
    for (;;) {
        TRY_OUT(find_unready(store, &build));
        if (!build.found) {
            break;
        }
        TRY_OUT(store_update(store, build_body, &build));
    }
out:
    terms_release(&build.terms);
    return result;
}

/* ---- Listing ---- */

static enum err fill(struct duet_indexes *out, const struct payload_indexes *indexes)
{
    out->items = alloc_zero(indexes->n, sizeof *out->items);
    if (out->items == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < indexes->n; i++) {
        const struct payload_index *from = &indexes->items[i];
        struct duet_index *to = &out->items[out->n++];
        *to = (struct duet_index){.kind = from->kind,
                                  .n_points = (size_t)from->n_points,
                                  .ready = from->ready};
        to->field = alloc_dup(from->field);
        to->params = from->params == NULL ? NULL : alloc_dup(from->params);
        if (to->field == NULL || (from->params != NULL && to->params == NULL)) {
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

enum err duet_indexes_list(struct duet *db, const char *collection,
                           struct duet_indexes *out)
{
    struct txn txn;
    struct record_collection c;
    struct payload_indexes indexes = {.n = 0};
    *out = (struct duet_indexes){.n = 0};
    TRY(store_read(db->store, &txn));
    enum err result = collection_get(&txn, collection, &c);
    if (result == ERR_OK) {
        result = payload_indexes_load(&indexes, &txn, c.number);
    }
    store_end(&txn);
    if (result == ERR_OK) {
        result = fill(out, &indexes);
        payload_indexes_release(&indexes);
    }
    if (result != ERR_OK) {
        duet_indexes_release(out);
    }
    return result;
}

void duet_indexes_release(struct duet_indexes *list)
{
    for (size_t i = 0; i < list->n; i++) {
        alloc_free((void *)(size_t)list->items[i].field);
        alloc_free((void *)(size_t)list->items[i].params);
    }
    alloc_free(list->items);
    *list = (struct duet_indexes){.n = 0};
}
