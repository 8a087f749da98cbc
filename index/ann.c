/*
 * ann.c - see ann.h. What FAISS is asked to build, and how a search is made complete.
 *
 * Decisions, with the numbers behind them in docs/SPEED.md:
 *
 * - Codes are 4 bits for every two floats, laid out for FAISS's fast scan, which looks
 *   a code up in a register (André, Kermarrec, Le Scouarnec 2015). Below 64 floats, and
 *   where dim is odd, each float has a code of its own: the saving would be nothing.
 * - Fast scan refuses FAISS's selectors. So a filtered search asks for as many
 *   candidates as should hold k allowed ones, drops the others, and widens fourfold
 *   until k are left or everything was looked at. A caller that knows that few slots
 *   are allowed does better to scan exactly those (scan.h).
 * - OpenMP's thread count belongs to the calling thread. It is set around each call and
 *   put back, since encoders may run on the same thread.
 */
#include "index/ann.h"

#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "index/ann_internal.h"
#include "index/bitmap.h"

/* Vectors the codebooks are learnt from: FAISS takes 256 for each of 16 centroids. */
#define PQ_TRAIN_N 4096

/* Below this it complains on stderr: rows are repeated up to it. */
#define PQ_TRAIN_MIN (39 * 16)

/* Lists, and vectors their centres are learnt from; 39 a list is FAISS's minimum. */
#define IVF_SLOTS_PER_LIST 244
#define IVF_LISTS_MIN 16
#define IVF_LISTS_MAX 16384
#define IVF_TRAIN_PER_LIST 40
#define IVF_TRAIN_N 65536

/* What is read and added at once: large enough for the BLAS inside, small in memory. */
#define ADD_BYTES (32u << 20)

#define HNSW_LINKS 32

/* ---- FAISS at the border ------------------------------------------------------------
 */

/* FAISS throws its own exceptions but for one case: the library's bad_alloc, of which
 * the C API keeps nothing but the code. */
enum err ann_faiss_result(int returned, enum err code, const char *doing)
{
    if (returned == OK) {
        return ERR_OK;
    }
    if (returned == STD_EXCEPT) {
        return err_set(ERR_NOMEM, "%s: out of memory", doing);
    }
    const char *why = faiss_get_last_error();
    const char *readable = why == NULL ? NULL : strstr(why, "' failed");
    if (readable == NULL) {
        return err_set(code, "%s failed", doing);
    }
    return err_set(code, "%s%.200s", doing, readable + 1);
}

static enum err check_shape(const struct faiss_bridge_shape *shape)
{
    FAIL_IF(shape->problem != NULL, ERR_CORRUPT, "a segment is broken: %s",
            shape->problem);
    return ERR_OK;
}

enum err ann_adopt(struct ann **out, FaissIndex *index, uint64_t generation)
{
    struct faiss_bridge_shape shape;
    *out = NULL;
    enum err result = ann_faiss_result(faiss_bridge_inspect(index, &shape),
                                       ERR_INTERNAL, "looking into a segment");
    if (result == ERR_OK) {
        result = check_shape(&shape);
    }
    struct ann *ann = result == ERR_OK ? alloc_zero(1, sizeof *ann) : NULL;
    if (ann == NULL) {
        faiss_Index_free(index);
        return result != ERR_OK ? result : ERR_NOMEM;
    }
    faiss_bridge_set_ef_max(index, ANN_EF_MAX);
    ann->index = index;
    ann->info = (struct ann_info){
        .kind = (enum ann_kind)shape.kind,
        .euclid = shape.euclid != 0,
        .dim = shape.dim,
        .n = shape.n,
        .n_lists = shape.n_lists,
        .n_codes = shape.n_codes,
        .generation = generation,
        .memory_bytes = shape.memory_bytes,
    };
    *out = ann;
    return ERR_OK;
}

_Static_assert((int)ANN_PQ_FASTSCAN == (int)FAISS_BRIDGE_PQ_FASTSCAN, "one numbering");
_Static_assert((int)ANN_IVF_PQ_FASTSCAN == (int)FAISS_BRIDGE_IVF_PQ_FASTSCAN,
               "one numbering");
_Static_assert((int)ANN_HNSW == (int)FAISS_BRIDGE_HNSW, "one numbering");

void ann_close(struct ann *ann)
{
    if (ann != NULL) {
        faiss_Index_free(ann->index);
        alloc_free(ann);
    }
}

void ann_info(const struct ann *ann, struct ann_info *info)
{
    *info = ann->info;
}

void ann_name(const struct ann_info *info, char name[ANN_NAME_MAX])
{
    switch (info->kind) {
    case ANN_PQ_FASTSCAN:
        snprintf(name, ANN_NAME_MAX, "PQ%zux4fs", info->n_codes);
        break;
    case ANN_IVF_PQ_FASTSCAN:
        snprintf(name, ANN_NAME_MAX, "IVF%zu,PQ%zux4fs", info->n_lists, info->n_codes);
        break;
    case ANN_HNSW:
        snprintf(name, ANN_NAME_MAX, "HNSW%d,Flat", HNSW_LINKS);
        break;
    default:
        snprintf(name, ANN_NAME_MAX, "unknown");
    }
}

void ann_set_width(struct ann *ann, enum ann_side side, const struct ann_width *width)
{
    ann->info.widths[side] = *width;
}

/* ---- build --------------------------------------------------------------------------
 */

/* One build: the caller's wishes, and what follows from them. */
struct build {
    const struct ann_build_options *options;
    size_t n;
    ann_read_fn read;
    void *arg;
    size_t n_train;   /* rows to learn from; more than n means that rows repeat */
    char factory[64]; /* FAISS's name for the kind */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The power of two nearest (by ratio) to one list for IVF_SLOTS_PER_LIST slots. */
static size_t choose_n_lists(size_t n)
{
    size_t n_lists = IVF_LISTS_MIN;
    double wanted = (double)n / IVF_SLOTS_PER_LIST;
    while (n_lists < IVF_LISTS_MAX && (double)n_lists * sqrt(2.0) < wanted) {
        n_lists *= 2;
    }
    return least(n_lists, n);
}

static enum err plan_build(struct build *b)
{
    enum ann_kind kind = b->options->kind;
    size_t dim = b->options->dim;
    size_t n_codes = dim % 2 == 1 || dim < 64 ? dim : dim / 2;
    if (kind == ANN_AUTO) {
        kind = b->n < ANN_IVF_MIN ? ANN_PQ_FASTSCAN : ANN_IVF_PQ_FASTSCAN;
    }
    switch (kind) {
    case ANN_PQ_FASTSCAN:
        snprintf(b->factory, sizeof b->factory, "PQ%zux4fs", n_codes);
        b->n_train = most(least(b->n, PQ_TRAIN_N), PQ_TRAIN_MIN);
        return ERR_OK;
    case ANN_IVF_PQ_FASTSCAN: {
        size_t n_lists = choose_n_lists(b->n);
        size_t enough = most(IVF_TRAIN_PER_LIST * n_lists, IVF_TRAIN_N);
        snprintf(b->factory, sizeof b->factory, "IVF%zu,PQ%zux4fs", n_lists, n_codes);
        b->n_train =
            most(least(b->n, enough), most(PQ_TRAIN_MIN, IVF_TRAIN_PER_LIST * n_lists));
        return ERR_OK;
    }
    case ANN_HNSW:
        snprintf(b->factory, sizeof b->factory, "HNSW%d,Flat", HNSW_LINKS);
        b->n_train = 0;
        return ERR_OK;
    default:
        return err_set(ERR_INVALID, "no such kind of segment: %d", (int)kind);
    }
}

/* Index of the first of `n` floats that is not finite, or n. */
static size_t first_not_finite(const float *values, size_t n)
{
    size_t i = 0;
    while (i < n && isfinite(values[i])) {
        i++;
    }
    return i;
}

static enum err read_checked(const struct build *b, size_t first, size_t n, float *dst)
{
    size_t dim = b->options->dim;
    TRY(b->read(b->arg, first, n, dst));
    size_t bad = first_not_finite(dst, n * dim);
    FAIL_IF(bad < n * dim, ERR_INVALID,
            "the vector of slot %zu has a number that is not finite",
            first + bad / dim);
    return ERR_OK;
}

/* A step of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* One random slot of each of n_train equal stretches: spread evenly, though neighbours
 * in order of insertion are often alike, and read in ascending order. */
static enum err read_sample(const struct build *b, float *dst)
{
    uint64_t random = b->options->seed;
    for (size_t i = 0; i < b->n_train; i++) {
        size_t begin = (size_t)((__uint128_t)i * b->n / b->n_train);
        size_t end = (size_t)((__uint128_t)(i + 1) * b->n / b->n_train);
        size_t slot = begin + (size_t)(next_random(&random) % (end - begin));
        TRY(read_checked(b, slot, 1, dst + i * b->options->dim));
    }
    return ERR_OK;
}

/* All rows, again and again until there are n_train. */
static enum err read_repeated(const struct build *b, float *dst)
{
    size_t dim = b->options->dim;
    TRY(read_checked(b, 0, b->n, dst));
    for (size_t i = b->n; i < b->n_train; i++) {
        memcpy(dst + i * dim, dst + (i - b->n) * dim, dim * sizeof *dst);
    }
    return ERR_OK;
}

/* The centres of lists come from products of large matrices, which spread well. The
 * codebooks come from hundreds of small k-means, whose threads would mostly wait for
 * one another; on busy cores libgomp's waiting, which spins, made that 70 times slower.
 */
static int learn(const struct build *b, FaissIndex *index, const float *sample)
{
    int n_threads = omp_get_max_threads();
    int returned = faiss_bridge_train_lists(index, b->n_train, sample);
    if (returned == OK) {
        omp_set_num_threads(1);
        returned = faiss_Index_train(index, (idx_t)b->n_train, sample);
        omp_set_num_threads(n_threads);
    }
    return returned;
}

static enum err train(const struct build *b, FaissIndex *index)
{
    if (b->n_train == 0) {
        return ERR_OK;
    }
    float *sample = alloc_array(b->n_train * b->options->dim, sizeof *sample);
    if (sample == NULL) {
        return ERR_NOMEM;
    }
    enum err result =
        b->n_train > b->n ? read_repeated(b, sample) : read_sample(b, sample);
    if (result == ERR_OK) {
        result = ann_faiss_result(learn(b, index, sample), ERR_INTERNAL,
                                  "learning the codes of a segment");
    }
    alloc_free(sample);
    return result;
}

static enum err add_all(const struct build *b, FaissIndex *index)
{
    size_t dim = b->options->dim;
    size_t n_block = least(most(ADD_BYTES / (dim * sizeof(float)), 1), b->n);
    float *block = alloc_array(n_block * dim, sizeof *block);
    if (block == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    for (size_t first = 0; first < b->n && result == ERR_OK; first += n_block) {
        size_t n = least(n_block, b->n - first);
        result = read_checked(b, first, n, block);
        if (result == ERR_OK) {
            result = ann_faiss_result(faiss_Index_add(index, (idx_t)n, block),
                                      ERR_INTERNAL, "adding vectors to a segment");
        }
    }
    alloc_free(block);
    return result;
}

static enum err build_index(struct ann **out, const struct build *b)
{
    FaissIndex *index = NULL;
    TRY(ann_faiss_result(
        faiss_index_factory(&index, (int)b->options->dim, b->factory,
                            b->options->euclid ? METRIC_L2 : METRIC_INNER_PRODUCT),
        ERR_INTERNAL, "making an empty segment"));
    enum err result = train(b, index);
    if (result == ERR_OK) {
        result = add_all(b, index);
    }
    if (result != ERR_OK) {
        faiss_Index_free(index);
        return result;
    }
    return ann_adopt(out, index, b->options->generation);
}

enum err ann_build(struct ann **out, const struct ann_build_options *o, size_t n_slots,
                   ann_read_fn read, void *arg)
{
    *out = NULL;
    FAIL_IF(o->dim == 0 || o->dim > LIMIT_DIM_MAX, ERR_INVALID,
            "a segment cannot have vectors of %zu numbers", o->dim);
    FAIL_IF(n_slots == 0 || n_slots >= LIMIT_SLOTS_MAX, ERR_INVALID,
            "a segment cannot have %zu vectors", n_slots);
    FAIL_IF(o->n_threads > LIMIT_THREADS_MAX, ERR_INVALID, "%u threads are too many",
            o->n_threads);
    struct build b = {.options = o, .n = n_slots, .read = read, .arg = arg};
    TRY(plan_build(&b));
    int threads_before = omp_get_max_threads();
    omp_set_num_threads(o->n_threads == 0 ? 1 : (int)o->n_threads);
    enum err result = build_index(out, &b);
    omp_set_num_threads(threads_before);
    return result;
}

/* ---- search -------------------------------------------------------------------------
 */

/* One search: how wide it looks at the moment, and room for what it finds. */
struct search {
    const struct ann *ann;
    const struct ann_query *query;
    size_t n_wanted;   /* min(k, allowed slots) */
    size_t width;      /* candidates asked of FAISS, at most n */
    size_t n_probe;    /* lists looked at, at most n_lists */
    size_t ef;         /* width of the walk through a graph */
    size_t n_returned; /* candidates FAISS gave, allowed or not */
    float *scores;     /* [width] */
    idx_t *labels;     /* [width] */
};

static bool is_allowed(const struct search *s, uint64_t slot)
{
    return s->query->allowed == NULL || bitmap_get(s->query->allowed, slot);
}

static enum err check_query(const struct ann *ann, const struct ann_query *q)
{
    FAIL_IF(q->dim != ann->info.dim, ERR_INVALID,
            "the query has %zu numbers, the segment's vectors have %zu", q->dim,
            ann->info.dim);
    FAIL_IF(q->k == 0, ERR_INVALID, "k is 0");
    FAIL_IF(first_not_finite(q->vector, q->dim) < q->dim, ERR_INVALID,
            "the query has a number that is not finite");
    return ERR_OK;
}

/* The first width: as many candidates as should hold those wanted, and a quarter more,
 * if the allowed slots lay at random. A graph takes the filter along. */
static size_t first_width(const struct search *s, size_t n_allowed)
{
    size_t n = s->ann->info.n;
    if (n_allowed == n || s->ann->info.kind == ANN_HNSW) {
        return s->n_wanted;
    }
    double expected = (double)s->n_wanted * (double)n / (double)n_allowed;
    double width = expected * 1.25 + 16;
    return width < (double)n / 2 ? (size_t)width : n;
}

static void set_first_width(struct search *s, size_t n_allowed)
{
    const struct ann_info *info = &s->ann->info;
    s->width = first_width(s, n_allowed);
    s->n_probe = s->query->nprobe != 0 ? s->query->nprobe
                                       : info->n_lists / ANN_NPROBE_DEFAULT_SHARE;
    s->n_probe = least(most(s->n_probe, 1), info->n_lists);
    s->ef = s->query->ef != 0 ? s->query->ef : ANN_EF_DEFAULT;
    s->ef = least(s->ef, ANN_EF_MAX);
}

/* Looks further; false when everything was looked at. */
static bool widen(struct search *s)
{
    const struct ann_info *info = &s->ann->info;
    bool lists_are_left = s->n_probe < info->n_lists;
    if (s->width == info->n && !lists_are_left) {
        return false;
    }
    if (s->n_returned == s->width) { /* there was more to be had where it looked */
        s->width = least(s->width * 4, info->n);
    } else if (lists_are_left) {
        s->n_probe = least(s->n_probe * 4, info->n_lists);
    } else {
        s->width = least(s->width * 4, info->n);
    }
    s->ef = ANN_EF_MAX;
    return true;
}

static void free_room(struct search *s)
{
    alloc_free(s->labels);
    alloc_free(s->scores);
    s->scores = NULL;
    s->labels = NULL;
}

static enum err make_room(struct search *s)
{
    free_room(s);
    s->scores = alloc_array(s->width, sizeof *s->scores);
    s->labels = alloc_array(s->width, sizeof *s->labels);
    return s->scores == NULL || s->labels == NULL ? ERR_NOMEM : ERR_OK;
}

/* Asks FAISS once, at the present width, and offers what is allowed to `top`. */
static enum err look(struct search *s, struct topk *top)
{
    const struct ann_info *info = &s->ann->info;
    TRY(make_room(s));
    struct faiss_bridge_query query = {
        .vector = s->query->vector,
        .k = s->width,
        .n_probe = s->n_probe,
        .ef = (int)s->ef,
    };
    if (info->kind == ANN_HNSW) {
        query.allowed = (const uint8_t *)s->query->allowed;
        query.allowed_bytes = (info->n + 7) / 8;
    }
    TRY(ann_faiss_result(
        faiss_bridge_search(s->ann->index, &query, s->scores, s->labels), ERR_INTERNAL,
        "searching a segment"));
    s->n_returned = 0;
    for (size_t i = 0; i < s->width; i++) {
        idx_t slot = s->labels[i];
        if (slot < 0 || (size_t)slot >= info->n) {
            continue;
        }
        s->n_returned++;
        if (is_allowed(s, (uint64_t)slot)) {
            float told = info->euclid ? -s->scores[i] : s->scores[i];
            float score = isfinite(told) ? told : -INFINITY;
            topk_push(top, (struct ann_hit){(uint64_t)slot, score});
        }
    }
    return ERR_OK;
}

/* Fills `top` up with allowed slots that no width finds: a code whose score is the
 * least possible never enters a fast scan's result, and a graph may have islands. */
static enum err add_unscored(const struct search *s, struct topk *top)
{
    size_t n = s->ann->info.n;
    uint64_t *found = alloc_zero(bitmap_words(n), sizeof *found);
    if (found == NULL) {
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < top->n; i++) {
        bitmap_set(found, top->hits[i].slot);
    }
    for (size_t slot = 0; slot < n && top->n < s->n_wanted; slot++) {
        if (is_allowed(s, slot) && !bitmap_get(found, slot)) {
            topk_push(top, (struct ann_hit){slot, -INFINITY});
        }
    }
    alloc_free(found);
    return ERR_OK;
}

static enum err search_until_enough(struct search *s, struct ann_hit *hits,
                                    size_t *n_found)
{
    struct topk top;
    unsigned n_left = s->query->n_rounds;
    bool gave_up = false;
    do {
        topk_init(&top, hits, s->n_wanted);
        TRY(look(s, &top));
        gave_up = n_left > 0 && --n_left == 0;
    } while (top.n < s->n_wanted && !gave_up && widen(s));
    if (top.n < s->n_wanted && !gave_up) {
        TRY(add_unscored(s, &top));
    }
    *n_found = topk_sort(&top);
    return ERR_OK;
}

enum err ann_search(const struct ann *ann, const struct ann_query *query,
                    struct ann_hit *hits, size_t *n_found)
{
    *n_found = 0;
    TRY(check_query(ann, query));
    size_t n = ann->info.n;
    size_t n_allowed = query->allowed == NULL ? n : bitmap_count(query->allowed, n);
    struct search s = {.ann = ann, .query = query};
    s.n_wanted = least(query->k, n_allowed);
    if (s.n_wanted == 0) {
        return ERR_OK;
    }
    set_first_width(&s, n_allowed);
    int threads_before = omp_get_max_threads();
    omp_set_num_threads(1);
    enum err result = search_until_enough(&s, hits, n_found);
    omp_set_num_threads(threads_before);
    free_room(&s);
    return result;
}
