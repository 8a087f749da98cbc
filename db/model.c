/*
 * model.c - see model.h, and db_encoder, duet_model.
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
        result = enc_open(&db->model, folder.data);
    } else if (result == ERR_NOT_FOUND) {
        result = ERR_MODEL; /* not found would be the collection's or a point's */
    }
    buf_release(&folder);
    TRY(result);
    db->model_name = alloc_dup(name);
    if (db->model_name == NULL) {
        enc_close(db->model);
        db->model = NULL;
        return ERR_NOMEM;
    }
    return ERR_OK;
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

enum err duet_model(struct duet *db, struct duet_model_info *out)
{
    struct enc *enc;
    const char *fingerprint;
    *out = (struct duet_model_info){0};
    TRY(db_encoder(db, &enc));
    TRY(enc_fingerprint(enc, &fingerprint));
    const struct enc_info *info = enc_info(enc);
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
