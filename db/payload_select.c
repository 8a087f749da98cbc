/*
 * payload_select.c - duet_payload_select: parts of a payload.
 *
 * All paths are followed together, from the top: at each value only those are left whose
 * steps have led there. A path that ends at a value takes it whole, whatever longer ones
 * say.
 */
#include <string.h>

#include "base/alloc.h"
#include "db/duet.h"
#include "db/payload_path.h"

/* Paths that have led to a value; all of them are `depth` steps long so far. */
struct ways {
    const struct payload_path *paths[DUET_SELECTED_MAX]; /* [n] */
    size_t n;
    size_t depth;
    bool ended; /* one of them ends here */
};

static struct json_object *keep(const struct ways *ways, struct json_object *value,
                                bool excludes);

/* Those whose next step is into the member `key`, or, with NULL, into all elements. */
static void step(const struct ways *from, const char *key, struct ways *to)
{
    to->n = 0;
    to->depth = from->depth + 1;
    to->ended = false;
    for (size_t i = 0; i < from->n; i++) {
        const struct payload_step *s = &from->paths[i]->steps[from->depth];
        bool leads = key == NULL ? s->key == NULL && s->every
                                 : s->key != NULL && strcmp(s->key, key) == 0;
        if (leads) {
            to->ended = to->ended || from->paths[i]->n == to->depth;
            to->paths[to->n++] = from->paths[i];
        }
    }
}

static struct json_object *keep_members(const struct ways *ways,
                                        struct json_object *object, bool excludes)
{
    struct json_object *kept = json_object_new_object();
    json_object_object_foreach(object, key, value)
    {
        struct ways inner;
        step(ways, key, &inner);
        if (inner.ended ? excludes : inner.n == 0 && !excludes) {
            continue;
        }
        json_object_object_add(kept, key,
                               inner.ended || inner.n == 0
                                   ? json_object_get(value)
                                   : keep(&inner, value, excludes));
    }
    return kept;
}

/* An index of one element selects nothing, as in the dialect. */
static struct json_object *keep_elements(const struct ways *ways,
                                         struct json_object *array, bool excludes)
{
    struct ways inner;
    step(ways, NULL, &inner);
    if (inner.ended ? !excludes : inner.n == 0 && excludes) {
        return json_object_get(array);
    }
    struct json_object *kept = json_object_new_array();
    for (size_t i = 0;
         i < json_object_array_length(array) && !inner.ended && inner.n > 0; i++) {
        json_object_array_add(
            kept, keep(&inner, json_object_array_get_idx(array, i), excludes));
    }
    return kept;
}

/* What is left of `value`, to be released; at most as deep as JSON may be. */
static struct json_object *keep(const struct ways *ways, struct json_object *value,
                                bool excludes)
{
    if (json_object_is_type(value, json_type_object)) {
        return keep_members(ways, value, excludes);
    }
    if (json_object_is_type(value, json_type_array)) {
        return keep_elements(ways, value, excludes);
    }
    return json_object_get(value);
}

static enum err parse_paths(const struct duet_selection *selection, struct arena *arena,
                            struct payload_path *paths, struct ways *ways)
{
    FAIL_IF(selection->n > DUET_SELECTED_MAX, ERR_LIMIT, "%zu paths are more than %d",
            selection->n, DUET_SELECTED_MAX);
    for (size_t i = 0; i < selection->n; i++) {
        TRY(payload_path_parse(&paths[i], arena, selection->paths[i]));
        ways->paths[ways->n++] = &paths[i];
    }
    return ERR_OK;
}

static enum err select_parts(const char *payload, const struct ways *ways,
                             bool excludes, char **out)
{
    struct json_object *object;
    enum err result = json_parse(&object, payload, strlen(payload));
    if (result != ERR_OK) {
        return err_set(ERR_CORRUPT, "a stored payload is not JSON");
    }
    struct json_object *kept = keep(ways, object, excludes);
    *out = alloc_dup(json_text(kept));
    json_object_put(kept);
    json_object_put(object);
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

enum err duet_payload_select(const char *payload,
                             const struct duet_selection *selection, char **out)
{
    struct arena arena = ARENA_EMPTY;
    struct payload_path paths[DUET_SELECTED_MAX];
    struct ways ways = {.n = 0};
    *out = NULL;
    enum err result = parse_paths(selection, &arena, paths, &ways);
    if (result == ERR_OK) {
        result = select_parts(payload, &ways, selection->excludes, out);
    }
    arena_release(&arena);
    return result;
}
