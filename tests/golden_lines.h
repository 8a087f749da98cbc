/*
 * golden_lines.h - golden files of one JSON value a line.
 */
#ifndef TESTS_GOLDEN_LINES_H
#define TESTS_GOLDEN_LINES_H

#include "tests/test.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"

enum { GOLDEN_BYTES_MAX = 1 << 24 };

/* Calls `check` with the value of each line of the file at `path`. */
static inline void golden_each_line(const char *path,
                                    void (*check)(struct json_object *))
{
    struct file_map map;
    assert_ok(file_map_open(&map, path, GOLDEN_BYTES_MAX));
    const char *line = (const char *)map.data, *end = line + map.size;
    while (line < end) {
        struct json_object *value;
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        assert_non_null(newline);
        assert_ok(json_parse(&value, line, (size_t)(newline - line)));
        check(value);
        json_object_put(value);
        line = newline + 1;
    }
    file_map_close(&map);
}

#endif
