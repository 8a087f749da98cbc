/*
 * nearest.c - see nearest.h.
 */
#include "db/nearest.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "db/collection.h"
#include "db/gauge.h"
#include "db/read_ahead.h"
#include "index/bitmap.h"
#include "index/scan.h"

enum {
    /* Of a segment that has learnt nothing: candidates a result, for .99 and more of the
     * true ten of 200,000 (docs/SPEED.md), and lists to look into for a vector of
     * another side, of those there are. The index's own default serves the same side. */
    OVER_SAME_SIDE = 40,
    OVER_CROSS_MODAL = 100,
    CROSS_MODAL_PROBE_SHARE = 6,
    LEARNT_K = 10, /* what is learnt is learnt for ten results: fewer need no less */
    /* Under a filter: an index that found too few candidates is asked once more, at four
     * times the width; then what is allowed is scanned. */
    FILTER_ROUNDS = 2,
    /* And as all codes are looked at anyway, more candidates hardly cost more. */
    FILTER_CANDIDATES = 2,
    /* Candidates that are looked at to see where the rest will come from: memory takes a
     * microsecond for one, a disk this and more. */
    COLD_LOOK = 16,
    COLD_NS = 50000
};

/* Compares the vector at `row` and keeps it if it is good enough. The id is looked up
 * only then. */
static enum err compare(struct nearest *n, uint32_t slot, const void *row)
{
    struct rank_hit hit = {.space = n->place};
    hit.score = scan_score(n->in.kind, n->query, row, n->in.dim);
    n->work->n_compared++;
    if (!(hit.score >= rank_bar(n->rank))) {
        return ERR_OK;
    }
    TRY(vector_id_get(n->in, slot, &hit.id));
    if (n->excluded == NULL || duet_id_compare(hit.id, *n->excluded) != 0) {
        rank_push(n->rank, hit);
    }
    return ERR_OK;
}

/* ---- All of a range ---- */

static enum err compare_chunk(struct nearest *n, uint32_t chunk, uint64_t live,
                              const char *vectors)
{
    while (live != 0) {
        unsigned i = (unsigned)__builtin_ctzll(live);
        live &= live - 1;
        TRY(compare(n, chunk * RECORD_CHUNK_SLOTS + i,
                    vectors + i * vector_row_bytes(&n->in)));
    }
    return ERR_OK;
}

/* The same of the allowed slots alone: they live, since points have them. Chunks without
 * any are not even looked up. */
static enum err scan_allowed(struct nearest *n, uint32_t first, uint32_t end)
{
    for (uint32_t chunk = first / RECORD_CHUNK_SLOTS; chunk < bitmap_words(end);
         chunk++) {
        struct bytes vectors;
        if (n->allowed[chunk] == 0) {
            continue;
        }
        TRY(vector_chunk_get(n->in, chunk, &vectors));
        FAIL_IF(vectors.data == NULL, ERR_CORRUPT, "a point's vector is missing");
        TRY(compare_chunk(n, chunk, n->allowed[chunk], vectors.data));
    }
    return ERR_OK;
}

enum err nearest_scan(struct nearest *n, uint32_t first, uint32_t end)
{
    struct record_key prefix = record_key_space(n->in.collection, n->in.space);
    struct record_key start =
        record_key_chunk(n->in.collection, n->in.space, first / RECORD_CHUNK_SLOTS);
    struct cursor cursor;
    struct read_ahead ahead = {.begun = false};
    if (first >= end) {
        return ERR_OK;
    }
    if (n->allowed != NULL) {
        return scan_allowed(n, first, end);
    }
    TRY(cursor_open(n->in.txn, STORE_VECTORS, store_key(&prefix), &cursor));
    enum err result;
    TRY_OUT(cursor_seek(&cursor, store_key(&start)));
    while (cursor.key.data != NULL) {
        uint32_t chunk;
        uint64_t live;
        TRY_OUT(record_key_number(cursor.key, &chunk));
        if (chunk * RECORD_CHUNK_SLOTS >= end) {
            break;
        }
        TRY_OUT(
            read_ahead_of_chunk(&ahead, &n->in, chunk, (uint32_t)bitmap_words(end)));
        TRY_OUT(vector_chunk_check(n->in, cursor.value));
        TRY_OUT(vector_live_get(n->in, chunk * RECORD_CHUNK_SLOTS, RECORD_CHUNK_SLOTS,
                                &live));
        TRY_OUT(compare_chunk(n, chunk, live, cursor.value.data));
        TRY_OUT(cursor_next(&cursor));
    }
out:
    read_ahead_close(&ahead);
    cursor_close(&cursor);
    return result;
}

/* ---- Candidates of a segment ---- */

static int compare_slots(const void *a, const void *b)
{
    uint64_t x = ((const struct ann_hit *)a)->slot;
    uint64_t y = ((const struct ann_hit *)b)->slot;
    return (x > y) - (x < y);
}

/* The vector in `slot`. `chunk_at` and `vectors` remember the chunk between calls. */
static enum err find_row(struct nearest *n, uint32_t slot, uint32_t *chunk_at,
                         struct bytes *vectors, const char **row)
{
    if (slot / RECORD_CHUNK_SLOTS != *chunk_at) {
        *chunk_at = slot / RECORD_CHUNK_SLOTS;
        TRY(vector_chunk_get(n->in, *chunk_at, vectors));
        FAIL_IF(vectors->data == NULL, ERR_CORRUPT, "slot %u has no vector", slot);
    }
    *row = (const char *)vectors->data +
           slot % RECORD_CHUNK_SLOTS * vector_row_bytes(&n->in);
    return ERR_OK;
}

/* Candidates that will be compared, so that the disk gets all of them at once instead
 * of one after another, each with a stretch around it. */
static enum err announce(struct nearest *n, uint32_t first,
                         const struct ann_hit *candidates, size_t n_candidates)
{
    struct bytes vectors = {NULL, 0};
    uint32_t chunk_at = UINT32_MAX;
    for (size_t i = 0; i < n_candidates; i++) {
        const char *row;
        uint32_t slot = first + (uint32_t)candidates[i].slot;
        TRY(find_row(n, slot, &chunk_at, &vectors, &row));
        read_ahead_bytes(row, vector_row_bytes(&n->in));
    }
    return ERR_OK;
}

/* In the order of slots, so that each chunk is looked up once and pages are read in
 * one direction. */
static enum err compare_candidates(struct nearest *n, uint32_t first,
                                   struct ann_hit *candidates, size_t n_candidates)
{
    struct bytes vectors = {NULL, 0};
    uint32_t chunk_at = UINT32_MAX;
    bool announced = false;
    uint64_t start = clock_monotonic_ns();
    qsort(candidates, n_candidates, sizeof *candidates, compare_slots);
    for (size_t i = 0; i < n_candidates; i++) {
        const char *row;
        uint32_t slot = first + (uint32_t)candidates[i].slot;
        if (!announced && i > 0 && i <= COLD_LOOK &&
            clock_monotonic_ns() - start > i * COLD_NS) {
            announced = true;
            store_expect_jumps(n->in.txn, vectors.data);
            TRY(announce(n, first, candidates + i, n_candidates - i));
        }
        TRY(find_row(n, slot, &chunk_at, &vectors, &row));
        TRY(compare(n, slot, row));
    }
    n->work->n_candidates += n_candidates;
    return ERR_OK;
}

/* ---- How widely ---- */

struct width {
    size_t n_candidates;
    unsigned nprobe, ef; /* 0: the index's default */
};

/* What the segment has learnt, or what is known of segments at large. */
static struct ann_width usual_width(const struct nearest *n,
                                    const struct ann_info *info)
{
    enum ann_side side = n->cross_modal ? ANN_CROSS_SIDE : ANN_SAME_SIDE;
    if (info->widths[side].oversampling != 0) {
        return info->widths[side];
    }
    struct ann_width w = {.oversampling = OVER_SAME_SIDE};
    if (n->cross_modal) {
        w.oversampling = OVER_CROSS_MODAL;
        w.nprobe = (uint32_t)(info->n_lists / CROSS_MODAL_PROBE_SHARE);
    }
    return w;
}

/* Under a filter all lists are looked into: which are near says little of where the
 * allowed vectors are, and next to the asking of a filter, even a million codes cost
 * nothing. */
static struct width choose_width(const struct nearest *n, const struct ann_info *info)
{
    struct ann_width usual = usual_width(n, info);
    size_t k = n->rank->k + (n->excluded != NULL ? 1 : 0);
    struct width w = {.nprobe = n->nprobe, .ef = n->ef != 0 ? n->ef : usual.ef};
    if (n->oversampling != 0) {
        w.n_candidates = k * n->oversampling;
    } else {
        w.n_candidates = (k > LEARNT_K ? k : LEARNT_K) * usual.oversampling;
        w.n_candidates *= n->allowed != NULL ? FILTER_CANDIDATES : 1;
    }
    if (n->nprobe == 0) {
        w.nprobe = n->allowed != NULL ? (unsigned)info->n_lists : usual.nprobe;
    }
    return w;
}

/* Asks the segment for candidates among its `n_live` slots and compares them. */
static enum err ask_segment(struct nearest *n, const struct record_segment *s,
                            const struct ann *ann, const uint64_t *live, size_t n_live,
                            const struct width *w)
{
    size_t n_found;
    struct ann_query query = {
        .vector = n->query,
        .dim = n->in.dim,
        .k = w->n_candidates,
        .nprobe = w->nprobe,
        .ef = w->ef,
        .allowed = live,
        .n_rounds = n->allowed != NULL && !n->force_index ? FILTER_ROUNDS : 0,
    };
    struct ann_hit *candidates = alloc_array(w->n_candidates, sizeof *candidates);
    if (candidates == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ann_search(ann, &query, candidates, &n_found);
    if (result == ERR_OK && n_found < w->n_candidates && n_found < n_live) {
        result = nearest_scan(n, s->first, s->first + s->n_slots);
    } else if (result == ERR_OK) {
        result = compare_candidates(n, s->first, candidates, n_found);
    }
    alloc_free(candidates);
    return result;
}

/* Whether comparing all of `n_allowed` vectors reads no more than asking the segment: its
 * codes (under a filter all that is looked into, else they hardly count) and candidates.
 */
static bool is_scan_cheaper(const struct nearest *n, const struct ann_info *info,
                            size_t n_allowed, const struct width *w)
{
    double row_bytes = (double)vector_row_bytes(&n->in);
    double code_bytes = n->allowed != NULL ? (double)info->memory_bytes : 0;
    if (info->n_lists > 0 && w->nprobe > 0) {
        code_bytes *= (double)w->nprobe / (double)info->n_lists;
    }
    double candidate_bytes = (double)w->n_candidates * NEAREST_SCAN_SHARE * row_bytes;
    return (double)n_allowed * row_bytes <= code_bytes + candidate_bytes;
}

/* The segment's live vectors are counted afresh: they may be few by now. */
static enum err search_loaded(struct nearest *n, const struct record_segment *s,
                              const struct ann *ann)
{
    struct ann_info info;
    size_t n_words = bitmap_words(s->n_slots);
    uint64_t *live = alloc_array(n_words, sizeof *live);
    if (live == NULL) {
        return ERR_NOMEM;
    }
    enum err result;
    TRY_OUT(vector_live_get(n->in, s->first, s->n_slots, live));
    for (size_t i = 0; i < n_words && n->allowed != NULL; i++) {
        live[i] &= n->allowed[s->first / RECORD_CHUNK_SLOTS + i];
    }
    ann_info(ann, &info);
    size_t n_live = bitmap_count(live, s->n_slots);
    struct width w = choose_width(n, &info);
    if (!n->force_index && is_scan_cheaper(n, &info, n_live, &w)) {
        TRY_OUT(nearest_scan(n, s->first, s->first + s->n_slots));
    } else {
        TRY_OUT(ask_segment(n, s, ann, live, n_live, &w));
    }
out:
    alloc_free(live);
    return result;
}

static enum err search_segment(struct nearest *n, const struct record_segment *s)
{
    struct segment_key key = {n->in.collection, n->in.space, s->generation};
    struct segment *segment;
    TRY(segment_acquire(n->segments, key, n->in.dim, s->n_slots, &segment));
    if (segment == NULL) {
        return nearest_scan(n, s->first, s->first + s->n_slots);
    }
    enum err result = search_loaded(n, s, segment->ann);
    segment_release(n->segments, segment);
    return result;
}

static enum err search_all_parts(struct nearest *n, const struct record_space *state)
{
    uint32_t at = 0;
    for (size_t i = 0; i < state->n_segments; i++) {
        const struct record_segment *s = &state->segments[i];
        TRY(nearest_scan(n, at, s->first));
        TRY(search_segment(n, s));
        at = s->first + s->n_slots;
    }
    return nearest_scan(n, at, state->next_slot);
}

/* What learns from questions: the next segments, and the recall gauge, which asks again
 * what the index has answered at its own widths. */
static void tell_watchers(struct nearest *n, bool by_index)
{
    struct asked_key key = {n->in.collection, n->in.space, n->cross_modal};
    if (n->is_check || n->excluded != NULL) {
        return;
    }
    asked_note(segment_cache_asked(n->segments), key, n->query, n->in.dim);
    if (by_index && n->allowed == NULL && n->oversampling == 0 && n->nprobe == 0 &&
        n->ef == 0) {
        gauge_offer(segment_cache_gauge(n->segments), key,
                    &(struct gauge_question){n->query, n->in.dim, n->rank->k});
    }
}

enum err nearest_search(struct nearest *n)
{
    struct record_space state;
    size_t n_before = n->work->n_candidates;
    TRY(collection_space_get(n->in.txn, n->in.collection, n->in.space, &state));
    if (n->exact) {
        TRY(nearest_scan(n, 0, state.next_slot));
    } else {
        TRY(search_all_parts(n, &state));
    }
    tell_watchers(n, n->work->n_candidates > n_before);
    return ERR_OK;
}
