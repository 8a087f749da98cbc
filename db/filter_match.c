/*
 * filter_match.c - asking a compiled filter of a point.
 *
 * Nothing is allocated but the parsed payload, and that only once a condition needs it.
 */
#include <stdlib.h>
#include <string.h>

#include "db/filter_tree.h"
#include "db/filter_words.h"
#include "db/payload_value.h"
#include "db/siphash.h"

/* What conditions are asked of: a point, or within a nested filter one object of its
 * payload, which has neither id nor vectors. */
struct scope {
    const struct filter *filter;
    const struct filter_words *words; /* NULL: no field has a text index */
    const struct filter_point *point; /* NULL: nested */
    struct json_object *payload;      /* what is read of it; NULL: nothing yet */
    enum err failed;                  /* of parsing it; then nothing matches */
};

/* What a visit needs to know. */
struct asked {
    const struct filter_node *node;
    const struct scope *scope;
};

static bool matches_clauses(const struct filter_clauses *clauses, struct scope *scope);

static struct json_object *payload_of(struct scope *scope)
{
    if (scope->payload == NULL && scope->failed == ERR_OK) {
        struct bytes text = scope->point->record->payload;
        scope->failed = payload_pick(&scope->payload, text, &scope->filter->picks);
        if (scope->failed == ERR_INVALID) {
            scope->failed = err_set(ERR_CORRUPT, "a stored payload is not JSON");
        }
    }
    return scope->payload;
}

/* ---- The point itself ---- */

static bool has_id(const struct filter_node *node, const struct scope *scope)
{
    size_t begin = 0, end = node->ids.n;
    while (scope->point != NULL && begin < end) {
        size_t middle = begin + (end - begin) / 2;
        int order = duet_id_compare(node->ids.items[middle], scope->point->id);
        if (order == 0) {
            return true;
        }
        begin = order < 0 ? middle + 1 : begin;
        end = order < 0 ? end : middle;
    }
    return false;
}

static bool has_vector(const struct filter_node *node, const struct scope *scope)
{
    const struct filter_point *point = scope->point;
    for (size_t i = 0; point != NULL && i < point->collection->n_spaces; i++) {
        const struct record_space_def *def = &point->collection->spaces[i];
        if (strcmp(def->name, node->text.data) == 0) {
            return record_point_slot(point->record, def->number) != RECORD_NO_SLOT;
        }
    }
    return false;
}

static bool in_slice(const struct filter_node *node, const struct scope *scope)
{
    uint8_t bytes[8];
    if (scope->point == NULL) {
        return false;
    }
    const struct duet_id *id = &scope->point->id;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(id->number >> (8 * i));
    }
    uint64_t hash =
        id->is_uuid ? siphash(id->uuid, sizeof id->uuid) : siphash(bytes, sizeof bytes);
    return hash % node->slice.total == node->slice.i;
}

/* ---- Values as they stand ---- */

static size_t array_length(struct json_object *value)
{
    return json_object_is_type(value, json_type_array) ? json_object_array_length(value)
                                                       : 0;
}

/* A visit: true ends the walk, since one value that is there is enough. */
static bool is_not_empty(void *arg, struct json_object *value)
{
    (void)arg;
    return value != NULL && (!json_object_is_type(value, json_type_array) ||
                             json_object_array_length(value) > 0);
}

static bool is_null(void *arg, struct json_object *value)
{
    (void)arg;
    for (size_t i = 0; i < array_length(value); i++) {
        if (json_object_array_get_idx(value, i) == NULL) {
            return true;
        }
    }
    return value == NULL;
}

static bool within(int order, unsigned allowed)
{
    unsigned side = order < 0 ? 1 : order == 0 ? 2 : 4;
    return (side & allowed) != 0;
}

static bool number_within(const struct filter_bounds *b, struct json_number number)
{
    for (size_t i = 0; i < b->n; i++) {
        if (!within(json_number_compare(number, b->numbers[i]), b->allowed[i])) {
            return false;
        }
    }
    return true;
}

bool filter_number_passes(const struct filter_node *node, struct json_number number)
{
    return number_within(&node->bounds, number);
}

struct count {
    const struct filter_bounds *bounds;
    bool found; /* any value at all */
};

static bool is_count(void *arg, struct json_object *value)
{
    struct count *count = arg;
    struct json_number n = {.whole = value == NULL ? 0 : 1};
    if (json_object_is_type(value, json_type_array)) {
        n.whole = json_object_array_length(value);
    }
    count->found = true;
    return number_within(count->bounds, n);
}

/* A field that is not there has no values: 0 of them. */
static bool count_matches(const struct filter_node *node, struct json_object *payload)
{
    struct count count = {&node->bounds, false};
    if (payload_path_any(&node->path, payload, is_count, &count)) {
        return true;
    }
    return !count.found && number_within(&node->bounds, (struct json_number){0});
}

/* ---- Values by themselves: an array's elements are asked one by one ---- */

/* 1.0 is not the whole number 1: the dialect keeps the kinds apart. */
static bool is_among(const struct filter_values *values, struct json_object *value)
{
    struct json_number number;
    if (values->n_strings > 0 && json_object_is_type(value, json_type_string)) {
        struct bytes s = payload_value_string(value);
        return bsearch(&s, values->strings, values->n_strings, sizeof s,
                       payload_key_compare) != NULL;
    }
    return values->n_numbers > 0 && json_object_is_type(value, json_type_int) &&
           json_number_get(value, &number) &&
           bsearch(&number, values->numbers, values->n_numbers, sizeof number,
                   filter_compare_numbers) != NULL;
}

/* How the field's index has it, where there is one. */
static const struct words *words_of(const struct filter_node *node,
                                    const struct scope *scope)
{
    const struct filter_words *bound = scope->words;
    return bound != NULL && bound->items[node->texts.i] != NULL
               ? bound->items[node->texts.i]
               : &node->texts.words;
}

static bool text_matches(const struct asked *a, struct json_object *value)
{
    const struct filter_node *node = a->node;
    if (!json_object_is_type(value, json_type_string)) {
        return false;
    }
    struct bytes s = payload_value_string(value);
    switch (node->kind) {
    case FILTER_PREFIX:
        return s.n >= node->text.n &&
               memcmp(s.data, node->text.data, node->text.n) == 0;
    case FILTER_TEXT:
        return words_all_in(words_of(node, a->scope), s.data, s.n);
    case FILTER_TEXT_ANY:
        return words_any_in(words_of(node, a->scope), s.data, s.n);
    default:
        return words_phrase_in(words_of(node, a->scope), s.data, s.n);
    }
}

bool filter_time_passes(const struct filter_node *node, struct datetime time)
{
    const struct filter_bounds *b = &node->bounds;
    for (size_t i = 0; i < b->n; i++) {
        if (!within(datetime_compare(time, b->times[i]), b->allowed[i])) {
            return false;
        }
    }
    return true;
}

/* The box around a polygon first: most places are outside it, and it has four sides. */
static bool polygon_holds(const struct filter_node *node, struct geo_point p)
{
    return p.lat > node->polygon.south_west.lat &&
           p.lat < node->polygon.north_east.lat &&
           p.lon > node->polygon.south_west.lon &&
           p.lon < node->polygon.north_east.lon &&
           geo_polygon_holds(node->polygon.rings, node->polygon.n, p);
}

bool filter_place_passes(const struct filter_node *node, struct geo_point p)
{
    switch (node->kind) {
    case FILTER_GEO_BOX:
        return geo_box_holds(node->box.top_left, node->box.bottom_right, p);
    case FILTER_GEO_RADIUS:
        return geo_distance(p, node->circle.centre) < node->circle.radius;
    default:
        return polygon_holds(node, p);
    }
}

static bool value_matches(const struct asked *a, struct json_object *value)
{
    const struct filter_node *node = a->node;
    struct json_number number;
    struct datetime time;
    struct geo_point place;
    switch (node->kind) {
    case FILTER_BOOL:
        return json_object_is_type(value, json_type_boolean) &&
               (json_object_get_boolean(value) != 0) == node->flag;
    case FILTER_ANY:
        return is_among(&node->values, value);
    case FILTER_EXCEPT:
        return value != NULL && !is_among(&node->values, value);
    case FILTER_RANGE:
        return json_number_get(value, &number) && filter_number_passes(node, number);
    case FILTER_TIME_RANGE:
        return payload_value_time(value, &time) && filter_time_passes(node, time);
    case FILTER_GEO_BOX:
    case FILTER_GEO_RADIUS:
    case FILTER_GEO_POLYGON:
        return payload_value_place(value, &place) && filter_place_passes(node, place);
    default:
        return text_matches(a, value);
    }
}

/* A visit. An array within an array is a value, and matches little. */
static bool any_value_matches(void *arg, struct json_object *value)
{
    const struct asked *a = arg;
    if (!json_object_is_type(value, json_type_array)) {
        return value_matches(a, value);
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (value_matches(a, json_object_array_get_idx(value, i))) {
            return true;
        }
    }
    return false;
}

/* A visit: whether one object of the array passes the whole nested filter. */
static bool any_element_matches(void *arg, struct json_object *value)
{
    const struct asked *a = arg;
    const struct filter_node *nested = a->node->nested;
    for (size_t i = 0; i < array_length(value); i++) {
        struct scope scope = {.words = a->scope->words,
                              .payload = json_object_array_get_idx(value, i)};
        if (json_object_is_type(scope.payload, json_type_object) &&
            matches_clauses(&nested->clauses, &scope)) {
            return true;
        }
    }
    return false;
}

/* ---- The tree ---- */

static bool matches_payload(const struct filter_node *node, const struct scope *scope)
{
    struct json_object *payload = scope->payload;
    struct asked asked = {node, scope};
    switch (node->kind) {
    case FILTER_NESTED:
        return payload_path_any(&node->path, payload, any_element_matches, &asked);
    case FILTER_IS_EMPTY:
        return payload_path_any(&node->path, payload, is_not_empty, NULL) != node->flag;
    case FILTER_IS_NULL:
        return payload_path_any(&node->path, payload, is_null, NULL) == node->flag;
    case FILTER_VALUES_COUNT:
        return count_matches(node, payload);
    default:
        return payload_path_any(&node->path, payload, any_value_matches, &asked);
    }
}

static bool matches_node(const struct filter_node *node, struct scope *scope)
{
    switch (node->kind) {
    case FILTER_CLAUSES:
        return matches_clauses(&node->clauses, scope);
    case FILTER_HAS_ID:
        return has_id(node, scope);
    case FILTER_HAS_VECTOR:
        return has_vector(node, scope);
    case FILTER_SLICE:
        return in_slice(node, scope);
    default:
        return payload_of(scope) != NULL && matches_payload(node, scope);
    }
}

/* How many of the group match, counted up to `enough`. */
static size_t count_matching(const struct filter_group *group, struct scope *scope,
                             size_t enough)
{
    size_t n = 0;
    for (size_t i = 0; i < group->n && n < enough; i++) {
        n += matches_node(group->items[i], scope) ? 1 : 0;
    }
    return n;
}

static bool matches_all(const struct filter_group *group, struct scope *scope)
{
    for (size_t i = 0; i < group->n; i++) {
        if (!matches_node(group->items[i], scope)) {
            return false;
        }
    }
    return true;
}

/* An empty "should" asks for nothing. */
static bool matches_clauses(const struct filter_clauses *c, struct scope *scope)
{
    return matches_all(&c->must, scope) &&
           count_matching(&c->must_not, scope, 1) == 0 &&
           (c->should.n == 0 || count_matching(&c->should, scope, 1) == 1) &&
           count_matching(&c->min_should, scope, c->min_count) == c->min_count;
}

enum err filter_matches(const struct filter *filter, const struct filter_point *point,
                        bool *matches)
{
    struct scope scope = {.filter = filter, .words = point->words, .point = point};
    bool passes = matches_clauses(&filter->root->clauses, &scope);
    json_object_put(scope.payload);
    *matches = passes && scope.failed == ERR_OK;
    return scope.failed;
}
