/*
 * verify_files.c - see verify.h: what lies beside data.mdb. All of it comes and goes
 * while we look, so what seems wrong of a file that is younger than a minute is not
 * told.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/collection.h"
#include "db/media.h"
#include "db/media_walk.h"
#include "db/vectors.h"
#include "db/verify.h"
#include "encoder/image.h"
#include "index/bitmap.h"

enum { YOUNG_SECONDS = 60, QUERY_K = 10 };

/* ---- Segments ---- */

/* Asks for the neighbours of a vector that is in it, among all that live. */
static enum err ask_segment(struct verify *v, struct vector_space in,
                            const struct record_segment *s,
                            const struct segment *segment)
{
    struct ann_hit hits[QUERY_K];
    size_t n_found = 0;
    size_t n_slots = s->n_slots;
    uint64_t *live = alloc_zero(bitmap_words(n_slots), sizeof *live);
    float *vector = alloc_array(in.dim, sizeof *vector);
    enum err result = live == NULL || vector == NULL ? ERR_NOMEM : ERR_OK;
    if (result == ERR_OK) {
        result = vector_live_get(in, s->first, n_slots, live);
    }
    size_t n_live = result == ERR_OK ? bitmap_count(live, n_slots) : 0;
    uint32_t first = 0;
    while (n_live > 0 && !bitmap_get(live, first)) {
        first++;
    }
    if (n_live > 0) {
        struct ann_query q = {
            .vector = vector, .dim = in.dim, .k = QUERY_K, .allowed = live};
        result = vector_get(in, s->first + first, vector);
        if (result == ERR_OK) {
            result = ann_search(segment->ann, &q, hits, &n_found);
        }
        size_t n_due = n_live < QUERY_K ? n_live : QUERY_K;
        if (result == ERR_OK && n_found != n_due) {
            result = err_set(ERR_CORRUPT, "a segment finds %zu vectors where %zu are",
                             n_found, n_due);
        }
    }
    alloc_free(live);
    alloc_free(vector);
    return verify_outcome(v, result, DUET_DERIVED, NULL);
}

static enum err check_segment(struct verify *v, size_t space,
                              const struct record_segment *s)
{
    struct segment *segment;
    char path[PATH_MAX];
    struct vector_space in = vector_space_of(&v->txn, &v->record, space);
    struct segment_key key = {in.collection, in.space, s->generation};
    v->result->n_segments++;
    TRY(segment_path(v->db->segments, key, path));
    TRY(segment_acquire(v->db->segments, key, in.dim, s->n_slots, &segment));
    if (segment == NULL) {
        verify_tell(v, DUET_DERIVED, NULL, "%s: missing or damaged", path);
        return ERR_OK;
    }
    enum err result = ask_segment(v, in, s, segment);
    segment_release(v->db->segments, segment);
    return result;
}

enum err verify_segments(struct verify *v, size_t space,
                         const struct record_space *state)
{
    uint32_t end = 0;
    for (size_t i = 0; i < state->n_segments; i++) {
        const struct record_segment *s = &state->segments[i];
        if (s->first < end || s->n_slots > state->next_slot ||
            s->first > state->next_slot - s->n_slots ||
            s->generation >= state->next_generation) {
            verify_tell(v, DUET_DERIVED, NULL,
                        "segment %zu of the space '%s' is not where it can be", i,
                        v->record.spaces[space].name);
            continue;
        }
        end = s->first + s->n_slots;
        TRY(check_segment(v, space, s));
    }
    return ERR_OK;
}

/* ---- Files ---- */

static bool is_young(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 || time(NULL) - st.st_mtime < YOUNG_SECONDS;
}

static void tell_leftover(struct verify *v, const char *path)
{
    if (!is_young(path)) {
        verify_tell(v, DUET_LEFTOVER, NULL, "%s: nothing needs it", path);
    }
}

/* Whether a point has a picture of this hash, as of now. */
static enum err hash_is_used(struct duet *db, const uint8_t *hash, bool *used)
{
    struct txn txn;
    struct cursor cursor;
    *used = true;
    TRY(store_read(db->store, &txn));
    enum err result =
        cursor_open(&txn, STORE_HASHES, (struct bytes){hash, DB_HASH_BYTES}, &cursor);
    *used = result == ERR_OK && cursor.key.data != NULL;
    cursor_close(&cursor);
    store_end(&txn);
    return result;
}

static enum err check_media(void *arg, const struct media_file *file)
{
    struct verify *v = arg;
    struct buf bytes;
    bool used = false;
    v->result->n_files++;
    if (file->kind != MEDIA_OTHER) {
        TRY(hash_is_used(v->db, file->hash, &used));
    }
    if (!used) {
        tell_leftover(v, file->path);
        return ERR_OK;
    }
    buf_init(&bytes, LIMIT_IMAGE_FILE_BYTES);
    enum err result = file_read(file->path, &bytes);
    bool sound = result == ERR_OK && media_is_sound(file, bytes.data, bytes.size);
    bool bare = sound && file->kind == MEDIA_ORIGINAL &&
                img_sniff(bytes.data, bytes.size) != IMG_UNKNOWN &&
                !db_media_has(v->db, file->hash) && !is_young(file->path);
    buf_release(&bytes);
    if (bare) {
        verify_tell(v, DUET_DERIVED, NULL, "%s: has no thumbnail", file->path);
    }
    if (result == ERR_NOT_FOUND) { /* its point was removed meanwhile */
        return ERR_OK;
    }
    enum duet_finding_kind kind =
        file->kind == MEDIA_ORIGINAL ? DUET_DAMAGE : DUET_DERIVED;
    if (result == ERR_OK && !sound) {
        verify_tell(v, kind, NULL, "%s: damaged", file->path);
    }
    return result == ERR_IO
               ? verify_outcome(v, err_set(ERR_CORRUPT, "%s", err_detail()), kind, NULL)
               : result;
}

/* A segment_visit. */
static void check_segment_file(void *arg, struct segment_key key, const char *path)
{
    struct verify *v = arg;
    struct txn txn;
    struct record_space state = {0};
    if (key.collection != 0 && store_read(v->db->store, &txn) == ERR_OK) {
        enum err result = collection_space_get(&txn, key.collection, key.space, &state);
        store_end(&txn);
        for (size_t i = 0; i < state.n_segments && result == ERR_OK; i++) {
            if (state.segments[i].generation == key.generation) {
                return;
            }
        }
    }
    tell_leftover(v, path);
}

static enum err check_bare(struct verify *v)
{
    for (size_t i = 0; i + DB_HASH_BYTES <= v->bare.size; i += DB_HASH_BYTES) {
        const uint8_t *hash = (const uint8_t *)v->bare.data + i;
        bool used;
        TRY(hash_is_used(v->db, hash, &used));
        if (used && !db_media_has(v->db, hash)) {
            verify_tell(v, DUET_DERIVED, NULL,
                        "the picture of hash %02x%02x%02x%02x… has no thumbnail",
                        hash[0], hash[1], hash[2], hash[3]);
        }
    }
    return ERR_OK;
}

static enum err check_uploads(struct verify *v)
{
    for (size_t i = 0; i + DB_HASH_BYTES <= v->uploads.size; i += DB_HASH_BYTES) {
        const uint8_t *hash = (const uint8_t *)v->uploads.data + i;
        bool used;
        TRY(hash_is_used(v->db, hash, &used));
        if (used && !media_has_original(v->db, hash)) {
            verify_tell(v, DUET_DAMAGE, NULL,
                        "the upload of hash %02x%02x%02x%02x… is not there", hash[0],
                        hash[1], hash[2], hash[3]);
        }
    }
    return ERR_OK;
}

enum err verify_files(struct verify *v)
{
    static const char *const temporaries[] = {"new.mdb", "new.mdb-lock", "compact.mdb"};
    char path[PATH_MAX];
    struct stat st;
    for (size_t i = 0; i < sizeof temporaries / sizeof temporaries[0]; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", v->db->folder, temporaries[i]);
        if (n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0) {
            tell_leftover(v, path);
        }
    }
    TRY(segment_files_walk(v->db->segments, check_segment_file, v));
    TRY(media_walk(v->db, check_media, v));
    TRY(check_bare(v));
    return check_uploads(v);
}
