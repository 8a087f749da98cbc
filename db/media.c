/*
 * media.c - see media.h, db_media_put, db_media_has and duet_thumbnail.
 */
#include "db/media.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "db/collection.h"

enum {
    NAME_BYTES = 64 /* "/media/ab/" and 30 digits and ".orig" and a temporary's end */
};

/* The path of the file with this hash, and of its folder. */
static enum err media_path(const struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                           const char *ending, char path[PATH_MAX])
{
    size_t n = strlen(db->folder);
    FAIL_IF(n + NAME_BYTES > PATH_MAX, ERR_LIMIT,
            "the path of the database is too long");
    int at = snprintf(path, PATH_MAX, "%s/media/%02x/", db->folder, hash[0]);
    for (size_t i = 1; i < DB_HASH_BYTES; i++) {
        at += snprintf(path + at, PATH_MAX - (size_t)at, "%02x", hash[i]);
    }
    snprintf(path + at, PATH_MAX - (size_t)at, "%s", ending);
    return ERR_OK;
}

static enum err make_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    enum err result = file_make_folders(path);
    *slash = '/';
    return result;
}

enum err db_media_put(struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                      const void *bytes, size_t n)
{
    char path[PATH_MAX];
    if (db_media_has(db, hash)) {
        return ERR_OK;
    }
    TRY(media_path(db, hash, ".jpg", path));
    TRY(make_folder_of(path));
    return file_write_unsynced(path, bytes, n);
}

static bool has_file(const struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                     const char *ending)
{
    char path[PATH_MAX];
    struct stat st;
    return media_path(db, hash, ending, path) == ERR_OK && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_size > 0;
}

bool db_media_has(const struct duet *db, const uint8_t hash[DB_HASH_BYTES])
{
    return has_file(db, hash, ".jpg");
}

bool media_has_original(const struct duet *db, const uint8_t hash[DB_HASH_BYTES])
{
    return has_file(db, hash, ".orig");
}

enum err media_read_original(const struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                             struct buf *out)
{
    char path[PATH_MAX];
    TRY(media_path(db, hash, ".orig", path));
    return file_read(path, out);
}

enum err media_put_original(struct duet *db, const uint8_t hash[DB_HASH_BYTES],
                            const void *bytes, size_t n)
{
    char path[PATH_MAX];
    TRY(media_path(db, hash, ".orig", path));
    if (access(path, F_OK) == 0) {
        return ERR_OK;
    }
    TRY(make_folder_of(path));
    return file_write(path, bytes, n);
}

/* ---- Sweeping ---- */

static void delete_file(const struct duet *db, const uint8_t *hash, const char *ending)
{
    char path[PATH_MAX];
    if (media_path(db, hash, ending, path) == ERR_OK && unlink(path) != 0 &&
        errno != ENOENT) {
        log_warn("%s: %s", path, strerror(errno));
    }
}

struct sweep {
    struct duet *db;
    const struct buf *hashes;
};

/* Changes no table: it only wants the writers' lock. */
static enum err sweep_body(struct txn *txn, void *arg)
{
    const struct sweep *sweep = arg;
    for (size_t i = 0; i + DB_HASH_BYTES <= sweep->hashes->size; i += DB_HASH_BYTES) {
        const uint8_t *hash = (const uint8_t *)sweep->hashes->data + i;
        struct cursor cursor;
        TRY(cursor_open(txn, STORE_HASHES, (struct bytes){hash, DB_HASH_BYTES},
                        &cursor));
        bool used = cursor.key.data != NULL;
        cursor_close(&cursor);
        if (!used) {
            delete_file(sweep->db, hash, ".jpg");
            delete_file(sweep->db, hash, ".orig");
        }
    }
    return ERR_OK;
}

void media_sweep(struct duet *db, const struct buf *hashes)
{
    struct sweep sweep = {db, hashes};
    if (hashes->size > 0 && store_update(db->store, sweep_body, &sweep) != ERR_OK) {
        log_warn("some thumbnails could not be deleted: %s", err_detail());
    }
}

/* ---- Reading ---- */

static enum err size_of_folder(const char *path, size_t *bytes)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", path);
    }
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        struct stat st;
        if (fstatat(dirfd(folder), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) {
            *bytes += (size_t)st.st_size;
        }
    }
    closedir(folder);
    return ERR_OK;
}

enum err media_size(const struct duet *db, size_t *bytes)
{
    char path[PATH_MAX];
    *bytes = 0;
    for (unsigned i = 0; i < 256; i++) {
        int n = snprintf(path, sizeof path, "%s/media/%02x", db->folder, i);
        FAIL_IF(n < 0 || (size_t)n >= sizeof path, ERR_LIMIT, "the path is too long");
        TRY(size_of_folder(path, bytes));
    }
    return ERR_OK;
}

/* Begins and ends as a JPEG does. */
static bool is_whole_jpeg(const struct buf *b)
{
    const unsigned char *bytes = (const unsigned char *)b->data;
    return b->size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8 &&
           bytes[b->size - 2] == 0xff && bytes[b->size - 1] == 0xd9;
}

static enum err read_thumbnail(const struct duet *db, const struct db_source *source,
                               struct buf *out)
{
    char path[PATH_MAX];
    TRY(media_path(db, source->hash, ".jpg", path));
    TRY(file_read(path, out));
    FAIL_IF(!is_whole_jpeg(out), ERR_NOT_FOUND, "%s: torn; add the picture again",
            path);
    return ERR_OK;
}

enum err duet_thumbnail(struct duet *db, const char *collection, struct duet_id id,
                        void **bytes, size_t *n)
{
    struct db_source source;
    struct buf path;
    struct buf file;
    *bytes = NULL;
    *n = 0;
    buf_init(&path, PATH_MAX);
    buf_init(&file, LIMIT_THUMBNAIL_BYTES);
    enum err result;
    TRY_OUT(db_source_get(db, collection, id, &path, &source));
    TRY_OUT(read_thumbnail(db, &source, &file));
    *n = file.size;
    *bytes = buf_take(&file);
    result = *bytes == NULL ? ERR_NOMEM : ERR_OK;
out:
    buf_release(&path);
    buf_release(&file);
    return result;
}
