/*
 * apply.c - duet_apply, and duet_upsert and duet_remove, which are one operation each.
 *
 * What can be done before the transaction is: vectors are made (upsert.h), payloads and
 * paths are parsed. The transaction then runs the operations one after another on one
 * `struct edit`, so that each sees what those before it have done.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "db/database.h"
#include "db/edit.h"
#include "db/filter.h"
#include "db/matches.h"
#include "db/media.h"
#include "db/payload_edit.h"
#include "db/upsert.h"

/* What is parsed of one operation, once. */
struct parsed {
    struct json_object *values;            /* of a payload to be set, owned */
    struct payload_path *paths;            /* of what is set (1) or deleted (n_names) */
    struct arena arena;                    /* of the paths */
    struct filter *filter, *update_filter; /* owned; NULL: none */
    struct filter_words update_words;      /* of update_filter, in this transaction */
    size_t first_point;                    /* its first point in the upsert */
    struct duet_id *ids; /* [n_ids], of its filter in this transaction, owned */
    size_t n_ids;
};

struct apply {
    struct duet *db;
    const char *collection;
    const struct duet_operation *operations;
    size_t n;
    struct parsed *parsed;       /* [n] */
    struct upsert_point *points; /* of all operations, one after another */
    size_t n_points;
    struct upsert *upsert; /* NULL where there are no points */
    struct buf orphans;    /* content hashes that points went away from */
    size_t n_removed;
    bool changed; /* the collection's spaces are not those that vectors were made for */
};

/* So often vectors are made again, for spaces that came or went in between. */
enum { TRIES = 10 };

/* ---- Looking over ---- */

static bool takes_points(const struct duet_operation *o)
{
    return o->kind == DUET_OP_UPSERT || o->kind == DUET_OP_UPDATE_VECTORS;
}

static enum err parse_values(const struct duet_operation *o, struct parsed *p)
{
    struct db_write write = {.payload = o->payload, .n_payload = o->n_payload};
    FAIL_IF(o->payload == NULL, ERR_INVALID, "there is no payload");
    TRY(db_check_payload(&write));
    return json_parse(&p->values, o->payload, o->n_payload);
}

static enum err parse_paths(const char *const *names, size_t n, struct parsed *p)
{
    p->paths = arena_array(&p->arena, n, sizeof *p->paths);
    if (p->paths == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        TRY(payload_path_parse(&p->paths[i], &p->arena, names[i]));
    }
    return ERR_OK;
}

static enum err parse(const struct duet_operation *o, struct parsed *p)
{
    if (o->filter != NULL) {
        TRY(filter_parse(&p->filter, o->filter));
    }
    if (o->update_filter != NULL) {
        enum err result = filter_parse(&p->update_filter, o->update_filter);
        if (result != ERR_OK) {
            return err_prefix(result, "update_filter");
        }
    }
    if (o->kind == DUET_OP_SET_PAYLOAD || o->kind == DUET_OP_OVERWRITE_PAYLOAD) {
        TRY(parse_values(o, p));
    }
    if (o->kind == DUET_OP_SET_PAYLOAD && o->key != NULL) {
        TRY(parse_paths(&o->key, 1, p));
    }
    if (o->kind == DUET_OP_DELETE_PAYLOAD) {
        TRY(parse_paths(o->names, o->n_names, p));
    }
    return ERR_OK;
}

/* Says which operation it was, where there are several. */
static enum err operation_prefix(const struct apply *a, size_t i, enum err result)
{
    return result == ERR_OK || a->n == 1 ? result
                                         : err_prefix(result, "operation %zu", i);
}

static enum err check_sizes(const struct apply *a)
{
    size_t n = 0;
    FAIL_IF(a->n > LIMIT_OPERATIONS_MAX, ERR_LIMIT,
            "%zu operations at once are more than %d", a->n, LIMIT_OPERATIONS_MAX);
    for (size_t i = 0; i < a->n; i++) {
        const struct duet_operation *o = &a->operations[i];
        n += takes_points(o) ? o->n_points : o->filter == NULL ? o->n_ids : 0;
        FAIL_IF(n > LIMIT_BATCH_POINTS, ERR_LIMIT,
                "%zu points at once are more than %d", n, LIMIT_BATCH_POINTS);
    }
    return ERR_OK;
}

static enum err gather_points(struct apply *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        n += takes_points(&a->operations[i]) ? a->operations[i].n_points : 0;
    }
    a->points = alloc_array(n, sizeof *a->points);
    if (a->points == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct duet_operation *o = &a->operations[i];
        a->parsed[i].first_point = a->n_points;
        for (size_t p = 0; takes_points(o) && p < o->n_points; p++) {
            a->points[a->n_points++] = (struct upsert_point){
                .input = &o->points[p],
                .vectors_only = o->kind == DUET_OP_UPDATE_VECTORS,
                .operation = a->n == 1 ? UPSERT_ONLY_OPERATION : i,
                .i = p,
            };
        }
    }
    return ERR_OK;
}

static enum err prepare(struct apply *a)
{
    TRY(check_sizes(a));
    a->parsed = alloc_zero(a->n, sizeof *a->parsed);
    if (a->parsed == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < a->n; i++) {
        TRY(operation_prefix(a, i, parse(&a->operations[i], &a->parsed[i])));
    }
    return gather_points(a);
}

/* ---- Points ---- */

/* Those that an operation is about; borrowed. */
struct selected {
    const struct duet_id *ids; /* [n] */
    size_t n;
};

static enum err add_match(struct parsed *p, struct duet_id id)
{
    FAIL_IF(p->n_ids == LIMIT_SELECTED_POINTS, ERR_LIMIT,
            "the filter selects more than %d points", LIMIT_SELECTED_POINTS);
    if ((p->n_ids & (p->n_ids - 1)) == 0) { /* used up at 0, 1, 2, 4, ... */
        struct duet_id *ids =
            alloc_resize(p->ids, p->n_ids == 0 ? 1 : 2 * p->n_ids, sizeof *ids);
        if (ids == NULL) {
            return ERR_NOMEM;
        }
        p->ids = ids;
    }
    p->ids[p->n_ids++] = id;
    return ERR_OK;
}

static enum err find_matches(struct edit *edit, struct parsed *p)
{
    struct matches m;
    p->n_ids = 0;
    TRY(matches_open(&m, edit->txn, &edit->collection, p->filter, NULL));
    enum err result;
    do {
        TRY_OUT(matches_next(&m));
        if (m.found) {
            TRY_OUT(add_match(p, m.id));
        }
    } while (m.found);
out:
    matches_close(&m);
    return result;
}

/* Vectors were made for the spaces there were. */
static enum err check_unchanged(struct apply *a, const struct edit *edit)
{
    const struct record_collection *now = &edit->collection;
    if (a->upsert == NULL) {
        return ERR_OK;
    }
    const struct record_collection *then = upsert_collection(a->upsert);
    bool same = now->number == then->number && now->n_spaces == then->n_spaces;
    for (size_t i = 0; same && i < now->n_spaces; i++) {
        same = now->spaces[i].number == then->spaces[i].number;
    }
    a->changed = !same;
    FAIL_IF(!same, ERR_CONFLICT, "the collection '%s' was changed meanwhile: try again",
            now->name);
    return ERR_OK;
}

static enum err require(struct edit *edit, struct duet_id id)
{
    bool there;
    char text[DUET_ID_TEXT_MAX];
    TRY(edit_has(edit, id, &there));
    duet_id_format(id, text);
    FAIL_IF(!there, ERR_NOT_FOUND, "there is no point %s", text);
    return ERR_OK;
}

/* Whether the present point passes the filter; NULL is passed by all. */
static enum err passes(struct edit *edit, const struct parsed *p, struct duet_id id,
                       bool *pass)
{
    struct record_key key = record_key_point(edit->collection.number, id);
    struct bytes value;
    struct record_point record;
    *pass = true;
    if (p->update_filter == NULL) {
        return ERR_OK;
    }
    TRY(store_get(edit->txn, STORE_POINTS, store_key(&key), &value));
    TRY(record_point_read(&record, value));
    struct filter_point point = {id, &edit->collection, &record, &p->update_words};
    return filter_matches(p->update_filter, &point, pass);
}

static enum err is_wanted(struct edit *edit, const struct duet_operation *o,
                          const struct parsed *p, struct duet_id id, bool *wanted)
{
    bool there;
    TRY(edit_has(edit, id, &there));
    if (!there) {
        *wanted = o->mode != DUET_UPDATE_ONLY;
        return ERR_OK;
    }
    *wanted = false;
    return o->mode == DUET_INSERT_ONLY ? ERR_OK : passes(edit, p, id, wanted);
}

static enum err write_point(struct apply *a, struct edit *edit,
                            const struct duet_operation *o, const struct parsed *p,
                            size_t i)
{
    struct db_write *write = upsert_write(a->upsert, p->first_point + i);
    bool wanted;
    write->skip = false; /* the transaction may run again */
    if (o->kind == DUET_OP_UPDATE_VECTORS) {
        TRY(require(edit, write->id));
    }
    TRY(is_wanted(edit, o, p, write->id, &wanted));
    return wanted ? edit_write(edit, write)
                  : upsert_skip(a->upsert, p->first_point + i, &edit->orphans);
}

static enum err write_points(struct apply *a, struct edit *edit,
                             const struct duet_operation *o, struct parsed *p)
{
    filter_words_release(&p->update_words); /* of a run before */
    if (p->update_filter != NULL) {
        TRY(filter_words_bind(&p->update_words, p->update_filter, &edit->rows.indexes));
    }
    for (size_t i = 0; i < o->n_points; i++) {
        enum err result = write_point(a, edit, o, p, i);
        if (result != ERR_OK) {
            return err_prefix(result, "point %zu", i);
        }
    }
    return ERR_OK;
}

static enum err remove_points(struct apply *a, struct edit *edit,
                              const struct selected *points)
{
    for (size_t i = 0; i < points->n; i++) {
        bool was_there;
        TRY(edit_remove(edit, points->ids[i], &was_there));
        a->n_removed += was_there ? 1 : 0;
    }
    return ERR_OK;
}

static enum err remove_vectors(struct edit *edit, const struct duet_operation *o,
                               const struct selected *points)
{
    uint32_t keep = UINT32_MAX;
    for (size_t i = 0; i < o->n_names; i++) {
        size_t space;
        TRY(collection_space_find(&edit->collection, o->names[i], &space));
        keep &= ~(UINT32_C(1) << space);
    }
    for (size_t i = 0; i < points->n; i++) {
        struct db_write write = {.id = points->ids[i], .keep = keep};
        TRY(require(edit, points->ids[i]));
        TRY(edit_write(edit, &write));
    }
    return ERR_OK;
}

/* ---- Payloads ---- */

static enum err change_object(const struct duet_operation *o, const struct parsed *p,
                              struct json_object *object)
{
    if (o->kind == DUET_OP_SET_PAYLOAD) {
        return p->paths == NULL ? payload_merge(object, p->values)
                                : payload_set(object, p->paths, p->values);
    }
    for (size_t i = 0; i < o->n_names; i++) {
        payload_delete(object, &p->paths[i]);
    }
    return ERR_OK;
}

/* Sizes and depth are checked once more: two payloads that fit may not fit together. */
static enum err put_object(struct edit *edit, struct duet_id id,
                           struct json_object *object)
{
    struct db_write write = {
        .id = id, .keep = UINT32_MAX, .payload = json_text(object)};
    FAIL_IF(write.payload == NULL, ERR_NOMEM, "out of memory");
    write.n_payload = strlen(write.payload);
    TRY(db_check_payload(&write));
    return edit_write(edit, &write);
}

static enum err change_payload(struct edit *edit, struct duet_id id,
                               const struct duet_operation *o, const struct parsed *p)
{
    struct json_object *object;
    struct bytes payload;
    TRY(edit_payload_get(edit, id, &payload));
    enum err result = json_parse(&object, payload.data, payload.n);
    if (result != ERR_OK) {
        return err_prefix(ERR_CORRUPT, "a stored payload");
    }
    result = change_object(o, p, object);
    if (result == ERR_OK) {
        result = put_object(edit, id, object);
    }
    json_object_put(object);
    return result;
}

static enum err replace_payload(struct edit *edit, struct duet_id id,
                                const struct duet_operation *o)
{
    bool clear = o->kind == DUET_OP_CLEAR_PAYLOAD;
    struct db_write write = {
        .id = id,
        .keep = UINT32_MAX,
        .payload = clear ? "{}" : o->payload,
        .n_payload = clear ? 2 : o->n_payload,
    };
    return edit_write(edit, &write);
}

static enum err change_payloads(struct edit *edit, const struct duet_operation *o,
                                const struct parsed *p, const struct selected *points)
{
    bool whole =
        o->kind == DUET_OP_OVERWRITE_PAYLOAD || o->kind == DUET_OP_CLEAR_PAYLOAD;
    for (size_t i = 0; i < points->n; i++) {
        TRY(require(edit, points->ids[i]));
        TRY(whole ? replace_payload(edit, points->ids[i], o)
                  : change_payload(edit, points->ids[i], o, p));
    }
    return ERR_OK;
}

/* ---- All of them ---- */

/* The points an operation is about: those that match its filter now. */
static enum err select_points(struct edit *edit, const struct duet_operation *o,
                              struct parsed *p, struct selected *points)
{
    *points = (struct selected){o->ids, o->n_ids};
    if (p->filter == NULL) {
        return ERR_OK;
    }
    TRY(find_matches(edit, p));
    *points = (struct selected){p->ids, p->n_ids};
    return ERR_OK;
}

static enum err run(struct apply *a, struct edit *edit, const struct duet_operation *o,
                    struct parsed *p)
{
    struct selected points;
    if (takes_points(o)) {
        return write_points(a, edit, o, p);
    }
    TRY(select_points(edit, o, p, &points));
    switch (o->kind) {
    case DUET_OP_DELETE:
        return remove_points(a, edit, &points);
    case DUET_OP_DELETE_VECTORS:
        return remove_vectors(edit, o, &points);
    default:
        return change_payloads(edit, o, p, &points);
    }
}

static enum err apply_body(struct txn *txn, void *arg)
{
    struct apply *a = arg;
    struct edit *edit = alloc_zero(1, sizeof *edit); /* too large for a small stack */
    if (edit == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    a->n_removed = 0;
    TRY_OUT(edit_open(edit, txn, a->collection));
    TRY_OUT(check_unchanged(a, edit));
    for (size_t i = 0; i < a->n; i++) {
        result = run(a, edit, &a->operations[i], &a->parsed[i]);
        TRY_OUT(operation_prefix(a, i, result));
    }
    TRY_OUT(edit_finish(edit));
    buf_release(&a->orphans);
    a->orphans = edit->orphans;
    buf_init(&edit->orphans, 0);
out:
    edit_release(edit);
    alloc_free(edit);
    return result;
}

static void release(struct apply *a)
{
    for (size_t i = 0; a->parsed != NULL && i < a->n; i++) {
        json_object_put(a->parsed[i].values);
        arena_release(&a->parsed[i].arena);
        filter_free(a->parsed[i].filter);
        filter_free(a->parsed[i].update_filter);
        filter_words_release(&a->parsed[i].update_words);
        alloc_free(a->parsed[i].ids);
    }
    upsert_release(a->upsert);
    alloc_free(a->points);
    alloc_free(a->parsed);
    buf_release(&a->orphans);
}

/* Makes the vectors, then writes all. */
static enum err try_once(struct apply *a)
{
    a->changed = false;
    upsert_release(a->upsert);
    a->upsert = NULL;
    if (a->n_points > 0) {
        TRY(upsert_prepare(&a->upsert, a->db, a->collection, a->points, a->n_points));
    }
    return store_update(a->db->store, apply_body, a);
}

static enum err apply(struct apply *a)
{
    TRY(db_check_writable(a->db));
    buf_init(&a->orphans, 0);
    enum err result = prepare(a);
    bool again = result == ERR_OK;
    for (int i = 0; i < TRIES && again; i++) {
        result = try_once(a);
        again = a->changed;
    }
    if (result == ERR_OK) {
        if (a->upsert != NULL) {
            upsert_keep_thumbnails(a->upsert);
        }
        media_sweep(a->db, &a->orphans);
        builder_wake(a->db->builder);
    }
    release(a);
    return result;
}

enum err duet_apply(struct duet *db, const char *collection,
                    const struct duet_operation *operations, size_t n)
{
    struct apply a = {
        .db = db, .collection = collection, .operations = operations, .n = n};
    return apply(&a);
}

enum err duet_upsert(struct duet *db, const char *collection,
                     const struct duet_point_input *points, size_t n)
{
    const struct duet_operation o = {
        .kind = DUET_OP_UPSERT, .points = points, .n_points = n};
    return duet_apply(db, collection, &o, 1);
}

enum err duet_remove(struct duet *db, const char *collection, const struct duet_id *ids,
                     size_t n, size_t *n_removed)
{
    const struct duet_operation o = {.kind = DUET_OP_DELETE, .ids = ids, .n_ids = n};
    struct apply a = {.db = db, .collection = collection, .operations = &o, .n = 1};
    enum err result = apply(&a);
    if (n_removed != NULL) {
        *n_removed = result == ERR_OK ? a.n_removed : 0;
    }
    return result;
}
