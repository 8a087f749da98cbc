/*
 * api_facet.c - POST …/facet: how many points have which value.
 */
#include "base/limits.h"
#include "net/api.h"
#include "net/api_point_out.h"

static enum err read_facet(const struct field *root, struct duet_facet *what)
{
    static const struct field_rule rules[] = {
        {"key", NULL},    {"limit", NULL},
        {"exact", NULL}, /* it always is */
        {"filter", NULL}, {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    bool exact;
    *what = (struct duet_facet){.limit = 10};
    TRY(field_check(root, rules));
    struct field key = field_get(root, "key");
    struct field limit = field_get(root, "limit");
    struct field exact_field = field_get(root, "exact");
    struct field filter = field_get(root, "filter");
    TRY(field_require(&key));
    TRY(field_string(&key, &what->key));
    TRY(field_size(&limit, &what->limit));
    TRY(field_bool(&exact_field, &exact));
    return field_text(&filter, &what->filter);
}

static void write_hit(struct json_out *out, const struct duet_facet_hit *hit)
{
    out_begin(out, '{');
    out_key(out, "value");
    point_write_value(out, &hit->value);
    out_key(out, "count");
    out_size(out, hit->n_points);
    out_end(out, '}');
}

enum err api_facet(struct api_call *call)
{
    struct field root;
    struct duet_facet what;
    struct duet_facets facets;
    TRY(api_call_json(call, &root));
    TRY(read_facet(&root, &what));
    TRY(duet_facet(call->api->db, call->match.params[0], &what, &facets));
    out_begin(&call->out, '{');
    out_key(&call->out, "hits");
    out_begin(&call->out, '[');
    for (size_t i = 0; i < facets.n; i++) {
        write_hit(&call->out, &facets.hits[i]);
    }
    out_end(&call->out, ']');
    out_end(&call->out, '}');
    duet_facets_release(&facets);
    return ERR_OK;
}
