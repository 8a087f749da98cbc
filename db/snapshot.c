/*
 * snapshot.c - see duet_snapshot.h: the files in snapshots/.
 *
 *     snapshots/NAME.snapshot              of the whole database
 *     snapshots/COLLECTION/NAME.snapshot   of one
 *     …/NAME.snapshot.sha256               its checksum, 64 hex digits
 *     …/NAME.snapshot.part                 one that comes in parts
 *
 * A collection may be called anything, ".." too, so its folder is called after it with
 * all but letters, digits and '_' as %XX, and after the hash of its name where that is
 * too long. All below snapshots/ is opened from the folder's own descriptor, without
 * following links.
 */
#include "db/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "db/backup_one.h"
#include "db/collection.h"
#include "db/database.h"
#include "db/model_manifest.h"

#define ENDING ".snapshot"

enum {
    FOLDER_MAX = 192, /* bytes of the name of a collection's folder */
    PATH_ROOM = FOLDER_MAX + DUET_SNAPSHOT_NAME_MAX + 32
};

/* ---- Names ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

static enum err check_name(const char *name)
{
    size_t n = strlen(name);
    size_t n_ending = strlen(ENDING);
    bool sound = n > n_ending && n < DUET_SNAPSHOT_NAME_MAX && name[0] != '.' &&
                 strcmp(name + n - n_ending, ENDING) == 0;
    for (size_t i = 0; sound && i < n; i++) {
        sound = is_plain(name[i]) || name[i] == '.';
    }
    FAIL_IF(!sound, ERR_INVALID,
            "a snapshot's name is of letters, digits, '.', '_' and '-' (%d bytes at "
            "most), does not begin with a dot, and ends in %s",
            DUET_SNAPSHOT_NAME_MAX - 1, ENDING);
    return ERR_OK;
}

static void folder_name(const char *collection, char name[FOLDER_MAX])
{
    size_t n = 0;
    for (const char *c = collection; *c != '\0' && n + 4 < FOLDER_MAX; c++) {
        n += (size_t)snprintf(name + n, FOLDER_MAX - n, is_plain(*c) ? "%c" : "%%%02X",
                              (unsigned char)*c);
    }
    if (strlen(collection) * 3 >= FOLDER_MAX - 4) {
        XXH64_hash_t hash = XXH3_64bits(collection, strlen(collection));
        snprintf(name, FOLDER_MAX, "%%%016llx", (unsigned long long)hash);
    }
}

/* Where a collection's snapshots are, by its own name, not by an alias. With `must`
 * it has to be there. */
static enum err find_folder(struct duet *db, const char *collection, bool must,
                            char path[PATH_MAX])
{
    char name[FOLDER_MAX] = "";
    if (collection != NULL) {
        struct txn txn;
        struct record_collection c;
        TRY(collection_check_name(collection, "collection"));
        TRY(store_read(db->store, &txn));
        enum err result = collection_get(&txn, collection, &c);
        store_end(&txn);
        if (result != ERR_OK && (must || result != ERR_NOT_FOUND)) {
            return result;
        }
        folder_name(result == ERR_OK ? c.name : collection, name);
    }
    int n = snprintf(path, PATH_MAX, "%s/snapshots/%s", db->folder, name);
    FAIL_IF(n < 0 || n + PATH_ROOM > PATH_MAX, ERR_LIMIT, "the path is too long");
    return ERR_OK;
}

/* The path of a snapshot's file, or of one beside it. */
static enum err find_file(struct duet *db, const char *collection, const char *name,
                          const char *ending, char path[PATH_MAX])
{
    TRY(check_name(name));
    TRY(find_folder(db, collection, false, path));
    size_t n = strlen(path);
    snprintf(path + n, PATH_MAX - n, "/%s%s", name, ending);
    return ERR_OK;
}

/* "things-2026-01-31-12-00-00-123.snapshot", of the collection's name what may be said. */
static void make_name(const char *collection, char name[DUET_SNAPSHOT_NAME_MAX])
{
    char stem[64];
    size_t n = 0;
    const char *from = collection == NULL ? "full-snapshot" : collection;
    for (; *from != '\0' && n < sizeof stem - 1; n++, from++) {
        stem[n] = is_plain(*from) ? *from : '_';
    }
    stem[n] = '\0';
    int64_t now_ms = clock_wall_ms();
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    char when[32];
    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%d-%H-%M-%S", &tm);
    snprintf(name, DUET_SNAPSHOT_NAME_MAX, "%s-%s-%03d" ENDING, stem, when,
             (int)(now_ms % 1000));
}

/* ---- What is known of one ---- */

enum err snapshot_check_hash(int fd, const char *sha256)
{
    char path[32];
    char hex[HASH_HEX_BYTES];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* from its beginning */
    TRY(hash_file_hex(path, HASH_SHA256, NULL, NULL, hex));
    FAIL_IF(strcasecmp(hex, sha256) != 0, ERR_INVALID,
            "the snapshot's checksum is %s, not %.64s", hex, sha256);
    return ERR_OK;
}

/* Writes the checksum beside the file. */
static enum err keep_hash(const char *path, char hex[HASH_HEX_BYTES])
{
    char beside[PATH_MAX];
    TRY(hash_file_hex(path, HASH_SHA256, NULL, NULL, hex));
    snprintf(beside, sizeof beside, "%.*s.sha256", PATH_MAX - 16, path);
    return file_write(beside, hex, HASH_HEX_BYTES - 1);
}

static void read_hash(const char *path, char hex[HASH_HEX_BYTES])
{
    char beside[PATH_MAX];
    struct buf text;
    buf_init(&text, HASH_HEX_BYTES);
    snprintf(beside, sizeof beside, "%.*s.sha256", PATH_MAX - 16, path);
    hex[0] = '\0';
    if (file_read(beside, &text) == ERR_OK && text.size == HASH_HEX_BYTES - 1 &&
        strspn(text.data, "0123456789abcdef") == text.size) {
        memcpy(hex, text.data, HASH_HEX_BYTES);
    }
    buf_release(&text);
}

static enum err describe(const char *path, struct duet_snapshot *out)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return err_errno(errno, "%s", path);
    }
    FAIL_IF(!S_ISREG(st.st_mode), ERR_NOT_FOUND, "%s: no file", path);
    *out = (struct duet_snapshot){.size_bytes = (uint64_t)st.st_size,
                                  .created_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
                                                st.st_mtim.tv_nsec / 1000000};
    snprintf(out->name, sizeof out->name, "%s", strrchr(path, '/') + 1);
    read_hash(path, out->sha256);
    return ERR_OK;
}

/* ---- Making, listing, deleting ---- */

enum err duet_snapshot_create(struct duet *db, const char *collection,
                              struct duet_snapshot *out)
{
    char path[PATH_MAX];
    char name[DUET_SNAPSHOT_NAME_MAX];
    char hex[HASH_HEX_BYTES];
    struct duet_backup_result counts;
    *out = (struct duet_snapshot){.size_bytes = 0};
    TRY(db_check_writable(db));
    TRY(find_folder(db, collection, true, path));
    TRY(file_make_folders(path));
    size_t n = strlen(path);
    enum err result = ERR_EXISTS; /* two of one millisecond: the second waits for it */
    for (int i = 0; i < 10 && result == ERR_EXISTS; i++) {
        usleep(i > 0 ? 1000 : 0);
        make_name(collection, name);
        snprintf(path + n, sizeof path - n, "/%s", name);
        result = backup_one(db, collection, path, &counts);
    }
    TRY(result);
    result = keep_hash(path, hex);
    if (result != ERR_OK) {
        unlink(path);
        return result;
    }
    return describe(path, out);
}

static enum err add_to_list(struct duet_snapshots *list, const char *folder,
                            const char *name)
{
    char path[PATH_MAX];
    FAIL_IF(list->n >= LIMIT_SNAPSHOTS_MAX, ERR_LIMIT,
            "there are more than %d snapshots", LIMIT_SNAPSHOTS_MAX);
    struct duet_snapshot *items = alloc_resize(list->items, list->n + 1, sizeof *items);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    list->items = items;
    snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - PATH_ROOM, folder, name);
    enum err result = describe(path, &items[list->n]);
    list->n += result == ERR_OK;
    return result == ERR_NOT_FOUND ? ERR_OK : result; /* a folder, or deleted since */
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct duet_snapshot *)a)->name,
                  ((const struct duet_snapshot *)b)->name);
}

enum err duet_snapshots_list(struct duet *db, const char *collection,
                             struct duet_snapshots *out)
{
    char path[PATH_MAX];
    *out = (struct duet_snapshots){0};
    TRY(find_folder(db, collection, true, path));
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? ERR_OK : err_errno(errno, "%s", path);
    }
    enum err result = ERR_OK;
    for (struct dirent *e = readdir(folder); e != NULL && result == ERR_OK;
         e = readdir(folder)) {
        if (check_name(e->d_name) == ERR_OK) {
            result = add_to_list(out, path, e->d_name);
        }
    }
    closedir(folder);
    if (result != ERR_OK) {
        duet_snapshots_release(out);
    } else if (out->n > 0) {
        qsort(out->items, out->n, sizeof *out->items, compare);
    }
    return result;
}

void duet_snapshots_release(struct duet_snapshots *list)
{
    alloc_free(list->items);
    *list = (struct duet_snapshots){0};
}

enum err duet_snapshot_delete(struct duet *db, const char *collection, const char *name)
{
    char path[PATH_MAX];
    TRY(db_check_writable(db));
    TRY(find_file(db, collection, name, ".part", path));
    bool part = unlink(path) == 0;
    TRY(find_file(db, collection, name, ".sha256", path));
    unlink(path);
    TRY(find_file(db, collection, name, "", path));
    if (unlink(path) != 0) {
        FAIL_IF(errno == ENOENT && !part, ERR_NOT_FOUND, "there is no snapshot '%s'",
                name);
        return part ? ERR_OK : err_errno(errno, "%s", path);
    }
    *strrchr(path, '/') = '\0';
    return file_sync_folder(path);
}

/* ---- Opening ---- */

/* Opens `name` in the folder `at`, which is closed; *fd is -1 on failure. */
static enum err open_below(int *at, const char *name, size_t n, int flags)
{
    char part[NAME_MAX + 1];
    int fd = -1;
    if (n > 0 && n <= NAME_MAX && name[0] != '.') {
        memcpy(part, name, n);
        part[n] = '\0';
        fd = openat(*at, part, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    }
    close(*at);
    *at = fd;
    FAIL_IF(fd < 0, ERR_NOT_FOUND, "there is no such snapshot");
    return ERR_OK;
}

/* What a path has behind the folder of snapshots; NULL: it is elsewhere. */
static const char *below_folder(const struct duet *db, const char *path)
{
    char folder[PATH_MAX];
    char real[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s/snapshots", PATH_MAX - 16, db->folder);
    const char *roots[] = {realpath(folder, real), folder};
    for (size_t i = 0; i < 2; i++) {
        size_t n = roots[i] == NULL ? 0 : strlen(roots[i]);
        if (n > 0 && strncmp(path, roots[i], n) == 0 && path[n] == '/') {
            return path + n + 1;
        }
    }
    return NULL;
}

/* Opens "NAME" or "COLLECTION/NAME" below the folder of snapshots. */
static enum err open_path(const struct duet *db, const char *path, int *fd)
{
    char folder[PATH_MAX];
    const char *slash = strchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    TRY(check_name(name));
    snprintf(folder, sizeof folder, "%.*s/snapshots", PATH_MAX - 16, db->folder);
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FAIL_IF(*fd < 0, ERR_NOT_FOUND, "there is no such snapshot");
    if (slash != NULL) {
        TRY(open_below(fd, path, (size_t)(slash - path), O_DIRECTORY));
    }
    return open_below(fd, name, strlen(name), 0);
}

/* As above, in the folder of the collection. */
static enum err open_name(struct duet *db, const char *collection, const char *name,
                          int *fd)
{
    char path[PATH_MAX];
    TRY(find_file(db, collection, name, "", path));
    const char *below = below_folder(db, path);
    FAIL_IF(below == NULL, ERR_NOT_FOUND, "there is no snapshot '%s'", name);
    below += strspn(below, "/");
    return open_path(db, below, fd) == ERR_OK
               ? ERR_OK
               : err_set(ERR_NOT_FOUND, "there is no snapshot '%s'", name);
}

enum err duet_snapshot_locate(struct duet *db, const char *collection,
                              const char *location, struct duet_snapshot_file *out)
{
    struct stat st;
    *out = (struct duet_snapshot_file){.fd = -1};
    FAIL_IF(strncasecmp(location, "http://", 7) == 0 ||
                strncasecmp(location, "https://", 8) == 0,
            ERR_UNSUPPORTED,
            "snapshots are not fetched from URLs; upload the file instead");
    if (strncmp(location, "file://", 7) == 0) {
        const char *below = below_folder(db, location + 7);
        FAIL_IF(below == NULL, ERR_INVALID,
                "only files in the database's own folder of snapshots are read");
        TRY(open_path(db, below, &out->fd));
    } else {
        TRY(open_name(db, collection, location, &out->fd));
    }
    if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(out->fd);
        out->fd = -1;
        return err_set(ERR_NOT_FOUND, "there is no such snapshot");
    }
    out->size_bytes = (uint64_t)st.st_size;
    return ERR_OK;
}

/* ---- Coming in ---- */

enum err duet_snapshot_scratch(struct duet *db, int *fd)
{
    char path[PATH_MAX];
    *fd = -1;
    TRY(db_check_writable(db));
    TRY(find_folder(db, NULL, false, path));
    TRY(file_make_folders(path));
    size_t n = strlen(path);
    snprintf(path + n, sizeof path - n, "/.XXXXXX");
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0) {
        return err_errno(errno, "%s", path);
    }
    unlink(path);
    return ERR_OK;
}

static enum err write_at(int fd, const struct duet_snapshot_part *part)
{
    for (size_t at = 0; at < part->n;) {
        ssize_t n = pwrite(fd, (const char *)part->bytes + at, part->n - at,
                           (off_t)(part->offset + at));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(errno, "a part of a snapshot");
        }
        at += (size_t)n;
    }
    return ERR_OK;
}

/* Puts the part behind what is there already. */
static enum err add_part(int fd, const struct duet_snapshot_part *part)
{
    struct stat st;
    FAIL_IF(flock(fd, LOCK_EX | LOCK_NB) != 0, ERR_BUSY,
            "another part of that snapshot is being written");
    if (part->offset == 0 && ftruncate(fd, 0) != 0) {
        return err_errno(errno, "a part of a snapshot");
    }
    if (fstat(fd, &st) != 0) {
        return err_errno(errno, "a part of a snapshot");
    }
    FAIL_IF((uint64_t)st.st_size != part->offset, ERR_CONFLICT,
            "there are %lld bytes of that snapshot, so the next part begins there",
            (long long)st.st_size);
    return write_at(fd, part);
}

/* The whole is there: it gets its name. */
static enum err end_parts(int fd, const char *from, const char *to,
                          const struct duet_snapshot_part *part)
{
    char hex[HASH_HEX_BYTES];
    enum err result = ERR_OK;
    if (part->sha256 != NULL) {
        result = snapshot_check_hash(fd, part->sha256);
    }
    if (result == ERR_OK && fsync(fd) != 0) {
        result = err_errno(errno, "%s", from);
    }
    if (result == ERR_OK) {
        result = file_rename_new(from, to);
    }
    if (result != ERR_OK) {
        unlink(from);
        return result;
    }
    return keep_hash(to, hex);
}

static enum err check_part(const struct duet_snapshot_part *part)
{
    FAIL_IF(part->total > LIMIT_SNAPSHOT_BYTES, ERR_LIMIT,
            "a snapshot of %llu bytes is more than %llu",
            (unsigned long long)part->total, LIMIT_SNAPSHOT_BYTES);
    FAIL_IF(part->n == 0, ERR_INVALID, "the part is empty");
    FAIL_IF(part->offset > part->total || part->n > part->total - part->offset,
            ERR_INVALID, "the part goes past the snapshot's %llu bytes",
            (unsigned long long)part->total);
    return ERR_OK;
}

enum err duet_snapshot_put(struct duet *db, const char *collection, const char *name,
                           const struct duet_snapshot_part *part, bool *done)
{
    char path[PATH_MAX];
    char waiting[PATH_MAX];
    *done = false;
    TRY(db_check_writable(db));
    TRY(check_part(part));
    TRY(find_folder(db, collection, false, path));
    TRY(file_make_folders(path));
    TRY(find_file(db, collection, name, "", path));
    TRY(find_file(db, collection, name, ".part", waiting));
    FAIL_IF(access(path, F_OK) == 0, ERR_EXISTS, "there is a snapshot '%s' already",
            name);
    int fd = open(waiting, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return err_errno(errno, "%s", waiting);
    }
    enum err result = add_part(fd, part);
    if (result == ERR_OK && part->offset + part->n == part->total) {
        result = end_parts(fd, waiting, path, part);
        *done = result == ERR_OK;
    }
    close(fd);
    return result;
}
