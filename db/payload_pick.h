/*
 * payload_pick.h - the members of a payload that somebody asks for, and no others.
 *
 *     static const struct payload_keys keys = {(struct bytes[]){{"price", 5}}, 1};
 *     TRY(payload_pick(&object, record.payload, &keys));
 *     ... json_object_put(object);
 *
 * A filter looks at one or two members of each of a million payloads; to build the tree
 * of all of them costs ten times as much as to step over the rest. What is stepped over
 * is not checked: payloads were, when they were written. Any thread.
 */
#ifndef DB_PAYLOAD_PICK_H
#define DB_PAYLOAD_PICK_H

#include "base/json.h"
#include "db/record.h"

struct payload_keys {
    const struct bytes *keys; /* [n], sorted by payload_key_compare, none twice */
    size_t n;
};

/* For qsort and bsearch: by the bytes, the shorter first. */
int payload_key_compare(const void *a, const void *b);

/* Makes an object (json_object_put) of the members of the object `text` that `keys`
 * names; of one that is there twice, the last. ERR_INVALID: it is no JSON object;
 * ERR_NOMEM. */
enum err payload_pick(struct json_object **out, struct bytes text,
                      const struct payload_keys *keys) ERR_CHECK;

#endif
