/*
 * json_out.h - writes JSON text, for replies.
 *
 *     struct json_out out;
 *     out_init(&out, LIMIT_REPLY_BYTES);
 *     out_begin(&out, '{');
 *     out_key(&out, "count");
 *     out_size(&out, 3);
 *     out_end(&out, '}');
 *     TRY_OUT(out.failed);              // once, at the end
 *     use(out.text.data, out.text.size);
 *     out_release(&out);
 *
 * A tree of json-c objects would copy every payload and vector of an answer; this only
 * appends. The first failure (ERR_LIMIT, ERR_NOMEM) stays in `failed` and makes all
 * later calls do nothing. Commas are the writer's business; balanced begin and end are
 * the caller's. One thread at a time.
 */
#ifndef NET_JSON_OUT_H
#define NET_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct json_out {
    struct buf text;
    enum err failed;
    bool needs_comma; /* the next value or key has one before it */
};

/* An empty text of at most `max_size` bytes. */
void out_init(struct json_out *o, size_t max_size);
void out_release(struct json_out *o);

/* Back to the empty text, as after out_init. */
void out_clear(struct json_out *o);

/* '{' or '[', and their ends. */
void out_begin(struct json_out *o, char bracket);
void out_end(struct json_out *o, char bracket);

/* The key of the member whose value comes next. */
void out_key(struct json_out *o, const char *key);

/* Values. A string's bytes that are not UTF-8 come out as U+FFFD, so that the text is
 * always valid; NULL is null. A number that is not finite is null. */
void out_string(struct json_out *o, const char *s);
void out_text(struct json_out *o, const char *s, size_t n); /* NULs as \u0000 */
void out_size(struct json_out *o, uint64_t value);
void out_int(struct json_out *o, int64_t value);
void out_float(struct json_out *o, float value); /* reads back as the same float */
void out_double(struct json_out *o, double value);
void out_real(struct json_out *o,
              double value); /* the same double, never as if whole */
void out_bool(struct json_out *o, bool value);
void out_null(struct json_out *o);

/* One value that is JSON text already. */
void out_json(struct json_out *o, const char *json, size_t n);

#endif
