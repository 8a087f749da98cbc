/*
 * repair.c - see duet_repair in duet_keep.h.
 *
 * Segments are not built here: those that are missing or broken are told, and the
 * builder, started last, does what it does at any opening.
 */
#include "db/repair.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "db/original.h"
#include "encoder/image.h"

enum { THUMBNAIL_SIDE = 320 };

struct repair {
    struct verify v;
    const struct duet_repair_options *options;
    struct buf names;    /* of the collections, each with its NUL */
    struct buf pictures; /* without a thumbnail: hash, path, NUL */
};

/* ---- Collections ---- */

static enum err list_names(struct repair *r)
{
    struct txn txn;
    struct cursor cursor;
    TRY(store_read(r->v.db->store, &txn));
    enum err result =
        cursor_open(&txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor);
    while (result == ERR_OK && cursor.key.data != NULL) {
        TRY_OUT(buf_append(&r->names, cursor.key.data, cursor.key.n));
        TRY_OUT(buf_append(&r->names, "", 1));
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    store_end(&txn);
    return result;
}

/* A store_body; ERR_CANCELLED where it was only to be tried. */
static enum err repair_body(struct txn *txn, void *arg)
{
    struct repair *r = arg;
    bool changed;
    enum err result = collection_get(txn, r->v.collection, &r->v.record);
    if (result == ERR_CORRUPT) {
        verify_tell(&r->v, DUET_DAMAGE, NULL,
                    "its record cannot be read: only a backup has it");
        return ERR_OK;
    }
    TRY(result);
    r->v.result->n_collections++;
    TRY(repair_points(&r->v, txn, &changed));
    TRY(repair_indexes(&r->v, txn));
    r->v.result->n_points += r->v.record.n_points;
    if (changed) {
        TRY(collection_put(txn, &r->v.record));
    }
    return r->options->dry_run ? err_set(ERR_CANCELLED, "a dry run") : ERR_OK;
}

static enum err update(struct repair *r, store_body *body)
{
    enum err result = store_update(r->v.db->store, body, r);
    return result == ERR_CANCELLED && r->options->dry_run ? ERR_OK : result;
}

/* Tells of the segments whose files the builder will make again. */
static enum err look_at_segments(struct repair *r)
{
    struct verify *v = &r->v;
    TRY(store_read(v->db->store, &v->txn));
    enum err result = collection_get(&v->txn, v->collection, &v->record);
    for (size_t i = 0; result == ERR_OK && i < record_collection_n_all(&v->record);
         i++) {
        struct record_space state;
        result = collection_space_get(&v->txn, v->record.number,
                                      v->record.spaces[i].number, &state);
        if (result == ERR_OK) {
            result = verify_segments(v, i, &state);
        }
    }
    store_end(&v->txn);
    return result == ERR_CORRUPT ? ERR_OK : result; /* told already */
}

static enum err note_bare(void *arg, struct duet_id id, const struct db_source *source)
{
    struct repair *r = arg;
    (void)id;
    if (db_media_has(r->v.db, source->hash)) {
        return ERR_OK;
    }
    TRY(buf_append(&r->pictures, source->hash, DB_HASH_BYTES));
    return buf_append(&r->pictures, source->path, strlen(source->path) + 1);
}

static enum err repair_collections(struct repair *r)
{
    TRY(list_names(r));
    for (size_t at = 0; at < r->names.size; at += strlen(r->names.data + at) + 1) {
        size_t n = strlen(r->names.data + at);
        if (n >= sizeof r->v.collection) {
            continue;
        }
        memcpy(r->v.collection, r->names.data + at, n + 1);
        TRY(update(r, repair_body));
        TRY(look_at_segments(r));
        enum err result = db_sources_walk(r->v.db, r->v.collection, "", note_bare, r);
        /* What cannot be read is told, and in a dry run still there. */
        TRY(result == ERR_CORRUPT ? ERR_OK : result);
    }
    r->v.collection[0] = '\0';
    return ERR_OK;
}

/* ---- Hashes ---- */

/* Whether the row belongs to a source; then it is right, or was made right before. */
static enum err hash_has_source(struct txn *txn, struct bytes row, bool *has)
{
    struct record_key key = {.n = row.n - DB_HASH_BYTES};
    struct bytes value;
    struct db_source source;
    struct buf path;
    *has = false;
    if (row.n <= DB_HASH_BYTES || key.n > sizeof key.data) {
        return ERR_OK;
    }
    /* Behind the hash a row's key is a source's key. */
    memcpy(key.data, (const char *)row.data + DB_HASH_BYTES, key.n);
    TRY(store_get(txn, STORE_SYSTEM, store_key(&key), &value));
    buf_init(&path, LIMIT_PAYLOAD_BYTES);
    *has = value.data != NULL && record_source_read(&source, &path, value) == ERR_OK &&
           memcmp(source.hash, row.data, DB_HASH_BYTES) == 0;
    buf_release(&path);
    return ERR_OK;
}

static enum err hashes_body(struct txn *txn, void *arg)
{
    struct repair *r = arg;
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_HASHES, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        bool has;
        TRY_OUT(hash_has_source(txn, cursor.key, &has));
        if (!has) {
            verify_tell(&r->v, DUET_DERIVED, NULL,
                        "a content hash that belongs to no point is taken out");
        }
        TRY_OUT(has ? cursor_next(&cursor) : cursor_delete(&cursor));
    }
out:
    cursor_close(&cursor);
    TRY(result);
    return r->options->dry_run ? err_set(ERR_CANCELLED, "a dry run") : ERR_OK;
}

/* ---- Files ---- */

static enum err make_thumbnail(struct repair *r, const struct db_source *source,
                               const struct buf *bytes)
{
    struct img image;
    struct img_options options = {.target_side = THUMBNAIL_SIDE};
    struct buf jpeg;
    TRY(img_decode(&image, bytes->data, bytes->size, &options));
    buf_init(&jpeg, LIMIT_THUMBNAIL_BYTES);
    enum err result = img_thumbnail(&image, THUMBNAIL_SIDE, &jpeg);
    if (result == ERR_OK) {
        result = db_media_put(r->v.db, source->hash, jpeg.data, jpeg.size);
    }
    buf_release(&jpeg);
    img_release(&image);
    return result;
}

/* A picture that is gone or another by now is no fault of the database. */
static enum err repair_thumbnail(struct repair *r, const uint8_t *hash,
                                 const char *path)
{
    struct db_source source = {.path = path};
    struct buf bytes;
    memcpy(source.hash, hash, DB_HASH_BYTES);
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    enum err result = original_read(r->v.db, &source, &bytes);
    if (result == ERR_OK && !r->options->dry_run) {
        result = make_thumbnail(r, &source, &bytes);
    }
    buf_release(&bytes);
    if (result == ERR_OK) {
        verify_tell(&r->v, DUET_DERIVED, NULL, "%s: has its thumbnail again",
                    path[0] == '\0' ? "an upload" : path);
    }
    return result == ERR_NOMEM || result == ERR_FULL ? result : ERR_OK;
}

static enum err repair_thumbnails(struct repair *r)
{
    size_t at = 0;
    while (at < r->pictures.size) {
        const uint8_t *hash = (const uint8_t *)r->pictures.data + at;
        const char *path = r->pictures.data + at + DB_HASH_BYTES;
        TRY(repair_thumbnail(r, hash, path));
        at += DB_HASH_BYTES + strlen(path) + 1;
    }
    return ERR_OK;
}

/* ---- All of it ---- */

static enum err repair_database(struct repair *r)
{
    struct duet *db = r->v.db;
    TRY(store_check(db->store));
    TRY(repair_collections(r));
    TRY(update(r, hashes_body));
    TRY(repair_thumbnails(r));
    if (r->options->dry_run) {
        return ERR_OK;
    }
    TRY(builder_start(&db->builder, db));
    return builder_wait(db->builder);
}

enum err duet_repair(const struct duet_repair_options *options,
                     struct duet_check_result *result)
{
    struct duet_options o = {.path = options->path, .write = true};
    *result = (struct duet_check_result){0};
    struct repair *r = alloc_zero(1, sizeof *r);
    if (r == NULL) {
        return ERR_NOMEM;
    }
    r->options = options;
    r->v.options = &options->check;
    r->v.result = result;
    buf_init(&r->names, SIZE_MAX / 2);
    buf_init(&r->pictures, SIZE_MAX / 2);
    enum err outcome = db_open_still(&r->v.db, &o);
    if (outcome == ERR_OK) {
        outcome = repair_database(r);
        duet_close(r->v.db);
    }
    buf_release(&r->names);
    buf_release(&r->pictures);
    alloc_free(r);
    return outcome;
}
