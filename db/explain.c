/*
 * explain.c - see duet_eval.h, duet_explain. Each part is an ordinary search or count
 * about the one point: what explains the answer is what makes it.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/duet_eval.h"

struct explain {
    struct duet *db;
    const char *collection;
    const struct duet_query *query;
    struct duet_id id;
    char id_text[DUET_ID_TEXT_MAX];
    struct buf filter; /* of the search under way */
    struct duet_explanation *out;
};

/* ---- Filters about the one point ---- */

/* `{"must": [text, {"has_id": [id]}]}` into e->filter; `text` NULL: only the id. */
static enum err filter_one(struct explain *e, const char *text)
{
    const char *quote = e->id.is_uuid ? "\"" : "";
    buf_clear(&e->filter);
    return buf_printf(&e->filter, "{\"must\":[%s%s{\"has_id\":[%s%s%s]}]}",
                      text == NULL ? "" : text, text == NULL ? "" : ",", quote,
                      e->id_text, quote);
}

static enum err passes(struct explain *e, const char *text, bool *yes)
{
    size_t n;
    TRY(filter_one(e, text));
    TRY(duet_count_where(e->db, e->collection, e->filter.data, &n));
    *yes = n == 1;
    return ERR_OK;
}

static enum err add_condition(struct explain *e, const char *clause, size_t i,
                              struct json_object *json)
{
    struct duet_explanation *out = e->out;
    struct buf path;
    struct duet_explained_condition *more =
        alloc_resize(out->conditions, out->n_conditions + 1, sizeof *more);
    if (more == NULL) {
        return ERR_NOMEM;
    }
    out->conditions = more;
    struct duet_explained_condition *c = &more[out->n_conditions++];
    *c = (struct duet_explained_condition){.text = alloc_dup(json_text(json))};
    buf_init(&path, LIMIT_NAME_BYTES);
    TRY(buf_printf(&path, "%s[%zu]", clause, i));
    c->path = buf_take(&path);
    if (c->text == NULL || c->path == NULL) {
        return ERR_NOMEM;
    }
    return passes(e, c->text, &c->matches);
}

/* A clause has a list of conditions, or one by itself. */
static enum err add_clause(struct explain *e, struct json_object *filter,
                           const char *clause)
{
    struct json_object *list = json_get(filter, clause);
    if (list == NULL) {
        return ERR_OK;
    }
    if (!json_object_is_type(list, json_type_array)) {
        return add_condition(e, clause, 0, list);
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        TRY(add_condition(e, clause, i, json_object_array_get_idx(list, i)));
    }
    return ERR_OK;
}

static enum err explain_filter(struct explain *e)
{
    static const char *const clauses[] = {"must", "should", "must_not"};
    const char *text = e->query->filter;
    struct json_object *filter;
    e->out->passes = true;
    if (text == NULL) {
        return ERR_OK;
    }
    TRY(passes(e, text, &e->out->passes));
    TRY(json_parse(&filter, text, strlen(text)));
    enum err result = ERR_OK;
    for (size_t i = 0; i < 3 && result == ERR_OK; i++) {
        result = add_clause(e, filter, clauses[i]);
    }
    json_object_put(filter);
    return result;
}

/* ---- Where the vector is ---- */

static enum err find_segment(struct txn *txn, const struct record_collection *c,
                             const struct record_space_def *def,
                             struct duet_explained_space *out)
{
    struct record_space state;
    TRY(collection_space_get(txn, c->number, def->number, &state));
    for (size_t i = 0; i < state.n_segments; i++) {
        const struct record_segment *s = &state.segments[i];
        if (out->slot >= s->first && out->slot - s->first < s->n_slots) {
            out->is_sealed = true;
            out->generation = s->generation;
        }
    }
    return ERR_OK;
}

static enum err add_space(struct explain *e, struct txn *txn,
                          const struct record_collection *c, size_t i,
                          const struct record_point *point)
{
    struct duet_explained_space *space = &e->out->spaces[e->out->n_spaces++];
    uint32_t slot = record_point_slot(point, c->spaces[i].number);
    *space = (struct duet_explained_space){.has_vector = slot != RECORD_NO_SLOT};
    snprintf(space->name, sizeof space->name, "%s", c->spaces[i].name);
    space->slot = space->has_vector ? slot : 0;
    return space->has_vector ? find_segment(txn, c, &c->spaces[i], space) : ERR_OK;
}

/* The spaces that the query searches, as duet_query.in says. */
static enum err add_spaces(struct explain *e, struct txn *txn)
{
    struct record_collection c;
    struct record_point point;
    struct bytes value;
    size_t from = 0, to;
    TRY(collection_get(txn, e->collection, &c));
    struct record_key key = record_key_point(c.number, e->id);
    TRY(store_get(txn, STORE_POINTS, store_key(&key), &value));
    FAIL_IF(value.data == NULL, ERR_NOT_FOUND, "there is no point %s", e->id_text);
    TRY(record_point_read(&point, value));
    e->out->spaces = alloc_zero(c.n_spaces, sizeof *e->out->spaces);
    if (e->out->spaces == NULL) {
        return ERR_NOMEM;
    }
    to = c.n_spaces;
    if (e->query->in == NULL || strcmp(e->query->in, "any") != 0) {
        TRY(e->query->in == NULL ? ERR_OK
                                 : collection_space_find(&c, e->query->in, &from));
        to = from + 1;
    }
    for (size_t i = from; i < to; i++) {
        TRY(add_space(e, txn, &c, i, &point));
    }
    return ERR_OK;
}

static enum err explain_place(struct explain *e)
{
    struct txn txn;
    TRY(store_read(e->db->store, &txn));
    enum err result = add_spaces(e, &txn);
    store_end(&txn);
    return result;
}

/* ---- Scores and ranks ---- */

/* The rank of the point among the answers to `query`, 0 where it is not there. */
static enum err find_rank(struct explain *e, const struct duet_query *query,
                          size_t *rank, double *score)
{
    struct duet_hits hits;
    *rank = 0;
    TRY(duet_search(e->db, e->collection, query, &hits));
    for (size_t i = 0; i < hits.n; i++) {
        if (duet_id_compare(hits.hits[i].id, e->id) == 0) {
            *rank = i + 1;
            *score = (double)hits.hits[i].score;
        }
    }
    duet_hits_release(&hits);
    return ERR_OK;
}

static enum err explain_space(struct explain *e, struct duet_explained_space *space)
{
    struct duet_query query = *e->query;
    size_t rank;
    double score = 0;
    if (!space->has_vector) {
        return ERR_OK;
    }
    query.in = space->name;
    query.payload = query.vectors = query.has_threshold = false;
    TRY(find_rank(e, &query, &space->rank_index, &score));
    query.exact = true;
    query.offset = 0;
    query.k = LIMIT_K_MAX;
    TRY(find_rank(e, &query, &space->rank_exact, &score));
    query.k = 1;
    TRY(filter_one(e, NULL));
    query.filter = e->filter.data;
    TRY(find_rank(e, &query, &rank, &space->score));
    return ERR_OK;
}

static enum err explain(struct explain *e)
{
    TRY(explain_place(e));
    TRY(explain_filter(e));
    for (size_t i = 0; i < e->out->n_spaces; i++) {
        TRY(explain_space(e, &e->out->spaces[i]));
    }
    return ERR_OK;
}

enum err duet_explain(struct duet *db, const char *collection,
                      const struct duet_query *query, struct duet_id id,
                      struct duet_explanation *out)
{
    struct explain e = {
        .db = db, .collection = collection, .query = query, .id = id, .out = out};
    *out = (struct duet_explanation){.passes = false};
    FAIL_IF(query->kind != DUET_QUERY_NEAREST || query->n_prefetch > 0, ERR_UNSUPPORTED,
            "only a query for what is nearest is explained");
    duet_id_format(id, e.id_text);
    buf_init(&e.filter, LIMIT_FILTER_BYTES);
    enum err result = explain(&e);
    buf_release(&e.filter);
    if (result != ERR_OK) {
        duet_explanation_release(out);
    }
    return result;
}

void duet_explanation_release(struct duet_explanation *explanation)
{
    for (size_t i = 0; i < explanation->n_conditions; i++) {
        alloc_free(explanation->conditions[i].path);
        alloc_free(explanation->conditions[i].text);
    }
    alloc_free(explanation->conditions);
    alloc_free(explanation->spaces);
    *explanation = (struct duet_explanation){.passes = false};
}
