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

static void close_model(struct duet *db)
{
    enc_close(db->model);
    alloc_free(db->model_name);
    db->model = NULL;
    db->model_name = NULL;
}

static enum err open_named(struct duet *db, const char *name)
{
    struct buf folder;
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_OK) {
        result = enc_open(&db->model, folder.data);
        if (result == ERR_OK) {
            result = name_model(db, name, folder.data);
        }
    }
    if (result != ERR_OK) {
        close_model(db);
    }
    buf_release(&folder);
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
    close_model(db);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (open_named(db, others[i]) == ERR_OK && is_of_space(db, recorded->space)) {
            return ERR_OK;
        }
        close_model(db);
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
