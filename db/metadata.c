/*
 * metadata.c - see metadata.h, and duet_collection_set_metadata.
 */
#include "db/metadata.h"

#include <string.h>

#include "base/json.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/payload_edit.h"

static enum err parse(struct json_object **object, const char *text, size_t n)
{
    enum err result = json_parse(object, text, n);
    if (result != ERR_OK) {
        return err_prefix(result, "metadata");
    }
    if (!json_object_is_type(*object, json_type_object)) {
        json_object_put(*object);
        *object = NULL;
        return err_set(ERR_INVALID, "the metadata is not a JSON object");
    }
    return ERR_OK;
}

static enum err check_size(size_t n)
{
    FAIL_IF(n > LIMIT_PAYLOAD_BYTES, ERR_LIMIT, "metadata of %zu bytes is more than %u",
            n, LIMIT_PAYLOAD_BYTES);
    return ERR_OK;
}

enum err metadata_check(const char *text, size_t n)
{
    struct json_object *object;
    if (text == NULL) {
        return ERR_OK;
    }
    TRY(check_size(n));
    TRY(parse(&object, text, n));
    json_object_put(object);
    return ERR_OK;
}

struct change {
    const char *collection;
    struct json_object *values;
};

static enum err put(struct txn *txn, const struct record_key *key,
                    struct json_object *object)
{
    const char *text = json_text(object);
    FAIL_IF(text == NULL, ERR_NOMEM, "out of memory");
    TRY(check_size(strlen(text)));
    return store_put(txn, STORE_METADATA, store_key(key),
                     (struct bytes){text, strlen(text)});
}

static enum err change_body(struct txn *txn, void *arg)
{
    const struct change *change = arg;
    struct record_collection c;
    struct bytes present;
    struct json_object *object;
    TRY(collection_get(txn, change->collection, &c));
    struct record_key key = record_key_collection(c.number);
    TRY(store_get(txn, STORE_METADATA, store_key(&key), &present));
    if (present.data == NULL) {
        present = (struct bytes){"{}", 2};
    }
    TRY(parse(&object, present.data, present.n));
    enum err result = payload_merge(object, change->values);
    if (result == ERR_OK) {
        result = put(txn, &key, object);
    }
    json_object_put(object);
    return result;
}

enum err duet_collection_set_metadata(struct duet *db, const char *name,
                                      const char *metadata, size_t n)
{
    struct change change = {.collection = name};
    TRY(db_check_writable(db));
    TRY(check_size(n));
    TRY(parse(&change.values, metadata, n));
    enum err result = store_update(db->store, change_body, &change);
    json_object_put(change.values);
    return result;
}
