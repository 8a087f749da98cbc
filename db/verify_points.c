/*
 * verify_points.c - see verify.h.
 *
 * That points and slots agree both ways is shown by counting: every slot that a point
 * names lives and has the point's id, no two points can have one slot then, so where as
 * many slots live as points name, each belongs to a point. Only where the counts differ
 * are the slots walked as well.
 */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/json.h"
#include "db/collection.h"
#include "db/media.h"
#include "db/origin.h"
#include "db/vectors.h"
#include "db/verify.h"
#include "index/bitmap.h"

/* What a stored unit vector may miss of its length: rounding, of halves as well. */
static const double UNIT_TOLERANCE = 2e-3;

/* One space of the collection. */
struct space_check {
    struct vector_space in;
    struct record_space state;
    size_t n_named; /* slots that points name */
    float *vector;  /* [dim], owned */
};

struct points_check {
    struct verify *v;
    struct space_check spaces[LIMIT_SPACES_MAX];
    size_t n_points;
};

/* ---- Points ---- */

static bool is_live(struct vector_space in, uint32_t slot)
{
    uint64_t word;
    uint32_t first = slot / RECORD_CHUNK_SLOTS * RECORD_CHUNK_SLOTS;
    return vector_live_get(in, first, RECORD_CHUNK_SLOTS, &word) == ERR_OK &&
           (word >> slot % RECORD_CHUNK_SLOTS & 1) != 0;
}

static enum err check_vector(const struct points_check *p, size_t i, struct duet_id id,
                             uint32_t slot)
{
    const struct space_check *s = &p->spaces[i];
    const char *name = p->v->record.spaces[i].name;
    double sum = 0;
    TRY(vector_get(s->in, slot, s->vector));
    TRY(vector_check(s->vector, s->in.dim));
    for (size_t d = 0; d < s->in.dim; d++) {
        sum += (double)s->vector[d] * s->vector[d];
    }
    const struct record_space_def *def = &p->v->record.spaces[i];
    /* Bytes keep a direction, not a length. */
    if (def->distance == DUET_COSINE && def->datatype != DUET_UINT8 &&
        fabs(sqrt(sum) - 1) > UNIT_TOLERANCE) {
        verify_tell(p->v, DUET_DAMAGE, &id,
                    "its vector '%s' has length %g instead of 1", name, sqrt(sum));
    }
    return ERR_OK;
}

static enum err check_slot(struct points_check *p, size_t i, struct duet_id id,
                           uint32_t slot)
{
    struct space_check *s = &p->spaces[i];
    const char *name = p->v->record.spaces[i].name;
    struct duet_id owner;
    s->n_named++;
    p->v->result->n_vectors++;
    if (slot >= s->state.next_slot || !is_live(s->in, slot)) {
        verify_tell(p->v, DUET_DERIVED, &id, "its vector '%s' is marked as dead", name);
    }
    enum err result = vector_id_get(s->in, slot, &owner);
    if (result != ERR_OK || duet_id_compare(owner, id) != 0) {
        verify_tell(p->v, DUET_DERIVED, &id,
                    "the table of slots has its vector '%s' as another's", name);
    }
    return verify_outcome(p->v, check_vector(p, i, id, slot), DUET_DAMAGE, &id);
}

static enum err check_payload(const struct record_point *point)
{
    struct json_object *json;
    TRY(json_parse(&json, point->payload.data, point->payload.n));
    bool is_object = json_object_is_type(json, json_type_object);
    json_object_put(json);
    FAIL_IF(!is_object, ERR_CORRUPT, "its payload is no JSON object");
    return ERR_OK;
}

/* Nothing has a shadow that is not there itself. */
static void check_shadows(struct points_check *p, struct duet_id id,
                          const struct record_point *point)
{
    const struct record_collection *c = &p->v->record;
    for (size_t i = 0; i < c->n_shadows; i++) {
        uint16_t shadow = c->spaces[c->n_spaces + i].number;
        if (record_point_slot(point, shadow) != RECORD_NO_SLOT &&
            record_point_slot(point, c->spaces[i].number) == RECORD_NO_SLOT) {
            verify_tell(p->v, DUET_DERIVED, &id,
                        "the shadow of the space '%s' has a vector too many",
                        c->spaces[i].name);
        }
    }
}

static enum err check_point(struct points_check *p, struct bytes key,
                            struct bytes value)
{
    struct duet_id id;
    struct record_point point;
    enum err result = record_key_id(key, 4, &id);
    if (result != ERR_OK) {
        return verify_outcome(p->v, result, DUET_DAMAGE, NULL);
    }
    p->n_points++;
    result = record_point_read(&point, value);
    if (result != ERR_OK) {
        return verify_outcome(p->v, result, DUET_DAMAGE, &id);
    }
    TRY(verify_outcome(p->v, check_payload(&point), DUET_DAMAGE, &id));
    for (size_t i = 0; i < record_collection_n_all(&p->v->record); i++) {
        uint32_t slot = record_point_slot(&point, p->spaces[i].in.space);
        if (slot != RECORD_NO_SLOT) {
            TRY(check_slot(p, i, id, slot));
        }
    }
    check_shadows(p, id, &point);
    return ERR_OK;
}

/* ---- Sources ---- */

/* Notes what is missing of a picture's files, to be looked at again in the end: a
 * thumbnail that its file is there for, or the bytes of an upload. */
static enum err note_files(struct verify *v, const struct db_source *source)
{
    struct stat st;
    if (source->path[0] == '\0') {
        return media_has_original(v->db, source->hash)
                   ? ERR_OK
                   : buf_append(&v->uploads, source->hash, DB_HASH_BYTES);
    }
    bool has_file =
        stat(source->path, &st) == 0 && (uint64_t)st.st_size == source->size;
    return has_file && !db_media_has(v->db, source->hash)
               ? buf_append(&v->bare, source->hash, DB_HASH_BYTES)
               : ERR_OK;
}

static enum err check_source(struct points_check *p, struct bytes key,
                             struct bytes value)
{
    struct duet_id id;
    struct db_source source;
    struct bytes row;
    struct buf path;
    uint32_t number = p->v->record.number;
    p->v->result->n_sources++;
    enum err result = record_key_id(key, 4, &id);
    if (result != ERR_OK) {
        return verify_outcome(p->v, result, DUET_DAMAGE, NULL);
    }
    buf_init(&path, LIMIT_PAYLOAD_BYTES);
    result = record_source_read(&source, &path, value);
    enum err noted = result == ERR_OK ? note_files(p->v, &source) : ERR_OK;
    buf_release(&path);
    if (result != ERR_OK) {
        return verify_outcome(p->v, result, DUET_DAMAGE, &id);
    }
    TRY(noted);
    struct record_key point = record_key_point(number, id);
    TRY(store_get(&p->v->txn, STORE_POINTS, store_key(&point), &row));
    if (row.data == NULL) {
        verify_tell(p->v, DUET_DAMAGE, &id, "a picture's source has no point");
    }
    struct record_key hash = record_key_hash(source.hash, number, id);
    TRY(store_get(&p->v->txn, STORE_HASHES, store_key(&hash), &row));
    if (row.data == NULL) {
        verify_tell(p->v, DUET_DERIVED, &id,
                    "the table of content hashes does not have it");
    }
    return ERR_OK;
}

/* What vectors were made from is recorded of points that are there. (A vector may be
 * gone: those that another model could not make again are.) */
static enum err check_origin(struct points_check *p, struct bytes key,
                             struct bytes value)
{
    struct duet_id id;
    struct bytes row = {NULL, 0};
    size_t space;
    enum err result = origin_key_read(key, &id, &space);
    if (result == ERR_OK) {
        struct record_key point = record_key_point(p->v->record.number, id);
        TRY(store_get(&p->v->txn, STORE_POINTS, store_key(&point), &row));
    }
    if (row.data == NULL) {
        verify_tell(p->v, DUET_DERIVED, NULL,
                    "the table 'texts' has a row of a point that is not there");
        return ERR_OK;
    }
    return verify_outcome(p->v, origin_check(value), DUET_DAMAGE, &id);
}

/* Calls `check` for each row of a table of the collection. */
static enum err walk(struct points_check *p, enum store_table table,
                     enum err (*check)(struct points_check *, struct bytes,
                                       struct bytes))
{
    struct record_key prefix = record_key_collection(p->v->record.number);
    struct cursor cursor;
    TRY(cursor_open(&p->v->txn, table, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        result = check(p, cursor.key, cursor.value);
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

/* ---- Spaces ---- */

/* A slot that lives: its point must name it. */
static enum err check_owner(struct points_check *p, size_t i, uint32_t slot)
{
    struct duet_id id;
    struct bytes value;
    struct record_point point = {.n_vectors = 0};
    enum err result = vector_id_get(p->spaces[i].in, slot, &id);
    if (result == ERR_OK) {
        struct record_key key = record_key_point(p->v->record.number, id);
        TRY(store_get(&p->v->txn, STORE_POINTS, store_key(&key), &value));
        result = value.data == NULL ? ERR_NOT_FOUND : record_point_read(&point, value);
    }
    if (result != ERR_OK || record_point_slot(&point, p->spaces[i].in.space) != slot) {
        verify_tell(p->v, DUET_DERIVED, NULL,
                    "slot %u of the space '%s' lives for no point", slot,
                    p->v->record.spaces[i].name);
    }
    return ERR_OK;
}

/* Walks the live bits; also past the last slot, where none may be. */
static enum err check_live(struct points_check *p, size_t i, bool owners)
{
    struct space_check *s = &p->spaces[i];
    struct record_key prefix = record_key_space(p->v->record.number, s->in.space);
    struct cursor cursor;
    size_t n_live = 0;
    TRY(cursor_open(&p->v->txn, STORE_LIVE, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL) {
        uint32_t block;
        uint64_t words[RECORD_BLOCK_SLOTS / 64];
        TRY_OUT(record_key_number(cursor.key, &block));
        TRY_OUT(vector_live_get(s->in, block * RECORD_BLOCK_SLOTS, RECORD_BLOCK_SLOTS,
                                words));
        n_live += bitmap_count(words, RECORD_BLOCK_SLOTS);
        for (uint32_t b = 0; b < RECORD_BLOCK_SLOTS && owners; b++) {
            if ((words[b / 64] >> b % 64 & 1) != 0) {
                TRY_OUT(check_owner(p, i, block * RECORD_BLOCK_SLOTS + b));
            }
        }
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    TRY(result);
    if (!owners && n_live != s->n_named) {
        return check_live(p, i, true);
    }
    if (s->state.n_live != s->n_named) {
        verify_tell(p->v, DUET_DERIVED, NULL,
                    "the space '%s' counts %u vectors, not %zu",
                    p->v->record.spaces[i].name, s->state.n_live, s->n_named);
    }
    return ERR_OK;
}

static enum err open_space(struct points_check *p, size_t i)
{
    struct space_check *s = &p->spaces[i];
    s->in = vector_space_of(&p->v->txn, &p->v->record, i);
    s->vector = alloc_array(s->in.dim, sizeof *s->vector);
    if (s->vector == NULL) {
        return ERR_NOMEM;
    }
    enum err result =
        collection_space_get(&p->v->txn, p->v->record.number, s->in.space, &s->state);
    if (result == ERR_CORRUPT) {
        s->state = (struct record_space){0};
    }
    return verify_outcome(p->v, result, DUET_DERIVED, NULL);
}

static enum err check_spaces(struct points_check *p)
{
    for (size_t i = 0; i < record_collection_n_all(&p->v->record); i++) {
        TRY(verify_outcome(p->v, check_live(p, i, false), DUET_DERIVED, NULL));
        TRY(verify_segments(p->v, i, &p->spaces[i].state));
    }
    return ERR_OK;
}

enum err verify_points(struct verify *v)
{
    struct points_check *p = alloc_zero(1, sizeof *p);
    if (p == NULL) {
        return ERR_NOMEM;
    }
    p->v = v;
    enum err result = ERR_OK;
    for (size_t i = 0; i < record_collection_n_all(&v->record); i++) {
        TRY_OUT(open_space(p, i));
    }
    TRY_OUT(walk(p, STORE_POINTS, check_point));
    TRY_OUT(walk(p, STORE_SYSTEM, check_source));
    TRY_OUT(walk(p, STORE_TEXTS, check_origin));
    TRY_OUT(check_spaces(p));
    v->result->n_points += p->n_points;
    if (v->record.n_points != p->n_points) {
        verify_tell(v, DUET_DERIVED, NULL, "it counts %llu points, not %zu",
                    (unsigned long long)v->record.n_points, p->n_points);
    }
out:
    for (size_t i = 0; i < LIMIT_SPACES_MAX; i++) {
        alloc_free(p->spaces[i].vector);
    }
    alloc_free(p);
    return result;
}
