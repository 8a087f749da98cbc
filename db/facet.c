/*
 * facet.c - see facet.h, and duet_facet.
 */
#include "db/facet.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/matches.h"
#include "db/payload_field.h"
#include "db/uuid.h"

enum { PLACES_MIN = 64 };

/* ---- Values ---- */

/* Borrows the string. DUET_VALUE_NONE: one that does not count. */
static struct duet_value value_of(struct json_object *value)
{
    struct json_number number;
    if (json_object_is_type(value, json_type_boolean)) {
        return (struct duet_value){.kind = DUET_VALUE_BOOL,
                                   .flag = json_object_get_boolean(value) != 0};
    }
    if (json_object_is_type(value, json_type_string)) {
        return (struct duet_value){.kind = DUET_VALUE_STRING,
                                   .text =
                                       (char *)(size_t)json_object_get_string(value),
                                   .n_text = (size_t)json_object_get_string_len(value)};
    }
    if (json_object_is_type(value, json_type_int) && json_number_get(value, &number)) {
        return payload_value_of_number(number);
    }
    return (struct duet_value){.kind = DUET_VALUE_NONE};
}

static uint64_t hash_of(const struct duet_value *v, uint64_t seed)
{
    if (v->kind == DUET_VALUE_STRING) {
        return XXH3_64bits_withSeed(v->text, v->n_text, seed);
    }
    uint64_t words[] = {v->kind, v->flag, (uint64_t)v->whole, v->large};
    return XXH3_64bits_withSeed(words, sizeof words, seed);
}

static int compare_strings(const struct duet_value *a, const struct duet_value *b)
{
    size_t n = a->n_text < b->n_text ? a->n_text : b->n_text;
    int order = memcmp(a->text, b->text, n);
    return order != 0 ? order : (a->n_text > b->n_text) - (a->n_text < b->n_text);
}

/* The kinds stand in the order of the enum, so that a large number is behind the
 * others. */
static int compare_values(const struct duet_value *a, const struct duet_value *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    switch (a->kind) {
    case DUET_VALUE_BOOL:
        return a->flag - b->flag;
    case DUET_VALUE_INT:
        return (a->whole > b->whole) - (a->whole < b->whole);
    case DUET_VALUE_LARGE:
        return (a->large > b->large) - (a->large < b->large);
    default:
        return compare_strings(a, b);
    }
}

/* ---- The table ---- */

enum err facet_init(struct facet *facet)
{
    uint8_t random[16];
    *facet = (struct facet){.n_places = PLACES_MIN};
    TRY(uuid_random(random));
    memcpy(&facet->seed, random, sizeof facet->seed);
    facet->table = alloc_zero(PLACES_MIN, sizeof *facet->table);
    return facet->table == NULL ? ERR_NOMEM : ERR_OK;
}

void facet_release(struct facet *facet)
{
    for (size_t i = 0; i < facet->n; i++) {
        alloc_free(facet->entries[i].value.text);
    }
    alloc_free(facet->entries);
    alloc_free(facet->table);
    *facet = (struct facet){0};
}

/* Where the value is in the table, or where it would be. */
static uint32_t *find_place(const struct facet *facet, const struct duet_value *value,
                            uint64_t hash)
{
    size_t i = hash & (facet->n_places - 1);
    while (facet->table[i] != 0) {
        const struct facet_entry *entry = &facet->entries[facet->table[i] - 1];
        if (entry->hash == hash && compare_values(&entry->value, value) == 0) {
            break;
        }
        i = (i + 1) & (facet->n_places - 1);
    }
    return &facet->table[i];
}

/* At most half of the places are in use. */
static enum err make_room(struct facet *facet)
{
    if (facet->n < facet->n_places / 2) {
        return ERR_OK;
    }
    size_t n_places = 2 * facet->n_places;
    uint32_t *table = alloc_zero(n_places, sizeof *table);
    if (table == NULL) {
        return ERR_NOMEM;
    }
    for (size_t e = 0; e < facet->n; e++) {
        size_t i = facet->entries[e].hash & (n_places - 1);
        while (table[i] != 0) {
            i = (i + 1) & (n_places - 1);
        }
        table[i] = (uint32_t)e + 1;
    }
    alloc_free(facet->table);
    facet->table = table;
    facet->n_places = n_places;
    return ERR_OK;
}

static enum err add_entry(struct facet *facet, const struct duet_value *value,
                          uint64_t hash)
{
    FAIL_IF(facet->n == LIMIT_FACET_VALUES, ERR_LIMIT,
            "key: has more than %d different values", LIMIT_FACET_VALUES);
    FAIL_IF(value->n_text > LIMIT_FACET_BYTES - facet->n_bytes, ERR_LIMIT,
            "key: its different values have more than %u bytes", LIMIT_FACET_BYTES);
    TRY(make_room(facet));
    struct facet_entry *entries = alloc_grow(facet->entries, &facet->capacity,
                                             facet->n + 1, sizeof *facet->entries);
    if (entries == NULL) {
        return ERR_NOMEM;
    }
    facet->entries = entries;
    struct facet_entry *entry = &entries[facet->n];
    *entry = (struct facet_entry){.value = *value, .hash = hash};
    if (value->kind == DUET_VALUE_STRING) {
        entry->value.text = alloc_dup_n(value->text, value->n_text);
        if (entry->value.text == NULL) {
            return ERR_NOMEM;
        }
    }
    facet->n_bytes += value->n_text;
    *find_place(facet, value, hash) = (uint32_t)++facet->n;
    return ERR_OK;
}

enum err facet_add(struct facet *facet, size_t point, struct json_object *value)
{
    struct duet_value v = value_of(value);
    if (v.kind == DUET_VALUE_NONE) {
        return ERR_OK;
    }
    uint64_t hash = hash_of(&v, facet->seed);
    uint32_t place = *find_place(facet, &v, hash);
    if (place == 0) {
        TRY(add_entry(facet, &v, hash));
        place = (uint32_t)facet->n;
    }
    struct facet_entry *entry = &facet->entries[place - 1];
    if (entry->n_points == 0 || entry->last_point != point) {
        entry->n_points++;
        entry->last_point = point;
    }
    return ERR_OK;
}

/* For qsort: the more frequent first. */
static int compare_entries(const void *a, const void *b)
{
    const struct facet_entry *x = a;
    const struct facet_entry *y = b;
    if (x->n_points != y->n_points) {
        return x->n_points > y->n_points ? -1 : 1;
    }
    return compare_values(&x->value, &y->value);
}

enum err facet_take(struct facet *facet, size_t limit, struct duet_facets *out)
{
    size_t n = facet->n < limit ? facet->n : limit;
    *out = (struct duet_facets){.n = n, .n_values = facet->n};
    out->hits = alloc_array(n, sizeof *out->hits);
    if (out->hits == NULL) {
        out->n = 0;
        return ERR_NOMEM;
    }
    if (facet->n > 0) {
        qsort(facet->entries, facet->n, sizeof *facet->entries, compare_entries);
    }
    for (size_t i = 0; i < n; i++) {
        const struct facet_entry *entry = &facet->entries[i];
        out->hits[i] = (struct duet_facet_hit){entry->value, entry->n_points};
        facet->entries[i].value.text = NULL;
    }
    facet_release(facet);
    return ERR_OK;
}

void duet_facets_release(struct duet_facets *facets)
{
    for (size_t i = 0; i < facets->n; i++) {
        alloc_free(facets->hits[i].value.text);
    }
    alloc_free(facets->hits);
    *facets = (struct duet_facets){0};
}

/* ---- Points ---- */

struct counting {
    struct facet *facet;
    size_t point;
    enum err failed;
};

/* A visit. */
static bool count_value(void *arg, struct json_object *value)
{
    struct counting *c = arg;
    c->failed = facet_add(c->facet, c->point, value);
    return c->failed != ERR_OK;
}

static enum err count_points(struct matches *m, const struct payload_field *field,
                             struct facet *facet)
{
    struct counting counting = {.facet = facet};
    for (;;) {
        TRY(matches_next(m));
        if (!m->found) {
            return ERR_OK;
        }
        TRY(payload_field_walk(field, m->record.payload, count_value, &counting));
        TRY(counting.failed);
        counting.point++;
    }
}

static enum err check(const struct duet_facet *what)
{
    FAIL_IF(what->limit == 0, ERR_INVALID, "limit: must be 1 or more");
    FAIL_IF(what->limit > LIMIT_K_MAX, ERR_LIMIT, "limit: is more than %d",
            LIMIT_K_MAX);
    return ERR_OK;
}

enum err duet_facet(struct duet *db, const char *collection,
                    const struct duet_facet *what, struct duet_facets *out)
{
    struct txn txn = {0};
    struct record_collection c;
    struct matches m = {0};
    struct filter *filter = NULL;
    struct payload_field field;
    struct facet facet = {0};
    *out = (struct duet_facets){0};
    TRY(check(what));
    TRY(payload_field_open(&field, what->key));
    enum err result;
    if (what->filter != NULL) {
        TRY_OUT(filter_parse(&filter, what->filter));
    }
    TRY_OUT(facet_init(&facet));
    TRY_OUT(store_read(db->store, &txn));
    TRY_OUT(collection_get(&txn, collection, &c));
    TRY_OUT(matches_open(&m, &txn, &c, filter, NULL));
    TRY_OUT(count_points(&m, &field, &facet));
    TRY_OUT(facet_take(&facet, what->limit, out));
out:
    matches_close(&m);
    store_end(&txn);
    facet_release(&facet);
    filter_free(filter);
    payload_field_close(&field);
    return result;
}
