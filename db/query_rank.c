/*
 * query_rank.c - the best points of one space for one node. See query_run.h.
 *
 * What asks with one vector goes through the index (nearest.h). Points that prefetches
 * found are few, and compared one by one. Examples that each count by themselves are
 * compared with all vectors, unless query_examples.c knows what to ask the index.
 */
#include "db/query_rank.h"

#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "index/bitmap.h"

static struct vector_space space_of(const struct ranking *r)
{
    return vector_space_of(&r->search->txn, &r->search->collection, r->space);
}

static float score_row(struct ranking *r, const void *vectors, size_t slot)
{
    size_t row = slot % RECORD_CHUNK_SLOTS * vector_row_bytes(&r->scorer.in);
    r->search->work.n_compared++;
    return scorer_score(&r->scorer, (const char *)vectors + row);
}

/* ---- Points that prefetches found ---- */

static enum err compare_point(struct ranking *r, const struct query_points *point)
{
    struct bytes vectors;
    uint16_t number = r->search->collection.spaces[r->space].number;
    uint32_t slot = record_point_slot(&point->record, number);
    if (slot == RECORD_NO_SLOT) {
        return ERR_OK;
    }
    TRY(vector_chunk_get(r->scorer.in, slot / RECORD_CHUNK_SLOTS, &vectors));
    FAIL_IF(vectors.data == NULL, ERR_CORRUPT, "a point's vector is missing");
    rank_push(r->rank, (struct rank_hit){.score = score_row(r, vectors.data, slot),
                                         .id = point->id,
                                         .space = r->space});
    return ERR_OK;
}

enum err ranking_compare_points(struct ranking *r, const struct query_ids *sources)
{
    struct query_search *s = r->search;
    struct query_points points;
    TRY(query_points_open(&points, r->node, &s->txn, &s->collection, sources));
    enum err result;
    for (;;) {
        TRY_OUT(query_points_next(&points));
        if (!points.found) {
            break;
        }
        TRY_OUT(compare_point(r, &points));
    }
out:
    query_points_close(&points);
    return result;
}

/* ---- All vectors ---- */

/* The id is looked up only of what is good enough. */
static enum err compare_chunk(struct ranking *r, uint32_t chunk, uint64_t slots)
{
    struct bytes vectors;
    TRY(vector_chunk_get(r->scorer.in, chunk, &vectors));
    FAIL_IF(vectors.data == NULL, ERR_CORRUPT, "a point's vector is missing");
    while (slots != 0) {
        uint32_t slot = chunk * RECORD_CHUNK_SLOTS + (uint32_t)__builtin_ctzll(slots);
        struct rank_hit hit = {.score = score_row(r, vectors.data, slot),
                               .space = r->space};
        slots &= slots - 1;
        if (hit.score >= rank_bar(r->rank)) {
            TRY(vector_id_get(r->scorer.in, slot, &hit.id));
            rank_push(r->rank, hit);
        }
    }
    return ERR_OK;
}

static enum err compare_slots(struct ranking *r, const uint64_t *slots, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        if (slots[i] != 0) {
            TRY(compare_chunk(r, (uint32_t)i, slots[i]));
        }
    }
    return ERR_OK;
}

/* Those that are allowed, or all that live. */
static enum err compare_all(struct ranking *r)
{
    struct record_space state;
    struct vector_space in = r->scorer.in;
    TRY(collection_space_get(in.txn, in.collection, in.space, &state));
    size_t n_words = bitmap_words(state.next_slot);
    if (r->allowed != NULL) {
        return compare_slots(r, r->allowed, n_words);
    }
    uint64_t *live = alloc_array(n_words, sizeof *live);
    if (live == NULL) {
        return ERR_NOMEM;
    }
    enum err result = vector_live_get(in, 0, n_words * RECORD_CHUNK_SLOTS, live);
    if (result == ERR_OK) {
        result = compare_slots(r, live, n_words);
    }
    alloc_free(live);
    return result;
}

/* ---- The nearest ---- */

/* Whether something it is asked with is of another side than the space, or unknown. */
static bool is_cross_modal(const struct ranking *r)
{
    for (size_t i = 0; i < r->node->n_inputs; i++) {
        if (r->node->inputs[i].origin != r->space) {
            return true;
        }
    }
    return false;
}

enum err ranking_find_nearest(struct ranking *r, const float *vector, struct rank *rank)
{
    const struct duet_query *q = r->node->asked;
    struct nearest nearest = {
        .in = r->scorer.in,
        .place = r->space,
        .segments = r->search->db->segments,
        .query = vector,
        .exact = q->exact,
        .cross_modal = is_cross_modal(r),
        .oversampling = q->oversampling,
        .nprobe = q->nprobe,
        .ef = q->ef,
        .force_index = q->force_index,
        .allowed = r->allowed,
        .rank = rank,
        .work = &r->search->work,
    };
    return nearest_search(&nearest);
}

/* ---- */

/* The slots that the node's filter allows, if there is one. It is asked of all points
 * once, for all nodes that share the filter. */
static enum err find_allowed(struct ranking *r)
{
    struct query_filter *f = r->node->filter;
    struct query_search *s = r->search;
    if (f == NULL) {
        return ERR_OK;
    }
    if (!f->is_found) {
        TRY(allowed_find(&f->allowed, &s->txn, &s->collection, f->filter, f->spaces));
        f->is_found = true;
    }
    r->allowed = f->allowed.slots[r->space];
    return ERR_OK;
}

static enum err rank_all(struct ranking *r)
{
    bool done;
    TRY(find_allowed(r));
    if (r->scorer.kind == SCORER_NEAREST) {
        return ranking_find_nearest(r, r->scorer.vectors, r->rank);
    }
    TRY(ranking_ask_index(r, &done));
    return done ? ERR_OK : compare_all(r);
}

enum err query_rank_space(struct query_search *search, const struct query_node *node,
                          size_t space, const struct query_ids *sources,
                          struct rank *rank)
{
    struct ranking r = {.search = search, .node = node, .space = space, .rank = rank};
    TRY(scorer_open(&r.scorer, &search->tree, node, space_of(&r),
                    &search->collection.spaces[space]));
    enum err result =
        sources != NULL ? ranking_compare_points(&r, sources) : rank_all(&r);
    scorer_release(&r.scorer);
    return result;
}
