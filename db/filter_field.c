/*
 * filter_field.c - the conditions on the values of a field, from JSON into the tree.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/filter_tree.h"

/* ---- match ---- */

int filter_compare_numbers(const void *a, const void *b)
{
    return json_number_compare(*(const struct json_number *)a,
                               *(const struct json_number *)b);
}

/* Strings here may hold U+0000, as those of payloads may. */
static struct bytes string_of(struct json_object *value)
{
    return (struct bytes){json_object_get_string(value),
                          (size_t)json_object_get_string_len(value)};
}

static enum err add_value(struct filter_values *values, const struct field *f,
                          bool texts)
{
    if (texts && json_object_is_type(f->value, json_type_string)) {
        values->strings[values->n_strings++] = string_of(f->value);
        return ERR_OK;
    }
    if (!texts && json_object_is_type(f->value, json_type_int)) {
        (void)json_number_get(f->value, &values->numbers[values->n_numbers++]);
        return ERR_OK;
    }
    return field_fail(f, ERR_INVALID,
                      "must be a string or a whole number, like those beside it");
}

/* Room for `n` of one kind. */
static enum err make_room(struct filter *filter, struct filter_values *values, size_t n,
                          bool texts)
{
    return texts ? filter_take(filter, n, sizeof *values->strings, &values->strings)
                 : filter_take(filter, n, sizeof *values->numbers, &values->numbers);
}

/* The first says of which kind all are. */
static enum err read_values(struct filter *filter, const struct field *f,
                            struct filter_values *values)
{
    size_t n = field_length(f);
    TRY(field_array(f, LIMIT_FILTER_VALUES));
    bool texts = n > 0 && json_object_is_type(field_item(f, 0).value, json_type_string);
    TRY(make_room(filter, values, n, texts));
    for (size_t i = 0; i < n; i++) {
        struct field item = field_item(f, i);
        TRY(add_value(values, &item, texts));
    }
    if (texts) {
        qsort(values->strings, n, sizeof *values->strings, payload_key_compare);
    } else {
        qsort(values->numbers, n, sizeof *values->numbers, filter_compare_numbers);
    }
    return ERR_OK;
}

static enum err read_any(struct filter *filter, const struct field *f,
                         struct filter_node *node)
{
    node->kind = FILTER_ANY;
    return read_values(filter, f, &node->values);
}

static enum err read_except(struct filter *filter, const struct field *f,
                            struct filter_node *node)
{
    node->kind = FILTER_EXCEPT;
    return read_values(filter, f, &node->values);
}

static enum err read_value(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    if (json_object_is_type(f->value, json_type_boolean)) {
        node->kind = FILTER_BOOL;
        return field_bool(f, &node->flag);
    }
    if (!json_object_is_type(f->value, json_type_string) &&
        !json_object_is_type(f->value, json_type_int)) {
        return field_fail(f, ERR_INVALID,
                          "must be a string, a whole number, true or false");
    }
    bool texts = json_object_is_type(f->value, json_type_string);
    node->kind = FILTER_ANY;
    TRY(make_room(filter, &node->values, 1, texts));
    return add_value(&node->values, f, texts);
}

static enum err read_prefix(struct filter *filter, const struct field *f,
                            struct filter_node *node)
{
    (void)filter;
    node->kind = FILTER_PREFIX;
    if (!json_object_is_type(f->value, json_type_string)) {
        return field_fail(f, ERR_INVALID, "must be a string");
    }
    node->text = string_of(f->value);
    return ERR_OK;
}

static enum err read_words(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    if (!json_object_is_type(f->value, json_type_string)) {
        return field_fail(f, ERR_INVALID, "must be a string");
    }
    struct bytes text = string_of(f->value);
    node->kind = strcmp(f->key, "text") == 0       ? FILTER_TEXT
                 : strcmp(f->key, "text_any") == 0 ? FILTER_TEXT_ANY
                                                   : FILTER_PHRASE;
    node->texts.said = text;
    node->texts.i = filter->n_texts;
    filter->texts[filter->n_texts++] = node;
    const struct words_how how = {.tokenizer = WORDS_WORD};
    enum err result =
        words_parse(&node->texts.words, &filter->arena, &how, text.data, text.n);
    return result == ERR_OK ? ERR_OK : field_prefix(f, result);
}

/* ---- range, values_count ---- */

static const struct {
    const char *name;
    unsigned allowed; /* as filter_bounds says */
} bound_names[FILTER_BOUNDS] = {{"lt", 1}, {"lte", 3}, {"gt", 4}, {"gte", 6}};

static const struct field_rule bound_rules[] = {
    {"lt", NULL}, {"lte", NULL}, {"gt", NULL}, {"gte", NULL}, {NULL, NULL}};

static enum err add_time(const struct field *f, struct filter_bounds *b)
{
    const char *text;
    TRY(field_string(f, &text));
    return datetime_parse(text, &b->times[b->n])
               ? ERR_OK
               : field_fail(f, ERR_INVALID, "'%.40s' is no date and time of RFC 3339",
                            text);
}

/* The first bound says whether all are numbers or all are times. */
static enum err add_bound(const struct field *f, unsigned allowed,
                          struct filter_node *node)
{
    struct filter_bounds *b = &node->bounds;
    bool is_time = json_object_is_type(f->value, json_type_string);
    if (b->n > 0 && is_time != (node->kind == FILTER_TIME_RANGE)) {
        return field_fail(f, ERR_INVALID, "must be %s, like the bound beside it",
                          is_time ? "a number" : "a date and time");
    }
    node->kind = is_time ? FILTER_TIME_RANGE : FILTER_RANGE;
    if (is_time) {
        TRY(add_time(f, b));
    } else if (!json_number_get(f->value, &b->numbers[b->n])) {
        return field_fail(f, ERR_INVALID, "must be a number, or a date and time");
    }
    b->allowed[b->n++] = allowed;
    return ERR_OK;
}

static enum err read_range(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    (void)filter;
    node->kind = FILTER_RANGE;
    TRY(field_check(f, bound_rules));
    for (size_t i = 0; i < FILTER_BOUNDS; i++) {
        struct field bound = field_get(f, bound_names[i].name);
        if (bound.value != NULL) {
            TRY(add_bound(&bound, bound_names[i].allowed, node));
        }
    }
    return ERR_OK;
}

static enum err read_count(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    struct filter_bounds *b = &node->bounds;
    (void)filter;
    node->kind = FILTER_VALUES_COUNT;
    TRY(field_check(f, bound_rules));
    for (size_t i = 0; i < FILTER_BOUNDS; i++) {
        struct field bound = field_get(f, bound_names[i].name);
        size_t count = 0;
        TRY(field_size(&bound, &count));
        if (bound.value != NULL) {
            b->numbers[b->n].whole = count;
            b->allowed[b->n++] = bound_names[i].allowed;
        }
    }
    return ERR_OK;
}

/* ---- is_empty, is_null ---- */

static enum err read_absence(struct filter *filter, const struct field *f,
                             struct filter_node *node)
{
    (void)filter;
    node->kind = strcmp(f->key, "is_null") == 0 ? FILTER_IS_NULL : FILTER_IS_EMPTY;
    return field_bool(f, &node->flag);
}

/* ---- All of them ---- */

struct reader {
    const char *name;
    enum err (*read)(struct filter *filter, const struct field *f,
                     struct filter_node *node);
};

/* The one member of `f` that is in the table; ERR_INVALID where it is not one. */
static enum err read_only_member(struct filter *filter, const struct field *f,
                                 const struct reader *readers, struct filter_node *node)
{
    const struct reader *chosen = NULL;
    for (const struct reader *r = readers; r->name != NULL; r++) {
        if (field_get(f, r->name).value == NULL) {
            continue;
        }
        if (chosen != NULL) {
            return field_fail(f, ERR_INVALID,
                              "has both \"%s\" and \"%s\": write two conditions",
                              chosen->name, r->name);
        }
        chosen = r;
    }
    if (chosen == NULL) {
        return field_fail(f, ERR_INVALID, "does not say what is asked of the values");
    }
    struct field member = field_get(f, chosen->name);
    return chosen->read(filter, &member, node);
}

static enum err read_match(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"value", NULL},    {"any", NULL},    {"except", NULL}, {"text", NULL},
        {"text_any", NULL}, {"phrase", NULL}, {"prefix", NULL}, {NULL, NULL},
    };
    static const struct reader readers[] = {
        {"value", read_value},    {"any", read_any},
        {"except", read_except},  {"text", read_words},
        {"text_any", read_words}, {"phrase", read_words},
        {"prefix", read_prefix},  {NULL, NULL},
    };
    TRY(field_check(f, rules));
    return read_only_member(filter, f, readers, node);
}

enum err filter_read_field(struct filter *filter, const struct field *f,
                           struct filter_node *node)
{
    static const struct field_rule rules[] = {
        {"key", NULL},         {"match", NULL},
        {"range", NULL},       {"values_count", NULL},
        {"is_empty", NULL},    {"is_null", NULL},
        {"geo_radius", NULL},  {"geo_bounding_box", NULL},
        {"geo_polygon", NULL}, {NULL, NULL},
    };
    static const struct reader readers[] = {
        {"match", read_match},
        {"range", read_range},
        {"values_count", read_count},
        {"is_empty", read_absence},
        {"is_null", read_absence},
        {"geo_radius", filter_read_radius},
        {"geo_bounding_box", filter_read_box},
        {"geo_polygon", filter_read_polygon},
        {NULL, NULL},
    };
    node->reads_payload = true;
    TRY(field_check(f, rules));
    TRY(filter_read_path(filter, f, node));
    return read_only_member(filter, f, readers, node);
}
