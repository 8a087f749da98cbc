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

/* What a collection says of the model that made it. */
struct recorded {
    const char *name;
    const char *space;
};

/* The name to be recorded: one that means this folder for good. A path too long for a
 * record stays as it was given. */
static enum err name_model(struct duet *db, const char *given, const char *folder)
{
    struct buf name;
    buf_init(&name, PATH_MAX);
    enum err result = enc_model_name(folder, &name);
    if (result == ERR_OK) {
        db->model_name = alloc_dup(name.size <= RECORD_MODEL_BYTES ? name.data : given);
        result = db->model_name == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_release(&name);
    return result;
}

/* The encoder `name`, in `folder`, and what belongs to it. */
static enum err open_parts(struct duet *db, const char *name, const char *folder)
{
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    options.n_workers = db->n_threads;
    TRY(enc_open(&db->model, folder));
    options.max_pictures = enc_info(db->model)->picture_batch;
    TRY(text_cache_open(&db->texts, enc_info(db->model)->dim));
    TRY(enc_pool_open(&db->pool, db->model, &options));
    return name_model(db, name, folder);
}

void model_release(struct duet *db)
{
    enc_pool_close(db->pool);
    db->pool = NULL;
    text_cache_close(db->texts);
    db->texts = NULL;
    enc_close(db->model);
    db->model = NULL;
    alloc_free(db->model_name);
    db->model_name = NULL;
}

static enum err open_named(struct duet *db, const char *name)
{
    struct buf folder;
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_OK) {
        result = open_parts(db, name, folder.data);
    }
    buf_release(&folder);
    if (result != ERR_OK) {
        model_release(db);
    }
    return result;
}

static bool is_of_space(const struct duet *db, const char *space)
{
    return strcmp(enc_info(db->model)->space, space) == 0;
}

/*
 * Where the recorded model is gone (a folder was renamed, a database came from another
 * machine), one of the same space will do. So it will where "default" is recorded, as
 * once it was, and has become another model since. A model that is there and broken is
 * told, not passed over.
 */
static enum err open_recorded(struct duet *db, const struct recorded *recorded)
{
    static const char *const others[] = {ENC_MODEL_DEFAULT, ENC_MODEL_SHIPPED};
    enum err result = open_named(db, recorded->name);
    bool vague = strcmp(recorded->name, ENC_MODEL_DEFAULT) == 0;
    if (result == ERR_OK ? !vague || is_of_space(db, recorded->space)
                         : result != ERR_NOT_FOUND) {
        return result;
    }
    model_release(db);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (open_named(db, others[i]) == ERR_OK && is_of_space(db, recorded->space)) {
            return ERR_OK;
        }
        model_release(db);
    }
    return open_named(db, recorded->name); /* again, for its own sentence */
}

/* The model of the first collection that has one, so that what is new in a database
 * can be compared with what is old; "default" where there is none. */
static enum err open_first(struct duet *db)
{
    struct duet_collections list;
    TRY(duet_collections_list(db, NULL, &list));
    size_t i = 0;
    while (i < list.n && list.items[i].model[0] == '\0') {
        i++;
    }
    enum err result;
    if (i < list.n) {
        struct recorded first = {list.items[i].model, list.items[i].model_space};
        result = open_recorded(db, &first);
    } else {
        result = open_named(db, ENC_MODEL_DEFAULT);
    }
    duet_collections_release(&list);
    return result;
}

/* `recorded` is NULL where no collection is spoken of. */
static enum err model_get(struct duet *db, const struct recorded *recorded,
                          struct enc **enc)
{
    enum err result = ERR_OK;
    pthread_mutex_lock(&db->model_mutex);
    if (db->model == NULL) {
        result = db->model_wanted != NULL ? open_named(db, db->model_wanted)
                 : recorded != NULL       ? open_recorded(db, recorded)
                                          : open_first(db);
    }
    *enc = db->model;
    pthread_mutex_unlock(&db->model_mutex);
    /* Not found would be the collection's or a point's. */
    return result == ERR_NOT_FOUND ? ERR_MODEL : result;
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
    struct recorded recorded = {c->model, c->model_space};
    TRY(model_get(db, &recorded, enc));
    const struct enc_info *info = enc_info(*enc);
    FAIL_IF(
        strcmp(info->space, c->model_space) != 0, ERR_CONFLICT,
        "the collection was made by the model '%s' (space %s), and '%s' (space %s) is "
        "in use: their vectors cannot be compared ('duet reembed' makes them again)",
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
    struct text_cache *texts = db->texts;
    pthread_mutex_unlock(&db->model_mutex);
    *out = (struct duet_encode_stats){0};
    if (pool != NULL) {
        struct enc_pool_stats stats = enc_pool_stats(pool);
        out->texts = kind_stats(&stats.texts);
        out->images = kind_stats(&stats.pictures);
        struct text_cache_stats cached = text_cache_stats(texts);
        out->n_cached = cached.n_texts;
        out->n_cache_hits = cached.n_hits;
        out->n_cache_misses = cached.n_misses;
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
