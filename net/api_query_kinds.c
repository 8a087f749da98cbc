/*
 * api_query_kinds.c - what a query asks for: the member "query".
 *
 * Which kind it is, is told by its one member; what has none of the names below is a
 * vector, or what may stand in its place. Duet's own kind, the mix, stands in "duet", so
 * that the dialect may call its next one "mix".
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "net/api_order.h"
#include "net/api_query_read.h"

typedef enum err kind_reader(struct inputs *inputs, const struct field *f,
                             struct duet_query *query);

/* Whether `f` is a string of names[n], and which; ERR_INVALID says them all. */
static enum err read_name(const struct field *f, const char *const *names, size_t n,
                          size_t *i)
{
    const char *name = NULL;
    char all[128] = "";
    TRY(field_string(f, &name));
    for (*i = 0; *i < n && name != NULL; (*i)++) {
        if (strcmp(name, names[*i]) == 0) {
            return ERR_OK;
        }
    }
    *i = 0;
    for (size_t j = 0; j < n; j++) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s\"%s\"",
                 j == 0       ? ""
                 : j + 1 == n ? " or "
                              : ", ",
                 names[j]);
    }
    return name == NULL ? ERR_OK : field_fail(f, ERR_INVALID, "must be %s", all);
}

/* ---- The nearest ---- */

static enum err read_plain(struct inputs *inputs, const struct field *f,
                           struct duet_query *query)
{
    query->kind = DUET_QUERY_NEAREST;
    return input_read_example(inputs, f, &query->input);
}

static enum err read_nearest(struct inputs *inputs, const struct field *f,
                             struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"nearest", NULL},
        {"mmr", "maximal marginal relevance is not supported"},
        {NULL, NULL},
    };
    TRY(field_check(f->parent, rules));
    return read_plain(inputs, f, query);
}

/* ---- Mixes ---- */

/* One of "text", "image", "vector" and "id", and a "weight". */
static enum err read_part(struct inputs *inputs, const struct field *f,
                          struct duet_example *part)
{
    static const struct field_rule rules[] = {
        {"text", NULL}, {"image", NULL},  {"model", NULL}, {"vector", NULL},
        {"id", NULL},   {"weight", NULL}, {NULL, NULL},
    };
    if (!json_object_is_type(f->value, json_type_object)) {
        return field_fail(f, ERR_INVALID, "must be an object");
    }
    TRY(field_check(f, rules));
    struct field vector = field_get(f, "vector");
    struct field id = field_get(f, "id");
    struct field weight = field_get(f, "weight");
    size_t n_kinds = (vector.value != NULL) + (id.value != NULL) +
                     (field_get(f, "text").value != NULL) +
                     (field_get(f, "image").value != NULL);
    if (n_kinds != 1) {
        return field_fail(
            f, ERR_INVALID,
            "must have one of \"text\", \"image\", \"vector\" and \"id\"");
    }
    part->weight = 1;
    TRY(field_float(&weight, &part->weight));
    if (id.value != NULL) {
        part->input.kind = DUET_INPUT_POINT;
        return field_id(&id, &part->input.id);
    }
    return vector.value != NULL ? input_read_vector(inputs, &vector, &part->input)
                                : input_read_encoded(inputs, f, &part->input);
}

static enum err read_mix(struct inputs *inputs, const struct field *f,
                         struct duet_query *query)
{
    static const struct field_rule rules[] = {{"mix", NULL}, {NULL, NULL}};
    struct duet_example *parts;
    struct field list = field_get(f, "mix");
    TRY(field_check(f, rules));
    TRY(field_require(&list));
    TRY(field_array(&list, LIMIT_QUERY_EXAMPLES));
    size_t n = field_length(&list);
    if (n == 0) {
        return field_fail(&list, ERR_INVALID, "is empty");
    }
    TRY(inputs_take(inputs, n, sizeof *parts, &parts));
    for (size_t i = 0; i < n; i++) {
        struct field item = field_item(&list, i);
        TRY(field_require(&item));
        TRY(read_part(inputs, &item, &parts[i]));
    }
    query->kind = DUET_QUERY_MIX;
    query->examples = parts;
    query->n_examples = n;
    return ERR_OK;
}

/* ---- Recommendations ---- */

static enum err read_examples(struct inputs *inputs, const struct field *list,
                              float weight, struct duet_example *dst)
{
    for (size_t i = 0; i < field_length(list); i++) {
        struct field item = field_item(list, i);
        TRY(field_require(&item));
        dst[i].weight = weight;
        TRY(input_read_example(inputs, &item, &dst[i].input));
    }
    return ERR_OK;
}

enum err query_read_recommend_input(struct inputs *inputs, const struct field *f,
                                    struct duet_query *query)
{
    static const char *const names[] = {"average_vector", "best_score", "sum_scores"};
    size_t strategy;
    struct duet_example *examples;
    struct field positive = field_get(f, "positive");
    struct field negative = field_get(f, "negative");
    struct field strategy_field = field_get(f, "strategy");
    TRY(read_name(&strategy_field, names, 3, &strategy));
    TRY(field_array(&positive, LIMIT_QUERY_EXAMPLES));
    TRY(field_array(&negative, LIMIT_QUERY_EXAMPLES));
    size_t n_positive = field_length(&positive);
    size_t n = n_positive + field_length(&negative);
    if (n == 0) {
        return field_fail(f, ERR_INVALID, "needs examples in \"positive\"");
    }
    if (n_positive == 0 && strategy == DUET_AVERAGE_VECTOR) {
        return field_fail(&positive, ERR_INVALID,
                          "an average vector needs at least one of them");
    }
    if (n > LIMIT_QUERY_EXAMPLES) {
        return field_fail(f, ERR_LIMIT, "has %zu examples, more than %d", n,
                          LIMIT_QUERY_EXAMPLES);
    }
    TRY(inputs_take(inputs, n, sizeof *examples, &examples));
    TRY(read_examples(inputs, &positive, 1, examples));
    TRY(read_examples(inputs, &negative, -1, examples + n_positive));
    query->kind = DUET_QUERY_RECOMMEND;
    query->strategy = (enum duet_strategy)strategy;
    query->examples = examples;
    query->n_examples = n;
    return ERR_OK;
}

static enum err read_recommend(struct inputs *inputs, const struct field *f,
                               struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"positive", NULL}, {"negative", NULL}, {"strategy", NULL}, {NULL, NULL}};
    TRY(field_check(f, rules));
    return query_read_recommend_input(inputs, f, query);
}

/* ---- Fusions and samples ---- */

static enum err read_fusion(struct inputs *inputs, const struct field *f,
                            struct duet_query *query)
{
    static const char *const names[] = {"rrf", "dbsf"};
    size_t i;
    (void)inputs;
    TRY(read_name(f, names, 2, &i));
    query->kind = i == 0 ? DUET_QUERY_RRF : DUET_QUERY_DBSF;
    return ERR_OK;
}

static enum err read_weights(struct inputs *inputs, const struct field *f,
                             struct duet_query *query)
{
    float *weights;
    TRY(field_array(f, LIMIT_QUERY_PREFETCHES));
    if (f->value == NULL) {
        return ERR_OK;
    }
    if (field_length(f) != query->n_prefetch) {
        return field_fail(f, ERR_INVALID, "must have as many items as \"prefetch\"");
    }
    TRY(inputs_take(inputs, query->n_prefetch, sizeof *weights, &weights));
    for (size_t i = 0; i < query->n_prefetch; i++) {
        struct field item = field_item(f, i);
        TRY(field_require(&item));
        TRY(field_float(&item, &weights[i]));
    }
    query->rrf_weights = weights;
    query->n_rrf_weights = query->n_prefetch;
    return ERR_OK;
}

static enum err read_rrf(struct inputs *inputs, const struct field *f,
                         struct duet_query *query)
{
    static const struct field_rule rules[] = {
        {"k", NULL}, {"weights", NULL}, {NULL, NULL}};
    TRY(field_check(f, rules));
    struct field k = field_get(f, "k");
    struct field weights = field_get(f, "weights");
    query->kind = DUET_QUERY_RRF;
    TRY(field_size(&k, &query->rrf_k));
    if (k.value != NULL && query->rrf_k == 0) {
        return field_fail(&k, ERR_INVALID, "must be 1 or more");
    }
    return read_weights(inputs, &weights, query);
}

static enum err read_sample(struct inputs *inputs, const struct field *f,
                            struct duet_query *query)
{
    static const char *const names[] = {"random"};
    size_t i;
    (void)inputs;
    query->kind = DUET_QUERY_SAMPLE;
    return read_name(f, names, 1, &i);
}

static enum err read_order_by(struct inputs *inputs, const struct field *f,
                              struct duet_query *query)
{
    (void)inputs;
    query->kind = DUET_QUERY_ORDER;
    return api_order_read(f, &query->order);
}

/* ---- Which of them ---- */

static enum err refuse(struct inputs *inputs, const struct field *f,
                       struct duet_query *query)
{
    (void)inputs;
    (void)query;
    return field_fail(f, ERR_UNSUPPORTED, "this kind of query is not supported");
}

static const struct {
    const char *name;
    kind_reader *read;
    bool alone; /* nothing may stand beside it */
} kinds[] = {
    {"nearest", read_nearest, false},
    {"recommend", read_recommend, true},
    {"fusion", read_fusion, true},
    {"rrf", read_rrf, true},
    {"sample", read_sample, true},
    {"duet", read_mix, true},
    {"order_by", read_order_by, true},
    {"discover", refuse, false},
    {"context", refuse, false},
    {"formula", refuse, false},
    {"relevance_feedback", refuse, false},
};

enum err query_read_kind(struct inputs *inputs, const struct field *f,
                         struct duet_query *query)
{
    if (f->value == NULL) {
        query->kind = DUET_QUERY_ALL;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct field kind = field_get(f, kinds[i].name);
        const struct field_rule only[] = {{kinds[i].name, NULL}, {NULL, NULL}};
        if (kind.value != NULL) {
            TRY(kinds[i].alone ? field_check(f, only) : ERR_OK);
            return kinds[i].read(inputs, &kind, query);
        }
    }
    return read_plain(inputs, f, query);
}
