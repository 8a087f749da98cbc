/*
 * fake_db.h - a library that does as it is told, in place of db/, for tests of net/.
 *
 * A test program that includes this defines the functions of db/duet.h that net/ uses,
 * so that the linker takes none of them from the archive. There is one collection,
 * "things", with the spaces "image" and "text" of two dimensions, and points that are
 * numbers; a search finds all of them in the order of their ids.
 *
 *     fake.fail = ERR_FULL;        // every call fails so, from now on
 *     fake_hold(); ... fake_release();    // searches wait in between
 *
 * Like the library, it may be called on any thread.
 */
#ifndef TESTS_NET_FAKE_DB_H
#define TESTS_NET_FAKE_DB_H

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "db/duet.h"
#include "db/duet_encoder.h"
#include "db/duet_snapshot.h"

enum { FAKE_POINTS_MAX = 32, FAKE_OPERATIONS_MAX = 8 };

static struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum err fail;                 /* not ERR_OK: what every call answers */
    bool held;                     /* searches wait while this is set */
    size_t n_in_search;            /* searches that have begun and not ended */
    size_t n_searches;             /* that have begun */
    uint64_t ids[FAKE_POINTS_MAX]; /* [n_points], ascending */
    char payloads[FAKE_POINTS_MAX][256];
    size_t n_points;
    struct duet_input last_input; /* of the last search or upsert; `bytes` are gone */
    char last_in[64];
    char last_filter[256]; /* of the last call that takes one; "": none */
    char last_order[256];  /* of the last ordered scroll; the key of the last facet */
    size_t last_k;
    char last_query[1024];     /* of the last search: fake_describe_query */
    size_t n_kept;             /* results, by the last duet_pages_open */
    bool pages_full;           /* no more may be kept */
    bool truncated;            /* what searches say */
    struct duet_space created; /* the first space of the last create; its name is */
    char created_name[64];     /* kept here */
    size_t n_created_spaces;
    char metadata[256];                        /* of the last create or update */
    char operations[FAKE_OPERATIONS_MAX][256]; /* what the last apply was asked for */
    size_t n_operations;
    char aliases[256];            /* the last changes */
    enum duet_vector_index index; /* of the last create or update */
    unsigned last_ef;             /* of the last search */
    char payload_index[256]; /* the last made ("field schema") or removed ("field") */
    size_t n_upserts;        /* that succeeded */
    size_t n_label_lists;    /* that were made */
    enum err fail_upsert;    /* not ERR_OK: what duet_upsert answers */
    struct duet_snapshot_part last_part;
    char recovered[128]; /* "COLLECTION CHECKSUM" of the last recovery */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

#define FAKE_TRY() FAIL_IF(fake.fail != ERR_OK, fake.fail, "told to fail")

static inline void fake_reset(void)
{
    pthread_mutex_lock(&fake.lock);
    fake.fail = ERR_OK;
    fake.held = false;
    fake.n_points = 0;
    fake.n_searches = 0;
    fake.n_upserts = 0;
    fake.truncated = false;
    fake.pages_full = false;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_set_held(bool held)
{
    pthread_mutex_lock(&fake.lock);
    fake.held = held;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

/* Until `n` searches have begun since fake_reset. */
static inline void fake_wait_for_searches(size_t n)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.n_searches < n) {
        pthread_cond_wait(&fake.changed, &fake.lock);
    }
    pthread_mutex_unlock(&fake.lock);
}

const char *duet_version(void)
{
    return "0.0.1";
}

static enum err fake_find_collection(const char *name)
{
    FAKE_TRY();
    FAIL_IF(strcmp(name, "things") != 0, ERR_NOT_FOUND, "there is no collection '%s'",
            name);
    return ERR_OK;
}

enum err duet_collections_list(struct duet *db, const char *name,
                               struct duet_collections *out)
{
    static const struct duet_space spaces[] = {{"image", 2, DUET_COSINE, DUET_FLOAT32},
                                               {"text", 2, DUET_COSINE, DUET_FLOAT32}};
    static struct duet_collection things = {"things", spaces,    2,
                                            "tiny",   "tiny-v1", "{\"a\":1}"};
    (void)db;
    *out = (struct duet_collections){0};
    TRY(fake_find_collection(name != NULL ? name : "things"));
    *out = (struct duet_collections){.items = &things, .n = 1};
    return ERR_OK;
}

void duet_collections_release(struct duet_collections *list)
{
    (void)list;
}

void duet_encode_stats(struct duet *db, struct duet_encode_stats *out)
{
    (void)db;
    *out = (struct duet_encode_stats){.texts = {.n_items = 3, .n_batches = 2}};
}

enum err duet_collection_create_with(struct duet *db, const char *name,
                                     const struct duet_collection_options *o)
{
    (void)db;
    fake.n_created_spaces = o->n_spaces;
    fake.index = o->index;
    snprintf(fake.metadata, sizeof fake.metadata, "%.*s", (int)o->n_metadata,
             o->metadata == NULL ? "" : o->metadata);
    if (o->n_spaces > 0) {
        fake.created = o->spaces[0];
        snprintf(fake.created_name, sizeof fake.created_name, "%s", o->spaces[0].name);
        fake.created.name = fake.created_name;
    }
    FAKE_TRY();
    FAIL_IF(strcmp(name, "things") == 0, ERR_EXISTS, "it is there already");
    return ERR_OK;
}

enum err duet_collection_drop(struct duet *db, const char *name)
{
    (void)db;
    return fake_find_collection(name);
}

enum err duet_model(struct duet *db, struct duet_model_info *out)
{
    (void)db;
    *out = (struct duet_model_info){.name = "tiny", .space = "tiny-v1", .dim = 2};
    return ERR_OK;
}

/* Called with the lock held. */
static void fake_put(const struct duet_point_input *point)
{
    size_t i = 0;
    while (i < fake.n_points && fake.ids[i] < point->id.number) {
        i++;
    }
    if (i == fake.n_points || fake.ids[i] != point->id.number) {
        memmove(&fake.ids[i + 1], &fake.ids[i],
                (fake.n_points - i) * sizeof fake.ids[0]);
        memmove(fake.payloads[i + 1], fake.payloads[i],
                (fake.n_points - i) * sizeof fake.payloads[0]);
        fake.n_points++;
    }
    fake.ids[i] = point->id.number;
    snprintf(fake.payloads[i], sizeof fake.payloads[i], "%s",
             point->payload != NULL ? point->payload : "{}");
    if (point->n_vectors > 0) {
        fake.last_input = point->vectors[0].input;
        snprintf(fake.last_in, sizeof fake.last_in, "%s",
                 point->vectors[0].space != NULL ? point->vectors[0].space : "");
    }
}

/* What an operation says, as one line. */
static void fake_describe(const struct duet_operation *o, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "kind %d", (int)o->kind);
    for (size_t i = 0; i < o->n_ids; i++) {
        n += (size_t)snprintf(text + n, size - n, " id %llu",
                              (unsigned long long)o->ids[i].number);
    }
    for (size_t i = 0; i < o->n_points; i++) {
        n += (size_t)snprintf(text + n, size - n, " point %llu of %zu",
                              (unsigned long long)o->points[i].id.number,
                              o->points[i].n_vectors);
    }
    for (size_t i = 0; i < o->n_names; i++) {
        n += (size_t)snprintf(text + n, size - n, " name %s", o->names[i]);
    }
    if (o->mode != DUET_UPSERT) {
        n += (size_t)snprintf(text + n, size - n, " mode %d", (int)o->mode);
    }
    if (o->payload != NULL) {
        n += (size_t)snprintf(text + n, size - n, " payload %s", o->payload);
    }
    if (o->key != NULL) {
        n += (size_t)snprintf(text + n, size - n, " key %s", o->key);
    }
    if (o->filter != NULL) {
        n += (size_t)snprintf(text + n, size - n, " filter %s", o->filter);
    }
    if (o->update_filter != NULL) {
        snprintf(text + n, size - n, " update_filter %s", o->update_filter);
    }
}

enum err duet_apply(struct duet *db, const char *collection,
                    const struct duet_operation *operations, size_t n)
{
    (void)db;
    fake.n_operations = n;
    for (size_t i = 0; i < n && i < FAKE_OPERATIONS_MAX; i++) {
        fake_describe(&operations[i], fake.operations[i], sizeof fake.operations[i]);
    }
    TRY(fake_find_collection(collection));
    pthread_mutex_lock(&fake.lock);
    for (size_t o = 0; o < n; o++) {
        for (size_t i = 0;
             i < operations[o].n_points && fake.n_points < FAKE_POINTS_MAX - 1; i++) {
            fake_put(&operations[o].points[i]);
        }
    }
    pthread_mutex_unlock(&fake.lock);
    return ERR_OK;
}

enum err duet_collection_set_metadata(struct duet *db, const char *name,
                                      const char *metadata, size_t n)
{
    (void)db;
    snprintf(fake.metadata, sizeof fake.metadata, "%.*s", (int)n, metadata);
    return fake_find_collection(name);
}

enum err duet_space_add(struct duet *db, const char *collection,
                        const struct duet_space *space)
{
    (void)db;
    fake.created = *space;
    snprintf(fake.created_name, sizeof fake.created_name, "%s", space->name);
    fake.created.name = fake.created_name;
    return fake_find_collection(collection);
}

enum err duet_space_remove(struct duet *db, const char *collection, const char *name)
{
    (void)db;
    snprintf(fake.created_name, sizeof fake.created_name, "%s", name);
    return fake_find_collection(collection);
}

enum err duet_aliases_change(struct duet *db, const struct duet_alias_change *changes,
                             size_t n)
{
    (void)db;
    FAKE_TRY();
    size_t at = 0;
    fake.aliases[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(fake.aliases + at, sizeof fake.aliases - at, "%d %s %s;",
                               (int)changes[i].kind, changes[i].alias,
                               changes[i].to == NULL ? "-" : changes[i].to);
    }
    return ERR_OK;
}

enum err duet_aliases_list(struct duet *db, const char *collection,
                           struct duet_aliases *out)
{
    static struct duet_alias items[] = {{"other", "things"}};
    (void)db;
    *out = (struct duet_aliases){0};
    TRY(fake_find_collection(collection == NULL ? "things" : collection));
    *out = (struct duet_aliases){items, 1};
    return ERR_OK;
}

void duet_aliases_release(struct duet_aliases *list)
{
    (void)list;
}

enum err duet_index_create(struct duet *db, const char *collection, const char *field,
                           const char *schema)
{
    (void)db;
    TRY(fake_find_collection(collection));
    snprintf(fake.payload_index, sizeof fake.payload_index, "%s %s", field, schema);
    return ERR_OK;
}

enum err duet_index_remove(struct duet *db, const char *collection, const char *field)
{
    (void)db;
    TRY(fake_find_collection(collection));
    snprintf(fake.payload_index, sizeof fake.payload_index, "%s", field);
    return ERR_OK;
}

enum err duet_indexes_list(struct duet *db, const char *collection,
                           struct duet_indexes *out)
{
    static struct duet_index items[] = {
        {"price", DUET_INDEX_FLOAT, NULL, 3, true},
        {"a.\"b\"", DUET_INDEX_TEXT, "{\"type\":\"text\"}", 2, false},
    };
    (void)db;
    *out = (struct duet_indexes){.n = 0};
    TRY(fake_find_collection(collection));
    *out = (struct duet_indexes){items, 2};
    return ERR_OK;
}

void duet_indexes_release(struct duet_indexes *list)
{
    (void)list;
}

/* Filters are noted and filter nothing, but for {"wrong":1}. */
static inline enum err fake_take_filter(const char *filter)
{
    snprintf(fake.last_filter, sizeof fake.last_filter, "%s",
             filter != NULL ? filter : "");
    FAIL_IF(strcmp(fake.last_filter, "{\"wrong\":1}") == 0, ERR_INVALID,
            "filter.wrong: is not known here");
    return ERR_OK;
}

enum err duet_remove_where(struct duet *db, const char *collection, const char *filter,
                           size_t *n_removed)
{
    (void)db, (void)n_removed;
    TRY(fake_find_collection(collection));
    return fake_take_filter(filter);
}

static void fake_add_hit(struct duet_hits *out, size_t i, bool vectors)
{
    struct duet_hit *hit = &out->hits[out->n++];
    *hit = (struct duet_hit){.id = {.number = fake.ids[i]},
                             .score = 1.0f / (float)(i + 1),
                             .space = "image",
                             .payload = strdup(fake.payloads[i]),
                             .source = strdup("/pictures/a.jpg")};
    if (vectors) {
        hit->vectors = malloc(sizeof *hit->vectors);
        hit->n_vectors = 1;
        hit->vectors[0] = (struct duet_vector){
            .space = "image", .values = malloc(2 * sizeof(float)), .dim = 2};
        hit->vectors[0].values[0] = 0.6f;
        hit->vectors[0].values[1] = 0.8f;
    }
}

static void fake_begin_hits(struct duet_hits *out)
{
    *out = (struct duet_hits){.hits = calloc(FAKE_POINTS_MAX, sizeof *out->hits)};
}

void duet_hits_release(struct duet_hits *hits)
{
    for (size_t i = 0; i < hits->n; i++) {
        for (size_t v = 0; v < hits->hits[i].n_vectors; v++) {
            free(hits->hits[i].vectors[v].values);
        }
        free(hits->hits[i].vectors);
        free(hits->hits[i].payload);
        free(hits->hits[i].source);
    }
    free(hits->hits);
    *hits = (struct duet_hits){0};
}

enum err duet_get(struct duet *db, const char *collection, const struct duet_id *ids,
                  size_t n, bool vectors, struct duet_hits *out)
{
    (void)db;
    *out = (struct duet_hits){0};
    TRY(fake_find_collection(collection));
    fake_begin_hits(out);
    for (size_t i = 0; i < n; i++) {
        for (size_t p = 0; p < fake.n_points; p++) {
            if (!ids[i].is_uuid && fake.ids[p] == ids[i].number) {
                fake_add_hit(out, p, vectors);
            }
        }
    }
    return ERR_OK;
}

enum err duet_scroll_where(struct duet *db, const char *collection, const char *filter,
                           const struct duet_id *from, size_t limit,
                           struct duet_hits *out)
{
    (void)db;
    *out = (struct duet_hits){0};
    TRY(fake_find_collection(collection));
    TRY(fake_take_filter(filter));
    fake_begin_hits(out);
    for (size_t p = 0; p < fake.n_points && out->n < limit; p++) {
        if (from == NULL || (!from->is_uuid && fake.ids[p] >= from->number)) {
            fake_add_hit(out, p, false);
        }
    }
    return ERR_OK;
}

/* Every point has the value of its id; fake.last_order says what was asked for. */
enum err duet_scroll_ordered(struct duet *db, const char *collection,
                             const struct duet_ordered *what, struct duet_hits *out)
{
    (void)db;
    *out = (struct duet_hits){0};
    TRY(fake_find_collection(collection));
    TRY(fake_take_filter(what->filter));
    snprintf(fake.last_order, sizeof fake.last_order, "%s %s %s", what->by.key,
             what->by.descending ? "desc" : "asc",
             what->by.start_from == NULL ? "-" : what->by.start_from);
    fake_begin_hits(out);
    for (size_t p = 0; p < fake.n_points && out->n < what->limit; p++) {
        fake_add_hit(out, p, what->vectors);
        out->hits[p].order =
            (struct duet_value){.kind = DUET_VALUE_INT, .whole = -(int64_t)fake.ids[p]};
    }
    return ERR_OK;
}

/* Three values, of three kinds. */
enum err duet_facet(struct duet *db, const char *collection,
                    const struct duet_facet *what, struct duet_facets *out)
{
    static char text[] = "a\0b";
    static struct duet_facet_hit hits[] = {
        {{.kind = DUET_VALUE_STRING, .text = text, .n_text = 3}, 3},
        {{.kind = DUET_VALUE_LARGE, .large = UINT64_MAX}, 2},
        {{.kind = DUET_VALUE_BOOL, .flag = true}, 1},
    };
    (void)db;
    *out = (struct duet_facets){0};
    TRY(fake_find_collection(collection));
    TRY(fake_take_filter(what->filter));
    FAIL_IF(what->limit == 0, ERR_INVALID, "limit: must be 1 or more");
    snprintf(fake.last_order, sizeof fake.last_order, "%s", what->key);
    *out = (struct duet_facets){.hits = hits, .n = what->limit < 3 ? what->limit : 3};
    return ERR_OK;
}

void duet_facets_release(struct duet_facets *facets)
{
    *facets = (struct duet_facets){0};
}

enum err duet_count(struct duet *db, const char *collection, size_t *out)
{
    (void)db;
    TRY(fake_find_collection(collection));
    *out = fake.n_points;
    return ERR_OK;
}

enum err duet_count_where(struct duet *db, const char *collection, const char *filter,
                          size_t *out)
{
    (void)db;
    TRY(fake_find_collection(collection));
    TRY(fake_take_filter(filter));
    *out = fake.n_points;
    return ERR_OK;
}

/* A search that may have to wait: fake_set_held. */
static void fake_pass_gate(void)
{
    pthread_mutex_lock(&fake.lock);
    fake.n_searches++;
    fake.n_in_search++;
    pthread_cond_broadcast(&fake.changed);
    while (fake.held) {
        pthread_cond_wait(&fake.changed, &fake.lock);
    }
    fake.n_in_search--;
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_say(const char *fmt, ...) ERR_PRINTF(1, 2);
static inline void fake_say(const char *fmt, ...)
{
    va_list args;
    size_t n = strlen(fake.last_query);
    va_start(args, fmt);
    vsnprintf(fake.last_query + n, sizeof fake.last_query - n, fmt, args);
    va_end(args);
}

static inline void fake_describe_input(const struct duet_input *input)
{
    static const char *const names[] = {"none",  "vector", "text",
                                        "image", "file",   "point"};
    fake_say("%s", names[input->kind]);
    if (input->kind == DUET_INPUT_TEXT) {
        fake_say(" '%.*s'", (int)input->n, (const char *)input->bytes);
    } else if (input->kind == DUET_INPUT_POINT) {
        fake_say(" %d", (int)input->id.number);
    } else {
        fake_say(" %zu", input->n);
    }
}

/* A query as text: "rrf 3 [1 2] of (nearest vector 2 in text k 5, all k 10) k 10". */
static inline void fake_describe_query(const struct duet_query *q)
{
    static const char *const kinds[] = {"nearest", "mix",    "recommend", "rrf",
                                        "dbsf",    "sample", "all",       "order"};
    fake_say("%s", kinds[q->kind]);
    if (q->kind == DUET_QUERY_NEAREST) {
        fake_say(" ");
        fake_describe_input(&q->input);
    }
    for (size_t i = 0; i < q->n_examples; i++) {
        fake_say(" %g*", (double)q->examples[i].weight);
        fake_describe_input(&q->examples[i].input);
    }
    if (q->kind == DUET_QUERY_ORDER) {
        fake_say(" %s%s", q->order.key, q->order.descending ? " down" : "");
    }
    if (q->kind == DUET_QUERY_RECOMMEND) {
        fake_say(" by %d", (int)q->strategy);
    }
    if (q->rrf_k != 0) {
        fake_say(" %zu", q->rrf_k);
    }
    for (size_t i = 0; i < q->n_rrf_weights; i++) {
        fake_say("%s%g%s", i == 0 ? " [" : " ", (double)q->rrf_weights[i],
                 i + 1 == q->n_rrf_weights ? "]" : "");
    }
    for (size_t i = 0; i < q->n_prefetch; i++) {
        fake_say(i == 0 ? " of (" : ", ");
        fake_describe_query(&q->prefetch[i]);
        fake_say(i + 1 == q->n_prefetch ? ")" : "");
    }
    fake_say("%s%s", q->in != NULL ? " in " : "", q->in != NULL ? q->in : "");
    fake_say("%s%s", q->lookup_from != NULL ? " from " : "",
             q->lookup_from != NULL ? q->lookup_from : "");
    fake_say("%s%s", q->lookup_space != NULL ? "." : "",
             q->lookup_space != NULL ? q->lookup_space : "");
    if (q->has_threshold) {
        fake_say(" past %g", (double)q->score_threshold);
    }
    fake_say("%s k %zu", q->exact ? " exact" : "", q->k);
}

enum err duet_search(struct duet *db, const char *collection,
                     const struct duet_query *query, struct duet_hits *out)
{
    (void)db;
    *out = (struct duet_hits){0};
    TRY(fake_find_collection(collection));
    TRY(fake_take_filter(query->filter));
    fake_pass_gate();
    pthread_mutex_lock(&fake.lock);
    fake.last_input = query->input;
    snprintf(fake.last_in, sizeof fake.last_in, "%s",
             query->in != NULL ? query->in : "");
    fake.last_k = query->k;
    fake.last_query[0] = '\0';
    fake_describe_query(query);
    fake.last_ef = query->ef;
    fake_begin_hits(out);
    out->truncated = fake.truncated;
    for (size_t p = query->offset; p < fake.n_points && out->n < query->k; p++) {
        fake_add_hit(out, p, query->vectors);
    }
    pthread_mutex_unlock(&fake.lock);
    return ERR_OK;
}

enum err duet_search_many(struct duet *db, const char *collection,
                          const struct duet_query *queries, size_t n,
                          struct duet_hits *outs)
{
    memset(outs, 0, n * sizeof *outs);
    for (size_t i = 0; i < n; i++) {
        enum err result = duet_search(db, collection, &queries[i], &outs[i]);
        if (result != ERR_OK) {
            return err_prefix(result, "searches[%zu]", i);
        }
    }
    return ERR_OK;
}

/* Each point found is a group of its own, called by its number. */
enum err duet_search_groups(struct duet *db, const char *collection,
                            const struct duet_query *query,
                            const struct duet_grouping *grouping,
                            struct duet_groups *out)
{
    struct duet_query one = *query;
    *out = (struct duet_groups){.truncated = fake.truncated};
    out->items = calloc(FAKE_POINTS_MAX, sizeof *out->items);
    for (size_t i = 0; i < query->k && i < fake.n_points; i++) {
        struct duet_group *group = &out->items[out->n++];
        one.k = 1;
        one.offset = i;
        TRY(duet_search(db, collection, &one, &group->hits));
        group->value = malloc(24);
        snprintf(group->value, 24, "\"g%zu\"", i);
        if (grouping->lookup != NULL && i == 0) {
            TRY(duet_search(db, collection, &one, &group->lookup));
        }
    }
    fake.last_query[0] = '\0';
    fake_describe_query(query);
    fake_say(" by %s %zu", grouping->path, grouping->size);
    return ERR_OK;
}

void duet_groups_release(struct duet_groups *groups)
{
    for (size_t i = 0; i < groups->n; i++) {
        free(groups->items[i].value);
        duet_hits_release(&groups->items[i].hits);
        duet_hits_release(&groups->items[i].lookup);
    }
    free(groups->items);
    *groups = (struct duet_groups){0};
}

/* One list is kept: of as many results as the last search found, all of them points. */
enum err duet_pages_open(struct duet *db, const char *collection,
                         const struct duet_hits *hits, char token[DUET_PAGES_TOKEN_MAX])
{
    (void)db;
    TRY(fake_find_collection(collection));
    FAIL_IF(fake.pages_full, ERR_BUSY, "256 results are kept");
    fake.n_kept = hits->n;
    snprintf(token, DUET_PAGES_TOKEN_MAX, "%s", "token-1");
    return ERR_OK;
}

enum err duet_pages_read(struct duet *db, const char *collection,
                         const struct duet_page *page, struct duet_hits *out,
                         struct duet_page_info *info)
{
    (void)db;
    *out = (struct duet_hits){0};
    TRY(fake_find_collection(collection));
    FAIL_IF(strcmp(page->token, "token-1") != 0, ERR_NOT_FOUND, "no such result");
    *info = (struct duet_page_info){fake.n_kept, 1};
    fake_begin_hits(out);
    for (size_t p = page->offset; p < fake.n_points && out->n < page->limit; p++) {
        fake_add_hit(out, p, page->vectors);
    }
    return ERR_OK;
}

enum err duet_thumbnail(struct duet *db, const char *collection, struct duet_id id,
                        void **bytes, size_t *n)
{
    (void)db;
    *bytes = NULL;
    TRY(fake_find_collection(collection));
    FAIL_IF(id.number != 1, ERR_NOT_FOUND, "there is no such picture");
    *bytes = strdup("JPEG");
    *n = 4;
    return ERR_OK;
}

/* Point 1 is of a PNG, point 3 of something that no browser shows. */
enum err duet_original(struct duet *db, const char *collection, struct duet_id id,
                       struct duet_picture *out)
{
    (void)db;
    *out = (struct duet_picture){0};
    TRY(fake_find_collection(collection));
    FAIL_IF(id.number != 1 && id.number != 3, ERR_NOT_FOUND, "the file is gone");
    *out = (struct duet_picture){
        strdup("whole"), 5, id.number == 1 ? "image/png" : "application/octet-stream"};
    return ERR_OK;
}

void duet_free(void *p)
{
    free(p);
}

enum err duet_stats(struct duet *db, const char *collection, struct duet_stats *out)
{
    (void)db;
    TRY(fake_find_collection(collection));
    *out = (struct duet_stats){.uuid = "u", .model = "tiny", .n_points = fake.n_points};
    return ERR_OK;
}

const char *duet_vector_index_name(enum duet_vector_index choice)
{
    static const char *const names[] = {"auto", "scan", "pq", "ivf", "hnsw"};
    return names[choice];
}

enum err duet_vector_index_parse(const char *name, enum duet_vector_index *out)
{
    for (int i = DUET_INDEX_AUTO; i <= DUET_INDEX_HNSW; i++) {
        *out = (enum duet_vector_index)i;
        if (strcmp(name, duet_vector_index_name(*out)) == 0) {
            return ERR_OK;
        }
    }
    return err_set(ERR_INVALID, "no such index");
}

enum err duet_collection_set_index(struct duet *db, const char *collection,
                                   const char *space, enum duet_vector_index choice)
{
    (void)db;
    (void)space;
    fake.index = choice;
    return fake_find_collection(collection);
}

/* One reading, under a name that labels have to be escaped for. */
enum err duet_recall(struct duet *db, const char *collection, struct duet_recalls *out)
{
    (void)db;
    *out = (struct duet_recalls){calloc(1, sizeof *out->items), 1};
    *out->items = (struct duet_recall_item){.collection = "a\"b\\c",
                                            .space = "image",
                                            .cross_modal = true,
                                            .n_checks = 3,
                                            .recall = 0.9375};
    return collection == NULL ? ERR_OK : fake_find_collection(collection);
}

void duet_recalls_release(struct duet_recalls *recalls)
{
    free(recalls->items);
    recalls->items = NULL;
}

/* A point whose payload has "bad" in it is refused, and with it its group. */
enum err duet_upsert(struct duet *db, const char *collection,
                     const struct duet_point_input *points, size_t n)
{
    (void)db;
    TRY(fake_find_collection(collection));
    FAIL_IF(fake.fail_upsert != ERR_OK, fake.fail_upsert, "told to fail");
    for (size_t i = 0; i < n; i++) {
        FAIL_IF(points[i].payload != NULL && strstr(points[i].payload, "bad") != NULL,
                ERR_INVALID, "point %zu: is bad", i);
    }
    pthread_mutex_lock(&fake.lock);
    for (size_t i = 0; i < n && fake.n_points < FAKE_POINTS_MAX - 1; i++) {
        fake_put(&points[i]);
    }
    fake.n_upserts++;
    pthread_mutex_unlock(&fake.lock);
    return ERR_OK;
}

enum err duet_id_of_bytes(struct duet *db, const void *bytes, size_t n,
                          struct duet_id *out)
{
    (void)db, (void)bytes;
    *out = (struct duet_id){.number = 1000 + n};
    return ERR_OK;
}

struct duet_input duet_input_text(const char *text)
{
    return (struct duet_input){
        .kind = DUET_INPUT_TEXT, .bytes = text, .n = strlen(text)};
}

/* Each text has as many tokens as bytes, and is cut behind the tenth. */
enum err duet_embed_many(struct duet *db, const struct duet_input *inputs, size_t n,
                         float **vectors, size_t *dim, struct duet_embedded *results)
{
    (void)db;
    *vectors = NULL;
    FAKE_TRY();
    *vectors = calloc(n, 2 * sizeof(float));
    *dim = 2;
    for (size_t i = 0; i < n; i++) {
        bool text = inputs[i].kind == DUET_INPUT_TEXT;
        results[i] =
            (struct duet_embedded){text ? inputs[i].n : 0, text && inputs[i].n > 10};
        (*vectors)[2 * i] = text ? 1 : 0;
        (*vectors)[2 * i + 1] = text ? 0 : 1;
    }
    return ERR_OK;
}

enum err duet_embed(struct duet *db, const struct duet_input *input, float **vector,
                    size_t *dim)
{
    struct duet_embedded result;
    return duet_embed_many(db, input, 1, vector, dim, &result);
}

/* ---- Labels: the i-th of n is likely as 1 / (i + 1) ---- */

struct duet_labels {
    size_t n;
};

enum err duet_labels_make_for(struct duet_labels **out, struct duet *db,
                              const struct duet_label_options *options)
{
    (void)db;
    *out = NULL;
    FAKE_TRY();
    *out = malloc(sizeof **out);
    (*out)->n = options->n_labels;
    pthread_mutex_lock(&fake.lock);
    fake.n_label_lists++;
    pthread_mutex_unlock(&fake.lock);
    return ERR_OK;
}

void duet_labels_free(struct duet_labels *labels)
{
    free(labels);
}

enum err duet_label_vector(const struct duet_labels *labels, const float *vector,
                           size_t dim, double *probabilities)
{
    (void)vector;
    FAIL_IF(dim != 2, ERR_CONFLICT, "another size");
    for (size_t i = 0; i < labels->n; i++) {
        probabilities[i] = 1.0 / (double)(i + 1);
    }
    return ERR_OK;
}

/* ---- Snapshots: one, "a.snapshot", of everything; its file is /dev/null ---- */

static struct duet_snapshot fake_snapshot = {
    .name = "a.snapshot", .size_bytes = 3, .created_ms = 0, .sha256 = "ab"};

enum err duet_snapshot_create(struct duet *db, const char *collection,
                              struct duet_snapshot *out)
{
    (void)db;
    TRY(fake_find_collection(collection != NULL ? collection : "things"));
    *out = fake_snapshot;
    return ERR_OK;
}

enum err duet_snapshots_list(struct duet *db, const char *collection,
                             struct duet_snapshots *out)
{
    (void)db;
    TRY(fake_find_collection(collection != NULL ? collection : "things"));
    *out = (struct duet_snapshots){&fake_snapshot, 1};
    return ERR_OK;
}

void duet_snapshots_release(struct duet_snapshots *list)
{
    (void)list;
}

enum err duet_snapshot_delete(struct duet *db, const char *collection, const char *name)
{
    (void)db, (void)collection;
    FAKE_TRY();
    FAIL_IF(strcmp(name, "a.snapshot") != 0, ERR_NOT_FOUND, "there is no snapshot");
    return ERR_OK;
}

enum err duet_snapshot_locate(struct duet *db, const char *collection,
                              const char *location, struct duet_snapshot_file *out)
{
    (void)db, (void)collection;
    *out = (struct duet_snapshot_file){.fd = -1};
    FAKE_TRY();
    FAIL_IF(strcmp(location, "a.snapshot") != 0, ERR_NOT_FOUND, "there is no snapshot");
    out->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return ERR_OK;
}

enum err duet_snapshot_put(struct duet *db, const char *collection, const char *name,
                           const struct duet_snapshot_part *part, bool *done)
{
    (void)db, (void)collection, (void)name;
    FAKE_TRY();
    fake.last_part = *part;
    *done = part->offset + part->n == part->total;
    return ERR_OK;
}

enum err duet_snapshot_scratch(struct duet *db, int *fd)
{
    (void)db;
    *fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return ERR_OK;
}

enum err duet_snapshot_recover(struct duet *db, const char *collection, int fd,
                               const char *sha256)
{
    (void)db, (void)fd;
    FAKE_TRY();
    snprintf(fake.recovered, sizeof fake.recovered, "%s %s", collection,
             sha256 != NULL ? sha256 : "-");
    return ERR_OK;
}

#endif
