/*
 * query_score.c - see query_score.h.
 *
 * The formulas are the dialect's. A mix is ours: a weight says how much a direction
 * counts, so each part is brought to unit length first, and so is the sum, for scores that
 * can be read.
 */
#include "db/query_score.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* ---- From inputs to vectors ---- */

static enum err check_sizes(const struct query_tree *tree,
                            const struct query_node *node,
                            const struct record_space_def *def)
{
    for (size_t i = 0; i < node->n_inputs; i++) {
        const struct query_input *input = &node->inputs[i];
        if (input->dim != def->dim) {
            enum err result = err_set(
                ERR_CONFLICT, "the vector has %zu numbers, the space '%s' takes %u",
                input->dim, def->name, def->dim);
            return query_blame_input(tree, input, result);
        }
    }
    return ERR_OK;
}

/* The sum of the parts at unit length by their weights, at unit length. */
static enum err mix(const struct query_tree *tree, const struct query_node *node,
                    size_t dim, float *sum)
{
    float *part = alloc_array(dim, sizeof *part);
    if (part == NULL) {
        return ERR_NOMEM;
    }
    enum err result = ERR_OK;
    memset(sum, 0, dim * sizeof *sum);
    for (size_t i = 0; i < node->n_inputs && result == ERR_OK; i++) {
        const struct query_input *input = &node->inputs[i];
        memcpy(part, input->vector, dim * sizeof *part);
        result = vector_normalise(part, dim);
        if (result != ERR_OK) {
            result = query_blame_input(tree, input, result);
        }
        for (size_t d = 0; d < dim && result == ERR_OK; d++) {
            sum[d] += input->weight * part[d];
        }
    }
    alloc_free(part);
    TRY(result);
    return vector_normalise(sum, dim) == ERR_OK
               ? ERR_OK
               : query_blame(tree, node,
                             err_set(ERR_INVALID,
                                     "the parts of the mix cancel each other out"));
}

/* Twice the mean of the positive less the mean of the negative. */
static void average(const struct query_node *node, size_t dim, float *mean)
{
    size_t n_positive = 0;
    for (size_t i = 0; i < node->n_inputs; i++) {
        n_positive += node->inputs[i].weight > 0;
    }
    size_t n_negative = node->n_inputs - n_positive;
    float positive = (n_negative > 0 ? 2.0f : 1.0f) / (float)n_positive;
    float negative = n_negative > 0 ? -1.0f / (float)n_negative : 0;
    memset(mean, 0, dim * sizeof *mean);
    for (size_t i = 0; i < node->n_inputs; i++) {
        const struct query_input *input = &node->inputs[i];
        float weight = input->weight > 0 ? positive : negative;
        for (size_t d = 0; d < dim; d++) {
            mean[d] += weight * input->vector[d];
        }
    }
}

/* A vector that was computed: it need not fit the datatype of the space. */
static enum err prepare_computed(const struct record_space_def *def, float *vector)
{
    return def->distance == DUET_COSINE ? vector_normalise(vector, def->dim)
                                        : vector_check(vector, def->dim);
}

/* The inputs of one sign as they are, behind what is there. */
static enum err copy_inputs(struct scorer *s, const struct query_tree *tree,
                            const struct query_node *node,
                            const struct record_space_def *def, bool positive)
{
    for (size_t i = 0; i < node->n_inputs; i++) {
        const struct query_input *input = &node->inputs[i];
        float *vector = s->vectors + s->n * def->dim;
        if ((input->weight > 0) != positive) {
            continue;
        }
        memcpy(vector, input->vector, def->dim * sizeof *vector);
        enum err result = vector_prepare_query(def, vector);
        if (result != ERR_OK) {
            return query_blame_input(tree, input, result);
        }
        s->n++;
        s->n_positive += positive;
    }
    return ERR_OK;
}

static enum err fill(struct scorer *s, const struct query_tree *tree,
                     const struct query_node *node, const struct record_space_def *def)
{
    TRY(check_sizes(tree, node, def));
    if (s->kind != SCORER_NEAREST || node->asked->kind == DUET_QUERY_NEAREST) {
        TRY(copy_inputs(s, tree, node, def, true));
        return copy_inputs(s, tree, node, def, false);
    }
    s->n = s->n_positive = 1;
    if (node->asked->kind == DUET_QUERY_MIX) {
        TRY(mix(tree, node, def->dim, s->vectors));
    } else {
        average(node, def->dim, s->vectors);
    }
    enum err result = prepare_computed(def, s->vectors);
    return result == ERR_OK ? ERR_OK : query_blame(tree, node, result);
}

enum err scorer_open(struct scorer *s, const struct query_tree *tree,
                     const struct query_node *node, struct vector_space in,
                     const struct record_space_def *def)
{
    *s = (struct scorer){.in = in};
    if (!query_is_nearest(node)) {
        s->kind = node->asked->strategy == DUET_BEST_SCORE ? SCORER_BEST : SCORER_SUM;
    }
    s->vectors = alloc_aligned(node->n_inputs * in.dim * sizeof *s->vectors);
    if (s->vectors == NULL) {
        return ERR_NOMEM;
    }
    enum err result = fill(s, tree, node, def);
    if (result != ERR_OK) {
        scorer_release(s);
    }
    return result;
}

void scorer_release(struct scorer *s)
{
    alloc_free(s->vectors);
    *s = (struct scorer){0};
}

/* ---- Scores ---- */

/* What being that near counts in the dialect's recommendations: without the root. */
static float count_nearness(const struct scorer *s, float nearness)
{
    return s->in.kind.measure == SCAN_EUCLID ? -nearness * nearness : nearness;
}

static float example_score(const struct scorer *s, size_t i, const void *row)
{
    const float *vector = s->vectors + i * s->in.dim;
    return count_nearness(s, scan_score(s->in.kind, vector, row, s->in.dim));
}

static float squash(float x)
{
    return 0.5f * (1 + x / (1 + fabsf(x)));
}

float scorer_best_of(const struct scorer *s, float nearness)
{
    return squash(count_nearness(s, nearness));
}

static float best_score(const struct scorer *s, const void *row)
{
    float positive = -INFINITY, negative = -INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        float score = example_score(s, i, row);
        float *best = i < s->n_positive ? &positive : &negative;
        *best = score > *best ? score : *best;
    }
    return positive > negative ? squash(positive) : -squash(negative);
}

static float sum_score(const struct scorer *s, const void *row)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double score = example_score(s, i, row);
        sum += i < s->n_positive ? score : -score;
    }
    return (float)sum;
}

float scorer_score(const struct scorer *s, const void *row)
{
    switch (s->kind) {
    case SCORER_BEST:
        return best_score(s, row);
    case SCORER_SUM:
        return sum_score(s, row);
    default:
        return scan_score(s->in.kind, s->vectors, row, s->in.dim);
    }
}
