/*
 * payload_schema.h - what the dialect says of an index: "keyword", or an object with a
 * "type" and what belongs to it.
 *
 *     struct payload_schema schema;
 *     TRY(payload_schema_parse(&schema, "{\"type\":\"text\",\"tokenizer\":\"word\"}"));
 *     ...
 *     payload_schema_release(&schema);
 *
 * Where no tokenizer is named it is the multilingual one. What only says where an index
 * is kept (on_disk, memory) or what it will be used for (is_tenant, lookup, ...) is
 * taken and changes nothing. Any thread.
 */
#ifndef DB_PAYLOAD_SCHEMA_H
#define DB_PAYLOAD_SCHEMA_H

#include "base/json.h"
#include "db/duet.h"
#include "db/words.h"

struct payload_schema {
    enum duet_index_kind kind;
    const char *params; /* the object as JSON text, of `json`; NULL: a name alone */
    struct words_how how;
    struct json_object *json; /* owned */
};

/* ERR_INVALID, ERR_UNSUPPORTED begin with the way to the mistake ("field_schema.…"). On
 * failure there is nothing to release. */
enum err payload_schema_parse(struct payload_schema *out, const char *text) ERR_CHECK;
void payload_schema_release(struct payload_schema *schema);

#endif
