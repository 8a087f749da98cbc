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
#include "db/backup_read.h"
#include "db/backup_rows.h"
#include "db/duet_keep.h"
#include "db/store.h"

enum {
    PAGE_ROOM = 256 /* bytes that a path may still grow by */
};

struct restore {
    char folder[PATH_MAX]; /* the temporary one */
    struct store *store;
    struct backup_counts counts;
    uint64_t n_bytes;
    struct backup_group group;
    bool has_format; /* the database's own record was among the rows */
};

/* ---- Rows ---- */

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

static enum err put_row(void *arg, struct txn *txn, enum store_table table,
                        struct bytes key, struct bytes value)
{
    return table == STORE_META ? put_meta(arg, txn, key, value)
                               : store_append(txn, table, key, value);
}

static enum err add_rows(void *arg, const struct buf *block)
{
    struct restore *r = arg;
    return backup_group_add(&r->group, block);
}

/* ---- Files ---- */

static enum err write_media(void *arg, const struct media_file *file,
                            const struct buf *bytes)
{
    struct restore *r = arg;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/media/%.2s", r->folder, file->name);
    FAIL_IF(n < 0 || (size_t)n + PAGE_ROOM > sizeof path, ERR_LIMIT,
            "the path is too long");
    TRY(file_make_folders(path));
    snprintf(path + n, sizeof path - (size_t)n, "%s", file->name + 2);
    return file_write_unsynced(path, bytes->data, bytes->size);
}

/* ---- All of it ---- */

static enum err read_all(struct restore *r, int fd)
{
    const struct backup_visitor visitor = {add_rows, write_media, r};
    TRY(backup_read(fd, &visitor, &r->counts, &r->n_bytes));
    TRY(backup_group_flush(&r->group));
    FAIL_IF(!r->has_format, ERR_CORRUPT, "the backup holds no database");
    return ERR_OK;
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
    TRY(store_open(&r->store, &o));
    backup_group_init(&r->group, r->store, put_row, r);
    enum err result = read_all(r, fd);
    backup_group_release(&r->group);
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
    enum err outcome = restore_into(&r, fd, folder);
    *result = (struct duet_backup_result){r.counts.n_points, r.counts.n_rows,
                                          r.counts.n_files, r.n_bytes};
    return outcome;
}
