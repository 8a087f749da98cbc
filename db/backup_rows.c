/*
 * backup_rows.c - see backup_rows.h.
 */
#include "db/backup_rows.h"

#include <string.h>

enum { GROUP_BYTES = 32 << 20 /* of rows in a transaction */ };

static enum err find_table(const char *name, enum store_table *table)
{
    for (int i = 0; i < STORE_TABLES; i++) {
        if (strcmp(store_table_name((enum store_table)i), name) == 0) {
            *table = (enum store_table)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_VERSION, "the backup has a table '%.64s', which is not known",
                   name);
}

enum err backup_rows_walk(struct bytes block, struct txn *txn, backup_row *visit,
                          void *arg)
{
    char name[256];
    enum store_table table = STORE_META;
    TRY(backup_get_name(&block, name));
    TRY(find_table(name, &table));
    while (block.n > 0) {
        struct bytes key;
        struct bytes value;
        TRY(backup_get_row(&block, &key, &value));
        TRY(visit(arg, txn, table, key, value));
    }
    return ERR_OK;
}

void backup_group_init(struct backup_group *group, struct store *store, backup_row *put,
                       void *arg)
{
    *group = (struct backup_group){.store = store, .put = put, .arg = arg};
    buf_init(&group->rows, GROUP_BYTES + BACKUP_BLOCK_MAX + sizeof(uint64_t));
}

void backup_group_release(struct backup_group *group)
{
    buf_release(&group->rows);
}

/* A store_body, which may run again. */
static enum err put_blocks(struct txn *txn, void *arg)
{
    struct backup_group *group = arg;
    struct bytes in = {group->rows.data, group->rows.size};
    while (in.n > 0) {
        uint64_t n;
        TRY(backup_get_u64(&in, &n));
        struct bytes block = {in.data, (size_t)n};
        TRY(backup_rows_walk(block, txn, group->put, group->arg));
        in.data = (const char *)in.data + n;
        in.n -= (size_t)n;
    }
    return ERR_OK;
}

enum err backup_group_flush(struct backup_group *group)
{
    TRY(store_update(group->store, put_blocks, group));
    buf_clear(&group->rows);
    return ERR_OK;
}

enum err backup_group_add(struct backup_group *group, const struct buf *block)
{
    TRY(backup_put_u64(&group->rows, block->size));
    TRY(buf_append(&group->rows, block->data, block->size));
    return group->rows.size >= GROUP_BYTES ? backup_group_flush(group) : ERR_OK;
}
