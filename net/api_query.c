/*
 * api_query.c - the routes that search: one query, a batch of them, or groups of results;
 * each in three forms. …/points/query says all; …/points/search and …/points/recommend are
 * what it was before, and differ in how the question is put (api_query_read.h) and in that
 * the results stand by themselves.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_pages.h"
#include "net/api_query_read.h"

/* One form of them. */
struct form {
    query_reader *read;
    bool wraps; /* results stand in {"points": …} */
};
static const struct form query_form = {query_read, true};
static const struct form search_form = {query_read_search, false};
static const struct form recommend_form = {query_read_recommend, false};

static const char *collection_of(const struct api_call *call)
{
    return call->match.params[0];
}

/* ---- Answers ---- */

static enum err write_list(struct json_out *out, const struct point_view *view,
                           const struct duet_hits *hits)
{
    out_begin(out, '[');
    for (size_t i = 0; i < hits->n; i++) {
        TRY(point_write(out, view, &hits->hits[i], true));
    }
    out_end(out, ']');
    return ERR_OK;
}

/* Duet's own word about an answer: a text was cut, the result is kept. `pages` NULL: it
 * never is. */
static void write_own(struct json_out *out, bool truncated,
                      const struct pages_ask *pages)
{
    bool kept = pages != NULL && api_pages_speaks(pages);
    if (!truncated && !kept) {
        return;
    }
    out_key(out, "duet");
    out_begin(out, '{');
    if (truncated) {
        out_key(out, "truncated");
        out_bool(out, true);
    }
    if (kept) {
        api_pages_write(out, pages);
    }
    out_end(out, '}');
}

static enum err write_hits(struct json_out *out, const struct form *form,
                           const struct point_view *view, const struct pages_ask *pages,
                           const struct duet_hits *hits)
{
    if (!form->wraps) {
        return write_list(out, view, hits);
    }
    out_begin(out, '{');
    out_key(out, "points");
    TRY(write_list(out, view, hits));
    write_own(out, hits->truncated, pages);
    out_end(out, '}');
    return ERR_OK;
}

/* ---- One query ---- */

static enum err run_one(struct api_call *call, const struct form *form)
{
    struct field root;
    struct inputs inputs;
    struct query_request request = {0};
    struct pages_ask pages = {.pin = false};
    struct duet_hits hits = {0};
    inputs_init(&inputs, call->api, collection_of(call));
    enum err result;
    TRY_OUT(api_call_json(call, &root));
    if (form->wraps) {
        TRY_OUT(api_pages_take(&root, &pages));
    }
    if (pages.token != NULL) {
        result = api_pages_next(call, &root, &pages);
        goto out;
    }
    TRY_OUT(form->read(&inputs, &root, &request));
    api_pages_widen(&pages, &request.query);
    uint64_t start_ns = clock_monotonic_ns();
    TRY_OUT(duet_search(call->api->db, collection_of(call), &request.query, &hits));
    api_call_note_search(call, &request.query, 1, hits.n_compared, start_ns);
    TRY_OUT(api_pages_pin(call, &pages, &hits));
    TRY_OUT(write_hits(&call->out, form, &request.view, &pages, &hits));
out:
    duet_hits_release(&hits);
    inputs_release(&inputs);
    return result;
}

/* ---- Batches ---- */

struct batch {
    struct inputs inputs;
    size_t n;
    struct duet_query *queries; /* [n], as `views` the inputs' memory */
    struct point_view *views;
    struct duet_hits *hits; /* [n] */
};

static enum err read_batch(struct batch *b, const struct field *root,
                           const struct form *form)
{
    static const struct field_rule rules[] = {{"searches", NULL}, {NULL, NULL}};
    struct field searches = field_get(root, "searches");
    TRY(field_check(root, rules));
    TRY(field_require(&searches));
    TRY(field_array(&searches, LIMIT_BATCH_QUERIES));
    size_t n = field_length(&searches);
    TRY(inputs_take(&b->inputs, n, sizeof *b->queries, &b->queries));
    TRY(inputs_take(&b->inputs, n, sizeof *b->views, &b->views));
    TRY(inputs_take(&b->inputs, n, sizeof *b->hits, &b->hits));
    for (size_t i = 0; i < n; i++) {
        struct field item = field_item(&searches, i);
        struct query_request request = {0};
        TRY(field_require(&item));
        TRY(field_object(&item));
        TRY(form->read(&b->inputs, &item, &request));
        b->queries[i] = request.query;
        b->views[i] = request.view;
    }
    b->n = n;
    return ERR_OK;
}

static size_t n_compared(const struct duet_hits *hits, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += hits[i].n_compared;
    }
    return sum;
}

static enum err run_batch(struct api_call *call, const struct form *form)
{
    struct field root;
    struct batch b = {0};
    inputs_init(&b.inputs, call->api, collection_of(call));
    enum err result;
    TRY_OUT(api_call_json(call, &root));
    TRY_OUT(read_batch(&b, &root, form));
    uint64_t start_ns = clock_monotonic_ns();
    TRY_OUT(
        duet_search_many(call->api->db, collection_of(call), b.queries, b.n, b.hits));
    api_call_note_search(call, b.queries, b.n, n_compared(b.hits, b.n), start_ns);
    out_begin(&call->out, '[');
    for (size_t i = 0; i < b.n; i++) {
        TRY_OUT(write_hits(&call->out, form, &b.views[i], NULL, &b.hits[i]));
    }
    out_end(&call->out, ']');
out:
    for (size_t i = 0; i < b.n; i++) {
        duet_hits_release(&b.hits[i]);
    }
    inputs_release(&b.inputs);
    return result;
}

/* ---- Groups ---- */

static enum err write_group(struct json_out *out, const struct query_request *request,
                            const struct duet_group *group)
{
    out_begin(out, '{');
    out_key(out, "hits");
    TRY(write_list(out, &request->view, &group->hits));
    out_key(out, "id");
    out_json(out, group->value, strlen(group->value));
    if (request->grouping.lookup != NULL) {
        out_key(out, "lookup");
        if (group->lookup.n == 0) {
            out_null(out);
        } else {
            TRY(point_write(out, &request->lookup_view, &group->lookup.hits[0], false));
        }
    }
    out_end(out, '}');
    return ERR_OK;
}

static enum err write_groups(struct json_out *out, const struct query_request *request,
                             const struct duet_groups *groups)
{
    out_begin(out, '{');
    out_key(out, "groups");
    out_begin(out, '[');
    for (size_t i = 0; i < groups->n; i++) {
        TRY(write_group(out, request, &groups->items[i]));
    }
    out_end(out, ']');
    write_own(out, groups->truncated, NULL);
    out_end(out, '}');
    return ERR_OK;
}

static enum err run_groups(struct api_call *call, const struct form *form)
{
    struct field root;
    struct inputs inputs;
    struct query_request request;
    struct duet_groups groups = {0};
    inputs_init(&inputs, call->api, collection_of(call));
    enum err result;
    TRY_OUT(api_call_json(call, &root));
    TRY_OUT(query_read_groups(&inputs, &root, form->read, &request));
    uint64_t start_ns = clock_monotonic_ns();
    TRY_OUT(duet_search_groups(call->api->db, collection_of(call), &request.query,
                               &request.grouping, &groups));
    api_call_note_search(call, &request.query, 1, 0, start_ns);
    TRY_OUT(write_groups(&call->out, &request, &groups));
out:
    duet_groups_release(&groups);
    inputs_release(&inputs);
    return result;
}

/* ---- The routes ---- */

enum err api_points_query(struct api_call *call)
{
    return run_one(call, &query_form);
}

enum err api_points_query_batch(struct api_call *call)
{
    return run_batch(call, &query_form);
}

enum err api_points_query_groups(struct api_call *call)
{
    return run_groups(call, &query_form);
}

enum err api_points_search(struct api_call *call)
{
    return run_one(call, &search_form);
}

enum err api_points_search_batch(struct api_call *call)
{
    return run_batch(call, &search_form);
}

enum err api_points_search_groups(struct api_call *call)
{
    return run_groups(call, &search_form);
}

enum err api_points_recommend(struct api_call *call)
{
    return run_one(call, &recommend_form);
}

enum err api_points_recommend_batch(struct api_call *call)
{
    return run_batch(call, &recommend_form);
}

enum err api_points_recommend_groups(struct api_call *call)
{
    return run_groups(call, &recommend_form);
}
