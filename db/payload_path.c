/*
 * payload_path.c - see payload_path.h.
 */
#include "db/payload_path.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

/* ---- Reading ---- */

struct reader {
    const char *text; /* all of it, for errors */
    const char *at;
    char *keys; /* where the next key goes, with its NUL: of the arena */
    struct payload_step *steps;
    size_t n;
};

static enum err bad_path(const struct reader *r, const char *wrong)
{
    return err_set(ERR_INVALID, "%s at byte %zu of the path '%.64s'", wrong,
                   (size_t)(r->at - r->text), r->text);
}

static enum err add_step(struct reader *r, struct payload_step step)
{
    FAIL_IF(r->n == LIMIT_FILTER_KEY_STEPS, ERR_LIMIT, "a path has more than %d steps",
            LIMIT_FILTER_KEY_STEPS);
    r->steps[r->n++] = step;
    return ERR_OK;
}

static enum err add_key(struct reader *r, const char *key, size_t n)
{
    struct payload_step step = {.key = r->keys};
    memcpy(r->keys, key, n);
    r->keys += n + 1; /* the arena's bytes are zero */
    return add_step(r, step);
}

/* Bytes of the letters, digits, '_' and '-' at `text`. */
static size_t plain_length(const char *text)
{
    size_t n = 0, left = strlen(text);
    for (;;) {
        int32_t code_point;
        size_t step = utf8_next(text + n, left - n, &code_point);
        if (step == 0 ||
            !(utf8_is_alnum(code_point) || code_point == '_' || code_point == '-')) {
            return n;
        }
        n += step;
    }
}

static enum err read_key(struct reader *r)
{
    if (*r->at == '"') {
        const char *end = strchr(r->at + 1, '"');
        if (end == NULL) {
            return bad_path(r, "a quote is not closed");
        }
        const char *key = r->at + 1;
        r->at = end + 1;
        return add_key(r, key, (size_t)(end - key));
    }
    size_t n = plain_length(r->at);
    if (n == 0) {
        return bad_path(r, "a key is missing");
    }
    r->at += n;
    return add_key(r, r->at - n, n);
}

/* "[]" or "[12]". */
static enum err read_bracket(struct reader *r)
{
    struct payload_step step = {.every = r->at[1] == ']'};
    r->at++;
    for (; *r->at >= '0' && *r->at <= '9'; r->at++) {
        size_t digit = (size_t)(*r->at - '0');
        if (step.i > (SIZE_MAX - digit) / 10) {
            return bad_path(r, "the index is too large");
        }
        step.i = step.i * 10 + digit;
    }
    if (*r->at != ']') {
        return bad_path(r, "']' or an index is missing");
    }
    r->at++;
    return add_step(r, step);
}

static enum err read_steps(struct reader *r)
{
    for (;;) {
        TRY(read_key(r));
        while (*r->at == '[') {
            TRY(read_bracket(r));
        }
        if (*r->at == '\0') {
            return ERR_OK;
        }
        if (*r->at != '.') {
            return bad_path(r, "'.' is missing");
        }
        r->at++;
    }
}

enum err payload_path_parse(struct payload_path *path, struct arena *arena,
                            const char *text)
{
    size_t n = strlen(text);
    FAIL_IF(n > LIMIT_FILTER_KEY_BYTES, ERR_LIMIT,
            "a path of %zu bytes is more than %d", n, LIMIT_FILTER_KEY_BYTES);
    struct reader r = {.text = text, .at = text};
    r.keys = arena_array(arena, n + 1, 1); /* a separator's byte is each key's NUL */
    r.steps = arena_array(arena, LIMIT_FILTER_KEY_STEPS, sizeof *r.steps);
    if (r.keys == NULL || r.steps == NULL) {
        return ERR_NOMEM;
    }
    TRY(read_steps(&r));
    *path = (struct payload_path){r.steps, r.n};
    return ERR_OK;
}

static bool same_step(const struct payload_step *a, const struct payload_step *b)
{
    if (a->key != NULL || b->key != NULL) {
        return a->key != NULL && b->key != NULL && strcmp(a->key, b->key) == 0;
    }
    return a->every == b->every && (a->every || a->i == b->i);
}

bool payload_path_equal(const struct payload_path *a, const struct payload_path *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (!same_step(&a->steps[i], &b->steps[i])) {
            return false;
        }
    }
    return a->n == b->n;
}

/* ---- Following ---- */

static bool follow(const struct payload_step *steps, size_t n, struct json_object *from,
                   payload_visit *visit, void *arg)
{
    struct json_object *next;
    if (n == 0) {
        return visit(arg, from);
    }
    if (steps->key != NULL) {
        return json_object_is_type(from, json_type_object) &&
               json_object_object_get_ex(from, steps->key, &next) &&
               follow(steps + 1, n - 1, next, visit, arg);
    }
    if (!json_object_is_type(from, json_type_array)) {
        return false;
    }
    size_t length = json_object_array_length(from);
    size_t i = steps->every ? 0 : steps->i;
    size_t end = steps->every || i >= length ? length : i + 1;
    for (; i < end; i++) {
        next = json_object_array_get_idx(from, i);
        if (follow(steps + 1, n - 1, next, visit, arg)) {
            return true;
        }
    }
    return false;
}

bool payload_path_any(const struct payload_path *path, struct json_object *from,
                      payload_visit *visit, void *arg)
{
    return follow(path->steps, path->n, from, visit, arg);
}
