/*
 * questions.h - a set of queries of one side, asked of a collection as it stands: first
 * exactly, for the truth, then by the index at some setting.
 *
 *     struct questions q;
 *     questions_init(&q, n, dim, "v");            // then fill q.vectors
 *     questions_ask_exactly(&q, db, "c");         // again whenever the points changed
 *     questions_ask(&q, db, "c", (struct setting){0}, &answer);
 *
 * All searches run on the calling thread; times are its processor time. Errors end the
 * program (rig.h).
 */
#ifndef TESTS_BENCH_QUESTIONS_H
#define TESTS_BENCH_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "db/duet.h"

enum { QUESTIONS_K = 10 };

struct questions {
    size_t n, dim;
    float *vectors;          /* [n, dim], owned */
    struct duet_id *points;  /* [n], owned: asked for in place of the vectors; NULL */
    const char *in;          /* the space searched */
    const char **filters;    /* [n], borrowed: one for each question; NULL: none */
    struct duet_hits *truth; /* [n], owned: what the exact search found */
    double exact_ms;         /* its median */
};

/* How to search; zeros mean the database's own choice. */
struct setting {
    unsigned oversampling, nprobe;
    bool force_index; /* ask the index also where a scan would be cheaper */
};

struct answer {
    double recall;     /* of the truth, over all questions together */
    double ms, ms_p99; /* of a search: median, and 99 in 100 are faster */
    size_t n_by_index; /* searches for which a segment named candidates */
    size_t n_short;    /* searches with fewer results than the exact one */
    double n_compared; /* exact comparisons of a search, mean */
};

void questions_init(struct questions *q, size_t n, size_t dim, const char *in);
void question_list_release(struct questions *q);

void questions_ask_exactly(struct questions *q, struct duet *db,
                           const char *collection);
void questions_ask(const struct questions *q, struct duet *db, const char *collection,
                   struct setting setting, struct answer *answer);

#endif
