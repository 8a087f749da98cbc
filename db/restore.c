/*
 * restore.c - see duet_restore_fd in duet_keep.h.
 *
 * All is made in a folder of another name beside the final one, which is renamed in the
 * end; so what was cut short is never taken for a database.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "db/backup_stream.h"
#include "db/duet_keep.h"
#include "db/media_walk.h"
#include "db/store.h"

enum {
    GROUP_BYTES = 32 << 20, /* of rows in a transaction */
    PAGE_ROOM = 256         /* bytes that a path may still grow by */
};

struct restore {
    char folder[PATH_MAX]; /* the temporary one */
    struct store *store;
    struct backup_stream stream;
    struct backup_counts counts;
    struct buf block;
    struct buf rows; /* blocks of rows that wait, each behind its size as u64 */
    struct buf file; /* pieces so far of the file `name` */
    char name[256];
    bool has_format; /* the database's own record was among the rows */
};

/* ---- Rows ---- */

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

/* The database's own record takes the place of the one that its making wrote. */
static enum err put_meta(struct restore *r, struct txn *txn, struct bytes key,
                         struct bytes value)
{
    struct record_format format;
    struct bytes known = store_format_key();
    if (key.n != known.n || memcmp(key.data, known.data, known.n) != 0) {
        return store_put(txn, STORE_META, key, value);
    }
    TRY(record_format_read(&format, value));
    r->has_format = true;
    format.page_size = store_format(txn->store)->page_size;
    format.version = RECORD_FORMAT_VERSION; /* the tables it lacked are there, empty */
    return store_put_format(txn, &format);
}

static enum err put_block(struct restore *r, struct txn *txn, struct bytes in)
{
    char name[256];
    enum store_table table = STORE_META;
    TRY(backup_get_name(&in, name));
    TRY(find_table(name, &table));
    while (in.n > 0) {
        struct bytes key;
        struct bytes value;
        TRY(backup_get_row(&in, &key, &value));
        TRY(table == STORE_META ? put_meta(r, txn, key, value)
                                : store_append(txn, table, key, value));
        r->counts.n_rows++;
        r->counts.n_points += table == STORE_POINTS ? 1 : 0;
    }
    return ERR_OK;
}

struct put_all {
    struct restore *restore;
    struct backup_counts before;
};

/* A store_body, which may run again. */
static enum err put_blocks(struct txn *txn, void *arg)
{
    struct put_all *all = arg;
    struct restore *r = all->restore;
    struct bytes in = {r->rows.data, r->rows.size};
    r->counts = all->before;
    while (in.n > 0) {
        uint64_t n;
        TRY(backup_get_u64(&in, &n));
        TRY(put_block(r, txn, (struct bytes){in.data, (size_t)n}));
        in.data = (const char *)in.data + n;
        in.n -= (size_t)n;
    }
    return ERR_OK;
}

static enum err flush_rows(struct restore *r)
{
    struct put_all all = {r, r->counts};
    TRY(store_update(r->store, put_blocks, &all));
    buf_clear(&r->rows);
    return ERR_OK;
}

static enum err add_rows(struct restore *r)
{
    TRY(backup_put_u64(&r->rows, r->block.size));
    TRY(buf_append(&r->rows, r->block.data, r->block.size));
    return r->rows.size >= GROUP_BYTES ? flush_rows(r) : ERR_OK;
}

/* ---- Files ---- */

static enum err write_media(struct restore *r)
{
    char path[PATH_MAX];
    struct media_file file;
    media_file_parse(&file, r->name);
    FAIL_IF(file.kind == MEDIA_OTHER ||
                !media_is_sound(&file, r->file.data, r->file.size),
            ERR_CORRUPT, "the backup has a picture that is none");
    int n = snprintf(path, sizeof path, "%s/media/%.2s", r->folder, r->name);
    FAIL_IF(n < 0 || (size_t)n + PAGE_ROOM > sizeof path, ERR_LIMIT,
            "the path is too long");
    TRY(file_make_folders(path));
    snprintf(path + n, sizeof path - (size_t)n, "%s", r->name + 2);
    r->counts.n_files++;
    return file_write_unsynced(path, r->file.data, r->file.size);
}

static enum err add_piece(struct restore *r)
{
    struct bytes in = {r->block.data, r->block.size};
    char name[256];
    uint64_t at;
    uint64_t size;
    TRY(backup_get_name(&in, name));
    TRY(backup_get_u64(&in, &at));
    TRY(backup_get_u64(&in, &size));
    if (at == 0) {
        buf_clear(&r->file);
        memcpy(r->name, name, sizeof name);
    }
    FAIL_IF(strcmp(name, r->name) != 0 || at != r->file.size || size < in.n ||
                at > size - in.n,
            ERR_CORRUPT, "the pieces of a picture in the backup do not fit");
    TRY(buf_append(&r->file, in.data, in.n));
    return r->file.size == size ? write_media(r) : ERR_OK;
}

/* ---- All of it ---- */

static enum err check_end(struct restore *r)
{
    struct bytes in = {r->block.data, r->block.size};
    struct backup_counts told;
    char more;
    TRY(flush_rows(r));
    TRY(backup_get_u64(&in, &told.n_rows));
    TRY(backup_get_u64(&in, &told.n_files));
    TRY(backup_get_u64(&in, &told.n_points));
    FAIL_IF(told.n_rows != r->counts.n_rows || told.n_files != r->counts.n_files ||
                told.n_points != r->counts.n_points,
            ERR_CORRUPT, "the backup holds less or more than it says");
    FAIL_IF(!r->has_format, ERR_CORRUPT, "the backup holds no database");
    FAIL_IF(read(r->stream.fd, &more, 1) > 0, ERR_CORRUPT,
            "there is more behind the end of the backup");
    return ERR_OK;
}

static enum err read_blocks(struct restore *r)
{
    for (;;) {
        enum backup_kind kind;
        TRY(backup_read_block(&r->stream, &kind, &r->block));
        switch (kind) {
        case BACKUP_ROWS:
            TRY(add_rows(r));
            break;
        case BACKUP_FILE:
            TRY(add_piece(r));
            break;
        case BACKUP_END:
            return check_end(r);
        }
    }
}

/* Everything of the file system, since each picture by itself would take minutes. */
static enum err sync_files(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", folder);
    }
    enum err result = syncfs(fd) == 0 ? ERR_OK : err_errno(errno, "%s: sync", folder);
    close(fd);
    return result;
}

static enum err fill_folder(struct restore *r, int fd)
{
    struct store_options o = {.folder = r->folder, .write = true, .create = true};
    TRY(backup_read_head(&r->stream, fd));
    TRY(store_open(&r->store, &o));
    enum err result = read_blocks(r);
    store_close(r->store);
    TRY(result);
    return sync_files(r->folder);
}

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static enum err restore_into(struct restore *r, int fd, const char *folder)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/') {
        n--;
    }
    int written = snprintf(r->folder, sizeof r->folder, "%.*s.XXXXXX", (int)n, folder);
    FAIL_IF(written < 0 || written + PAGE_ROOM > PATH_MAX, ERR_LIMIT,
            "the path is too long");
    FAIL_IF(access(folder, F_OK) == 0, ERR_EXISTS, "%s: is there already", folder);
    if (mkdtemp(r->folder) == NULL) {
        return err_errno(errno, "%s", r->folder);
    }
    enum err result = fill_folder(r, fd);
    if (result == ERR_OK && chmod(r->folder, 0755) != 0) {
        result = err_errno(errno, "%s", r->folder);
    }
    if (result == ERR_OK) {
        result = file_rename_new(r->folder, folder);
    }
    if (result != ERR_OK) {
        nftw(r->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    return result;
}

enum err duet_restore_fd(int fd, const char *folder, struct duet_backup_result *result)
{
    struct restore r = {.store = NULL};
    *result = (struct duet_backup_result){0};
    buf_init(&r.block, BACKUP_BLOCK_MAX);
    buf_init(&r.rows, GROUP_BYTES + BACKUP_BLOCK_MAX + sizeof(uint64_t));
    buf_init(&r.file, LIMIT_IMAGE_FILE_BYTES);
    enum err outcome = restore_into(&r, fd, folder);
    buf_release(&r.block);
    buf_release(&r.rows);
    buf_release(&r.file);
    *result = (struct duet_backup_result){r.counts.n_points, r.counts.n_rows,
                                          r.counts.n_files, r.stream.n_bytes};
    return outcome;
}
