/*
 * payload_pick.c - see payload_pick.h.
 */
#include "db/payload_pick.h"

#include <stdlib.h>
#include <string.h>

int payload_key_compare(const void *a, const void *b)
{
    const struct bytes *x = a;
    const struct bytes *y = b;
    int order = memcmp(x->data, y->data, x->n < y->n ? x->n : y->n);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* A text that is stepped through; `end` is behind its last byte. */
struct scanner {
    const char *at, *end;
};

static enum err broken(void)
{
    return err_set(ERR_INVALID, "not a JSON object");
}

static char peek(struct scanner *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')) {
        s->at++;
    }
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scanner *s, char c)
{
    if (peek(s) != c) {
        return false;
    }
    s->at++;
    return true;
}

/* Whether the quote at `quote` has an odd number of backslashes before it: it is one of
 * the string's characters. `begin` is the string's first. */
static bool is_escaped(const char *begin, const char *quote)
{
    const char *at = quote;
    while (at > begin && at[-1] == '\\') {
        at--;
    }
    return (quote - at) % 2 == 1;
}

/* Stands on a quote; moves behind the one that closes it. */
static bool skip_string(struct scanner *s)
{
    const char *begin = ++s->at;
    for (;;) {
        const char *quote = memchr(s->at, '"', (size_t)(s->end - s->at));
        if (quote == NULL) {
            return false;
        }
        s->at = quote + 1;
        if (!is_escaped(begin, quote)) {
            return true;
        }
    }
}

/* Up to the comma or bracket that ends the value: what stands in brackets is stepped
 * over whole, whichever kind they are. */
static bool skip_value(struct scanner *s)
{
    size_t depth = 0;
    while (s->at < s->end) {
        switch (*s->at) {
        case '"':
            if (!skip_string(s)) {
                return false;
            }
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0) {
                return true;
            }
            depth--;
            break;
        case ',':
            if (depth == 0) {
                return true;
            }
            break;
        default:
            break;
        }
        s->at++;
    }
    return false;
}

/* Adds the value to the object under a key without escapes. */
static enum err add_member(struct json_object *object, const struct bytes *key,
                           struct bytes text)
{
    struct json_object *value;
    TRY(json_parse(&value, text.data, text.n));
    FAIL_IF(json_object_object_add(object, key->data, value) != 0, ERR_NOMEM,
            "out of memory");
    return ERR_OK;
}

/* One member. *escaped: its key has escapes, and cannot be told by its bytes. */
static enum err read_member(struct scanner *s, const struct payload_keys *keys,
                            struct json_object *object, bool *escaped)
{
    if (peek(s) != '"') {
        return broken();
    }
    const char *begin = s->at + 1;
    if (!skip_string(s)) {
        return broken();
    }
    struct bytes key = {begin, (size_t)(s->at - 1 - begin)};
    *escaped = memchr(key.data, '\\', key.n) != NULL;
    if (!take(s, ':')) {
        return broken();
    }
    (void)peek(s);
    begin = s->at;
    if (!skip_value(s)) {
        return broken();
    }
    const struct bytes *wanted =
        bsearch(&key, keys->keys, keys->n, sizeof key, payload_key_compare);
    return wanted == NULL ? ERR_OK
                          : add_member(object, wanted,
                                       (struct bytes){begin, (size_t)(s->at - begin)});
}

static enum err read_members(struct scanner *s, const struct payload_keys *keys,
                             struct json_object *object, bool *escaped)
{
    if (!take(s, '{')) {
        return broken();
    }
    if (!take(s, '}')) {
        do {
            TRY(read_member(s, keys, object, escaped));
        } while (!*escaped && take(s, ','));
        if (!*escaped && !take(s, '}')) {
            return broken();
        }
    }
    return *escaped || (peek(s) == '\0' && s->at == s->end) ? ERR_OK : broken();
}

enum err payload_pick(struct json_object **out, struct bytes text,
                      const struct payload_keys *keys)
{
    struct scanner s = {text.data, (const char *)text.data + text.n};
    bool escaped = false;
    *out = json_object_new_object();
    FAIL_IF(*out == NULL, ERR_NOMEM, "out of memory");
    enum err result = read_members(&s, keys, *out, &escaped);
    if (result != ERR_OK || escaped) {
        json_object_put(*out);
        *out = NULL;
    }
    /* Rare: then all of it is parsed. */
    return result == ERR_OK && escaped ? json_parse(out, text.data, text.n) : result;
}
