/*
 * api_labels.c - POST /collections/{c}/labels: which of some names fits a picture best,
 * without training (zero-shot). The picture is one that the request holds, or those of
 * points: their stored vectors are compared, nothing is decoded.
 *
 * The labels' sentences are encoded for the first request that names them, which takes
 * seconds where there are many, and kept for the next (label_cache.h).
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_input.h"
#include "net/api_point_out.h"
#include "net/label_cache.h"
#include "net/label_names.h"

enum { PAGE_DEFAULT = 100, TOP_DEFAULT = 5 };

struct labelling {
    struct inputs inputs;
    const char *const *names; /* [n], of the request or our own */
    size_t n;
    const char **given;     /* names and templates of the request, owned */
    const char **templates; /* [n_templates], owned */
    size_t n_templates;
    struct label_use use;
    double *likely; /* [n] */
    size_t *order;  /* [n] */
    size_t top;     /* labels told of each */
    const char *space;

    struct field image;  /* value NULL: points are asked about */
    struct duet_id *ids; /* [n_ids], owned; NULL: those of the filter */
    size_t n_ids;
    const char *filter; /* NULL: all points */
    bool has_from, has_next;
    struct duet_id from, next;
    size_t page;
};

static void release(struct api_call *call, struct labelling *l)
{
    label_cache_give(call->api->labels, &l->use);
    alloc_free(l->given);
    alloc_free(l->templates);
    alloc_free(l->likely);
    alloc_free(l->order);
    alloc_free(l->ids);
    inputs_release(&l->inputs);
}

/* ---- The request ---------------------------------------------------------------- */

/* An array of strings; *list is the caller's. */
static enum err read_strings(const struct field *f, size_t max, const char ***list,
                             size_t *n)
{
    TRY(field_array(f, max));
    *n = field_length(f);
    *list = alloc_zero(*n, sizeof **list);
    FAIL_IF(*list == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < *n; i++) {
        struct field item = field_item(f, i);
        TRY(field_require(&item));
        TRY(field_string(&item, &(*list)[i]));
    }
    return ERR_OK;
}

static enum err read_labels(struct labelling *l, const struct field *root)
{
    struct field labels = field_get(root, "labels");
    struct field lang = field_get(root, "lang");
    struct field templates = field_get(root, "templates");
    const char *name = "en";
    TRY(read_strings(&templates, LIMIT_TEMPLATES_MAX, &l->templates, &l->n_templates));
    TRY(field_string(&lang, &name));
    if (labels.value == NULL) {
        l->names = label_names(name, &l->n);
        return l->names != NULL
                   ? ERR_OK
                   : field_fail(&lang, ERR_INVALID, "must be \"en\" or \"zh\"");
    }
    if (lang.value != NULL) {
        return field_fail(&lang, ERR_INVALID, "is of our own labels; these are given");
    }
    TRY(read_strings(&labels, LIMIT_LABELS_ASKED, &l->given, &l->n));
    l->names = l->given;
    return l->n > 0 ? ERR_OK : field_fail(&labels, ERR_INVALID, "is empty");
}

static enum err read_page(struct labelling *l, const struct field *root)
{
    struct field filter = field_get(root, "filter");
    struct field offset = field_get(root, "offset");
    struct field size = field_get(root, "page_size");
    l->page = PAGE_DEFAULT;
    TRY(field_text(&filter, &l->filter));
    TRY(field_size(&size, &l->page));
    if (l->page == 0 || l->page > LIMIT_LABELLED_POINTS) {
        return field_fail(&size, ERR_INVALID, "must be 1 to %d", LIMIT_LABELLED_POINTS);
    }
    l->has_from = offset.value != NULL;
    return l->has_from ? field_id(&offset, &l->from) : ERR_OK;
}

/* Which pictures: exactly one of "image", "ids" and "filter". */
static enum err read_what(struct labelling *l, const struct field *root)
{
    struct field ids = field_get(root, "ids");
    struct field filter = field_get(root, "filter");
    l->image = field_get(root, "image");
    int n = (l->image.value != NULL) + (ids.value != NULL) + (filter.value != NULL);
    FAIL_IF(n != 1, ERR_INVALID,
            "the request must have one of \"image\", \"ids\" and \"filter\"");
    if (ids.value == NULL) {
        return read_page(l, root);
    }
    TRY(api_read_ids(&ids, &l->ids, &l->n_ids));
    return l->n_ids <= LIMIT_LABELLED_POINTS
               ? ERR_OK
               : field_fail(&ids, ERR_LIMIT, "has %zu items, more than %d", l->n_ids,
                            LIMIT_LABELLED_POINTS);
}

static enum err read_request(struct labelling *l, const struct field *root)
{
    static const struct field_rule rules[] = {
        {"labels", NULL}, {"templates", NULL}, {"lang", NULL}, {"limit", NULL},
        {"using", NULL},  {"image", NULL},     {"ids", NULL},  {"filter", NULL},
        {"offset", NULL}, {"page_size", NULL}, {NULL, NULL},
    };
    l->space = "image";
    l->top = TOP_DEFAULT;
    TRY(field_check(root, rules));
    struct field limit = field_get(root, "limit");
    struct field space = field_get(root, "using");
    TRY(field_size(&limit, &l->top));
    TRY(field_string(&space, &l->space));
    if (l->top == 0) {
        return field_fail(&limit, ERR_INVALID, "must be 1 or more");
    }
    TRY(read_labels(l, root));
    return read_what(l, root);
}

/* Vectors of another model, or of none, can't be compared with those of our labels. */
static enum err check_collection(struct api_call *call)
{
    struct duet_collections list;
    struct duet_model_info info;
    TRY(duet_collections_list(call->api->db, call->match.params[0], &list));
    bool plain = list.items[0].model_space[0] == '\0';
    enum err result = duet_model(call->api->db, &info);
    bool ours = result == ERR_OK && strcmp(list.items[0].model_space, info.space) == 0;
    duet_collections_release(&list);
    TRY(result);
    FAIL_IF(
        plain, ERR_UNSUPPORTED,
        "the collection holds plain vectors, and no pictures that labels could fit");
    FAIL_IF(!ours, ERR_CONFLICT,
            "the collection was made by a model of another space than the server's");
    return ERR_OK;
}

static enum err make_labels(struct api_call *call, struct labelling *l)
{
    const struct duet_label_options options = {.labels = l->names,
                                               .n_labels = l->n,
                                               .templates = l->templates,
                                               .n_templates = l->n_templates};
    l->likely = alloc_array(l->n, sizeof *l->likely);
    l->order = alloc_array(l->n, sizeof *l->order);
    FAIL_IF(l->likely == NULL || l->order == NULL, ERR_NOMEM, "out of memory");
    return label_cache_take(call->api->labels, call->api->db, &options, &l->use);
}

/* ---- The answer ----------------------------------------------------------------- */

static int by_likely(const void *a, const void *b, void *arg)
{
    const double *likely = arg;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    if (likely[i] != likely[j]) {
        return likely[i] > likely[j] ? -1 : 1;
    }
    return i < j ? -1 : i > j;
}

/* The best of the labels for one vector, as the member "labels". */
static enum err write_labels(struct json_out *out, struct labelling *l,
                             const float *vector, size_t dim)
{
    TRY(duet_label_vector(l->use.labels, vector, dim, l->likely));
    for (size_t i = 0; i < l->n; i++) {
        l->order[i] = i;
    }
    qsort_r(l->order, l->n, sizeof *l->order, by_likely, l->likely);
    out_key(out, "labels");
    out_begin(out, '[');
    for (size_t i = 0; i < l->n && i < l->top; i++) {
        out_begin(out, '{');
        out_key(out, "label");
        out_string(out, l->names[l->order[i]]);
        out_key(out, "score");
        out_double(out, l->likely[l->order[i]]);
        out_end(out, '}');
    }
    out_end(out, ']');
    return ERR_OK;
}

static enum err write_point(struct json_out *out, struct labelling *l,
                            const struct duet_hit *hit)
{
    const struct duet_vector *vector = NULL;
    for (size_t i = 0; i < hit->n_vectors; i++) {
        if (strcmp(hit->vectors[i].space, l->space) == 0) {
            vector = &hit->vectors[i];
        }
    }
    out_begin(out, '{');
    out_key(out, "id");
    point_write_id(out, hit->id);
    if (vector != NULL) {
        TRY(write_labels(out, l, vector->values, vector->dim));
    } else { /* it has no picture */
        out_key(out, "labels");
        out_begin(out, '[');
        out_end(out, ']');
    }
    out_end(out, '}');
    return ERR_OK;
}

/* The ids of a page of the filter's points, and where the next one begins. */
static enum err find_ids(struct api_call *call, struct labelling *l)
{
    struct duet_hits hits;
    TRY(duet_scroll_where(call->api->db, call->match.params[0], l->filter,
                          l->has_from ? &l->from : NULL, l->page + 1, &hits));
    l->has_next = hits.n > l->page;
    l->n_ids = l->has_next ? l->page : hits.n;
    l->ids = alloc_array(l->n_ids, sizeof *l->ids);
    for (size_t i = 0; l->ids != NULL && i < l->n_ids; i++) {
        l->ids[i] = hits.hits[i].id;
    }
    if (l->has_next) {
        l->next = hits.hits[l->page].id;
    }
    duet_hits_release(&hits);
    FAIL_IF(l->ids == NULL, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static enum err label_points(struct api_call *call, struct labelling *l)
{
    struct json_out *out = &call->out;
    struct duet_hits hits = {0};
    if (l->ids == NULL) {
        TRY(find_ids(call, l));
    }
    TRY(duet_get(call->api->db, call->match.params[0], l->ids, l->n_ids, true, &hits));
    enum err result = ERR_OK;
    out_key(out, "points");
    out_begin(out, '[');
    for (size_t i = 0; i < hits.n && result == ERR_OK; i++) {
        result = write_point(out, l, &hits.hits[i]);
    }
    out_end(out, ']');
    out_key(out, "next_page_offset");
    if (l->has_next) {
        point_write_id(out, l->next);
    } else {
        out_null(out);
    }
    duet_hits_release(&hits);
    return result;
}

static enum err label_image(struct api_call *call, struct labelling *l,
                            const struct field *root)
{
    struct duet_input input;
    float *vector;
    size_t dim;
    TRY(input_read_vector(&l->inputs, root, &input));
    TRY(duet_embed(call->api->db, &input, &vector, &dim));
    enum err result = write_labels(&call->out, l, vector, dim);
    duet_free(vector);
    return result;
}

/* {"image": …} alone, as where a vector may stand. */
static enum err label_given(struct api_call *call, struct labelling *l)
{
    struct json_object *wrapped = json_object_new_object();
    FAIL_IF(wrapped == NULL, ERR_NOMEM, "out of memory");
    json_object_object_add(wrapped, "image", json_object_get(l->image.value));
    struct field root = field_root(wrapped);
    enum err result = label_image(call, l, &root);
    json_object_put(wrapped);
    return result;
}

enum err api_labels(struct api_call *call)
{
    struct field root;
    struct labelling l = {.n = 0};
    TRY(api_call_json(call, &root));
    inputs_init(&l.inputs, call->api, call->match.params[0]);
    enum err result;
    TRY_OUT(read_request(&l, &root));
    TRY_OUT(check_collection(call));
    TRY_OUT(make_labels(call, &l));
    out_begin(&call->out, '{');
    TRY_OUT(l.image.value != NULL ? label_given(call, &l) : label_points(call, &l));
    out_end(&call->out, '}');
out:
    release(call, &l);
    return result;
}
