/*
 * file.c - see file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err open_regular(const char *path, int *fd, size_t *size)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */
    if (*fd < 0) {
        return err_errno(errno, "%s", path);
    }
    if (fstat(*fd, &st) != 0) {
        enum err result = err_errno(errno, "%s", path);
        close(*fd);
        return result;
    }
    if (!S_ISREG(st.st_mode)) {
        close(*fd);
        return err_set(ERR_INVALID, "%s: not a regular file", path);
    }
    *size = (size_t)st.st_size;
    return ERR_OK;
}

enum err file_map_open(struct file_map *map, const char *path, size_t max_size)
{
    int fd;
    size_t size;
    *map = (struct file_map){0};
    TRY(open_regular(path, &fd, &size));
    enum err result = ERR_OK;
    if (size > max_size) {
        result =
            err_set(ERR_LIMIT, "%s: %zu bytes are more than %zu", path, size, max_size);
    } else if (size > 0) {
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            result = err_errno(errno, "%s: mmap", path);
        } else {
            *map = (struct file_map){data, size};
        }
    }
    close(fd);
    return result;
}

void file_map_close(struct file_map *map)
{
    if (map->data != NULL) {
        munmap((void *)(size_t)map->data, map->size);
    }
    *map = (struct file_map){0};
}

/* Reads to the end; the size at open is a hint, since a file may be growing. */
static enum err read_all(int fd, const char *path, size_t hint, struct buf *out)
{
    for (;;) {
        char *room = buf_reserve(out, hint + 1);
        if (room == NULL) {
            bool limit = out->max_size - out->size < hint + 1;
            return err_prefix(limit ? ERR_LIMIT : ERR_NOMEM, "%s", path);
        }
        ssize_t n = read(fd, room, hint + 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(errno, "%s", path);
        }
        out->size += (size_t)n;
        out->data[out->size] = '\0';
        if (n == 0) {
            return ERR_OK;
        }
        hint = (size_t)n > hint ? 4096 : hint - (size_t)n;
    }
}

enum err file_read(const char *path, struct buf *out)
{
    int fd;
    size_t size;
    TRY(open_regular(path, &fd, &size));
    enum err result = ERR_OK;
    if (size > out->max_size - out->size) {
        result = err_set(ERR_LIMIT, "%s: %zu bytes are more than %zu", path, size,
                         out->max_size);
    } else {
        out->max_size += 1; /* read_all looks one byte past the end */
        result = read_all(fd, path, size, out);
        out->max_size -= 1;
    }
    close(fd);
    return result;
}

static enum err write_all(int fd, const char *path, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_errno(errno, "%s", path);
        }
        bytes += done;
        n -= (size_t)done;
    }
    return ERR_OK;
}

static enum err sync_fd(int fd, const char *path)
{
    return fsync(fd) == 0 ? ERR_OK : err_errno(errno, "%s: fsync", path);
}

/* The folder part of `path` into dst[PATH_MAX]. */
static void folder_of(const char *path, char *dst)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL) {
        memcpy(dst, ".", 2);
    } else if (n == 0) {
        memcpy(dst, "/", 2);
    } else {
        memcpy(dst, path, n);
        dst[n] = '\0';
    }
}

enum err file_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(errno, "%s", path);
    }
    enum err result = sync_fd(fd, path);
    close(fd);
    return result;
}

/* A new file beside `path`, its name in temporary[PATH_MAX]; -1 and errno else. Not by
 * mkstemp, whose files only their owner may read, whatever the umask says. */
static int open_temporary(const char *path, char *temporary)
{
    static atomic_uint n_made;
    for (;;) {
        snprintf(temporary, PATH_MAX, "%s.%05lx%05x", path,
                 (unsigned long)getpid() & 0xfffff,
                 atomic_fetch_add(&n_made, 1) & 0xfffff);
        int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
}

/* A temporary file beside `path`, renamed when it is whole. */
static enum err write_and_rename(const char *path, const void *bytes, size_t n,
                                 bool sync)
{
    char temporary[PATH_MAX];
    FAIL_IF(strlen(path) + 12 > PATH_MAX, ERR_LIMIT, "%.64s...: the path is too long",
            path);
    int fd = open_temporary(path, temporary);
    if (fd < 0) {
        return err_errno(errno, "%s", temporary);
    }
    enum err result = write_all(fd, temporary, bytes, n);
    if (result == ERR_OK && sync) {
        result = sync_fd(fd, temporary);
    }
    if (close(fd) != 0 && result == ERR_OK) {
        result = err_errno(errno, "%s", temporary);
    }
    if (result == ERR_OK && rename(temporary, path) != 0) {
        result = err_errno(errno, "%s", path);
    }
    if (result != ERR_OK) {
        unlink(temporary);
    }
    return result;
}

enum err file_write(const char *path, const void *bytes, size_t n)
{
    char folder[PATH_MAX];
    TRY(write_and_rename(path, bytes, n, true));
    folder_of(path, folder);
    return file_sync_folder(folder);
}

enum err file_write_unsynced(const char *path, const void *bytes, size_t n)
{
    return write_and_rename(path, bytes, n, false);
}

enum err file_rename_new(const char *from, const char *to)
{
    char folder[PATH_MAX];
    FAIL_IF(strlen(to) >= sizeof folder, ERR_LIMIT, "the path is too long");
    int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
        /* A file system that cannot: nearly the same. */
        FAIL_IF(access(to, F_OK) == 0, ERR_EXISTS, "%s: is there already", to);
        rc = rename(from, to);
    }
    if (rc != 0) {
        return errno == EEXIST ? err_set(ERR_EXISTS, "%s: is there already", to)
                               : err_errno(errno, "%s", to);
    }
    folder_of(to, folder);
    enum err result = file_sync_folder(folder);
    if (result != ERR_OK && rename(to, from) != 0) {
        /* It has the new name, whether or not that outlives a power cut. */
        return err_prefix(result, "%s: renamed, but not durably", to);
    }
    return result;
}

enum err file_make_folders(const char *path)
{
    char partial[PATH_MAX];
    size_t n = strlen(path);
    FAIL_IF(n == 0 || n >= sizeof partial, ERR_INVALID, "not a folder's name: '%.64s'",
            path);
    memcpy(partial, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        char kept = partial[i];
        partial[i] = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST) {
            return err_errno(errno, "%s", partial);
        }
        partial[i] = kept;
    }
    struct stat st;
    FAIL_IF(stat(path, &st) != 0 || !S_ISDIR(st.st_mode), ERR_INVALID,
            "%s: not a folder", path);
    return ERR_OK;
}
