/*
 * query_check.c - what makes no sense by itself, before anything is looked up or encoded.
 * See query_tree.h.
 */
#include <math.h>

#include "db/query_tree.h"

static enum err check_range(const struct query_node *node)
{
    const struct duet_query *q = node->asked;
    size_t offset = node->parent == NULL ? q->offset : 0;
    FAIL_IF(q->k == 0, ERR_INVALID, "k is 0: ask for at least one result");
    FAIL_IF(q->k > LIMIT_K_MAX || offset > LIMIT_K_MAX - q->k, ERR_LIMIT,
            "k and offset together are more than %d", LIMIT_K_MAX);
    FAIL_IF(q->has_threshold && isnan(q->score_threshold), ERR_INVALID,
            "the score threshold is not a number");
    return ERR_OK;
}

static enum err check_fusion(const struct duet_query *q)
{
    FAIL_IF(q->n_prefetch == 0, ERR_INVALID,
            "a fusion needs prefetches whose results it puts together");
    FAIL_IF(q->in != NULL, ERR_INVALID,
            "a fusion looks at no vectors: \"using\" belongs to its prefetches");
    FAIL_IF(q->n_rrf_weights != 0 && q->n_rrf_weights != q->n_prefetch, ERR_INVALID,
            "there are %zu weights for %zu prefetches", q->n_rrf_weights,
            q->n_prefetch);
    for (size_t i = 0; i < q->n_rrf_weights; i++) {
        FAIL_IF(!isfinite(q->rrf_weights[i]), ERR_INVALID,
                "weight %zu is not a finite number", i);
    }
    return ERR_OK;
}

static size_t count_positive(const struct duet_query *q)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n_examples; i++) {
        n += q->examples[i].weight > 0;
    }
    return n;
}

static enum err check_examples(const struct duet_query *q)
{
    bool is_mix = q->kind == DUET_QUERY_MIX;
    FAIL_IF(q->n_examples > LIMIT_QUERY_EXAMPLES, ERR_LIMIT,
            "there are %zu examples, more than %d", q->n_examples,
            LIMIT_QUERY_EXAMPLES);
    for (size_t i = 0; i < q->n_examples; i++) {
        float weight = q->examples[i].weight;
        FAIL_IF(!isfinite(weight) || (weight == 0 && !is_mix), ERR_INVALID,
                "the weight of example %zu is %g", i, (double)weight);
    }
    FAIL_IF(q->n_examples == 0, ERR_INVALID,
            is_mix ? "a mix of nothing" : "a recommendation needs examples");
    FAIL_IF(!is_mix && q->strategy == DUET_AVERAGE_VECTOR && count_positive(q) == 0,
            ERR_INVALID, "an average vector needs at least one positive example");
    return ERR_OK;
}

static enum err check_all(const struct duet_query *q)
{
    FAIL_IF(q->n_prefetch > 0, ERR_INVALID,
            "prefetches without a query that does something with their results");
    FAIL_IF(q->has_threshold, ERR_INVALID,
            "a score threshold needs a query that gives scores");
    return ERR_OK;
}

static enum err check_input(const struct duet_input *input)
{
    FAIL_IF(input->kind == DUET_INPUT_NONE || input->kind > DUET_INPUT_POINT,
            ERR_INVALID, "a query needs a text, a picture, a vector or a point");
    FAIL_IF(input->kind == DUET_INPUT_VECTOR &&
                (input->n == 0 || input->n > LIMIT_DIM_MAX),
            ERR_CONFLICT, "a vector of %zu numbers fits no space", input->n);
    return ERR_OK;
}

static enum err check_order(const struct duet_query *q)
{
    FAIL_IF(q->order.key == NULL, ERR_INVALID, "say by which value to order");
    FAIL_IF(q->has_threshold, ERR_INVALID,
            "a score threshold needs a query that gives scores");
    return ERR_OK;
}

enum err query_check(const struct query_node *node)
{
    const struct duet_query *q = node->asked;
    TRY(check_range(node));
    switch (q->kind) {
    case DUET_QUERY_NEAREST:
        return check_input(&q->input);
    case DUET_QUERY_MIX:
    case DUET_QUERY_RECOMMEND:
        TRY(check_examples(q));
        for (size_t i = 0; i < q->n_examples; i++) {
            TRY(check_input(&q->examples[i].input));
        }
        return ERR_OK;
    case DUET_QUERY_RRF:
    case DUET_QUERY_DBSF:
        return check_fusion(q);
    case DUET_QUERY_SAMPLE:
        return ERR_OK;
    case DUET_QUERY_ALL:
        return check_all(q);
    case DUET_QUERY_ORDER:
        return check_order(q);
    }
    return err_set(ERR_INVALID, "there is no query of kind %d", (int)q->kind);
}
