/*
 * api_query_params.c - how hard to look: the member "params" of a query.
 */
#include <limits.h>

#include "net/api_query_read.h"

static const struct field_rule params_rules[] = {
    {"exact", NULL},
    {"hnsw_ef", NULL},
    {"quantization", NULL},
    {"indexed_only", NULL},
    {"acorn", "acorn is not supported"},
    {"idf", "sparse vectors are not supported"},
    {NULL, NULL},
};

static const struct field_rule quantization_rules[] = {
    {"oversampling", NULL},
    {"rescore", NULL},
    {"ignore", NULL},
    {NULL, NULL},
};

/* "rescore" is always done, and "ignore" is what `exact` does better. */
static enum err read_quantization(const struct field *f, struct duet_query *query)
{
    float oversampling = 0;
    bool rescore = true, ignore = false;
    TRY(field_check(f, quantization_rules));
    struct field oversampling_field = field_get(f, "oversampling");
    struct field rescore_field = field_get(f, "rescore");
    struct field ignore_field = field_get(f, "ignore");
    TRY(field_float(&oversampling_field, &oversampling));
    TRY(field_bool(&rescore_field, &rescore));
    TRY(field_bool(&ignore_field, &ignore));
    if (oversampling_field.value != NULL && (oversampling < 1 || oversampling > 1000)) {
        return field_fail(&oversampling_field, ERR_INVALID, "must be 1 to 1000");
    }
    query->oversampling = (unsigned)(oversampling + 0.5f);
    query->exact = query->exact || ignore;
    return ERR_OK;
}

enum err query_read_params(const struct field *f, struct duet_query *query)
{
    bool indexed_only = false;
    TRY(field_check(f, params_rules));
    struct field exact = field_get(f, "exact");
    struct field ef_field = field_get(f, "hnsw_ef");
    struct field quantization = field_get(f, "quantization");
    struct field indexed_only_field = field_get(f, "indexed_only");
    size_t ef = 0;
    TRY(field_size(&ef_field, &ef));
    /* The index has its own limit. */
    query->ef = ef < UINT_MAX ? (unsigned)ef : UINT_MAX;
    TRY(field_bool(&exact, &query->exact));
    TRY(field_bool(&indexed_only_field, &indexed_only));
    if (indexed_only) {
        return field_fail(&indexed_only_field, ERR_UNSUPPORTED,
                          "everything is always searched");
    }
    return read_quantization(&quantization, query);
}
