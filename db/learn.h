/*
 * learn.h - how widely a new segment has to be searched, learnt from questions.
 *
 *     TRY(learn_widths(&range, ann));     // before ann_save
 *
 * A quantised index names candidates, and how many are needed depends on the vectors
 * and on who asks: a text among pictures needs several times the width of a picture
 * (DESIGN section 4). So for both sides up to 128 questions are answered exactly, by a
 * scan of the segment, and then by the index at growing widths; the cheapest that finds
 * LEARN_TARGET of the true ten is kept in the segment's file.
 *
 * Where the questions come from: learn_questions.h. What it costs: the exact answers are at
 * most 2^27 comparisons a side (32 times the segment's vectors, where that is more), and
 * the searches as much again: some six seconds a side for a million vectors of 512, which
 * take a minute and a half to be indexed.
 *
 * Threads: one at a time, the sealer's.
 */
#ifndef DB_LEARN_H
#define DB_LEARN_H

#include "db/record.h"
#include "index/ann.h"

struct duet;

/* Of the true ten of the questions; half of what it leaves out is kept back, since what
 * is enough for those few has to be enough for others. */
#define LEARN_TARGET 0.99

enum {
    LEARN_K = 10,
    LEARN_QUESTIONS_MAX = 128,
    LEARN_QUESTIONS_MIN = 32 /* fewer teach nothing */
};

/* What a segment is built over. */
struct learn_range {
    struct duet *db;
    const struct record_collection *collection;
    size_t place;            /* of the space in the collection */
    uint32_t first, n_slots; /* both multiples of a chunk */
    const uint32_t *chunks;  /* [n_chunks], those in which something lives, in order */
    size_t n_chunks;
    size_t n_live;
};

/* Sets the widths of both sides. ERR_NOMEM, ERR_IO, ERR_CORRUPT. */
enum err learn_widths(const struct learn_range *range, struct ann *ann) ERR_CHECK;

#endif
