/*
 * golden_filters.h - tests/golden/filters: lines of points, filters, and which points
 * another implementation found by each.
 */
#ifndef TESTS_DB_GOLDEN_FILTERS_H
#define TESTS_DB_GOLDEN_FILTERS_H

#include "tests/test.h"

#include <stdbool.h>
#include <string.h>

#include "base/json.h"

#define GOLDEN_FILTERS "tests/golden/filters/cases.jsonl"

/* Whether a list of strings and numbers has one that is written so. */
static inline bool golden_lists(struct json_object *list, const char *text)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (strcmp(json_object_get_string(item), text) == 0) {
            return true;
        }
    }
    return false;
}

#endif
