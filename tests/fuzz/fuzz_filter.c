/*
 * fuzz_filter.c - any filter, asked of fixed payloads and of any other. The input is the
 * filter's JSON, and behind a NUL perhaps a payload. What passes a filter must not pass
 * its opposite, and the other way round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *const payloads[] = {
    "{}",
    "{\"a\":1,\"b\":[\"x\",\"Red car\",null,[1,2]],\"n\":9007199254740993}",
    "{\"a\":{\"b\":[{\"c\":1.5,\"t\":\"2024-02-29T12:00:00.5+01:00\"},{\"c\":null}]}}",
    "{\"geo\":[{\"lat\":52.5,\"lon\":13.4},{\"lat\":1e300,\"lon\":-1}],\"a.b\":true}",
    "{\"list\":[{\"a\":1,\"b\":2},{\"a\":[3,{\"b\":{}}]},7],\"\u540d\":\"\u6d77\u6ee9 "
    "fox\"}",
};

static const struct record_collection collection = {
    .n_spaces = 2, .spaces = {{.name = "u", .number = 3}, {.name = "v", .number = 9}}};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static enum err ask(const struct filter *filter, struct bytes payload, bool uuid,
                    bool *matches)
{
    struct record_point record = {
        .n_vectors = 1, .vectors = {{3, 1}}, .payload = payload};
    struct filter_point point = {
        {.is_uuid = uuid, .number = uuid ? 0 : 7}, &collection, &record, NULL};
    return filter_matches(filter, &point, matches);
}

static void ask_both(const struct filter *filter, const struct filter *opposite,
                     struct bytes payload)
{
    for (int uuid = 0; uuid <= 1; uuid++) {
        bool matches, differs;
        enum err result = ask(filter, payload, uuid == 1, &matches);
        require(result == ERR_OK || (result == ERR_CORRUPT && !matches));
        if (opposite != NULL && result == ERR_OK) {
            require(ask(opposite, payload, uuid == 1, &differs) == ERR_OK);
            require(matches != differs);
        }
    }
}

/* The same filter within a "must_not"; NULL where that passes a limit. */
static struct filter *opposite_of(const char *text)
{
    struct filter *opposite;
    size_t room = strlen(text) + 32;
    char *inverted = malloc(room);
    snprintf(inverted, room, "{\"must_not\":%s}", text);
    enum err result = filter_parse(&opposite, inverted);
    require(result == ERR_OK || result == ERR_LIMIT || result == ERR_INVALID);
    free(inverted);
    return opposite;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct filter *filter;
    char *text = malloc(n + 1);
    memcpy(text, bytes, n);
    text[n] = '\0';
    if (filter_parse(&filter, text) == ERR_OK) {
        struct filter *opposite = opposite_of(text);
        size_t n_filter = strlen(text);
        for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
            ask_both(filter, opposite,
                     (struct bytes){payloads[i], strlen(payloads[i])});
        }
        if (n_filter < n) {
            ask_both(filter, opposite,
                     (struct bytes){text + n_filter + 1, n - n_filter - 1});
        }
        filter_free(opposite);
    }
    filter_free(filter);
    free(text);
    return 0;
}
