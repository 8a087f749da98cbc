/*
 * api_pages.c - see api_pages.h.
 */
#include "net/api_pages.h"

#include <string.h>

#include "base/limits.h"
#include "net/api_point_out.h"

enum err api_pages_take(const struct field *root, struct pages_ask *pages)
{
    struct field duet = field_get(root, "duet");
    struct field cursor = field_get(&duet, "cursor");
    *pages = (struct pages_ask){.pin = false};
    if (cursor.value == NULL) {
        return ERR_OK;
    }
    if (json_object_is_type(cursor.value, json_type_boolean)) {
        TRY(field_bool(&cursor, &pages->pin));
        json_object_object_del(duet.value, "cursor");
        return ERR_OK;
    }
    if (!json_object_is_type(cursor.value, json_type_string)) {
        return field_fail(&cursor, ERR_INVALID,
                          "must be true, or what an earlier answer gave");
    }
    return field_string(&cursor, &pages->token); /* stays: the JSON holds the string */
}

/* ---- The first page ---- */

void api_pages_widen(struct pages_ask *pages, struct duet_query *query)
{
    if (!pages->pin) {
        return;
    }
    pages->page = (struct duet_page){.offset = query->offset,
                                     .limit = query->k,
                                     .payload = query->payload,
                                     .vectors = query->vectors};
    query->offset = 0;
    query->k = LIMIT_K_MAX;
    query->payload = false;
    query->vectors = false;
}

enum err api_pages_pin(struct api_call *call, struct pages_ask *pages,
                       struct duet_hits *hits)
{
    const char *collection = call->match.params[0];
    struct duet_hits page;
    if (!pages->pin) {
        return ERR_OK;
    }
    TRY(duet_pages_open(call->api->db, collection, hits, pages->made));
    pages->page.token = pages->made;
    TRY(duet_pages_read(call->api->db, collection, &pages->page, &page, &pages->info));
    page.truncated = hits->truncated;
    page.n_compared = hits->n_compared;
    page.n_candidates = hits->n_candidates;
    duet_hits_release(hits);
    *hits = page;
    return ERR_OK;
}

bool api_pages_speaks(const struct pages_ask *pages)
{
    return pages->page.token != NULL;
}

void api_pages_write(struct json_out *out, const struct pages_ask *pages)
{
    if (!api_pages_speaks(pages)) {
        return;
    }
    size_t next = pages->page.offset + pages->page.limit;
    out_key(out, "cursor");
    out_string(out, pages->page.token);
    out_key(out, "total");
    out_size(out, pages->info.n_list);
    out_key(out, "gone");
    out_size(out, pages->info.n_gone);
    out_key(out, "next_offset");
    if (next < pages->info.n_list) {
        out_size(out, next);
    } else {
        out_null(out);
    }
}

/* ---- The pages behind it ---- */

static bool is_of_a_page(const char *key)
{
    static const char *const keys[] = {"limit", "offset", "with_payload", "with_vector",
                                       "duet"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* Nothing may be asked that could change what is kept. */
static enum err check_members(const struct field *root)
{
    json_object_object_foreach(root->value, key, value)
    {
        if (value != NULL && !is_of_a_page(key)) {
            const struct field member = field_get(root, key);
            return field_fail(
                &member, ERR_INVALID,
                "can't stand beside \"duet.cursor\", whose result is made");
        }
    }
    return ERR_OK;
}

static enum err read_range(const struct field *root, struct duet_page *page)
{
    struct field limit = field_get(root, "limit");
    struct field offset = field_get(root, "offset");
    page->limit = 10;
    TRY(field_size(&limit, &page->limit));
    TRY(field_size(&offset, &page->offset));
    if (page->limit == 0) {
        return field_fail(&limit, ERR_INVALID, "must be 1 or more");
    }
    if (page->limit > LIMIT_K_MAX) {
        return field_fail(&limit, ERR_LIMIT, "is more than %d", LIMIT_K_MAX);
    }
    if (page->offset > LIMIT_K_MAX) {
        return field_fail(&offset, ERR_LIMIT, "is more than %d", LIMIT_K_MAX);
    }
    return ERR_OK;
}

/* The token is copied, since it goes out of the JSON before the view is read. */
static enum err read_next(const struct field *root, struct pages_ask *pages,
                          struct point_view *view)
{
    struct field duet = field_get(root, "duet");
    struct field cursor = field_get(&duet, "cursor");
    if (strlen(pages->token) >= sizeof pages->made) {
        return field_fail(&cursor, ERR_NOT_FOUND, "there is no such result");
    }
    memcpy(pages->made, pages->token, strlen(pages->token) + 1);
    TRY(check_members(root));
    TRY(read_range(root, &pages->page));
    json_object_object_del(duet.value, "cursor");
    TRY(point_view_read(root, false, view));
    pages->token = pages->page.token = pages->made;
    pages->page.payload = view->payload || view->details;
    pages->page.vectors = view->vectors;
    return ERR_OK;
}

static enum err write_page(struct json_out *out, const struct pages_ask *pages,
                           const struct point_view *view, const struct duet_hits *hits)
{
    out_begin(out, '{');
    out_key(out, "points");
    out_begin(out, '[');
    for (size_t i = 0; i < hits->n; i++) {
        TRY(point_write(out, view, &hits->hits[i], true));
    }
    out_end(out, ']');
    out_key(out, "duet");
    out_begin(out, '{');
    api_pages_write(out, pages);
    out_end(out, '}');
    out_end(out, '}');
    return ERR_OK;
}

enum err api_pages_next(struct api_call *call, const struct field *root,
                        struct pages_ask *pages)
{
    struct point_view view;
    struct duet_hits hits;
    TRY(read_next(root, pages, &view));
    TRY(duet_pages_read(call->api->db, call->match.params[0], &pages->page, &hits,
                        &pages->info));
    enum err result = write_page(&call->out, pages, &view, &hits);
    duet_hits_release(&hits);
    return result;
}
