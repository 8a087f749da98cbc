/*
 * origin.c - see origin.h, and db_origin_get.
 */
#include "db/origin.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "db/database.h"

/* The first byte of a row. */
enum { ROW_TEXT = 0, ROW_PICTURE = 1, ROW_NUMBERS = 2 };

enum err origin_check(struct bytes value)
{
    const char *bytes = value.data;
    FAIL_IF(value.n == 0 || bytes[0] < ROW_TEXT || bytes[0] > ROW_NUMBERS ||
                (bytes[0] != ROW_TEXT && value.n > 1),
            ERR_CORRUPT, "what a vector was made from is recorded in no known way");
    FAIL_IF(value.n > 1 + LIMIT_TEXT_BYTES || !utf8_valid(bytes + 1, value.n - 1),
            ERR_CORRUPT, "the text that a vector was made from is no text");
    return ERR_OK;
}

enum err origin_key_read(struct bytes key, struct duet_id *id, size_t *space)
{
    FAIL_IF(key.n < 4 + 2, ERR_CORRUPT, "a key of %zu bytes is too short", key.n);
    const uint8_t *end = (const uint8_t *)key.data + key.n;
    *space = (size_t)(end[-2] << 8 | end[-1]);
    FAIL_IF(*space >= DB_ORIGINS, ERR_CORRUPT, "a key is of no space of a model");
    return record_key_id((struct bytes){key.data, key.n - 2}, 4, id);
}

/* ---- Reading ---- */

/* What of a system record matters here. */
struct picture {
    bool there;
    uint8_t hash[DB_HASH_BYTES];
    bool has_notes; /* in a file beside its own */
};

static enum err get_picture(struct txn *txn, const struct record_key *key,
                            struct picture *out)
{
    struct bytes value;
    struct db_source source;
    struct buf path;
    *out = (struct picture){.there = false};
    TRY(store_get(txn, STORE_SYSTEM, store_key(key), &value));
    if (value.data == NULL) {
        return ERR_OK;
    }
    buf_init(&path, PATH_MAX);
    enum err result = record_source_read(&source, &path, value);
    if (result == ERR_OK) {
        out->there = true;
        out->has_notes = source.path[0] != '\0' && source.notes_hash != 0;
        memcpy(out->hash, source.hash, DB_HASH_BYTES);
    }
    buf_release(&path);
    return result;
}

static enum err get_default(struct txn *txn, const struct record_collection *c,
                            struct duet_id id, size_t space, struct db_origin *out)
{
    struct record_key key = record_key_point(c->number, id);
    struct picture picture;
    TRY(get_picture(txn, &key, &picture));
    if (picture.there && space == DB_IMAGE) {
        out->kind = DB_OF_PICTURE;
    } else if (picture.has_notes && space == DB_TEXT) {
        out->kind = DB_OF_NOTES;
    }
    return ERR_OK;
}

enum err origin_get(struct txn *txn, const struct record_collection *c,
                    struct duet_id id, size_t space, struct db_origin *out)
{
    struct record_key key = record_key_text(c->number, id, space);
    struct bytes value;
    *out = (struct db_origin){.kind = DB_OF_NUMBERS};
    TRY(store_get(txn, STORE_TEXTS, store_key(&key), &value));
    if (value.data == NULL) {
        return get_default(txn, c, id, space, out);
    }
    TRY(origin_check(value));
    const char *bytes = value.data;
    if (bytes[0] == ROW_TEXT) {
        *out = (struct db_origin){DB_OF_TEXT, bytes + 1, value.n - 1};
    } else if (bytes[0] == ROW_PICTURE) {
        out->kind = DB_OF_PICTURE;
    }
    return ERR_OK;
}

enum err db_origin_get(struct duet *db, const char *collection, struct duet_id id,
                       size_t space, struct buf *text, struct db_origin *out)
{
    struct txn txn;
    struct record_collection c;
    *out = (struct db_origin){.kind = DB_OF_NUMBERS};
    TRY(store_read(db->store, &txn));
    enum err result;
    TRY_OUT(collection_get(&txn, collection, &c));
    if (!collection_is_cross_modal(&c)) {
        goto out;
    }
    TRY_OUT(origin_get(&txn, &c, id, space, out));
    if (out->kind == DB_OF_TEXT) {
        buf_clear(text);
        TRY_OUT(buf_append(text, out->text, out->n));
        out->text = text->data;
    }
out:
    store_end(&txn);
    return result;
}

/* ---- Writing ---- */

static enum err put_row(struct txn *txn, struct bytes key, char kind,
                        const struct db_origin *text)
{
    struct buf row;
    buf_init(&row, 1 + LIMIT_TEXT_BYTES);
    enum err result = buf_append(&row, &kind, 1);
    if (result == ERR_OK && kind == ROW_TEXT) {
        result = buf_append(&row, text->text, text->n);
    }
    if (result == ERR_OK) {
        result = store_put(txn, STORE_TEXTS, key, (struct bytes){row.data, row.size});
    }
    buf_release(&row);
    return result;
}

enum err origin_forget(struct txn *txn, struct bytes key)
{
    return put_row(txn, key, ROW_NUMBERS, NULL);
}

/* The system record before and after a write. */
struct pictures {
    bool there;   /* after it */
    bool changed; /* another, or none any more */
};

static enum err compare_pictures(struct txn *txn, const struct record_collection *c,
                                 const struct db_write *write, struct pictures *out)
{
    struct record_key key = record_key_point(c->number, write->id);
    struct picture before;
    TRY(get_picture(txn, &key, &before));
    if (write->source != NULL) {
        out->there = true;
        out->changed = !before.there ||
                       memcmp(before.hash, write->source->hash, DB_HASH_BYTES) != 0;
    } else {
        out->there = before.there && !write->drop_source;
        out->changed = before.there && write->drop_source;
    }
    return ERR_OK;
}

/* A vector that is new. */
static enum err put_new(struct txn *txn, const struct record_key *key, size_t space,
                        const struct db_origin *origin, bool has_picture)
{
    if (origin->kind == DB_OF_TEXT) {
        return put_row(txn, store_key(key), ROW_TEXT, origin);
    }
    if (origin->kind == DB_OF_PICTURE && space != DB_IMAGE) {
        return put_row(txn, store_key(key), ROW_PICTURE, NULL);
    }
    if (origin->kind == DB_OF_NUMBERS && has_picture) {
        return put_row(txn, store_key(key), ROW_NUMBERS, NULL);
    }
    return store_delete(txn, STORE_TEXTS, store_key(key));
}

/* A vector that stays, while the picture it may be of does not. */
static enum err keep_old(struct txn *txn, const struct record_key *key, size_t space,
                         bool has_picture)
{
    struct bytes value;
    TRY(store_get(txn, STORE_TEXTS, store_key(key), &value));
    if (value.data == NULL) {
        return space == DB_IMAGE && has_picture
                   ? put_row(txn, store_key(key), ROW_NUMBERS, NULL)
                   : ERR_OK;
    }
    TRY(origin_check(value));
    bool of_picture = *(const char *)value.data == ROW_PICTURE;
    return of_picture ? put_row(txn, store_key(key), ROW_NUMBERS, NULL) : ERR_OK;
}

enum err origin_update(struct txn *txn, const struct record_collection *c,
                       const struct origin_change *change)
{
    const struct db_write *write = change->write;
    struct pictures pictures;
    TRY(compare_pictures(txn, c, write, &pictures));
    for (size_t space = 0; space < DB_ORIGINS; space++) {
        struct record_key key = record_key_text(c->number, write->id, space);
        if (!change->has_vector[space]) {
            TRY(store_delete(txn, STORE_TEXTS, store_key(&key)));
        } else if (write->vectors[space] != NULL) {
            TRY(put_new(txn, &key, space, &write->origins[space], pictures.there));
        } else if (pictures.changed) {
            TRY(keep_old(txn, &key, space, pictures.there));
        }
    }
    return ERR_OK;
}

enum err origin_delete(struct txn *txn, const struct record_collection *c,
                       struct duet_id id)
{
    for (size_t space = 0; space < DB_ORIGINS; space++) {
        struct record_key key = record_key_text(c->number, id, space);
        TRY(store_delete(txn, STORE_TEXTS, store_key(&key)));
    }
    return ERR_OK;
}
