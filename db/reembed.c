/*
 * reembed.c - see reembed.h, and duet_reembed, duet_reembed_abort.
 *
 * A run looks over what the vectors were made from, makes the shadows if there are none
 * yet, fills them group by group, and switches: one transaction gives the shadows the
 * places of the spaces, records the model, and leaves the old spaces to be taken back
 * like removed ones. Points still name slots in those, which counts for nothing.
 */
#include "db/reembed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/database.h"
#include "db/duet_keep.h"
#include "db/edit.h"
#include "db/model.h"
#include "encoder/model_path.h"

/* A group takes about so long: what a crash costs, and a ^C has to wait. */
static const double GROUP_SECONDS_MIN = 0.7, GROUP_SECONDS_MAX = 2;
enum { GROUP_FIRST = 16, GROUP_MIN = 4 };

struct reembed {
    struct duet *db;
    const char *collection;
    const struct duet_reembed_options *options;
    struct enc *enc;
    struct enc_pool *pool;
    struct record_model model; /* as it will be recorded */
    struct reembed_walk walk;
    uint16_t shadow;            /* number of the first shadow, once there is one */
    struct reembed_item *items; /* [REEMBED_GROUP_MAX] */
    size_t n_group;             /* how many of them a group has */
    uint64_t *lost; /* [n_lost], owned: slots that the survey found nothing for */
    size_t n_lost, lost_capacity;
    size_t n_lost_since; /* others that nothing was found for */
    struct duet_reembed_progress progress;
    uint64_t start_ns;
};

/* ---- Telling ---- */

static enum err tell_progress(struct reembed *r)
{
    r->progress.seconds = (double)(clock_monotonic_ns() - r->start_ns) * 1e-9;
    bool go_on = r->options->progress == NULL ||
                 r->options->progress(r->options->arg, &r->progress);
    FAIL_IF(!go_on, ERR_CANCELLED, "stopped");
    return ERR_OK;
}

static const char *reason_of(const struct reembed_item *item)
{
    return item->reason == NULL ? "out of memory" : item->reason;
}

static void tell_lost(struct reembed *r, const struct reembed_item *item)
{
    static const char *const names[] = {[DB_IMAGE] = "image", [DB_TEXT] = "text"};
    if (r->options->lost != NULL) {
        r->options->lost(r->options->arg, item->id, names[item->space],
                         reason_of(item));
    }
}

/* Orders vectors as the walk comes by them. */
static uint64_t place_of(const struct reembed_item *item)
{
    return (uint64_t)item->space << 32 | item->slot;
}

static enum err note_lost(struct reembed *r, const struct reembed_item *item)
{
    uint64_t *lost =
        alloc_grow(r->lost, &r->lost_capacity, r->n_lost + 1, sizeof *lost);
    if (lost == NULL) {
        return ERR_NOMEM;
    }
    r->lost = lost;
    lost[r->n_lost++] = place_of(item);
    r->progress.n_lost++;
    tell_lost(r, item);
    return ERR_OK;
}

/* Whether the survey found nothing for it either. */
static bool is_known_lost(const struct reembed *r, const struct reembed_item *item)
{
    size_t low = 0, high = r->n_lost;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->lost[middle] == place_of(item)) {
            return true;
        }
        if (r->lost[middle] < place_of(item)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static void release_items(struct reembed *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        reembed_item_release(&r->items[i]);
    }
}

/* ---- The model ---- */

static enum err copy_name(char dst[RECORD_MODEL_BYTES + 1], const char *name)
{
    FAIL_IF(strlen(name) > RECORD_MODEL_BYTES, ERR_LIMIT,
            "the model's name or that of its space has more than %d bytes",
            RECORD_MODEL_BYTES);
    snprintf(dst, RECORD_MODEL_BYTES + 1, "%s", name);
    return ERR_OK;
}

static enum err describe_model(struct reembed *r, const char *folder)
{
    const char *fingerprint;
    struct buf name;
    buf_init(&name, PATH_MAX);
    enum err result = enc_model_name(folder, &name);
    if (result == ERR_OK) {
        result = copy_name(r->model.name, name.data);
    }
    buf_release(&name);
    TRY(result);
    TRY(enc_fingerprint(r->enc, &fingerprint));
    TRY(copy_name(r->model.fingerprint, fingerprint));
    return copy_name(r->model.space, enc_info(r->enc)->space);
}

static enum err open_in(struct reembed *r, const char *folder)
{
    struct enc_pool_options options = ENC_POOL_OPTIONS_DEFAULT;
    TRY(enc_open(&r->enc, folder));
    TRY(enc_open_towers(r->enc)); /* now, not after an hour */
    options.n_workers =
        r->options->n_threads != 0 ? r->options->n_threads : db_n_threads(r->db);
    options.max_pictures = enc_info(r->enc)->picture_batch;
    TRY(enc_pool_open(&r->pool, r->enc, &options));
    return describe_model(r, folder);
}

static enum err open_model(struct reembed *r, const char *name)
{
    struct buf folder;
    buf_init(&folder, PATH_MAX);
    enum err result = enc_find_model(name, &folder);
    if (result == ERR_NOT_FOUND) {
        result = ERR_MODEL; /* not found would be the collection */
    }
    if (result == ERR_OK) {
        result = open_in(r, folder.data);
    }
    buf_release(&folder);
    return result;
}

/* ---- Beginning ---- */

static enum err read_collection(struct reembed *r, struct record_collection *c)
{
    struct txn txn;
    TRY(store_read(r->db->store, &txn));
    enum err result = collection_get(&txn, r->collection, c);
    store_end(&txn);
    TRY(result);
    FAIL_IF(!collection_is_cross_modal(c), ERR_UNSUPPORTED,
            "this collection holds plain vectors: no model made them");
    return ERR_OK;
}

/* Whether the model is the one that is under way, or none is. */
static enum err check_under_way(const struct reembed *r,
                                const struct record_collection *c)
{
    FAIL_IF(
        c->n_shadows > 0 &&
            (strcmp(c->shadow_model.space, r->model.space) != 0 ||
             strcmp(c->shadow_model.fingerprint, r->model.fingerprint) != 0),
        ERR_CONFLICT,
        "the collection is being encoded anew by '%s', not by '%s' as it is now: go "
        "on with that model, or abort it",
        c->shadow_model.name, r->model.name);
    return ERR_OK;
}

static bool is_made_by(const struct record_collection *c,
                       const struct record_model *model)
{
    return strcmp(c->model_space, model->space) == 0 &&
           strcmp(c->fingerprint, model->fingerprint) == 0;
}

static enum err begin_body(struct txn *txn, void *arg)
{
    struct reembed *r = arg;
    struct record_collection c;
    TRY(collection_get(txn, r->collection, &c));
    TRY(reembed_walk_check(&r->walk, &c));
    FAIL_IF(c.next_space > UINT16_MAX - DB_ORIGINS, ERR_LIMIT,
            "the collection has had %u vector spaces and can have no more",
            c.next_space);
    for (size_t i = 0; i < c.n_spaces; i++) {
        struct record_space_def *shadow = &c.spaces[c.n_spaces + i];
        *shadow = c.spaces[i];
        shadow->dim = (uint32_t)enc_info(r->enc)->dim;
        shadow->number = c.next_space++;
    }
    c.n_shadows = c.n_spaces;
    c.shadow_model = r->model;
    r->shadow = c.spaces[c.n_spaces].number;
    return collection_put(txn, &c);
}

/* From now on the walk is one over what the shadows lack. */
static enum err begin(struct reembed *r)
{
    r->shadow = r->walk.shadow;
    if (r->shadow == 0) {
        TRY(store_update(r->db->store, begin_body, r));
    }
    r->walk = (struct reembed_walk){.db = r->db,
                                    .collection = r->collection,
                                    .number = r->walk.number,
                                    .shadow = r->shadow};
    return ERR_OK;
}

/* ---- Looking it over ---- */

static enum err survey_some(struct reembed *r, bool *at_end)
{
    size_t n;
    TRY(reembed_walk_next(&r->walk, r->items, REEMBED_GROUP_MAX, &n, at_end));
    enum err result = ERR_OK;
    for (size_t i = 0; i < n && result == ERR_OK; i++) {
        reembed_look(r->db, &r->items[i]);
        if (reembed_is_lost(r->items[i].result)) {
            result = note_lost(r, &r->items[i]);
        } else if (r->items[i].result != ERR_OK) {
            result = err_set(r->items[i].result, "%s", reason_of(&r->items[i]));
        }
        r->progress.n_done++;
    }
    release_items(r, n);
    r->progress.n_total = r->walk.n_total;
    return result;
}

static enum err survey(struct reembed *r)
{
    bool at_end = false;
    uint64_t told_ns = clock_monotonic_ns();
    while (!at_end) {
        TRY(survey_some(r, &at_end));
        if (clock_monotonic_ns() - told_ns > 200u * 1000 * 1000) {
            TRY(tell_progress(r));
            told_ns = clock_monotonic_ns();
        }
    }
    FAIL_IF(
        r->progress.n_lost > 0 && !r->options->drop_missing, ERR_CONFLICT,
        "%zu of %zu vectors cannot be made again, since what they were made from is "
        "gone; nothing was changed",
        r->progress.n_lost, r->walk.n_total);
    r->progress.n_done = r->walk.n_shadow;
    r->progress.surveyed = true;
    return ERR_OK;
}

/* ---- Filling ---- */

struct writing {
    struct reembed *r;
    size_t n, n_written;
};

static enum err write_items(struct writing *w, struct edit *edit)
{
    TRY(reembed_walk_check(&w->r->walk, &edit->collection));
    for (size_t i = 0; i < w->n; i++) {
        const struct reembed_item *item = &w->r->items[i];
        const struct edit_shadow write = {item->id, item->space, item->slot,
                                          item->vector};
        bool written = false;
        if (item->result == ERR_OK) {
            TRY(edit_write_shadow(edit, &write, &written));
        }
        w->n_written += written;
    }
    return edit_finish(edit);
}

static enum err write_body(struct txn *txn, void *arg)
{
    struct writing *w = arg;
    struct edit *edit = alloc_zero(1, sizeof *edit); /* too large for a small stack */
    w->n_written = 0;
    if (edit == NULL) {
        return ERR_NOMEM;
    }
    enum err result = edit_open(edit, txn, w->r->collection);
    if (result == ERR_OK) {
        result = write_items(w, edit);
        edit_release(edit);
    }
    alloc_free(edit);
    return result;
}

/* What became of a vector's making; anything but a loss ends the run. */
static enum err judge(struct reembed *r, const struct reembed_item *item)
{
    if (item->result == ERR_OK) {
        return ERR_OK;
    }
    FAIL_IF(!reembed_is_lost(item->result), item->result, "%s", reason_of(item));
    if (!is_known_lost(r, item)) {
        r->n_lost_since++;
        r->progress.n_lost++;
        tell_lost(r, item);
    }
    return ERR_OK;
}

static enum err write_group(struct reembed *r, size_t n)
{
    struct writing w = {.r = r, .n = n};
    for (size_t i = 0; i < n; i++) {
        TRY(judge(r, &r->items[i]));
    }
    TRY(store_update(r->db->store, write_body, &w));
    r->progress.n_made += w.n_written;
    r->progress.n_done = r->walk.n_shadow + w.n_written;
    builder_wake(r->db->builder);
    return ERR_OK;
}

static void adapt_group(struct reembed *r, size_t n, double seconds)
{
    if (n == r->n_group && seconds < GROUP_SECONDS_MIN) {
        r->n_group *= 2;
    } else if (seconds > GROUP_SECONDS_MAX && r->n_group > GROUP_MIN) {
        r->n_group /= 2;
    }
    r->n_group = r->n_group > REEMBED_GROUP_MAX ? REEMBED_GROUP_MAX : r->n_group;
}

static enum err fill_some(struct reembed *r, const struct reembed_model *model,
                          bool *at_end)
{
    size_t n;
    uint64_t start_ns = clock_monotonic_ns();
    TRY(reembed_walk_next(&r->walk, r->items, r->n_group, &n, at_end));
    r->progress.n_total = r->walk.n_total;
    r->progress.n_done = r->walk.n_shadow;
    if (n == 0) {
        return ERR_OK;
    }
    enum err result = reembed_encode(model, r->items, n);
    if (result == ERR_OK) {
        result = write_group(r, n);
    }
    release_items(r, n);
    adapt_group(r, n, (double)(clock_monotonic_ns() - start_ns) * 1e-9);
    return result == ERR_OK ? tell_progress(r) : result;
}

/* Until all slots there are were looked at. */
static enum err fill(struct reembed *r)
{
    const struct reembed_model model = {
        .db = r->db,
        .encode = {r->enc, r->pool, db_target_side(r->db, r->enc)},
        .n_threads =
            r->options->n_threads != 0 ? r->options->n_threads : db_n_threads(r->db),
    };
    bool at_end = false;
    while (!at_end) {
        TRY(fill_some(r, &model, &at_end));
    }
    FAIL_IF(
        r->n_lost_since > 0, ERR_CONFLICT,
        "%zu vectors could not be made again that could before it began, or are newer; "
        "what was made is kept, the old vectors are still in use: run it again",
        r->n_lost_since);
    return ERR_OK;
}

/* ---- Switching ---- */

struct switching {
    const struct reembed *r;
    bool done;
};

/* Leaves the rows of a space to be taken back. */
static enum err drop_space(struct txn *txn, const struct record_collection *c, size_t i)
{
    struct record_key key = record_key_space(c->number, c->spaces[i].number);
    return store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0});
}

static enum err switch_body(struct txn *txn, void *arg)
{
    struct switching *s = arg;
    struct record_collection c;
    TRY(collection_get(txn, s->r->collection, &c));
    TRY(reembed_walk_check(&s->r->walk, &c));
    TRY(reembed_walk_is_over(&s->r->walk, txn, &c, &s->done));
    if (!s->done) {
        return ERR_OK;
    }
    for (size_t i = 0; i < c.n_spaces; i++) {
        TRY(drop_space(txn, &c, i));
        c.spaces[i] = c.spaces[c.n_spaces + i];
    }
    c.n_shadows = 0;
    snprintf(c.model, sizeof c.model, "%s", c.shadow_model.name);
    snprintf(c.model_space, sizeof c.model_space, "%s", c.shadow_model.space);
    snprintf(c.fingerprint, sizeof c.fingerprint, "%s", c.shadow_model.fingerprint);
    return collection_put(txn, &c);
}

/* Fills and tries to switch, until nothing was written in between. */
static enum err fill_and_switch(struct reembed *r)
{
    struct switching s = {.r = r};
    while (!s.done) {
        TRY(fill(r));
        TRY(store_update(r->db->store, switch_body, &s));
    }
    builder_wake(r->db->builder); /* it takes the old rows back */
    return ERR_OK;
}

/* ---- All of it ---- */

static enum err run(struct reembed *r)
{
    struct record_collection c;
    const char *name = r->options->model;
    TRY(read_collection(r, &c));
    if (name == NULL) {
        name = c.n_shadows > 0 ? c.shadow_model.name : ENC_MODEL_DEFAULT;
    }
    TRY(open_model(r, name));
    TRY(check_under_way(r, &c));
    if (c.n_shadows == 0 && is_made_by(&c, &r->model)) {
        return ERR_OK;
    }
    r->items = alloc_zero(REEMBED_GROUP_MAX, sizeof *r->items);
    if (r->items == NULL) {
        return ERR_NOMEM;
    }
    TRY(survey(r));
    TRY(begin(r));
    return fill_and_switch(r);
}

enum err duet_reembed(struct duet *db, const char *collection,
                      const struct duet_reembed_options *options,
                      struct duet_reembed_progress *result)
{
    struct reembed r = {
        .db = db,
        .collection = collection,
        .options = options,
        .walk = {.db = db, .collection = collection},
        .n_group = GROUP_FIRST,
        .start_ns = clock_monotonic_ns(),
    };
    enum err outcome = db_check_writable(db);
    if (outcome == ERR_OK) {
        outcome = run(&r);
    }
    r.progress.seconds = (double)(clock_monotonic_ns() - r.start_ns) * 1e-9;
    if (result != NULL) {
        *result = r.progress;
    }
    alloc_free(r.items);
    alloc_free(r.lost);
    enc_pool_close(r.pool);
    enc_close(r.enc);
    return outcome;
}

static enum err abort_body(struct txn *txn, void *arg)
{
    const char *collection = arg;
    struct record_collection c;
    TRY(collection_get(txn, collection, &c));
    FAIL_IF(c.n_shadows == 0, ERR_NOT_FOUND,
            "the collection '%s' is not being encoded anew", c.name);
    for (size_t i = c.n_spaces; i < record_collection_n_all(&c); i++) {
        TRY(drop_space(txn, &c, i));
    }
    c.n_shadows = 0;
    return collection_put(txn, &c);
}

enum err duet_reembed_abort(struct duet *db, const char *collection)
{
    TRY(db_check_writable(db));
    TRY(store_update(db->store, abort_body, (void *)(size_t)collection));
    builder_wake(db->builder);
    return ERR_OK;
}
