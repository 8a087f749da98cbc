/*
 * model.c - see model.h, and db_encoder, duet_model, duet_encode_stats.
 *
 * encoder/model_path.h says where a model is looked for.
 */
#include "db/model.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "encoder/model_path.h"

/* The encoder `name`, in `folder`, and what belongs to it. */
static enum err open_parts(struct duet *db, const char *name, const char *folder)
{
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.n_workers = db->n_threads;
    TRY(enc_open(&db->model, folder));
    options.max_pictures = enc_info(db->model)->picture_batch;
    TRY(enc_pool_open(&db->pool, db->model, &options));
    db->model_name = alloc_dup(name);
    return db->model_name == NULL ? ERR_NOMEM : ERR_OK;
}

void model_release(struct duet *db)
{
    enc_pool_close(db->pool);
    db->pool = NULL;
    enc_close(db->model);
    db->model = NULL;
    alloc_free(db->model_name);
    db->model_name = NULL;
}

/* With the mutex held. `recorded` is the name a collection was made with, or NULL. */
static enum err open_model(struct duet *db, const char *recorded)
{
    struct buf folder;
    if (db->model != NULL) {
        return ERR_OK;
    }
    const char *name = db->model_wanted != NULL ? db->model_wanted
                       : recorded != NULL       ? recorded
                                                : "default";
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_OK) {
        result = open_parts(db, name, folder.data);
    } else if (result == ERR_NOT_FOUND) {
        result = ERR_MODEL; /* not found would be the collection's or a point's */
    }
    buf_release(&folder);
    if (result != ERR_OK) {
        model_release(db);
    }
    return result;
}

static enum err model_get(struct duet *db, const char *recorded, struct enc **enc)
{
    pthread_mutex_lock(&db->model_mutex);
    enum err result = open_model(db, recorded);
    *enc = db->model;
    pthread_mutex_unlock(&db->model_mutex);
    return result;
}

enum err db_encoder(struct duet *db, struct enc **enc)
{
    return model_get(db, NULL, enc);
}

uint32_t db_target_side(const struct duet *db, const struct enc *enc)
{
    return db->exact_decode ? 0 : enc_info(enc)->decode_side;
}

struct enc_pool *db_encoder_pool(const struct duet *db)
{
    return db->pool;
}

enum err model_for_search(struct duet *db, const struct record_collection *c,
                          struct enc **enc)
{
    FAIL_IF(!collection_is_cross_modal(c), ERR_UNSUPPORTED,
            "this collection holds plain vectors: no model makes them of texts or "
            "pictures");
    TRY(model_get(db, c->model, enc));
    const struct enc_info *info = enc_info(*enc);
    FAIL_IF(
        strcmp(info->space, c->model_space) != 0, ERR_CONFLICT,
        "the collection was made by the model '%s' (space %s), and '%s' (space %s) is "
        "in use: their vectors cannot be compared",
        c->model, c->model_space, db->model_name, info->space);
    return ERR_OK;
}

/* Vectors of one space by other weights may be compared, but not to the last digit. */
static enum err check_fingerprint(struct duet *db, const struct record_collection *c)
{
    const char *fingerprint;
    TRY(enc_fingerprint(db->model, &fingerprint));
    if (strcmp(fingerprint, c->fingerprint) == 0) {
        return ERR_OK;
    }
    pthread_mutex_lock(&db->model_mutex);
    bool warn = !db->model_warned;
    db->model_warned = true;
    pthread_mutex_unlock(&db->model_mutex);
    if (warn) {
        log_warn(
            "the collection was made by other weights of the model '%s' than those "
            "in %s: scores may differ a little",
            c->model, enc_info(db->model)->folder);
    }
    return ERR_OK;
}

enum err model_for_write(struct duet *db, const struct record_collection *c,
                         struct enc **enc)
{
    TRY(model_for_search(db, c, enc));
    return check_fingerprint(db, c);
}

enum err db_encoder_for(struct duet *db, const char *collection, struct enc **enc)
{
    struct txn txn;
    struct record_collection c;
    *enc = NULL;
    TRY(store_read(db->store, &txn));
    enum err result = collection_get(&txn, collection, &c);
    store_end(&txn);
    TRY(result);
    return model_for_write(db, &c, enc);
}

static struct duet_encode_kind_stats kind_stats(const struct enc_pool_kind_stats *kind)
{
    struct duet_encode_kind_stats out = {
        .n_items = kind->n_items,
        .n_batches = kind->n_batches,
        .n_busy = kind->n_busy,
        .n_timeouts = kind->n_timeouts,
        .wait_seconds = (double)kind->wait_ns * 1e-9,
        .seconds = (double)kind->work_ns * 1e-9,
        .n_waiting = kind->n_queued,
    };
    _Static_assert(sizeof out.batches_by_size == sizeof kind->batches_by_size,
                   "duet.h knows every size of batch");
    memcpy(out.batches_by_size, kind->batches_by_size, sizeof out.batches_by_size);
    return out;
}

void duet_encode_stats(struct duet *db, struct duet_encode_stats *out)
{
    pthread_mutex_lock(&db->model_mutex);
    struct enc_pool *pool = db->pool;
    pthread_mutex_unlock(&db->model_mutex);
    *out = (struct duet_encode_stats){0};
    if (pool != NULL) {
        struct enc_pool_stats stats = enc_pool_stats(pool);
        out->texts = kind_stats(&stats.texts);
        out->images = kind_stats(&stats.pictures);
    }
}

enum err model_info(struct enc *enc, struct duet_model_info *out)
{
    const char *fingerprint;
    const struct enc_info *info = enc_info(enc);
    *out = (struct duet_model_info){0};
    TRY(enc_fingerprint(enc, &fingerprint));
    *out = (struct duet_model_info){
        .name = info->name,
        .folder = info->folder,
        .space = info->space,
        .licence = info->licence,
        .languages = info->languages,
        .fingerprint = fingerprint,
        .dim = info->dim,
        .image_size = info->image_size,
        .max_tokens = info->max_tokens,
    };
    return ERR_OK;
}

enum err duet_model(struct duet *db, struct duet_model_info *out)
{
    struct enc *enc;
    *out = (struct duet_model_info){0};
    TRY(db_encoder(db, &enc));
    return model_info(enc, out);
}
