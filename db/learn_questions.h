/*
 * learn_questions.h - vectors to learn a segment's width from, for either side.
 *
 * Of the same side: what was asked lately by vectors of that side, and vectors of the
 * segment itself, each left out of its own answer. Across: what was asked lately, and
 * vectors of the collection's other space (the captions of pictures); where there are
 * too few of either, and pictures are searched while the model is open, common phrases
 * are encoded. Where all of that is too little, or nobody knows which side asks, the
 * segment's own vectors have to do, and the width is multiplied afterwards.
 *
 * Threads: one at a time.
 */
#ifndef DB_LEARN_QUESTIONS_H
#define DB_LEARN_QUESTIONS_H

#include "db/learn.h"

enum { QUESTION_OF_NOBODY = UINT32_MAX };

struct questions {
    float *vectors; /* [n, dim], prepared for the space */
    uint32_t *own;  /* [n], the slot whose vector it is, or QUESTION_OF_NOBODY */
    size_t n;
    size_t dim;
    uint32_t lessons; /* enum ann_lesson */
    uint64_t random;
};

/* Up to `n` of them, or none where there are fewer than LEARN_QUESTIONS_MIN. On failure
 * there is nothing to release. ERR_NOMEM, ERR_IO, ERR_CORRUPT. */
enum err questions_gather(struct questions *q, const struct learn_range *range,
                          enum ann_side side, size_t n) ERR_CHECK;

void questions_release(struct questions *q);

#endif
