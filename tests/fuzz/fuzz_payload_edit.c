/*
 * fuzz_payload_edit.c - any path, values and payload, a line each. A payload stays an
 * object that can be written and read; deleting twice is deleting once; what ends in a
 * key and was deleted is not found any more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/payload_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void need(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_there(void *arg, struct json_object *value)
{
    (void)arg, (void)value;
    return true;
}

/* The next line, without its end; an object or NULL. */
static struct json_object *next_object(const char **at, const char *end)
{
    struct json_object *object = NULL;
    const char *line = *at;
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t n = (size_t)((stop != NULL ? stop : end) - line);
    *at = stop != NULL ? stop + 1 : end;
    if (json_parse(&object, line, n) == ERR_OK &&
        !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        object = NULL;
    }
    return object;
}

static void check_delete(struct json_object *object, const struct payload_path *path)
{
    struct json_object *once = NULL;
    payload_delete(object, path);
    need(json_object_deep_copy(object, &once, NULL) == 0);
    payload_delete(object, path);
    need(json_object_equal(object, once));
    need(path->steps[path->n - 1].key == NULL ||
         !payload_path_any(path, object, is_there, NULL));
    json_object_put(once);
}

static void edit(const char *text, const char *rest, const char *end)
{
    struct arena arena = ARENA_EMPTY;
    struct payload_path path;
    struct json_object *values = next_object(&rest, end);
    struct json_object *object = next_object(&rest, end);
    if (values != NULL && object != NULL &&
        payload_path_parse(&path, &arena, text) == ERR_OK) {
        need(payload_set(object, &path, values) == ERR_OK);
        need(json_object_is_type(object, json_type_object));
        need(json_text(object) != NULL);
        check_delete(object, &path);
    }
    json_object_put(values);
    json_object_put(object);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *end = (const char *)bytes + n;
    const char *line = memchr(bytes, '\n', n);
    if (line != NULL) {
        char *text = strndup((const char *)bytes, (size_t)(line - (const char *)bytes));
        edit(text, line + 1, end);
        free(text);
    }
    return 0;
}
