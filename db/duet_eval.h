/*
 * duet_eval.h - how good the answers are: scores against right answers, and why one
 * point stands where it stands.
 *
 *     struct duet_explanation why;
 *     if (duet_explain(db, "default", &query, id, &why) == ERR_OK) {
 *         printf("%.3f, rank %zu\n", why.spaces[0].score, why.spaces[0].rank_exact);
 *         duet_explanation_release(&why);
 *     }
 *
 * Threads, errors and strings: as duet.h.
 */
#ifndef DB_DUET_EVAL_H
#define DB_DUET_EVAL_H

#include "db/duet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Scores of one ranked list --------------------------------------------------- */

/* A right answer, and how right it is: more than 0. */
struct duet_relevant {
    struct duet_id id;
    double grade;
};

/* All are 0 to 1. */
struct duet_eval_scores {
    double recall1, recall5, recall10; /* of the right answers, as far as they fit, in
                                          the first 1, 5 and 10 */
    double mrr;    /* 1 / rank of the first right one; 0 where there is none */
    double ndcg10; /* discounted cumulative gain of the first 10, gain 2^grade - 1, by
                      that of the best order (Järvelin and Kekäläinen, 2002) */
};

/* Scores found[n], best first, against relevant[n_relevant], each id once, at least one.
 * Pure; any thread. */
DUET_API struct duet_eval_scores duet_eval_score(const struct duet_hit *found, size_t n,
                                                 const struct duet_relevant *relevant,
                                                 size_t n_relevant);

/* The share of exact[n_exact] that is in found[n]; 1 where there is nothing to find.
 * Points as good as the last exact one are as right as that one. */
DUET_API double duet_eval_agreement(const struct duet_hit *found, size_t n,
                                    const struct duet_hit *exact, size_t n_exact);

/* ---- Why one point stands where it stands ------------------------------------------ */

struct duet_explained_space {
    char name[256];
    bool has_vector;
    double score;      /* to the query; as in struct duet_hit */
    size_t rank_exact; /* among all that the filter lets pass, from 1; 0: past the first
                          LIMIT_K_MAX (10,000), or filtered out */
    size_t rank_index; /* as the query itself is answered; 0: not among its k */
    bool is_sealed;    /* in a sealed segment; else it is compared where it lies */
    uint32_t slot;
    uint64_t generation; /* of the segment */
};

struct duet_explained_condition {
    char *path;   /* "must[0]" */
    char *text;   /* the condition, as JSON */
    bool matches; /* the point by itself */
};

struct duet_explanation {
    bool passes;                         /* the filter as a whole; true without one */
    struct duet_explained_space *spaces; /* [n_spaces], those that the query searches */
    size_t n_spaces;
    struct duet_explained_condition *conditions; /* [n_conditions] of the filter */
    size_t n_conditions;
};

/* What becomes of the point `id` when `query`, of kind DUET_QUERY_NEAREST, is asked: takes
 * an exact search of each space. ERR_NOT_FOUND: no such point; otherwise as duet_search. */
DUET_CHECK enum err duet_explain(struct duet *db, const char *collection,
                                 const struct duet_query *query, struct duet_id id,
                                 struct duet_explanation *out);
DUET_API void duet_explanation_release(struct duet_explanation *explanation);

#ifdef __cplusplus
}
#endif

#endif
