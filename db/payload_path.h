/*
 * payload_path.h - the way to values within a payload: "a.b", "a[].b", "a[0]", "\"a.b\"".
 *
 *     struct payload_path path;
 *     TRY(payload_path_parse(&path, &arena, "offers[].price"));
 *     found = payload_path_any(&path, payload, is_cheap, &limit);
 *
 * A step is a key (letters and digits of any script, '_' and '-'; anything in quotes),
 * an index in brackets, or "[]", every element. A key leads nowhere in an array, and an
 * index nowhere in an object.
 *
 * A path does not change once it is parsed: any number of threads may follow it.
 */
#ifndef DB_PAYLOAD_PATH_H
#define DB_PAYLOAD_PATH_H

#include "base/arena.h"
#include "base/json.h"

struct payload_step {
    const char *key; /* NULL: a step into an array */
    bool every;      /* all of its elements, not the i-th */
    size_t i;
};

struct payload_path {
    const struct payload_step *steps; /* [n], of the arena */
    size_t n;                         /* at least 1 */
};

/* ERR_INVALID (with a sentence that begins with what is wrong), ERR_LIMIT, ERR_NOMEM. */
enum err payload_path_parse(struct payload_path *path, struct arena *arena,
                            const char *text) ERR_CHECK;

/* Whether both go the same way. */
bool payload_path_equal(const struct payload_path *a, const struct payload_path *b);

/* Called with each value that a path leads to, NULL for JSON's null. True ends the
 * walk. */
typedef bool payload_visit(void *arg, struct json_object *value);

/* Whether `visit` said true of any value that `path` leads to from `from`. */
bool payload_path_any(const struct payload_path *path, struct json_object *from,
                      payload_visit *visit, void *arg);

#endif
