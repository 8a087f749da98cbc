/*
 * ann.h - one sealed segment: an immutable approximate index over slots [0, n).
 *
 *     struct ann_build_options o = {.dim = 512, .n_threads = 2};
 *     TRY(ann_build(&ann, &o, n_slots, read_vectors, store));
 *     TRY(ann_save(ann, "segments/17.ann"));
 *
 *     struct ann_hit hits[400];
 *     struct ann_query q = {.vector = v, .dim = 512, .k = 400};
 *     TRY(ann_search(ann, &q, hits, &n_found));     // then rescore from exact vectors
 *
 * Vectors are compared by inner product or by Euclidean distance. A search gives
 * candidates: their scores are approximate (4-bit codes), so ask for several times the
 * k you want and rescore with scan_score(). A segment knows dense slots and nothing of ids; deleted
 * and filtered-out slots are bits that are 0 in a query's `allowed`.
 *
 * Threads: an `ann` never changes, so any number of threads may search it at once, and
 * one may save it meanwhile. Closing needs that nobody uses it any more. Each search
 * runs on its caller's thread alone; a build uses `n_threads`.
 */
#ifndef INDEX_ANN_H
#define INDEX_ANN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "index/topk.h"

struct ann;

/* The numbers are pinned: they are in segment files. */
enum ann_kind {
    ANN_AUTO = 0,        /* PQ below ANN_IVF_MIN slots, IVF above */
    ANN_PQ_FASTSCAN = 1, /* every code is looked at; the best recall for text queries */
    ANN_IVF_PQ_FASTSCAN = 2, /* only `nprobe` lists of codes are looked at */
    ANN_HNSW = 3, /* a graph over whole vectors, for picture-only collections:
                   * text queries against picture vectors lose recall */
};

/* From here on a flat scan of codes (2.7 ms at 200,000 x 512) is slower than IVF. */
#define ANN_IVF_MIN 200000

/* Lists to look at, of those there are (one for about 244 vectors). 0 in a query takes
 * one in 16: 64 of 1024 found 0.93 of the true ten of text queries, and 0.98 of those
 * of picture queries, for which one in 32 is enough. */
#define ANN_NPROBE_DEFAULT_SHARE 16

/* Width of an HNSW search. The maximum is what FAISS's own queue is made for. */
#define ANN_EF_DEFAULT 64
#define ANN_EF_MAX 512

struct ann_build_options {
    enum ann_kind kind;
    bool euclid; /* compare by distance; else by inner product */
    size_t dim;  /* 1 to LIMIT_DIM_MAX */
    uint64_t
        generation;     /* the caller's number, kept in the file and told by ann_info */
    unsigned n_threads; /* 0: one */
    uint32_t seed;      /* of the choice of training vectors */
};

/* Fills dst[n, dim] with the vectors of slots [first, first + n). Called on the thread
 * of ann_build, with ascending slots twice over: a sample (n == 1), then all. What it
 * returns besides ERR_OK ends the build and is passed on: ERR_CANCELLED stops it. */
typedef enum err (*ann_read_fn)(void *arg, size_t first, size_t n, float *dst);

/*
 * Builds a segment of slots [0, n_slots), n_slots from 1 to LIMIT_SLOTS_MAX - 1. Takes
 * seconds to minutes (9 s for a million 512-float vectors flat, 100 s with lists), and
 * memory for the codes plus up to 512 MiB. Errors, all of which leave *out NULL:
 * ERR_INVALID (options; a vector that is not finite), ERR_NOMEM, ERR_INTERNAL, and
 * whatever `read` returned.
 */
enum err ann_build(struct ann **out, const struct ann_build_options *o, size_t n_slots,
                   ann_read_fn read, void *arg) ERR_CHECK;

/* Writes the segment to `path`, whole and durable or not at all. Takes as much memory
 * again as the file is long. ERR_NOMEM, ERR_IO, ERR_FULL. */
enum err ann_save(const struct ann *ann, const char *path) ERR_CHECK;

/* Reads what ann_save wrote. ERR_NOT_FOUND, ERR_IO, ERR_NOMEM; ERR_CORRUPT where a byte
 * differs from what was written; ERR_VERSION for the file of a later program. *out is
 * NULL then, and the right answer is to build the segment anew from the vectors. */
enum err ann_load(struct ann **out, const char *path) ERR_CHECK;

/* Accepts NULL. */
void ann_close(struct ann *ann);

/* Whose questions a width is for: a picture among pictures, or across, or unknown. */
enum ann_side { ANN_SAME_SIDE, ANN_CROSS_SIDE, ANN_SIDES };

/* What the questions were that a width was learnt from; bits, pinned as the kinds are.
 */
enum ann_lesson {
    ANN_OWN_VECTORS = 1,   /* vectors of the segment itself, each left out of its own */
    ANN_OTHER_SPACE = 2,   /* vectors of the collection's other space */
    ANN_ASKED = 4,         /* what was asked lately */
    ANN_PHRASES = 8,       /* common sentences, encoded */
    ANN_SAFETY_FACTOR = 16 /* and widened: the questions were not of this side */
};

#define ANN_OVERSAMPLING_MAX 100000

/* How widely to look for the ten nearest. All zero: nobody has learnt it. */
struct ann_width {
    uint32_t nprobe;       /* IVF: lists; otherwise 0 */
    uint32_t oversampling; /* candidates for each of ten results */
    uint32_t ef;           /* HNSW; otherwise 0 */
    float recall;          /* of the ten nearest, over the questions below */
    uint32_t n_questions;  /* it was learnt from */
    uint32_t lessons;      /* enum ann_lesson */
};

struct ann_info {
    enum ann_kind kind; /* never ANN_AUTO */
    bool euclid;
    size_t dim;
    size_t n;            /* slots */
    size_t n_lists;      /* IVF: of codes; otherwise 0 */
    size_t n_codes;      /* of 4 bits for a vector; 0 in a graph */
    uint64_t generation; /* as given to ann_build */
    size_t memory_bytes; /* codes, graph and tables; an estimate from below */
    struct ann_width widths[ANN_SIDES];
};

void ann_info(const struct ann *ann, struct ann_info *info);

/* FAISS's name for what it is: "PQ256x4fs", "IVF1024,PQ256x4fs", "HNSW32,Flat". */
enum { ANN_NAME_MAX = 64 };
void ann_name(const struct ann_info *info, char name[ANN_NAME_MAX]);

/* Puts what was learnt of a segment into it, and into the file that ann_save writes.
 * Before anybody else knows the segment. A width of 0 counts as not learnt. */
void ann_set_width(struct ann *ann, enum ann_side side, const struct ann_width *width);

struct ann_query {
    const float *vector; /* [dim], finite */
    size_t dim;          /* must be the segment's */
    size_t k;            /* candidates wanted, at least 1; more than n means n */
    unsigned nprobe;     /* IVF: lists to look at; 0: the default; at most n_lists */
    unsigned ef;         /* HNSW: 0: the default; at most ANN_EF_MAX */
    const uint64_t *allowed; /* one bit a slot (index/bitmap.h), NULL: all */
    unsigned n_rounds;       /* searches at most, each wider than the one before; 0: as
                                many as it takes */
};

/*
 * Fills hits[k] with the nearest allowed slots, best first, and *n_found with their
 * number, which is exactly min(k, allowed slots): where a filter hides most of what is
 * near, the search widens until enough are found. (Only where it took more than
 * `n_rounds` are they fewer: then whoever asked may prefer to scan what is allowed.) Slots that have to be taken unscored
 * (their code says the least possible, or a graph does not reach them) come last with
 * score -INFINITY. A score is larger for what is nearer: the square of a distance comes
 * out times -1. ERR_INVALID (dim, k, a vector that is not finite), ERR_NOMEM; then
 * *n_found is 0.
 */
enum err ann_search(const struct ann *ann, const struct ann_query *query,
                    struct ann_hit *hits, size_t *n_found) ERR_CHECK;

#endif
