/*
 * repair_indexes.c - see repair.h.
 *
 * An index that does not agree with the points is begun again under another number; the
 * builder, which is started last, gives it its rows and takes the old ones away.
 */
#include "db/repair.h"

#include "db/payload_index.h"

static enum err drop_rows(struct txn *txn, uint32_t collection, uint16_t number)
{
    struct record_key key = record_key_dropped_index(collection, number);
    return store_put(txn, STORE_DROPPED, store_key(&key), (struct bytes){"", 0});
}

/* A definition that makes no sense keeps the collection from being written or filtered:
 * it goes, and its rows. Where the walk stands after a deletion, it begins again. */
static enum err drop_unreadable(struct verify *v, struct txn *txn, bool *dropped)
{
    struct record_key prefix = record_key_collection(v->record.number);
    struct cursor cursor;
    *dropped = false;
    TRY(cursor_open(txn, STORE_INDEXES, store_key(&prefix), &cursor));
    enum err result = ERR_OK;
    while (cursor.key.data != NULL && !*dropped) {
        uint16_t number = 0;
        if (payload_index_check(cursor.key, cursor.value) == ERR_OK) {
            TRY_OUT(cursor_next(&cursor));
            continue;
        }
        verify_tell(v, DUET_DAMAGE, NULL,
                    "an index that cannot be read is taken out: %s", err_detail());
        *dropped = true;
        enum err has_number = record_key_index_number(cursor.key, &number);
        TRY_OUT(cursor_delete(&cursor));
        if (has_number == ERR_OK) {
            TRY_OUT(drop_rows(txn, v->record.number, number));
        }
    }
out:
    cursor_close(&cursor);
    return result;
}

static enum err fix_index(struct verify *v, struct txn *txn,
                          const struct payload_index *index)
{
    bool sound;
    TRY(verify_index(v, txn, index, &sound));
    return sound ? ERR_OK : payload_index_begin_again(txn, v->record.number, index);
}

enum err repair_indexes(struct verify *v, struct txn *txn)
{
    struct payload_indexes indexes;
    bool dropped;
    do {
        TRY(drop_unreadable(v, txn, &dropped));
    } while (dropped);
    TRY(payload_indexes_load(&indexes, txn, v->record.number));
    enum err result = verify_stray_indexes(v, txn, &indexes, drop_rows);
    for (size_t i = 0; i < indexes.n && result == ERR_OK; i++) {
        result = fix_index(v, txn, &indexes.items[i]);
    }
    payload_indexes_release(&indexes);
    return result;
}
