/*
 * point.c - points by id: db_write_points, duet_get, duet_scroll, duet_count. (By
 * filter: point_where.c.)
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "db/database.h"
#include "db/edit.h"
#include "db/hits.h"
#include "db/media.h"

enum err db_check_writable(const struct duet *db)
{
    FAIL_IF(!db->write, ERR_INVALID, "%s: opened for reading only", db->folder);
    return ERR_OK;
}

/* ---- Writing ---- */

enum err db_check_payload(const struct db_write *write)
{
    struct json_object *object;
    if (write->payload == NULL) {
        return ERR_OK;
    }
    FAIL_IF(write->n_payload > LIMIT_PAYLOAD_BYTES, ERR_LIMIT,
            "a payload of %zu bytes is more than %u", write->n_payload,
            LIMIT_PAYLOAD_BYTES);
    enum err result = json_parse(&object, write->payload, write->n_payload);
    if (result != ERR_OK) {
        return err_prefix(result, "payload");
    }
    bool is_object = json_object_is_type(object, json_type_object);
    json_object_put(object);
    FAIL_IF(!is_object, ERR_INVALID, "the payload is not a JSON object");
    return ERR_OK;
}

struct write_points {
    struct duet *db;
    const char *collection;
    const struct db_write *writes;
    size_t n;
    struct buf orphans; /* content hashes that points went away from */
};

/* Vectors were made by the database's model, and the collection may have become
 * another's meanwhile. */
static enum err check_model(const struct write_points *w,
                            const struct record_collection *c)
{
    bool made = false;
    for (size_t i = 0; i < w->n; i++) {
        for (size_t space = 0; space < DB_ORIGINS; space++) {
            made = made || w->writes[i].origins[space].kind != DB_OF_NUMBERS;
        }
    }
    FAIL_IF(made && strcmp(enc_info(w->db->model)->space, c->model_space) != 0,
            ERR_CONFLICT,
            "the collection is of the model '%s' by now, whose vectors cannot be "
            "compared with those of '%s'",
            c->model, w->db->model_name);
    return ERR_OK;
}

static enum err write_body(struct txn *txn, void *arg)
{
    struct write_points *w = arg;
    struct edit *edit = alloc_zero(1, sizeof *edit); /* too large for a small stack */
    if (edit == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    TRY_OUT(edit_open(edit, txn, w->collection));
    TRY_OUT(check_model(w, &edit->collection));
    for (size_t i = 0; i < w->n; i++) {
        result = edit_write(edit, &w->writes[i]);
        if (result != ERR_OK) {
            err_prefix(result, "point %zu", i);
            goto out;
        }
    }
    TRY_OUT(edit_finish(edit));
    buf_release(&w->orphans);
    w->orphans = edit->orphans;
    buf_init(&edit->orphans, 0);
out:
    edit_release(edit);
    alloc_free(edit);
    return result;
}

enum err db_write_points(struct duet *db, const char *collection,
                         const struct db_write *writes, size_t n)
{
    struct write_points w = {
        .db = db, .collection = collection, .writes = writes, .n = n};
    TRY(db_check_writable(db));
    FAIL_IF(n > LIMIT_BATCH_POINTS, ERR_LIMIT, "%zu points at once are more than %d", n,
            LIMIT_BATCH_POINTS);
    for (size_t i = 0; i < n; i++) {
        enum err result = db_check_payload(&writes[i]);
        if (result != ERR_OK) {
            return err_prefix(result, "point %zu", i);
        }
    }
    buf_init(&w.orphans, 0);
    enum err result = store_update(db->store, write_body, &w);
    if (result == ERR_OK) {
        media_sweep(db, &w.orphans);
        builder_wake(db->builder);
    }
    buf_release(&w.orphans);
    return result;
}

/* ---- Reading ---- */

enum err duet_get(struct duet *db, const char *collection, const struct duet_id *ids,
                  size_t n, bool vectors, struct duet_hits *out)
{
    struct txn txn;
    struct record_collection c;
    struct hit_parts parts = {.payload = true, .vectors = vectors};
    *out = (struct duet_hits){0};
    TRY(store_read(db->store, &txn));
    enum err result;
    TRY_OUT(collection_get(&txn, collection, &c));
    for (size_t i = 0; i < n; i++) {
        bool there;
        TRY_OUT(hits_append(out, &txn, &c, ids[i], parts, &there));
    }
out:
    store_end(&txn);
    if (result != ERR_OK) {
        duet_hits_release(out);
    }
    return result;
}

enum err duet_scroll(struct duet *db, const char *collection,
                     const struct duet_id *from, size_t limit, struct duet_hits *out)
{
    return duet_scroll_where(db, collection, NULL, from, limit, out);
}

enum err duet_count(struct duet *db, const char *collection, size_t *out)
{
    struct txn txn;
    struct record_collection c;
    *out = 0;
    TRY(store_read(db->store, &txn));
    enum err result = collection_get(&txn, collection, &c);
    if (result == ERR_OK) {
        *out = c.n_points;
    }
    store_end(&txn);
    return result;
}
