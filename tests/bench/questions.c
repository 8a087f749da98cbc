/*
 * questions.c - see questions.h.
 */
#include "tests/bench/questions.h"

#include "base/alloc.h"
#include "tests/bench/rig.h"

void questions_init(struct questions *q, size_t n, size_t dim, const char *in)
{
    *q = (struct questions){.n = n, .dim = dim, .in = in};
    q->vectors = alloc_zero(n * dim, sizeof *q->vectors);
    q->truth = alloc_zero(n, sizeof *q->truth);
    if (q->vectors == NULL || q->truth == NULL) {
        rig_fail("out of memory");
    }
}

static void forget_truth(struct questions *q)
{
    for (size_t i = 0; i < q->n && q->truth != NULL; i++) {
        duet_hits_release(&q->truth[i]);
    }
}

void question_list_release(struct questions *q)
{
    forget_truth(q);
    alloc_free(q->truth);
    alloc_free(q->vectors);
    alloc_free(q->points);
    *q = (struct questions){0};
}

static struct duet_query query_of(const struct questions *q, size_t i)
{
    struct duet_query query = DUET_QUERY_DEFAULT;
    query.input = (struct duet_input){
        .kind = DUET_INPUT_VECTOR, .vector = q->vectors + i * q->dim, .n = q->dim};
    if (q->points != NULL) {
        query.input = (struct duet_input){.kind = DUET_INPUT_POINT, .id = q->points[i]};
    }
    query.in = q->in;
    query.k = QUESTIONS_K;
    query.filter = q->filters != NULL ? q->filters[i] : NULL;
    query.payload = false;
    return query;
}

/* Milliseconds of the search. */
static double search(struct duet *db, const char *collection,
                     const struct duet_query *query, struct duet_hits *hits)
{
    double start = rig_thread_s();
    rig_check(duet_search(db, collection, query, hits));
    return (rig_thread_s() - start) * 1e3;
}

static double *times_of(const struct questions *q)
{
    double *ms = alloc_array(q->n + 1, sizeof *ms);
    if (ms == NULL) {
        rig_fail("out of memory");
    }
    return ms;
}

void questions_ask_exactly(struct questions *q, struct duet *db, const char *collection)
{
    double *ms = times_of(q);
    forget_truth(q);
    for (size_t i = 0; i < q->n; i++) {
        struct duet_query query = query_of(q, i);
        query.exact = true;
        ms[i] = search(db, collection, &query, &q->truth[i]);
    }
    q->exact_ms = rig_quantile(ms, q->n, 0.5);
    alloc_free(ms);
}

static size_t count_common(const struct duet_hits *a, const struct duet_hits *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            n += duet_id_compare(a->hits[i].id, b->hits[j].id) == 0;
        }
    }
    return n;
}

void questions_ask(const struct questions *q, struct duet *db, const char *collection,
                   struct setting setting, struct answer *answer)
{
    double *ms = times_of(q);
    size_t n_found = 0, n_wanted = 0;
    *answer = (struct answer){0};
    for (size_t i = 0; i < q->n; i++) {
        struct duet_hits hits;
        struct duet_query query = query_of(q, i);
        query.oversampling = setting.oversampling;
        query.nprobe = setting.nprobe;
        query.force_index = setting.force_index;
        ms[i] = search(db, collection, &query, &hits);
        n_found += count_common(&q->truth[i], &hits);
        n_wanted += q->truth[i].n;
        answer->n_by_index += hits.n_candidates > 0;
        answer->n_short += hits.n < q->truth[i].n;
        answer->n_compared += (double)hits.n_compared / (double)q->n;
        duet_hits_release(&hits);
    }
    answer->recall = n_wanted > 0 ? (double)n_found / (double)n_wanted : 1;
    answer->ms = rig_quantile(ms, q->n, 0.5);
    answer->ms_p99 = rig_quantile(ms, q->n, 0.99);
    alloc_free(ms);
}
