/*
 * nearest.c - see nearest.h.
 */
#include "db/nearest.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "db/collection.h"
#include "index/bitmap.h"
#include "index/scan.h"

enum {
    /* Candidates a result, for .99 and more of the true ten of 200,000 (docs/SPEED.md);
     * 10 and 40 find .83 and .97, in four fifths of the time. */
    OVER_SAME_SIDE = 40,
    OVER_CROSS_MODAL = 100,
    CANDIDATES_MIN = 400, /* for small k: the cost is in the codes, not in these */
    /* Reading a candidate's vector is a jump, reading all is a stream: with more than
     * this share of the vectors as candidates, all are compared. */
    SCAN_SHARE = 4,
    /* Lists to look into for a vector of another side, of those there are: .96 to .99
     * of the true ten at 200,000. The index's own default serves the same side. */
    CROSS_MODAL_PROBE_SHARE = 6
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

/* Compares the live vectors of slots [first, end); first is the first of a chunk. */
static enum err scan_range(struct nearest *n, uint32_t first, uint32_t end)
{
    struct record_key prefix = record_key_space(n->in.collection, n->in.space);
    struct record_key start =
        record_key_chunk(n->in.collection, n->in.space, first / RECORD_CHUNK_SLOTS);
    struct cursor cursor;
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
        TRY_OUT(vector_chunk_check(n->in, cursor.value));
        TRY_OUT(vector_live_get(n->in, chunk * RECORD_CHUNK_SLOTS, RECORD_CHUNK_SLOTS,
                                &live));
        TRY_OUT(compare_chunk(n, chunk, live, cursor.value.data));
        TRY_OUT(cursor_next(&cursor));
    }
out:
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

/* In the order of slots, so that each chunk is looked up once and pages are read in
 * one direction. */
static enum err compare_candidates(struct nearest *n, uint32_t first,
                                   struct ann_hit *candidates, size_t n_candidates)
{
    struct bytes vectors = {NULL, 0};
    uint32_t chunk_at = UINT32_MAX;
    qsort(candidates, n_candidates, sizeof *candidates, compare_slots);
    for (size_t i = 0; i < n_candidates; i++) {
        uint32_t slot = first + (uint32_t)candidates[i].slot;
        if (slot / RECORD_CHUNK_SLOTS != chunk_at) {
            chunk_at = slot / RECORD_CHUNK_SLOTS;
            TRY(vector_chunk_get(n->in, chunk_at, &vectors));
            FAIL_IF(vectors.data == NULL, ERR_CORRUPT, "slot %u has no vector", slot);
        }
        TRY(compare(n, slot,
                    (const char *)vectors.data +
                        slot % RECORD_CHUNK_SLOTS * vector_row_bytes(&n->in)));
    }
    n->work->n_candidates += n_candidates;
    return ERR_OK;
}

/* Lists of codes to look into, 0 for the index's default. Under a filter, all: which
 * lists are near says little of where the allowed vectors are, and next to the asking of
 * a filter, even a million codes cost nothing. */
static unsigned probe_width(const struct nearest *n, const struct ann_info *info)
{
    if (n->nprobe != 0) {
        return n->nprobe;
    }
    if (n->allowed != NULL) {
        return (unsigned)info->n_lists;
    }
    return n->cross_modal ? (unsigned)(info->n_lists / CROSS_MODAL_PROBE_SHARE) : 0;
}

static size_t candidates_wanted(const struct nearest *n)
{
    size_t over = n->oversampling;
    if (over == 0) {
        over = n->cross_modal ? OVER_CROSS_MODAL : OVER_SAME_SIDE;
    }
    size_t k = n->rank->k + (n->excluded != NULL ? 1 : 0);
    return k * over > CANDIDATES_MIN ? k * over : CANDIDATES_MIN;
}

/* Asks the segment for candidates among the `allowed` slots and compares them. */
static enum err ask_segment(struct nearest *n, const struct record_segment *s,
                            const struct ann *ann, const uint64_t *allowed,
                            unsigned nprobe)
{
    size_t wanted = candidates_wanted(n);
    size_t n_found;
    struct ann_query query = {
        .vector = n->query,
        .dim = n->in.dim,
        .k = wanted,
        .nprobe = nprobe,
        .allowed = allowed,
    };
    struct ann_hit *candidates = alloc_array(wanted, sizeof *candidates);
    if (candidates == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ann_search(ann, &query, candidates, &n_found);
    if (result == ERR_OK) {
        result = compare_candidates(n, s->first, candidates, n_found);
    }
    alloc_free(candidates);
    return result;
}

/* Whether comparing all of `n_allowed` vectors reads no more than asking the segment: its
 * codes (under a filter all that is looked into, else they hardly count) and candidates.
 */
static bool is_scan_cheaper(const struct nearest *n, const struct ann_info *info,
                            size_t n_allowed, unsigned nprobe)
{
    double row_bytes = (double)vector_row_bytes(&n->in);
    double code_bytes = n->allowed != NULL ? (double)info->memory_bytes : 0;
    if (info->n_lists > 0 && nprobe > 0) {
        code_bytes *= (double)nprobe / (double)info->n_lists;
    }
    double candidate_bytes = (double)candidates_wanted(n) * SCAN_SHARE * row_bytes;
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
    unsigned nprobe = probe_width(n, &info);
    if (!n->force_index && is_scan_cheaper(n, &info, n_live, nprobe)) {
        TRY_OUT(scan_range(n, s->first, s->first + s->n_slots));
    } else {
        TRY_OUT(ask_segment(n, s, ann, live, nprobe));
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
        return scan_range(n, s->first, s->first + s->n_slots);
    }
    enum err result = search_loaded(n, s, segment->ann);
    segment_release(n->segments, segment);
    return result;
}

enum err nearest_search(struct nearest *n)
{
    struct record_space state;
    TRY(collection_space_get(n->in.txn, n->in.collection, n->in.space, &state));
    if (n->exact) {
        return scan_range(n, 0, state.next_slot);
    }
    uint32_t at = 0;
    for (size_t i = 0; i < state.n_segments; i++) {
        const struct record_segment *s = &state.segments[i];
        TRY(scan_range(n, at, s->first));
        TRY(search_segment(n, s));
        at = s->first + s->n_slots;
    }
    return scan_range(n, at, state.next_slot);
}
