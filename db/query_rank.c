/*
 * query_rank.c - the best points of one space for one node. See query_run.h.
 *
 * What asks with one vector goes through the index (nearest.h). Points that prefetches
 * found are few, and compared one by one. Examples that each count by themselves are
 * compared with all vectors: no index knows their scores.
 */
#include "base/alloc.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/query_run.h"
#include "db/query_score.h"
#include "index/bitmap.h"

struct ranking {
    struct query_search *search;
    const struct query_node *node;
    size_t space; /* its place in the collection */
    struct scorer scorer;
    struct rank *rank;
};

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

static enum err compare_points(struct ranking *r, const struct query_ids *sources)
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

/* Those of `allowed`, or all that live. */
static enum err compare_all(struct ranking *r, const uint64_t *allowed)
{
    struct record_space state;
    struct vector_space in = r->scorer.in;
    TRY(collection_space_get(in.txn, in.collection, in.space, &state));
    size_t n_words = bitmap_words(state.next_slot);
    if (allowed != NULL) {
        return compare_slots(r, allowed, n_words);
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

static enum err find_nearest(struct ranking *r, const uint64_t *allowed)
{
    const struct duet_query *q = r->node->asked;
    struct nearest nearest = {
        .in = r->scorer.in,
        .place = r->space,
        .segments = r->search->db->segments,
        .query = r->scorer.vectors,
        .exact = q->exact,
        .cross_modal = is_cross_modal(r),
        .oversampling = q->oversampling,
        .nprobe = q->nprobe,
        .allowed = allowed,
        .rank = r->rank,
        .work = &r->search->work,
    };
    return nearest_search(&nearest);
}

/* ---- */

/* The slots that the node's filter allows; NULL where there is none. Asked of all points
 * once, for all nodes that share the filter. */
static enum err find_allowed(struct ranking *r, const uint64_t **slots)
{
    struct query_filter *f = r->node->filter;
    struct query_search *s = r->search;
    *slots = NULL;
    if (f == NULL) {
        return ERR_OK;
    }
    if (!f->is_found) {
        TRY(allowed_find(&f->allowed, &s->txn, &s->collection, f->filter, f->spaces));
        f->is_found = true;
    }
    *slots = f->allowed.slots[r->space];
    return ERR_OK;
}

static enum err rank_all(struct ranking *r)
{
    const uint64_t *allowed;
    TRY(find_allowed(r, &allowed));
    return r->scorer.kind == SCORER_NEAREST ? find_nearest(r, allowed)
                                            : compare_all(r, allowed);
}

enum err query_rank_space(struct query_search *search, const struct query_node *node,
                          size_t space, const struct query_ids *sources,
                          struct rank *rank)
{
    struct ranking r = {.search = search, .node = node, .space = space, .rank = rank};
    TRY(scorer_open(&r.scorer, &search->tree, node, space_of(&r),
                    &search->collection.spaces[space]));
    enum err result = sources != NULL ? compare_points(&r, sources) : rank_all(&r);
    scorer_release(&r.scorer);
    return result;
}
