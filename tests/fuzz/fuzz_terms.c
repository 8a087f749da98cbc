/*
 * fuzz_terms.c - the values that an index takes of any payload. The input is a digit (the
 * kind of the index), one more (its tokenizer), a path, a NUL, and a payload; what stands
 * behind the digits is read as a row's value as well. Values are sorted, have the length
 * that they say, and a filter that asks for one of them passes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/filter.h"
#include "db/filter_words.h"
#include "db/payload_terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { LOOKED_FOR = 8 }; /* of the values of one payload */

static const struct record_collection collection = {
    .n_spaces = 1, .spaces = {{.name = "u", .number = 3}}};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* {"must": {"key": field, "match": {how: text}}} */
static struct filter *filter_for(const char *field, const char *how,
                                 const struct buf *text)
{
    struct filter *filter;
    struct json_object *root = json_object_new_object();
    struct json_object *condition = json_object_new_object();
    struct json_object *match = json_object_new_object();
    json_object_object_add(match, how,
                           json_object_new_string_len(text->data, (int)text->size));
    json_object_object_add(condition, "key", json_object_new_string(field));
    json_object_object_add(condition, "match", match);
    json_object_object_add(root, "must", condition);
    enum err result = filter_parse(&filter, json_text(root));
    json_object_put(root);
    return result == ERR_OK ? filter : NULL; /* past a limit */
}

/* What an index of strings or words has is what a filter finds. */
static void look_for(struct payload_indexes *indexes, struct bytes value,
                     struct bytes payload)
{
    const struct payload_index *index = &indexes->items[0];
    bool is_text = index->kind == DUET_INDEX_TEXT;
    struct buf text;
    struct filter_words words;
    bool matches = false;
    buf_init(&text, 4096);
    require(term_string(value, &text) == ERR_OK);
    struct filter *filter =
        term_string_is_whole(value)
            ? filter_for(index->field, is_text ? "text" : "value", &text)
            : NULL;
    if (filter != NULL && filter_words_bind(&words, filter, indexes) == ERR_OK) {
        struct record_point record = {.payload = payload};
        struct filter_point point = {{.number = 7}, &collection, &record, &words};
        require(filter_matches(filter, &point, &matches) == ERR_OK);
        require(matches);
        filter_words_release(&words);
    }
    filter_free(filter);
    buf_release(&text);
}

static void check_terms(struct payload_indexes *indexes, const struct terms *terms,
                        struct bytes payload)
{
    const struct payload_index *index = &indexes->items[0];
    for (size_t i = 0; i < terms->n; i++) {
        struct bytes value = terms_get(terms, i);
        size_t length;
        require(value.n <= TERM_VALUE_MAX);
        require(term_length(index->kind, value, &length) == ERR_OK);
        require(length == value.n);
        (void)index_value_of(index->kind, value);
        if (i > 0) {
            struct bytes before = terms_get(terms, i - 1);
            require(payload_key_compare(&before, &value) < 0);
        }
        bool is_string = index->kind == DUET_INDEX_KEYWORD ||
                         (index->kind == DUET_INDEX_TEXT &&
                          index->how.tokenizer <= WORDS_WHITESPACE);
        if (is_string && i < LOOKED_FOR) {
            look_for(indexes, value, payload);
        }
    }
}

static void find_terms(struct payload_indexes *indexes, struct bytes payload)
{
    const struct payload_index *index = &indexes->items[0];
    const char *first = index->path.steps[0].key;
    struct bytes key = {first, strlen(first)};
    const struct payload_keys picks = {&key, 1};
    struct json_object *json, *whole;
    struct terms terms;
    if (json_parse(&whole, payload.data, payload.n) != ERR_OK ||
        !json_object_is_type(whole, json_type_object)) {
        json_object_put(whole);
        return; /* nobody can have written it */
    }
    json_object_put(whole);
    require(payload_pick(&json, payload, &picks) == ERR_OK);
    terms_init(&terms);
    require(terms_find(&terms, index, json) == ERR_OK);
    check_terms(indexes, &terms, payload);
    terms_release(&terms);
    json_object_put(json);
}

static void read_row(enum duet_index_kind kind, struct bytes bytes)
{
    size_t length;
    if (term_length(kind, bytes, &length) == ERR_OK) {
        require(length <= bytes.n);
        (void)index_value_of(kind, (struct bytes){bytes.data, length});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct payload_index index = {.number = 0};
    struct payload_indexes indexes = {.items = &index, .n = 1};
    if (n < 3) {
        return 0;
    }
    index.kind = (enum duet_index_kind)(bytes[0] % 8);
    index.how.tokenizer = (enum words_tokenizer)(bytes[1] % 4);
    read_row(index.kind, (struct bytes){bytes + 2, n - 2});
    const uint8_t *end = memchr(bytes + 2, '\0', n - 2);
    if (end == NULL) {
        return 0;
    }
    index.field = (const char *)bytes + 2;
    if (payload_path_parse(&index.path, &indexes.arena, index.field) == ERR_OK) {
        size_t at = (size_t)(end - bytes) + 1;
        find_terms(&indexes, (struct bytes){bytes + at, n - at});
    }
    arena_release(&indexes.arena);
    return 0;
}
