/*
 * verify_indexes.c - see verify.h: payload indexes and points, both ways.
 *
 * As with slots, counting shows the way back: every value of every point has its row, no
 * two can have one, so where there are as many rows as values each belongs to a point.
 */
#include "db/verify.h"

#include <string.h>

#include "db/payload_terms.h"

struct index_check {
    struct verify *v;
    struct txn *txn;
    const struct payload_index *index;
    struct terms terms;
    size_t n_values; /* of points, with their rows */
    size_t n_lacking;
    uint64_t n_points;
};

/* What cannot be read has no values, and is told elsewhere. */
static enum err values_of(struct index_check *c, struct bytes payload)
{
    const char *first = c->index->path.steps[0].key;
    struct bytes key = {first, strlen(first)};
    const struct payload_keys picks = {&key, 1};
    struct json_object *json;
    enum err result = payload_pick(&json, payload, &picks);
    if (result != ERR_OK && result != ERR_INVALID) {
        return result;
    }
    result = terms_find(&c->terms, c->index, json);
    json_object_put(json);
    return result;
}

static enum err check_point(struct index_check *c, struct duet_id id,
                            const struct record_point *point)
{
    TRY(values_of(c, point->payload));
    c->n_points += c->terms.counts ? 1 : 0;
    for (size_t i = 0; i < c->terms.n; i++) {
        struct bytes row;
        struct index_row key = index_row_of(c->v->record.number, c->index->number,
                                            terms_get(&c->terms, i), &id);
        TRY(store_get(c->txn, STORE_TERMS, (struct bytes){key.data, key.n}, &row));
        c->n_values += row.data != NULL ? 1 : 0;
        c->n_lacking += row.data == NULL ? 1 : 0;
    }
    return ERR_OK;
}

/* The points that have their rows: of one that is being made, those before `next`. */
static enum err check_points(struct index_check *c)
{
    struct record_key prefix = record_key_collection(c->v->record.number);
    struct cursor cursor;
    TRY(cursor_open(c->txn, STORE_POINTS, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        struct duet_id id;
        struct record_point point;
        if (record_key_id(cursor.key, prefix.n, &id) == ERR_OK &&
            record_point_read(&point, cursor.value) == ERR_OK &&
            payload_index_covers(c->index, id)) {
            TRY_OUT(check_point(c, id, &point));
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

static enum err compare(struct index_check *c, bool *sound)
{
    size_t n_rows;
    const char *field = c->index->field;
    struct record_key prefix = record_key_index(c->v->record.number, c->index->number);
    TRY(check_points(c));
    TRY(store_count(c->txn, STORE_TERMS, store_key(&prefix), &n_rows));
    *sound =
        c->n_lacking == 0 && n_rows == c->n_values && c->index->n_points == c->n_points;
    if (c->n_lacking > 0) {
        verify_tell(c->v, DUET_DERIVED, NULL, "the index on '%s' lacks %zu values",
                    field, c->n_lacking);
    }
    if (n_rows != c->n_values) {
        verify_tell(c->v, DUET_DERIVED, NULL,
                    "the index on '%s' has %zu rows that no point has", field,
                    n_rows - c->n_values);
    }
    if (c->index->n_points != c->n_points) {
        verify_tell(c->v, DUET_DERIVED, NULL,
                    "the index on '%s' counts %llu points, not %llu", field,
                    (unsigned long long)c->index->n_points,
                    (unsigned long long)c->n_points);
    }
    return ERR_OK;
}

enum err verify_index(struct verify *v, struct txn *txn,
                      const struct payload_index *index, bool *sound)
{
    struct index_check check = {.v = v, .txn = txn, .index = index};
    *sound = false;
    terms_init(&check.terms);
    enum err result = compare(&check, sound);
    terms_release(&check.terms);
    return result;
}

static bool is_known(const struct payload_indexes *indexes, uint16_t number)
{
    for (size_t i = 0; i < indexes->n; i++) {
        if (indexes->items[i].number == number) {
            return true;
        }
    }
    return false;
}

/* Calls for each number that has rows and is neither an index nor on its way out. */
enum err verify_stray_indexes(struct verify *v, struct txn *txn,
                              const struct payload_indexes *indexes,
                              verify_stray *found)
{
    uint32_t collection = v->record.number;
    struct record_key prefix = record_key_collection(collection);
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_TERMS, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        uint16_t number = 0;
        struct bytes row;
        struct bytes key = {cursor.key.data, cursor.key.n < 6 ? cursor.key.n : 6};
        TRY_OUT(record_key_index_number(key, &number));
        struct record_key dropped = record_key_dropped_index(collection, number);
        TRY_OUT(store_get(txn, STORE_DROPPED, store_key(&dropped), &row));
        if (row.data == NULL && !is_known(indexes, number)) {
            verify_tell(v, DUET_DERIVED, NULL,
                        "there are rows of an index that is not");
            TRY_OUT(found(txn, collection, number));
        }
        if (number == UINT16_MAX) {
            break;
        }
        struct record_key next = record_key_index(collection, (uint16_t)(number + 1));
        TRY_OUT(cursor_seek(&cursor, store_key(&next)));
    }
out:
    cursor_close(&cursor);
    return result;
}

static enum err leave(struct txn *txn, uint32_t collection, uint16_t number)
{
    (void)txn;
    (void)collection;
    (void)number;
    return ERR_OK;
}

enum err verify_indexes(struct verify *v)
{
    struct payload_indexes indexes;
    bool sound;
    enum err result = payload_indexes_load(&indexes, &v->txn, v->record.number);
    if (result != ERR_OK) {
        return verify_outcome(v, result, DUET_DAMAGE, NULL);
    }
    for (size_t i = 0; i < indexes.n && result == ERR_OK; i++) {
        result = verify_index(v, &v->txn, &indexes.items[i], &sound);
    }
    if (result == ERR_OK) {
        result = verify_stray_indexes(v, &v->txn, &indexes, leave);
    }
    payload_indexes_release(&indexes);
    return verify_outcome(v, result, DUET_DERIVED, NULL);
}
