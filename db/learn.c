/*
 * learn.c - see learn.h.
 *
 * One search of the index by a question, for many candidates, tells what any smaller
 * number of them would have found: the candidates come in the order of their scores,
 * and it only has to be seen at which places the true ten stand. So an index of codes
 * is asked once for each number of lists, and a graph for each width of its walk. Of
 * those that find enough, the one that reads the fewest bytes is kept, as the planner in
 * nearest.c counts them.
 *
 * Vectors as near as the tenth count as well: of equal pictures, any will do.
 */
#include "db/learn.h"

#include <string.h>

#include "base/alloc.h"
#include "db/database.h"
#include "db/learn_questions.h"
#include "db/nearest.h"
#include "db/vectors.h"
#include "index/bitmap.h"

enum {
    TIES = 64,             /* the true ten, and those that are as near as the tenth */
    COMPARISONS = 1 << 27, /* for the exact answers of one side */
    CHUNKS_AT_ONCE = 4,    /* in a transaction: longer ones hinder the reuse of pages */
    LISTS_SHARE_MAX = 128, /* at first one in so many lists, then twice as many … */
    EF_MIN = 32,           /* likewise */
    EF_BYTES = 4096,       /* what a step of a graph's walk reads, roughly: links and
                                vectors of some neighbours not seen before */
    SAFETY_LISTS = 4, /* DESIGN section 4: a text needs 4 to 8 times the lists of */
    SAFETY_OVERSAMPLING = 3, /* a picture, and 2.5 times the candidates */
    /* Of lists, whatever pictures needed: without it texts among a million had 0.94. */
    SAFETY_LISTS_SHARE = 6, /* one in so many */
    SAFETY_OVERSAMPLING_MIN = 100
};

/* Candidates for each of ten results that are looked at. Fewer than 100 in all would
 * save microseconds only. */
static const uint32_t OVERSAMPLINGS[] = {10, 13, 16, 20,  25,  30,  40,
                                         50, 65, 80, 100, 130, 160, 200};
enum {
    N_OVERSAMPLINGS = sizeof OVERSAMPLINGS / sizeof OVERSAMPLINGS[0],
    CANDIDATES_MAX = LEARN_K * 200 + 1 /* and the question's own vector */
};

/* One question, answered exactly. */
struct truth {
    struct topk top;
    struct ann_hit hits[TIES]; /* best first, once all is scanned */
    size_t n_true;             /* of the ten: fewer in a tiny segment */
    size_t n_near;             /* as near as the tenth, of hits */
};

struct lesson {
    const struct learn_range *range;
    const struct ann *ann;
    struct ann_info info;
    size_t row_bytes;
    struct questions questions;
    struct truth *truths; /* [questions.n], owned */
    uint64_t *live;       /* of the range, owned */
    struct ann_hit *hits; /* [CANDIDATES_MAX], owned */
    size_t found[N_OVERSAMPLINGS];
    size_t n_true; /* of all questions together */
};

/* ---- The exact answers ---- */

static void scan_chunk(struct lesson *l, const struct vector_space *in, uint32_t chunk,
                       const char *rows)
{
    uint32_t base = chunk * RECORD_CHUNK_SLOTS - l->range->first;
    uint64_t live = l->live[base / 64];
    size_t row = vector_row_bytes(in);
    for (size_t q = 0; q < l->questions.n; q++) {
        const float *query = l->questions.vectors + q * l->questions.dim;
        uint32_t own = l->questions.own[q];
        struct topk *top = &l->truths[q].top;
        for (uint64_t left = live; left != 0; left &= left - 1) {
            unsigned i = (unsigned)__builtin_ctzll(left);
            float score = scan_score(in->kind, query, rows + i * row, in->dim);
            if (score >= topk_bar(top) && l->range->first + base + i != own) {
                topk_push(top, (struct ann_hit){base + i, score});
            }
        }
    }
}

/* Chunks that went meanwhile are left out: nobody will find them either. */
static enum err scan_chunks(struct lesson *l, size_t from, size_t end)
{
    struct txn txn;
    TRY(store_read(l->range->db->store, &txn));
    struct vector_space in =
        vector_space_of(&txn, l->range->collection, l->range->place);
    enum err result = ERR_OK;
    for (size_t i = from; i < end && result == ERR_OK; i++) {
        struct bytes rows;
        uint32_t chunk = l->range->chunks[i];
        result = vector_chunk_get(in, chunk, &rows);
        if (result == ERR_OK && rows.data != NULL) {
            scan_chunk(l, &in, chunk, rows.data);
        }
    }
    store_end(&txn);
    return result;
}

static void finish_truth(struct lesson *l, struct truth *t)
{
    size_t n = topk_sort(&t->top);
    t->n_true = n < LEARN_K ? n : LEARN_K;
    t->n_near = t->n_true;
    while (t->n_near < n && t->hits[t->n_near].score >= t->hits[t->n_true - 1].score) {
        t->n_near++;
    }
    l->n_true += t->n_true;
}

static enum err answer_exactly(struct lesson *l)
{
    const struct learn_range *range = l->range;
    for (size_t q = 0; q < l->questions.n; q++) {
        topk_init(&l->truths[q].top, l->truths[q].hits, TIES);
    }
    for (size_t i = 0; i < range->n_chunks; i += CHUNKS_AT_ONCE) {
        size_t end = i + CHUNKS_AT_ONCE;
        TRY(scan_chunks(l, i, end < range->n_chunks ? end : range->n_chunks));
    }
    l->n_true = 0;
    for (size_t q = 0; q < l->questions.n; q++) {
        finish_truth(l, &l->truths[q]);
    }
    return ERR_OK;
}

/* ---- The index's answers ---- */

static bool is_near(const struct truth *t, uint64_t slot)
{
    size_t i = 0;
    while (i < t->n_near && t->hits[i].slot != slot) {
        i++;
    }
    return i < t->n_near;
}

/* Adds to l->found what each number of candidates finds of one question's true ten. */
static void count_found(struct lesson *l, size_t q, size_t n_hits)
{
    const struct truth *t = &l->truths[q];
    uint32_t own = l->questions.own[q];
    size_t n_found = 0;
    size_t at = 0; /* candidates so far, the question's own vector not counted */
    size_t o = 0;
    for (size_t i = 0; i < n_hits && n_found < t->n_true; i++) {
        if (l->range->first + l->hits[i].slot == own) {
            continue;
        }
        for (; o < N_OVERSAMPLINGS && at == LEARN_K * OVERSAMPLINGS[o]; o++) {
            l->found[o] += n_found;
        }
        n_found += is_near(t, l->hits[i].slot) ? 1 : 0;
        at++;
    }
    for (; o < N_OVERSAMPLINGS; o++) {
        l->found[o] += n_found;
    }
}

/* All questions, at one number of lists or one width of a graph's walk. */
static enum err ask_all(struct lesson *l, const struct ann_width *width)
{
    bool is_graph = l->info.kind == ANN_HNSW;
    memset(l->found, 0, sizeof l->found);
    for (size_t q = 0; q < l->questions.n; q++) {
        struct ann_query query = {
            .vector = l->questions.vectors + q * l->questions.dim,
            .dim = l->questions.dim,
            .k = is_graph ? LEARN_K + 1 : CANDIDATES_MAX,
            .nprobe = width->nprobe,
            .ef = width->ef,
            .allowed = l->live,
            .n_rounds = 1, /* not to look into more lists for want of candidates */
        };
        size_t n;
        TRY(ann_search(l->ann, &query, l->hits, &n));
        count_found(l, q, n);
    }
    return ERR_OK;
}

/* ---- The choice ---- */

/* Bytes read by a search, as nearest.c counts them. */
static double cost_of(const struct lesson *l, const struct ann_width *w)
{
    double codes = (double)l->info.memory_bytes;
    if (l->info.kind == ANN_HNSW) {
        codes = (double)w->ef * EF_BYTES;
    } else if (l->info.n_lists > 0) {
        codes *= (double)w->nprobe / (double)l->info.n_lists;
    }
    return codes + (double)w->oversampling * LEARN_K * NEAREST_SCAN_SHARE *
                       (double)l->row_bytes;
}

static bool is_enough(float recall)
{
    return recall >= (float)(1 - (1 - LEARN_TARGET) / 2);
}

/* The cheapest that finds enough; while none does, the one that finds most. */
static bool is_better(const struct lesson *l, const struct ann_width *a,
                      const struct ann_width *b)
{
    if (b->oversampling == 0 || is_enough(a->recall) != is_enough(b->recall)) {
        return b->oversampling == 0 || is_enough(a->recall);
    }
    return is_enough(a->recall) ? cost_of(l, a) < cost_of(l, b) : a->recall > b->recall;
}

/* The next setting to try: twice the lists, or twice the walk. False after the last. */
static bool widen(const struct lesson *l, struct ann_width *w)
{
    if (l->info.kind == ANN_HNSW && w->ef < ANN_EF_MAX) {
        w->ef *= 2;
        return true;
    }
    if (l->info.n_lists > 0 && w->nprobe < l->info.n_lists) {
        uint32_t twice = w->nprobe * 2;
        w->nprobe = twice < l->info.n_lists ? twice : (uint32_t)l->info.n_lists;
        return true;
    }
    return false;
}

static struct ann_width narrowest(const struct lesson *l)
{
    struct ann_width w = {.n_questions = (uint32_t)l->questions.n,
                          .lessons = l->questions.lessons};
    if (l->info.kind == ANN_HNSW) {
        w.ef = EF_MIN;
    } else if (l->info.n_lists > 0) {
        w.nprobe = (uint32_t)(l->info.n_lists / LISTS_SHARE_MAX);
        w.nprobe = w.nprobe == 0 ? 1 : w.nprobe;
    }
    return w;
}

static enum err choose_width(struct lesson *l, struct ann_width *best)
{
    struct ann_width w = narrowest(l);
    size_t n_sizes = l->info.kind == ANN_HNSW ? 1 : N_OVERSAMPLINGS;
    *best = (struct ann_width){0};
    do {
        w.oversampling = l->info.kind == ANN_HNSW ? 1 : OVERSAMPLINGS[0];
        if (is_enough(best->recall) && cost_of(l, &w) >= cost_of(l, best)) {
            break; /* from here on all is dearer */
        }
        TRY(ask_all(l, &w));
        for (size_t o = 0; o < n_sizes; o++) {
            w.oversampling = n_sizes == 1 ? 1 : OVERSAMPLINGS[o]; /* graphs are exact */
            w.recall = (float)l->found[o] / (float)l->n_true;
            *best = is_better(l, &w, best) ? w : *best;
        }
    } while (widen(l, &w));
    return ERR_OK;
}

static uint32_t at_least(uint32_t value, uint32_t least)
{
    return value > least ? value : least;
}

/* For questions that were not of this side. */
static void widen_for_safety(const struct lesson *l, struct ann_width *w)
{
    uint32_t n_lists = (uint32_t)l->info.n_lists;
    if ((w->lessons & ANN_SAFETY_FACTOR) == 0) {
        return;
    }
    w->oversampling *= w->oversampling > 1 ? SAFETY_OVERSAMPLING : 1;
    w->ef *= SAFETY_LISTS;
    w->ef = w->ef < ANN_EF_MAX ? w->ef : ANN_EF_MAX;
    if (n_lists > 0) {
        w->oversampling = at_least(w->oversampling, SAFETY_OVERSAMPLING_MIN);
        w->nprobe = at_least(w->nprobe * SAFETY_LISTS, n_lists / SAFETY_LISTS_SHARE);
        w->nprobe = w->nprobe < n_lists ? w->nprobe : n_lists;
    }
}

/* ---- One side ---- */

static enum err prepare(struct lesson *l, enum ann_side side)
{
    size_t n = COMPARISONS / (l->range->n_live + 1);
    n = n < LEARN_QUESTIONS_MIN ? LEARN_QUESTIONS_MIN : n;
    n = n > LEARN_QUESTIONS_MAX ? LEARN_QUESTIONS_MAX : n;
    struct txn txn;
    TRY(questions_gather(&l->questions, l->range, side, n));
    l->truths = alloc_zero(l->questions.n, sizeof *l->truths);
    l->live = alloc_array(bitmap_words(l->range->n_slots), sizeof *l->live);
    l->hits = alloc_array(CANDIDATES_MAX, sizeof *l->hits);
    if (l->truths == NULL || l->live == NULL || l->hits == NULL) {
        return ERR_NOMEM;
    }
    TRY(store_read(l->range->db->store, &txn));
    struct vector_space in =
        vector_space_of(&txn, l->range->collection, l->range->place);
    l->row_bytes = vector_row_bytes(&in);
    enum err result = vector_live_get(in, l->range->first, l->range->n_slots, l->live);
    store_end(&txn);
    return result;
}

static enum err learn_side(const struct learn_range *range, struct ann *ann,
                           enum ann_side side)
{
    struct lesson l = {.range = range, .ann = ann};
    struct ann_width width;
    enum err result;
    ann_info(ann, &l.info);
    TRY_OUT(prepare(&l, side));
    if (l.questions.n > 0) {
        TRY_OUT(answer_exactly(&l));
    }
    if (l.n_true > 0) {
        TRY_OUT(choose_width(&l, &width));
        widen_for_safety(&l, &width);
        ann_set_width(ann, side, &width);
    }
out:
    questions_release(&l.questions);
    alloc_free(l.truths);
    alloc_free(l.live);
    alloc_free(l.hits);
    return result;
}

enum err learn_widths(const struct learn_range *range, struct ann *ann)
{
    TRY(learn_side(range, ann, ANN_SAME_SIDE));
    return learn_side(range, ann, ANN_CROSS_SIDE);
}
