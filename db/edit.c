/*
 * edit.c - see edit.h.
 */
#include "db/edit.h"

#include <limits.h>
#include <string.h>

#include "db/origin.h"

enum { ORPHANS_BYTES_MAX = 1 << 26 }; /* four million hashes */

enum err edit_open(struct edit *edit, struct txn *txn, const char *collection)
{
    memset(edit, 0, sizeof *edit);
    edit->txn = txn;
    buf_init(&edit->orphans, ORPHANS_BYTES_MAX);
    TRY(collection_get(txn, collection, &edit->collection));
    return payload_rows_open(&edit->rows, txn, edit->collection.number);
}

void edit_release(struct edit *edit)
{
    for (size_t i = 0; i < LIMIT_SPACES_MAX; i++) {
        vector_writer_release(&edit->writers[i]);
    }
    payload_rows_release(&edit->rows);
    buf_release(&edit->orphans);
}

static enum err writer_of(struct edit *edit, size_t space, struct vector_writer **w)
{
    *w = &edit->writers[space];
    if (edit->open[space]) {
        return ERR_OK;
    }
    TRY(vector_writer_open(*w, vector_space_of(edit->txn, &edit->collection, space)));
    edit->open[space] = true;
    return ERR_OK;
}

static enum err drop_vector(struct edit *edit, size_t space, uint32_t slot)
{
    struct vector_writer *w;
    if (slot == RECORD_NO_SLOT) {
        return ERR_OK;
    }
    TRY(writer_of(edit, space, &w));
    return vector_writer_drop(w, slot);
}

/* ---- Points ---- */

/* A point, its vectors by their space's place in the collection. */
struct present {
    bool there;
    uint32_t slots[LIMIT_SPACES_MAX]; /* RECORD_NO_SLOT where there is no vector */
    struct bytes payload;             /* in the map: good until the next write */
};

/* Vectors of spaces that were removed are forgotten; their rows are gone or going. */
static enum err get_point(struct edit *edit, const struct record_key *key,
                          struct present *point)
{
    const struct record_collection *c = &edit->collection;
    struct bytes value;
    struct record_point record = {.payload = {"{}", 2}};
    TRY(store_get(edit->txn, STORE_POINTS, store_key(key), &value));
    point->there = value.data != NULL;
    if (point->there) {
        TRY(record_point_read(&record, value));
    }
    for (size_t i = 0; i < record_collection_n_all(c); i++) {
        point->slots[i] = record_point_slot(&record, c->spaces[i].number);
    }
    point->payload = record.payload;
    return ERR_OK;
}

/* The vector in the shadow of the space is no longer of what the point has there. */
static enum err drop_shadow(struct edit *edit, size_t space, struct present *point)
{
    if (edit->collection.n_shadows == 0) {
        return ERR_OK;
    }
    size_t shadow = edit->collection.n_spaces + space;
    TRY(drop_vector(edit, shadow, point->slots[shadow]));
    point->slots[shadow] = RECORD_NO_SLOT;
    return ERR_OK;
}

/* Puts the new vectors into slots of their own and lets the old ones die. */
static enum err write_vectors(struct edit *edit, const struct db_write *write,
                              struct present *point)
{
    size_t n_spaces = edit->collection.n_spaces;
    for (size_t i = 0; i < n_spaces; i++) {
        const float *vector = write->vectors[i];
        if (vector == NULL && (write->keep >> i & 1) != 0) {
            continue;
        }
        TRY(drop_vector(edit, i, point->slots[i]));
        point->slots[i] = RECORD_NO_SLOT;
        if (!write->moved) {
            TRY(drop_shadow(edit, i, point));
        }
        if (vector != NULL) {
            struct vector_writer *w;
            TRY(writer_of(edit, i, &w));
            TRY(vector_check(vector, w->in.dim));
            TRY(vector_writer_add(w, write->id, vector, &point->slots[i]));
        }
    }
    for (size_t i = n_spaces; i < LIMIT_SPACES_MAX; i++) {
        FAIL_IF(write->vectors[i] != NULL, ERR_INVALID,
                "the collection has no space %zu", i);
    }
    return ERR_OK;
}

static enum err put_point(struct edit *edit, const struct record_key *key,
                          const struct present *point)
{
    const struct record_collection *c = &edit->collection;
    struct record_point filled = {.payload = point->payload};
    struct buf record;
    for (size_t i = 0; i < record_collection_n_all(c); i++) {
        if (point->slots[i] != RECORD_NO_SLOT) {
            filled.vectors[filled.n_vectors++] =
                (struct record_vector){c->spaces[i].number, point->slots[i]};
        }
    }
    buf_init(&record, LIMIT_PAYLOAD_BYTES + 256);
    enum err result = record_point_write(&filled, &record);
    if (result == ERR_OK) {
        result = store_put(edit->txn, STORE_POINTS, store_key(key),
                           (struct bytes){record.data, record.size});
    }
    buf_release(&record);
    return result;
}

enum err edit_has(struct edit *edit, struct duet_id id, bool *there)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct bytes value;
    TRY(store_get(edit->txn, STORE_POINTS, store_key(&key), &value));
    *there = value.data != NULL;
    return ERR_OK;
}

enum err edit_payload_get(struct edit *edit, struct duet_id id, struct bytes *payload)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct present point;
    TRY(get_point(edit, &key, &point));
    *payload = point.payload;
    return ERR_OK;
}

/* ---- System records ---- */

/* Deletes the system record and its hash row, if there are any. */
static enum err delete_source(struct edit *edit, struct duet_id id)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct bytes value;
    struct db_source source;
    struct buf path;
    TRY(store_get(edit->txn, STORE_SYSTEM, store_key(&key), &value));
    if (value.data == NULL) {
        return ERR_OK;
    }
    buf_init(&path, PATH_MAX);
    enum err result = record_source_read(&source, &path, value);
    buf_release(&path);
    TRY(result);
    struct record_key hash = record_key_hash(source.hash, edit->collection.number, id);
    TRY(buf_append(&edit->orphans, source.hash, DB_HASH_BYTES));
    TRY(store_delete(edit->txn, STORE_HASHES, store_key(&hash)));
    return store_delete(edit->txn, STORE_SYSTEM, store_key(&key));
}

static enum err put_source(struct edit *edit, struct duet_id id,
                           const struct db_source *source)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct record_key hash = record_key_hash(source->hash, edit->collection.number, id);
    struct buf record;
    FAIL_IF(strlen(source->path) >= PATH_MAX, ERR_LIMIT,
            "the path of a file is too long");
    buf_init(&record, PATH_MAX + 64);
    enum err result;
    TRY_OUT(record_source_write(source, &record));
    TRY_OUT(store_put(edit->txn, STORE_SYSTEM, store_key(&key),
                      (struct bytes){record.data, record.size}));
    TRY_OUT(
        store_put(edit->txn, STORE_HASHES, store_key(&hash), (struct bytes){"", 0}));
out:
    buf_release(&record);
    return result;
}

/* ---- Whole points ---- */

/* Before the system record is written. */
static enum err write_origins(struct edit *edit, const struct db_write *write,
                              const struct present *point)
{
    struct origin_change change = {.write = write};
    if (!collection_is_cross_modal(&edit->collection) || write->moved) {
        return ERR_OK;
    }
    for (size_t i = 0; i < DB_ORIGINS; i++) {
        change.has_vector[i] = point->slots[i] != RECORD_NO_SLOT;
    }
    return origin_update(edit->txn, &edit->collection, &change);
}

enum err edit_write(struct edit *edit, const struct db_write *write)
{
    struct record_key key = record_key_point(edit->collection.number, write->id);
    struct present point;
    struct buf kept; /* a payload that stays, out of the map before the next write */
    TRY(get_point(edit, &key, &point));
    buf_init(&kept, LIMIT_PAYLOAD_BYTES);
    enum err result;
    if (write->payload != NULL) {
        struct bytes before = {point.there ? point.payload.data : NULL,
                               point.payload.n};
        point.payload = (struct bytes){write->payload, write->n_payload};
        TRY_OUT(payload_rows_change(&edit->rows, write->id, before, point.payload));
    } else {
        TRY_OUT(buf_append(&kept, point.payload.data, point.payload.n));
        point.payload = (struct bytes){kept.data, kept.size};
    }
    TRY_OUT(write_vectors(edit, write, &point));
    TRY_OUT(put_point(edit, &key, &point));
    TRY_OUT(write_origins(edit, write, &point));
    edit->collection.n_points += point.there ? 0 : 1;
    if (write->source != NULL || write->drop_source) {
        TRY_OUT(delete_source(edit, write->id));
    }
    if (write->source != NULL) {
        TRY_OUT(put_source(edit, write->id, write->source));
    }
    if (write->replaces != NULL && duet_id_compare(*write->replaces, write->id) != 0) {
        bool was_there;
        TRY_OUT(edit_remove(edit, *write->replaces, &was_there));
    }
out:
    buf_release(&kept);
    return result;
}

enum err edit_remove(struct edit *edit, struct duet_id id, bool *was_there)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct present point;
    TRY(get_point(edit, &key, &point));
    *was_there = point.there;
    if (!*was_there) {
        return ERR_OK;
    }
    FAIL_IF(edit->collection.n_points == 0, ERR_CORRUPT,
            "a collection has more points than it counts");
    TRY(payload_rows_change(&edit->rows, id, point.payload, (struct bytes){NULL, 0}));
    for (size_t i = 0; i < record_collection_n_all(&edit->collection); i++) {
        TRY(drop_vector(edit, i, point.slots[i]));
    }
    TRY(store_delete(edit->txn, STORE_POINTS, store_key(&key)));
    if (collection_is_cross_modal(&edit->collection)) {
        TRY(origin_delete(edit->txn, &edit->collection, id));
    }
    edit->collection.n_points--;
    return delete_source(edit, id);
}

enum err edit_write_shadow(struct edit *edit, const struct edit_shadow *write,
                           bool *written)
{
    struct record_key key = record_key_point(edit->collection.number, write->id);
    size_t shadow = edit->collection.n_spaces + write->space;
    struct present point;
    struct vector_writer *w;
    struct buf payload; /* out of the map before the next write */
    *written = false;
    TRY(get_point(edit, &key, &point));
    if (!point.there || point.slots[write->space] != write->slot ||
        point.slots[shadow] != RECORD_NO_SLOT) {
        return ERR_OK;
    }
    buf_init(&payload, LIMIT_PAYLOAD_BYTES);
    enum err result;
    TRY_OUT(buf_append(&payload, point.payload.data, point.payload.n));
    point.payload = (struct bytes){payload.data, payload.size};
    TRY_OUT(writer_of(edit, shadow, &w));
    TRY_OUT(vector_check(write->vector, w->in.dim));
    TRY_OUT(vector_writer_add(w, write->id, write->vector, &point.slots[shadow]));
    TRY_OUT(put_point(edit, &key, &point));
    *written = true;
out:
    buf_release(&payload);
    return result;
}

enum err edit_finish(struct edit *edit)
{
    for (size_t i = 0; i < LIMIT_SPACES_MAX; i++) {
        if (edit->open[i]) {
            TRY(vector_writer_finish(&edit->writers[i]));
        }
    }
    TRY(payload_rows_finish(&edit->rows));
    return collection_put(edit->txn, &edit->collection);
}
