/*
 * eval_scores.c - see duet_eval.h, duet_eval_score and duet_eval_agreement.
 */
#include <math.h>

#include "db/duet_eval.h"

static double grade_of(struct duet_id id, const struct duet_relevant *relevant,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (duet_id_compare(relevant[i].id, id) == 0) {
            return relevant[i].grade;
        }
    }
    return 0;
}

/* What rank r (from 0) adds of a grade. */
static double gain(double grade, size_t r)
{
    return (exp2(grade) - 1) / log2((double)r + 2);
}

/* The gain of the best order of `depth`: the highest grades first. Each is the next one
 * that is lower than, or as high and behind, the one before. */
static double best_gain(const struct duet_relevant *relevant, size_t n, size_t depth)
{
    double sum = 0, before = INFINITY;
    size_t done = 0;
    while (done < depth && done < n) {
        double next = 0;
        size_t n_next = 0;
        for (size_t i = 0; i < n; i++) {
            if (relevant[i].grade < before && relevant[i].grade > next) {
                next = relevant[i].grade;
                n_next = 0;
            }
            n_next += relevant[i].grade == next ? 1 : 0;
        }
        if (n_next == 0) {
            break;
        }
        for (; n_next > 0 && done < depth; n_next--) {
            sum += gain(next, done++);
        }
        before = next;
    }
    return sum;
}

struct duet_eval_scores duet_eval_score(const struct duet_hit *found, size_t n,
                                        const struct duet_relevant *relevant,
                                        size_t n_relevant)
{
    static const size_t depths[] = {1, 5, 10};
    struct duet_eval_scores scores = {0};
    double *const recalls[] = {&scores.recall1, &scores.recall5, &scores.recall10};
    double sum = 0;
    for (size_t r = 0; r < n; r++) {
        double grade = grade_of(found[r].id, relevant, n_relevant);
        if (!(grade > 0)) {
            continue;
        }
        scores.mrr = scores.mrr > 0 ? scores.mrr : 1 / (double)(r + 1);
        sum += r < 10 ? gain(grade, r) : 0;
        for (size_t d = 0; d < 3; d++) {
            size_t most = n_relevant < depths[d] ? n_relevant : depths[d];
            *recalls[d] += r < depths[d] ? 1 / (double)most : 0;
        }
    }
    double best = best_gain(relevant, n_relevant, 10);
    scores.ndcg10 = best > 0 ? sum / best : 0;
    return scores;
}

double duet_eval_agreement(const struct duet_hit *found, size_t n,
                           const struct duet_hit *exact, size_t n_exact)
{
    size_t n_same = 0;
    if (n_exact == 0) {
        return 1;
    }
    float last = exact[n_exact - 1].score, first = exact[0].score;
    for (size_t i = 0; i < n && i < n_exact; i++) {
        bool good = first >= last ? found[i].score >= last : found[i].score <= last;
        n_same += good ? 1 : 0;
    }
    return (double)n_same / (double)n_exact;
}
