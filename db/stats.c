/*
 * stats.c - duet_stats and duet_seal.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "db/collection.h"
#include "db/database.h"
#include "db/index_choice.h"
#include "db/media.h"
#include "db/vectors.h"
#include "index/bitmap.h"

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

/* ---- Segments ---- */

static void append(char text[96], const char *more)
{
    size_t n = strlen(text);
    snprintf(text + n, 96 - n, "%s%s", n > 0 ? ", " : "", more);
}

static struct duet_width_stats width_stats(const struct ann_width *w)
{
    static const struct {
        enum ann_lesson lesson;
        const char *name;
    } names[] = {{ANN_ASKED, "questions asked"},
                 {ANN_OTHER_SPACE, "vectors of the other space"},
                 {ANN_PHRASES, "phrases"},
                 {ANN_OWN_VECTORS, "own vectors"},
                 {ANN_SAFETY_FACTOR, "then widened"}};
    struct duet_width_stats out = {.oversampling = w->oversampling,
                                   .nprobe = w->nprobe,
                                   .ef = w->ef,
                                   .recall = (double)w->recall,
                                   .n_questions = w->n_questions};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((w->lessons & (uint32_t)names[i].lesson) != 0) {
            append(out.learnt_from, names[i].name);
        }
    }
    return out;
}

/* Adds one segment up; `largest` is the largest so far. */
static enum err add_segment(struct duet *db, struct vector_space in,
                            const struct record_segment *s,
                            struct duet_space_stats *out, struct ann_info *largest)
{
    struct segment_key key = {in.collection, in.space, s->generation};
    struct segment *segment;
    char path[PATH_MAX];
    struct stat st;
    struct ann_info info;
    TRY(segment_path(db->segments, key, path));
    out->segment_bytes += stat(path, &st) == 0 ? (size_t)st.st_size : 0;
    TRY(segment_acquire(db->segments, key, in.dim, s->n_slots, &segment));
    if (segment == NULL) {
        return ERR_OK;
    }
    ann_info(segment->ann, &info);
    segment_release(db->segments, segment);
    out->memory_bytes += info.memory_bytes;
    *largest = info.n > largest->n ? info : *largest;
    return ERR_OK;
}

static enum err describe_index(struct duet *db, struct txn *txn,
                               const struct record_collection *c, size_t i,
                               const struct ann_info *largest,
                               struct duet_space_stats *out)
{
    const struct record_space_def *def = &c->spaces[i];
    TRY(index_choice_get(txn, c->number, def->number, &out->choice));
    struct index_facts facts = {
        .def = def,
        .choice = out->choice,
        .cross_modal = collection_is_cross_modal(c),
        .seal_at = db->seal_at,
        .n_vectors = out->n_vectors,
        .largest = largest->n > 0 ? largest : NULL,
    };
    if (largest->n > 0) {
        ann_name(largest, out->index);
        out->same_side = width_stats(&largest->widths[ANN_SAME_SIDE]);
        out->cross_modal = width_stats(&largest->widths[ANN_CROSS_SIDE]);
    }
    index_choice_reason(&facts, out->reason, sizeof out->reason);
    if (largest->n == 0 && out->n_segments > 0) {
        snprintf(out->index, sizeof out->index, "a file is missing or damaged");
        snprintf(out->reason, sizeof out->reason,
                 "it is built anew; until then every vector is compared");
    }
    return ERR_OK;
}

_Static_assert(sizeof((struct duet_space_stats *)0)->index >= ANN_NAME_MAX,
               "a name fits");

static enum err space_stats(struct duet *db, struct txn *txn,
                            const struct record_collection *c, size_t i,
                            struct duet_space_stats *out)
{
    struct vector_space in = vector_space_of(txn, c, i);
    struct record_space state;
    struct ann_info largest = {.n = 0};
    TRY(collection_space_get(txn, c->number, in.space, &state));
    *out = (struct duet_space_stats){.dim = in.dim,
                                     .distance = c->spaces[i].distance,
                                     .datatype = c->spaces[i].datatype,
                                     .n_vectors = state.n_live,
                                     .n_segments = state.n_segments};
    snprintf(out->name, sizeof out->name, "%s", c->spaces[i].name);
    for (size_t s = 0; s < state.n_segments; s++) {
        TRY(count_sealed(in, &state.segments[s], &out->n_sealed));
        TRY(add_segment(db, in, &state.segments[s], out, &largest));
    }
    return describe_index(db, txn, c, i, &largest, out);
}

/* ---- All ---- */

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
