/*
 * ingest_picture.c - see ingest_picture.h.
 */
#include "db/ingest_picture.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "db/ingest_payload.h"
#include "db/sidecar.h"
#include "encoder/image.h"

enum {
    THUMBNAIL_SIDE = 320,     /* pixels */
    SCRATCH_KEPT = 16u << 20, /* bytes of it that a thread keeps between pictures */
    N_SPACES = 2
};

/* A picture under way. */
struct work {
    const struct ingest_job *job;
    const struct ingest_item *item;
    struct ingest_result *result;
    struct buf *bytes; /* of the file, once it is read */
    struct encode_texts *captions;
    struct sidecar notes;
    bool known;              /* the id has a stored source: */
    struct db_source stored; /* its path is in stored_path */
    struct buf stored_path;
};

bool ingest_is_fatal(enum err code)
{
    switch (code) {
    case ERR_CONFLICT:
    case ERR_CORRUPT:
    case ERR_VERSION:
    case ERR_FULL:
    case ERR_BUSY:
    case ERR_MODEL:
    case ERR_INTERNAL:
        return true;
    default:
        return false;
    }
}

/* ---- What is stored already ---------------------------------------------------- */

static enum err find_stored(struct work *w)
{
    enum err result = db_source_get(w->job->db, w->job->collection, w->result->write.id,
                                    &w->stored_path, &w->stored);
    w->known = result == ERR_OK;
    return result == ERR_NOT_FOUND ? ERR_OK : result;
}

static bool is_gone(const char *path)
{
    struct stat st;
    return path[0] != '\0' && stat(path, &st) != 0 &&
           (errno == ENOENT || errno == ENOTDIR);
}

/* Whether the point `id` was made from a file that is gone; its source is then what is
 * stored of this picture. */
static enum err try_moved(struct work *w, struct duet_id id, bool *moved)
{
    enum err result =
        db_source_get(w->job->db, w->job->collection, id, &w->stored_path, &w->stored);
    *moved = result == ERR_OK && is_gone(w->stored.path);
    return result == ERR_NOT_FOUND ? ERR_OK : result;
}

static enum err find_moved(struct work *w, bool *moved)
{
    size_t n;
    struct duet_id *ids;
    enum err result = ERR_OK;
    *moved = false;
    TRY(db_source_find_hash(w->job->db, w->job->collection, w->result->source.hash,
                            &ids, &n));
    for (size_t i = 0; i < n && !*moved && result == ERR_OK; i++) {
        result = try_moved(w, ids[i], moved);
        if (*moved) {
            w->result->replaced = ids[i];
        }
    }
    alloc_free(ids);
    return result;
}

/* ---- Making the parts ---------------------------------------------------------- */

static enum err read_notes(struct work *w)
{
    const struct ingest_item *item = w->item;
    if (item->notes != NULL) {
        return sidecar_parse_json(&w->notes, item->notes, item->n_notes);
    }
    return sidecar_read(&w->notes, item->path);
}

/* The file may be growing or shrinking while we look: size and hash are of the bytes
 * that were read, so that the next run sees what came later. */
static enum err read_file(struct work *w)
{
    buf_clear(w->bytes);
    TRY(file_read(w->item->path, w->bytes));
    encode_hash(w->bytes->data, w->bytes->size, w->result->source.hash);
    w->result->source.size = w->bytes->size;
    return ERR_OK;
}

static size_t dim_of(const struct work *w)
{
    return enc_info(w->job->enc)->dim;
}

/* The vectors [2, dim] of the result, made when the first is set. */
static enum err vector_for(struct work *w, int space, float **out)
{
    struct ingest_result *result = w->result;
    if (result->vectors == NULL) {
        result->vectors = alloc_array(N_SPACES * dim_of(w), sizeof *result->vectors);
        FAIL_IF(result->vectors == NULL, ERR_NOMEM, "out of memory");
    }
    *out = result->vectors + (size_t)space * dim_of(w);
    result->write.vectors[space] = *out;
    return ERR_OK;
}

/* A text that a vector is made from; the result has a copy of it. */
static enum err set_text(struct work *w, int space, const char *text, size_t n)
{
    char *copy = alloc_dup_n(text, n);
    if (copy == NULL) {
        return ERR_NOMEM;
    }
    w->result->texts[space] = copy;
    w->result->write.origins[space] = (struct db_origin){DB_OF_TEXT, copy, n};
    return ERR_OK;
}

static enum err encode_caption(struct work *w)
{
    float *vector;
    if (w->notes.text == NULL) {
        return ERR_OK;
    }
    TRY(vector_for(w, DB_TEXT, &vector));
    TRY(set_text(w, DB_TEXT, w->notes.text, strlen(w->notes.text)));
    const struct encode_model model = encode_model_of(w->job->db);
    enum err result = encode_texts_add(&model, w->captions, w->notes.text,
                                       strlen(w->notes.text), vector);
    w->result->has_caption = result == ERR_OK;
    return result == ERR_OK ? ERR_OK : err_prefix(result, "the caption");
}

/* Decodes what was read; the thumbnail is made on the way where there is none. */
static enum err decode_picture(struct work *w, struct img *image, struct img_meta *meta)
{
    struct img_options options = {
        .target_side = db_target_side(w->job->db, w->job->enc), .meta = meta};
    TRY(img_decode(image, w->bytes->data, w->bytes->size, &options));
    if (meta != NULL && meta->has_profile) {
        log_info("%s: its colour profile is ignored", w->item->path);
    }
    if (db_media_has(w->job->db, w->result->source.hash)) {
        return ERR_OK;
    }
    enum err result = img_thumbnail(image, THUMBNAIL_SIDE, &w->result->thumbnail);
    if (result != ERR_OK) {
        img_release(image);
    }
    return result;
}

static enum err encode_picture(struct work *w, struct img_meta *meta)
{
    struct img image;
    float *vector;
    TRY(decode_picture(w, &image, meta));
    enum err result = vector_for(w, DB_IMAGE, &vector);
    if (result != ERR_OK) {
        img_release(&image);
        return result;
    }
    w->result->write.origins[DB_IMAGE].kind = DB_OF_PICTURE;
    const struct enc_pool_wait wait = {.patient = true};
    return enc_pool_take_image(db_encoder_pool(w->job->db), &wait, &image, vector);
}

/* Which parts of a payload are made anew. */
struct parts {
    const char *path;            /* NULL: as stored */
    const struct img_meta *meta; /* NULL: as stored */
    const struct sidecar *notes; /* NULL: as stored */
};

static enum err change_payload(struct json_object *payload, struct parts parts)
{
    if (parts.path != NULL) {
        TRY(ingest_payload_set_path(payload, parts.path));
    }
    if (parts.meta != NULL) {
        TRY(ingest_payload_set_meta(payload, parts.meta));
    }
    return parts.notes != NULL ? ingest_payload_set_notes(payload, parts.notes)
                               : ERR_OK;
}

/* The payload of the write, from the stored one (NULL: there is none). */
static enum err make_payload(struct work *w, const char *stored, struct parts parts)
{
    struct json_object *payload;
    struct ingest_result *out = w->result;
    TRY(ingest_payload_start(&payload, stored));
    enum err result = change_payload(payload, parts);
    if (result == ERR_OK) {
        out->payload = alloc_dup(json_text(payload));
        result = out->payload == NULL ? err_set(ERR_NOMEM, "out of memory") : ERR_OK;
    }
    json_object_put(payload);
    TRY(result);
    out->write.n_payload = strlen(out->payload);
    FAIL_IF(out->write.n_payload > LIMIT_PAYLOAD_BYTES, ERR_LIMIT,
            "the payload has %zu bytes, more than %u", out->write.n_payload,
            LIMIT_PAYLOAD_BYTES);
    return ERR_OK;
}

/* The same from the payload of the point `id`. */
static enum err remake_payload(struct work *w, struct duet_id id, struct parts parts)
{
    struct duet_hits hits;
    TRY(duet_get(w->job->db, w->job->collection, &id, 1, false, &hits));
    enum err result = make_payload(w, hits.n == 1 ? hits.hits[0].payload : NULL, parts);
    duet_hits_release(&hits);
    return result;
}

/* ---- The cases ------------------------------------------------------------------ */

static enum err make_all(struct work *w)
{
    struct img_meta meta = {0};
    struct parts parts = {w->item->path, &meta, &w->notes};
    w->result->outcome = w->known ? INGEST_UPDATED : INGEST_ADDED;
    TRY(encode_picture(w, &meta));
    TRY(encode_caption(w));
    return w->known ? remake_payload(w, w->result->write.id, parts)
                    : make_payload(w, NULL, parts);
}

static enum err renew_time(struct work *w)
{
    struct img image;
    w->result->outcome = INGEST_UNCHANGED;
    w->result->write.keep = 1u << DB_IMAGE | 1u << DB_TEXT;
    if (!db_media_has(w->job->db, w->result->source.hash)) {
        TRY(decode_picture(w, &image, NULL));
        img_release(&image);
    }
    return ERR_OK;
}

static enum err renew_notes(struct work *w)
{
    struct parts parts = {.path = w->item->path, .notes = &w->notes};
    w->result->outcome = INGEST_UPDATED;
    w->result->write.keep = 1u << DB_IMAGE;
    TRY(encode_caption(w));
    return remake_payload(w, w->result->write.id, parts);
}

/* What a carried vector was made from goes with it. */
static enum err carry_origin(struct work *w, struct duet_id old, int space)
{
    struct buf text;
    struct db_origin *origin = &w->result->write.origins[space];
    buf_init(&text, LIMIT_TEXT_BYTES);
    enum err result = db_origin_get(w->job->db, w->job->collection, old, (size_t)space,
                                    &text, origin);
    if (result == ERR_OK && origin->kind == DB_OF_TEXT) {
        result = set_text(w, space, origin->text, origin->n);
    }
    buf_release(&text);
    return result;
}

/* The vector of the point that moved, if it has one there. */
static enum err carry_vector(struct work *w, const struct duet_hit *hit, int space,
                             const char *name)
{
    float *vector;
    for (size_t i = 0; i < hit->n_vectors; i++) {
        if (strcmp(hit->vectors[i].space, name) == 0 &&
            hit->vectors[i].dim == dim_of(w)) {
            TRY(vector_for(w, space, &vector));
            memcpy(vector, hit->vectors[i].values, dim_of(w) * sizeof *vector);
            TRY(carry_origin(w, hit->id, space));
        }
    }
    return ERR_OK;
}

static enum err carry_point(struct work *w, const struct duet_hit *hit)
{
    bool same_notes = w->stored.notes_hash == w->notes.hash;
    struct parts parts = {.path = w->item->path,
                          .notes = same_notes ? NULL : &w->notes};
    TRY(carry_vector(w, hit, DB_IMAGE, "image"));
    TRY(same_notes ? carry_vector(w, hit, DB_TEXT, "text") : encode_caption(w));
    return make_payload(w, hit->payload, parts);
}

static enum err move(struct work *w)
{
    struct duet_hits hits;
    struct duet_id old = w->result->replaced;
    TRY(duet_get(w->job->db, w->job->collection, &old, 1, true, &hits));
    enum err result = hits.n == 1 ? carry_point(w, &hits.hits[0]) : make_all(w);
    if (hits.n == 1) {
        w->result->outcome = INGEST_MOVED;
    }
    duet_hits_release(&hits);
    return result;
}

/* Compares what was read with what is stored, and does what that asks for. */
static enum err compare_content(struct work *w)
{
    bool moved = false;
    struct ingest_result *result = w->result;
    bool same_rest = w->stored.notes_hash == w->notes.hash && w->known &&
                     strcmp(w->stored.path, w->item->path) == 0;
    if (w->known && memcmp(w->stored.hash, result->source.hash, DB_HASH_BYTES) == 0) {
        if (!same_rest) {
            return renew_notes(w);
        }
        return renew_time(w);
    }
    if (!w->known) {
        TRY(find_moved(w, &moved));
    }
    return moved ? move(w) : make_all(w);
}

/* By what can be known without reading the file. */
static bool is_unchanged(const struct work *w)
{
    return w->stored.size == w->item->size && w->stored.mtime_ns == w->item->mtime_ns &&
           w->stored.notes_hash == w->notes.hash &&
           strcmp(w->stored.path, w->item->path) == 0 &&
           db_media_has(w->job->db, w->stored.hash);
}

static enum err look(struct work *w)
{
    const struct ingest_item *item = w->item;
    struct ingest_result *result = w->result;
    result->write.id = item->id;
    if (!item->has_id) {
        TRY(db_id_of_name(w->job->db, item->path, &result->write.id));
    }
    TRY(find_stored(w));
    TRY(read_notes(w));
    result->source = (struct db_source){
        .path = item->path, .mtime_ns = item->mtime_ns, .notes_hash = w->notes.hash};
    if (w->known && is_unchanged(w)) {
        result->outcome = INGEST_UNCHANGED;
        return ERR_OK;
    }
    TRY(read_file(w));
    result->has_write = true;
    return compare_content(w);
}

void ingest_result_fail(struct ingest_result *result, enum err code)
{
    result->code = code;
    result->outcome = INGEST_FAILED;
    result->reason = alloc_dup(err_detail());
    result->has_write = false;
}

void ingest_picture(struct ingest_result *result, const struct ingest_job *job,
                    const struct ingest_item *item, struct ingest_scratch *scratch)
{
    struct work w = {.job = job,
                     .item = item,
                     .result = result,
                     .bytes = &scratch->bytes,
                     .captions = &scratch->captions};
    *result = (struct ingest_result){.item = item};
    buf_init(&result->thumbnail, LIMIT_IMAGE_FILE_BYTES);
    buf_init(&w.stored_path, PATH_MAX);
    enum err code = look(&w);
    if (code != ERR_OK) {
        ingest_result_fail(result, code);
        scratch->captions.n -= result->has_caption;
        result->has_caption = false;
    }
    sidecar_release(&w.notes);
    buf_release(&w.stored_path);
    if (scratch->bytes.capacity > SCRATCH_KEPT) {
        buf_release(&scratch->bytes);
    }
}

const struct db_write *ingest_result_write(struct ingest_result *result)
{
    result->write.payload = result->payload;
    result->write.source = &result->source;
    if (result->outcome == INGEST_MOVED) {
        result->write.replaces = &result->replaced;
    }
    return &result->write;
}

void ingest_result_release(struct ingest_result *result)
{
    alloc_free(result->reason);
    alloc_free(result->payload);
    alloc_free(result->vectors);
    for (size_t i = 0; i < DB_ORIGINS; i++) {
        alloc_free(result->texts[i]);
    }
    buf_release(&result->thumbnail);
    *result = (struct ingest_result){0};
}
