/*
 * search.c - duet_search: from a question to the k nearest points.
 *
 * The question becomes one vector (encoded before any transaction is open, since that
 * takes milliseconds). Then, within one reading transaction, each searched space gives
 * its best points: exactly for all slots that are in no sealed segment, and by
 * candidates, compared again exactly, for those that are. So scores are always exact,
 * and what was written a moment ago is found.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/allowed.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/encode.h"
#include "db/hits.h"
#include "db/model.h"
#include "db/nearest.h"
#include "db/rank.h"
#include "db/vectors.h"

enum {
    FUSION_DEPTH_MIN = 100, /* of each space's list in a fusion by rank */
    ALL_SPACES = LIMIT_SPACES_MAX
};

/* A point at rank r (from 0) of one list counts 1 / (r + this); the dialect's value. */
static const float FUSION_CONSTANT = 2;

struct search {
    struct duet *db;
    const struct duet_query *query;
    struct txn txn;
    struct record_collection collection;
    size_t in;       /* the space searched, or ALL_SPACES */
    float *vector;   /* [LIMIT_DIM_MAX], owned: as asked */
    float *prepared; /* [LIMIT_DIM_MAX], owned: for the space being searched */
    size_t dim;
    size_t origin; /* the space the vector comes from; ALL_SPACES: unknown */
    bool truncated;
    struct filter *filter;  /* owned; NULL: none */
    struct allowed allowed; /* what it allows, in the transaction of the search */
    struct rank rank;
    struct nearest_work work;
};

/* ---- The question ---- */

static enum err check_query(const struct duet_query *q)
{
    FAIL_IF(q->k == 0, ERR_INVALID, "k is 0: ask for at least one result");
    FAIL_IF(q->k > LIMIT_K_MAX || q->offset > LIMIT_K_MAX - q->k, ERR_LIMIT,
            "k and offset together are more than %d", LIMIT_K_MAX);
    FAIL_IF(q->has_threshold && isnan(q->score_threshold), ERR_INVALID,
            "the score threshold is not a number");
    return ERR_OK;
}

static enum err choose_space(struct search *s)
{
    const char *in = s->query->in;
    const struct record_collection *c = &s->collection;
    if (in != NULL && strcmp(in, "any") == 0) {
        s->in = c->n_spaces == 1 ? 0 : ALL_SPACES;
        return ERR_OK;
    }
    if (in != NULL) {
        return collection_space_find(c, in, &s->in);
    }
    FAIL_IF(c->n_spaces > 1 && !collection_is_cross_modal(c), ERR_INVALID,
            "say which of the collection's %zu vector spaces to search", c->n_spaces);
    s->in = DB_IMAGE; /* also the only one there is */
    return ERR_OK;
}

/* Texts and pictures; the model of another space is refused here. */
static enum err encode_query(struct search *s)
{
    struct enc *enc;
    const struct duet_input *input = &s->query->input;
    TRY(model_for_search(s->db, &s->collection, &enc));
    s->dim = enc_info(enc)->dim;
    s->origin = input->kind == DUET_INPUT_TEXT ? DB_TEXT : DB_IMAGE;
    struct encode_how how = {.truncated = &s->truncated};
    return encode_input(s->db, input, &how, s->vector);
}

static enum err copy_vector(struct search *s)
{
    const struct duet_input *input = &s->query->input;
    FAIL_IF(input->n == 0 || input->n > LIMIT_DIM_MAX, ERR_CONFLICT,
            "a vector of %zu numbers fits no space", input->n);
    memcpy(s->vector, input->vector, input->n * sizeof(float));
    s->dim = input->n;
    s->origin = ALL_SPACES;
    return vector_check(s->vector, s->dim);
}

/* The stored vector of a point: that of the space searched, else its first of the same
 * size, which in a cross-modal collection may be compared as well. */
static enum err load_point_vector(struct search *s)
{
    const struct record_collection *c = &s->collection;
    struct record_key key = record_key_point(c->number, s->query->input.id);
    struct bytes value;
    struct record_point point;
    char text[DUET_ID_TEXT_MAX];
    duet_id_format(s->query->input.id, text);
    TRY(store_get(&s->txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_NOT_FOUND, "there is no point %s", text);
    TRY(record_point_read(&point, value));
    size_t from = s->in == ALL_SPACES ? 0 : s->in;
    uint32_t slot = record_point_slot(&point, c->spaces[from].number);
    for (size_t i = 0;
         i < c->n_spaces && collection_is_cross_modal(c) && slot == RECORD_NO_SLOT;
         i++) {
        from = i;
        slot = record_point_slot(&point, c->spaces[from].number);
    }
    FAIL_IF(slot == RECORD_NO_SLOT, ERR_INVALID,
            "point %s has no vector to search with", text);
    s->dim = c->spaces[from].dim;
    s->origin = from;
    return vector_get(vector_space_of(&s->txn, c, from), slot, s->vector);
}

/* What can be done before the transaction of the search. */
static enum err prepare_vector(struct search *s)
{
    enum duet_input_kind kind = s->query->input.kind;
    if (encode_is_needed(kind)) {
        return encode_query(s);
    }
    if (kind == DUET_INPUT_VECTOR) {
        return copy_vector(s);
    }
    FAIL_IF(kind != DUET_INPUT_POINT, ERR_INVALID,
            "a query needs a text, a picture, a vector or a point");
    return ERR_OK;
}

/* ---- One space ---- */

/* The best points of one space into `rank`. */
static enum err search_space(struct search *s, size_t space, struct rank *rank)
{
    const struct record_space_def *def = &s->collection.spaces[space];
    const struct duet_query *q = s->query;
    FAIL_IF(s->dim != def->dim, ERR_CONFLICT,
            "the vector has %zu numbers, the space '%s' takes %u", s->dim, def->name,
            def->dim);
    memcpy(s->prepared, s->vector, s->dim * sizeof *s->prepared);
    TRY(vector_prepare_query(def, s->prepared));
    struct nearest nearest = {
        .in = vector_space_of(&s->txn, &s->collection, space),
        .place = space,
        .segments = s->db->segments,
        .query = s->prepared,
        .exact = q->exact,
        .cross_modal = s->origin != space,
        .oversampling = q->oversampling,
        .nprobe = q->nprobe,
        .allowed = s->allowed.slots[space],
        .excluded = q->input.kind == DUET_INPUT_POINT ? &q->input.id : NULL,
        .rank = rank,
        .work = &s->work,
    };
    return nearest_search(&nearest);
}

/* ---- All spaces: reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009) ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct rank_hit *x = a;
    const struct rank_hit *y = b;
    int order = duet_id_compare(x->id, y->id);
    return order != 0 ? order : (x->score < y->score) - (x->score > y->score);
}

/* Adds up what hits[n] of several lists say of the same point. */
static void fuse(struct rank_hit *hits, size_t n, struct rank *out)
{
    qsort(hits, n, sizeof *hits, compare_ids);
    for (size_t i = 0; i < n;) {
        struct rank_hit sum = hits[i]; /* the list where it stands best */
        for (i++; i < n && duet_id_compare(hits[i].id, sum.id) == 0; i++) {
            sum.score += hits[i].score;
        }
        rank_push(out, sum);
    }
}

static enum err search_all(struct search *s)
{
    size_t n_spaces = s->collection.n_spaces;
    size_t depth = s->rank.k > FUSION_DEPTH_MIN ? s->rank.k : FUSION_DEPTH_MIN;
    struct rank_hit *all = alloc_array(n_spaces * depth, sizeof *all);
    size_t n = 0;
    if (all == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t i = 0; i < n_spaces && result == ERR_OK; i++) {
        struct rank list;
        TRY_OUT(rank_init(&list, depth));
        result = search_space(s, i, &list);
        rank_sort(&list);
        for (size_t r = 0; r < list.n; r++) {
            all[n] = list.hits[r];
            all[n++].score = 1 / ((float)r + FUSION_CONSTANT);
        }
        rank_release(&list);
    }
    if (result == ERR_OK) {
        fuse(all, n, &s->rank);
    }
out:
    alloc_free(all);
    return result;
}

/* ---- The answer ---- */

/* Inside, what is nearer has the larger score; outside, a distance is positive. */
static float score_sign(const struct search *s)
{
    return s->in != ALL_SPACES &&
                   duet_distance_is_smaller_nearer(s->collection.spaces[s->in].distance)
               ? -1
               : 1;
}

static enum err fill_hits(struct search *s, struct duet_hits *out)
{
    const struct duet_query *q = s->query;
    struct hit_parts parts = {.payload = q->payload, .vectors = q->vectors};
    float sign = score_sign(s);
    for (size_t i = q->offset; i < s->rank.n; i++) {
        const struct rank_hit *found = &s->rank.hits[i];
        bool there;
        if (q->has_threshold && found->score < sign * q->score_threshold) {
            break;
        }
        TRY(hits_append(out, &s->txn, &s->collection, found->id, parts, &there));
        FAIL_IF(!there, ERR_CORRUPT, "a vector belongs to a point that is not there");
        struct duet_hit *hit = &out->hits[out->n - 1];
        hit->score = sign * found->score;
        hit->space = alloc_dup(s->collection.spaces[found->space].name);
        if (hit->space == NULL) {
            return ERR_NOMEM;
        }
    }
    out->truncated = s->truncated;
    out->n_compared = s->work.n_compared;
    out->n_candidates = s->work.n_candidates;
    return ERR_OK;
}

static enum err read_collection(struct search *s, const char *name)
{
    TRY(collection_get(&s->txn, name, &s->collection));
    return choose_space(s);
}

static enum err find_allowed(struct search *s)
{
    uint32_t spaces = s->in == ALL_SPACES ? UINT32_MAX : UINT32_C(1) << s->in;
    return s->filter == NULL
               ? ERR_OK
               : allowed_find(&s->allowed, &s->txn, &s->collection, s->filter, spaces);
}

/* In the transaction of the search. The collection is read again: while the question
 * was encoded, it may have been dropped and made anew. */
static enum err search_now(struct search *s, const char *name, struct duet_hits *out)
{
    TRY(read_collection(s, name));
    if (encode_is_needed(s->query->input.kind)) { /* it may have got another model */
        struct enc *enc;
        TRY(model_for_search(s->db, &s->collection, &enc));
    }
    if (s->query->input.kind == DUET_INPUT_POINT) {
        TRY(load_point_vector(s));
    }
    TRY(find_allowed(s));
    if (s->in == ALL_SPACES) {
        TRY(search_all(s));
    } else {
        TRY(search_space(s, s->in, &s->rank));
    }
    rank_sort(&s->rank);
    return fill_hits(s, out);
}

static enum err run_search(struct search *s, const char *name, struct duet_hits *out)
{
    TRY(store_read(s->db->store, &s->txn));
    enum err result = read_collection(s, name);
    store_end(&s->txn);
    TRY(result);
    TRY(prepare_vector(s));
    TRY(store_read(s->db->store, &s->txn));
    result = search_now(s, name, out);
    store_end(&s->txn);
    return result;
}

enum err duet_search(struct duet *db, const char *collection,
                     const struct duet_query *query, struct duet_hits *out)
{
    *out = (struct duet_hits){0};
    TRY(check_query(query));
    struct search *s = alloc_zero(1, sizeof *s); /* too large for a small stack */
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->db = db;
    s->query = query;
    enum err result;
    s->vector = alloc_aligned(LIMIT_DIM_MAX * sizeof(float));
    s->prepared = alloc_aligned(LIMIT_DIM_MAX * sizeof(float));
    TRY_OUT(s->vector == NULL || s->prepared == NULL ? ERR_NOMEM : ERR_OK);
    if (query->filter != NULL) {
        TRY_OUT(filter_parse(&s->filter, query->filter));
    }
    TRY_OUT(rank_init(&s->rank, query->k + query->offset));
    TRY_OUT(run_search(s, collection, out));
out:
    rank_release(&s->rank);
    allowed_release(&s->allowed);
    filter_free(s->filter);
    alloc_free(s->prepared);
    alloc_free(s->vector);
    alloc_free(s);
    if (result != ERR_OK) {
        duet_hits_release(out);
    }
    return result;
}
