/*
 * nearest.h - the best points of one space for one vector, in one transaction.
 *
 * Slots in no sealed segment are compared one by one. A sealed segment names
 * candidates, several for each result wanted, and these are compared exactly; where
 * that would be no less work than comparing all its vectors, or the file cannot be
 * used, all are compared. How many candidates, and of how many lists of codes, a segment
 * has learnt when it was built (learn.h): few for a vector from the same side as the
 * space's (a picture among pictures) and many across sides, where its coarse codes find
 * less. Segments of earlier programs have learnt nothing and are given the widths that
 * DESIGN section 4 measured.
 *
 * Scores are those of index/scan.h: of what is nearer the larger, so that a distance
 * comes out times -1.
 *
 * Under a filter only the allowed slots are compared. Where they are few, reading them
 * all costs less than a segment's codes and its candidates, and that is what is done:
 * the answer is then exact. Otherwise the segment looks into all of its codes; where the
 * filter hides so much of what is near that it would have to look again and again, what
 * is allowed is read after all.
 *
 * Threads: as the transaction's.
 */
#ifndef DB_NEAREST_H
#define DB_NEAREST_H

#include "db/rank.h"
#include "db/segment.h"
#include "db/vectors.h"

/* Reading a candidate's vector is a jump, reading all is a stream, so many times as fast:
 * with a larger share of the vectors as candidates, all are compared. */
enum { NEAREST_SCAN_SHARE = 4 };

/* What a search has cost so far. */
struct nearest_work {
    size_t n_compared;   /* vectors compared exactly */
    size_t n_candidates; /* of them named by sealed segments */
};

struct nearest {
    struct vector_space in;
    size_t place; /* of the space in the collection, for rank_hit.space */
    struct segment_cache *segments;
    const float *query;    /* [in.dim], prepared (vectors.h) */
    bool exact;            /* compare all */
    bool cross_modal;      /* the query is of another side than the space, or unknown */
    unsigned oversampling; /* candidates a result; 0: as the segment has learnt */
    unsigned nprobe;       /* lists of codes to look into; 0: likewise */
    unsigned ef;           /* width of a graph's walk; 0: likewise */
    bool is_check;         /* asked by the recall gauge, not by a user */
    bool force_index;      /* ask segments also where a scan is cheaper */
    const uint64_t *allowed; /* a bit a slot, as allowed.h makes them; NULL: all */
    const struct duet_id *excluded; /* a point to be left out; NULL: none */
    struct rank *rank;              /* what is found goes here */
    struct nearest_work *work;      /* added to */
};

enum err nearest_search(struct nearest *nearest) ERR_CHECK;

/* Compares what lives (and is allowed) of slots [first, end); first is the first of a
 * chunk. */
enum err nearest_scan(struct nearest *nearest, uint32_t first, uint32_t end) ERR_CHECK;

#endif
