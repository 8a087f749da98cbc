/*
 * seal.c - see seal.h.
 */
#include "db/seal.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/index_choice.h"
#include "db/learn.h"
#include "db/vectors.h"
#include "index/bitmap.h"

enum {
    SEGMENTS_MANY = 32 /* sizes that never carry; then all are built into one */
};

struct sealer {
    struct duet *db;
    bool try_all; /* load every segment to see whether it is sound */
    bool told;    /* of what cannot be looked at: once is enough */
};

/* One space, and what is to be built of it: slots [first, first + n_slots), in place of
 * the segments numbered [from, to). */
struct plan {
    struct record_collection collection;
    size_t place; /* of the space in the collection */
    struct record_space state;
    size_t from, to;
    uint32_t first;
    uint32_t n_slots;
    uint32_t n_rows; /* vectors that live in it */
    enum duet_vector_index choice;
};

static uint16_t number_of(const struct plan *plan)
{
    return plan->collection.spaces[plan->place].number;
}

static struct segment_key key_of(const struct plan *plan, uint64_t generation)
{
    return (struct segment_key){plan->collection.number, number_of(plan), generation};
}

/* ---- Planning ---- */

/* Counts what lives of slots [first, end), whole chunks; *first_live is where the first
 * chunk begins in which one does. */
static enum err count_live(const struct plan *plan, struct txn *txn, uint32_t first,
                           uint32_t end, uint32_t *n_live, uint32_t *first_live)
{
    struct vector_space in = vector_space_of(txn, &plan->collection, plan->place);
    struct vector_walk walk;
    *n_live = 0;
    *first_live = end;
    TRY(vector_walk_open(&walk, in, first / RECORD_CHUNK_SLOTS));
    enum err result = vector_walk_next(&walk);
    while (result == ERR_OK && walk.live != 0 &&
           walk.chunk < end / RECORD_CHUNK_SLOTS) {
        if (*n_live == 0) {
            *first_live = walk.chunk * RECORD_CHUNK_SLOTS;
        }
        *n_live += (uint32_t)bitmap_count(&walk.live, RECORD_CHUNK_SLOTS);
        result = vector_walk_next(&walk);
    }
    vector_walk_close(&walk);
    return result;
}

/* Loads the segment, so that a broken file is found also where nobody searches. */
static enum err try_segment(struct duet *db, const struct plan *plan,
                            const struct record_segment *s)
{
    struct segment *segment;
    TRY(segment_acquire(db->segments, key_of(plan, s->generation),
                        plan->collection.spaces[plan->place].dim, s->n_slots,
                        &segment));
    if (segment != NULL) {
        segment_release(db->segments, segment);
    }
    return ERR_OK;
}

/* Whether a kind was chosen, and the segment is of another. Its file is loaded for it. */
static enum err is_of_another_kind(struct duet *db, const struct plan *plan,
                                   const struct record_segment *s, bool *yes)
{
    struct segment *segment;
    struct ann_info info;
    enum ann_kind kind = index_choice_kind(plan->choice);
    *yes = false;
    if (kind == ANN_AUTO) {
        return ERR_OK;
    }
    TRY(segment_acquire(db->segments, key_of(plan, s->generation),
                        plan->collection.spaces[plan->place].dim, s->n_slots,
                        &segment));
    if (segment != NULL) {
        ann_info(segment->ann, &info);
        *yes = info.kind != kind;
        segment_release(db->segments, segment);
    }
    return ERR_OK;
}

/* A segment whose file is broken, or that is of another kind than was chosen, is built
 * anew over the same slots; one whose vectors are all dead is given up, and all are
 * where a scan was chosen. */
static enum err plan_repair(struct sealer *sealer, struct txn *txn, struct plan *plan,
                            bool *due)
{
    struct duet *db = sealer->db;
    for (size_t i = 0; i < plan->state.n_segments && !*due; i++) {
        const struct record_segment *s = &plan->state.segments[i];
        if (sealer->try_all) {
            TRY(try_segment(db, plan, s));
        }
        plan->from = i;
        plan->to = i + 1;
        plan->first = s->first;
        plan->n_slots = s->n_slots;
        uint32_t first_live;
        TRY(count_live(plan, txn, s->first, s->first + s->n_slots, &plan->n_rows,
                       &first_live));
        TRY(is_of_another_kind(db, plan, s, due));
        *due = *due || plan->n_rows == 0 || plan->choice == DUET_INDEX_SCAN ||
               segment_is_broken(db->segments, key_of(plan, s->generation));
        plan->n_rows = plan->choice == DUET_INDEX_SCAN ? 0 : plan->n_rows;
    }
    return ERR_OK;
}

/* Whether the segment before the plan's range is built into it: it is no larger, or
 * segments are too many; but not across so many dead slots that most of the new one
 * would be dead, for which move.h would empty it again. */
static enum err carries(const struct plan *plan, struct txn *txn, bool *yes)
{
    const struct record_space *state = &plan->state;
    *yes = false;
    if (plan->from == 0) {
        return ERR_OK;
    }
    const struct record_segment *s = &state->segments[plan->from - 1];
    uint32_t end = plan->first + plan->n_slots;
    uint32_t n_live;
    uint32_t first_live;
    if (state->n_segments < SEGMENTS_MANY && s->n_slots > plan->n_slots) {
        return ERR_OK;
    }
    TRY(count_live(plan, txn, s->first, end, &n_live, &first_live));
    *yes = n_live > (end - s->first) / 2 || state->n_segments >= SEGMENTS_MANY;
    return ERR_OK;
}

/* The whole chunks behind the last segment, from the first that lives, and segments
 * before them no larger. */
static enum err plan_seal(struct duet *db, struct txn *txn, struct plan *plan,
                          bool *due)
{
    const struct record_space *state = &plan->state;
    const struct record_segment *last =
        state->n_segments == 0 ? NULL : &state->segments[state->n_segments - 1];
    uint32_t behind = last == NULL ? 0 : last->first + last->n_slots;
    uint32_t end = state->next_slot / RECORD_CHUNK_SLOTS * RECORD_CHUNK_SLOTS;
    plan->from = plan->to = state->n_segments;
    if (end - behind < db->seal_at) {
        return ERR_OK;
    }
    TRY(count_live(plan, txn, behind, end, &plan->n_rows, &plan->first));
    plan->n_slots = end - plan->first;
    if (plan->n_rows < db->seal_at || plan->n_rows <= plan->n_slots / 2) {
        return ERR_OK; /* where too much is dead, move.h sees to it first */
    }
    bool more = true;
    while (more) {
        TRY(carries(plan, txn, &more));
        if (more) {
            plan->from--;
            plan->first = state->segments[plan->from].first;
            plan->n_slots = end - plan->first;
        }
    }
    TRY(count_live(plan, txn, plan->first, end, &plan->n_rows, &behind));
    *due = true;
    return ERR_OK;
}

/* Looks at the spaces of the collection that the cursor stands on. */
static enum err find_plan_of(struct sealer *sealer, struct txn *txn,
                             const struct cursor *cursor, struct plan *plan, bool *due)
{
    TRY(record_collection_read(&plan->collection, cursor->value));
    for (size_t i = 0; i < record_collection_n_all(&plan->collection) && !*due; i++) {
        const struct record_space_def *def = &plan->collection.spaces[i];
        plan->place = i;
        TRY(index_choice_get(txn, plan->collection.number, def->number, &plan->choice));
        TRY(collection_space_get(txn, plan->collection.number, def->number,
                                 &plan->state));
        TRY(plan_repair(sealer, txn, plan, due));
        if (!*due && index_choice_is_indexed(def, plan->choice)) {
            TRY(plan_seal(sealer->db, txn, plan, due));
        }
    }
    return ERR_OK;
}

/* Looks at the spaces of all collections; the first with something due is `plan`. */
static enum err find_plan(struct sealer *sealer, struct txn *txn, struct plan *plan,
                          bool *due)
{
    struct cursor cursor;
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL && !*due) {
        result = find_plan_of(sealer, txn, &cursor, plan, due);
        if (result == ERR_CORRUPT) {
            /* One collection that is damaged costs the others nothing. */
            log_write(sealer->try_all && !sealer->told ? LOG_WARN : LOG_DEBUG,
                      "segments: %s", err_detail());
            *due = false;
            result = ERR_OK;
        }
        TRY_OUT(result);
        TRY_OUT(cursor_next(&cursor));
    }
out:
    cursor_close(&cursor);
    return result;
}

/* ---- Building ---- */

/* What an index is built over: a plan's range, and its chunks that live. */
struct source {
    struct duet *db;
    const struct plan *plan;
    uint32_t *chunks; /* [n_chunks], owned */
    size_t n_chunks;
};

static enum err list_chunks(struct source *source, struct txn *txn)
{
    const struct plan *plan = source->plan;
    struct vector_space in = vector_space_of(txn, &plan->collection, plan->place);
    uint32_t end = (plan->first + plan->n_slots) / RECORD_CHUNK_SLOTS;
    struct vector_walk walk;
    TRY(vector_walk_open(&walk, in, plan->first / RECORD_CHUNK_SLOTS));
    enum err result = vector_walk_next(&walk);
    while (result == ERR_OK && walk.live != 0 && walk.chunk < end) {
        source->chunks[source->n_chunks++] = walk.chunk;
        result = vector_walk_next(&walk);
    }
    vector_walk_close(&walk);
    return result;
}

static enum err open_source(struct source *source)
{
    struct txn txn;
    size_t n = source->plan->n_slots / RECORD_CHUNK_SLOTS;
    source->chunks = alloc_array(n, sizeof *source->chunks);
    if (source->chunks == NULL) {
        return ERR_NOMEM;
    }
    TRY(store_read(source->db->store, &txn));
    enum err result = list_chunks(source, &txn);
    store_end(&txn);
    return result;
}

/* Rows as the index compares them: those of a Cosine space at unit length, which bytes
 * are not stored at. */
static void read_rows(const struct vector_space *in, const char *rows, size_t n,
                      float *dst)
{
    for (size_t i = 0; i < n; i++, rows += vector_row_bytes(in), dst += in->dim) {
        vector_row_read(in, rows, dst);
        if (in->kind.measure == SCAN_COSINE &&
            vector_normalise(dst, in->dim) != ERR_OK) {
            memset(dst, 0, in->dim * sizeof *dst); /* a slot never used */
        }
    }
}

/* A chunk's rows, or those of another in the place of one that is all dead: the live
 * bits hide them from every search, and they teach the index nothing that is not so. */
static enum err find_chunk(const struct source *source, struct vector_space in,
                           uint32_t chunk, struct bytes *rows)
{
    TRY(vector_chunk_get(in, chunk, rows));
    if (rows->data == NULL && source->n_chunks > 0) {
        size_t other = chunk * UINT32_C(2654435761) % source->n_chunks;
        TRY(vector_chunk_get(in, source->chunks[other], rows));
    }
    return ERR_OK;
}

/* An ann_read_fn. */
static enum err read_vectors(void *arg, size_t first, size_t n, float *dst)
{
    const struct source *source = arg;
    const struct plan *plan = source->plan;
    struct txn txn;
    TRY(store_read(source->db->store, &txn));
    struct vector_space in = vector_space_of(&txn, &plan->collection, plan->place);
    enum err result = ERR_OK;
    size_t row = vector_row_bytes(&in);
    size_t at = plan->first + first;
    size_t end = at + n;
    while (at < end && result == ERR_OK) {
        struct bytes chunk;
        size_t in_chunk = at % RECORD_CHUNK_SLOTS;
        size_t n_here = RECORD_CHUNK_SLOTS - in_chunk;
        n_here = n_here < end - at ? n_here : end - at;
        result = find_chunk(source, in, (uint32_t)(at / RECORD_CHUNK_SLOTS), &chunk);
        if (result == ERR_OK && chunk.data != NULL) {
            read_rows(&in, (const char *)chunk.data + in_chunk * row, n_here, dst);
        } else {
            memset(dst, 0, n_here * in.dim * sizeof *dst);
        }
        dst += n_here * in.dim;
        at += n_here;
    }
    store_end(&txn);
    return result;
}

struct manifest_switch {
    const struct plan *plan;
    uint64_t generation;
    bool switched;
};

/* Whether the manifest still has the segments that the plan replaces. Only this thread
 * changes it, but the collection may have been dropped meanwhile. */
static bool still_fits(const struct record_space *now, const struct plan *plan)
{
    if (now->n_segments != plan->state.n_segments) {
        return false;
    }
    for (size_t i = 0; i < now->n_segments; i++) {
        if (now->segments[i].generation != plan->state.segments[i].generation) {
            return false;
        }
    }
    return now->next_slot >= plan->first + plan->n_slots;
}

static enum err switch_body(struct txn *txn, void *arg)
{
    struct manifest_switch *sw = arg;
    const struct plan *plan = sw->plan;
    struct record_space s;
    sw->switched = false;
    TRY(collection_space_get(txn, plan->collection.number, number_of(plan), &s));
    if (!still_fits(&s, plan)) {
        return ERR_OK;
    }
    size_t n_new = plan->n_rows == 0 ? 0 : 1;
    memmove(&s.segments[plan->from + n_new], &s.segments[plan->to],
            (s.n_segments - plan->to) * sizeof s.segments[0]);
    if (n_new == 1) {
        s.segments[plan->from] = (struct record_segment){plan->first, plan->n_slots,
                                                         plan->n_rows, sw->generation};
    }
    s.n_segments = s.n_segments - (plan->to - plan->from) + n_new;
    s.next_generation = sw->generation + 1;
    sw->switched = true;
    return collection_space_put(txn, plan->collection.number, number_of(plan), &s);
}

static enum err build_ann(struct source *source, uint64_t generation, struct ann **ann)
{
    const struct plan *plan = source->plan;
    const struct record_space_def *def = &plan->collection.spaces[plan->place];
    struct learn_range range = {
        .db = source->db,
        .collection = &plan->collection,
        .place = plan->place,
        .first = plan->first,
        .n_slots = plan->n_slots,
        .chunks = source->chunks,
        .n_chunks = source->n_chunks,
        .n_live = plan->n_rows,
    };
    struct ann_build_options options = {
        .kind = index_choice_kind(plan->choice),
        .euclid = def->distance == DUET_EUCLID,
        .dim = def->dim,
        .generation = generation,
        .n_threads = source->db->n_threads,
    };
    TRY(ann_build(ann, &options, plan->n_slots, read_vectors, source));
    enum err result = learn_widths(&range, *ann);
    if (result != ERR_OK) {
        ann_close(*ann);
        *ann = NULL;
    }
    return result;
}

static enum err build_file(struct duet *db, const struct plan *plan,
                           uint64_t generation)
{
    char path[PATH_MAX];
    struct ann *ann = NULL;
    struct source source = {.db = db, .plan = plan};
    enum err result;
    TRY_OUT(segment_path(db->segments, key_of(plan, generation), path));
    TRY_OUT(open_source(&source));
    TRY_OUT(build_ann(&source, generation, &ann));
    TRY_OUT(ann_save(ann, path));
out:
    ann_close(ann);
    alloc_free(source.chunks);
    return result;
}

static enum err build(struct duet *db, const struct plan *plan)
{
    /* The generation of a file that a crash left is used again, its file replaced. */
    struct manifest_switch sw = {plan, plan->state.next_generation, false};
    if (plan->n_rows > 0) {
        TRY(build_file(db, plan, sw.generation));
    }
    TRY(store_update(db->store, switch_body, &sw));
    for (size_t i = plan->from; i < plan->to && sw.switched; i++) {
        segment_forget(db->segments, key_of(plan, plan->state.segments[i].generation));
    }
    return ERR_OK;
}

static enum err seal_one(struct sealer *sealer, struct plan *plan, bool *due)
{
    struct txn txn;
    *due = false;
    TRY(store_read(sealer->db->store, &txn));
    enum err result = find_plan(sealer, &txn, plan, due);
    store_end(&txn);
    TRY(result);
    return *due ? build(sealer->db, plan) : ERR_OK;
}

enum err seal_due(struct duet *db, bool try_all, size_t *n_built)
{
    struct sealer sealer = {.db = db, .try_all = try_all};
    struct plan *plan = alloc_zero(1, sizeof *plan); /* too large for a small stack */
    *n_built = 0;
    if (plan == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    bool due = true;
    while (due && result == ERR_OK) {
        result = seal_one(&sealer, plan, &due);
        *n_built += due && result == ERR_OK ? 1 : 0;
        sealer.told = true;
    }
    alloc_free(plan);
    return result;
}
