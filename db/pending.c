/*
 * pending.c - see pending.h.
 */
#include "db/pending.h"

#include <string.h>

#include "base/log.h"
#include "db/collection.h"
#include "db/database.h"

static const char PREFIX[] = "removal"; /* then the number, big-endian */

enum { PREFIX_BYTES = sizeof PREFIX - 1, KEY_BYTES = PREFIX_BYTES + 4 };

static struct bytes prefix_key(void)
{
    return (struct bytes){PREFIX, PREFIX_BYTES};
}

static struct record_key key_of(uint32_t number)
{
    struct record_key key = {.n = 0};
    struct record_key digits = record_key_collection(number);
    memcpy(key.data, PREFIX, PREFIX_BYTES);
    memcpy(key.data + PREFIX_BYTES, digits.data, digits.n);
    key.n = PREFIX_BYTES + digits.n;
    return key;
}

static uint32_t number_at(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* One more than the last number. */
static enum err next_number(struct txn *txn, uint32_t *number)
{
    struct cursor cursor;
    *number = 1;
    TRY(cursor_open(txn, STORE_META, prefix_key(), &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL) {
        if (cursor.key.n == KEY_BYTES) {
            *number = number_at((const uint8_t *)cursor.key.data + PREFIX_BYTES) + 1;
        }
        result = cursor_next(&cursor);
    }
    cursor_close(&cursor);
    return result;
}

enum err pending_put(struct txn *txn, struct pending *p)
{
    struct record_key point = record_key_point(p->collection, p->from);
    const char n_point = (char)point.n;
    struct buf value;
    if (p->number == 0) {
        TRY(next_number(txn, &p->number));
    }
    struct record_key key = key_of(p->number);
    buf_init(&value, LIMIT_FILTER_BYTES + RECORD_KEY_MAX + 1);
    enum err result;
    TRY_OUT(buf_append(&value, &n_point, 1));
    TRY_OUT(buf_append(&value, point.data, point.n));
    TRY_OUT(buf_append(&value, p->filter, strlen(p->filter)));
    result = store_put(txn, STORE_META, store_key(&key),
                       (struct bytes){value.data, value.size});
out:
    buf_release(&value);
    return result;
}

enum err pending_delete(struct txn *txn, const struct pending *p)
{
    struct record_key key = key_of(p->number);
    return store_delete(txn, STORE_META, store_key(&key));
}

static enum err read_value(struct bytes value, struct buf *filter, struct pending *p)
{
    const uint8_t *bytes = value.data;
    size_t n_point = value.n == 0 ? 0 : bytes[0];
    FAIL_IF(n_point < 4 || value.n < 1 + n_point, ERR_CORRUPT,
            "a removal that was noted makes no sense");
    p->collection = number_at(bytes + 1);
    TRY(record_key_id((struct bytes){bytes + 1, n_point}, 4, &p->from));
    TRY(buf_append(filter, bytes + 1 + n_point, value.n - 1 - n_point));
    p->filter = filter->data;
    return ERR_OK;
}

enum err pending_next(struct txn *txn, uint32_t after, struct buf *filter,
                      struct pending *p)
{
    struct record_key from = key_of(after + 1);
    struct cursor cursor;
    *p = (struct pending){.number = 0};
    buf_clear(filter);
    TRY(cursor_open(txn, STORE_META, prefix_key(), &cursor));
    enum err result = cursor_seek(&cursor, store_key(&from));
    if (result == ERR_OK && cursor.key.data != NULL && cursor.key.n == KEY_BYTES) {
        p->number = number_at((const uint8_t *)cursor.key.data + PREFIX_BYTES);
        result = read_value(cursor.value, filter, p);
    }
    cursor_close(&cursor);
    return result;
}

/* ---- Finishing ---- */

/* The name of the collection with that number; "" where it was dropped. */
static enum err find_name(struct txn *txn, uint32_t number,
                          char name[LIMIT_NAME_BYTES + 1])
{
    struct cursor cursor;
    struct record_collection c;
    name[0] = '\0';
    TRY(cursor_open(txn, STORE_COLLECTIONS, (struct bytes){"", 0}, &cursor));
    enum err result = ERR_OK;
    while (result == ERR_OK && cursor.key.data != NULL && name[0] == '\0') {
        if (record_collection_read(&c, cursor.value) == ERR_OK && c.number == number) {
            result = collection_key_name(cursor.key, name);
        }
        if (result == ERR_OK) {
            result = cursor_next(&cursor);
        }
    }
    cursor_close(&cursor);
    return result;
}

static enum err delete_body(struct txn *txn, void *arg)
{
    return pending_delete(txn, arg);
}

static enum err finish_next(struct duet *db, struct buf *filter, struct pending *p)
{
    char name[LIMIT_NAME_BYTES + 1] = "";
    struct txn txn;
    TRY(store_read(db->store, &txn));
    enum err result = pending_next(&txn, p->number, filter, p);
    if (result == ERR_OK && p->number != 0) {
        result = find_name(&txn, p->collection, name);
    }
    store_end(&txn);
    TRY(result);
    if (p->number == 0) {
        return ERR_OK;
    }
    return name[0] == '\0' ? store_update(db->store, delete_body, p)
                           : pending_go_on(db, name, p);
}

void pending_finish(struct duet *db)
{
    struct pending p = {.number = 0};
    struct buf filter;
    buf_init(&filter, LIMIT_FILTER_BYTES);
    do {
        uint32_t before = p.number;
        if (finish_next(db, &filter, &p) != ERR_OK) {
            log_warn("a removal that was cut off could not be finished: %s",
                     err_detail());
            /* On with those behind it, if it is known which it was. */
            p.number = p.number == before ? 0 : p.number;
        }
    } while (p.number != 0);
    buf_release(&filter);
}
