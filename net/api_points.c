/*
 * api_points.c - points read, walked and counted.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/api.h"
#include "net/api_order.h"
#include "net/api_point_out.h"

static const char *collection_of(const struct api_call *call)
{
    return call->match.params[0];
}

/* ---- By ids --------------------------------------------------------------------- */

static enum err write_points(struct json_out *out, const struct point_view *view,
                             const struct duet_hits *hits)
{
    out_begin(out, '[');
    for (size_t i = 0; i < hits->n; i++) {
        TRY(point_write(out, view, &hits->hits[i], false));
    }
    out_end(out, ']');
    return ERR_OK;
}

enum err api_points_get(struct api_call *call)
{
    static const struct field_rule rules[] = {
        {"ids", NULL},
        {"with_payload", NULL},
        {"with_vector", NULL},
        {"duet", NULL},
        {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    struct field root;
    struct point_view view;
    struct duet_id *ids = NULL;
    size_t n;
    struct duet_hits hits = {0};
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    TRY(point_view_read(&root, true, &view));
    struct field list = field_get(&root, "ids");
    TRY(api_read_ids(&list, &ids, &n));
    enum err result;
    TRY_OUT(duet_get(call->api->db, collection_of(call), ids, n, view.vectors, &hits));
    TRY_OUT(write_points(&call->out, &view, &hits));
out:
    duet_hits_release(&hits);
    alloc_free(ids);
    return result;
}

/* The id in the path. */
static enum err path_id(const struct api_call *call, struct duet_id *id)
{
    return duet_id_parse(id, call->match.params[1]) == ERR_OK
               ? ERR_OK
               : err_set(ERR_INVALID,
                         "the point's id in the path must be a whole number or a UUID");
}

enum err api_point_get(struct api_call *call)
{
    const struct point_view view = {
        .payload = true, .vectors = true, .details = api_call_asks(call, "duet")};
    struct duet_id id;
    struct duet_hits hits = {0};
    TRY(path_id(call, &id));
    TRY(duet_get(call->api->db, collection_of(call), &id, 1, true, &hits));
    enum err result = hits.n == 1
                          ? point_write(&call->out, &view, &hits.hits[0], false)
                          : err_set(ERR_NOT_FOUND, "there is no point %s in \"%s\"",
                                    call->match.params[1], collection_of(call));
    duet_hits_release(&hits);
    return result;
}

/* The picture's own bytes. What is no picture that browsers show is to be saved, not
 * looked into. */
static enum err point_original(struct api_call *call, struct duet_id id)
{
    struct duet_picture picture;
    TRY(duet_original(call->api->db, collection_of(call), id, &picture));
    enum err result = buf_append(&call->out.text, picture.bytes, picture.n);
    duet_free(picture.bytes);
    call->type = picture.type;
    call->cache = "private, max-age=300";
    call->disposition =
        strncmp(picture.type, "image/", 6) == 0 ? "inline" : "attachment";
    return result;
}

enum err api_point_image(struct api_call *call)
{
    struct duet_id id;
    void *bytes = NULL;
    size_t n;
    TRY(path_id(call, &id));
    if (api_call_says(call, "size", "original")) {
        return point_original(call, id);
    }
    TRY(duet_thumbnail(call->api->db, collection_of(call), id, &bytes, &n));
    enum err result = buf_append(&call->out.text, bytes, n);
    duet_free(bytes);
    call->type = "image/jpeg";
    call->cache = "private, max-age=300";
    return result;
}

/* ---- All of them ------------------------------------------------------------------
 */

struct scroll {
    struct point_view view;
    size_t limit;
    const char *filter; /* NULL: none */
    bool has_from;
    struct duet_id from;
    bool is_ordered; /* by `order`; else by their ids */
    struct duet_order order;
};

/* A page of an order begins at a value, not at an id. */
static enum err read_order(const struct field *root, struct scroll *scroll)
{
    struct field order_by = field_get(root, "order_by");
    struct field offset = field_get(root, "offset");
    scroll->is_ordered = order_by.value != NULL;
    if (!scroll->is_ordered) {
        return ERR_OK;
    }
    if (scroll->has_from) {
        return field_fail(&offset, ERR_INVALID,
                          "can't stand beside \"order_by\", which has \"start_from\"");
    }
    return api_order_read(&order_by, &scroll->order);
}

static enum err read_scroll(const struct field *root, struct scroll *scroll)
{
    static const struct field_rule rules[] = {
        {"limit", NULL},        {"offset", NULL},
        {"with_payload", NULL}, {"with_vector", NULL},
        {"duet", NULL},         {"filter", NULL},
        {"order_by", NULL},     {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    *scroll = (struct scroll){.limit = 10};
    TRY(field_check(root, rules));
    TRY(point_view_read(root, true, &scroll->view));
    struct field limit = field_get(root, "limit");
    struct field offset = field_get(root, "offset");
    struct field filter = field_get(root, "filter");
    TRY(field_text(&filter, &scroll->filter));
    TRY(field_size(&limit, &scroll->limit));
    if (scroll->limit == 0) {
        return field_fail(&limit, ERR_INVALID, "must be 1 or more");
    }
    if (scroll->limit > LIMIT_K_MAX) {
        return field_fail(&limit, ERR_LIMIT, "is more than %d", LIMIT_K_MAX);
    }
    scroll->has_from = offset.value != NULL;
    if (scroll->has_from) {
        TRY(field_id(&offset, &scroll->from));
    }
    return read_order(root, scroll);
}

/* Puts the vectors into the hits of a scroll, which come without them. A point that was
 * removed in between is left out. */
static enum err fetch_vectors(struct api_call *call, struct duet_hits *hits)
{
    struct duet_hits with = {0};
    struct duet_id *ids = alloc_array(hits->n, sizeof *ids);
    FAIL_IF(ids == NULL, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < hits->n; i++) {
        ids[i] = hits->hits[i].id;
    }
    enum err result =
        duet_get(call->api->db, collection_of(call), ids, hits->n, true, &with);
    alloc_free(ids);
    if (result == ERR_OK) {
        duet_hits_release(hits);
        *hits = with;
    }
    return result;
}

/* Makes `id` the next one possible; false where it is the last. */
static bool id_step(struct duet_id *id)
{
    if (!id->is_uuid) {
        id->number++;
        id->is_uuid = id->number == 0; /* past the last number: the first UUID */
        return true;
    }
    for (size_t i = sizeof id->uuid; i-- > 0;) {
        id->uuid[i]++;
        if (id->uuid[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Where the page behind a full one begins: *has_next and *next. */
static enum err find_next(struct api_call *call, const struct scroll *scroll,
                          const struct duet_hits *hits, bool *has_next,
                          struct duet_id *next)
{
    struct duet_hits more = {0};
    *has_next = false;
    if (hits->n < scroll->limit) {
        return ERR_OK;
    }
    *next = hits->hits[hits->n - 1].id;
    if (!id_step(next)) {
        return ERR_OK;
    }
    TRY(duet_scroll_where(call->api->db, collection_of(call), scroll->filter, next, 1,
                          &more));
    *has_next = more.n == 1;
    if (*has_next) {
        *next = more.hits[0].id;
    }
    duet_hits_release(&more);
    return ERR_OK;
}

static enum err write_page(struct api_call *call, const struct scroll *scroll,
                           const struct duet_hits *hits, const struct duet_id *next)
{
    struct json_out *out = &call->out;
    out_begin(out, '{');
    out_key(out, "points");
    TRY(write_points(out, &scroll->view, hits));
    out_key(out, "next_page_offset");
    if (next != NULL) {
        point_write_id(out, *next);
    } else {
        out_null(out);
    }
    out_end(out, '}');
    return ERR_OK;
}

static enum err scroll_by_id(struct api_call *call, const struct scroll *scroll)
{
    struct duet_hits hits = {0};
    bool has_next;
    struct duet_id next;
    TRY(duet_scroll_where(call->api->db, collection_of(call), scroll->filter,
                          scroll->has_from ? &scroll->from : NULL, scroll->limit,
                          &hits));
    enum err result;
    TRY_OUT(find_next(call, scroll, &hits, &has_next, &next));
    if (scroll->view.vectors) {
        TRY_OUT(fetch_vectors(call, &hits));
    }
    TRY_OUT(write_page(call, scroll, &hits, has_next ? &next : NULL));
out:
    duet_hits_release(&hits);
    return result;
}

/* The dialect names no next page here: the client asks for what starts from the last
 * value, without the ids it has. */
static enum err scroll_ordered(struct api_call *call, const struct scroll *scroll)
{
    const struct duet_ordered what = {
        .by = scroll->order,
        .filter = scroll->filter,
        .limit = scroll->limit,
        .payload = scroll->view.payload || scroll->view.details,
        .vectors = scroll->view.vectors,
    };
    struct duet_hits hits;
    TRY(duet_scroll_ordered(call->api->db, collection_of(call), &what, &hits));
    enum err result = write_page(call, scroll, &hits, NULL);
    duet_hits_release(&hits);
    return result;
}

enum err api_points_scroll(struct api_call *call)
{
    struct field root;
    struct scroll scroll;
    TRY(api_call_json(call, &root));
    TRY(read_scroll(&root, &scroll));
    return scroll.is_ordered ? scroll_ordered(call, &scroll)
                             : scroll_by_id(call, &scroll);
}

enum err api_points_count(struct api_call *call)
{
    static const struct field_rule rules[] = {
        {"exact", NULL}, /* it always is */
        {"filter", NULL},
        {"shard_key", "shards are not supported"},
        {NULL, NULL},
    };
    struct field root;
    const char *filter_text;
    size_t n;
    TRY(api_call_json(call, &root));
    TRY(field_check(&root, rules));
    struct field filter = field_get(&root, "filter");
    TRY(field_text(&filter, &filter_text));
    TRY(duet_count_where(call->api->db, collection_of(call), filter_text, &n));
    out_begin(&call->out, '{');
    out_key(&call->out, "count");
    out_size(&call->out, n);
    out_end(&call->out, '}');
    return ERR_OK;
}
