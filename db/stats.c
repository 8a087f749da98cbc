/*
 * stats.c - duet_stats and duet_seal.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "db/collection.h"
#include "db/database.h"
#include "db/media.h"
#include "db/vectors.h"
#include "index/bitmap.h"

static const char *kind_name(enum ann_kind kind)
{
    switch (kind) {
    case ANN_PQ_FASTSCAN:
        return "PQ fast-scan";
    case ANN_IVF_PQ_FASTSCAN:
        return "IVF PQ fast-scan";
    case ANN_HNSW:
        return "HNSW";
    default:
        return "unknown";
    }
}

static enum err count_sealed(struct vector_space in, const struct record_segment *s,
                             size_t *n)
{
    uint64_t words[RECORD_BLOCK_SLOTS / 64];
    for (uint32_t at = 0; at < s->n_slots; at += RECORD_BLOCK_SLOTS) {
        uint32_t here =
            s->n_slots - at < RECORD_BLOCK_SLOTS ? s->n_slots - at : RECORD_BLOCK_SLOTS;
        TRY(vector_live_get(in, s->first + at, here, words));
        *n += bitmap_count(words, here);
    }
    return ERR_OK;
}

/* What index the newest segment is, and how long all the files are. */
static enum err describe_segment(struct duet *db, struct vector_space in,
                                 const struct record_segment *s,
                                 struct duet_space_stats *out)
{
    struct segment_key key = {in.collection, in.space, s->generation};
    struct segment *segment;
    char path[PATH_MAX];
    struct stat st;
    TRY(segment_path(db->segments, key, path));
    out->segment_bytes += stat(path, &st) == 0 ? (size_t)st.st_size : 0;
    TRY(segment_acquire(db->segments, key, in.dim, s->n_slots, &segment));
    if (segment == NULL) {
        snprintf(out->index, sizeof out->index, "a file is missing or damaged");
        return ERR_OK;
    }
    struct ann_info info;
    ann_info(segment->ann, &info);
    snprintf(out->index, sizeof out->index, "%s", kind_name(info.kind));
    segment_release(db->segments, segment);
    return ERR_OK;
}

static enum err space_stats(struct duet *db, struct txn *txn,
                            const struct record_collection *c, size_t i,
                            struct duet_space_stats *out)
{
    struct vector_space in = vector_space_of(txn, c, i);
    struct record_space state;
    TRY(collection_space_get(txn, c->number, in.space, &state));
    *out = (struct duet_space_stats){.dim = in.dim,
                                     .distance = c->spaces[i].distance,
                                     .datatype = c->spaces[i].datatype,
                                     .n_vectors = state.n_live,
                                     .n_segments = state.n_segments};
    snprintf(out->name, sizeof out->name, "%s", c->spaces[i].name);
    for (size_t s = 0; s < state.n_segments; s++) {
        TRY(count_sealed(in, &state.segments[s], &out->n_sealed));
        TRY(describe_segment(db, in, &state.segments[s], out));
    }
    return ERR_OK;
}

static enum err collection_stats(struct duet *db, struct txn *txn,
                                 const char *collection, struct duet_stats *out)
{
    struct record_collection c;
    TRY(collection_get(txn, collection, &c));
    snprintf(out->model, sizeof out->model, "%s", c.model);
    snprintf(out->model_space, sizeof out->model_space, "%s", c.model_space);
    out->n_points = c.n_points;
    out->n_spaces = c.n_spaces;
    for (size_t i = 0; i < c.n_spaces; i++) {
        TRY(space_stats(db, txn, &c, i, &out->spaces[i]));
    }
    return ERR_OK;
}

enum err duet_stats(struct duet *db, const char *collection, struct duet_stats *out)
{
    struct txn txn;
    struct duet_id uuid = {.is_uuid = true};
    *out = (struct duet_stats){.n_points = 0};
    db_uuid(db, uuid.uuid);
    duet_id_format(uuid, out->uuid);
    TRY(store_size(db->store, &out->store_bytes));
    TRY(media_size(db, &out->media_bytes));
    TRY(store_read(db->store, &txn));
    enum err result = collection_stats(db, &txn, collection, out);
    store_end(&txn);
    if (result != ERR_OK) {
        *out = (struct duet_stats){.n_points = 0};
    }
    return result;
}

enum err duet_seal(struct duet *db, const char *collection)
{
    struct txn txn;
    struct record_collection c;
    TRY(db_check_writable(db));
    TRY(store_read(db->store, &txn));
    enum err result = collection_get(&txn, collection, &c);
    store_end(&txn);
    TRY(result);
    return builder_wait(db->builder);
}
